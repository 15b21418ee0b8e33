"""What changed the bill most against the billing period before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import polars as pl

from pipeline import money, periods
from pipeline.summaries.measures import CURRENCY, PERIOD, bill_day, exactly, is_billed, with_total
from pipeline.summaries.trend import days_covered

#: What a change is told by: each dimension on its own explains the whole change.
DIMENSIONS = ("ServiceName", "SubAccountId", "x_ResourceType")
COLUMNS = (
    *(PERIOD, CURRENCY, "dimension", "key", "BilledCost", "previous_BilledCost"),
    *("expected_BilledCost", "change", "share_of_change"),
)


def mover_summary(daily: pl.LazyFrame, *, period: str, last_complete_day: date | None) -> pl.LazyFrame:
    """Compare one bill's covered days with the bill before. Grain: currency, dimension (``DIMENSIONS``), key.

    Expected is the whole bill before brought to the days covered. All charges count alike: a yearly fee shows as a
    mover when it falls due, and a month's tax and credits are spread over its days. Both sides end together: what is
    dated after the last complete day is not in BilledCost, since one source may be days ahead of another; when the
    month is covered whole, BilledCost is the whole bill. A charge dated outside its billing period's month counts in
    the month's first or last day (``measures.bill_day``).

    Args:
        daily: rows of ``daily_costs`` of ``period`` and the billing period before; others are left aside.
        period: label of the billing period, such as ``2026-03``.
        last_complete_day: last day (UTC) that the usage of all sources covers whole; None: not one day yet.

    Returns:
        The columns of ``mover_summary``, sorted by currency (NULL last), dimension, size of the change (largest
        first) and key (NULL last). Costs are Decimal(38,18) in the row's BillingCurrency. No rows when ``daily`` has
        no billed charge of the billing period before, or no day is covered.

    Raises:
        UsageError: when ``period`` is no label.
    """
    before = periods.previous(period)
    days, days_before = days_covered(period, last_complete_day), periods.month(before).days
    of_period = pl.col(PERIOD) == period
    return (
        daily.filter(is_billed(), pl.col(PERIOD).is_in([before, period]))
        .filter((pl.col(PERIOD) == before).any(), pl.lit(days > 0))
        .filter(~of_period | (bill_day() <= pl.lit(last_complete_day, dtype=pl.Date)))
        .unpivot(DIMENSIONS, index=[PERIOD, CURRENCY, "BilledCost"], variable_name="dimension", value_name="key")
        .group_by(CURRENCY, "dimension", "key")
        .agg(
            pl.col("BilledCost").filter(of_period).sum(),
            pl.col("BilledCost").filter(~of_period).sum().alias("previous_BilledCost"),
        )
        .with_columns(expected_BilledCost=exactly(brought_to(days, days_before), "previous_BilledCost"))
        .with_columns(change=pl.col("BilledCost") - pl.col("expected_BilledCost"))
        .pipe(with_total, "change", "whole_change", by=(CURRENCY, "dimension"))
        .with_columns(share_of_change=exactly(money.ratio, "change", "whole_change"))
        .sort(
            [pl.col(CURRENCY), pl.col("dimension"), pl.col("change").abs(), pl.col("key")],
            descending=[False, False, True, False],
            nulls_last=True,
        )
        .select(pl.lit(period).alias(PERIOD), *COLUMNS[1:])
    )


def brought_to(days: int, days_before: int) -> Callable[[Decimal], Decimal | None]:
    """Return what a cost of the whole bill before comes to in as many days as are covered, half-even at 18 decimals."""

    def expected(previous: Decimal) -> Decimal | None:
        return money.ratio(previous * days, Decimal(days_before), places=money.SCALE)

    return expected
