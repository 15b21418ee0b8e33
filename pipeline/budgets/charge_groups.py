"""The charges of a budget's scope in a window, grouped: those that it counts, and those left out, each with why. In SQL."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pipeline.budgets import charges
from pipeline.budgets.billed import Billed
from pipeline.budgets.policies import CountedOrigin
from pipeline.budgets.policy_budgets import COLUMNS
from pipeline.config.budgets import COSTS, ScopeBudget
from pipeline.errors import UsageError, near
from pipeline.money import NO_CURRENCY
from pipeline.periods import Window
from pipeline.rules import Condition, Operand, column_kinds
from pipeline.store import rule_sql
from pipeline.store.tagging import stored_rules
from pipeline.store.warehouse import Warehouse

#: Beside columns of the charge, charges are grouped by it.
DAY = "day"
_TAG = "tag:"
_ORIGIN_WORDS = {
    "auto": "recorded, and its provider is billed",
    "billed": "recorded, and billed charges count",
    "recorded": "billed, and recorded charges count",
}


@dataclass(frozen=True)
class Group:
    """Charges of one billing period, currency and origin that share a value of what they are grouped by.

    Attributes:
        why: why they are left out; None: they count.
        part: the value; None where the charges say none.
        cost: of the budget's basis, in ``currency``.
    """

    why: str | None
    part: str | None
    x_BillingPeriod: str
    BillingCurrency: str
    x_Origin: str
    charges: int
    cost: Decimal


@dataclass(frozen=True)
class Apart:
    """What a budget counts that is not of the file: of which scope and origin, and what is part of a bill."""

    scope: tuple[Condition, ...]
    origin: CountedOrigin
    billed: Billed


def read_groups(
    warehouse: Warehouse,
    budget: ScopeBudget,
    window: Window,
    as_of: datetime,
    *,
    by: str,
    rivals: Sequence[ScopeBudget],
    apart: Apart | None = None,
) -> list[Group]:
    """Return the charges of a budget's scope in a window, up to the end of ``as_of``'s day those that count.

    Args:
        by: a column of the charge, ``day``, or ``tag:KEY``.
        rivals: the enabled tag budgets, in report order.
        apart: what a budget counts that is not of the file.

    Raises:
        UsageError: when charges cannot be grouped so.
    """
    tag = rule_sql.effective_tag(stored_rules(warehouse))
    scope = apart.scope if apart else _conditions(charges.file_scope(budget))
    asked = " AND ".join(rule_sql.condition(each, tag) for each in scope) or "true"
    rows = warehouse.rows(
        f"""SELECT {_why(budget, as_of, rivals, apart, tag)} AS why, CAST({_part(by, tag)} AS VARCHAR) AS part,
            c.x_BillingPeriod, coalesce(c.BillingCurrency, '{NO_CURRENCY}'), c.x_Origin, count(*),
            coalesce(sum(c.{COSTS[budget.basis]}), 0)
        FROM {rule_sql.RELATIONS}
        WHERE {charges.span(budget, window.start, window.end)} AND {asked}
        GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 NULLS FIRST, 2 NULLS LAST, 3, 4, 5"""
    )
    return [Group(*row) for row in rows]


def _conditions(condition: Condition | None) -> tuple[Condition, ...]:
    return () if condition is None else (condition,)


def _why(
    budget: ScopeBudget,
    as_of: datetime,
    rivals: Sequence[ScopeBudget],
    apart: Apart | None,
    tag: rule_sql.TagSql,
) -> str:
    """The first reason that leaves a charge of the scope out, NULL for none."""
    day = as_of.date()
    cases = [(f"CAST(c.ChargePeriodStart AS DATE) > DATE '{day}'", rule_sql.literal(f"dated after {day}"))]
    if apart is not None:
        origin = rule_sql.condition(apart.billed.condition(apart.origin), tag)
        cases.append((f"NOT {origin}", rule_sql.literal(_ORIGIN_WORDS[apart.origin])))
    else:
        cases.append(("c.x_Origin <> 'billed'", "'recorded, and no bill has it'"))
        if budget.filter is not None:
            cases.append((f"NOT {rule_sql.condition(budget.filter, tag)}", "'left out by its filter'"))
    if budget.scope_type == "tag":
        won = charges.winner([(rival.budget_id, charges.counted(rival, tag)) for rival in rivals])
        own = rule_sql.literal(budget.budget_id)
        cases.append((f"{won} IS DISTINCT FROM {own}", f"coalesce('goes to ' || {won}, 'outside of its dates')"))
    return f"CASE {' '.join(f'WHEN {case} THEN {words}' for case, words in cases)} END"


def _part(by: str, tag: rule_sql.TagSql) -> str:
    if by == DAY:
        return "CAST(c.ChargePeriodStart AS DATE)"
    if by.startswith(_TAG) and by != _TAG:
        return tag(by.removeprefix(_TAG))
    name = COLUMNS[by][-1] if by in COLUMNS else by
    known = column_kinds()
    if name not in known:
        close = near(by, known) if difflib.get_close_matches(by, known) else ""
        raise UsageError(
            f"charges cannot be grouped by {by!r}{close}; name a column such as ServiceName or SkuId, one of "
            f"{', '.join(COLUMNS)}, day, or tag:KEY"
        )
    return rule_sql.operand(Operand("column", name), tag)
