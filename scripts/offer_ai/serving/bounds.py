"""What a request may be before anything reads it: how large, from whom, how often."""

import hmac
import re
import threading
import time

from starlette.responses import JSONResponse

MAX_BODY = 16_384  # bytes
# Of an answer that is for one program alone: no cache keeps it, no page shows or frames it. Source:
# OWASP, REST Security Cheat Sheet. TLS, and what says that there is no other way, is a proxy's.
HEADERS = {
    "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY"}
RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
BASE64 = re.compile("(?:[A-Za-z0-9+/]{4}){5,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)")
TOO_LARGE = f"the body needs a Content-Length of at most {MAX_BODY} bytes"


class Bounds:
    """ASGI middleware: refuses large bodies, counts refusals, sets headers.

    Written on the protocol itself: what Starlette offers for functions makes two tasks of each
    request, which shows in the slowest of them.
    """

    def __init__(self, app, refused):
        self.app, self.refused = app, refused

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_on(message):
            if message["type"] == "http.response.start":
                if 400 <= message["status"] < 500:
                    self.refused.labels(message["status"]).inc()
                message["headers"] = [*message.get("headers", ()), *RAW]
            await send(message)

        if scope["method"] == "POST" and is_too_large(scope["headers"]):
            return await JSONResponse({"detail": TOO_LARGE}, 413)(scope, receive, send_on)
        return await self.app(scope, receive, send_on)


def is_too_large(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a body is, or does not say how large it is."""
    length = b"0"
    for name, value in headers:
        if name == b"content-length":
            length = value
        elif name == b"transfer-encoding":
            return True
    return not length.isdigit() or int(length) > MAX_BODY


class Keys:
    """Who may ask, and how often a second.

    `told` is one key, or several with names (`game=abc shop=def`); none lets everyone in, under
    the name `anyone`. A word in base64 with `=` at its end, of 16 bytes or more, is a key. Raises
    ValueError where a name stands twice or without a key.
    """

    def __init__(self, told: str | None = None, per_second: float | None = None):
        self.keys: dict[str, bytes] = {}
        for word in (told or "").split():
            name, is_named, key = word.partition("=")
            if not is_named or BASE64.fullmatch(word):
                name, key = "default", word
            if not key.strip("=") or not name or name in self.keys:
                raise ValueError("OFFER_AI_API_KEY is one key, or several as name=key separated by "
                                 "spaces, each name once.")
            # What comes in a header is UTF-8 and is read as latin-1.
            self.keys[name] = key.encode().decode("latin-1").encode()
        self.per_second, self.lock = per_second, threading.Lock()
        self.left: dict[str, tuple[float, float]] = {}

    def name_of(self, key: str | None) -> str | None:
        """Whose key a header's text is; None for nobody's. Takes as long for any wrong key."""
        if not self.keys:
            return "anyone"
        found = [name for name, known in self.keys.items()
                 if hmac.compare_digest((key or "").encode(), known)]
        return found[0] if found else None

    def wait(self, name: str) -> float:
        """Takes one request of a second's worth; seconds to wait for it where none is left."""
        if self.per_second is None:
            return 0.0
        most = max(self.per_second, 1.0)
        with self.lock:
            now = time.monotonic()
            left, seen = self.left.get(name, (most, now))
            left = min(most, left + (now - seen) * self.per_second)
            is_left = left >= 1
            self.left[name] = (left - 1 if is_left else left, now)
        return 0.0 if is_left else (1 - left) / self.per_second
