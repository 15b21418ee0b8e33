"""What a delivery comes to: one billing period of it on its way in, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from pipeline.config import SourceSettings
from pipeline.engines.staged import Staged
from pipeline.sources.delivery import Delivery
from pipeline.sources.find import ExportFile
from pipeline.sources.formats import Origin
from pipeline.store.loads import Load, Status


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery (of one billing period of it).

    Attributes:
        name: its first file.
        status: as in the ledger; ``outside`` when it lies outside of the billing periods that were asked for, ``empty`` when
            nothing of it could be loaded: a header without rows, of no billing period that is known.
        is_new: False when it was known from a former run.
        load_id: its row in the ledger; None when it was known, or nothing of it is noted.
        totals: BilledCost by currency of what was loaded.
        load_id: its row of the ledger; None when it has none.
        notes: what somebody may want to know of a delivery that went in: growth, drift.
        waits: it was refused or quarantined and nothing newer has been loaded: the run ends with code 65.
        retry: it was refused for what may pass by itself: the same run may take it a little later.
    """

    x_Source: str
    x_BillingPeriod: str | None
    name: str
    status: Status | Literal["outside", "empty"]
    reason: str | None
    is_new: bool
    rows_read: int = 0
    rows_rejected: int = 0
    charges: int = 0
    totals: Mapping[str | None, Decimal] | None = None
    seconds: float = 0.0
    load_id: str | None = None
    notes: tuple[str, ...] = ()
    retry: bool = False

    @property
    def waits(self) -> bool:
        """Whether somebody has to act."""
        return self.status in ("refused", "quarantined")


@dataclass(frozen=True)
class Job:
    """One billing period of a staged delivery. ``unread`` takes in rows whose period cannot be read.

    ``names`` gives files another name than their path: copies are told of as what they are copies of.
    """

    source: SourceSettings
    delivery: Delivery
    staged: Staged
    period: str
    unread: bool
    fringe: bool
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> Origin:
        """What its charges are: billed, also those of a log that is part of the bill, or recorded."""
        return "billed" if self.source.bill else self.staged.header.format.origin

    @property
    def is_log(self) -> bool:
        """Whether programs recorded its charges, be they part of the bill or not."""
        return self.staged.header.format.origin == "recorded"

    def name_of(self, file: ExportFile) -> str:
        """The path by which the ledger knows a file."""
        return self.names.get(str(file.path), file.name)


def fingerprint(delivery: Delivery, source: SourceSettings) -> str:
    """Return a delivery's fingerprint under the source's settings that change a mapping."""
    format_asked = [] if source.format == "auto" else [source.format]
    return delivery.fingerprint(json.dumps([*sorted(source.keep_columns), *format_asked]))


def outcome(
    job: Job, load: Load, totals: Mapping[str | None, Decimal], seconds: float, notes: tuple[str, ...] = ()
) -> Outcome:
    """Return the outcome of a new delivery from its ledger row."""
    return Outcome(
        load.x_Source,
        load.x_BillingPeriod,
        job.delivery.name,
        load.status,
        load.reason,
        is_new=True,
        rows_read=load.rows_read,
        rows_rejected=load.rows_rejected,
        charges=load.charges,
        totals=totals,
        seconds=seconds,
        load_id=load.load_id,
        notes=notes,
    )
