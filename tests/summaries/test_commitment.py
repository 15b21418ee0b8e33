"""commitment_summary of bills that were loaded: what is used, wasted and saved, and where a bill does not say so."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.load.unload import unload
from pipeline.store import rollups, schema
from pipeline.summaries import commitment_summary
from tests.load import azure
from tests.load.bills import House, cur, focus, house, write
from tests.load.test_gcp import credit, line

RESERVED = {"reservation_reservation_a_r_n": "arn:aws:ec2:eu-west-1:0:reserved-instances/1"}


def part(
    name: str, status: str | None, effective: str, listed: str | None = "0", billed: str = "0", **facts: Any
) -> dict[str, Any]:
    """A charge of the commitment ``name``: usage with a status, or a purchase; its contracted cost is its list cost."""
    facts = {"ChargeCategory": "Usage" if status else "Purchase", "CommitmentDiscountStatus": status, **facts}
    facts = {"CommitmentDiscountUnit": "Hours", "CommitmentDiscountQuantity": None, **facts}
    facts = {"EffectiveCost": effective, "ListCost": listed, "ContractedCost": listed, "BilledCost": billed, **facts}
    return focus(CommitmentDiscountId=name, CommitmentDiscountType="Plan", **facts)


CORRECTION = {"ChargeClass": "Correction"}
BILL = [
    part("plan", None, "0", "10", "10"),
    part("plan", "Used", "4", "7", CommitmentDiscountQuantity="3", ContractedCost="5"),
    part("plan", "Used", "2", "3", CommitmentDiscountQuantity="1", ContractedCost="2", ChargePeriodStart="2025-12-31T00:00:00Z"),
    part("plan", "Unused", "2", CommitmentDiscountQuantity="0.5", CommitmentDiscountName="three years"),
    part("plan in euros", "Used", "1", "2"),
    part("plan in euros", "Used", "5", "7", BillingCurrency="EUR"),
    part("wasted", "Unused", "3", ChargeCategory="Purchase"),
    part("bought", None, "0", "100", "100"),
    part("refunded", None, "0", "438", "438"),
    part("refunded", None, "-438", "-438", "-438", **CORRECTION),
    part("corrected", "Used", "8", "9"),
    part("corrected", "Used", "-1", "-2", **CORRECTION),
    part("negative", "Used", "-1", "2"),
    part("negative", "Unused", "3"),
    part("without prices", "Used", "4", "0", ContractedCost="6"),
    part("in two units", "Used", "1", "2", CommitmentDiscountQuantity="1"),
    part("in two units", "Used", "1", "2", CommitmentDiscountQuantity="1", CommitmentDiscountUnit="USD"),
    focus(),
]  # fmt: skip
COSTS = ("purchase_BilledCost", "used_EffectiveCost", "unused_EffectiveCost", "other_EffectiveCost")
QUOTIENTS = ("utilisation_percent", "list_savings", "contracted_savings")
#: COSTS, then QUOTIENTS.
EXPECTED: dict[str, str] = {
    "plan": "10 6 2 0 75 2 -1",
    "plan in euros": "0 5 0 0 100 2 2 / 0 1 0 0 100 1 1",
    "wasted": "0 0 3 0 0 -3 -3",
    "bought": "100 0 0 0 - - -",
    "refunded": "0 0 0 -438 - - -",
    "corrected": "0 8 0 -1 100 1 1",
    "negative": "0 -1 3 0 - 0 0",
    "without prices": "0 4 0 0 100 - 2",
    "in two units": "0 2 0 0 100 2 2",
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("commitments")) as opened:
        yield opened


@pytest.fixture(scope="module")
def bill(shared: House) -> list[dict[str, Any]]:
    return summed(shared, BILL)


def summed(house: House, rows: list[dict[str, Any]], source: str = "bill") -> list[dict[str, Any]]:
    """Load a bill of January, and return what the summary then says of it."""
    outcome = house.one(write(house.folder / f"{source}.csv", rows), source=source, accept=True)
    assert outcome.status == "loaded", outcome.reason
    return summary(house, source)


def summary(house: House, source: str = "bill") -> list[dict[str, Any]]:
    costs = house.warehouse.frame("SELECT * FROM commitment_costs WHERE x_Source = $1", [source])
    return commitment_summary(costs.lazy()).sort("CommitmentDiscountId", "BillingCurrency").collect().to_dicts()


def said(row: dict[str, Any]) -> str:
    values = [row[name] for name in (*COSTS, *QUOTIENTS)]
    return " ".join("-" if value is None else f"{value.normalize():f}" for value in values)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_commitment_is_worth_what_was_worked_out_by_hand(bill: list[dict[str, Any]], name: str) -> None:
    assert " / ".join(said(row) for row in bill if row["CommitmentDiscountId"] == name) == EXPECTED[name]
    assert {row["CommitmentDiscountId"] for row in bill} == {*EXPECTED}


def test_quantities_have_the_unit_of_all_charges_and_days_are_those_of_the_month(bill: list[dict[str, Any]]) -> None:
    found = {row["CommitmentDiscountId"]: row for row in bill}
    quantities = ("CommitmentDiscountUnit", "used_quantity", "unused_quantity")
    assert [found["plan"][name] for name in quantities] == ["Hours", 4, Decimal("0.5")]
    assert [found["in two units"][name] for name in quantities] == [None, None, None]
    assert (found["plan"]["CommitmentDiscountName"], found["plan"]["days_covered"]) == ("three years", 2)
    assert (found["bought"]["days_covered"], found["bought"]["used_quantity"]) == (0, None)


def test_a_bill_without_commitments_has_no_row_and_a_restated_one_what_it_says_now(shared: House) -> None:
    assert summed(shared, [focus(), focus()], "plain") == []
    [row] = summed(shared, [part("plan", "Used", "3", "4"), part("plan", "Unused", "1")], "plain")
    assert (row["utilisation_percent"], row["list_savings"]) == (75, 0)
    [row] = summed(shared, [part("plan", "Used", "4", "4.5")], "plain")
    assert (row["utilisation_percent"], row["list_savings"]) == (100, Decimal("0.5"))
    assert unload(shared.warehouse, "plain", "2026-01", run_id="run", keys=())
    assert summary(shared, "plain") == []


def test_an_azure_month_says_it_once_its_amortized_view_is_there(shared: House) -> None:
    folder = shared.folder / "views"
    shared.load(write(folder / "actual.csv", azure.actual()), source="views")
    [row] = summary(shared, "views")
    assert said(row) == "1200 0 0 1200 - - -"
    write(folder / "amortized.csv", azure.amortized())
    shared.load(folder, source="views")
    [row] = summary(shared, "views")
    assert said(row) == "1200 90 30 0 75 -105.6 -"


def test_each_provider_says_it_in_its_own_way_and_what_google_does_not_say_is_not_guessed(shared: House) -> None:
    used = {"reservation_effective_cost": "0.18", "pricing_public_on_demand_cost": "0.3"}
    lines = [
        cur(line_item_line_item_type="DiscountedUsage", line_item_unblended_cost="0", **used, **RESERVED),
        cur(line_item_line_item_type="RIFee", line_item_unblended_cost="0.24", **RESERVED)
        | {"identity_line_item_id": "fee", "reservation_unused_recurring_fee": "0.06"},
    ]
    [aws] = summed(shared, lines, "aws-lines")
    assert said(aws) == "0.24 0.18 0.06 0 75 0.06 0.06"
    given = credit("-1", "COMMITTED_USAGE_DISCOUNT")
    [google] = summed(shared, [line(credits=given, subscription__instance_id="sub-1")], "gcp-lines")
    assert said(google) == "0 0 0 0.5 - - -"


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp"])
def test_a_real_export_has_the_use_and_waste_that_its_rows_sum_to(shared: House, exports: Path, provider: str) -> None:
    path = exports / "guymano-focus-data-toolkit" / f"{provider}_1_2_cost_and_usage_rows25_seed7.csv"
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["CommitmentDiscountId"]:
                part = row["CommitmentDiscountStatus"] or row["ChargeCategory"]
                sums[row["CommitmentDiscountId"], part] += Decimal(row["EffectiveCost"])
                sums[row["CommitmentDiscountId"], f"{part} quantity"] += Decimal(row["CommitmentDiscountQuantity"] or 0)
                sums[row["CommitmentDiscountId"], f"{part} list"] += Decimal(row["ListCost"])
    assert shared.one(path, source=provider).status == "loaded"
    found = summary(shared, provider)
    assert {row["CommitmentDiscountId"] for row in found} == {name for name, _ in sums}
    for row in found:
        used, unused, listed, quantity, idle = (
            sums[row["CommitmentDiscountId"], name]
            for name in ("Used", "Unused", "Used list", "Used quantity", "Unused quantity")
        )
        assert (row["used_EffectiveCost"], row["unused_EffectiveCost"]) == (used, unused)
        assert (row["used_quantity"], row["unused_quantity"]) == (quantity, idle)
        assert row["list_savings"] == listed - used - unused
        assert row["utilisation_percent"] == round(used * 100 / (used + unused), 6)


def test_a_warehouse_of_before_gets_its_commitments_with_the_next_run(tmp_path: Path) -> None:
    with house(tmp_path) as opened:
        summed(opened, [part("plan", "Used", "3", "4")])
        wanted = opened.rows("SELECT * FROM commitment_costs")
        opened.warehouse.execute("DROP TABLE commitment_costs; DROP TABLE commitment_summary")
        opened.warehouse.execute("INSERT OR REPLACE INTO settings VALUES ('reported_tags', '[]')")
        opened.warehouse.execute("DELETE FROM schema_versions WHERE name LIKE '%_commitments'")
        schema.migrate(opened.warehouse)
        assert rollups.refresh_for_keys(opened.warehouse, ())
        assert opened.rows("SELECT * FROM commitment_costs") == wanted
        assert rollups.due(opened.warehouse, "summaries") == ["2026-01", "2026-02"]
