"""Which thresholds a call reaches, recorded or about to be: of policies and of managed budgets, which count such calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pipeline.budgets import windows
from pipeline.budgets.alert_table import Severity
from pipeline.budgets.billed import Billed
from pipeline.budgets.crossings import Configs, crossings
from pipeline.budgets.evaluate import meets
from pipeline.budgets.model import BudgetStatus, ThresholdStatus
from pipeline.budgets.policy_budgets import as_budgets
from pipeline.budgets.preflight import PolicyCheck
from pipeline.config.budgets import Unit
from pipeline.config.model import CurrencySettings
from pipeline.money import EXACT, ZERO, percent
from pipeline.periods import label
from pipeline.usage.pending import Used


@dataclass(frozen=True)
class ReachedThreshold:
    """A threshold that a budget's spend is at or over, the call counted.

    Attributes:
        budget_id: ``policy:ID`` or ``managed:ID``.
        threshold: percent of the limit, or an amount in ``currency``, as ``unit`` says.
        severity: that an alert of it would have.
        spend: of the window that holds the call, with it.
        percentage: of the limit, 6 decimals.
        is_crossed: this call takes the spend over it: without the call it is not reached.
    """

    budget_id: str
    name: str
    threshold: Decimal
    unit: Unit
    severity: Severity
    spend: Decimal
    limit: Decimal
    percentage: Decimal
    currency: str
    period_start: datetime
    period_end: datetime
    is_crossed: bool


def reached(status: BudgetStatus, cost: Decimal, configs: Configs) -> Iterator[ReachedThreshold]:
    """Give the thresholds that a budget has reached, its own and those that people set.

    Args:
        status: of the call's window, with the call.
        cost: of the call, in the budget's currency.
    """
    for at in crossings(status, configs):
        if at.crossed:
            before = EXACT.subtract(at.figure, cost)
            yield ReachedThreshold(
                budget_id=status.budget_id,
                name=status.budget.name or status.budget_id,
                threshold=at.threshold,
                unit=at.unit,
                severity=at.severity,
                spend=at.figure,
                limit=status.effective_limit,
                percentage=at.percentage,
                currency=status.currency,
                period_start=status.period_start,
                period_end=status.period_end,
                is_crossed=not meets(before, status.effective_limit, at.threshold, at.unit),
            )


def policy_status(check: PolicyCheck, call: Used, added: Decimal) -> BudgetStatus:
    """Return how a policy stands with a call: ``added`` is what of its cost the spend does not have yet."""
    [budget] = as_budgets([check.policy], Billed())
    window = windows.around(budget, call.time)
    spend = EXACT.add(check.spend, added)
    return BudgetStatus(
        budget,
        window.start,
        window.end,
        check.limit,
        "OK",
        current_spend=spend,
        percentage=percent(spend, check.limit) or ZERO,
        alerts=tuple(ThresholdStatus(each.threshold, each.type, "OK", each.exit, each.unit) for each in budget.alerts),
    )


def cost_in(currency: str, call: Used, settings: CurrencySettings) -> Decimal:
    """Return a call's cost in a budget's currency; the budget could be counted, so there is a rate."""
    if call.currency == currency:
        return call.cost
    return EXACT.multiply(call.cost, settings.rates[label(call.time)][call.currency])
