"""`python -m bench.budgets`: a night's budgets over twelve months of costs, beside Polars summing the same costs by tag.

The first evaluation judges every window; the nightly one those of the last month, after its bill was loaded again. Both are
``Night.check_budgets`` as the night calls it: read, judged, written with alerts. Each is a process of its own, so that its
peak memory is.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from pipeline import Policy, jobs
from pipeline.budgets import policy_table
from pipeline.config import BudgetsConfig, Settings, SourceSettings
from pipeline.config.budgets import PeriodBy, PeriodName, ScopeBudget
from pipeline.config.settings import default_settings
from pipeline.store.warehouse import Warehouse

AS_OF = datetime(2026, 12, 31, 12)
TEAMS = 500
#: So many budgets have one policy among them.
POLICIES = 3
#: Of two hundred budgets so many have each period.
SHARES: dict[PeriodName, int] = {"monthly": 160, "quarterly": 20, "yearly": 10, "weekly": 9, "daily": 1}
PERIODS = tuple(period for period, count in SHARES.items() for _ in range(count))

BILL = """
COPY (
    SELECT
        'Microsoft' AS ProviderName, 'Microsoft' AS PublisherName, 'Microsoft' AS InvoiceIssuerName, 'acct' AS BillingAccountId,
        'USD' AS BillingCurrency, date_trunc('month', day) AS BillingPeriodStart,
        date_trunc('month', day) + INTERVAL 1 MONTH AS BillingPeriodEnd, day AS ChargePeriodStart,
        day + INTERVAL 1 DAY AS ChargePeriodEnd, 'Usage' AS ChargeCategory, 'Compute' AS ServiceCategory,
        'Virtual Machines' AS ServiceName, 'sub-1' AS SubAccountId, 'vm-' || team AS ResourceId, cost AS BilledCost,
        cost AS EffectiveCost, cost AS ListCost, cost AS ContractedCost,
        MAP {'team': 'team-' || team, 'app': 'app-' || (team * 12 + month(day))} AS Tags
    FROM (
        SELECT team, day, CAST(CAST($more + hash(team, day) % 90000 AS INTEGER) AS DECIMAL(18, 6)) / 1000 AS cost
        FROM range($teams) AS teams (team), range(TIMESTAMP '2026-01-01', TIMESTAMP '2026-12-31', INTERVAL 1 DAY) AS days (day)
        WHERE month(day) >= $since
    )
) TO '{path}' (FORMAT parquet)"""


def main() -> None:
    """Load, measure the first and the nightly evaluation and the plain sums, and print a line for each."""
    parser = argparse.ArgumentParser(prog="bench.budgets", description=__doc__)
    parser.add_argument(
        "--budgets", type=int, default=10_000, help="budgets, a third of them policies (default: 10,000)"
    )
    given = parser.parse_args()
    print(
        f"{given.budgets:,} budgets, {TEAMS:,} teams, 12 months\n{'':9} | {'s':>8}{'CPU s':>8}{'peak MB':>9}{'windows':>9}"
    )
    with tempfile.TemporaryDirectory(prefix="costmill-bench-") as folder:
        settings = configured(Path(folder), given.budgets)
        apart(prepare, settings, given.budgets)
        measured("first", evaluate, settings)
        apart(deliver_again, settings)
        measured("nightly", evaluate, settings)
        measured("plain", plain, settings)


def configured(folder: Path, budgets: int) -> Settings:
    """Return settings with the budgets of the file, and what is delivered to a folder as their source."""
    return replace(
        default_settings(folder / "costs.duckdb", environ={}),
        sources=(SourceSettings("bill", str(folder / "*.parquet")),),
        budgets=BudgetsConfig(scopes=tuple(_budget(number) for number in range(budgets - budgets // POLICIES))),
    )


def prepare(settings: Settings, budgets: int) -> None:
    """Make the policies, and load twelve months through the program's own load."""
    bill(settings.warehouse.parent / "year.parquet", since=1, more=1)
    with Warehouse.open(settings.warehouse) as warehouse, warehouse.transaction():
        for number in range(budgets // POLICIES):
            policy_table.insert(warehouse, _policy(number))
    load(settings)


def deliver_again(settings: Settings) -> None:
    """Load December's bill once more, a little of every cost changed."""
    bill(settings.warehouse.parent / "december.parquet", since=12, more=2)
    load(settings)


def bill(path: Path, *, since: int, more: int) -> None:
    """Write the year's months from ``since`` on."""
    with duckdb.connect() as connection:
        connection.execute(BILL.replace("{path}", str(path)), {"teams": TEAMS, "since": since, "more": more})


def load(settings: Settings) -> None:
    """Load what is new, and nothing else of a night."""
    with jobs.night(settings, "bench", as_of=AS_OF) as night:
        night.load([(source, [source.path]) for source in settings.sources])


def evaluate(settings: Settings) -> int:
    """Check the budgets as the night does; returns how many windows there are then."""
    with jobs.night(settings, "bench", as_of=AS_OF) as night:
        night.check_budgets()
        return int(night.warehouse.value("SELECT count(*) FROM budget_status"))


def plain(settings: Settings) -> int:
    """Sum the same costs by tag and month, and by tag and day, with Polars alone."""
    import polars as pl

    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        daily = connection.sql("SELECT ChargeDay, x_BillingPeriod, x_ReportedTags, BilledCost FROM daily_costs").pl()
    tags = daily.lazy().with_columns(
        *(pl.col("x_ReportedTags").str.json_path_match(f"$.{key}").alias(key) for key in ("team", "app"))
    )
    asked = [tags.group_by(key, by).agg(pl.col("BilledCost").sum()) for key in ("team", "app") for by in _BY]
    return sum(frame.height for frame in pl.collect_all(asked))


def measured(name: str, work: Callable[[Settings], int], settings: Settings) -> None:
    """Run in a process of its own and print its line."""
    seconds, cpu, peak, windows = apart(_measure, work, settings)
    print(f"{name:9} | {seconds:8.1f}{cpu:8.1f}{peak:9,.0f}{windows:9,}", flush=True)


def apart(work: Callable[..., Any], *given: object) -> Any:
    """Run in a process of its own, where DuckDB draws its bars for nobody.

    A child's peak memory begins with its parent's, so that the parent does nothing itself.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_mute) as pool:
        return pool.submit(work, *given).result()


def _mute() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _measure(work: Callable[[Settings], int], settings: Settings) -> tuple[float, float, float, int]:
    began, used = time.monotonic(), time.process_time()
    windows = work(settings)
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    return seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, windows


_BY = ("x_BillingPeriod", "ChargeDay")


def _budget(number: int) -> ScopeBudget:
    selector = f"team:team-{number}" if number < TEAMS else f"app:app-{number - TEAMS}"
    period = PERIODS[number % len(PERIODS)]
    by: PeriodBy = "charge" if period in ("weekly", "daily") else "billing"
    return ScopeBudget("tag", selector, Decimal(1000 + number), "USD", period, period_by=by)


def _policy(number: int) -> Policy:
    scope, name = ("team", f"team-{number % TEAMS}") if number else ("global", "")
    period, id = PERIODS[number % len(PERIODS)], f"p{number}"
    made = Policy(id, 5000, scope, name, period=period, id=id, origin="billed")
    return replace(made, created_at=AS_OF, created_by="bench", updated_at=AS_OF, updated_by="bench")


if __name__ == "__main__":
    main()
