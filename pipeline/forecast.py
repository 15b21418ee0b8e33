"""What a window will have cost at its end. Pure: sums by day in, one figure out, in whatever currency they are in.

``linear`` carries the run rate of complete days forward::

    usage of complete days / elapsed days x days of the window + everything else at face value

Everything else: purchases, tax, credits, refunds and adjustments, and usage that a bill dates outside its window.
Usage of days after the last complete day is already spent but not yet whole, so it makes no run rate; it only
sets a floor: the days after the last complete day are never forecast below what they have cost so far. A forecast is
therefore never below the current spend, unless the run rate itself is negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from pipeline.money import EXACT, QUANTUM, ZERO, total
from pipeline.periods import Window, describe

NO_COMPLETE_DAY = "no complete day of usage in {period} yet; a forecast needs one"


@dataclass(frozen=True)
class Forecast:
    """What a window will have cost.

    Attributes:
        amount: in the currency of what was given, 18 decimals, half-even; None when there is too little data.
        note: why there is no amount; None when there is one.
        through: last complete day that the run rate counts; None when there is none.
        elapsed_days, days: complete days, and days of the window.
    """

    amount: Decimal | None
    note: str | None
    through: date | None
    elapsed_days: int
    days: int
    method: str = "linear"


@dataclass(frozen=True)
class DayProjection:
    """One day of a window, cumulated to the day's end.

    Attributes:
        spend: what was spent; None after the last complete day.
        pace: the limit spread evenly over the days; None without a limit.
        projected: from the last complete day on; on the last day it is the forecast. None before, and without one.
    """

    day: date
    spend: Decimal | None
    pace: Decimal | None
    projected: Decimal | None


@dataclass(frozen=True)
class Parts:
    """What a forecast is the sum of, unrounded: ``complete + rest + face``.

    Attributes:
        through: the last complete day, of ``elapsed`` from the window's start on.
        complete: usage of the complete days.
        rest: usage expected on the days after them: their run rate, or ``pending`` where that is more.
        pending: what the days after the last complete one have cost so far.
        face: everything else, as it is.
    """

    through: date
    elapsed: int
    complete: Decimal
    rest: Decimal
    pending: Decimal
    face: Decimal


def linear(
    usage: Mapping[date, Decimal], other: Decimal, *, window: Window, last_complete_day: date | None
) -> Forecast:
    """Forecast a window of whole days by the run rate of its complete days.

    Args:
        usage: sum of usage charges by UTC day of ChargePeriodStart.
        other: sum of all other charges of the window.
        window: half-open, UTC midnights.
        last_complete_day: last day that usage covers whole; None when there is none. A day at or after the window's
            last one means that it is over, and the forecast is the spend.
    """
    parts = parts_of(usage, other, window, last_complete_day)
    if parts is None:
        note = NO_COMPLETE_DAY.format(period=describe(window))
        return Forecast(None, note, None, 0, window.days)
    amount = rounded(total((parts.complete, parts.rest, parts.face)))
    return Forecast(amount, None, parts.through, parts.elapsed, window.days)


def daily_projection(
    usage: Mapping[date, Decimal],
    other: Mapping[date, Decimal],
    *,
    window: Window,
    last_complete_day: date | None,
    limit: Decimal | None = None,
) -> list[DayProjection]:
    """Return the window day by day for a chart: spend so far, the limit's even pace, and the way to the forecast.

    Charges dated before the window count on its first day, those after it on its last.

    Args:
        usage, other: sums by UTC day, as ``linear`` takes them.
        limit: for the pace, in the same currency.
    """
    days = [window.start.date() + timedelta(days=number) for number in range(window.days)]
    parts = parts_of(usage, total(other.values()), window, last_complete_day)
    face = _cumulated(_outside(usage, days), other, days)
    spent = _cumulated(usage, other, days)
    series = []
    for number, day in enumerate(days, start=1):
        done = parts is not None and day <= parts.through
        projected = None if parts is None or day < parts.through else _projected(parts, number, len(days), face[day])
        pace = None if limit is None else _share(limit, number, len(days))
        series.append(DayProjection(day, rounded(spent[day]) if done else None, pace, projected))
    return series


def rounded(value: Decimal) -> Decimal:
    """Round to stored money, half-even at the 18th decimal; a rounded zero has no sign."""
    with localcontext(EXACT):
        return value.quantize(QUANTUM, rounding=ROUND_HALF_EVEN) + ZERO


def parts_of(
    usage: Mapping[date, Decimal], other: Decimal, window: Window, last_complete_day: date | None
) -> Parts | None:
    """Return what ``linear`` adds up; None where there is no complete day."""
    first, last = window.start.date(), window.end.date() - timedelta(days=1)
    if last_complete_day is None or last_complete_day < first:
        return None
    through = min(last_complete_day, last)
    elapsed = (through - first).days + 1
    complete = total(cost for day, cost in usage.items() if first <= day <= through)
    pending = total(cost for day, cost in usage.items() if through < day <= last)
    outside = total(cost for day, cost in usage.items() if not first <= day <= last)
    with localcontext(EXACT):
        rest = complete * (window.days - elapsed) / elapsed
        rest = max(rest, pending) if pending > 0 else rest
        return Parts(through, elapsed, complete, rest, pending, other + outside)


def _projected(parts: Parts, number: int, days: int, face: Decimal) -> Decimal:
    remaining = days - parts.elapsed
    with localcontext(EXACT):
        rest = parts.rest * (number - parts.elapsed) / remaining if remaining else ZERO
        return rounded(parts.complete + rest + face)


def _share(limit: Decimal, number: int, days: int) -> Decimal:
    with localcontext(EXACT):
        return rounded(limit * number / days)


def _outside(usage: Mapping[date, Decimal], days: list[date]) -> dict[date, Decimal]:
    return {day: cost for day, cost in usage.items() if not days[0] <= day <= days[-1]}


def _cumulated(usage: Mapping[date, Decimal], other: Mapping[date, Decimal], days: list[date]) -> dict[date, Decimal]:
    """Sum both by day and cumulate; what lies outside ``days`` counts on the nearest one."""
    by_day = dict.fromkeys(days, ZERO)
    with localcontext(EXACT):
        for charges in (usage, other):
            for day, cost in charges.items():
                by_day[min(max(day, days[0]), days[-1])] += cost
        running = ZERO
        for day in days:
            running += by_day[day]
            by_day[day] = running
    return by_day
