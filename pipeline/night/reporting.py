"""Reports of a night: which are due, and rendering one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline import periods
from pipeline.config import Settings
from pipeline.errors import OwnPartError, UsageError
from pipeline.night import documents
from pipeline.night.loaded import latest_period, loaded_periods
from pipeline.night.summarising import last_complete_day
from pipeline.periods import Edition, Span
from pipeline.store import rollups
from pipeline.store.warehouse import Warehouse
from pipeline.version import VERSION


class Reporting:
    """The reports of an open warehouse as of a moment; ``keys`` are the reported tag keys."""

    def __init__(self, warehouse: Warehouse, settings: Settings, *, as_of: datetime, keys: Sequence[str]) -> None:
        self.warehouse = warehouse
        self.settings = settings
        self.as_of = as_of
        self.keys = tuple(keys)
        self.latest = latest_period(warehouse)
        self.warnings: list[str] = []

    def due(self) -> list[str]:
        """Return the billing periods whose report is missing, or depends on something that has changed."""
        loaded = loaded_periods(self.warehouse)
        due = set(rollups.due(self.warehouse, "reports"))
        emptied = {period for period in due - set(loaded) if any(self._there(period))}
        for period in sorted(due - set(loaded) - emptied):  # a neighbour changed, or refused before anything loaded
            with self.warehouse.transaction():
                rollups.done(self.warehouse, period, "reports")
        return [
            period
            for period in sorted({*loaded, *emptied})
            if period in due or self._made_with(period) != self.key(period) or not all(self._there(period))
        ]

    def write(self, period: str, out: Path, *, strict: bool = False) -> list[Path]:
        """Render one billing period's reports below the folder ``out``, and note them as made; returns the files.

        What of the user's own cannot be used is left out, and told in ``warnings``.

        Raises:
            OwnPartError: instead, when ``strict``.
        """
        try:
            written = self._written(self.settings, period, out)
        except OwnPartError as error:
            if strict:
                raise
            self.warnings.append(without_own(error, period))
            plain = replace(self.settings, reports=replace(self.settings.reports, sections=(), templates=None))
            written = self._written(plain, period, out)
        with self.warehouse.transaction():
            self.warehouse.execute(
                "INSERT OR REPLACE INTO settings VALUES (?, ?)", [f"report:{period}", self.key(period)]
            )
            rollups.done(self.warehouse, period, "reports")
        return written

    def _written(self, settings: Settings, period: str, out: Path) -> list[Path]:
        how: Any = {"as_of": self.as_of, "keys": self.keys}
        written = documents.write_pages(self.warehouse, settings, period, out, **how)
        for own in settings.reports.also:
            wanted = documents.Wanted(own.report, own.group_by, own.by, own.only)
            for span in self._spans(own.edition, period):
                try:
                    written += documents.write(self.warehouse, settings, wanted, span, out, **how)
                except OwnPartError:
                    raise
                except UsageError as error:  # such as a team that has no charge in the month
                    self.warnings.append(f"the report {own.report} of {span.label} is not written: {error}")
        return written

    def _spans(self, edition: Edition, period: str) -> list[Span]:
        """What of an edition is written with a billing period: its month, or of the newest one its newest day or week."""
        if edition == "monthly":
            return [periods.parse_span(period)]
        day = last_complete_day(self.warehouse, period)
        return [periods.span_of(edition, day)] if period == self.latest and day is not None else []

    def _made_with(self, period: str) -> str | None:
        key: str | None = self.warehouse.value("SELECT value FROM settings WHERE name = ?", [f"report:{period}"])
        return key

    def key(self, period: str) -> str:
        """What a report depends on besides the warehouse; only the latest period's speaks of today, while it is stale."""
        from pipeline.reports.attribution import fiscal_year_to_date

        today = self.as_of.date().isoformat() if period == self.latest and self._is_stale(period) else "-"
        to_date = fiscal_year_to_date(self.warehouse, period, self.settings.fiscal_year_start)
        own = [path.read_bytes() for path in self._own_files()]
        reports = replace(self.settings.reports, site=None)
        facts = repr((reports, own, self.settings.freshness, self.keys, VERSION, to_date))
        return f"{today} {hashlib.sha256(facts.encode()).hexdigest()[:16]}"

    def _is_stale(self, period: str) -> bool:
        day = last_complete_day(self.warehouse, period)
        return day is not None and (self.as_of.date() - day).days > self.settings.freshness.max_age_days

    def _own_files(self) -> list[Path]:
        """The user's own queries and templates: a report is made anew when one of them changes."""
        reports = self.settings.reports
        templates = sorted(reports.templates.rglob("*.j2")) if reports.templates else []
        return [path for path in (*(own.sql for own in reports.sections), *templates) if path.is_file()]

    def _there(self, period: str) -> list[bool]:
        """Whether there are files of each format; some formats have one for each table."""
        folder = self.settings.reports.out / period
        formats = self.settings.reports.formats
        return [(folder / f"report.{name}").exists() or any(folder.glob(f"report.*.{name}")) for name in formats]


def without_own(error: OwnPartError, period: str) -> str:
    """Say that a billing period is told without what of the user's own cannot be used."""
    return f"{error}; the reports of {period} are without sections and templates of your own"
