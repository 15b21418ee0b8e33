"""Deliveries of files without a manifest: parts, re-deliveries, final copies, and what cannot be told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.load.bills import House, charges, cur, lines, statuses, write


def test_deliveries_of_the_same_time_go_by_the_order_given(house: House) -> None:
    first = write(house.folder / "b.csv", charges(4), at=1e9)
    second = write(house.folder / "a.csv", charges(4, "2"), at=1e9)
    house.load(first, second)
    assert house.billed() == 8


def test_parts_of_a_later_delivery_follow_its_first_part(house: House) -> None:
    for number, (cost, start) in enumerate([("1", 0), ("1", 4), ("2", 0), ("2", 4)]):
        write(
            house.folder / f"{3 - number}.csv", charges(4, cost, start=start), at=1e9 + number
        )  # times say it, not names
    assert [outcome.charges for outcome in house.load()] == [8, 8]
    assert house.billed() == 16


def test_files_that_overlap_in_part_are_refused_and_ask(house: House) -> None:
    one = write(house.folder / "1.csv", charges(10), at=1e9)
    two = write(house.folder / "2.csv", charges(10, start=7), at=2e9)
    outcome = house.one()
    assert outcome.reason == (
        f"{one} and {two} share about 30% of their rows: neither parts of one delivery nor deliveries one after the "
        "other; nothing of them was loaded. Say which with `costmill load FILES --source NAME --delivery one` or `costmill load FILES --source NAME --delivery each`"
    )
    assert not house.one().is_new
    assert house.one(mode="one").charges == 20


def test_an_undecided_pair_stops_no_other_month_and_is_closed_once_decided(house: House) -> None:
    pair = [write(house.folder / f"{n}.csv", charges(10, start=7 * n), at=1e9 + n) for n in range(2)]
    write(house.folder / "feb.csv", charges(3, "2", label="2026-02"), at=1e9)
    told = {each.status: each for each in house.load(whole=True)}
    assert (told["loaded"].x_BillingPeriod, told["refused"].x_BillingPeriod) == ("2026-02", "2026-01")
    assert all(path.name in str(told["refused"].reason) for path in pair)
    assert sorted((each.status, each.is_new) for each in house.load(whole=True)) == [
        ("loaded", False),
        ("refused", False),
    ]
    assert house.billed() == 6
    house.load(*pair, mode="one")
    assert [each.status for each in house.load(whole=True)] == ["loaded"]
    assert house.billed() == 6 + 20
    reason = house.value("SELECT reason FROM loads WHERE status = 'superseded'")
    assert reason.startswith("decided with --delivery; was: ")


def test_an_undecided_pair_that_is_gone_waits_no_more(house: House) -> None:
    pair = [write(house.folder / f"{n}.csv", charges(10, start=7 * n), at=1e9 + n) for n in range(2)]
    assert house.one(whole=True).waits
    pair[1].unlink()
    assert [each.status for each in house.load(whole=True)] == ["loaded"]
    assert statuses(house) == {"loaded": 1, "superseded": 1}


@pytest.mark.parametrize("at", [(2, 1, 4, 3), (1, 1, 1, 1)])
def test_final_copies_replace_the_provisional_ones_beside_them(house: House, at: tuple[int, ...]) -> None:
    for number in range(2):
        rows = lines(3, identity_time_interval=f"part-{number}")
        final = [row | {"bill_invoice_id": "EUINV26", "line_item_unblended_cost": "2"} for row in rows]
        write(house.folder / f"cur-{number}.csv.gz", rows, at=1e9 + at[2 * number])
        write(house.folder / f"cur-{number}-finalized.csv.gz", final, at=1e9 + at[2 * number + 1])
    assert [(each.status, each.charges) for each in house.load()] == [("loaded", 6), ("loaded", 6)]
    assert house.billed() == 12
    assert house.rows("SELECT DISTINCT InvoiceId FROM charges") == [("EUINV26",)]


def test_aws_files_without_line_item_ids_are_told_to_be_final_copies(house: House) -> None:
    bare = {"identity_line_item_id": ..., "identity_time_interval": ...}
    for number, invoice in enumerate((None, "EUINV26")):
        write(house.folder / f"{number}.csv", [cur(**bare, bill_invoice_id=invoice)], at=1e9 + number)
    house.load()
    assert house.billed() == Decimal("0.1")


def test_each_file_may_be_a_delivery_by_word(house: House) -> None:
    write(house.folder / "1.csv", charges(10), at=1e9)
    write(house.folder / "2.csv", charges(10, start=7), at=2e9)
    assert [outcome.charges for outcome in house.load(mode="each")] == [10, 10]
    assert house.value("SELECT count(*) FROM charges") == 10


@pytest.mark.parametrize("mode", ["auto", "one", "each"])
def test_a_copy_of_a_file_counts_once(house: House, mode: Any) -> None:
    for name in ("1.csv", "copy.csv"):
        write(house.folder / name, charges(3))
    house.load(mode=mode)
    assert house.value("SELECT count(*) FROM charges") == 3


def test_aws_files_without_line_item_ids_are_told_apart_by_what_they_say(house: House) -> None:
    bare = {"identity_line_item_id": ..., "identity_time_interval": ...}
    for number in range(2):
        write(house.folder / f"{number}.csv", [cur(**bare, line_item_resource_id=f"i-{number}{n}") for n in range(3)])
    assert house.one().charges == 6


def test_files_of_two_formats_are_deliveries_of_their_own(house: House) -> None:
    write(house.folder / "1.csv", charges(1, label="2026-02"))
    write(house.folder / "2.csv", [cur()])
    assert [outcome.charges for outcome in house.load()] == [1, 1]


def test_a_source_that_names_its_format_refuses_another(house: House) -> None:
    path = write(house.folder / "bill.csv", charges(1))
    outcome = house.one(format="aws_cur")
    assert outcome.reason == (
        f"{path}: FOCUS cost and usage, 1.0 to 1.4, but the source bill says format: aws_cur; nothing was loaded"
    )
    assert house.one().status == "loaded"
