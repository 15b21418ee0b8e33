"""How far usage reaches: the last complete day of a source's month, of the source, and where figures end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import load_settings
from pipeline.night.loaded import staleness
from pipeline.store import reach
from pipeline.store.reach import Reach
from tests.jobs.nights import write_config
from tests.load import bills
from tests.load.bills import House, focus, house, month

FEBRUARY, MARCH = month("2026-02"), month("2026-03")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as opened:
        yield opened


def usage(period: dict[str, str], first: str, last: str, **more: str) -> dict[str, Any]:
    return focus(**{**period, "ChargePeriodStart": f"{first}Z", "ChargePeriodEnd": f"{last}Z", **more})


def load(own: House, name: str, *rows: dict[str, Any], source: str = "bill") -> None:
    assert own.one(bills.write(own.folder / f"{name}.csv", rows), source=source).status == "loaded"


def test_a_month_that_was_left_ends_where_its_usage_does_and_its_figures_with_the_month(own: House) -> None:
    load(own, "feb", usage(FEBRUARY, "2026-02-19T00:00:00", "2026-02-20T00:00:00"))
    load(own, "mar", usage(MARCH, "2026-03-05T00:00:00", "2026-03-06T00:00:00"))
    [february] = reach.of_period(own.warehouse, "2026-02").values()
    [march] = reach.of_period(own.warehouse, "2026-03").values()
    assert (february.last_day, february.figures_end) == (date(2026, 2, 19), date(2026, 2, 28))
    assert (march.last_day, march.figures_end) == (date(2026, 3, 5), date(2026, 3, 5))
    assert reach.source_days(own.warehouse) == {"bill": date(2026, 3, 5)}


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-15"])
def test_part_of_its_first_day_is_no_complete_day_before_it(own: House, day: str) -> None:
    load(own, "mar", usage(MARCH, f"{day}T04:00:00", f"{day}T05:00:00"))
    assert [each.last_day for each in reach.of_all(own.warehouse).values()] == [None]
    assert reach.source_days(own.warehouse) == {"bill": None}


def test_usage_that_a_later_bill_holds_counts_for_the_source_and_not_for_the_month() -> None:
    billed_later = Reach("bill", "2026-03", datetime(2026, 3, 1), date(2026, 2, 1), moved_on=False)
    assert (billed_later.last_day, billed_later.usage_day) == (None, date(2026, 2, 28))


def test_staleness_names_the_sources_that_are_too_old_with_their_days(own: House, tmp_path: Path) -> None:
    load(own, "old", usage(MARCH, "2026-03-05T00:00:00", "2026-03-06T00:00:00"), source="old")
    load(own, "new", usage(MARCH, "2026-03-20T00:00:00", "2026-03-21T00:00:00"), source="new")
    load(own, "part", usage(MARCH, "2026-03-01T00:00:00", "2026-03-01T05:00:00"), source="part")
    sources = [{"name": name, "path": name} for name in ("new", "old", "part")]
    settings = load_settings(write_config(tmp_path, sources=sources), environ={})
    found = staleness(own.warehouse, settings, datetime(2026, 3, 22))
    assert (found.last_complete_day, found.age_days, found.is_stale) == (date(2026, 3, 5), 17, True)
    assert found.lines == (
        "old: its last complete day is 2026-03-05, 17 days ago; the limit is 3 days (freshness.max_age_days)",
    )
