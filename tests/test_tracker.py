"""Recording costs and asking what they came to."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine

from pipeline.entries import CostCategory, CostEntry, CostSummary
from pipeline.errors import CostmillError, EntryError, UsageError
from pipeline.periods import BudgetPeriod
from pipeline.store.base import CostStore, Selection
from pipeline.store.duckdb import DuckDBCostStore
from pipeline.store.memory import InMemoryCostStore
from pipeline.tracker import CostTracker
from tests import empty

NOW = datetime(2026, 3, 18, 6, 30)  # a Wednesday
MARCH = datetime(2026, 3, 1)


@pytest.fixture
def tracker() -> CostTracker:
    return CostTracker(InMemoryCostStore())


def record(tracker: CostTracker, *moments: datetime) -> None:
    """Record 1, 10, 100, … at the given moments: a total says which of them it counts."""
    for number, moment in enumerate(moments):
        tracker.record(10**number, "compute", timestamp=moment)


def test_what_is_recorded_is_kept_and_returned(tracker: CostTracker) -> None:
    made = tracker.record("1.5", CostCategory.WEB, "a page", "site-1", {"team": "a"}, {"n": 1}, currency="EUR")
    assert tracker.store.get_entries(None, None) == [made]
    assert (made.amount, made.category, made.description) == (Decimal("1.5"), CostCategory.WEB, "a page")
    assert (made.resource_id, made.tags, made.metadata, made.currency) == ("site-1", {"team": "a"}, {"n": 1}, "EUR")


def test_an_entry_is_recorded_now() -> None:
    with time_machine.travel(NOW.replace(tzinfo=UTC), tick=False):
        assert CostTracker(InMemoryCostStore()).record(1, "web").timestamp == NOW


def test_ten_times_a_tenth_is_one(tmp_path: Path) -> None:
    for store in (InMemoryCostStore(), DuckDBCostStore(empty.put(tmp_path / "w.duckdb"))):
        tracker = CostTracker(store)
        for _ in range(10):
            tracker.record(0.1, "compute")
        assert tracker.get_total() == Decimal(1)


def test_a_negative_amount_is_a_credit(tracker: CostTracker) -> None:
    tracker.record(5, "compute")
    tracker.record(-2, "compute")
    assert tracker.get_total() == 3


def test_a_retry_under_the_same_id_counts_once(tracker: CostTracker) -> None:
    for _ in range(2):
        tracker.record(5, "compute", id="call-1", timestamp=NOW)
    assert tracker.get_summary().entry_count == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"amount": "nan"}, "is no amount"),
        ({"amount": None}, "is no amount"),
        ({"category": "computer"}, "did you mean 'compute'"),
        ({"currency": "€"}, "ISO 4217"),
        ({"id": ""}, "id is empty"),
        ({"metadata": {"x": {1}}}, "JSON cannot hold"),
    ],
    ids=str,
)
def test_what_cannot_be_recorded_is_refused_and_logged(
    tracker: CostTracker, caplog: pytest.LogCaptureFixture, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(EntryError, match=said):
        tracker.record(**{"amount": 1, "category": "compute", **given})
    assert [line.levelno for line in caplog.records] == [logging.ERROR]
    assert tracker.get_summary().entry_count == 0


@pytest.mark.parametrize(
    ("period", "total"),
    [("hourly", 1), ("daily", 11), ("weekly", 111), ("monthly", 1111), ("quarterly", 11111), ("yearly", 111111)],
)
def test_a_period_is_its_window_around_as_of(tracker: CostTracker, period: str, total: int) -> None:
    starts = [datetime(2026, 5, 20, 6), datetime(2026, 5, 20), datetime(2026, 5, 18), datetime(2026, 5, 1)]
    starts += [datetime(2026, 4, 1), datetime(2026, 1, 1)]
    record(tracker, *starts, datetime(2025, 12, 31, 23, 59, 59, 999999))
    assert tracker.get_total(period, as_of=datetime(2026, 5, 20, 6, 30)) == total
    assert tracker.get_summary(BudgetPeriod(period), as_of="2026-05-20T06:30Z").total == total


def test_the_current_window_is_the_default(tracker: CostTracker) -> None:
    with time_machine.travel(NOW.replace(tzinfo=UTC), tick=False):
        record(tracker, NOW, NOW - timedelta(days=40))
        assert [tracker.get_total("monthly"), tracker.get_total("yearly")] == [1, 11]


def test_a_summary_says_its_whole_window(tracker: CostTracker) -> None:
    found = tracker.get_summary("monthly", as_of=date(2026, 3, 18))
    assert (found.period_start, found.period_end) == (MARCH, datetime(2026, 4, 1))


def test_as_of_leaves_out_what_comes_after_its_day(tracker: CostTracker) -> None:
    record(tracker, MARCH, datetime(2026, 3, 18, 23, 59), datetime(2026, 3, 19))
    assert tracker.get_total("monthly", as_of=NOW) == 11
    assert tracker.get_total(as_of="2026-03-18") == 11
    assert tracker.get_total(start=MARCH, as_of="2026-03-01") == 1


def test_without_a_window_everything_counts_also_the_future(tracker: CostTracker) -> None:
    record(tracker, datetime(1999, 1, 1), NOW, datetime(2999, 1, 1))
    assert tracker.get_total() == 111
    assert tracker.get_summary().period_start is None


def test_start_and_end_are_half_open_and_may_be_open(tracker: CostTracker) -> None:
    record(tracker, MARCH, NOW, datetime(2026, 4, 1))
    assert tracker.get_total(start=MARCH, end=NOW) == 1
    assert tracker.get_summary(start=NOW.replace(tzinfo=UTC)).total == 110
    assert tracker.get_summary(end=NOW).total == 1
    assert tracker.get_total(start=NOW, end=NOW) == 0


def test_a_total_may_be_of_one_category(tracker: CostTracker) -> None:
    tracker.record(1, "compute")
    tracker.record(2, "web")
    assert tracker.get_total(category="web") == tracker.get_total("monthly", CostCategory.WEB) == 2


def test_a_figure_over_two_currencies_needs_one(tracker: CostTracker) -> None:
    tracker.record(1, "compute")
    tracker.record(2, "web", currency="EUR")
    for ask in (tracker.get_total, tracker.get_summary):
        with pytest.raises(UsageError, match="no common total; ask for one: currency='EUR'"):
            ask()
    assert tracker.get_total(currency="EUR") == tracker.get_total(category="web") == 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"period": "monthly", "start": MARCH}, "not both"),
        ({"start": NOW, "end": MARCH}, "before it starts"),
        ({"period": "month"}, "did you mean 'monthly'"),
        ({"as_of": "soon"}, "is no date"),
        ({"as_of": datetime.max}, "last day"),
        ({"period": "monthly", "as_of": datetime(9999, 12, 1)}, "billing period|calendar"),
    ],
    ids=str,
)
def test_a_window_that_is_none_is_refused_and_logged(
    tracker: CostTracker, caplog: pytest.LogCaptureFixture, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        tracker.get_summary(**asked)
    assert [line.levelno for line in caplog.records] == [logging.ERROR]


def test_an_error_of_the_store_is_logged_once_and_comes_through(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(CostStore):
        def save_entry(self, entry: CostEntry) -> None:
            raise CostmillError("the disk is full")

        def get_entries(self, start: datetime | None, end: datetime | None, category: object = None) -> list[CostEntry]:
            raise NotImplementedError("this store only writes")

    with pytest.raises(CostmillError, match="disk"):
        CostTracker(Broken()).record(1, "web")
    with pytest.raises(NotImplementedError, match="only writes"):
        CostTracker(Broken()).get_total()
    assert [line.message.split(":")[0] for line in caplog.records] == ["record", "summarise"]


def test_a_store_may_sum_in_its_own_way() -> None:
    class Rounded(InMemoryCostStore):
        def summarise(self, selection: Selection) -> CostSummary:
            return CostSummary(Decimal(42), 1, None, None, {}, {}, {})

    assert CostTracker(Rounded()).get_total() == 42
