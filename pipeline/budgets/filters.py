"""Filters of budgets over the roll-up: what it can answer, and the question as a Polars expression.

The same condition over charges is made by ``pipeline.store.rule_sql``; every one is true or false, never NULL.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from functools import reduce

import polars as pl

from pipeline.config.budgets import ScopeBudget
from pipeline.rules import TENANT, Comparison, Condition, Joined, Operand

#: Columns of ``daily_costs`` that hold what the charge says, as text.
ROLLUP_COLUMNS = frozenset(
    {
        *("x_BillingPeriod", "BillingCurrency", "x_Source", "x_Origin", "x_Provider", "BillingAccountId"),
        *("SubAccountId", "SubAccountName", "ServiceCategory", "ServiceName", "x_CostCategory", "x_ResourceType"),
        *("RegionId", "ChargeCategory", "ChargeClass", "PricingCategory", "CommitmentDiscountStatus", "InvoiceId"),
        TENANT,
    }
)


def from_charges(budgets: Sequence[ScopeBudget], keys: Collection[str]) -> tuple[ScopeBudget, ...]:
    """Return the enabled budgets that the roll-up cannot answer: hours, other columns, tag keys that it does not report.

    One such filter of a tag budget takes all tag budgets along: they compete for the same charges.

    Args:
        keys: the tag keys that the roll-up reports.
    """
    known = {own.budget_id for own in from_rollup(budgets, keys)}
    return tuple(own for own in budgets if own.enabled and (own.period == "hourly" or own.budget_id not in known))


def from_rollup(budgets: Sequence[ScopeBudget], keys: Collection[str]) -> tuple[ScopeBudget, ...]:
    """Return the budgets whose charges the roll-up can tell, by day."""
    blind = any(own.scope_type == "tag" and own.enabled and not _is_answered(own, keys) for own in budgets)
    return tuple(own for own in budgets if _is_answered(own, keys) and not (blind and own.scope_type == "tag"))


def _is_answered(budget: ScopeBudget, keys: Collection[str]) -> bool:
    """Whether the roll-up has all that a budget's filter asks."""
    return all(asked.name in (keys if asked.kind == "tag" else ROLLUP_COLUMNS) for asked in operands(budget.filter))


def operands(condition: Condition | None) -> Iterator[Operand]:
    """Give every column and tag that a condition asks."""
    if isinstance(condition, Joined):
        for part in condition.parts:
            yield from operands(part)
    elif condition is not None:
        yield condition.operand


def asked(condition: Condition) -> tuple[str, ...]:
    """Return the names of the columns that ``expression`` reads, those of ``with_tags`` among them, each once, sorted."""
    return tuple(sorted({_name(each) for each in operands(condition)}))


def asked_columns(budgets: Sequence[ScopeBudget]) -> list[str]:
    """Return the columns that filters ask, sorted."""
    return sorted({each.name for budget in budgets for each in operands(budget.filter) if each.kind == "column"})


def with_tags(daily: pl.DataFrame, budgets: Sequence[ScopeBudget]) -> pl.DataFrame:
    """Add a column for each tag that filters ask, read once per distinct tag set."""
    keys = sorted({each.name for budget in budgets for each in operands(budget.filter) if each.kind == "tag"})
    if not keys:
        return daily
    distinct = daily["x_ReportedTags"].drop_nulls().unique().to_list()
    sets = [json.loads(text) for text in distinct]
    columns = {_tag(key): pl.Series([tags.get(key) for tags in sets], dtype=pl.String) for key in keys}
    found = pl.DataFrame({"x_ReportedTags": pl.Series(distinct, dtype=pl.String), **columns})
    return daily.join(found, on="x_ReportedTags", how="left")


def expression(condition: Condition) -> pl.Expr:
    """Return a condition as an expression that is true or false."""
    if isinstance(condition, Comparison):
        return _comparison(condition)
    parts = [expression(part) for part in condition.parts]
    if condition.join == "not":
        return ~parts[0]
    return reduce(lambda one, other: one & other if condition.join == "all" else one | other, parts)


def _comparison(asked: Comparison) -> pl.Expr:
    value = pl.col(_name(asked.operand))
    match asked.operator:
        case "equals" | "in":
            return value.is_in(list(asked.values)).fill_null(False)
        case "prefix":
            return value.str.starts_with(asked.values[0]).fill_null(False)
        case "contains":
            return value.str.contains(asked.values[0], literal=True).fill_null(False)
        case "present":
            return value.is_not_null()
        case "absent":
            return value.is_null()


def _name(operand: Operand) -> str:
    return _tag(operand.name) if operand.kind == "tag" else operand.name


def _tag(key: str) -> str:
    return f"tag {key}"
