"""Windows of time: half-open, UTC, naive datetimes (as TIMESTAMP in the store)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from pipeline.errors import UsageError

_LABEL = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_SPAN = re.compile(r"(?P<year>[0-9]{4})(?:-(?:[Qq](?P<quarter>[1-4])|[Ww](?P<week>[0-9]{2})))?")

#: How much time a report is of.
Edition = Literal["daily", "weekly", "monthly", "quarterly", "yearly", "custom"]


@dataclass(frozen=True, order=True)
class Window:
    """A half-open window [start, end) of UTC time, naive datetimes."""

    start: datetime
    end: datetime

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, datetime) and self.start <= moment < self.end

    @property
    def days(self) -> int:
        """Whole days of the window."""
        return (self.end - self.start).days


class BudgetPeriod(StrEnum):
    """The periods of the calendar, in UTC: see ``window``."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"

    @property
    def by_billing_period(self) -> bool:
        """Whether a charge belongs to it by its billing period, as on the bill; else by ChargePeriodStart."""
        return self in (BudgetPeriod.MONTHLY, BudgetPeriod.QUARTERLY, BudgetPeriod.YEARLY)


@dataclass(frozen=True)
class Span:
    """The time that a report is of: whole UTC days, [start, end).

    Attributes:
        label: as people write it: ``2026-03``, ``2026-Q1``, ``2026``, ``2026-W12``, ``2026-03-21``, and for days of
            their own choice ``2026-03-01..2026-03-15``, the last one included.
    """

    label: str
    start: date
    end: date
    edition: Edition

    @property
    def by_billing_period(self) -> bool:
        """Whether a charge belongs to it by its billing period, as on the bill; else by ChargePeriodStart."""
        return self.edition in ("monthly", "quarterly", "yearly")

    @property
    def days(self) -> int:
        """Its days."""
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        """Its last day."""
        return self.end - timedelta(days=1)

    @property
    def window(self) -> Window:
        """The same time as moments."""
        return Window(datetime.combine(self.start, time()), datetime.combine(self.end, time()))

    @property
    def first_month(self) -> str:
        """The billing period that holds its first day."""
        return label(self.start)

    @property
    def last_month(self) -> str:
        """The billing period that holds its last day."""
        return label(self.last)

    @property
    def previous(self) -> Span:
        """The span before it: the month before a month, as many days before days.

        Raises:
            UsageError: when that leaves the calendar.
        """
        try:
            if self.edition == "custom":
                return _days(self.start - timedelta(days=self.days), self.start)
            return span_of(self.edition, self.start - timedelta(days=1))
        except (ValueError, OverflowError):
            raise UsageError(f"{self.label}: the time before it leaves the calendar") from None


def parse_span(text: str) -> Span:
    """Read a report's ``--period``.

    Raises:
        UsageError: when ``text`` is none, saying which there are.
    """
    try:
        first, dots, last = text.partition("..")
        if dots:
            return _custom(text, date.fromisoformat(first), date.fromisoformat(last))
        if _LABEL.fullmatch(text):
            return span_of("monthly", month(text).start)
        if found := _SPAN.fullmatch(text):
            return _of_year(text, int(found["year"]), found["quarter"], found["week"])
        if len(text) == 10:
            return span_of("daily", date.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    raise UsageError(
        f"{text!r} is no period; write a month (2026-03), a quarter (2026-Q1), a year (2026), a week (2026-W12), a day "
        "(2026-03-21), or from its first to its last day (2026-03-01..2026-03-15)"
    )


def span_of(edition: Edition, day: date) -> Span:
    """Return the span of an edition that holds a day; of ``custom`` the day itself.

    Raises:
        UsageError: when it leaves the calendar.
    """
    period = BudgetPeriod.DAILY if edition == "custom" else BudgetPeriod(edition)
    found = window(period, datetime.combine(day, time()))
    return Span(describe(found), found.start.date(), found.end.date(), edition)


def _of_year(text: str, year: int, quarter: str | None, week: str | None) -> Span:
    if week is None:
        first = date(year, 3 * int(quarter) - 2 if quarter else 1, 1)
        return span_of("quarterly" if quarter else "yearly", first)
    try:
        return span_of("weekly", date.fromisocalendar(year, int(week), 1))
    except ValueError:
        raise UsageError(f"{text!r}: {year:04d} has no week {week}; its weeks go by ISO 8601, from Monday") from None


def _custom(text: str, first: date, last: date) -> Span:
    if last < first:
        raise UsageError(f"{text!r}: its last day, {last}, is before its first, {first}")
    return _days(first, last + timedelta(days=1))


def _days(start: date, end: date) -> Span:
    return Span(f"{start}..{end - timedelta(days=1)}", start, end, "custom")


def window(period: BudgetPeriod, as_of: datetime) -> Window:
    """Return the window of ``period`` that holds ``as_of`` (naive UTC). Weeks start on Monday.

    Raises:
        UsageError: when it reaches past the year 9999.
    """
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight.replace(day=1)
    try:
        match period:
            case BudgetPeriod.HOURLY:
                start = midnight.replace(hour=as_of.hour)
                return Window(start, start + timedelta(hours=1))
            case BudgetPeriod.DAILY:
                return Window(midnight, midnight + timedelta(days=1))
            case BudgetPeriod.WEEKLY:
                start = midnight - timedelta(days=midnight.weekday())
                return Window(start, start + timedelta(days=7))
            case BudgetPeriod.MONTHLY:
                return month(label(as_of))
            case BudgetPeriod.QUARTERLY:
                start = first.replace(month=as_of.month - (as_of.month - 1) % 3)
                return Window(start, (start + timedelta(days=93)).replace(day=1))
            case BudgetPeriod.YEARLY:
                return Window(first.replace(month=1), first.replace(year=as_of.year + 1, month=1))
    except (ValueError, OverflowError):
        raise UsageError(f"{as_of:%Y-%m-%d}: the {period} window around it leaves the calendar") from None


@lru_cache(maxsize=1024)
def month(label: str) -> Window:
    """Return the window of a billing period's label ``YYYY-MM``.

    Raises:
        UsageError: when ``label`` is none.
    """
    match = _LABEL.fullmatch(label)
    if not match or label in ("9999-12", f"0000-{match[2]}"):  # no datetime holds their ends
        raise UsageError(f"{label!r} is no billing period; write it as YYYY-MM, such as 2026-03")
    year, number = int(match[1]), int(match[2])
    start = datetime(year, number, 1)
    return Window(start, (start + timedelta(days=31)).replace(day=1))


def label(moment: date) -> str:
    """Return the label ``YYYY-MM`` of the month that holds ``moment``."""
    return f"{moment.year:04d}-{moment.month:02d}"


@lru_cache(maxsize=4096)
def describe(window: Window) -> str:
    """Return a window as people write it: 2026-03, 2026-Q1, 2026, 2026-W13, 2026-03-22, 2026-03-22T05, or its days."""
    shapes = {
        BudgetPeriod.MONTHLY: label(window.start),
        BudgetPeriod.QUARTERLY: quarter_label(window.start),
        BudgetPeriod.YEARLY: f"{window.start.year:04d}",
        BudgetPeriod.WEEKLY: f"{window.start:%G-W%V}",
        BudgetPeriod.DAILY: window.start.date().isoformat(),
        BudgetPeriod.HOURLY: f"{window.start:%Y-%m-%dT%H}",
    }
    for shape, words in shapes.items():
        if _is_shaped(window, shape):
            return words
    return f"{window.start.date()} to {(window.end - timedelta(microseconds=1)).date()}"


def quarter_label(moment: date) -> str:
    """Return the label ``YYYY-Qn`` of the calendar quarter that holds ``moment``."""
    return f"{moment.year:04d}-Q{(moment.month + 2) // 3}"


def _is_shaped(window_: Window, period: BudgetPeriod) -> bool:
    try:
        return window(period, window_.start) == window_
    except UsageError:
        return False


def previous(period: str) -> str:
    """Return the label of the billing period before."""
    return label(month(period).start - timedelta(days=1))


def following(period: str) -> str:
    """Return the label of the billing period after."""
    return label(month(period).end)


def utc_now() -> datetime:
    """Return the current UTC time as a naive datetime, to the microsecond."""
    return datetime.now(UTC).replace(tzinfo=None)


def to_utc(moment: datetime) -> datetime:
    """Return a datetime as naive UTC; a naive one is taken as UTC already."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def parse_as_of(text: str | date) -> datetime:
    """Read ``--as-of``: a UTC date or ISO time; returns the given moment (a date as its last microsecond).

    Raises:
        UsageError: when it is neither.
    """
    if isinstance(text, date):
        text = text.isoformat()
    try:
        if len(text) == 10:
            return datetime.fromisoformat(text) + timedelta(days=1, microseconds=-1)
        return to_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no date; write 2026-03-22 or 2026-03-22T06:00:00Z") from None


def parse_since(text: str) -> datetime:
    """Read ``--since``: a UTC date (its first moment) or ISO time.

    Raises:
        UsageError: when it is neither.
    """
    moment = parse_as_of(text)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) if len(text) == 10 else moment


def last_complete_day(usage_through: datetime) -> date:
    """Return the last day that usage covers whole, given the latest end of its charges."""
    return usage_through.date() - timedelta(days=1)


def complete_day(period: str, usage_through: datetime | None, *, moved_on: bool = False) -> date | None:
    """Return the last day of a billing period that its usage covers whole; None when it covers none.

    ``moved_on``: the source has charges of a later billing period, so usage that ends within the last day has covered it.
    """
    if usage_through is None:
        return None
    end = last_day(period)
    day = end if moved_on and usage_through.date() == end else min(end, last_complete_day(usage_through))
    return day if day >= month(period).start.date() else None


def last_day(period: str) -> date:
    """Return the last day of a billing period."""
    return month(period).end.date() - timedelta(days=1)


@dataclass(frozen=True)
class FiscalPeriod:
    """A fiscal quarter or year: its name and its first and last billing period."""

    label: str
    first: str
    last: str


def fiscal_year(period: str, year_start: int) -> FiscalPeriod:
    """Return the fiscal year that holds a billing period; ``FY2026`` is the one that ends in 2026.

    Args:
        year_start: the month that fiscal years begin with, 1 to 12; with 1 they are the calendar's.

    Raises:
        UsageError: when ``period`` is no billing period, or the fiscal year leaves the calendar.
    """
    first = _months_later(period, -_months_into(period, year_start))
    last = _months_later(first, 11)
    return FiscalPeriod(f"FY{last[:4]}", first, last)


def fiscal_quarter(period: str, year_start: int) -> FiscalPeriod:
    """Return the fiscal quarter that holds a billing period, such as ``FY2026-Q3``: three months of its fiscal year.

    Raises:
        UsageError: as ``fiscal_year``.
    """
    year = fiscal_year(period, year_start)
    quarter = _months_into(period, year_start) // 3
    first = _months_later(year.first, 3 * quarter)
    return FiscalPeriod(f"{year.label}-Q{quarter + 1}", first, _months_later(first, 2))


def _months_into(period: str, year_start: int) -> int:
    """Months between the start of the fiscal year and a billing period, 0 to 11."""
    return (month(period).start.month - year_start) % 12


def _months_later(period: str, months: int) -> str:
    start = month(period).start
    years, number = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1 <= years <= 9999:
        raise UsageError(f"{period}: the fiscal year around it leaves the calendar")
    return f"{years:04d}-{number + 1:02d}"
