"""An S3 server to read from: moto's, on this machine, behind a gate that counts, fails, cuts and slows requests."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "bills"
SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Gate:
    """What stands before the server.

    Attributes:
        gets: how often each object was read, by key.
        refuse: says of a request (its path, how often it has been made) whether it gets a 503.
        cut: after how many bytes the next bodies of objects end, though more were announced.
        before: called with the key before an object is read.
    """

    def __init__(self, inside: Application) -> None:
        self.inside = inside
        self.gets: Counter[str] = Counter()
        self.ranges: list[str] = []
        self.requests: Counter[str] = Counter()
        self.refuse: Callable[[str, int], bool] = lambda path, count: False
        self.status = "503 Slow Down"
        self.code = "SlowDown"
        self.cut: list[int] = []
        self.before: Callable[[str], None] = lambda key: None
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']} {environ.get('HTTP_RANGE', '')}"
        key = environ["PATH_INFO"].removeprefix(f"/{BUCKET}/")
        is_object = environ["REQUEST_METHOD"] == "GET" and bool(key) and "list-type" not in environ["QUERY_STRING"]
        with self._lock:
            self.requests[path] += 1
            count = self.requests[path]
            cut = self.cut.pop(0) if is_object and self.cut else None
            if is_object:
                self.gets[key] += 1
                self.ranges.append(environ.get("HTTP_RANGE", ""))
        if is_object:
            self.before(key)
        if self.refuse(path, count):
            body = f"<Error><Code>{self.code}</Code><Message>not now</Message></Error>".encode()
            start(self.status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [body]
        answer = self.inside(environ, start)
        return answer if cut is None else [b"".join(answer)[:cut]]


def half(path: str, count: int) -> bool:
    """Refuse half of all requests, the same ones in each test run."""
    return hashlib.sha256(f"{path} {count}".encode()).digest()[0] % 2 == 0


class Server:
    """The server, its one bucket, and the gate."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.backend: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        self.backend.put_object(BUCKET, key, data)

    def upload(self, folder: Path, prefix: str = "") -> None:
        """Write the files of a folder as objects, data before manifests, as providers do."""
        files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.suffix == ".json")
        for path in files:
            self.put(prefix + path.relative_to(folder).as_posix(), path.read_bytes())

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.backend.delete_object(BUCKET, key)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def server() -> Iterator[Server]:
    """Run the server for the time of the block; the environment points to it."""
    gate = Gate(DomainDispatcherApplication(create_backend_app))
    made = make_server("127.0.0.1", 0, gate, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.server_port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        found = Server(gate)
        found.backend.create_bucket(BUCKET, "us-east-1")
        yield found
        found.backend.reset()
    made.shutdown()
    thread.join()
    made.server_close()
