"""Two writers, and readers beside them: real processes on one warehouse."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipeline import jobs
from pipeline.config import load_settings
from pipeline.store.warehouse import Warehouse
from tests.jobs.conftest import Say
from tests.jobs.nights import (
    UNTOUCHED,
    Charge,
    ask,
    budgets,
    command,
    costmill,
    dump,
    environment,
    facts,
    first_night,
    inside,
    write_bill,
    write_config,
)

INTERRUPTED = "costmill: interrupted; the last good state stands, run again to go on"


@pytest.fixture
def folder(place: Path) -> Path:
    """March, not run yet."""
    write_bill(place / "exports" / "march.csv")
    return place


@pytest.fixture
def config(folder: Path) -> Path:
    """March after its first night."""
    path = write_config(folder)
    assert first_night(path).code == 0
    return path


def warehouse(folder: Path) -> Path:
    return folder / "warehouse" / "costs.duckdb"


def published(folder: Path) -> Path:
    return folder / "published" / "costs.duckdb"


@contextmanager
def started(config: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that goes on beside the test; one that is still running at the end is killed."""
    with subprocess.Popen(
        command("run", "--config", config, "-v"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as child:
        yield child
        child.kill()


@pytest.mark.heavy
def test_of_two_runs_at_once_one_waits_and_then_finds_nothing_new(folder: Path) -> None:
    config = write_config(folder, cost=budgets(200))
    with started(config) as one, started(config) as other:
        told = [child.communicate()[1] for child in (one, other)]
        assert (one.returncode, other.returncode) == (0, 0)
    assert sorted("(loaded, known)" in each for each in told) == [False, True]
    assert (
        sum(each.count("alert fired") for each in told)
        == inside(warehouse(folder), "SELECT count(*) FROM budget_alerts")[0][0]
    )
    assert inside(warehouse(folder), "SELECT count(*) FROM loads") == [(1,)]


def test_without_patience_a_second_writer_ends_with_75_and_changes_nothing(
    config: Path, folder: Path, say: Say
) -> None:
    write_config(folder, writer_wait_seconds=0)
    before = facts(folder)
    with Warehouse.open(warehouse(folder)):
        ended = say("run", "--config", config)
    assert (ended.code, ended.stdout) == (75, "")
    assert ended.stderr == (
        f"costmill: {warehouse(folder)}: another costmill is writing and did not finish within 0 s; "
        "nothing was changed, try again\n"
    )
    assert facts(folder) == before


@pytest.mark.parametrize("asking", [["status"], ["budgets"], ["sql", "SELECT 1"]])
def test_who_only_asks_never_meets_the_writer(config: Path, folder: Path, say: Say, asking: list[str]) -> None:
    write_config(folder, writer_wait_seconds=0)
    with Warehouse.open(warehouse(folder)):
        assert say(*asking, "--config", config).code == 0


@pytest.mark.heavy
def test_an_analyst_reads_on_in_the_old_copy_while_a_run_publishes_a_new_one_and_the_last_two_stay(
    config: Path, folder: Path, say: Say
) -> None:
    first = published(folder).readlink().name
    query = "SELECT sum(BilledCost) FROM focus_data_table"
    with duckdb.connect(str(published(folder)), read_only=True) as analyst:
        assert analyst.execute(query).fetchall() == [(Decimal(210),)]
        write_bill(folder / "exports" / "march.csv", [Charge(cost="9")], at="2026-03-22T05:00:00")
        assert costmill("run", "--config", config).code == 0
        assert analyst.execute(query).fetchall() == [(Decimal(210),)]
    assert ask(published(folder), query) == [(Decimal(189),)]
    assert copies(folder) == [first, second := published(folder).readlink().name]
    write_bill(folder / "exports" / "march.csv", [Charge(cost="8")], at="2026-03-22T06:00:00")
    say("run", "--config", config)
    assert copies(folder) == [second, published(folder).readlink().name]


def copies(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "published").iterdir() if not path.is_symlink())


def test_a_foreign_file_at_the_published_path_is_refused_before_anything_is_done(folder: Path, say: Say) -> None:
    config = write_config(folder)
    published(folder).parent.mkdir()
    published(folder).write_text("mine")
    ended = say("run", "--config", config)
    assert ended.code == 78
    assert "publish.path names a file that Costmill did not publish, and it was left alone" in ended.stderr
    assert published(folder).read_text() == "mine"
    assert not warehouse(folder).exists()


def test_a_lost_published_copy_comes_back_with_the_next_run(config: Path, folder: Path, say: Say) -> None:
    for path in (folder / "published").iterdir():
        path.unlink()
    assert say("run", "--config", config).code == 0
    assert ask(published(folder), "SELECT sum(BilledCost) FROM focus_data_table") == [(Decimal(210),)]


def test_the_published_copy_knows_that_its_run_has_ended(config: Path, folder: Path) -> None:
    assert ask(published(folder), "SELECT count(*), count(ended_at), max(exit_code) FROM runs") == [(1, 1, 0)]


def test_an_interrupted_run_says_so_and_the_next_one_finishes(config: Path, folder: Path, say: Say) -> None:
    before = dump(warehouse(folder), UNTOUCHED)
    with Warehouse.open(warehouse(folder)), started(config) as child:
        while f"{warehouse(folder)}.lock" not in _open_files(child.pid):
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        told = child.communicate()[1]
        assert child.returncode == 130
    assert told.strip() == INTERRUPTED
    assert say("run", "--config", config).code == 0
    assert dump(warehouse(folder), UNTOUCHED) == before


def test_an_interrupt_in_the_middle_of_a_query_is_one_too(config: Path) -> None:
    endless = "SELECT count(*) FROM range(100000000) AS a, range(1000000) AS b WHERE a.range * b.range % 7 = 3"
    with subprocess.Popen(
        command("sql", endless, "--config", config),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as child:
        while "published/costs." not in "".join(_open_files(child.pid)):
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        told = child.communicate()[1]
    assert (child.returncode, told.strip()) == (130, INTERRUPTED)


def test_the_ledger_says_that_a_run_was_interrupted(folder: Path) -> None:
    def interrupt(step: jobs.Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.run(load_settings(write_config(folder), environ={}), listen=interrupt)
    assert inside(warehouse(folder), "SELECT exit_code FROM runs") == [(130,)]


def _open_files(pid: int) -> list[str]:
    """What a process has open (Linux)."""
    folder = Path("/proc") / str(pid) / "fd"
    if not folder.is_dir():
        pytest.skip("needs /proc to see when the child waits")
    found = []
    for link in folder.iterdir():
        with suppress(FileNotFoundError):  # closed in between
            found.append(str(link.readlink()))
    return found
