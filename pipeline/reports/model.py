"""What a report says, decided: sorted, cut and summed. Templates only lay it out.

Money is exact Decimal in the currency named beside it; shares and percentages are percent with 6 decimals, None
where there is nothing to divide by; days are UTC days; moments are naive UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from pipeline import money
from pipeline.store.invoices import Invoice


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
class Mover:
    """One key's change against the previous billing period, brought to this one's days."""

    name: str | None
    billed: Decimal
    expected: Decimal
    change: Decimal
    share: Decimal | None


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


@dataclass(frozen=True)
class Owner:
    """What the accounts of one owner cost; ``name`` None: accounts without one, or several owners together."""

    name: str | None
    accounts: int
    billed: Decimal
    effective: Decimal
    share: Decimal | None


@dataclass(frozen=True)
class OwnerCoverage:
    """An account's charges without a tag; ``share`` is percent of its cost that has it."""

    owner: str | None
    name: str | None
    untagged: Decimal
    billed: Decimal
    share: Decimal | None


@dataclass(frozen=True)
class Owners:
    """The owners with the highest costs, the sum of the others, and what has no owner: together the whole bill."""

    rows: tuple[Owner, ...]
    rest_count: int
    rest: Owner | None
    unowned: Owner | None
    total: Owner


@dataclass(frozen=True)
class Coverage:
    """A tag key and the accounts whose untagged cost is largest."""

    key: str
    owners: tuple[OwnerCoverage, ...]
    others: int


@dataclass(frozen=True)
class SplitValue:
    """A tag value after shared costs: own + received = total; ``value`` None: charges without the tag."""

    value: str | None
    own: Decimal
    received: Decimal
    total: Decimal


@dataclass(frozen=True)
class SplitKey:
    """A tag key that shared costs are divided by; the values and their rest sum to the bill.

    ``unsplit`` are (rule, amount, why) of what could not be divided and stays where it is.
    """

    key: str
    values: tuple[SplitValue, ...]
    rest_count: int
    rest: SplitValue | None
    total: SplitValue
    unsplit: tuple[tuple[str, Decimal, str], ...]


@dataclass(frozen=True)
class CurrencySection:
    """Everything about the charges of one currency; ``currency`` None: the bill states none."""

    currency: str | None
    total: Costs
    headline: Headline
    daily: Daily
    categories: tuple[Category, ...]
    movers: tuple[Movers, ...]
    resources: Resources
    tags: tuple[TagKey, ...]
    coverage: tuple[Coverage, ...]
    splits: tuple[SplitKey, ...]
    owners: Owners | None = None


@dataclass(frozen=True)
class ConvertedLine:
    """One currency's bill, and what it is in the reporting currency: None without a rate, then ``why`` says more."""

    currency: str | None
    total: Costs
    rate: Decimal | None
    billed: Decimal | None
    effective: Decimal | None
    why: str | None


@dataclass(frozen=True)
class Converted:
    """Bills of several currencies as one, at the configured rates; what has no rate is in no sum."""

    currency: str
    lines: tuple[ConvertedLine, ...]
    billed: Decimal
    effective: Decimal

    @property
    def missing(self) -> tuple[ConvertedLine, ...]:
        """The currencies that are left out."""
        return tuple(line for line in self.lines if line.rate is None)


@dataclass(frozen=True)
class Threshold:
    """A threshold of a budget, in percent, and whether it is reached (state EXCEEDED, APPROACHING, OK)."""

    threshold: Decimal
    type: str
    state: str


@dataclass(frozen=True)
class Budget:
    """A budget and what it came to. ``unconverted``: (currency, amount) pairs that no rate converts."""

    id: str
    scope_type: str
    scope_key: str
    name: str | None
    owner: str | None
    currency: str
    enabled: bool
    limit: Decimal
    spend: Decimal | None
    percentage: Decimal | None
    forecast: Decimal | None
    forecast_percentage: Decimal | None
    forecast_note: str | None
    health: str
    thresholds: tuple[Threshold, ...]
    unconverted: tuple[tuple[str, Decimal], ...]

    @property
    def over_by_forecast(self) -> bool:
        """Whether the forecast ends at the limit or above it."""
        return self.forecast_percentage is not None and self.forecast_percentage >= 100


@dataclass(frozen=True)
class Alert:
    """An alert of this period; ``spend`` is the forecasted spend where ``type`` is forecasted."""

    budget: str
    name: str
    threshold: Decimal
    type: str
    status: str
    severity: str
    currency: str
    spend: Decimal
    limit: Decimal
    percentage: Decimal
    fired_at: datetime
    resolved_at: datetime | None
    reopened_at: datetime | None
    reason: str | None


@dataclass(frozen=True)
class Standing:
    """All budgets in report order, their worst health (UNSPECIFIED without any), and the alerts."""

    health: str
    budgets: tuple[Budget, ...]
    alerts: tuple[Alert, ...]

    @property
    def enabled(self) -> tuple[Budget, ...]:
        """The budgets that count."""
        return tuple(budget for budget in self.budgets if budget.enabled)

    @property
    def over(self) -> tuple[Budget, ...]:
        """Those that are used up."""
        return tuple(budget for budget in self.enabled if budget.health == "EXCEEDED")

    @property
    def heading_over(self) -> tuple[Budget, ...]:
        """Those that the forecast ends at or above their limit, though they are not there yet."""
        return tuple(budget for budget in self.enabled if budget.health != "EXCEEDED" and budget.over_by_forecast)


@dataclass(frozen=True)
class Source:
    """What is loaded of one source; ``last_day`` None: no usage, so no complete day.

    ``state`` is open, final or restated (after it was final); ``final_by`` invoice or closed, with the ``note``.
    """

    name: str
    last_day: date | None
    delivered_at: datetime | None
    charges: int
    earlier: int
    state: str = "open"
    final_by: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class RestatedFinal:
    """What a source's billing period came to when it became final, and what it comes to now, in one currency."""

    source: str
    currency: str | None
    final: Decimal
    now: Decimal


@dataclass(frozen=True)
class Delivery:
    """One delivery that is in the bill, or waits outside of it (quarantined, refused)."""

    source: str
    period: str | None
    format: str
    status: str
    reason: str | None
    delivered_at: datetime | None
    rows_read: int
    rows_rejected: int
    charges: int


@dataclass(frozen=True)
class RejectedRow:
    """A row that did not become a charge; ``file`` is the name without its folder."""

    source: str
    file: str
    record: int | None
    column: str | None
    value: str | None
    reason: str


@dataclass(frozen=True)
class Drift:
    """A column that is new, missing or retyped against the delivery before; ``column`` None: the format's version.

    ``before`` and ``after`` are types, or versions, where they are known.
    """

    source: str
    change: str
    column: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True)
class RestatedLine:
    """What a re-delivery changed for one account and service."""

    account: str | None
    service: str | None
    charges_before: int
    charges_after: int
    before: Decimal
    after: Decimal
    effective_before: Decimal
    effective_after: Decimal

    @property
    def change(self) -> Decimal:
        """After less before."""
        return less(self.after, self.before)

    @property
    def effective_change(self) -> Decimal:
        """Effective cost after less before."""
        return less(self.effective_after, self.effective_before)


@dataclass(frozen=True)
class Restatement:
    """One re-delivery in one currency: its largest changes, the sum of the rest, and the sum of all.

    ``reason`` is why there was something new; None where the ledger does not say.
    """

    source: str
    currency: str | None
    delivered_at: datetime | None
    reason: str | None
    rows: tuple[RestatedLine, ...]
    rest_count: int
    rest: RestatedLine | None
    total: RestatedLine


@dataclass(frozen=True)
class Reconciliation:
    """BilledCost on its way through: files - rejected = charges = daily rollup = summaries.

    ``files`` is None where the column is derived and the files hold nothing to compare with.
    """

    currency: str | None
    files: Decimal | None
    rejected: Decimal
    charges: Decimal
    daily: Decimal
    summaries: Decimal

    @property
    def agrees(self) -> bool:
        """Whether every step has the same sum, to the last decimal."""
        first = self.charges if self.files is None else less(self.files, self.rejected)
        return first == self.charges == self.daily == self.summaries


@dataclass(frozen=True)
class Stale:
    """The data of the open period is older than the configured limit."""

    last_day: date
    age_days: int
    max_age_days: int
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Data:
    """Where the figures come from, and what is missing from them."""

    sources: tuple[Source, ...]
    missing_sources: tuple[str, ...]
    deliveries: tuple[Delivery, ...]
    waiting: tuple[Delivery, ...]
    rejected_count: int
    rejected: tuple[RejectedRow, ...]
    drift_count: int
    drift: tuple[Drift, ...]
    reconciliation: tuple[Reconciliation, ...]
    stale: Stale | None
    restated: tuple[RestatedFinal, ...] = ()
    invoices: tuple[Invoice, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every currency reconciles."""
        return all(line.agrees for line in self.reconciliation)

    @property
    def delivered_at(self) -> datetime | None:
        """The last delivery of any source."""
        return max((source.delivered_at for source in self.sources if source.delivered_at), default=None)


@dataclass(frozen=True)
class ReportContext:
    """One billing period's report. ``last_day`` is the earliest last complete day of its sources."""

    period: str
    previous_period: str
    start: date
    end: date
    last_day: date | None
    sections: tuple[CurrencySection, ...]
    converted: Converted | None
    standing: Standing
    restatements: tuple[Restatement, ...]
    restatements_before: int
    data: Data
    generated_at: datetime
    version: str

    @property
    def open(self) -> bool:
        """Whether days of the period are still to come."""
        return self.last_day is not None and (self.end - self.last_day).days > 1

    @property
    def days(self) -> int:
        """Days of the period."""
        return (self.end - self.start).days
