"""One billing period's report, whole: its currencies, budgets, restatements and data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from pipeline.reports.model.attribution import Coverage, Owners, SplitKey
from pipeline.reports.model.commitments import Commitments
from pipeline.reports.model.costs import Category, Costs, Daily, Headline, Movers, Resources, TagKey
from pipeline.reports.model.drill import Drill
from pipeline.reports.model.ledger import Data, Restatement, Source
from pipeline.reports.model.standing import Standing
from pipeline.reports.model.usage import ModelUsage


@dataclass(frozen=True)
class CurrencySection:
    """Everything about the charges of one currency; ``currency`` None: the bill states none.

    ``drill`` is what a page opens by category, service and resource.
    """

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
    drill: Drill
    owners: Owners | None = None
    tenants: Owners | None = None


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
class ReportContext:
    """One billing period's report. ``last_day`` is the earliest day that the figures of its sources end with.

    ``tenant``: whose report it is; None: the operator's.
    """

    period: str
    previous_period: str
    start: date
    end: date
    last_day: date | None
    sections: tuple[CurrencySection, ...]
    converted: Converted | None
    commitments: tuple[Commitments, ...]
    models: tuple[ModelUsage, ...]
    standing: Standing
    restatements: tuple[Restatement, ...]
    restatements_before: int
    data: Data
    generated_at: datetime
    version: str
    tenant: str | None = None

    @property
    def open(self) -> bool:
        """Whether days of the period are still to come."""
        return self.last_day is not None and (self.end - self.last_day).days > 1

    @property
    def ended_early(self) -> tuple[Source, ...]:
        """The sources of a whole month whose usage ends before it does, the earliest first."""
        ended = [source for source in self.data.sources if source.last_day and (self.end - source.last_day).days > 1]
        return () if self.open else tuple(sorted(ended, key=lambda own: (str(own.last_day), own.name)))

    @property
    def days(self) -> int:
        """Days of the period."""
        return (self.end - self.start).days
