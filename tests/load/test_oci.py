"""OCI cost reports become charges: cost/myCost to the last digit, overage beside it, currencies that rows leave out."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.load.bills import House, oci, write

FREE = {"cost/myCost": "0.000000000000", "cost/unitPrice": "", "cost/currencyCode": ""}


ROWS: dict[str, dict[str, str]] = {
    "plain": {},
    "first hour": {
        "lineItem/intervalUsageStart": "2026-01-01T00:00Z",
        "lineItem/intervalUsageEnd": "2026-01-01T01:00:00.000Z",
    },
    "last hour": {"lineItem/intervalUsageStart": "2026-01-31T23:00Z", "lineItem/intervalUsageEnd": "2026-02-01T00:00Z"},
    "tags": {"tags/Oracle-Tags.CreatedBy": "me", "tags/Ops.Cost Center": "12", "tags/DevRel\\lab.release": ""},
    "overage": {"cost/myCostOverage": "0.25", "cost/overageFlag": "Y", "cost/billingUnitReadable": "x"},
    "correction": {"lineItem/isCorrection": "TRUE", "cost/myCost": "-1.5", "lineItem/backreferenceNo": "line-0"},
    "free": FREE,
    "costless": FREE | {"cost/myCost": ""},
    "unknown": {"product/service": "NEW_THING", "cost/skuUnitDescription": "Parsecs"},
}


@pytest.fixture(scope="module")
def charges(shared: House) -> dict[str, dict[str, Any]]:
    """The charges of the rows, loaded as one file."""
    rows = [oci({**given, "lineItem/referenceNo": name}) for name, given in ROWS.items()]
    outcome = shared.one(write(shared.folder / "bill.csv.gz", rows))
    assert (outcome.status, outcome.charges) == ("loaded", len(ROWS)), outcome.reason
    assert shared.value("SELECT dropped_columns FROM loads") == "[]"
    assert shared.rows("SELECT DISTINCT file_total = charges_total, rejected_total FROM load_controls") == [(True, 0)]
    return {row["x_oci_ReferenceNumber"]: row for row in shared.table("SELECT * FROM focus_data_table")}


def test_a_line_becomes_a_charge_in_focus_columns(charges: dict[str, dict[str, Any]]) -> None:
    charge = charges["plain"]
    assert (charge["BilledCost"], charge["EffectiveCost"], charge["BillingCurrency"]) == (
        *(Decimal("1.5"), Decimal("1.5")),
        "GBP",
    )
    assert (charge["BillingAccountId"], charge["SubAccountId"]) == ("015649487", "ocid1.compartment.oc1..bbbb")
    assert (charge["SubAccountName"], charge["x_Provider"], charge["ServiceCategory"]) == ("shop", "oci", "Compute")
    assert (charge["ResourceType"], charge["x_ResourceType"]) == ("instance", "oci:compute/instance")
    assert (charge["PricingQuantity"], charge["PricingUnit"]) == (Decimal(2), "GB-Hours")
    assert (charge["ChargeCategory"], charge["ChargeClass"], charge["x_SourceChanges"]) == ("Usage", None, "unit")


def test_both_formats_of_a_times_are_read_and_the_first_hour_is_its_own_months(
    charges: dict[str, dict[str, Any]],
) -> None:
    charge = charges["first hour"]
    assert (charge["ChargePeriodStart"], charge["ChargePeriodEnd"]) == (
        datetime(2026, 1, 1),
        datetime(2026, 1, 1, 1),
    )
    assert (charge["BillingPeriodStart"], charge["BillingPeriodEnd"]) == (datetime(2026, 1, 1), datetime(2026, 2, 1))


def test_the_last_hour_of_a_month_stays_in_it(charges: dict[str, dict[str, Any]]) -> None:
    assert charges["last hour"]["x_BillingPeriod"] == "2026-01"


def test_tags_are_one_column_per_key(charges: dict[str, dict[str, Any]]) -> None:
    assert charges["tags"]["Tags"] == '{"Ops.Cost Center":"12","Oracle-Tags.CreatedBy":"me"}'
    assert charges["plain"]["Tags"] is None


def test_a_file_without_tags_is_part_of_a_month_with_them(house: House) -> None:
    write(house.folder / "0.csv", [oci({"lineItem/referenceNo": "0"})])
    write(house.folder / "1.csv", [oci({"lineItem/referenceNo": "1"}) | {"tags/Ops.Team": "blue"}])
    assert house.one().status == "loaded"
    tags = "SELECT Tags FROM focus_data_table ORDER BY x_oci_ReferenceNumber"
    assert house.rows(tags) == [(None,), ('{"Ops.Team":"blue"}',)]


def test_overage_stands_beside_the_cost_and_changes_nothing(charges: dict[str, dict[str, Any]]) -> None:
    charge = charges["overage"]
    assert (charge["BilledCost"], charge["x_oci_CostOverage"], charge["x_oci_OverageFlag"]) == (
        *(Decimal("1.5"), "0.25"),
        "Y",
    )


def test_a_correction_names_the_line_that_it_corrects(charges: dict[str, dict[str, Any]]) -> None:
    charge = charges["correction"]
    assert (charge["ChargeClass"], charge["x_oci_BackReferenceNumber"], charge["BilledCost"]) == (
        *("Correction", "line-0"),
        Decimal("-1.5"),
    )


def test_a_row_that_costs_nothing_takes_the_files_only_currency(charges: dict[str, dict[str, Any]]) -> None:
    free = charges["free"]
    assert (free["BillingCurrency"], free["BilledCost"], free["x_SourceChanges"]) == ("GBP", 0, "currency unit")


def test_a_file_that_names_no_currency_takes_that_of_its_delivery(house: House) -> None:
    write(house.folder / "1.csv", [oci()])
    write(house.folder / "2.csv", [oci({**FREE, "lineItem/referenceNo": "2"})])
    assert house.one().status == "loaded"
    assert house.rows("SELECT DISTINCT BillingCurrency FROM charges") == [("GBP",)]


NAMELESS = [
    ([oci({"cost/currencyCode": ""}), oci()], 1, "is empty on a row that costs something"),
    (
        [oci(), oci({"cost/currencyCode": "USD"}), oci(FREE)],
        *(3, "is empty, and the file names 2 currencies"),
    ),
    ([oci(FREE)], 1, "is empty, and the file names no currency"),
]


@pytest.mark.parametrize(("rows", "record", "reason"), NAMELESS, ids=["money", "two", "none"])
def test_a_currency_is_never_guessed(house: House, rows: list[dict[str, str]], record: int, reason: str) -> None:
    outcome = house.one(write(house.folder / "bill.csv", rows))
    assert (outcome.status, outcome.rows_rejected) == ("refused", 1)
    assert house.rejected() == [(record, record + 1, "cost/currencyCode", None, reason)]


def test_a_row_with_neither_cost_nor_price_costs_nothing(charges: dict[str, dict[str, Any]]) -> None:
    assert charges["costless"]["BilledCost"] == 0
    assert charges["costless"]["x_SourceChanges"] == "currency cost unit"


COSTLESS = [
    ({"cost/myCost": ""}, None, "is empty, and the row has a price and a quantity"),
    ({"cost/myCost": "free", "cost/unitPrice": ""}, "free", "is no number of at most 20 digits before the point"),
]


def test_a_cost_is_never_guessed(house: House) -> None:
    house.one(write(house.folder / "bill.csv", [oci(), *(oci(changes) for changes, *_ in COSTLESS)]))
    for number, (found, (_, value, reason)) in enumerate(zip(house.rejected(), COSTLESS, strict=True), 2):
        assert found[:4] == (number, number + 1, "cost/myCost", value)
        assert found[4].startswith(reason)


def test_rows_without_a_currency_can_be_let_go(house: House) -> None:
    rows = [oci({"cost/currencyCode": "", "cost/myCost": "7"}), oci()]
    assert house.one(write(house.folder / "bill.csv", rows), max_rejected=Decimal("0.5")).status == "loaded"
    controls = "SELECT BillingCurrency, file_total, charges_total, rejected_total FROM load_controls WHERE column_name = 'BilledCost' ORDER BY 1 NULLS FIRST"
    assert house.rows(controls) == [
        (None, Decimal(7), Decimal(0), Decimal(7)),
        ("GBP", Decimal("1.5"), Decimal("1.5"), Decimal(0)),
    ]


def test_what_is_not_in_the_lists_stays_and_is_counted(charges: dict[str, dict[str, Any]]) -> None:
    charge = charges["unknown"]
    assert (charge["ServiceCategory"], charge["ServiceName"], charge["PricingUnit"]) == (
        "Other",
        "NEW_THING",
        "Parsecs",
    )
    assert charge["x_SourceChanges"] == "category"


def test_files_that_follow_one_another_are_one_month(house: House) -> None:
    for count in (2, 3):
        for n in range(count):
            row = oci({"lineItem/referenceNo": f"line-{n}"})
            write(house.folder / f"reports_cost-csv_{n}.csv.gz", [row], at=1e9 + n)
        assert house.one().charges == count
    assert house.billed() == Decimal("4.5")
