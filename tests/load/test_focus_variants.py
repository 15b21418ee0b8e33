"""FOCUS as others write it: names before 1.0, Microsoft's and Oracle's own columns, SaaS, virtual currencies."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources import formats
from tests.load.bills import House, focus, preview, write

PREVIEW_KINDS = [
    ("Usage", "On-Demand", None, ("Usage", None, None, "enum")),
    ("Usage", "Used Commitment", "c-1", ("Usage", None, "Used", "enum")),
    ("Usage", "Unused Commitment", "c-1", ("Usage", None, "Unused", "enum")),
    ("Adjustment", "Credit", None, ("Credit", None, None, "subcategory enum")),
    ("Adjustment", "Refund", None, ("Usage", "Correction", None, "subcategory enum")),
    ("Adjustment", "Refund", "c-1", ("Purchase", "Correction", None, "subcategory enum")),
    ("Adjustment", "Rounding Error", None, ("Adjustment", None, None, "enum")),
    ("tax", None, None, ("Tax", None, None, "enum")),
]


def test_names_and_subcategories_of_the_preview_find_their_columns(house: House) -> None:
    rows = [
        preview(ChargeCategory=kind, ChargeSubcategory=below, CommitmentDiscountId=commitment, ChargeDescription=str(n))
        for n, (kind, below, commitment, _) in enumerate(PREVIEW_KINDS)
    ]
    named = preview(Region="US East", PricingCategory="Commitment-Based", ChargeDescription="named")
    *kinds, charge = house.charges([*rows, named])
    names = ("ChargeCategory", "ChargeClass", "CommitmentDiscountStatus", "x_SourceChanges")
    assert [tuple(each[name] for name in names) for each in kinds] == [wanted for *_, wanted in PREVIEW_KINDS]
    assert (charge["ProviderName"], charge["PublisherName"], charge["InvoiceIssuerName"]) == ("Oracle",) * 3
    assert (charge["ConsumedQuantity"], charge["ConsumedUnit"]) == (Decimal(8), "GB Hours")
    assert (charge["RegionId"], charge["RegionName"], charge["PricingCategory"]) == ("useast", "US East", "Committed")
    assert (charge["x_Provider"], charge["x_ResourceType"]) == ("oci", "oci:compute/instance")
    assert charge["x_SourceChanges"] == "enum region"


def test_own_columns_of_the_preview_have_a_home_or_are_dropped_or_kept_when_asked(house: House) -> None:
    row = preview(oci_CompartmentName="shop", oci_ReferenceNumber="r-1", oci_AttributedCost="1")
    microsofts = {"x_OnDemandCost": "3", "x_InvoiceId": "inv-7", "x_PricingCurrency": "EUR"}
    charge = house.charge(row | microsofts, keep_columns=("oci_CompartmentName",))
    names = ("x_oci_CostOverage", "x_oci_ReferenceNumber", "x_oci_CompartmentName")
    assert [charge[name] for name in names] == ["0.5", "r-1", "shop"]
    assert (charge["ContractedCost"], charge["InvoiceId"], charge["PricingCurrency"]) == (Decimal(3), "inv-7", "EUR")
    assert house.value("SELECT dropped_columns FROM loads") == '["oci_AttributedCost"]'


def test_corrections_in_a_later_file_of_oracle_are_parts_and_replace_nothing(house: House) -> None:
    for n in range(2):
        write(house.folder / f"{n}.csv", [preview(oci_ReferenceNumber=f"r-{n}", BilledCost=str(3 - 4 * n))])
    assert house.one().charges == 2
    assert house.billed() == Decimal(2)


def test_tags_as_json_and_as_columns_are_one_set_and_a_file_may_have_less(house: House) -> None:
    write(house.folder / "0.csv", [preview(oci_ReferenceNumber="0", **{"tags/Ops.Team": "blue"})])
    write(house.folder / "1.csv", [preview(oci_ReferenceNumber="1")])
    write(house.folder / "2.csv", [preview(oci_ReferenceNumber="2", Tags=...)])
    assert house.one().status == "loaded"
    tags = "SELECT Tags FROM focus_data_table ORDER BY x_oci_ReferenceNumber"
    assert house.rows(tags) == [('{"Ops.Team":"blue","env":"prod"}',), ('{"env":"prod"}',), (None,)]


def test_the_first_version_is_read_by_its_names(house: House) -> None:
    row = preview(
        AmortizedCost="0.75",
        EffectiveCost=...,
        ChargeType="Purchase",
        ChargeCategory=...,
        ChargeSubcategory=...,
        BilledCurrency="AUD",
        BillingCurrency=...,
    )
    charge = house.charge(row)
    assert (charge["EffectiveCost"], charge["ChargeCategory"], charge["BillingCurrency"]) == (
        *(Decimal("0.75"), "Purchase"),
        "AUD",
    )
    assert house.value("SELECT format || ' ' || format_version FROM loads") == "focus_preview 0.5"


#: FOCUS headers as providers write them: provider, version as they call it, and what is told.
HEADERS = {
    ("Azure", "1.0-preview(v1)"): ("focus_preview", "1.0-preview"),
    ("Azure", "1.0"): ("focus", "1.0"),
    ("Azure", "1.2-preview"): ("focus", "1.2"),
    ("OCI", "1.0-preview"): ("focus_preview", "1.0-preview"),
    ("AWS", "1.2"): ("focus", "1.2"),
    ("GCP", "1.0"): ("focus", "1.0"),
}


@pytest.mark.parametrize("which", HEADERS, ids=" ".join)
def test_a_providers_focus_header_is_told_with_its_version(exports: Path, which: tuple[str, str]) -> None:
    with (exports / "lookups" / "provider_export_columns.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["provider"], row["version"]) == which]
    columns = [row["column"] for row in rows if "focus" in row["export"].lower()]
    header = formats.resolve(columns, "x")
    assert (header.format.name, header.version) == HEADERS[which]
    unhoused = [name for name in header.dropped if not name.startswith(("x_", "oci_"))]
    assert unhoused == []


def saas(**changes: Any) -> dict[str, Any]:
    """A row of a SaaS provider that prices in tokens and bills dollars."""
    given = {"ProviderName": "ACMECORP", "PricingCurrency": "Token", "PricingCurrencyEffectiveCost": "245"}
    return focus(**{**given, "ServiceCategory": ..., "ServiceName": "Widgets", **changes})


def test_virtual_currencies_stand_beside_the_billing_currency_and_are_summed_alone(house: House) -> None:
    [*_, charge] = house.charges(
        [saas(BillingCurrency="Token"), saas(ChargeDescription="x"), saas(BillingCurrency="MC")]
    )
    assert (charge["BillingCurrency"], charge["PricingCurrency"]) == ("USD", "Token")
    assert (charge["EffectiveCost"], charge["PricingCurrencyEffectiveCost"]) == (Decimal("1.25"), Decimal(245))
    assert (charge["x_Provider"], charge["ServiceCategory"]) == ("acmecorp", None)
    sums = "SELECT BillingCurrency, sum(file_total) FROM load_controls WHERE column_name = 'BilledCost' GROUP BY ALL ORDER BY 1"
    assert house.rows(sums) == [("MC", Decimal("1.5")), ("Token", Decimal("1.5")), ("USD", Decimal("1.5"))]


def test_columns_of_the_newest_version_are_charges_columns_and_those_of_none_are_no_error(house: House) -> None:
    newest = {"ServiceProviderName": "Acme", "HostProviderName": "AWS", "InvoiceDetailId": "d-1"}
    details = {"CommitmentProgramEligibilityDetails": '{"a":"b"}', "ProviderName": ..., "PublisherName": ...}
    odd = {"Id": "5136076", "oci_Ref": "1", "x_Mine": "2", "my notes": "3"}
    charge = house.charge(focus(**newest, **details, **odd))
    assert {name: charge[name] for name in newest} == newest
    assert (charge["CommitmentProgramEligibilityDetails"], charge["x_Provider"]) == ('{"a":"b"}', "acme")
    assert house.value("SELECT dropped_columns FROM loads") == '["Id", "oci_Ref", "x_Mine", "my notes"]'
