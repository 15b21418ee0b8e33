"""Where a report's figures come from: sources, deliveries, what was rejected, what changed, the reconciliation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from pipeline.reports.model.costs import less
from pipeline.store.invoices import Invoice


@dataclass(frozen=True)
class Source:
    """What is loaded of one source; ``last_day``: its last complete day, None without a whole day of usage.

    ``figures_end``: the day that its figures end with: the month's last one when it has gone on to a later month.
    ``state`` is open, final or restated (after it was final); ``final_by`` invoice or closed, with the ``note``.
    """

    name: str
    last_day: date | None
    figures_end: date | None
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
