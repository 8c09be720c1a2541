"""A store of objects over HTTP that fails as it is told, in front of moto's."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

SLOW_DOWN = (503, b"<Error><Code>SlowDown</Code><Message>Ask less.</Message></Error>")


class FailingStore:
    """Passes requests on to a server; `fail` may answer instead, or cut an answer short.

    `fail` is called with method, path (decoded) and how often that path was asked for. It
    returns None, a status and a body, or a number: only so many bytes of the answer are sent.
    `requests` holds method and path with its query, in order.
    """

    def __init__(self, behind: str):
        self.behind, self.fail, self.requests = behind, lambda *_: None, []
        self.lock = threading.Lock()
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                store.answer(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(asked.path).path)
        with self.lock:
            self.requests.append((asked.command, asked.path))
            times = sum(urlsplit(known).path == urlsplit(asked.path).path
                        for _, known in self.requests)
        told = self.fail(asked.command, path, times)
        headers = {}
        if isinstance(told, tuple):
            status, body = told
        else:
            sent = asked.rfile.read(int(asked.headers.get("Content-Length", 0)))
            request = Request(self.behind + asked.path, data=sent or None, method=asked.command,
                              headers=dict(asked.headers))
            try:
                with urlopen(request) as answer:
                    status, headers, body = answer.status, answer.headers, answer.read()
            except HTTPError as error:
                status, headers, body = error.code, error.headers, error.read()
        asked.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date"):
                asked.send_header(name, value)
        length = headers.get("Content-Length") if asked.command == "HEAD" else len(body)
        asked.send_header("Content-Length", str(length or 0))
        asked.end_headers()
        if isinstance(told, int):
            asked.wfile.write(body[:told])
            asked.close_connection = True
        elif asked.command != "HEAD":
            asked.wfile.write(body)

    def stop(self) -> None:
        self.server.shutdown()

