"""What policies and managed budgets receive: each on its own, whatever its filter counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from pipeline.budgets import filters
from pipeline.config.budgets import COSTS, ScopeBudget
from pipeline.money import NO_CURRENCY
from pipeline.periods import Window

#: One row of what budgets receive: budget, billing period, currency, source, day and kind of charge.
GRAIN = ("x_BillingPeriod", "BillingCurrency", "x_Source", "ChargeDay", "x_Usage")

_MOMENT = pl.Datetime("us")
#: Budgets whose filters are asked together.
_AT_ONCE = 200


def allocate_each(
    daily: pl.DataFrame, budgets: Sequence[ScopeBudget], spans: Mapping[str, Window] | None = None
) -> pl.DataFrame:
    """Give every charge in full to each policy or managed budget whose filter counts it: none takes from another.

    Filters are asked of the distinct values of the columns that they read, not of every charge for every budget.

    Args:
        spans: as ``scopes.allocate`` takes them.

    Returns:
        As ``scopes.allocate``.
    """
    facts = with_usage(filters.with_tags(daily, budgets)).lazy()
    alike: dict[tuple[tuple[str, ...], str], list[tuple[ScopeBudget, pl.Expr]]] = defaultdict(list)
    for budget in budgets:
        if budget.enabled and budget.filter is not None:
            alike[filters.asked(budget.filter), COSTS[budget.basis]].append((budget, filters.expression(budget.filter)))
    parts = []
    for (asked, cost), own in alike.items():
        sums = facts.group_by(*dict.fromkeys((*GRAIN, *asked))).agg(pl.col(cost).sum().alias("x_Cost")).collect()
        kinds = sums.select(asked).unique().with_row_index("x_Kind")
        sums = sums.join(kinds, on=asked, nulls_equal=True)
        for start in range(0, len(own), _AT_ONCE):
            some = own[start : start + _AT_ONCE]
            counted = kinds.select(counts.alias(budget.budget_id) for budget, counts in some)
            pairs = pl.DataFrame(
                {"budget_id": counted.columns, "x_Kind": [kinds["x_Kind"].filter(each) for each in counted]},
                schema={"budget_id": pl.String, "x_Kind": pl.List(pl.UInt32)},
            ).explode("x_Kind")
            received = pairs.lazy().join(sums.lazy(), on="x_Kind")
            asked_of = within(received, [budget for budget, _ in some], spans)
            parts.append(asked_of.group_by("budget_id", *GRAIN).agg(pl.col("x_Cost").sum()).collect())
    return pl.concat(parts) if parts else pl.DataFrame(schema=dict.fromkeys(("budget_id", *GRAIN, "x_Cost"), pl.Null))


def with_usage(daily: pl.DataFrame) -> pl.DataFrame:
    """Name a missing currency, and add whether a charge is usage."""
    return daily.with_columns(
        pl.col("BillingCurrency").fill_null(NO_CURRENCY),
        x_Usage=(pl.col("ChargeCategory") == "Usage").fill_null(False) & pl.col("ChargeClass").ne_missing("Correction"),
    )


def within(received: pl.LazyFrame, budgets: Iterable[ScopeBudget], spans: Mapping[str, Window] | None) -> pl.LazyFrame:
    """Keep what lies in the budgets' spans, by the billing period or the day."""
    if spans is None:
        return received
    asked = [(budget, spans[budget.budget_id]) for budget in budgets if budget.budget_id in spans]
    rows = [(own.budget_id, own.period_by == "billing", window.start, window.end) for own, window in asked]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "budget_id": pl.String,
        "x_Billing": pl.Boolean,
        "x_Start": _MOMENT,
        "x_End": _MOMENT,
    }
    month = (pl.col("x_BillingPeriod") + "-01").str.to_datetime("%Y-%m-%d", time_unit="us")
    at = pl.when("x_Billing").then(month).otherwise(pl.col("ChargeDay").cast(_MOMENT))
    return (
        received.join(pl.LazyFrame(rows, schema=schema, orient="row"), on="budget_id")
        .filter((at >= pl.col("x_Start")) & (at < pl.col("x_End")))
        .drop("x_Billing", "x_Start", "x_End")
    )
