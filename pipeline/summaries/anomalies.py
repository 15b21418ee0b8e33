"""Which days cost far more, or far less, than their weekday usually does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext

import polars as pl

from pipeline import money
from pipeline.config.model import AnomalySettings
from pipeline.summaries.measures import CURRENCY, exactly, is_billed

#: So many days of the same weekday must have charges before there is an expectation.
LEAST_DAYS = 4
#: Times the median absolute deviation: the standard deviation, were the costs normally distributed.
NORMAL = Decimal("1.4826")
SCOPE = (CURRENCY, "x_Provider", "ServiceName")
COLUMNS = ("ChargeDay", *SCOPE, "BilledCost", "expected_BilledCost", "deviation", "is_anomaly")


def cost_anomalies(daily: pl.LazyFrame, *, days: Sequence[date], rules: AnomalySettings) -> pl.LazyFrame:
    """Compare days with the same weekday of the weeks before. Grain: day, currency, and nothing more (the total) or
    provider and service.

    Only billed usage counts: purchases, tax, credits, refunds, adjustments and corrections fall due when they do.
    Expected is the median of the days with charges among those 7, 14, 21, … days before, as many weeks as the rules
    look back; the deviation is the median of these days' distances from it. A day is an anomaly when it is further away
    than the sensitivity times 1.4826 deviations, and at least the floor of money and of percent of the expected. Where
    nothing was expected, any cost is far in percent.

    Args:
        daily: rows of ``daily_costs`` of the days and the weeks before them; others are left aside.
        days: those to judge, each once. A day on which nothing at all was used in a currency has no rows in it.
        rules: how far away is an anomaly.

    Returns:
        A row per judged day and scope, sorted. A service without charges that day cost 0; charges that name no
        provider or no service count in the total alone. ``expected_BilledCost`` and ``deviation`` are NULL, and it is
        no anomaly, with fewer than ``LEAST_DAYS`` days to expect from.
    """
    judged = pl.LazyFrame({"ChargeDay": list(days)}, schema={"ChargeDay": pl.Date()})
    costs = _costs(daily, services=rules.services)
    scopes = costs.select(SCOPE).unique()
    used = costs.filter(pl.col("x_Provider").is_null()).select("ChargeDay", CURRENCY)
    asked = judged.join(used, on="ChargeDay").join(scopes, on=CURRENCY, nulls_equal=True)
    weeks = pl.LazyFrame({"back": [timedelta(weeks=number + 1) for number in range(rules.weeks)]})
    before = (
        asked.join(weeks, how="cross")
        .with_columns(past=pl.col("ChargeDay") - pl.col("back"))
        .join(costs.rename({"ChargeDay": "past"}), on=["past", *SCOPE], nulls_equal=True)
        .group_by("ChargeDay", *SCOPE)
        .agg(pl.col("BilledCost").sort().alias("usual"))
    )
    return (
        asked.join(costs, on=["ChargeDay", *SCOPE], how="left", nulls_equal=True)
        .with_columns(pl.col("BilledCost").fill_null(pl.lit(money.ZERO, dtype=pl.Decimal(38, 18))))
        .join(before, on=["ChargeDay", *SCOPE], how="left", nulls_equal=True)
        .with_columns(expected_BilledCost=exactly(_expected, "usual"), deviation=exactly(_deviation, "usual"))
        .with_columns(is_anomaly=_is_anomaly(rules))
        .sort("ChargeDay", *SCOPE, nulls_last=[False, True, False, False])
        .select(COLUMNS)
    )


def _costs(daily: pl.LazyFrame, *, services: bool) -> pl.LazyFrame:
    """Cost of each day by scope; the total's has neither provider nor service."""
    is_correction = pl.col("ChargeClass").eq_missing(pl.lit("Correction"))
    usage = daily.filter(is_billed(), pl.col("ChargeCategory") == "Usage", ~is_correction)
    cost = pl.col("BilledCost").sum()
    nothing = pl.lit(None, dtype=pl.String)
    total = usage.group_by("ChargeDay", CURRENCY).agg(cost).with_columns(x_Provider=nothing, ServiceName=nothing)
    columns = ("ChargeDay", *SCOPE, "BilledCost")
    if not services:
        return total.select(columns)
    named = usage.filter(pl.col("x_Provider").is_not_null(), pl.col("ServiceName").is_not_null())
    return pl.concat([total.select(columns), named.group_by("ChargeDay", *SCOPE).agg(cost).select(columns)])


def _expected(usual: list[Decimal]) -> Decimal | None:
    return _median(usual) if len(usual) >= LEAST_DAYS else None


def _deviation(usual: list[Decimal]) -> Decimal | None:
    expected = _expected(usual)
    return None if expected is None else _median(sorted(abs(cost - expected) for cost in usual))


def _median(ordered: list[Decimal]) -> Decimal | None:
    """The middle one, or what lies half way between the two middle ones, half-even at the 18th decimal."""
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return money.ratio(ordered[half - 1] + ordered[half], Decimal(2), places=money.SCALE)


def _is_anomaly(rules: AnomalySettings) -> pl.Expr:
    def judge(cost: Decimal, expected: Decimal, deviation: Decimal) -> bool:
        away = cost - expected
        return (
            (away > 0 or rules.direction == "both")
            and abs(away) > rules.sensitivity * NORMAL * deviation
            and abs(away) >= rules.floor
            and abs(away) * 100 >= rules.percent * abs(expected)
        )

    def apply(rows: pl.Series) -> pl.Series:
        with localcontext(money.EXACT):
            return pl.Series(
                [None not in row and judge(*row) for row in rows.struct.unnest().iter_rows()], dtype=pl.Boolean
            )

    return pl.struct("BilledCost", "expected_BilledCost", "deviation").map_batches(
        apply, return_dtype=pl.Boolean(), is_elementwise=True
    )
