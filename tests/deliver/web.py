"""A web server on this machine that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """What the server says; ``code`` 0: it hangs up after it read the request."""

    code: int = 200
    body: bytes = b"ok"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    """What it was asked."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Web:
    """The server: its address, its answers in turn (the last one stays), what it was asked."""

    address: str
    answers: list[Answer] = field(default_factory=lambda: [Answer()])
    requests: list[Request] = field(default_factory=list)
    on_request: Callable[[], None] = field(default=lambda: None)

    @property
    def host(self) -> str:
        """Name and port."""
        return self.address.removeprefix("http://")


@contextmanager
def serving() -> Iterator[Web]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            web.requests.append(Request(self.path, dict(self.headers), body))
            web.on_request()
            answer = web.answers.pop(0) if len(web.answers) > 1 else web.answers[0]
            if answer.code == 0:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(answer.code)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (OSError, ValueError):  # it hung up itself
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web = Web(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
