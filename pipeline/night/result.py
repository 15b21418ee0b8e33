"""What a run tells while it goes, and what it did in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.model import BudgetResult
from pipeline.load import Outcome
from pipeline.night.loaded import Staleness


@dataclass(frozen=True)
class Step:
    """One step of a run as told to whoever listens: rows, money by currency and seconds where it has them."""

    name: str
    subject: str
    rows: int | None = None
    totals: Mapping[str | None, Decimal] = field(default_factory=dict)
    seconds: float = 0.0
    note: str | None = None


@dataclass
class RunResult:
    """What a run did. ``undelivered``: a line for each message that was not sent, or of which nobody can say so."""

    outcomes: list[Outcome] = field(default_factory=list)
    alerts: list[AlertChange] = field(default_factory=list)
    reports: list[Path] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    published: Path | None = None
    budgets: BudgetResult | None = None
    warnings: list[str] = field(default_factory=list)
    missing_rates: bool = False
    staleness: Staleness | None = None
    exit_code: int = 0
    notes: list[str] = field(default_factory=list)


Listener = Callable[[Step], None]


def load_step(outcome: Outcome) -> Step:
    """Tell what became of a delivery."""
    subject = " ".join(part for part in (outcome.x_Source, outcome.x_BillingPeriod) if part)
    note = outcome.status if outcome.is_new else f"{outcome.status}, known"
    if outcome.reason:
        note = f"{note}: {outcome.reason}"
    note = "; ".join([note, *outcome.notes])
    return Step("load", subject, outcome.rows_read, outcome.totals or {}, outcome.seconds, note)
