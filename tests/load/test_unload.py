"""What is taken out stays out until somebody asks; what is loaded anew comes out the same; limits leave the rest alone."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from pipeline.errors import UsageError
from pipeline.load import Limits
from pipeline.load.unload import unload
from pipeline.store import loads
from tests.load.bills import House, dump, focus, month, write
from tests.load.sharing import beginning

AGAIN = Limits(again=True)


def rows(label: str = "2026-01", count: int = 5, cost: str = "1", **more: Any) -> list[dict[str, Any]]:
    return [focus(ResourceId=f"r{n}", BilledCost=cost, **{**month(label), **more}) for n in range(count)]


def out(house: House, period: str = "2026-01") -> int:
    return unload(house.warehouse, "bill", period, run_id="run", keys=())


def two_months(house: House) -> None:
    write(house.folder / "bill.csv", [*rows(), *rows("2026-02", Tags='{"only":"february"}')], at=1e9)


@beginning
def loaded(house: House) -> None:
    """One month is loaded."""
    write(house.folder / "bill.csv", rows())
    house.load()


@beginning
def both(house: House) -> None:
    """Two months of one file are loaded."""
    two_months(house)
    house.load()


@beginning
def replaced(house: House) -> None:
    """A month has been delivered twice."""
    for number, cost in ((1, "1"), (2, "2")):
        write(house.folder / f"{number}.csv", rows(cost=cost), at=number * 1e9)
    house.load()


def test_unloading_leaves_nothing_of_the_period_but_its_ledger(house: House, loaded: House) -> None:
    empty = dump(house.warehouse)
    assert {name for name, kept in dump(loaded.warehouse).items() if kept != empty[name]} > {"charges", "daily_costs"}
    assert out(loaded) == 5
    assert {name for name, kept in dump(loaded.warehouse).items() if kept != empty[name]} == set()
    assert loaded.value("SELECT count(*) FROM invoice_costs") == 0
    assert loaded.rows("SELECT status, reason, charges FROM loads") == [("superseded", loads.UNLOADED, 5)]
    assert loaded.value("SELECT count(*) FROM load_controls") > 0


def test_the_other_months_and_their_dimensions_stay(both: House) -> None:
    out(both)
    assert both.rows("SELECT DISTINCT x_BillingPeriod FROM charges") == [("2026-02",)]
    assert both.value("SELECT count(*) FROM tag_sets") == 1
    assert [(each.x_BillingPeriod, each.status) for each in both.load()] == [
        ("2026-01", "superseded"),
        ("2026-02", "loaded"),
    ]


def test_the_next_run_does_not_load_it_again(loaded: House) -> None:
    out(loaded)
    outcome = loaded.one()
    assert (outcome.is_new, outcome.reason) == (False, loads.UNLOADED)
    assert loaded.billed() == 0


@pytest.mark.parametrize(
    "change", [{"keep_columns": ("AvailabilityZone",)}, {"format": "focus"}], ids=["kept", "format"]
)
def test_nor_does_a_run_with_other_settings_which_stages_it_once(loaded: House, change: dict[str, Any]) -> None:
    out(loaded)
    first, second = loaded.one(**change), loaded.one(**change)
    assert (first.status, first.is_new, second.is_new) == ("superseded", True, False)
    assert loaded.billed() == 0


def test_nor_does_the_delivery_that_it_had_replaced_come_back(replaced: House) -> None:
    out(replaced)
    assert {each.is_new for each in replaced.load()} == {False}
    assert replaced.load(format="focus")
    assert replaced.billed() == 0


def test_a_late_older_delivery_does_not_bring_it_back_either(loaded: House) -> None:
    out(loaded)
    write(loaded.folder / "older.csv", rows(cost="3"), at=1e9)
    for _ in range(2):
        loaded.load()
        assert loaded.billed() == 15


def test_a_new_delivery_loads(loaded: House) -> None:
    out(loaded)
    write(loaded.folder / "bill.csv", rows(cost="2"))
    assert loaded.one().status == "loaded"
    assert loaded.billed() == 10


def test_reload_brings_the_newest_back_and_nothing_holds_it_any_more(replaced: House) -> None:
    before = dump(replaced.warehouse)
    out(replaced)
    replaced.load(limits=AGAIN)
    assert dump(replaced.warehouse) == before
    assert replaced.value("SELECT count(*) FROM unloaded") == 0


def test_unloading_halfway_changes_nothing(loaded: House) -> None:
    before = dump(loaded.warehouse)

    loaded.warehouse.execute("ALTER TABLE dirty RENAME TO elsewhere")  # written last
    with pytest.raises(duckdb.CatalogException, match="dirty"):
        out(loaded)
    assert dump(loaded.warehouse) == before
    assert loaded.value("SELECT count(*) FROM unloaded") == 0


def test_a_closed_period_is_known_as_such_when_it_comes_back_with_other_money(house: House) -> None:
    write(house.folder / "bill.csv", rows(InvoiceId="I1"), at=1.8e9)
    house.load()
    out(house)
    write(house.folder / "bill.csv", rows(cost="2", InvoiceId="I1"), at=1.81e9)
    house.load()
    assert house.rows("SELECT event FROM period_events ORDER BY happened_at") == [
        ("final",),
        ("unloaded",),
        ("restated",),
    ]


def test_loading_anew_changes_nothing_and_keeps_what_it_once_restated(loaded: House) -> None:
    write(loaded.folder / "bill.csv", rows(cost="2"), at=4e9)
    loaded.load()
    before, restated = dump(loaded.warehouse), loaded.rows("FROM restatements ORDER BY ALL")
    assert loaded.one(limits=AGAIN).is_new
    assert dump(loaded.warehouse) == before
    assert loaded.rows("FROM restatements ORDER BY ALL") == restated != []
    assert loaded.rows("SELECT status, replaced_by IS NULL FROM loads ORDER BY ALL") == [
        ("loaded", True),
        ("replaced", False),
    ]


def test_loading_anew_repairs_charges_that_were_damaged(loaded: House) -> None:
    loaded.warehouse.execute(
        "DELETE FROM charges WHERE BilledCost = 1 AND x_ResourceKey = (SELECT min(x_ResourceKey) FROM charges)"
    )
    assert loaded.one(limits=AGAIN).status == "loaded"
    assert loaded.billed() == 5


def test_loading_anew_leaves_what_waits_in_quarantine(house: House) -> None:
    for number, count in ((1, 20), (2, 2)):
        write(house.folder / f"{number}.csv", rows(count=count), at=number * 1e9)
        house.load(house.folder / f"{number}.csv")
    assert sorted(each.status for each in house.load(limits=AGAIN)) == ["loaded", "quarantined"]
    assert house.billed() == 20


def test_only_the_asked_period_is_loaded_anew(both: House) -> None:
    written = "SELECT x_BillingPeriod, loaded_at FROM loads"
    before = dict(both.rows(written))
    both.load(limits=Limits("2026-02", "2026-02", again=True))
    after = dict(both.rows(written))
    assert (after["2026-01"] == before["2026-01"], after["2026-02"] > before["2026-02"]) == (True, True)


def test_limits_load_what_is_inside_and_a_later_run_takes_the_rest(house: House) -> None:
    two_months(house)
    told = [(each.x_BillingPeriod, each.status) for each in house.load(limits=Limits(first="2026-02"))]
    assert told == [("2026-01", "outside"), ("2026-02", "loaded")]
    assert house.value("SELECT count(*) FROM charges") == 5
    assert [(each.x_BillingPeriod, each.is_new) for each in house.load()] == [("2026-01", True)]
    assert house.value("SELECT count(*) FROM charges") == 10
    assert {each.is_new for each in house.load()} == {False}


def test_a_delivery_wholly_outside_leaves_no_trace(house: House) -> None:
    write(house.folder / "bill.csv", rows())
    outcome = house.one(limits=Limits(last="2025-12"))
    assert (outcome.status, outcome.rows_read) == ("outside", 5)
    assert "outside of --to 2025-12: left as it is" in str(outcome.reason)
    assert house.value("SELECT count(*) FROM loads") == 0
    assert house.one().status == "loaded"


@pytest.mark.parametrize(("first", "last"), [("2026-02", "2026-01"), ("2026-13", None), (None, "x")])
def test_limits_that_cannot_be_meant_are_refused(first: str | None, last: str | None) -> None:
    with pytest.raises(UsageError):
        Limits(first, last)
