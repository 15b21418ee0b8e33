"""The row law and the money law: nothing of a file is lost, and what does not add up does not commit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import money, resources
from pipeline.load import swap
from tests.load.bills import House, csv_bytes, cur, dump, focus, write
from tests.load.sharing import beginning

BAD_NUMBER = "is no number of at most 20 digits before the point (digits, sign, point and exponent only)"
BAD_TIME = "is no ISO 8601 time such as 2026-03-01T00:00:00Z"


def test_the_ledger_says_what_was_read_and_what_became_of_it(house: House) -> None:
    path = write(house.folder / "bill.csv", [focus(), focus(BilledCost="x"), focus(ListCost="y")])
    outcome = house.one(path, max_rejected=Decimal("0.5"))
    assert (outcome.status, outcome.rows_read, outcome.rows_rejected, outcome.charges) == ("loaded", 3, 1, 2)
    sql = "SELECT rows_read, rows_mapped, rows_rejected, rows_folded, rows_generated, charges, status FROM loads"
    assert house.rows(sql) == [(3, 2, 1, 0, 0, 2, "loaded")]
    assert house.rows("SELECT path, bytes, rows FROM load_files") == [(str(path), path.stat().st_size, 3)]


def test_every_cost_column_has_a_control(house: House) -> None:
    house.load(
        write(house.folder / "bill.csv", [focus(), focus(BilledCost="x"), focus(BillingCurrency="EUR")]),
        max_rejected=Decimal(1),
    )
    found = house.rows(
        "SELECT BillingCurrency, column_name, file_total, charges_total, rejected_total, rounding FROM load_controls"
    )
    assert sorted(found) == [
        ("EUR", "BilledCost", Decimal("1.5"), Decimal("1.5"), Decimal(0), "0"),
        ("EUR", "ContractedCost", Decimal("1.5"), Decimal("1.5"), Decimal(0), "0"),
        ("EUR", "EffectiveCost", Decimal("1.25"), Decimal("1.25"), Decimal(0), "0"),
        ("EUR", "ListCost", Decimal(2), Decimal(2), Decimal(0), "0"),
        ("USD", "BilledCost", Decimal("1.5"), Decimal("1.5"), Decimal(0), "0"),
        ("USD", "ContractedCost", Decimal(3), Decimal("1.5"), Decimal("1.5"), "0"),
        ("USD", "EffectiveCost", Decimal("2.5"), Decimal("1.25"), Decimal("1.25"), "0"),
        ("USD", "ListCost", Decimal(4), Decimal(2), Decimal(2), "0"),
    ]


def test_what_rounding_moved_is_recorded_exactly(house: House) -> None:
    values = ["0.1234567890123456785", "1e-30", "-0.0000000000000000005", "2.5E-18", "7", "0.123456789012345678900"]
    for place, ending in enumerate(("csv", "csv.gz")):
        write(house.folder / f"bill.{ending}", [focus(BilledCost=value) for value in values[place::2]])
    house.load(mode="one")
    written = money.total(Decimal(value) for value in values)
    [(total, rounding)] = house.rows("SELECT file_total, rounding FROM load_controls WHERE column_name = 'BilledCost'")
    assert house.billed() == total
    assert Decimal(rounding) == money.total([written, -total])
    assert Decimal(rounding) != 0


def test_a_rejected_row_says_where_it_stands_and_why(house: House) -> None:
    rows = [
        focus(ChargeDescription="two\nlines"),
        focus(BilledCost="1_000"),
        focus(ChargeDescription="three\n\nlines", ChargePeriodStart="9/2/2023"),
        focus(BillingCurrency=None),
        focus(EffectiveCost="4,350.00"),
    ]
    path = write(house.folder / "bill.csv", rows)
    assert house.one(path, max_rejected=Decimal(1)).charges == 1
    assert house.rejected() == [
        (2, 4, "BilledCost", "1_000", BAD_NUMBER),
        (3, 5, "ChargePeriodStart", "9/2/2023", BAD_TIME),
        (4, 8, "BillingCurrency", None, "is empty"),
        (5, 9, "EffectiveCost", "4,350.00", BAD_NUMBER),
    ]
    lines = path.read_text().splitlines()
    assert [line.split(",")[0:2] for line in (lines[3], lines[7])] == [["", "1_000"], ["", "1.5"]]


def test_rejected_rows_of_a_zip_and_of_parquet_have_their_record(house: House) -> None:
    rows = [focus(Tags=None), focus(Tags=None, BillingCurrency=None)]
    packed = [write(house.folder / f"bill.{ending}", rows) for ending in ("zip", "csv.gz")]
    house.load(*packed, mode="one", source="csv", max_rejected=Decimal(1))
    house.load(write(house.folder / "bill.parquet", rows), source="parquet", max_rejected=Decimal(1))
    found = house.rows("SELECT record, line, column_name, reason FROM rejected_rows ORDER BY line NULLS LAST")
    assert found == [*[(2, 3, "BillingCurrency", "is empty")] * 2, (2, None, "BillingCurrency", "is empty")]


def test_a_row_of_another_width_is_rejected_and_shifts_nothing(house: House) -> None:
    path = house.folder / "bill.csv"
    header, row, _ = csv_bytes([focus()]).split(b"\n")
    path.write_bytes(b"\n".join([header, row, b"1.5", row, b",".join([b"x"] * 33), row, b""]))
    assert house.one(path, max_rejected=Decimal("0.5")).charges == 3
    assert house.rejected() == [
        (2, 3, None, None, "has 1 fields, the header has 30"),
        (4, 5, None, None, "has 33 fields, the header has 30"),
    ]
    assert house.billed() == Decimal("4.5")


def test_a_comma_after_the_last_field_is_no_field(house: House) -> None:
    for name, extra in (("fast", b""), ("careful", b"x\n")):
        path = house.folder / f"{name}.csv"
        path.write_bytes(csv_bytes([focus(), focus()]).replace(b'""}"\n', b'""}",\n') + extra)
        assert house.one(path, source=name, max_rejected=Decimal(1)).charges == 2


def test_one_rejected_row_too_many_refuses_the_delivery(house: House) -> None:
    rows = [focus(BilledCost="x"), *[focus()] * 9]
    path = write(house.folder / "bill.csv", rows)
    outcome = house.one(path, max_rejected=Decimal("0.09"))
    assert (outcome.status, outcome.waits) == ("refused", True)
    assert outcome.reason == (
        f"{path}: 1 of 10 rows cannot be read, more than the source's max_rejected (9%) allows; nothing of them "
        "was loaded. `costmill status --rejected bill` lists file, line, column and reason of each"
    )
    assert house.rejected() == [(1, 2, "BilledCost", "x", BAD_NUMBER)]
    assert house.value("SELECT count(*) FROM charges") == 0


def test_a_raised_limit_lets_a_refused_delivery_in(house: House) -> None:
    path = write(house.folder / "bill.csv", [focus(BilledCost="x"), focus()])
    assert house.one(path).status == "refused"
    assert not house.one(path, max_rejected=Decimal("0.4")).is_new
    assert house.one(path, max_rejected=Decimal("0.5")).status == "loaded"
    assert house.rows("SELECT status FROM loads") == [("loaded",)]


def test_a_delivery_whose_rows_cannot_be_read_is_refused_even_over_a_full_one(house: House) -> None:
    house.load(write(house.folder / "old.csv", [focus()], at=1e9))
    outcome = house.one(write(house.folder / "new.csv", [focus(BilledCost="x")], at=2e9))
    assert outcome.status == "refused"
    assert house.rejected() == [(1, 2, "BilledCost", "x", BAD_NUMBER)]


def test_a_long_value_is_cut_and_the_separator_of_our_own_in_one_does_no_harm(house: House) -> None:
    house.load(write(house.folder / "bill.csv", [focus(BilledCost="9" * 5000), focus(BilledCost="1\x1f2\x1f3")]))
    assert house.rejected() == [(1, 2, "BilledCost", "9" * 200, BAD_NUMBER), (2, 3, "BilledCost", "1 2 3", BAD_NUMBER)]


def test_amounts_too_large_to_sum_are_refused_and_the_others_go_on(house: House) -> None:
    huge = [
        write(house.folder / f"{column}.csv", [focus(**{column: "9" * 20}, SkuPriceId=str(n)) for n in range(3)])
        for column in ("BilledCost", "PricingQuantity")
    ]
    fine = write(house.folder / "fine.csv", [focus(BillingPeriodStart="2026-02-01T00:00:00Z")])
    outcomes = {outcome.name: outcome for outcome in house.load(*huge, fine, mode="each")}
    for path in huge:
        assert outcomes[str(path)].status == "refused"
        assert "its amounts sum to more than 20 digits before the point" in str(outcomes[str(path)].reason)
    assert outcomes[str(fine)].status == "loaded"


CHECKS = {
    "rollups_match_charges": "UPDATE daily_costs SET BilledCost = BilledCost + 1",
    "commitments_match_charges": "UPDATE commitment_costs SET CommitmentDiscountQuantity = 1",
    "charges_have_dimensions": "DELETE FROM resources",
    "dimensions_are_unique": "INSERT INTO resources SELECT * FROM resources",
    "invoices_match_charges": "UPDATE invoice_costs SET BilledCost = BilledCost + 1",
}


@beginning
def checked(house: House) -> None:
    """A month of two currencies with a commitment, of which every check has something to say."""
    plan = {"CommitmentDiscountId": "plan", "CommitmentDiscountQuantity": "2.5"}
    house.load(write(house.folder / "bill.csv", [focus(**plan), focus(BillingCurrency="EUR")]))


@pytest.mark.parametrize("check", swap.CHECKS)
def test_each_check_returns_the_bad_rows(checked: House, check: str) -> None:
    text = resources.sql(f"checks/{check}")
    given = {"source": "bill", "period": "2026-01"} if "$source" in text else None
    assert checked.rows(text, given) == []
    checked.warehouse.execute(CHECKS[check])
    assert checked.rows(text, given)


def test_a_broken_check_leaves_the_last_good_state(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.load(write(house.folder / "bill.csv", [focus()], at=1e9))
    before = dump(house.warehouse)
    house.warehouse.execute("CREATE TABLE hostile AS SELECT 1 AS bad")
    sql = resources.sql
    monkeypatch.setattr(resources, "sql", lambda name: "FROM hostile" if name.startswith("checks/") else sql(name))
    outcome = house.one(write(house.folder / "bill.csv", [focus(BilledCost="2")], at=2e9))
    assert outcome.status == "refused"
    assert "check rollups_match_charges found 1 bad row(s), first (1,); nothing was changed" in str(outcome.reason)
    assert dump(house.warehouse) == before
    assert house.rows("SELECT status FROM loads ORDER BY 1") == [("loaded",), ("refused",)]


def test_money_that_the_mapping_loses_does_not_commit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = resources.sql
    lossy = sql("sources/focus").replace("s.BilledCost,", "s.BilledCost - 1 AS BilledCost,")
    monkeypatch.setattr(resources, "sql", lambda name: lossy if name == "sources/focus" else sql(name))
    outcome = house.one(write(house.folder / "bill.csv", [focus()]))
    assert outcome.status == "refused"
    assert outcome.reason == (
        f"{house.folder / 'bill.csv'}: BilledCost in USD is 1.5 in the file, but 0.5 in charges, 0 rejected and 0 repeated; "
        "nothing was changed, please report this"
    )
    assert house.value("SELECT count(*) FROM charges") == 0


@pytest.mark.parametrize(
    "change",
    [
        ("WHERE s.x_Problem", "WHERE s.ResourceId <> 'r-1' AND s.x_Problem"),
        ("FROM named AS s", "FROM named AS s CROSS JOIN (VALUES (1), (2)) AS twice"),
    ],
)
def test_rows_that_the_mapping_loses_or_doubles_do_not_commit(
    house: House, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str]
) -> None:
    sql = resources.sql
    broken = sql("sources/focus").replace(*change)
    assert broken != sql("sources/focus")
    monkeypatch.setattr(resources, "sql", lambda name: broken if name == "sources/focus" else sql(name))
    outcome = house.one(write(house.folder / "bill.csv", [focus(BilledCost="0"), focus(ResourceId="r-2")]))
    assert outcome.status == "refused"
    assert "2 rows read, of which 0 rejected, 0 folded and 0 repeated, but" in str(outcome.reason)
    assert house.value("SELECT count(*) FROM charges") == 0


def test_rejected_rows_count_for_the_file_they_stand_in(house: House, tmp_path: Path) -> None:
    parts = [
        write(house.folder / "1.csv", [cur(), cur(line_item_unblended_cost="?")]),
        write(house.folder / "2.csv", [cur(identity_line_item_id="2")]),
    ]
    house.load(*parts, mode="one", max_rejected=Decimal("0.5"))
    assert sorted(house.rows("SELECT path, rows FROM load_files")) == [(str(parts[0]), 2), (str(parts[1]), 1)]
    assert house.rows("SELECT path, record, line FROM rejected_rows") == [(str(parts[0]), 2, 3)]


def test_a_row_without_a_readable_period_counts_for_the_largest(house: House) -> None:
    rows = [focus(), focus(), focus(BillingPeriodStart="soon"), focus(BillingPeriodStart="2026-02-01")]
    house.load(write(house.folder / "bill.csv", rows), max_rejected=Decimal("0.4"))
    assert house.rows("SELECT x_BillingPeriod, rows_read, rows_rejected FROM loads ORDER BY 1") == [
        ("2026-01", 3, 1),
        ("2026-02", 1, 0),
    ]


def test_usage_reaches_as_far_as_charges_of_a_day_do(house: House) -> None:
    rows = [
        focus(ChargePeriodEnd="2026-01-06T00:00:00Z"),
        focus(ChargePeriodEnd="2026-02-01T00:00:00Z"),
        focus(ChargePeriodStart="2026-01-09T00:00:00Z", ChargePeriodEnd="2026-01-10T00:00:00Z", ChargeCategory="Tax"),
    ]
    house.load(write(house.folder / "bill.csv", rows))
    assert house.value("SELECT usage_through FROM source_periods") == datetime(2026, 1, 6)
