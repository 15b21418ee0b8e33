"""What each budget spent in its currency, exact, by day, and the last day that its data covers whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, localcontext

import polars as pl

from pipeline.budgets import scopes
from pipeline.budgets.scopes import TagMatch
from pipeline.config.budgets import ScopeBudget
from pipeline.money import EXACT, ZERO, total

#: One last complete day for all data, or one per source (None: a source without daily usage).
LastCompleteDays = date | Mapping[str, date | None] | None

_COLUMNS = ("budget_id", "BillingCurrency", "x_Source", "ChargeDay", "x_Usage", "BilledCost")


@dataclass
class Spend:
    """Charges of one budget.

    Attributes:
        usage, other: by UTC day, in the budget's currency, unrounded. Usage of a source that has no daily usage
            makes no run rate: it counts as other.
        unconverted: what no rate converts, by currency as billed.
        through: last complete day of the sources whose usage this budget has, the earliest of theirs, never after
            the evaluation's ``as_of``; None when there is none.
    """

    usage: dict[date, Decimal] = field(default_factory=dict)
    other: dict[date, Decimal] = field(default_factory=dict)
    unconverted: dict[str, Decimal] = field(default_factory=dict)
    through: date | None = None

    @property
    def total(self) -> Decimal:
        """The sum of all that counts, unrounded."""
        return total((*self.usage.values(), *self.other.values()))


def by_budget(
    daily: pl.DataFrame,
    budgets: Sequence[ScopeBudget],
    matches: Mapping[str, TagMatch],
    *,
    as_of: datetime,
    last_complete_day: LastCompleteDays,
    rates: Mapping[str, Decimal],
) -> dict[str, Spend]:
    """Return the spend of every budget by its id, an empty one where it has no charges or is disabled.

    Args:
        daily: rows of ``daily_costs`` of one billing period.
        matches: ``TagBudgets.match_all`` of the column x_ReportedTags.
        rates: currency -> units of the budgets' currency.
    """
    spends = {budget.budget_id: Spend() for budget in budgets}
    known = {budget.budget_id: {**rates, budget.currency: Decimal(1)} for budget in budgets}
    sources: dict[str, set[str]] = {budget.budget_id: set() for budget in budgets}
    rows = scopes.allocate(daily, budgets, matches).select(_COLUMNS).iter_rows()
    with localcontext(EXACT):
        for budget_id, currency, source, day, usage, cost in rows:
            spend, rate = spends[budget_id], known[budget_id].get(currency)
            if rate is None:
                spend.unconverted[currency] = spend.unconverted.get(currency, ZERO) + cost
                continue
            if usage:
                sources[budget_id].add(source)
            by_day = spend.usage if usage and _last_day(source, last_complete_day) else spend.other
            by_day[day] = by_day.get(day, ZERO) + cost * rate
    for budget_id, spend in spends.items():
        spend.through = _through(sources[budget_id], last_complete_day, as_of)
    return spends


def _last_day(source: str, last_complete_day: LastCompleteDays) -> date | None:
    return last_complete_day.get(source) if isinstance(last_complete_day, Mapping) else last_complete_day


def _through(sources: set[str], last_complete_day: LastCompleteDays, as_of: datetime) -> date | None:
    """A budget without usage ends where all data ends."""
    if not isinstance(last_complete_day, Mapping):
        days = [last_complete_day]
    else:
        days = [last_complete_day.get(source) for source in (sources or last_complete_day)]
    known = [day for day in days if day is not None]
    return min(*known, as_of.date()) if known else None
