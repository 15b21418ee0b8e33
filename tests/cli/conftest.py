"""The command line in this process, and a company that has had its night, for tests that only ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

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


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after its run: February (252 USD) and March (210 USD) of one source; tests only read it."""
    folder = tmp_path_factory.mktemp("night")
    write_bill(folder / "exports" / "march.csv")
    february = [Charge(cost="9", days=28)]
    write_bill(folder / "exports" / "february.csv", february, period="2026-02", at="2026-03-01T04:00:00")
    jobs.run(load_settings(write_config(folder, cost=budgets(1000)), environ={}))
    return folder


@pytest.fixture
def ready(night: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of ``night`` as the current one."""
    monkeypatch.chdir(night)
    return night
