"""Incremental exports: each batch counts once, whole, whatever deliveries bring it, in any order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.formats import base
from tests.load.bills import House, dump, house, write
from tests.load.sharing import beginning
from tests.load.test_gcp import credit, line
from tests.soak import more

Lines = list[dict[str, Any]]


@pytest.fixture
def bills(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as opened:
        yield opened


def batch(hour: int, *costs: str, day: int = 5, **changes: Any) -> Lines:
    """The lines of one batch, exported at an hour, one for each cost."""
    return [line(export_time=f"2026-01-{day:02d}T{hour:02d}:00:00Z", cost=cost, **changes) for cost in costs]


def put(bills: House, name: str, *lines: Sequence[dict[str, Any]], at: float = 1e9) -> Path:
    return write(bills.folder / name, [row for part in lines for row in part], at=at)


def owned(bills: House) -> list[tuple[Any, ...]]:
    return bills.rows("SELECT batch, rows FROM load_batches ORDER BY batch")


def agrees(bills: House) -> bool:
    """Whether the loads' controls, less what was replaced since, are the charges."""
    [(kept,)] = bills.rows(
        "SELECT coalesce(sum(charges_total - replaced_total), 0) FROM load_controls AS c JOIN loads AS l USING (load_id) "
        "WHERE l.status IN ('loaded', 'replaced') AND column_name = 'BilledCost'"
    )
    return bool(kept == bills.billed())


@beginning
def one(house: House) -> None:
    """One batch is loaded."""
    put(house, "a.csv", batch(1, "1"), at=1e9)
    house.load()


@beginning
def overlapping(house: House) -> None:
    """Two deliveries that share a batch are loaded."""
    put(house, "a.csv", batch(1, "1", "2"), batch(2, "4"), at=1e9)
    put(house, "b.csv", batch(2, "4"), batch(3, "8"), at=2e9)
    first, second = house.load()
    assert (first.charges, second.charges) == (3, 1)


def test_deliveries_that_overlap_count_each_batch_once(overlapping: House) -> None:
    assert overlapping.billed() == 15
    assert overlapping.rows("SELECT rows_read, rows_mapped, rows_repeated FROM loads ORDER BY modified_at") == [
        (3, 3, 0),
        (2, 1, 1),
    ]
    assert agrees(overlapping)


def test_what_has_been_taken_is_known_to_the_next_run(overlapping: House) -> None:
    before = dump(overlapping.warehouse)
    assert [each.is_new for each in overlapping.load()] == [False, False]
    assert dump(overlapping.warehouse) == before


def test_equal_rows_of_a_batch_are_both_real(bills: House) -> None:
    put(bills, "a.csv", batch(1, "2.5", "2.5", "2.5"))
    assert bills.one().charges == 3
    assert bills.billed() == Decimal("7.5")


def test_a_delivery_of_known_batches_is_superseded(bills: House) -> None:
    put(bills, "a.csv", batch(1, "1"), batch(2, "2"))
    put(bills, "b.csv", batch(2, "2"), at=2e9)
    assert [each.status for each in bills.load()] == ["loaded", "superseded"]
    assert bills.rows("SELECT rows_read, rows_repeated FROM loads ORDER BY modified_at") == [(2, 0), (1, 1)]
    assert bills.billed() == 3


def test_a_fuller_batch_replaces_the_cut_one_and_what_it_changed_is_a_restatement(bills: House) -> None:
    put(bills, "a.csv", batch(1, "1"), batch(2, "2"), at=1e9)
    bills.load()
    put(bills, "b.csv", batch(2, "2", "40"), batch(3, "5"), at=2e9)
    assert bills.load()[-1].charges == 3
    assert bills.billed() == 48
    hours = [f"2026-01-05 0{hour}:00:00" for hour in (1, 2, 3)]
    assert owned(bills) == [(hours[0], 1), (hours[1], 2), (hours[2], 1)]
    assert agrees(bills)
    sql = "SELECT ServiceName, charges_before, charges_after, BilledCost_before, BilledCost_after FROM restatements"
    assert bills.rows(sql) == [("Compute Engine", 1, 2, Decimal(2), Decimal(42))]


def test_a_batch_cut_by_a_later_extraction_takes_nothing_away(bills: House) -> None:
    put(bills, "a.csv", batch(1, "1", "2"), batch(2, "2"), at=1e9)
    put(bills, "b.csv", batch(1, "2"), batch(3, "8"), at=2e9)
    assert [each.status for each in bills.load()] == ["loaded", "loaded"]
    assert bills.billed() == 13


def test_a_load_whose_batches_are_all_replaced_is_replaced(one: House) -> None:
    put(one, "b.csv", batch(1, "1", "2"), at=2e9)
    one.load()
    assert one.rows("SELECT status, charges FROM loads ORDER BY modified_at") == [("replaced", 1), ("loaded", 2)]
    assert agrees(one)


def test_a_batch_with_other_rows_waits_until_it_is_accepted(one: House) -> None:
    path = put(one, "b.csv", batch(1, "7"), batch(2, "2"), at=2e9)
    waiting = one.one(path)
    assert waiting.status == "quarantined"
    assert "first 2026-01-05 01:00:00 with 1 rows, hold other rows than those loaded" in str(waiting.reason)
    assert one.billed() == 1
    assert one.one(path, accept=True).status == "loaded"
    assert one.billed() == 9
    assert agrees(one)


def test_parts_of_one_extraction_are_one_delivery(bills: House) -> None:
    put(bills, "part-0.csv", batch(1, "1"), batch(2, "2"), batch(3, "4"))
    put(bills, "part-1.csv", batch(1, "8"), batch(2, "16"), batch(3, "32"))
    assert bills.one().charges == 6
    assert bills.billed() == 63


def test_a_part_that_arrives_later_completes_its_batches(bills: House) -> None:
    put(bills, "part-0.csv", batch(1, "1"), batch(2, "2"), batch(3, "4"))
    bills.load()
    put(bills, "part-1.csv", batch(1, "8"), batch(2, "16"), batch(3, "32"))
    assert bills.one().status == "loaded"
    assert bills.billed() == 63
    assert agrees(bills)


def test_credits_go_and_come_with_their_batch(bills: House) -> None:
    put(bills, "a.csv", batch(1, "3", credits=credit("-1")), at=1e9)
    bills.load()
    put(bills, "b.csv", batch(1, "3", "5", credits=credit("-1")), at=2e9)
    bills.load()
    assert bills.rows("SELECT ChargeCategory, sum(BilledCost) FROM charges GROUP BY ALL ORDER BY ALL") == [
        ("Credit", Decimal(-2)),
        ("Usage", Decimal(8)),
    ]
    assert agrees(bills)


def test_a_correction_of_an_earlier_invoice_month_is_added_to_it(bills: House) -> None:
    put(bills, "jan.csv", batch(1, "10"), at=1e9)
    late = batch(1, "-3", day=31, cost_type="adjustment", adjustment_info__type="usage_correction")
    put(bills, "feb.csv", late, batch(2, "5", invoice__month="202602"), at=2e9)
    bills.load()
    sql = "SELECT x_BillingPeriod, sum(BilledCost) FROM charges GROUP BY ALL ORDER BY ALL"
    assert bills.rows(sql) == [("2026-01", Decimal(7)), ("2026-02", Decimal(5))]


def test_a_changed_mapping_takes_known_batches_anew(one: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "READER_VERSION", base.READER_VERSION + 1)
    assert one.one().is_new
    assert one.billed() == 1
    assert agrees(one)
    assert not one.one().is_new


def test_rejected_rows_are_in_no_batch_and_add_up(bills: House) -> None:
    put(bills, "a.csv", batch(1, "1", "x"), batch(2, "2"), at=1e9)
    put(bills, "b.csv", batch(2, "2"), batch(3, "y"), at=2e9)
    bills.load(max_rejected=Decimal(1))
    sql = "SELECT rows_read, rows_mapped, rows_rejected, rows_repeated FROM loads ORDER BY modified_at"
    assert bills.rows(sql) == [(3, 2, 1, 0), (2, 0, 1, 1)]
    assert bills.billed() == 3


COSTS = st.lists(st.decimals("-5", "50", places=4).map(str), min_size=1, max_size=3)


@pytest.mark.heavy
@settings(max_examples=more(2, 100))
@given(
    contents=st.lists(COSTS, min_size=1, max_size=5),
    order=st.data(),
    endings=st.lists(st.sampled_from(["csv", "csv.gz", "zip"]), min_size=5, max_size=5),
)
def test_deliveries_of_whole_batches_in_any_order_equal_the_plain_sum(
    contents: list[list[str]], order: st.DataObject, endings: list[str]
) -> None:
    batches = [batch(hour, *costs) for hour, costs in enumerate(contents)]
    with TemporaryDirectory() as folder, house(Path(folder)) as bills:
        for number in range(order.draw(st.integers(1, 4))):
            chosen = order.draw(st.lists(st.sampled_from(range(len(batches))), unique=True, min_size=1))
            path = put(bills, f"{number}.{endings[number]}", *[batches[index] for index in chosen], at=1e9 + number)
            bills.load(path)
        bills.load(put(bills, "all.csv", *order.draw(st.permutations(batches)), at=2e9))
        assert bills.billed() == sum(Decimal(cost) for costs in contents for cost in costs)
        assert bills.value("SELECT count(*) FROM charges") == sum(map(len, contents))
        assert agrees(bills)
