"""What one currency's part of a report says of its costs: totals, days, categories, movers, resources and tags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pipeline import money


def less(value: Decimal, *parts: Decimal) -> Decimal:
    """Subtract exactly, whatever the caller's decimal context."""
    return money.total((value, *(part.copy_negate() for part in parts)))


@dataclass(frozen=True)
class Costs:
    """The four costs of some charges, and the parts of ``billed`` that are credits, refunds and tax."""

    billed: Decimal
    effective: Decimal
    list: Decimal
    contracted: Decimal
    credits: Decimal
    refunds: Decimal
    tax: Decimal
    charges: int

    @property
    def before_credits(self) -> Decimal:
        """What is left of ``billed`` without credits, refunds and tax: usage, purchases and adjustments."""
        return less(self.billed, self.credits, self.refunds, self.tax)


@dataclass(frozen=True)
class Line:
    """One row of a cost table; ``name`` None: the bill names none. ``share`` is percent of the bill."""

    name: str | None
    costs: Costs
    share: Decimal | None


@dataclass(frozen=True)
class Rest:
    """What a table does not show, so that its rows add up to the total."""

    count: int
    costs: Costs
    share: Decimal | None


@dataclass(frozen=True)
class Category:
    """A service category with its services, the most expensive first."""

    line: Line
    services: tuple[Line, ...]
    rest: Rest | None


@dataclass(frozen=True)
class Headline:
    """The figures that come first. ``per_day`` and ``change`` compare covered days with covered days.

    ``year_to_date`` is billed from the start of the fiscal year ``year`` through this period.
    """

    billed: Decimal
    effective: Decimal
    days_covered: int
    per_day: Decimal | None
    previous_per_day: Decimal | None
    change: Decimal | None
    forecast: Decimal | None
    forecast_note: str | None
    limit: Decimal | None
    used: Decimal | None
    forecast_used: Decimal | None
    year: str
    year_to_date: Decimal


@dataclass(frozen=True)
class Day:
    """One day: usage, everything else at face value, and the running sum of both.

    ``pace`` is the limit spread evenly up to here; ``projected`` the way to the forecast, from the last complete day on.
    """

    day: date
    usage: Decimal
    other: Decimal
    cumulative: Decimal
    pace: Decimal | None
    projected: Decimal | None
    complete: bool

    @property
    def billed(self) -> Decimal:
        """The day's whole bill."""
        return money.total((self.usage, self.other))


@dataclass(frozen=True)
class Daily:
    """All days of the period. ``outside`` is what is dated before or after it and counts on its nearest day.

    ``pace_per_day`` is the limit spread evenly over the days.
    """

    days: tuple[Day, ...]
    outside: Decimal
    limit: Decimal | None
    pace_per_day: Decimal | None

    @property
    def start(self) -> date:
        """The first day."""
        return self.days[0].day

    @property
    def complete_days(self) -> tuple[Day, ...]:
        """The days that every source covers whole."""
        return tuple(day for day in self.days if day.complete)

    @property
    def shown_days(self) -> tuple[Day, ...]:
        """The days up to the last one that is complete or has charges."""
        last = max((number for number, day in enumerate(self.days, 1) if day.complete or day.billed), default=0)
        return self.days[:last]


@dataclass(frozen=True)
class Reason:
    """A part of a change: what ``pipeline.summaries.reasons.REASONS`` calls it, and how much."""

    name: str
    change: Decimal


@dataclass(frozen=True)
class Mover:
    """One key's change against the previous billing period, brought to this one's days.

    ``reasons`` divide the change, in the order of ``REASONS``; none: this dimension is not told by reasons.
    """

    name: str | None
    billed: Decimal
    expected: Decimal
    change: Decimal
    share: Decimal | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Movers:
    """The largest changes of one dimension; ``rest`` is the sum of those not shown."""

    dimension: str
    rows: tuple[Mover, ...]
    rest_count: int
    rest: Mover | None
    total: Mover


@dataclass(frozen=True)
class Resource:
    """A resource of the bill."""

    id: str
    name: str | None
    type: str | None
    account: str | None
    region: str | None
    costs: Costs
    share: Decimal | None


@dataclass(frozen=True)
class Resources:
    """The most expensive resources; ``unattached`` are the charges of no resource (tax, fees, credits)."""

    rows: tuple[Resource, ...]
    rest: Rest | None
    unattached: Rest | None


@dataclass(frozen=True)
class TagValue:
    """What one value of a tag key costs."""

    value: str
    billed: Decimal
    share: Decimal | None


@dataclass(frozen=True)
class TagKey:
    """A tag key's coverage of the bill: tagged + untagged = the whole."""

    key: str
    tagged: Decimal
    tagged_share: Decimal | None
    untagged: Decimal
    untagged_share: Decimal | None
    values: tuple[TagValue, ...]
    rest_count: int
    rest: Decimal
    rest_share: Decimal | None
