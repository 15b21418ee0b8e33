"""How the columns of a delivery differ from those of the delivery before it."""

from __future__ import annotations

from typing import Any

from pipeline.sources.formats import FOCUS
from tests.load.bills import House, cur, focus, month, write
from tests.load.sharing import beginning


@beginning
def loaded(house: House) -> None:
    """A delivery is loaded, with which others are compared."""
    house.load(write(house.folder / "1.csv", [focus()], at=1e9))


@beginning
def parquet(house: House) -> None:
    """The same, of columns that have types."""
    house.load(write(house.folder / "1.parquet", [focus()], at=1e9))


def drift(house: House, load_id: str | None) -> list[tuple[Any, ...]]:
    return house.rows(
        "SELECT change, column_name, before, after FROM load_drift WHERE load_id = ? ORDER BY ALL", [load_id]
    )


def test_new_and_missing_columns_are_named_against_the_delivery_before_of_any_period(loaded: House) -> None:
    changed = focus(RegionId=..., **month("2026-02")) | {"x_Team": "ml", "x_Cost": "1"}
    outcome = loaded.one(write(loaded.folder / "2.csv", [changed], at=2e9))
    assert drift(loaded, outcome.load_id) == [
        ("missing", "RegionId", None, None),
        ("new", "x_Cost", None, None),
        ("new", "x_Team", None, None),
    ]
    assert outcome.notes == ("new columns: x_Cost, x_Team", "missing column: RegionId")


def test_of_many_new_columns_the_first_are_named_and_where_all_are(loaded: House) -> None:
    many = {f"x_{letter}": "1" for letter in "abcde"}
    outcome = loaded.one(write(loaded.folder / "2.csv", [focus(**month("2026-02")) | many], at=2e9))
    where = f"`costmill deliveries show {str(outcome.load_id)[:8]}` lists all"
    assert outcome.notes == (f"5 new columns: x_a, x_b, x_c and 2 more; {where}",)


def test_parquet_columns_of_another_type_are_named_with_both_types(parquet: House) -> None:
    outcome = parquet.one(write(parquet.folder / "2.parquet", [focus(Tags={"a": "b"})], at=2e9))
    assert drift(parquet, outcome.load_id) == [("retyped", "Tags", "string", "map<string, string ('Tags')>")]
    assert outcome.notes == ("retyped column: Tags from string to map<string, string ('Tags')>",)


def test_text_has_no_types(parquet: House) -> None:
    assert drift(parquet, parquet.one(write(parquet.folder / "2.csv", [focus()], at=2e9)).load_id) == []


def test_another_version_of_the_format_is_named(loaded: House) -> None:
    newer = focus(InvoiceId="1", SkuMeter="m", CapacityReservationId=None)
    outcome = loaded.one(write(loaded.folder / "2.csv", [newer], at=2e9))
    [(_, _, before, after)] = [row for row in drift(loaded, outcome.load_id) if row[0] == "version"]
    assert (before, after) == (FOCUS.version(list(focus())), FOCUS.version(list(newer)))
    assert before != after
    assert outcome.notes[0] == f"format version {before} became {after}"


def test_the_drift_of_a_delivery_that_waits_is_kept_too(house: House) -> None:
    rows = [focus(ResourceId=f"r{n}") for n in range(20)]
    house.load(write(house.folder / "1.csv", rows, at=1e9))
    outcome = house.one(write(house.folder / "2.csv", [focus(RegionId=...)], at=2e9))
    assert outcome.status == "quarantined"
    assert drift(house, outcome.load_id) == [("missing", "RegionId", None, None)]


def test_a_first_delivery_another_format_and_the_same_columns_drift_nothing(loaded: House) -> None:
    loaded.load(write(loaded.folder / "2.csv", [cur() | {"bill_billing_period_start_date": "2026-02-01"}], at=2e9))
    loaded.load(write(loaded.folder / "3.csv", [focus(**month("2026-03"))], at=3e9))
    assert loaded.value("SELECT count(*) FROM load_drift") == 0
