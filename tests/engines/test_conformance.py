"""The rules of FOCUS: data that agrees with the specification's list, and checks that each find what they are for."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import focus
from pipeline.engines import conformance
from pipeline.engines.conformance import Conformance, Finding
from pipeline.engines.mapping import Mapper
from pipeline.engines.reading import Reader
from pipeline.sources import find
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.load.bills import Row, cur, write
from tests.load.bills import focus as focus_row

ROOT = Path(__file__).resolve().parents[2]
CHECKS = sorted((ROOT / "sql" / "conformance").glob("*.sql"))


Held = Callable[..., list[Finding]]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    """Hold rows, written as a file, against FOCUS; all tests of the module share a warehouse that keeps none of them."""
    folder = tmp_path_factory.mktemp("rules")
    with Warehouse.open(empty.put(folder / "costs.duckdb")) as warehouse:
        reader, mapper = Reader(warehouse.connection, folder), Mapper(warehouse)

        def findings(rows: list[Row], ending: str = "csv", version: str | None = None) -> list[Finding]:
            file = find.fingerprint_file(write(folder / f"bill.{ending}", rows), {})
            staged = reader.stage([file], closely=True)
            mapper.prepare(staged)
            mapper.show_rows(staged)
            return Conformance(warehouse, staged, version).findings()

        yield findings


def clean(**changes: Any) -> dict[str, Any]:
    """A FOCUS 1.0 row that breaks no rule, with columns for every rule."""
    more = {
        "RegionName": "West Europe",
        "ContractedUnitPrice": "1.5",
        "ListUnitPrice": "2",
        "PricingCategory": "Standard",
    }
    nothing = dict.fromkeys(name for name in focus.BY_NAME if name.startswith("CommitmentDiscount"))
    nothing = {name: value for name, value in nothing.items() if focus.BY_NAME[name].since == "1.0"}
    return focus_row(**{**more, **nothing, "ResourceType": "vm", "SubAccountName": "shop", **changes})


#: What breaks which rule: the changed columns, the column that is blamed and a word of the rule.
BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "billing_period_order": (
        {"BillingPeriodEnd": "2026-01-01T00:00:00Z", "ChargeClass": "Correction"},
        *("BillingPeriodEnd", "lies after"),
    ),
    "charge_period_order": ({"ChargePeriodEnd": "2026-01-05T00:00:00Z"}, "ChargePeriodEnd", "lies after"),
    "charge_in_billing_period": (
        {"ChargePeriodStart": "2025-12-05T00:00:00Z"},
        "ChargePeriodStart",
        "of usage lies in",
    ),
    "purchase_frequency": (
        {"ChargeCategory": "Purchase", "ConsumedQuantity": None, "ConsumedUnit": None},
        *("ChargeFrequency", "of a Purchase"),
    ),
    "list_cost": ({"ListUnitPrice": "2.5"}, "ListCost", "times PricingQuantity"),
    "contracted_cost": ({"ContractedCost": "7"}, "ContractedCost", "times PricingQuantity"),
    "commitment_category": ({"CommitmentDiscountCategory": "Spend"}, "CommitmentDiscountCategory", "exactly where"),
    "commitment_type": ({"CommitmentDiscountType": "Plan"}, "CommitmentDiscountType", "exactly where"),
    "commitment_status": ({"CommitmentDiscountStatus": "Used"}, "CommitmentDiscountStatus", "null without"),
    "consumed_quantity": ({"ConsumedQuantity": None, "ConsumedUnit": None}, "ConsumedQuantity", "is given for usage"),
    "consumed_unit": ({"ConsumedUnit": None}, "ConsumedUnit", "exactly where"),
    "pricing_quantity": ({"PricingQuantity": None}, "PricingQuantity", "is given for usage"),
    "pricing_unit": ({"PricingUnit": None}, "PricingUnit", "is given for usage"),
    "pricing_category": ({"PricingCategory": None}, "PricingCategory", "is given for usage"),
    "region_name": ({"RegionName": None}, "RegionName", "is given where"),
    "resource_type": ({"ResourceType": None}, "ResourceType", "exactly where"),
    "sub_account_name": ({"SubAccountId": None}, "SubAccountName", "is null where"),
    "a null": ({"InvoiceIssuerName": None}, "InvoiceIssuerName", "is never null"),
    "a value": ({"ServiceCategory": "Computers"}, "ServiceCategory", "is one of AI and Machine Learning, Analytics"),
    "capitals": ({"ChargeFrequency": "usage-based"}, "ChargeFrequency", "is one of One-Time, Recurring, Usage-Based"),
    "a sign": ({"ListUnitPrice": "-2", "ListCost": "-2"}, "ListUnitPrice", "is not negative"),
    "tags": ({"Tags": "env=prod"}, "Tags", "is a JSON object"),
    "a currency": ({"BillingCurrency": "MC"}, "BillingCurrency", "is an ISO 4217 code"),
    "a number": ({"ListUnitPrice": "two"}, "ListUnitPrice", "is a number"),
    "no time": ({"ChargePeriodEnd": "3/1/26"}, "ChargePeriodEnd", "is an ISO 8601 time"),
    "a time": ({"ChargePeriodEnd": "2026-01-06 00:00:00"}, "ChargePeriodEnd", "is written YYYY-MM-DDThh:mm:ssZ"),
}


def test_a_row_that_keeps_to_the_rules_has_no_findings(held: Held) -> None:
    assert held([clean(), clean(Tags=None, ChargeClass="Correction")]) == []


def test_each_broken_rule_is_found_in_the_row_that_breaks_it_and_no_other_rule_is(held: Held) -> None:
    found = held([clean(), *(clean(**changes) for changes, _, _ in BROKEN.values())])
    told = {f"{each.column} {each.rule}": (each.line, each.rows) for each in found}
    for line, (_, column, rule) in enumerate(BROKEN.values(), 3):
        [name] = [name for name in told if name.startswith(f"{column} ") and rule in name]
        assert told.pop(name) == (line, 1), name
    assert told == {}


def test_a_finding_counts_the_rows_and_shows_the_first(held: Held) -> None:
    [finding] = held([clean(), clean(ListCost="3"), clean(), clean(ListCost="4")])
    assert (finding.column, finding.rows, finding.line) == ("ListCost", 2, 3)
    assert finding.example == "ListCost 3, ChargeClass null, ListUnitPrice 2, PricingQuantity 1"


def test_every_check_is_in_the_documentation_and_no_other() -> None:
    listed = re.findall(r"^\| (\w+) \| (.+) \|$", (ROOT / "docs" / "validate.md").read_text(encoding="utf-8"), re.M)
    known = [path.read_text(encoding="utf-8").split("\n", 1)[0].split(": ", 2)[1:] for path in CHECKS]
    rules = {(column, rule.rstrip(".")) for column, rule in known}
    assert {pair for pair in listed if pair[0] in focus.BY_NAME} == rules


def test_every_check_of_the_folder_is_tried() -> None:
    assert [path.stem for path in CHECKS if path.stem not in BROKEN] == []


def test_a_mandatory_column_that_is_missing_is_a_finding_without_rows(held: Held) -> None:
    found = held([clean(ChargeClass=..., ServiceName=...)])
    assert [(each.column, each.rows) for each in found] == [("ChargeClass", None), ("ServiceName", None)]


def test_rules_about_columns_that_are_not_there_are_not_asked(held: Held) -> None:
    assert held([clean(ResourceType=..., RegionName=...)]) == []


def test_a_price_of_many_decimals_breaks_no_identity(held: Held) -> None:
    row = clean(ListUnitPrice="0.000000012345", PricingQuantity="1000000", ListCost="0.012345")
    assert held([row | {"ContractedUnitPrice": None}]) == []


def test_parquet_is_held_against_the_same_rules(held: Held) -> None:
    found = held([clean(Tags={"a": "b"}), clean(BillingCurrency="MC", Tags=None)], "parquet")
    assert [(each.column, each.example) for each in found] == [("BillingCurrency", "BillingCurrency MC")]


def test_other_formats_are_held_as_they_are_mapped(held: Held) -> None:
    found = {
        each.column: each for each in held([cur(bill_invoicing_entity="AWS", pricing_public_on_demand_rate="0.12")])
    }
    assert set(found) == {"RegionName"}
    assert str(found["RegionName"].example).endswith("ChargeDescription $0.10 per hour")


def test_the_rules_are_those_of_the_specification(exports: Path) -> None:
    with (exports / "lookups" / "focus_columns.csv").open(encoding="utf-8", newline="") as file:
        given = [row for row in csv.DictReader(file) if row["dataset"] == "Cost and Usage"]
    for version in focus.VERSIONS:
        known = {rule.column: rule for rule in conformance.rules(version)}
        listed = {row["column_id"]: row for row in given if row["version"] == version}
        assert set(known) == set(listed)
        for name, row in listed.items():
            assert known[name].allows_nulls == (row["allows_nulls"] == "True"), name
            assert known[name].is_mandatory == (row["feature_level"] == "Mandatory"), name
            assert len(known[name].allowed) == len([each for each in row["allowed_values"].split(";") if each.strip()])


def test_the_rules_agree_with_the_columns_of_the_project() -> None:
    for version in focus.VERSIONS:
        mandatory = {rule.column for rule in conformance.rules(version) if rule.is_mandatory}
        assert mandatory == {
            each.name
            for each in focus.COLUMNS
            if each.mandatory_since and each.mandatory_since <= version <= each.until
        }
