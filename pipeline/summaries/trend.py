"""How the bill ran by day, week and month, and how each compares with the one before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from pipeline import periods
from pipeline.summaries.measures import (
    CURRENCY,
    MEASURES,
    PERIOD,
    bill_day,
    daily_change,
    exactly,
    is_billed,
    sums,
    with_parts,
)

GRAINS = ("day", "week", "month")
BUCKET = (PERIOD, "grain", "position", "bucket_start", "bucket_end")
COLUMNS = (
    *(PERIOD, CURRENCY, "grain", "bucket_start", "bucket_end", "days_covered"),
    *MEASURES,
    *("previous_BilledCost", "previous_days", "daily_change_percent", "covered_BilledCost"),
)
_CALENDAR: dict[str, pl.DataType] = {
    PERIOD: pl.String(),
    "grain": pl.Enum(GRAINS),
    "position": pl.Int32(),
    "bucket_start": pl.Date(),
    "bucket_end": pl.Date(),
    "bill_day": pl.Date(),
    "is_covered": pl.Boolean(),
}


def trend_summary(daily: pl.LazyFrame, *, period: str, last_complete_day: date | None) -> pl.LazyFrame:
    """Sum one bill by day, week and month beside the bucket before. Grain: currency, grain, bucket_start.

    A bucket has a row when it has charges or a covered day: a covered day without charges cost 0 and says so, a day
    that no data has reached is left out. A charge dated outside the billing period's month counts in the month's
    first or last day (``measures.bill_day``), so the rows of each grain sum to the whole bill.

    The bucket before is the calendar's: the first day and the first week compare with the last ones of the billing
    period before, which counts as covered whole; NULL when that has no charges in the currency.

    Args:
        daily: rows of ``daily_costs`` of ``period`` and the billing period before; others are left aside.
        period: label of the billing period, such as ``2026-03``.
        last_complete_day: last day (UTC) that the usage of all sources covers whole; None: not one day yet.

    Returns:
        The columns of ``trend_summary``, sorted by currency (NULL last), grain (day, week, month) and bucket_start.
        Costs are Decimal(38,18) in the row's BillingCurrency; bucket_end is exclusive. Only billed charges count.

    Raises:
        UsageError: when ``period`` is no label.
    """
    before = periods.previous(period)
    by_day = (
        daily.filter(is_billed(), pl.col(PERIOD).is_in([before, period]))
        .pipe(with_parts)
        .group_by(PERIOD, CURRENCY, bill_day().alias("bill_day"))
        .agg(sums())
    )
    buckets = (
        by_day.select(PERIOD, CURRENCY)
        .unique()
        .join(_calendar(period, last_complete_day), on=PERIOD)
        .join(by_day, on=[PERIOD, CURRENCY, "bill_day"], how="left", nulls_equal=True)
        .group_by(*BUCKET, CURRENCY)
        .agg(*sums(), pl.col("BilledCost").filter("is_covered").sum().alias("covered_BilledCost"), _days_covered())
        .filter((pl.col("x_ChargeCount") > 0) | (pl.col("days_covered") > 0))
    )
    return (
        buckets.filter(pl.col(PERIOD) == period)
        .join(_as_previous(buckets), on=[CURRENCY, "grain", "position"], how="left", nulls_equal=True)
        .with_columns(daily_change_percent=_daily_change_percent())
        .sort(CURRENCY, "grain", "bucket_start", nulls_last=True)
        .with_columns(pl.col("grain").cast(pl.String))
        .select(COLUMNS)
    )


def days_covered(period: str, last_complete_day: date | None) -> int:
    """Return how many days of a billing period's month lie before or on the last complete day."""
    window = periods.month(period)
    if last_complete_day is None:
        return 0
    return min(max((last_complete_day - window.start.date()).days + 1, 0), window.days)


def _calendar(period: str, last_complete_day: date | None) -> pl.LazyFrame:
    """Every day of both billing periods in its bucket of each grain; a bucket's position is one after the last's."""
    before = periods.previous(period)
    rows: list[tuple[object, ...]] = []
    for grain in GRAINS:
        both = [(label, start, end) for label in (before, period) for start, end in _buckets(label, grain)]
        for position, (label, start, end) in enumerate(both):
            for day in _days(start, end):
                is_covered = label == before or (last_complete_day is not None and day <= last_complete_day)
                rows.append((label, grain, position, start, end, day, is_covered))
    return pl.LazyFrame(rows, schema=_CALENDAR, orient="row")


def _buckets(label: str, grain: str) -> Iterator[tuple[date, date]]:
    """Start and exclusive end of a month's buckets: its days, its weeks from Monday cut at its ends, or itself."""
    window = periods.month(label)
    first, end = window.start.date(), window.end.date()
    starts = [day for day in _days(first, end) if grain == "day" or day == first or _is_new_week(day, grain)]
    yield from zip(starts, [*starts[1:], end], strict=True)


def _is_new_week(day: date, grain: str) -> bool:
    return grain == "week" and day.weekday() == 0


def _days(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=number) for number in range((end - start).days))


def _days_covered() -> pl.Expr:
    return pl.col("is_covered").sum().cast(pl.Int32).alias("days_covered")


def _as_previous(buckets: pl.LazyFrame) -> pl.LazyFrame:
    """Each bucket as the one before the next."""
    return buckets.select(
        CURRENCY,
        "grain",
        pl.col("position") + 1,
        previous_BilledCost="BilledCost",
        previous_days="days_covered",
    )


def _daily_change_percent() -> pl.Expr:
    return exactly(daily_change, "covered_BilledCost", "days_covered", "previous_BilledCost", "previous_days")
