"""Make the summaries of one billing period from its rollups: frames in, frames by table out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING

from pipeline import periods, resources
from pipeline.night.splitting import split_tables
from pipeline.store import reach, rollups
from pipeline.store.warehouse import Warehouse

if TYPE_CHECKING:
    import polars as pl

#: The last day that recorded usage covers whole: the newest record's is not over.
_LAST_RECORDED = "SELECT max(ChargeDay) - 1 FROM model_costs WHERE x_Origin = 'recorded'"


def write_summaries(warehouse: Warehouse, period: str, keys: Sequence[str]) -> tuple[int, list[str]]:
    """Make the summaries of a billing period and its shared costs anew; returns the rows written and what must be told."""
    tables = summaries_of(warehouse, period, keys)
    divided, told = split_tables(warehouse, period)
    tables |= divided
    with warehouse.transaction():
        for table, frame in tables.items():
            warehouse.execute(f"DELETE FROM {table} WHERE x_BillingPeriod = ?", [period])
            warehouse.insert(table, frame)
        rollups.done(warehouse, period, "summaries")
        rollups.touch(warehouse)
    return sum(frame.height for frame in tables.values()), told


def summaries_of(warehouse: Warehouse, period: str, keys: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Return each summary table's rows of a billing period; ``keys`` are the reported tag keys (none: all)."""
    import polars as pl

    from pipeline import summaries

    both = [period, periods.previous(period)]
    daily = warehouse.frame("SELECT * FROM daily_costs WHERE x_BillingPeriod IN (?, ?)", both).lazy()
    own = daily.filter(pl.col("x_BillingPeriod") == period)
    costs = warehouse.frame(resources.sql("night/tagged_costs"), [period]).lazy()
    named = warehouse.frame(resources.sql("night/resources"), [period]).lazy()
    tags = warehouse.frame(resources.sql("night/tags"), [period, list(keys), not keys]).lazy()
    committed = warehouse.frame("SELECT * FROM commitment_costs WHERE x_BillingPeriod = ?", [period]).lazy()
    day = last_complete_day(warehouse, period)
    metered = metered_costs(warehouse, period, day).lazy()
    return {
        "category_summary": summaries.category_summary(own).collect(),
        "resource_summary": summaries.resource_summary(costs, named).collect(),
        "tag_summary": summaries.tag_summary(costs, tags, keys).collect(),
        "tag_coverage": summaries.tag_coverage(costs, tags, named, keys).collect(),
        "trend_summary": summaries.trend_summary(daily, period=period, last_complete_day=day).collect(),
        "commitment_summary": summaries.commitment_summary(committed).collect(),
        "mover_summary": summaries.mover_summary(daily, period=period, last_complete_day=day).collect(),
        "mover_reasons": summaries.mover_reasons(metered, period=period, last_complete_day=day).collect(),
    }


def metered_costs(warehouse: Warehouse, period: str, last_complete_day: date | None) -> pl.DataFrame:
    """Ask the charges, which alone know their meters, for what ``mover_reasons`` goes by: sums of two billing periods."""
    from pipeline.summaries.reasons import counted_before

    given = {"period": period, "before": periods.previous(period), "end": counted_before(period, last_complete_day)}
    return warehouse.frame(resources.sql("night/metered_costs"), given)


def last_days(warehouse: Warehouse, period: str) -> dict[str, date | None]:
    """The day that figures of a billing period end with, by source: its last complete day, or the month's once it is over."""
    return {source: each.figures_end for source, each in reach.of_period(warehouse, period).items()}


def last_complete_day(warehouse: Warehouse, period: str) -> date | None:
    """The earliest of the sources' ``last_days``; None when no source has one."""
    return min((day for day in last_days(warehouse, period).values() if day is not None), default=None)


def write_model_summaries(
    warehouse: Warehouse, summarised: Collection[str], *, everything: bool = False
) -> dict[str, int]:
    """Bring model_summary up to date where AI usage or a bill's days changed, and in the billing periods next to those;
    returns the rows of those that differ from what was stored.

    Args:
        summarised: billing periods whose other summaries were made.
        everything: make those of all billing periods anew.
    """
    due = rollups.due(warehouse, rollups.MODELS)
    known = {row[0] for row in warehouse.rows("SELECT DISTINCT x_BillingPeriod FROM model_costs")} | {*due}
    if not known:
        return {}
    written: dict[str, int] = {}
    changed = known if everything else {*due, *summarised}
    ordered = sorted(known | changed)
    for before, period, after in zip([None, *ordered], ordered, [*ordered[1:], None], strict=False):
        if period in known and not changed.isdisjoint({before, period, after}):
            written |= _write_model_summary(warehouse, period)
    return written


def _write_model_summary(warehouse: Warehouse, period: str) -> dict[str, int]:
    """Write a billing period's model_summary, and note its report as due, where it is another one than is stored."""
    from pipeline import summaries
    from pipeline.summaries.model import KEYS

    both = [period, periods.previous(period)]
    usage = warehouse.frame("SELECT * FROM model_costs WHERE x_BillingPeriod IN (?, ?)", both).lazy()
    last = {"billed": last_complete_day(warehouse, period), "recorded": warehouse.value(_LAST_RECORDED)}
    made = summaries.model_summary(usage, period=period, last_days=last).collect()
    stored = warehouse.frame("SELECT * FROM model_summary WHERE x_BillingPeriod = ?", [period])
    with warehouse.transaction():
        rollups.done(warehouse, period, rollups.MODELS)
        if made.equals(stored.sort(KEYS, nulls_last=True)):
            return {}
        warehouse.execute("DELETE FROM model_summary WHERE x_BillingPeriod = ?", [period])
        warehouse.insert("model_summary", made)
        rollups.mark_reports(warehouse, period)
    return {period: made.height}


def write_fiscal_summary(warehouse: Warehouse, year_start: int) -> bool:
    """Bring the table fiscal_summary up to date; True when it changed."""
    from pipeline import summaries

    months = warehouse.frame("SELECT * FROM trend_summary WHERE grain = 'month'").lazy()
    made = summaries.fiscal_summary(months, year_start=year_start).collect()
    stored = warehouse.frame("SELECT * FROM fiscal_summary")
    if made.sort(made.columns).equals(stored.sort(made.columns)):
        return False
    with warehouse.transaction():
        warehouse.execute("DELETE FROM fiscal_summary")
        warehouse.insert("fiscal_summary", made)
        rollups.touch(warehouse)
    return True
