"""OCI cost reports become charges: cost/myCost to the last digit, overage beside it, currencies that rows leave out."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from tests.load.bills import House, oci, write

FREE = {"cost/myCost": "0.000000000000", "cost/unitPrice": "", "cost/currencyCode": ""}


def test_a_line_becomes_a_charge_in_focus_columns(house: House) -> None:
    charge = house.charge(oci(), "csv.gz")
    assert (charge["BilledCost"], charge["EffectiveCost"], charge["BillingCurrency"]) == (
        *(Decimal("1.5"), Decimal("1.5")),
        "GBP",
    )
    assert (charge["BillingAccountId"], charge["SubAccountId"]) == ("015649487", "ocid1.compartment.oc1..bbbb")
    assert (charge["SubAccountName"], charge["x_Provider"], charge["ServiceCategory"]) == ("shop", "oci", "Compute")
    assert (charge["ResourceType"], charge["x_ResourceType"]) == ("instance", "oci:compute/instance")
    assert (charge["PricingQuantity"], charge["PricingUnit"]) == (Decimal(2), "GB-Hours")
    assert (charge["ChargeCategory"], charge["ChargeClass"], charge["x_SourceChanges"]) == ("Usage", None, "unit")


def test_both_formats_of_a_times_are_read_and_the_first_hour_is_its_own_months(house: House) -> None:
    interval = {
        "lineItem/intervalUsageStart": "2026-02-01T00:00Z",
        "lineItem/intervalUsageEnd": "2026-02-01T01:00:00.000Z",
    }
    charge = house.charge(oci(interval))
    assert (charge["ChargePeriodStart"], charge["ChargePeriodEnd"]) == (
        datetime(2026, 2, 1),
        datetime(2026, 2, 1, 1),
    )
    assert (charge["BillingPeriodStart"], charge["BillingPeriodEnd"]) == (datetime(2026, 2, 1), datetime(2026, 3, 1))


def test_the_last_hour_of_a_month_stays_in_it(house: House) -> None:
    row = oci({"lineItem/intervalUsageStart": "2026-01-31T23:00Z", "lineItem/intervalUsageEnd": "2026-02-01T00:00Z"})
    assert house.charge(row)["x_BillingPeriod"] == "2026-01"


def test_tags_are_one_column_per_key(house: House) -> None:
    tags = {"tags/Oracle-Tags.CreatedBy": "me", "tags/Ops.Cost Center": "12", "tags/DevRel\\lab.release": ""}
    assert house.charge({**oci(), **tags})["Tags"] == '{"Ops.Cost Center":"12","Oracle-Tags.CreatedBy":"me"}'


def test_a_file_without_tags_is_part_of_a_month_with_them(house: House) -> None:
    write(house.folder / "0.csv", [oci({"lineItem/referenceNo": "0"})])
    write(house.folder / "1.csv", [oci({"lineItem/referenceNo": "1"}) | {"tags/Ops.Team": "blue"}])
    assert house.one().status == "loaded"
    tags = "SELECT Tags FROM focus_data_table ORDER BY x_oci_ReferenceNumber"
    assert house.rows(tags) == [(None,), ('{"Ops.Team":"blue"}',)]


def test_overage_stands_beside_the_cost_and_changes_nothing(house: House) -> None:
    row = {**oci(), "cost/myCostOverage": "0.25", "cost/overageFlag": "Y", "cost/billingUnitReadable": "x"}
    charge = house.charge(row)
    assert (charge["BilledCost"], charge["x_oci_CostOverage"], charge["x_oci_OverageFlag"]) == (
        *(Decimal("1.5"), "0.25"),
        "Y",
    )
    assert house.value("SELECT dropped_columns FROM loads") == "[]"


def test_a_correction_names_the_line_that_it_corrects(house: House) -> None:
    row = oci({"lineItem/isCorrection": "TRUE", "cost/myCost": "-1.5"}) | {"lineItem/backreferenceNo": "line-0"}
    charge = house.charge(row)
    assert (charge["ChargeClass"], charge["x_oci_BackReferenceNumber"], charge["BilledCost"]) == (
        *("Correction", "line-0"),
        Decimal("-1.5"),
    )


def test_a_row_that_costs_nothing_takes_the_files_only_currency(house: House) -> None:
    house.charges([oci(), oci({**FREE, "lineItem/referenceNo": "2"})])
    assert house.rows("SELECT BillingCurrency, x_SourceChanges, count(*) FROM charges GROUP BY ALL ORDER BY 2") == [
        ("GBP", "currency unit", 1),
        ("GBP", "unit", 1),
    ]
    assert house.rows("SELECT DISTINCT file_total = charges_total, rejected_total FROM load_controls") == [
        (True, Decimal(0))
    ]


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


def test_a_row_with_neither_cost_nor_price_costs_nothing(house: House) -> None:
    charges = house.charges([oci(), oci({**FREE, "cost/myCost": "", "lineItem/referenceNo": "2"})])
    assert [charge["BilledCost"] for charge in charges] == [Decimal(0), Decimal("1.5")]
    assert charges[0]["x_SourceChanges"] == "currency cost unit"


COSTLESS = [
    ({"cost/myCost": ""}, None, "is empty, and the row has a price and a quantity"),
    ({"cost/myCost": "free", "cost/unitPrice": ""}, "free", "is no number of at most 20 digits before the point"),
]


@pytest.mark.parametrize(("changes", "value", "reason"), COSTLESS, ids=["empty", "a word"])
def test_a_cost_is_never_guessed(house: House, changes: dict[str, str], value: str | None, reason: str) -> None:
    house.one(write(house.folder / "bill.csv", [oci(), oci(changes)]))
    [(record, line, column, told, why)] = house.rejected()
    assert (record, line, column, told) == (2, 3, "cost/myCost", value)
    assert why.startswith(reason)


def test_rows_without_a_currency_can_be_let_go(house: House) -> None:
    rows = [oci({"cost/currencyCode": "", "cost/myCost": "7"}), oci()]
    assert house.one(write(house.folder / "bill.csv", rows), max_rejected=Decimal("0.5")).status == "loaded"
    controls = "SELECT BillingCurrency, file_total, charges_total, rejected_total FROM load_controls WHERE column_name = 'BilledCost' ORDER BY 1 NULLS FIRST"
    assert house.rows(controls) == [
        (None, Decimal(7), Decimal(0), Decimal(7)),
        ("GBP", Decimal("1.5"), Decimal("1.5"), Decimal(0)),
    ]


def test_what_is_not_in_the_lists_stays_and_is_counted(house: House) -> None:
    charge = house.charge(oci({"product/service": "NEW_THING", "cost/skuUnitDescription": "Parsecs"}))
    assert (charge["ServiceCategory"], charge["ServiceName"], charge["PricingUnit"]) == (
        "Other",
        "NEW_THING",
        "Parsecs",
    )
    assert charge["x_SourceChanges"] == "category"


def test_files_that_follow_one_another_are_one_month(house: House) -> None:
    for n in range(3):
        write(house.folder / f"reports_cost-csv_{n}.csv.gz", [oci({"lineItem/referenceNo": f"line-{n}"})])
    assert house.one().charges == 3
    write(house.folder / "reports_cost-csv_3.csv.gz", [oci({"lineItem/referenceNo": "line-3"})])
    assert house.one().charges == 4
    assert house.billed() == Decimal(6)
