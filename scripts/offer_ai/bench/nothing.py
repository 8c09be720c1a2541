"""A service that does nothing: how late its answers are is the machine's and the client's part."""

ANSWER = b'{"decision_id": ""}'


async def app(scope, receive, send) -> None:
    """Answers each request, as ASGI has it, with the same bytes."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": ANSWER})
