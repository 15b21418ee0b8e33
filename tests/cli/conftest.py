"""The command line in this process, and a company that has had its night, for tests that only ask."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs
from pipeline.cli import execute
from pipeline.config import load_settings
from tests import empty
from tests.jobs.nights import Charge, Ended, budgets, write_bill, write_config

Say = Callable[..., Ended]


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
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run


def first_night(folder: Path, **sections: Any) -> Path:
    """Let a company's exports have their first run."""
    with empty.copied():
        jobs.run(load_settings(write_config(folder, **sections), environ={}))
    return folder


def february(folder: Path, cost: str = "9", *, period: str = "2026-02", at: str = "2026-03-01T04:00:00") -> None:
    """Write february.csv: 28 days of this cost."""
    write_bill(folder / "exports" / "february.csv", [Charge(cost=cost, days=28)], period=period, at=at)


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after its run: February (252 USD) and March (210 USD) of one source; tests only read it."""
    folder = tmp_path_factory.mktemp("night")
    write_bill(folder / "exports" / "march.csv")
    february(folder)
    return first_night(folder, cost=budgets(1000))


@pytest.fixture(scope="session")
def night_of_march(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without February and without a budget, for copies that go on with one month."""
    folder = tmp_path_factory.mktemp("march")
    write_bill(folder / "exports" / "march.csv")
    return first_night(folder)


@pytest.fixture
def ready(night: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of ``night`` as the current one."""
    monkeypatch.chdir(night)
    return night


@pytest.fixture
def ran(night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of ``night`` as the current folder, to go on with."""
    return _copy(night, tmp_path, monkeypatch)


@pytest.fixture
def march(night_of_march: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of ``night_of_march`` as the current folder, to go on with."""
    return _copy(night_of_march, tmp_path, monkeypatch)


def _copy(night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(night, tmp_path / "company", symlinks=True))
    monkeypatch.chdir(folder)
    return folder
