"""What fiscal quarters and years cost: whole billing periods added up."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from pipeline import money, periods
from pipeline.summaries.measures import CURRENCY, MEASURES, PERIOD, exactly

_SUMMED = (*MEASURES, "covered_BilledCost")


def fiscal_summary(months: pl.LazyFrame, *, year_start: int) -> pl.LazyFrame:
    """Sum billing periods by fiscal quarter and year. Grain: fiscal period, currency.

    Args:
        months: the rows of ``trend_summary`` whose grain is month, of all billing periods.
        year_start: the month that fiscal years begin with, 1 to 12.

    Returns:
        The columns of ``fiscal_summary``, sorted by first billing period, grain and currency. Changes are per covered day
        against the fiscal period before, in percent, half-even at 6 decimals; NULL where there is nothing to compare.
    """
    sums = pl.concat([_summed(months, year_start, grain) for grain in ("quarter", "year")])
    before = sums.select(
        "grain",
        CURRENCY,
        next_first=pl.struct("grain", "last_period").map_batches(_following, return_dtype=pl.String),
        previous_BilledCost=pl.col("covered_BilledCost"),
        previous_days=pl.col("days_covered"),
    )
    return (
        sums.join(
            before,
            left_on=["grain", CURRENCY, "first_period"],
            right_on=["grain", CURRENCY, "next_first"],
            how="left",
            nulls_equal=True,
        )
        .with_columns(
            daily_change_percent=exactly(
                _daily_change, "covered_BilledCost", "days_covered", "previous_BilledCost", "previous_days"
            )
        )
        .select(*_COLUMNS)
        .sort("first_period", "grain", CURRENCY, nulls_last=True)
    )


_COLUMNS = (
    "fiscal_period",
    "grain",
    "first_period",
    "last_period",
    CURRENCY,
    "months_loaded",
    "days_covered",
    *_SUMMED,
    "previous_BilledCost",
    "previous_days",
    "daily_change_percent",
)


def _summed(months: pl.LazyFrame, year_start: int, grain: str) -> pl.LazyFrame:
    def of(period: str) -> dict[str, str]:
        fiscal = (
            periods.fiscal_quarter(period, year_start)
            if grain == "quarter"
            else periods.fiscal_year(period, year_start)
        )
        return {"fiscal_period": fiscal.label, "first_period": fiscal.first, "last_period": fiscal.last}

    names = pl.Struct(dict.fromkeys(("fiscal_period", "first_period", "last_period"), pl.String))
    keys = ["fiscal_period", "first_period", "last_period", CURRENCY]
    return (
        months.with_columns(x_Fiscal=pl.col(PERIOD).map_elements(of, return_dtype=names))
        .unnest("x_Fiscal")
        .group_by(keys)
        .agg(
            pl.len().cast(pl.Int32).alias("months_loaded"),
            pl.col("days_covered").sum(),
            *(pl.col(name).sum() for name in _SUMMED),
        )
        .with_columns(grain=pl.lit(grain))
    )


def _following(rows: pl.Series) -> pl.Series:
    return pl.Series([periods.following(row["last_period"]) for row in rows], dtype=pl.String)


def _daily_change(covered: Decimal, days: int, before: Decimal, before_days: int) -> Decimal | None:
    """Percent that cost per day grew; the quotients are taken once, so that nothing is rounded twice."""
    if not days or not before_days or not before:
        return None
    return money.percent(covered * before_days - before * days, abs(before) * days)
