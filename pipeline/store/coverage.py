"""Which billing periods of which source are there: the matrix of `costmill status`, and how fresh each source is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipeline import money, periods, resources
from pipeline.store import bill_logs, reach
from pipeline.store.reach import Reach
from pipeline.store.states import costs_of, read
from pipeline.store.warehouse import Warehouse

#: Columns of the matrix, as `costmill status --format json` has them.
COLUMNS = (
    "source",
    "period",
    "state",
    "charges",
    "BilledCost",
    "currency",
    "delivered_at",
    "last_complete_day",
    "invoices",
    "reason",
)
#: Columns of `costmill status --sources`.
SOURCE_COLUMNS = (
    "source",
    "last_complete_day",
    "age_days",
    "is_stale",
    *("open", "final", "restated"),
    "missing",
    "waiting",
)
#: States of something that is in the charges, or is known to be nothing.
PRESENT = ("open", "final", "restated", "empty")
WAITING = ("quarantined", "refused")


@dataclass(frozen=True)
class Covered:
    """One row of the matrix: a source, a billing period (None: not known) and its state, in one currency.

    Attributes:
        state: open, final, restated, empty, missing, unloaded, recorded, quarantined or refused.
        charges: in the warehouse; of what waits, the rows that were read.
        waiting: how many deliveries wait, of which the row has the newest.
        until, months: of a line that stands for several billing periods (``folded``): the last one, and how many.
    """

    source: str
    period: str | None
    state: str
    charges: int = 0
    BilledCost: Decimal | None = None
    currency: str | None = None
    delivered_at: datetime | None = None
    last_complete_day: date | None = None
    invoices: int = 0
    reason: str | None = None
    waiting: int = 0
    until: str | None = None
    months: int = 1

    @property
    def row(self) -> tuple[object, ...]:
        """The values of ``COLUMNS``."""
        return tuple(getattr(self, name) for name in COLUMNS)


def coverage(
    warehouse: Warehouse, configured: Sequence[str], *, as_of: datetime, grace_days: int
) -> tuple[Covered, ...]:
    """Return the matrix: what is loaded, waits, was unloaded, and what is missing, by source and billing period.

    Missing are the billing periods between two that are there, and of ``configured`` sources the one after the last,
    once data of its first day would be older than ``grace_days`` by ``as_of``; a configured source of which nothing is known is one row.
    """
    reached = reach.of_all(warehouse)
    known = [_covered(warehouse, row, reached) for row in warehouse.rows(resources.sql("status/sources"))]
    logs = {*bill_logs.names(warehouse)}  # a month without a record is no month without data
    missing = [each for name in sorted({own.source for own in known} - logs) for each in _gaps(known, name)]
    for name in configured:
        missing += [] if name in logs else _not_yet(known, name, as_of, grace_days)
    return tuple(
        sorted([*known, *missing], key=lambda own: (own.source, own.period or "", own.state, own.currency or ""))
    )


def folded(matrix: Sequence[Covered]) -> list[Covered]:
    """Return the matrix for the eye: missing months of a source that follow each other are one line, states are whole."""
    rows: list[Covered] = []
    for own in matrix:
        former = rows[-1] if rows else None
        if former is not None and _goes_on(former, own):
            rows[-1] = replace(former, until=own.period, months=former.months + 1)
        else:
            rows.append(own)
    return [_stretch(own) if own.until else replace(own, state=own.state + _more(own.waiting)) for own in rows]


def _goes_on(former: Covered, own: Covered) -> bool:
    """Whether a missing billing period follows the one before it, and is missing for the same reason."""
    last = former.until or former.period
    same = (own.source, own.state, own.reason) == (former.source, "missing", former.reason)
    return same and last is not None and own.period == periods.following(last)


def _more(waiting: int) -> str:
    return f" and {waiting - 1} more" if waiting > 1 else ""


def _stretch(own: Covered) -> Covered:
    return replace(own, period=f"{own.period} … {own.until}", state=f"missing ({own.months} months)")


def waits(matrix: Iterable[Covered], configured: Collection[str]) -> bool:
    """Whether a delivery of a configured source waits (where none is configured: of any): as a run would end."""
    return any(own.state in WAITING and (not configured or own.source in configured) for own in matrix)


def source_rows(
    warehouse: Warehouse, matrix: Sequence[Covered], configured: Sequence[str], *, as_of: datetime, max_age_days: int
) -> list[tuple[object, ...]]:
    """Return ``SOURCE_COLUMNS`` by source: its last complete day over all periods, its age, and periods by state.

    A source that is not ``configured`` (where some are) is never stale.
    """
    days = reach.source_days(warehouse)
    found: list[tuple[object, ...]] = []
    for name in sorted({own.source for own in matrix if own.state != "recorded"}):
        day = days.get(name)
        age = (as_of.date() - day).days if day else None
        counts = Counter(state for _, state in {(own.period, own.state) for own in matrix if own.source == name})
        stale = age is not None and age > max_age_days and (not configured or name in configured)
        states = [counts[state] for state in ("open", "final", "restated", "missing")]
        found.append((name, day, age, stale, *states, sum(own.waiting for own in matrix if own.source == name)))
    return found


def _covered(warehouse: Warehouse, row: tuple[Any, ...], reached: Mapping[tuple[str, str], Reach]) -> Covered:
    source, period, state, charges, billed, currency, delivered_at, invoices, reason, waiting = row
    own = reached.get((source, period))
    day = own.last_day if own and state in PRESENT else None
    if state == "restated":
        former = read(warehouse, str(source), str(period))
        was = costs_of(former.final_costs).get(currency) if former else None
        at = f" at {money.text(was)} {currency or '(no currency)'}" if was is not None else ""
        reason = f"final ({reason}){at}, and restated since"
    told = f"{reason};{_more(waiting)}" if waiting > 1 else reason
    return Covered(source, period, state, charges, billed, currency, delivered_at, day, invoices, told, waiting)


def _gaps(known: Iterable[Covered], source: str) -> list[Covered]:
    there = {own.period for own in known if own.source == source and own.state != "recorded" and own.period}
    full = {own.period for own in known if own.source == source and own.state in PRESENT and own.period}
    return [
        Covered(source, period, "missing", reason="there are bills before and after it")
        for period in _between(full)
        if period not in there
    ]


def _between(labels: Collection[str]) -> list[str]:
    found: list[str] = []
    last = max(labels, default="")
    period = min(labels, default="")
    while period < last:
        found.append(period)
        period = periods.following(period)
    return found


def _not_yet(known: Sequence[Covered], source: str, as_of: datetime, grace_days: int) -> list[Covered]:
    every = [each for each in known if each.source == source]
    own = [each for each in every if each.state != "recorded"]
    if every and not own:  # a day without a record is no day without data
        return []
    if not own:
        return [Covered(source, None, "missing", reason="configured, and nothing was delivered yet")]
    labels = {each.period for each in own if each.period}
    present = {each.period for each in own if each.period and each.state in PRESENT}
    if not present or max(present) != max(labels):
        return []
    expected = periods.following(max(present))
    if periods.month(expected).start.date() + timedelta(days=grace_days) > as_of.date():
        return []
    return [Covered(source, expected, "missing", reason=f"nothing since {max(present)}")]
