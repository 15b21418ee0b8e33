"""A small company, its nights in this process, and what they said."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.cli import execute
from tests import empty
from tests.jobs.nights import Ended

Say = Callable[..., Ended]


@pytest.fixture(scope="module", autouse=True)
def _copied_warehouses() -> Iterator[None]:
    """Nights begin without a warehouse; the one that they make is a copy."""
    with empty.copied():
        yield


@pytest.fixture(scope="module")
def _place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place") / "company"


@pytest.fixture
def place(_place: Path) -> Iterator[Path]:
    """A folder that is empty, at one path in all tests of a module: reports know where they are."""
    _place.mkdir()
    yield _place
    shutil.rmtree(_place)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command line in this process: code, stdout, stderr."""

    def run(*arguments: str | Path) -> Ended:
        capsys.readouterr()
        code = execute([str(each) for each in arguments])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run
