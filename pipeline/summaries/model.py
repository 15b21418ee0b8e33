"""Which models the money went to: AI usage as programs recorded it, and as it is billed by the token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import polars as pl

from pipeline import money, periods
from pipeline.summaries.measures import CURRENCY, PERIOD, bill_day, daily_change, exactly, with_total
from pipeline.summaries.trend import days_covered

ORIGIN = "x_Origin"
KEYS = (CURRENCY, ORIGIN, "x_Provider", "ServiceName", "model", "operation")
#: What is summed, in the table's order; NULL of billed usage are those that no bill tells.
SUMS = (
    *("BilledCost", "token_BilledCost", "tokens", "input_tokens", "cached_input_tokens", "output_tokens", "images"),
    *("seconds", "failed_calls", "x_ChargeCount"),
)
_RECORDED_ONLY = ("input_tokens", "cached_input_tokens", "output_tokens", "images", "seconds", "failed_calls")
COLUMNS = (
    *(PERIOD, *KEYS, *SUMS),
    *("cost_per_million_tokens", "cache_share", "x_BilledShare", "days_covered", "covered_BilledCost"),
    *("previous_BilledCost", "previous_days", "daily_change_percent"),
)


def model_summary(usage: pl.LazyFrame, *, period: str, last_days: Mapping[str, date | None]) -> pl.LazyFrame:
    """Sum AI usage by model beside the billing period before. Grain: currency, origin, provider, service, model, operation.

    Recorded and billed usage are the same money told twice, so every share and comparison is within one origin and
    currency. What was used in the period before and not in this one has a row of zeros, as long as the origin and
    currency have any usage in this one: ``previous_BilledCost`` sums to that period's, too.

    Args:
        usage: rows of ``model_costs`` of ``period`` and the billing period before; others are left aside.
        period: label of the billing period, such as ``2026-03``.
        last_days: by origin the last day (UTC) that its usage covers whole; None or absent: not one day yet.

    Returns:
        The columns of ``model_summary``, sorted by the grain with NULL last. Costs are Decimal(38,18) in the row's
        BillingCurrency. Cost per million tokens is ``token_BilledCost`` / ``tokens`` x 1,000,000, half-even at 18
        decimals; cache share ``cached_input_tokens`` / ``input_tokens``, half-even at 6; NULL where the divisor is 0.

    Raises:
        UsageError: when ``period`` is no label.
    """
    before = periods.previous(period)
    own = pl.col(PERIOD) == period
    days = {origin: days_covered(period, last_days.get(origin)) for origin in ("billed", "recorded")}
    ends = pl.col(ORIGIN).replace_strict(dict(last_days), default=None, return_dtype=pl.Date)
    return (
        usage.filter(pl.col(PERIOD).is_in([before, period]))
        .group_by(KEYS)
        .agg(
            pl.col(SUMS).filter(own).sum(),
            pl.col("BilledCost").filter(own & (bill_day() <= ends)).sum().alias("covered_BilledCost"),
            pl.col("BilledCost").filter(~own).sum().alias("previous_BilledCost"),
            (~own).sum().alias("rows_before"),
        )
        .pipe(with_total, "x_ChargeCount", "charges", by=(CURRENCY, ORIGIN))
        .pipe(with_total, "rows_before", "rows_before_all", by=(CURRENCY, ORIGIN))
        .pipe(with_total, "BilledCost", "whole", by=(CURRENCY, ORIGIN))
        .filter(pl.col("charges") > 0)
        .with_columns(
            pl.when(pl.col(ORIGIN) == "recorded").then(pl.col(_RECORDED_ONLY)),
            pl.when(pl.col("rows_before_all") > 0).then("previous_BilledCost").alias("previous_BilledCost"),
            pl.when(pl.col("rows_before_all") > 0)
            .then(pl.lit(periods.month(before).days, dtype=pl.Int32))
            .alias("previous_days"),
            pl.col(ORIGIN).replace_strict(days, default=0, return_dtype=pl.Int32).alias("days_covered"),
        )
        .with_columns(
            cost_per_million_tokens=exactly(_per_million, "token_BilledCost", "tokens"),
            cache_share=exactly(money.ratio, "cached_input_tokens", "input_tokens"),
            x_BilledShare=exactly(money.ratio, "BilledCost", "whole"),
            daily_change_percent=exactly(
                daily_change, "covered_BilledCost", "days_covered", "previous_BilledCost", "previous_days"
            ),
        )
        .sort(KEYS, nulls_last=True)
        .select(pl.lit(period).alias(PERIOD), *COLUMNS[1:])
    )


def _per_million(cost: Decimal, tokens: Decimal) -> Decimal | None:
    return money.ratio(cost * 1_000_000, tokens, money.SCALE)
