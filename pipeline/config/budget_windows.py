"""The window of a budget as the file states it: ``period``, ``period_by``, ``starts`` and ``ends``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import cast

from pipeline.config import fields
from pipeline.config.budgets import BY_BILLING, PeriodBy, PeriodName
from pipeline.config.section import Section


@dataclass(frozen=True)
class Windowed:
    """What of a scope says which windows it counts."""

    period: PeriodName = "monthly"
    period_by: PeriodBy = "billing"
    starts: date | None = None
    ends: date | None = None


MONTHLY = Windowed()


def read_window(section: Section) -> Windowed:
    """Read the window of a scope; what does not fit together is noted."""
    period = section.value("period", fields.choice(fields.BUDGET_PERIODS), "monthly")
    said = section.value("period_by", fields.choice(fields.PERIOD_BY), None)
    starts, ends = section.value("starts", fields.day, None), section.value("ends", fields.day, None)
    if starts and ends and ends <= starts:
        section.problem("ends", f"{ends} is not after starts, {starts}; it is the first day that does not count")
    for key in ("starts", "ends"):
        if period == "custom" and not section.has(key):
            section.findings.problem(
                section.line, section.path, f"{key} is missing: a custom period is the days from starts to before ends"
            )
    if said == "billing" and not _has_months(period, starts, ends):
        section.problem(
            "period_by", f"billing does not fit the period {period}: a bill is a month; leave it out or write charge"
        )
    by = said or ("billing" if period in BY_BILLING else "charge")
    return Windowed(cast(PeriodName, period), cast(PeriodBy, by), starts, ends)


def _has_months(period: str, starts: date | None, ends: date | None) -> bool:
    """Whether windows are made of whole months."""
    if period == "custom":
        return all(each is None or each.day == 1 for each in (starts, ends))
    return period in BY_BILLING
