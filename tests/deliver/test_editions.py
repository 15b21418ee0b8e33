"""Which window is due: ended, and covered or waited for long enough."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.deliver.channel import EditionName
from pipeline.night.editions import Editions


def day(text: str) -> date:
    return date.fromisoformat(text)


def due(today: str, last_day: str | None, first_day: str | None = "2026-01-05", *, withholds: bool = False) -> Editions:
    first, last = (day(each) if each else None for each in (first_day, last_day))
    return Editions(
        day(today), first, last, max_age_days=3, withholds=lambda span: withholds and span.end > day("2026-03-01")
    )


@pytest.mark.parametrize(
    ("edition", "today", "last_day", "period", "is_covered"),
    [
        ("daily", "2026-03-22", "2026-03-21", "2026-03-21", True),
        ("daily", "2026-03-22", "2026-03-19", "2026-03-19", True),  # the 20th and 21st are on their way
        ("daily", "2026-03-22", "2026-03-22", "2026-03-21", True),  # today has not ended
        ("daily", "2026-03-28", "2026-03-21", "2026-03-24", False),  # nobody waits longer than 3 days
        ("weekly", "2026-03-22", "2026-03-21", "2026-W11", True),
        ("weekly", "2026-03-23", "2026-03-21", "2026-W11", True),  # Sunday is not covered yet
        ("weekly", "2026-03-23", "2026-03-22", "2026-W12", True),
        ("weekly", "2026-03-26", "2026-03-21", "2026-W12", False),
        ("monthly", "2026-03-31", "2026-03-30", "2026-02", True),
        ("monthly", "2026-04-02", "2026-03-30", "2026-02", True),
        ("monthly", "2026-04-02", "2026-03-31", "2026-03", True),
        ("monthly", "2026-04-04", "2026-03-30", "2026-03", False),
        ("monthly", "2026-09-01", "2026-03-31", "2026-07", False),  # only the newest: nothing of five months
    ],
)
def test_the_newest_window_that_nobody_has_to_wait_for_is_due(
    edition: EditionName, today: str, last_day: str, period: str, is_covered: bool
) -> None:
    found = due(today, last_day)("costs", edition, None)
    assert found is not None
    assert (found.period, found.is_covered) == (period, is_covered)


@pytest.mark.parametrize("edition", ["daily", "weekly", "monthly"])
def test_nothing_is_due_before_the_first_charge_or_the_calendar(edition: EditionName) -> None:
    assert due("2026-03-22", None, None)("costs", edition, None) is None
    assert due("2026-03-22", "2026-03-22", "2026-03-22")("costs", edition, None) is None
    assert due("0001-01-01", "0001-01-01", "0001-01-01")("costs", edition, None) is None


def test_what_is_withheld_is_noted_once_and_what_is_covered_is_not() -> None:
    editions = due("2026-03-28", "2026-03-21", withholds=True)
    assert editions("costs", "daily", None) is None
    assert editions("costs", "daily", None) is None
    assert editions.withheld == ["costs 2026-03-24"]
    assert editions("costs", "monthly", None) is not None
