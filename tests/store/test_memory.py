"""The store in memory, beyond what every store does (test_base.py)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

from pipeline.entries import CostCategory, CostEntry
from pipeline.store.base import Selection
from pipeline.store.memory import InMemoryCostStore


def test_all_entries_come_in_the_order_of_time_and_id() -> None:
    store = InMemoryCostStore()
    for day, name in ((2, "a"), (1, "c"), (1, "b")):
        store.save_entry(CostEntry(Decimal(1), CostCategory.WEB, timestamp=datetime(2026, 3, day), id=name))
    assert [entry.id for entry in store.get_all()] == ["b", "c", "a"]


def test_clearing_forgets_entries_and_ids() -> None:
    store = InMemoryCostStore()
    store.save_entry(CostEntry(Decimal(1), CostCategory.WEB, id="a"))
    store.clear()
    store.save_entry(CostEntry(Decimal(2), CostCategory.WEB, id="a"))
    assert [entry.amount for entry in store.get_all()] == [2]


def test_what_a_caller_does_to_its_tags_later_changes_nothing() -> None:
    store, tags = InMemoryCostStore(), {"team": "a"}
    store.save_entry(CostEntry(Decimal(1), CostCategory.WEB, tags=tags))
    tags["team"] = "b"
    assert store.get_all()[0].tags == {"team": "a"}


def test_threads_lose_nothing() -> None:
    store = InMemoryCostStore()

    def save(number: int) -> Decimal:
        store.save_entry(CostEntry(Decimal(number), CostCategory.WEB))
        return store.summarise(Selection()).total

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(200)))
    assert store.summarise(Selection()).total == sum(range(200))
