"""What every store does: the same tests for the store in memory and the one on the warehouse."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.entries import CostCategory, CostEntry
from pipeline.errors import EntryError, UsageError
from pipeline.store.base import CostStore, Selection
from pipeline.store.duckdb import DuckDBCostStore
from pipeline.store.memory import InMemoryCostStore
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.soak import more

MARCH = datetime(2026, 3, 1)
APRIL = datetime(2026, 4, 1)
TABLES = ("charges", "recorded_entries", "resources", "tag_sets", "tags", "daily_costs", "resource_costs")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with Warehouse.open(empty.put(tmp_path_factory.mktemp("stores") / "w.duckdb")) as opened:
        yield opened


@pytest.fixture(params=["memory", "duckdb"])
def store(request: pytest.FixtureRequest, warehouse: Warehouse) -> CostStore:
    return InMemoryCostStore() if request.param == "memory" else emptied(warehouse)


def emptied(warehouse: Warehouse) -> DuckDBCostStore:
    for table in (*TABLES, "source_periods"):
        warehouse.execute(f"DELETE FROM {table}")
    return DuckDBCostStore(warehouse)


def entry(amount: object = "1", **facts: Any) -> CostEntry:
    return CostEntry(**{"amount": amount, "category": CostCategory.COMPUTE, "timestamp": datetime(2026, 3, 5), **facts})


def test_an_entry_comes_back_as_it_was_saved(store: CostStore) -> None:
    saved = entry(
        "-12.000000000000000001",
        description="spot \U0001f986\x00",
        resource_id="i-1",
        tags={"team": "a", "": "'"},
        metadata={"tokens": 12, "nested": [1.5, None, {"a": True}]},
        currency="EUR",
        timestamp=datetime(2026, 3, 5, 6, 7, 8, 9),
    )
    store.save_entry(saved)
    assert store.get_entries(None, None) == [
        CostEntry(**{**vars(saved), "amount": Decimal("-12.000000000000000001")}),
    ]


@pytest.mark.parametrize("amount", ["99999999999999999999.999999999999999999", "-99999999999999999999", "1e-18"])
def test_amounts_are_kept_to_the_last_digit(store: CostStore, amount: str) -> None:
    store.save_entry(entry(amount))
    assert store.summarise(Selection()).total == Decimal(amount)


def test_the_start_belongs_to_a_window_and_the_end_does_not(store: CostStore) -> None:
    moments = [MARCH - timedelta(microseconds=1), MARCH, APRIL - timedelta(microseconds=1), APRIL]
    store.save_entries(entry(timestamp=moment) for moment in moments)
    assert [each.timestamp for each in store.get_entries(MARCH, APRIL)] == moments[1:3]


def test_either_side_of_a_window_may_be_open(store: CostStore) -> None:
    store.save_entries([entry(timestamp=MARCH, id="a"), entry(timestamp=APRIL, id="b")])
    assert [each.id for each in store.get_entries(APRIL, None)] == ["b"]
    assert [each.id for each in store.get_entries(None, APRIL)] == ["a"]


def test_aware_times_are_converted(store: CostStore) -> None:
    store.save_entry(entry(timestamp=datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2)))))
    [kept] = store.get_entries(
        datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=1)))
    )
    assert kept.timestamp == datetime(2026, 2, 28, 23)


def test_entries_are_chosen_by_category(store: CostStore) -> None:
    store.save_entries([entry(id="a"), entry(id="b", category=CostCategory.WEB)])
    assert [each.id for each in store.get_entries(None, None, "web")] == ["b"]


def test_an_unknown_category_names_the_nearest(store: CostStore) -> None:
    with pytest.raises(UsageError, match="did you mean 'compute'"):
        store.get_entries(None, None, "computer")


def test_the_same_entry_twice_counts_once(store: CostStore) -> None:
    same = entry("3", id="a", tags={"t": "x"})
    store.save_entry(same)
    store.save_entries([same, same])
    assert store.summarise(Selection()).entry_count == 1


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "2"},
        {"category": CostCategory.WEB},
        {"description": "x"},
        {"resource_id": "x"},
        {"timestamp": MARCH},
        {"tags": {"a": "b"}},
        {"metadata": {"n": True}},
        {"currency": "EUR"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_id_with_another_value_is_refused(store: CostStore, change: dict[str, Any]) -> None:
    store.save_entry(entry(id="a", metadata={"n": 1}))
    with pytest.raises(EntryError, match=f"another {next(iter(change))}; nothing was saved"):
        store.save_entry(entry(**{"id": "a", "metadata": {"n": 1}, **change}))
    assert store.summarise(Selection()).total == 1


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"amount": float("nan")}, "is no amount"),
        ({"amount": Decimal("-Infinity")}, "is no amount"),
        ({"amount": "1e20"}, "more than 20 digits"),
        ({"id": ""}, "id is empty"),
        ({"currency": "usd"}, "ISO 4217"),
        ({"category": "computer"}, "did you mean 'compute'"),
        ({"tags": {"team": 7}}, r"tags\['team'\] must be text"),
        ({"tags": {7: "team"}}, "a key of tags must be text"),
        ({"description": "\ud800"}, "half a surrogate pair"),
        ({"metadata": {"at": MARCH}}, r"metadata\['at'\].*JSON cannot hold"),
        ({"metadata": {"a": [{"b": float("inf")}]}}, r"metadata\['a'\]\[0\]\['b'\]"),
        ({"metadata": {"a": {1: 2}}}, "must be text"),
        ({"metadata": []}, "must be a mapping"),
        ({"timestamp": "2026-03-01"}, "must be a datetime"),
        ({"timestamp": datetime.max}, "no time of a cost"),
        ({"timestamp": datetime.max.replace(tzinfo=timezone.min)}, "leaves the calendar"),
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_refused_by_name(store: CostStore, facts: dict[str, Any], said: str) -> None:
    with pytest.raises(EntryError, match=said):
        store.save_entry(entry(**facts))
    assert store.get_entries(None, None) == []


def test_an_error_is_logged_once(store: CostStore, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EntryError):
        store.save_entry(entry("inf"))
    assert [(line.levelno, line.message.split(":")[0]) for line in caplog.records] == [(logging.ERROR, "save_entry")]


def test_a_summary_sums_by_category_resource_and_tag(store: CostStore) -> None:
    store.save_entries(
        [
            entry("1", resource_id="i-1", tags={"team": "a", "env": "prod"}),
            entry("2", resource_id="i-1", tags={"team": "b"}, category=CostCategory.WEB),
            entry("-0.5"),
        ]
    )
    found = store.summarise(Selection())
    assert (found.total, found.entry_count, found.currency) == (Decimal("2.5"), 3, "USD")
    assert found.by_category == {CostCategory.COMPUTE: Decimal("0.5"), CostCategory.WEB: Decimal(2)}
    assert found.by_resource == {"i-1": Decimal(3)}
    assert found.by_tag == {"team": {"a": Decimal(1), "b": Decimal(2)}, "env": {"prod": Decimal(1)}}


def test_a_summary_of_nothing_is_zero(store: CostStore) -> None:
    found = store.summarise(Selection(MARCH, APRIL, currency="EUR"))
    assert (found.total, found.entry_count, found.currency) == (Decimal(0), 0, "EUR")
    assert (found.period_start, found.period_end, found.by_tag) == (MARCH, APRIL, {})


def test_two_currencies_are_never_summed(store: CostStore) -> None:
    store.save_entries([entry("1"), entry("2", currency="EUR")])
    with pytest.raises(UsageError, match="EUR and USD have no common total"):
        store.summarise(Selection())
    assert store.summarise(Selection(currency="EUR")).total == 2


def test_a_store_works_as_a_context_manager() -> None:
    with InMemoryCostStore() as opened:
        opened.save_entry(entry())
        assert len(opened.get_all()) == 1


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
ENTRIES = st.lists(
    st.builds(
        CostEntry,
        amount=st.decimals(-(10**9), 10**9, places=18),
        category=st.sampled_from(CostCategory),
        description=TEXT,
        resource_id=st.sampled_from(["", "i-1", "arn:aws:s3:::b"]) | TEXT,
        timestamp=st.datetimes(datetime(2026, 1, 1), datetime(2026, 6, 1)),
        tags=st.dictionaries(st.sampled_from(["team", "env"]) | TEXT, TEXT, max_size=3),
        currency=st.sampled_from(["USD", "EUR"]),
    ),
    max_size=8,
)
SELECTIONS = st.builds(
    Selection,
    start=st.none() | st.just(MARCH),
    end=st.none() | st.just(APRIL),
    category=st.none() | st.sampled_from(CostCategory),
    currency=st.sampled_from(["USD", "EUR"]),
    until=st.none() | st.datetimes(MARCH, APRIL),
    by_billing_period=st.booleans(),
)


@pytest.mark.heavy
@settings(max_examples=more(5, 200))
@given(entries=ENTRIES, selection=SELECTIONS, seed=st.randoms(use_true_random=False))
def test_the_stores_agree_whatever_the_order(
    warehouse: Warehouse, entries: list[CostEntry], selection: Selection, seed: random.Random
) -> None:
    memory, other = InMemoryCostStore(), emptied(warehouse)
    memory.save_entries(entries)
    other.save_entries(seed.sample(entries, len(entries)))
    assert other.get_entries(selection.start, selection.end) == memory.get_entries(selection.start, selection.end)
    expected = memory.summarise(selection)
    assert other.summarise(selection) == expected
    assert CostStore.summarise(other, selection) == expected


@settings(max_examples=50)
@given(entries=ENTRIES)
def test_a_total_is_the_plain_sum(entries: list[CostEntry]) -> None:
    store = InMemoryCostStore()
    store.save_entries(entries)
    euros = [each.amount for each in entries if each.currency == "EUR"]
    assert store.summarise(Selection(currency="EUR")).total == sum(euros)


def test_a_store_can_be_written_by_others(tmp_path: Path) -> None:
    class OneWay(CostStore):
        def save_entry(self, entry: CostEntry) -> None:
            (tmp_path / entry.id).write_text(str(entry.amount), encoding="utf-8")

        def get_entries(self, start: datetime | None, end: datetime | None, category: object = None) -> list[CostEntry]:
            raise NotImplementedError("this store only writes")

    store = OneWay()
    store.save_entry(entry("7", id="a"))
    with pytest.raises(NotImplementedError, match="only writes"):
        store.summarise(Selection())
