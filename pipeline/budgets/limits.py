"""What a budget may spend in a window: its plan, and what the window before left over (SPEC 3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from pipeline import periods
from pipeline.budgets import windows
from pipeline.budgets.spend import Books
from pipeline.config.budgets import CALENDAR, ScopeBudget
from pipeline.errors import UsageError
from pipeline.forecast import rounded
from pipeline.money import EXACT, ZERO
from pipeline.periods import Window
from pipeline.store.warehouse import Warehouse

_PERCENT = Decimal(100)


@dataclass(frozen=True)
class PeriodEnd:
    """How a window ended, and what goes on to the next one.

    Attributes:
        limit: of the ended window, without what it was given itself: rollover does not compound.
        spend: None where it is not known: the data is incomplete, or a rate is missing.
        carried: never below 0.
        reason: why nothing is carried; None when something may be.
    """

    window: Window
    limit: Decimal
    spend: Decimal | None
    carried: Decimal
    reason: str | None = None


def planned_limit(budget: ScopeBudget, window: Window) -> Decimal:
    """Return the plain limit of a window: the last planned amount up to it, else ``amount``."""
    label = periods.quarter_label(window.start) if budget.period == "quarterly" else periods.label(window.start)
    return next((amount for start, amount in reversed(budget.planned) if start <= label), budget.amount)


def calculate_rollover(limit: Decimal, spend: Decimal, max_percent: Decimal) -> Decimal:
    """Return what a window leaves to the next: min(limit - spend, limit x max_percent / 100), 0 when overspent."""
    with localcontext(EXACT):
        return rounded(max(min(limit - spend, limit * max_percent / _PERCENT), ZERO))


def process_period_end(budget: ScopeBudget, window: Window, books: Books) -> PeriodEnd:
    """Say what an ended window leaves to the next one, from its charges: a restatement moves it.

    Args:
        books: with the charges of the window.
    """
    limit = planned_limit(budget, window)
    if budget.rollover is None or budget.period not in CALENDAR:
        return PeriodEnd(window, limit, None, ZERO, "the budget has no rollover")
    if not windows.is_counted(budget, window):
        return PeriodEnd(window, limit, None, ZERO, "it is not within the budget's dates")
    if not books.is_complete(window):
        return PeriodEnd(window, limit, None, ZERO, "its data is incomplete")
    spend = books.spend(budget, window)
    if spend.unconverted:
        return PeriodEnd(window, limit, None, ZERO, "a rate is missing")
    spent = rounded(spend.total)
    return PeriodEnd(window, limit, spent, calculate_rollover(limit, spent, budget.rollover))


def carried_into(budget: ScopeBudget, window: Window, books: Books) -> Decimal:
    """Return what a window was given by the one before."""
    if budget.rollover is None or budget.period not in CALENDAR:
        return ZERO
    return process_period_end(budget, windows.preceding(budget, window), books).carried


def get_rollover_amount(warehouse: Warehouse, budget_id: str, moment: datetime) -> Decimal:
    """Return what the window that holds a moment was given by the one before, as it was judged last.

    Raises:
        UsageError: when no window of the budget that holds the moment has been judged.
    """
    found = warehouse.rows(
        """SELECT rollover FROM budget_status WHERE budget_id = ? AND period_start <= ? AND period_end > ?
        ORDER BY period_start DESC LIMIT 1""",
        [budget_id, moment, moment],
    )
    if not found:
        raise UsageError(
            f"budget {budget_id}: no window that holds {moment:%Y-%m-%d} was judged yet; run `costmill run`"
        )
    amount: Decimal = found[0][0]
    return amount
