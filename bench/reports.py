"""`python -m bench.reports`: how long a month's page takes, HTML and Markdown together, from the rollups.

One month of made-up charges is loaded and summarised. `first` is a process that has rendered nothing yet, with all its
imports; `again` is its next page. Beside them plain DuckDB sums what the page's largest tables show from the charges.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from bench.budgets import apart
from bench.generate import exports
from pipeline.config import Settings, SourceSettings
from pipeline.config.settings import default_settings

PERIOD, AS_OF = "2026-03", datetime(2026, 4, 2)
KEYS = ("team", "env", "app")
#: What the page says by category, day, resource and tag, asked of the charges.
PLAIN = (
    "SELECT ServiceCategory, ServiceName, sum(BilledCost), sum(EffectiveCost), sum(ListCost) FROM t GROUP BY ALL",
    "SELECT CAST(ChargePeriodStart AS DATE), sum(BilledCost) FROM t GROUP BY ALL",
    "SELECT ResourceId, ResourceName, RegionId, ServiceName, sum(BilledCost) AS c FROM t GROUP BY ALL ORDER BY c DESC",
    "SELECT json_extract_string(Tags, '$.team'), sum(BilledCost) FROM t GROUP BY ALL",
)

Measured = tuple[float, float, float, int]


def main() -> None:
    """Load each size of a month, and print a line for each way to its figures."""
    parser = argparse.ArgumentParser(prog="bench.reports", description=__doc__)
    parser.add_argument("--charges", type=int, nargs="+", default=[100_000, 1_000_000], help="charges of the month")
    parser.add_argument("--data", type=Path, default=Path(__file__).with_name("data"), help="where files are kept")
    given = parser.parse_args()
    print(f"{'charges':>11} {'what':8}| {'s':>7}{'CPU s':>8}{'peak MB':>9}{'KB':>8}")
    for charges in given.charges:
        export = next(each for each in exports(given.data.resolve(), charges) if "DECIMAL" in each.form)
        with tempfile.TemporaryDirectory() as folder:
            settings = configured(Path(folder), export.path)
            apart(load, settings)
            rows = [*zip(("first", "again"), apart(pages, settings), strict=True), ("plain", apart(plain, settings))]
            for name, (seconds, cpu, peak, size) in rows:
                print(f"{charges:11,} {name:8}| {seconds:7.2f}{cpu:8.2f}{peak:9,.0f}{size / 1000:8,.0f}", flush=True)


def configured(folder: Path, export: Path) -> Settings:
    """Return settings for one source and the tag keys of the made-up company."""
    own = default_settings(folder / "costs.duckdb", environ={})
    return replace(own, sources=(SourceSettings("bill", str(export)),), tags=replace(own.tags, report_keys=KEYS))


def load(settings: Settings) -> None:
    """Load and summarise as a night does."""
    from pipeline import jobs

    with jobs.night(settings, "bench", as_of=AS_OF, create=True) as night:
        night.load([(source, [source.path]) for source in settings.sources])
        night.summarise()


def pages(settings: Settings) -> list[Measured]:
    """Render the month twice in this process."""
    return [_measured(lambda number=number: _render(settings, number)) for number in range(2)]  # type: ignore[misc]


def _render(settings: Settings, number: int) -> int:
    from pipeline.reports.render import render_report
    from pipeline.store.warehouse import Warehouse

    out = settings.warehouse.parent / f"out{number}"
    with Warehouse.open(settings.warehouse) as warehouse:
        paths = render_report(
            warehouse, PERIOD, out=out, as_of=AS_OF, generated_at=AS_OF, version="bench", tag_keys=KEYS
        )
    return sum(path.stat().st_size for path in paths)


def plain(settings: Settings) -> Measured:
    """Ask plain DuckDB for the sums, of a flat table of the charges."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        flat = "CREATE TEMP TABLE t AS SELECT * FROM focus_data_table WHERE x_BillingPeriod = ?"
        connection.execute(flat, [PERIOD])
        return _measured(lambda: sum(len(str(connection.sql(query).fetchall())) for query in PLAIN))


def _measured(work: Callable[[], int]) -> Measured:
    began, used = time.monotonic(), time.process_time()
    size = work()
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    return seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, size


if __name__ == "__main__":
    main()
