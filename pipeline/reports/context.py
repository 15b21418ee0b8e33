"""Everything that one billing period's report says, read from rollups, summaries, budgets and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import localcontext

from pipeline import money, periods
from pipeline.reports.commitments import read_commitments
from pipeline.reports.converted import read_converted
from pipeline.reports.costs import read_sections
from pipeline.reports.ledger import last_day, read_data, read_restatements
from pipeline.reports.model import ReportContext
from pipeline.reports.models import read_models
from pipeline.reports.standing import read_standing
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse


def build_context(
    warehouse: Warehouse,
    period: str,
    *,
    as_of: datetime,
    generated_at: datetime,
    version: str,
    max_age_days: int | None = None,
    tag_keys: Sequence[str] = (),
    fiscal_year_start: int = 1,
) -> ReportContext:
    """Read and decide a report; the charges themselves are not touched.

    Args:
        warehouse: open for reading or writing; its summaries and budget status must be up to date.
        period: a billing period, ``2026-03``; one that holds nothing gives a report that says so.
        as_of: the day that the run counts as today, naive UTC; only staleness depends on it.
        generated_at: when this rendering was made, naive UTC: shown in the last line only.
        version: of the program, shown there too.
        max_age_days: the open period's data is stale when its last complete day is longer ago; None: never.
        tag_keys: reported tag keys in their order; none: those that cover most of the bill.

        fiscal_year_start: the month that the fiscal year begins with, for its sum to date.

    Raises:
        UsageError: when ``period`` is no billing period.
    """
    window = periods.month(period)
    with localcontext(money.EXACT):
        data = read_data(warehouse, period, as_of, max_age_days)
        day = last_day(data.sources)
        tenant = owner(warehouse)
        standing = read_standing(warehouse, period, tenant)
        sections = read_sections(warehouse, period, day, standing, tag_keys, fiscal_year_start)
        restatements, before = read_restatements(warehouse, period)
        return ReportContext(
            period=period,
            previous_period=periods.previous(period),
            start=window.start.date(),
            end=window.end.date(),
            last_day=day,
            sections=sections,
            converted=read_converted(warehouse, period, sections),
            commitments=read_commitments(warehouse, period),
            models=read_models(warehouse, period),
            standing=standing,
            restatements=restatements,
            restatements_before=before,
            data=data,
            generated_at=generated_at,
            version=version,
            tenant=tenant,
        )
