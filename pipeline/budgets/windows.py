"""Windows of budgets (SPEC 3.4): which one holds a charge or a moment, and which lie within a budget's dates.

A calendar window is counted only when it lies wholly between ``starts`` and ``ends``: half a month is no month. Rolling
windows are cut at them. Lifetime and custom budgets have one window each.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from pipeline import periods
from pipeline.config.budgets import CALENDAR, ROLLING, ScopeBudget
from pipeline.periods import BudgetPeriod, Window

#: Stand for no start and no end: of a lifetime, and of rolling windows in alerts.
FIRST = datetime(1970, 1, 1)
LAST = datetime(9999, 1, 1)
#: What lies between a window's end and its last moment.
TICK = timedelta(microseconds=1)


def current(budget: ScopeBudget, moment: datetime) -> Window | None:
    """Return the window that holds ``moment``; None when there is none within the budget's dates."""
    if budget.period in CALENDAR:
        found = _calendar(budget.period, moment)
        return found if is_counted(budget, found) else None
    start, end = span(budget)
    if not start <= moment < end:
        return None
    if budget.period not in ROLLING:
        return Window(start, end)
    day_end = _midnight(moment.date()) + timedelta(days=1)
    return Window(max(start, day_end - timedelta(days=ROLLING[budget.period])), day_end)


def around(budget: ScopeBudget, moment: datetime) -> Window:
    """Return the window to show for ``moment``, be it outside of the budget's dates."""
    if budget.period in CALENDAR:
        return _calendar(budget.period, moment)
    start, end = span(budget)
    return current(budget, moment) or Window(start, end)


def holding(budget: ScopeBudget, billing_period: str, at: datetime) -> Window | None:
    """Return the window of a calendar budget that a charge belongs to; None when it is not within the dates.

    Args:
        at: the charge's ChargePeriodStart, or its day.
    """
    moment = periods.month(billing_period).start if budget.period_by == "billing" else at
    found = _calendar(budget.period, moment)
    return found if is_counted(budget, found) else None


def is_counted(budget: ScopeBudget, window: Window) -> bool:
    """Whether a calendar window lies wholly within the budget's dates."""
    start, end = span(budget)
    return start <= window.start and window.end <= end


def is_own(budget: ScopeBudget, window: Window) -> bool:
    """Whether a window is one of a budget's that stay: its period may have been another when it was judged."""
    if budget.period in CALENDAR:
        return current(budget, window.start) == window
    return budget.period not in ROLLING and window == Window(*span(budget))


def span(budget: ScopeBudget) -> tuple[datetime, datetime]:
    """Return the budget's dates as moments, [start, end); ``FIRST`` and ``LAST`` where it names none."""
    return _midnight(budget.starts) if budget.starts else FIRST, _midnight(budget.ends) if budget.ends else LAST


def counted_span(budget: ScopeBudget) -> tuple[datetime, datetime]:
    """Return from when to when a budget counts charges: the start of its first window, the end of its last one."""
    start, end = span(budget)
    if budget.period not in CALENDAR:
        return start, end
    if budget.starts:
        first = _calendar(budget.period, start)
        start = first.start if first.start == start else first.end
    if budget.ends:
        end = _calendar(budget.period, end).start
    return start, end


def following(budget: ScopeBudget, window: Window) -> Window:
    """Return the calendar window after one."""
    return _calendar(budget.period, window.end)


def preceding(budget: ScopeBudget, window: Window) -> Window:
    """Return the calendar window before one."""
    return _calendar(budget.period, window.start - TICK)


def billing_periods(window: Window) -> list[str]:
    """Return the months that a window touches, oldest first."""
    last = periods.label(window.end - TICK)
    found = [periods.label(window.start)]
    while found[-1] < last:
        found.append(periods.following(found[-1]))
    return found


def spans(judged: Iterable[tuple[ScopeBudget, Window]]) -> dict[str, Window]:
    """Return from the start of its first window to the end of its last one, by budget id."""
    found: dict[str, Window] = {}
    for budget, window in judged:
        before = found.get(budget.budget_id, window)
        found[budget.budget_id] = Window(min(before.start, window.start), max(before.end, window.end))
    return found


def alert_start(budget: ScopeBudget, window: Window) -> datetime:
    """Return what tells alerts of different windows apart; rolling windows have no start, their alerts are crossings."""
    return FIRST if budget.period in ROLLING else window.start


def shown_moment(period: str, as_of: datetime) -> datetime:
    """Return the moment whose windows answer for a billing period: ``as_of`` in it, else its end, or its start to come."""
    month = periods.month(period)
    return max(month.start, min(as_of, month.end - TICK))


def name_of(period: str, window: Window) -> str:
    """Return a window as people write it: ``2026-03``, ``2026-W13``, ``lifetime``, ``7 days to 2026-03-22``."""
    if period == "lifetime":
        return "lifetime"
    if period in ROLLING:
        return f"{ROLLING[period]} day{'s' if ROLLING[period] > 1 else ''} to {(window.end - TICK).date()}"
    return periods.describe(window)


def noted_period(window: Window, as_of: datetime) -> str:
    """Return the billing period that a window's alert of now stands under: the month it ended in, or now's."""
    return periods.label(max(window.start, min(as_of, window.end - TICK)))


@lru_cache(maxsize=4096)
def _calendar(period: str, moment: datetime) -> Window:
    return periods.window(BudgetPeriod(period), moment)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
