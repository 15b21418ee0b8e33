"""What each budget spent in its currency in a window, exact, by day, and the last day that its data covers whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext

import polars as pl

from pipeline import periods
from pipeline.budgets import windows
from pipeline.config.budgets import CALENDAR, ScopeBudget
from pipeline.money import EXACT, ZERO, total
from pipeline.periods import Window

#: Billing period -> source -> its last complete day there (None: a source without daily usage).
LastDays = Mapping[str, Mapping[str, date | None]]
#: Billing period -> currency -> units of the budgets' currency.
PeriodRates = Mapping[str, Mapping[str, Decimal]]
#: Billing period, currency, source, when, usage, cost: what ``scopes.allocate`` gives one budget.
Row = tuple[str, str, str, datetime, bool, Decimal]

_COLUMNS = ("budget_id", "x_BillingPeriod", "BillingCurrency", "x_Source", "x_UsageStart", "x_Usage", "x_Cost")


@dataclass
class Spend:
    """Charges of one budget in one window.

    Attributes:
        usage, other: by UTC day, in the budget's currency, unrounded. Usage of a source that has no daily usage
            makes no run rate: it counts as other.
        unconverted: what no rate converts, by currency as billed; by billing period in ``missing``.
        through: last complete day of the sources whose usage this budget has, the earliest of theirs, never after
            the evaluation's ``as_of``; None when there is none.
        periods: the billing periods of the charges.
    """

    usage: dict[date, Decimal] = field(default_factory=dict)
    other: dict[date, Decimal] = field(default_factory=dict)
    unconverted: dict[str, Decimal] = field(default_factory=dict)
    missing: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    through: date | None = None
    periods: set[str] = field(default_factory=set)

    @property
    def total(self) -> Decimal:
        """The sum of all that counts, unrounded."""
        return total((*self.usage.values(), *self.other.values()))


@dataclass
class Books:
    """What budgets are judged by: their charges, the rates, and how far the data reaches.

    Attributes:
        rows: of each budget, dated up to the end of ``as_of``'s day.
        as_of: UTC.
        days: see ``LastDays``; also tells which sources have charges in a billing period.
        late_days: so many days after it, a day's data counts as complete.
        rates_into: currency that the rates convert into: budgets in others have none. None: that of every budget.
    """

    rows: Mapping[str, Sequence[Row]]
    as_of: datetime
    days: LastDays
    rates: PeriodRates
    late_days: int = 0
    rates_into: str | None = None
    _by_window: dict[str, Mapping[Window | None, Sequence[Row]]] = field(default_factory=dict, repr=False)
    _last_days: dict[Window, Mapping[str, date | None]] = field(default_factory=dict, repr=False)

    def spend(self, budget: ScopeBudget, window: Window) -> Spend:
        """Return what a budget spent in a window; nothing when it has no charges there."""
        spend, sources = Spend(), set()
        last = self.last_days(budget, window)
        rates = self.rates if self.rates_into in (None, budget.currency) else {}
        with localcontext(EXACT):
            for period, currency, source, at, usage, cost in self._rows(budget, window):
                spend.periods.add(period)
                if currency != budget.currency:
                    rate = rates.get(period, {}).get(currency)
                    if rate is None:
                        spend.unconverted[currency] = spend.unconverted.get(currency, ZERO) + cost
                        spend.missing[period, currency] = spend.missing.get((period, currency), ZERO) + cost
                        continue
                    cost *= rate
                if usage:
                    sources.add(source)
                by_day, day = spend.usage if usage and last.get(source) else spend.other, at.date()
                by_day[day] = by_day.get(day, ZERO) + cost
        known = [day for day in (last.get(source) for source in (sources or last)) if day is not None]
        end = self.as_of.date() - timedelta(days=self.late_days)
        spend.through = min(*known, end) if known else None
        return spend

    def last_days(self, budget: ScopeBudget, window: Window) -> Mapping[str, date | None]:
        """Return the last complete day of each source in a window, None where it has none."""
        if budget.period == "lifetime":
            return {}
        if window not in self._last_days:
            found: dict[str, date | None] = {}
            for period in windows.billing_periods(window):
                for source, day in self.days.get(period, {}).items():
                    found[source] = max((each for each in (found.get(source), day) if each), default=None)
            self._last_days[window] = found
        return self._last_days[window]

    def is_complete(self, window: Window) -> bool:
        """Whether the data of an ended window is all there: of every source that had charges then or the month before."""
        last = (window.end - timedelta(microseconds=1)).date()
        if last > self.as_of.date() - timedelta(days=self.late_days):
            return False
        months = windows.billing_periods(window)
        for period in months:
            own = self.days.get(period, {})
            if not own or set(self.days.get(periods.previous(period), {})) - set(own):
                return False
            end = min(last, (periods.month(period).end - timedelta(days=1)).date())
            if any(day is not None and day < end for day in own.values()):
                return False
        return True

    def _rows(self, budget: ScopeBudget, window: Window) -> Iterable[Row]:
        rows = self.rows.get(budget.budget_id, ())
        if budget.period in CALENDAR:
            if budget.budget_id not in self._by_window:
                self._by_window[budget.budget_id] = _by_window(budget, rows)
            return self._by_window[budget.budget_id].get(window, ())
        if budget.period_by == "billing":
            return [row for row in rows if periods.month(row[0]).start in window]
        return [row for row in rows if row[3] in window]


def read_rows(allocated: pl.DataFrame) -> dict[str, list[Row]]:
    """Return what ``scopes.allocate`` gave each budget, by budget id."""
    found: dict[str, list[Row]] = defaultdict(list)
    for budget_id, period, currency, source, at, usage, cost in allocated.select(_COLUMNS).iter_rows():
        found[budget_id].append((period, currency, source, at, usage, cost))
    return found


def _by_window(budget: ScopeBudget, rows: Iterable[Row]) -> dict[Window | None, list[Row]]:
    """Many rows lie on few days of few billing periods, which alone say whose they are."""
    found: dict[Window | None, list[Row]] = defaultdict(list)
    place = 0 if budget.period_by == "billing" else 3
    known: dict[object, list[Row]] = {}
    for row in rows:
        if row[place] not in known:
            known[row[place]] = found[windows.holding(budget, row[0], row[3])]
        known[row[place]].append(row)
    return found
