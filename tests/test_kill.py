"""A run killed anywhere leaves the last good state, and the next run ends as if nothing had happened.

Real processes, SIGKILL. `COSTMILL_KILL_POINTS=all` tries every step of both nights (many minutes), a number that many
of each, drawn by `COSTMILL_KILL_SEED`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import jobs
from pipeline.config import load_settings
from tests.jobs.nights import (
    Charge,
    ask,
    budgets,
    command,
    dump,
    environment,
    reports,
    write_bill,
    write_config,
)
from tests.kills import SEED, drawn, drive, months_are_whole
from tests.soak import IS_ON, more

pytestmark = pytest.mark.heavy

WISH = os.environ.get("COSTMILL_KILL_POINTS", str(more(1, 40)))
TIMED = more(1, 20)
TEAM = '{"team": "ml"}'


@dataclass(frozen=True)
class Night:
    """A folder before a night, how many steps and seconds the night has, and how the undisturbed one ended.

    Every copy of it runs at the same path: ``run`` beside it.
    """

    before: Path
    steps: int
    seconds: float
    tables: Mapping[str, list[tuple[Any, ...]]]
    reports: Mapping[str, str]


def first_night(folder: Path) -> None:
    """Two sources, one of them with January delivered twice; nothing has run."""
    write_config(
        folder,
        sources=[{"name": "azure", "path": "exports"}, {"name": "lab", "path": "lab"}],
        cost=budgets(200, tags=[{"selector": "team:*", "amount": 150}]),
        tags={"report_keys": ["team"]},
        freshness={"max_age_days": 90},
        usage_log={"keep_days": 0},
    )
    january = [Charge(days=31, tags=TEAM), Charge("Storage", "2.5", resource="disk", tags="", days=31)]
    write_bill(folder / "exports" / "january.csv", january, period="2026-01", at="2026-02-01T04:00:00")
    restated = [january[0], Charge("Storage", "2.25", resource="disk", tags="", days=31)]
    write_bill(folder / "exports" / "january-2.csv", restated, period="2026-01", at="2026-02-05T04:00:00")
    write_bill(folder / "lab" / "march.csv", [Charge(cost="1.125", resource="lab-1")])
    write_segment(folder / "usage" / "closed.jsonl")


def write_segment(path: Path) -> None:
    """A segment of the usage log that nobody writes any more: the night loads it, then removes it."""
    row = {"segment": path.stem, "time": "2026-03-05T10:00:00Z", "provider": "openai", "operation": "embedding"}
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps({**row, "id": n, "cost": "0.25", "currency": "USD"}) + "\n" for n in ("a", "b")))


def second_night(folder: Path) -> None:
    """After the first: January restated again with another resource, March new, an export that cannot be read."""
    restated = [Charge(days=31, cost="9", tags=TEAM), Charge("Storage", "2", resource="disk-2", tags="", days=31)]
    write_bill(folder / "exports" / "january-3.csv", restated, period="2026-01", at="2026-02-09T04:00:00")
    write_bill(folder / "exports" / "march.csv", [Charge(cost="11")])
    (folder / "lab" / "torn.csv").write_text("a,b\n1,2\n")


NIGHTS = ("first", "second")


def config(folder: Path) -> Path:
    return folder / "costmill.yaml"


def warehouse(folder: Path) -> Path:
    return folder / "warehouse" / "costs.duckdb"


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Night]:
    first, second = (tmp_path_factory.mktemp(name) for name in NIGHTS)
    first_night(first / "before")
    found = {"first": _night(first, second / "before")}
    second_night(second / "before")
    return found | {"second": _night(second, second / "after")}


def _night(folder: Path, after: Path) -> Night:
    """Run the night that nobody disturbs, on a copy that ends as ``after``."""
    undisturbed = _copy(folder / "before", folder / "run")
    started = time.monotonic()
    done = drive(config(undisturbed), 0)
    seconds = time.monotonic() - started
    assert done.returncode in (0, 65), done.stderr
    night = Night(
        folder / "before", int(done.stdout), seconds, dump(warehouse(undisturbed)), reports(undisturbed / "reports")
    )
    undisturbed.rename(after)
    return night


def _copy(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target, symlinks=True))


def last_good_state_stands(folder: Path, scratch: Path) -> None:
    """Look at what a kill left, on a copy: opening a database replays its log."""
    aside = _copy(folder, scratch)
    if warehouse(aside).exists():
        with duckdb.connect(str(warehouse(aside))) as connection:
            tables = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
            if "loads" in tables:
                months_are_whole(connection)
    published = folder / "published" / "costs.duckdb"
    if published.is_symlink():
        assert ask(published, "SELECT count(*) > 0 FROM source_periods") == [(True,)]
        with duckdb.connect(str(published), read_only=True) as connection:
            months_are_whole(connection)
    shutil.rmtree(aside)


def the_next_run_finishes(night: Night, folder: Path) -> None:
    """Whatever the kill left, one more run ends where the undisturbed one did, and the one after finds nothing."""
    result = jobs.run(load_settings(config(folder), environ={}))
    assert result.exit_code in (0, 65)
    found = dump(warehouse(folder))
    assert {name: found[name] for name in found if found[name] != night.tables[name]} == {}
    assert reports(folder / "reports") == night.reports
    assert ask(folder / "published" / "costs.duckdb", "SELECT count(*) FROM dirty") == [(0,)]
    assert not list((folder / "usage").iterdir())
    again = jobs.run(load_settings(config(folder), environ={}))
    assert (again.alerts, again.reports, again.published) == ([], [], None)
    leftovers = [path.name for path in folder.rglob("*") if path.name.endswith((".partial", ".link", ".tmp", ".wal"))]
    assert leftovers == []


@contextmanager
def kept_on_failure(folder: Path, aside: Path) -> Iterator[None]:
    """Keep what a kill left, and what the next run made of it."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"what it left and the next run: {folder.rename(aside / 'kept')}")
        raise


def points(steps: int) -> list[int]:
    if WISH == "all":
        return list(range(1, steps + 1))
    return sorted(random.Random(SEED).sample(range(1, steps + 1), min(int(WISH), steps)))


@pytest.mark.parametrize("name", NIGHTS)
def test_a_kill_at_a_step_costs_nothing(nights: dict[str, Night], name: str, tmp_path: Path) -> None:
    night = nights[name]
    for point in points(night.steps):
        folder = _copy(night.before, night.before.with_name("run"))
        killed = drive(config(folder), point)
        assert killed.returncode == -signal.SIGKILL, f"point {point} of {night.steps}: {killed.stderr}"
        with kept_on_failure(folder, tmp_path), drawn(f"killed at point {point} of {night.steps}"):
            last_good_state_stands(folder, tmp_path / "aside")
            the_next_run_finishes(night, folder)
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", NIGHTS if IS_ON else ["second"])
def test_a_kill_at_a_moment_costs_nothing(nights: dict[str, Night], name: str, tmp_path: Path) -> None:
    night = nights[name]
    draw = random.Random(SEED)
    for _ in range(TIMED if WISH != "all" else max(TIMED, 60)):
        folder, moment = _copy(night.before, night.before.with_name("run")), draw.uniform(0, night.seconds)
        with subprocess.Popen(
            command("run", "--config", config(folder)), env=environment(), stderr=subprocess.DEVNULL
        ) as child:
            try:
                child.wait(moment)
            except subprocess.TimeoutExpired:
                child.kill()
        with kept_on_failure(folder, tmp_path), drawn(f"killed after {moment:.3f} of {night.seconds:.3f} s"):
            last_good_state_stands(folder, tmp_path / "aside")
            the_next_run_finishes(night, folder)
        shutil.rmtree(folder)
