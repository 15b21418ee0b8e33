"""Actual and amortized exports of one month are two views of the same money: counted once, in whatever order they come."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.load import azure
from tests.load.bills import House, dump, touch, write
from tests.load.sharing import beginning
from tests.soak import long

#: Worked out by hand: the purchase and 3 days at 4.2; 3 days at 4.2 + 30 + 10.
BILLED, EFFECTIVE = Decimal("1212.6"), Decimal("132.6")


def sums(house: House) -> tuple[Decimal, Decimal]:
    """Sums of BilledCost and EffectiveCost over all charges."""
    [found] = house.rows("SELECT coalesce(sum(BilledCost), 0), coalesce(sum(EffectiveCost), 0) FROM charges")
    return found[0], found[1]


def controls(house: House) -> dict[str, tuple[str, Decimal]]:
    """What is proven of the loaded delivery: column -> expression and the file's total."""
    rows = house.rows(
        "SELECT c.column_name, c.source_expression, c.file_total FROM load_controls AS c JOIN loads AS l "
        "ON l.load_id = c.load_id WHERE l.status = 'loaded' AND c.file_total = c.charges_total"
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def reason(house: House) -> str:
    """Why the loaded delivery is as it is."""
    return str(house.value("SELECT reason FROM loads WHERE status = 'loaded'"))


def two(house: House, left: int = 3, right: int = 3, **kinds: str) -> tuple[Path, Path]:
    """The views of a month as loose files, each up to a day; the amortized one is the younger."""
    first = write(house.folder / "actual.csv", azure.actual(left, **kinds), at=1000)
    return first, write(house.folder / "amortized.csv", azure.amortized(right), at=2000)


@beginning
def joined(house: House) -> None:
    """Both views of a month are loaded, from loose files."""
    two(house)
    outcome = house.one()
    assert (outcome.status, outcome.rows_read, outcome.charges) == ("loaded", 16, 10)


def test_both_views_are_one_delivery_with_both_sums(joined: House) -> None:
    assert joined.rows("SELECT status, rows_read, rows_folded, charges FROM loads") == [("loaded", 16, 6, 10)]
    assert sums(joined) == (BILLED, EFFECTIVE)
    assert controls(joined) == {
        "BilledCost": ("sum(cost of the actual view)", BILLED),
        "EffectiveCost": ("sum(cost of the amortized view)", EFFECTIVE),
    }
    assert joined.value("SELECT count(*) FROM charges WHERE x_SourceChanges LIKE '%derived%'") == 0


def test_what_each_row_becomes_when_the_views_are_joined(joined: House) -> None:
    sql = (
        "SELECT ChargeDescription[:8], ChargeCategory, CommitmentDiscountStatus, sum(BilledCost), sum(EffectiveCost) "
        "FROM charges GROUP BY ALL ORDER BY 1"
    )
    assert joined.rows(sql) == [
        ("Reserved", "Purchase", None, Decimal(1200), Decimal(0)),
        ("Virtual ", "Usage", None, Decimal("12.6"), Decimal("12.6")),
        ("covered", "Usage", "Used", Decimal(0), Decimal(90)),
        ("unused", "Usage", "Unused", Decimal(0), Decimal(30)),
    ]


@pytest.mark.parametrize("order", ["actual amortized", "amortized actual"])
def test_when_the_other_view_arrives_the_month_is_replaced_as_if_both_had_come_at_once(
    house: House, joined: House, order: str
) -> None:
    paths = dict(zip(("actual", "amortized"), two(house), strict=True))
    for name in order.split():
        house.load(paths[name])
    assert sums(house) == (BILLED, EFFECTIVE)
    assert reason(house).startswith(f"the {order.split()[1]} view has arrived")
    assert house.value("SELECT count(*) FROM restatements") > 0
    assert house.value("SELECT count(*) FROM loads WHERE status = 'replaced'") == 1
    assert dump(house.warehouse) == dump(joined.warehouse)
    assert not any(outcome.is_new for outcome in house.load())
    assert dump(house.warehouse) == dump(joined.warehouse)


@long
def test_one_view_and_then_both_is_both_and_a_rerun_changes_nothing(house: House, joined: House) -> None:
    _, amortized = two(house)
    house.load(amortized)
    house.load()
    assert dump(house.warehouse) == dump(joined.warehouse)
    assert not any(outcome.is_new for outcome in joined.load())
    assert dump(house.warehouse) == dump(joined.warehouse)


def test_the_actual_view_alone_has_effective_costs_that_are_marked(house: House) -> None:
    house.one(write(house.folder / "a.csv", azure.actual()))
    assert sums(house) == (BILLED, BILLED)
    assert house.rows("SELECT DISTINCT string_split(x_SourceChanges, ' ')[1] FROM charges") == [("derived_effective",)]
    assert controls(house)["EffectiveCost"][0] == "derived"
    assert controls(house)["BilledCost"] == ("sum(cost of the actual view)", BILLED)


def test_the_amortized_view_alone_bills_nothing_that_a_commitment_covers(house: House) -> None:
    house.one(write(house.folder / "m.csv", azure.amortized()))
    assert sums(house) == (Decimal("12.6"), EFFECTIVE)
    assert house.rows("SELECT DISTINCT string_split(x_SourceChanges, ' ')[1] FROM charges") == [("derived_billed",)]
    assert controls(house)["BilledCost"][0] == "derived"
    assert controls(house)["EffectiveCost"] == ("sum(cost of the amortized view)", EFFECTIVE)


def test_a_month_without_commitments_is_its_own_other_view(house: House) -> None:
    house.one(write(house.folder / "a.csv", [azure.used(day, "4.2") for day in (1, 2, 3)]))
    assert sums(house) == (Decimal("12.6"), Decimal("12.6"))
    assert house.rows("SELECT DISTINCT x_View FROM load_files") == [("both",)]
    assert house.value("SELECT count(*) FROM charges WHERE x_SourceChanges LIKE '%derived%'") == 0


def test_a_manifest_says_which_view_it_is_whatever_the_rows_are(house: House) -> None:
    rows = [azure.used(day, "4.2") for day in (1, 2, 3)]
    azure.export(house.folder, rows, "run-a", "ActualCost")
    azure.export(house.folder, rows, "run-m", "AmortizedCost", submitted="2026-01-07T00:00:00Z")
    assert house.one().charges == 3
    assert house.rows("SELECT DISTINCT x_View FROM load_files ORDER BY 1") == [("actual",), ("amortized",)]
    assert sums(house) == (Decimal("12.6"), Decimal("12.6"))


def test_views_in_parts_with_manifests_are_joined(house: House) -> None:
    azure.export(house.folder, azure.actual(), "run-a", "ActualCost", parts=2)
    azure.export(house.folder, azure.amortized(), "run-m", "AmortizedCost", parts=3)
    assert house.one().rows_read == 16
    assert sums(house) == (BILLED, EFFECTIVE)


@pytest.mark.parametrize("again", ["actual", "amortized"])
def test_a_redelivery_of_one_view_is_joined_with_the_other(joined: House, again: str) -> None:
    rows = azure.actual(spent="1300") if again == "actual" else [*azure.amortized(), azure.unused(3, "5", MeterId="x")]
    joined.load(write(joined.folder / "again.csv", rows, at=3000))
    expected = (BILLED + 100, EFFECTIVE) if again == "actual" else (BILLED, EFFECTIVE + 5)
    assert sums(joined) == expected
    assert not any(outcome.is_new for outcome in joined.load())
    assert sums(joined) == expected


@pytest.mark.parametrize(
    ("left", "right", "winner", "calls"), [(3, 2, "actual", "the other way round"), (2, 3, "amortized", "folder")]
)
def test_views_that_end_on_different_days_are_not_joined(
    house: House, left: int, right: int, winner: str, calls: str
) -> None:
    paths = two(house, left, right)
    for group in [[]] if calls == "folder" else [[path] for path in paths[::-1]]:
        house.load(*group)
    assert sums(house)[0] == (BILLED if winner == "actual" else Decimal("12.6"))
    why = f"since the actual view goes to 2026-01-0{left} and the amortized one to 2026-01-0{right}"
    told = house.rows("SELECT reason FROM loads WHERE reason LIKE '%not joined%'")
    assert told
    assert all(why in text for (text,) in told)
    assert not any(outcome.is_new for outcome in house.load())


def test_a_torn_view_does_not_stand_alone_over_a_whole_month(joined: House) -> None:
    torn = joined.one(write(joined.folder / "torn.csv", azure.actual()[-2:], at=3000))
    assert (torn.status, sums(joined)) == ("quarantined", (BILLED, EFFECTIVE))


def test_views_that_catch_up_are_joined_then(house: House) -> None:
    two(house, 3, 2)
    house.load()
    write(house.folder / "amortized.csv", azure.amortized(3), at=3000)
    house.load()
    assert sums(house) == (BILLED, EFFECTIVE)


@pytest.mark.parametrize("calls", ["folder", "the other way round"])
def test_views_that_disagree_on_demand_are_not_joined(house: House, calls: str) -> None:
    paths = two(house, on_demand="4.3")
    for group in [[]] if calls == "folder" else [[path] for path in paths[::-1]]:
        house.load(*group)
    assert sums(house) == (Decimal("1212.9"), Decimal("1212.9"))
    told = house.rows("SELECT reason FROM loads WHERE reason IS NOT NULL AND status IN ('loaded', 'superseded')")
    assert any(
        "usage without commitments is 12.9 EUR in the actual and 12.6 in the amortized view" in r for (r,) in told
    )


def test_what_only_the_actual_view_has_is_billed_alone_and_what_both_have_counts_once(house: House) -> None:
    only = azure.used(3, "-0.01", ChargeType="RoundingAdjustment", ProductName="rounding")
    market = azure.used(2, "50", ChargeType="Purchase", PublisherType="Marketplace", ProductName="market")
    write(house.folder / "a.csv", [*azure.actual(), only, market], at=1000)
    write(house.folder / "m.csv", [*azure.amortized(), market], at=2000)
    house.one()
    assert sums(house) == (BILLED - Decimal("0.01") + 50, EFFECTIVE + 50)
    sql = "SELECT ChargeDescription, BilledCost, EffectiveCost FROM charges WHERE ChargeDescription IN ('market', 'rounding')"
    assert sorted(house.rows(sql)) == [("market", 50, 50), ("rounding", Decimal("-0.01"), 0)]


def test_rows_of_both_views_in_one_file_are_refused(house: House) -> None:
    outcome = house.one(write(house.folder / "x.csv", [*azure.actual(), *azure.amortized()]))
    assert outcome.status == "refused"
    assert "the actual and the amortized view in one; nothing was loaded, export them as two" in str(outcome.reason)


def test_one_view_whose_partner_is_gone_leaves_the_joint_month_alone(joined: House) -> None:
    (joined.folder / "actual.csv").unlink()
    assert not any(outcome.is_new for outcome in joined.load(whole=True))
    assert sums(joined) == (BILLED, EFFECTIVE)


def test_an_older_file_of_one_view_does_not_take_the_newer_ones_place(house: House) -> None:
    left, right = two(house)
    touch(left, 5000)
    house.load(left, right)
    house.load(write(house.folder / "old.csv", azure.actual(spent="900"), at=500))
    assert sums(house) == (BILLED, EFFECTIVE)


def test_a_month_without_commitments_that_has_shrunk_waits(house: House) -> None:
    path = write(house.folder / "bill.csv", [azure.used(day, "2") for day in range(1, 11)], at=1000)
    house.load()
    write(path, [azure.used(1, "2")], at=2000)
    [waiting] = house.load()
    assert waiting.status == "quarantined"
    assert house.billed() == 20
    assert "1 rows for 2026-01, 10 are loaded" in str(waiting.reason)
