"""One mail server for all tests, emptied for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.cli import execute
from tests import empty
from tests.deliver import server as smtp
from tests.deliver.server import Mailbox, Server
from tests.jobs.nights import Ended

Say = Callable[..., Ended]


@pytest.fixture(scope="session", autouse=True)
def _copied_warehouses() -> Iterator[None]:
    """Nights begin without a warehouse; the one that they make is a copy."""
    with empty.copied():
        yield


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command line in this process: code, stdout, stderr."""

    def run(*arguments: str | Path) -> Ended:
        capsys.readouterr()
        code = execute([str(each) for each in arguments])
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server, running."""
    found = smtp.start(tmp_path_factory.mktemp("smtp"))
    yield found
    found.controller.stop()


@pytest.fixture
def server(running: Server) -> Server:
    """The server, without anything of another test."""
    running.mailbox.clear()
    return running


@pytest.fixture
def mailbox(server: Server) -> Mailbox:
    """What it took."""
    return server.mailbox
