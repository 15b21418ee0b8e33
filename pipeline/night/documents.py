"""Reports as files: which of them are withheld, and where each is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import periods
from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.night.loaded import latest_period, loaded_periods
from pipeline.periods import Span, utc_now
from pipeline.store.warehouse import Warehouse
from pipeline.version import VERSION

if TYPE_CHECKING:
    from pipeline.reports.documents import Request

#: The formats of a billing period's page; its other formats are of the document with the same figures.
PAGES = ("html", "md")


@dataclass(frozen=True)
class Wanted:
    """A report that somebody wants written, of whatever span; as ``documents.Request`` has it."""

    report: str = "costs"
    group_by: tuple[str, ...] = ()
    by: str = "owner"
    only: str | None = None

    @property
    def is_page(self) -> bool:
        """Whether it is the report of which billing periods have a page."""
        return self.report == "costs" and not self.group_by


def check(wanted: Wanted, formats: Sequence[str]) -> None:
    """Check what is wanted before anything is opened or written.

    Raises:
        UsageError: when there is no such report or format.
    """
    from pipeline.reports.documents import Request
    from pipeline.reports.writers import check_format

    now = utc_now()
    any_span = periods.span_of("daily", now.date())
    Request(wanted.report, any_span, now, now, VERSION, group_by=wanted.group_by, by=wanted.by, only=wanted.only)
    for name in formats:
        check_format(name)


def require_some(warehouse: Warehouse, spans: Sequence[Span]) -> None:
    """Check that something is loaded of each span.

    Raises:
        UsageError: naming those of which nothing is, and what is loaded.
    """
    known = loaded_periods(warehouse)
    empty = [span.label for span in spans if not any(span.first_month <= own <= span.last_month for own in known)]
    if empty:
        raise UsageError(f"nothing is loaded for {', '.join(empty)}; loaded: {', '.join(known) or 'nothing yet'}")


def reaches_open(warehouse: Warehouse, span: Span) -> bool:
    """Whether a span has days of the newest billing period, or later ones: what withholding stale data is about."""
    latest = latest_period(warehouse)
    return latest is not None and span.end > periods.month(latest).start.date()


def write_pages(
    warehouse: Warehouse, settings: Settings, period: str, out: Path, *, as_of: datetime, keys: Sequence[str]
) -> list[Path]:
    """Write a billing period's costs below ``out``: its page, and the document in the formats that are no page."""
    from pipeline.reports.render import render_report

    reports = settings.reports
    written = render_report(
        warehouse,
        period,
        out=out,
        formats=[name for name in reports.formats if name in PAGES],
        as_of=as_of,
        generated_at=utc_now(),
        version=VERSION,
        locale=reports.locale,
        templates=reports.templates,
        max_age_days=settings.freshness.max_age_days,
        tag_keys=keys,
        fiscal_year_start=settings.fiscal_year_start,
        sections=reports.sections,
    )
    others = [name for name in reports.formats if name not in PAGES]
    if not others:
        return written
    request = request_of(settings, Wanted(), periods.parse_span(period), as_of, keys)
    return [*written, *_write(warehouse, settings, request, others, out)]


def write(
    warehouse: Warehouse,
    settings: Settings,
    wanted: Wanted,
    span: Span,
    out: Path,
    *,
    as_of: datetime,
    keys: Sequence[str],
) -> list[Path]:
    """Write a report of a span below ``out`` in the configured formats; returns the files."""
    if wanted.is_page and span.edition == "monthly":
        return write_pages(warehouse, settings, span.label, out, as_of=as_of, keys=keys)
    request = request_of(settings, wanted, span, as_of, keys)
    return _write(warehouse, settings, request, settings.reports.formats, out)


def request_of(settings: Settings, wanted: Wanted, span: Span, as_of: datetime, keys: Sequence[str]) -> Request:
    """Return what is asked of the documents, with all that the configuration says of it."""
    from pipeline.reports.documents import Request

    return Request(
        wanted.report,
        span,
        as_of,
        utc_now(),
        VERSION,
        locale=settings.reports.locale,
        max_age_days=settings.freshness.max_age_days,
        tag_keys=tuple(keys),
        fiscal_year_start=settings.fiscal_year_start,
        sections=settings.reports.sections,
        group_by=wanted.group_by,
        by=wanted.by,
        only=wanted.only,
    )


def _write(warehouse: Warehouse, settings: Settings, request: Request, formats: Sequence[str], out: Path) -> list[Path]:
    from pipeline.reports import writers
    from pipeline.reports.documents import build, place

    written = []
    for document in build(warehouse, request):
        folder = out / place(document)
        for name in formats:
            written += writers.write(document, name, folder, templates=settings.reports.templates)
    return written
