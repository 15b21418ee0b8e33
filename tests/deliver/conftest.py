"""One mail server, one web server and one loaded warehouse for all tests, as new for each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import execute
from tests import empty
from tests.deliver import server as smtp
from tests.deliver.server import Mailbox, Server
from tests.deliver.web import Answer, Web, serving
from tests.jobs.nights import Ended, budgets, write_bill, write_config

Say = Callable[..., Ended]
BOB, KIM = "bob@example.com", "kim@example.com"
OWNERS = {"ML": [BOB, KIM]}
TEAM = {"selector": "team:ml", "amount": 250, "owner": "ML"}
COST = budgets(150, tags=[TEAM])


@pytest.fixture(scope="module", autouse=True)
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


@pytest.fixture(scope="session")
def serving_web() -> Iterator[Web]:
    """A web server, running."""
    with serving() as found:
        yield found


@pytest.fixture
def web(serving_web: Web) -> Web:
    """The web server, without anything of another test; it says yes."""
    serving_web.requests.clear()
    serving_web.answers[:] = [Answer()]
    serving_web.on_request = lambda: None
    return serving_web


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """March through the 21st, loaded, two budgets judged, and nobody told of it yet."""
    folder = tmp_path_factory.mktemp("loaded")
    write_bill(folder / "exports" / "march.csv")
    assert execute(["run", "--no-deliver", "--config", str(write_config(folder, cost=COST))]) == 0
    return folder


@pytest.fixture
def copied(loaded: Path, tmp_path: Path) -> Path:
    """A copy of the loaded company, of one's own."""
    return Path(shutil.copytree(loaded, tmp_path, symlinks=True, dirs_exist_ok=True))


@pytest.fixture
def company(copied: Path) -> Callable[..., Path]:
    """The loaded company, and what is mailed of it on the 22nd; called again it says otherwise."""

    def configure(mail: dict[str, Any], **sections: Any) -> Path:
        return write_config(copied, **{"cost": COST, "mail": {"owners": OWNERS, **mail}, **sections})

    return configure
