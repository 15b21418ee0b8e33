"""Runs that are killed: by the step, from a seed that a failure names, and what must stand after each kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipeline import resources
from tests.jobs.nights import ROOT, environment

DRIVER = ROOT / "tests" / "kill_driver.py"
#: Asked before the tests hide the caller's COSTMILL_* variables.
SEED = int(os.environ.get("COSTMILL_KILL_SEED", "20260322"))
#: Billed charges of the source are one delivery a month; the usage log's are many batches.
LOG = "usage_log"


def drive(config: Path, point: int) -> subprocess.CompletedProcess[str]:
    """Run the night in a process that kills itself at a step; at point 0 it goes to its end and prints the steps."""
    return subprocess.run(driven(config, point), capture_output=True, text=True, env=environment(), check=False)


def driven(config: Path, point: int) -> list[str]:
    """The command that ``drive`` runs."""
    return [sys.executable, str(DRIVER), str(point), str(config)]


@contextmanager
def drawn(what: str) -> Iterator[None]:
    """Name the seed, and what it drew, when something fails within."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"{what}; the same again: COSTMILL_KILL_SEED={SEED}")
        raise


def months_are_whole(connection: duckdb.DuckDBPyConnection) -> None:
    """Each month of a source is one delivery that the ledger calls loaded, and its rollups agree with its charges."""
    bills = f"x_Source <> '{LOG}'"
    charged = connection.execute(
        f"SELECT DISTINCT x_Source, x_BillingPeriod, x_LoadId FROM charges WHERE {bills} ORDER BY ALL"
    ).fetchall()
    loaded = connection.execute(
        f"""SELECT x_Source, x_BillingPeriod, load_id FROM loads
        WHERE status = 'loaded' AND charges > 0 AND {bills} ORDER BY ALL"""
    ).fetchall()
    assert charged == loaded
    assert len({row[:2] for row in charged}) == len(charged)
    months = connection.execute("SELECT DISTINCT x_Source, x_BillingPeriod FROM charges").fetchall()
    for check in ("rollups_match_charges", "charges_have_dimensions", "dimensions_are_unique"):
        text = resources.sql(f"checks/{check}")
        for source, period in months:
            given = {"source": source, "period": period} if "$source" in text else None
            assert connection.execute(text, given).fetchall() == [], check
