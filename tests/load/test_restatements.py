"""Why there was something new: what the files and the mapping of both deliveries tell."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline import resources
from pipeline.load import Limits, restatements, unload
from pipeline.sources.formats import base
from tests.load.bills import House, azure_delivery, focus, write


def charges(count: int, start: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [focus(ResourceId=f"r-{n}", **more) for n in range(start, start + count)]


def why(house: House) -> str:
    """The reason of what replaced the first load."""
    [(old, new)] = house.rows("SELECT load_id, replaced_by FROM loads WHERE status = 'replaced'")
    return restatements.why(house.warehouse, new, old)


def test_a_bill_with_other_contents_was_delivered_again(house: House) -> None:
    for at, cost in ((1e9, "1"), (2e9, "2")):
        house.load(write(house.folder / "bill.csv", charges(3, BilledCost=cost), at=at))
    assert why(house) == "delivered again"
    assert house.rows("SELECT DISTINCT reason FROM restatements") == [("delivered again",)]


def test_contents_that_come_back_restate_again_and_what_they_restated_before_stays(house: House) -> None:
    for at, cost in enumerate("1212", 1):
        house.load(write(house.folder / "bill.csv", charges(3, BilledCost=cost), at=at * 1e9))
    unload.unload(house.warehouse, "bill", "2026-01", run_id="run", keys=())
    house.load(limits=Limits(again=True))
    by_delivery = resources.sql("restatements/delivery")
    told = house.table(by_delivery, {"source": None, "period": None, "since": None})
    assert [(row["BilledCost_before"], row["BilledCost_after"]) for row in told] == [(3, 6), (6, 3), (3, 6)]
    assert [row["id"] for row in told[1:]] == [row["replaced_id"] for row in told[:-1]]


def test_a_delivery_that_has_all_files_of_before_had_files_added(house: House) -> None:
    for run, parts in ((1, [charges(3)]), (2, [charges(3), charges(2, 3)])):
        azure_delivery(house.folder, parts, f"r{run}", submitted=f"2026-01-1{run}T10:00:00Z")
        house.load()
    assert why(house) == "files added"


def test_the_same_files_under_another_mapping_say_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    write(house.folder / "bill.csv", charges(3))
    house.load()
    monkeypatch.setattr(base, "READER_VERSION", base.READER_VERSION + 1)
    house.load()
    assert why(house) == "changed mapping"


def test_the_same_files_under_other_settings_say_so(house: House) -> None:
    write(house.folder / "bill.csv", charges(3))
    house.load()
    house.load(keep_columns=("ChargeDescription",))
    assert why(house) == "changed settings"
