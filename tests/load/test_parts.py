"""A delivery in many Parquet parts: read together, told apart row by row."""

from __future__ import annotations

from decimal import Decimal

from tests.load.bills import House, focus, write


def test_parts_of_one_schema_keep_their_own_rows(house: House) -> None:
    parts = [
        write(house.folder / f"part-{n}.parquet", [focus(ResourceId=f"r{n}-{i}") for i in range(n + 1)])
        for n in range(4)
    ]
    house.one(*parts, mode="one")
    assert house.rows("SELECT path, rows FROM load_files ORDER BY path") == [
        (str(path), n + 1) for n, path in enumerate(parts)
    ]


def test_a_part_of_another_schema_between_keeps_its_number(house: House) -> None:
    rows = [[focus(ResourceId=str(n))] for n in range(3)]
    parts = [
        write(house.folder / "a.parquet", rows[0]),
        write(
            house.folder / "b.parquet", [rows[1][0] | {"x_More": "1"}, focus(ResourceId="bad", BillingCurrency=None)]
        ),
        write(house.folder / "c.parquet", rows[2]),
    ]
    outcome = house.one(*parts, mode="one", max_rejected=Decimal("0.5"))
    assert (outcome.charges, outcome.rows_rejected) == (3, 1)
    assert house.rows("SELECT path, record FROM rejected_rows") == [(str(parts[1]), 2)]
