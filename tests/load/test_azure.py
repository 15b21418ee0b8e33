"""What a line of Azure cost details means in FOCUS: golden rows by charge type and layout, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pipeline.sources import formats, probe
from tests.load import azure
from tests.load.azure import ORDER, PLAN, VM, ea, mca, v1
from tests.load.bills import House, write
from tests.load.sharing import of_rows

#: ChargeType, view alone -> ChargeCategory, ChargeClass, CommitmentDiscountStatus, BilledCost, EffectiveCost of 4.2.
GOLDEN: dict[str, tuple[dict[str, Any], tuple[str, str | None, str | None, str, str]]] = {
    "Usage on demand": ({}, ("Usage", None, None, "4.2", "4.2")),
    "Usage of spot": ({"PricingModel": "Spot"}, ("Usage", None, None, "4.2", "4.2")),
    "Usage of a reservation": (
        {"PricingModel": "Reservation", "benefitId": ORDER},
        ("Usage", None, "Used", "0", "4.2"),
    ),
    "Usage of a savings plan": (
        {"PricingModel": "SavingsPlan", "benefitId": PLAN},
        ("Usage", None, "Used", "0", "4.2"),
    ),
    "UnusedReservation": (
        {"ChargeType": "UnusedReservation", "PricingModel": "Reservation", "benefitId": ORDER},
        ("Usage", None, "Unused", "0", "4.2"),
    ),
    "UnusedSavingsPlan": (
        {"ChargeType": "UnusedSavingsPlan", "PricingModel": "SavingsPlan", "benefitId": PLAN},
        ("Usage", None, "Unused", "0", "4.2"),
    ),
    "Purchase of a reservation": (
        {"ChargeType": "Purchase", "PricingModel": "Reservation", "benefitId": ORDER},
        ("Purchase", None, None, "4.2", "4.2"),
    ),
    "Purchase at the marketplace": ({"ChargeType": "Purchase"}, ("Purchase", None, None, "4.2", "4.2")),
    "Refund": ({"ChargeType": "Refund"}, ("Purchase", "Correction", None, "4.2", "4.2")),
    "Credit": ({"ChargeType": "Credit"}, ("Credit", None, None, "4.2", "4.2")),
    "Tax": ({"ChargeType": "Tax"}, ("Tax", None, None, "4.2", "4.2")),
    "RoundingAdjustment": ({"ChargeType": "RoundingAdjustment"}, ("Adjustment", None, None, "4.2", "4.2")),
    "a type of tomorrow": ({"ChargeType": "Surprise'; DROP"}, ("Adjustment", None, None, "4.2", "4.2")),
}


def test_each_charge_type_has_its_category_class_status_and_costs(house: House) -> None:
    lines = {name: ea(ProductName=name, **changes) for name, (changes, _) in GOLDEN.items()}
    actual = [lines.pop("Purchase of a reservation")]  # beside usage of it, a file would be of both views
    for source, rows in (("actual", actual), ("amortized", list(lines.values()))):
        house.load(write(house.folder / f"{source}.csv", rows), source=source)
    sql = (
        "SELECT ChargeDescription, ChargeCategory, ChargeClass, CommitmentDiscountStatus, BilledCost, EffectiveCost "
        "FROM charges"
    )
    found = {row[0]: row[1:] for row in house.rows(sql)}
    assert found == {
        name: (*texts, Decimal(billed), Decimal(effective)) for name, (_, (*texts, billed, effective)) in GOLDEN.items()
    }
    unknown = "SELECT ChargeDescription FROM charges WHERE list_contains(string_split(x_SourceChanges, ' '), 'type')"
    assert house.rows(unknown) == [("a type of tomorrow",)]


def test_a_commitment_is_told_by_its_benefit_and_pricing_model(house: House) -> None:
    cases: list[tuple[dict[str, Any], tuple[str | None, ...]]] = [
        ({"PricingModel": "Reservation", "benefitId": ORDER}, ("Usage", "Reservation", "Committed", ORDER)),
        ({"PricingModel": "SavingsPlan", "benefitId": PLAN}, ("Spend", "Savings Plan", "Committed", PLAN)),
        ({"PricingModel": "Savings Plan"}, ("Spend", "Savings Plan", "Committed", None)),
        ({"PricingModel": None, "ReservationId": "r-1"}, ("Usage", "Reservation", None, "r-1")),
        ({"PricingModel": "Spot"}, (None, None, "Dynamic", None)),
        ({}, (None, None, "Standard", None)),
    ]
    charges = house.charges([ea(ProductName=str(n), **given) for n, (given, _) in enumerate(cases)])
    names = ("CommitmentDiscountCategory", "CommitmentDiscountType", "PricingCategory", "CommitmentDiscountId")
    assert [tuple(charge[name] for name in names) for charge in charges] == [told for _, told in cases]


@of_rows(ea())
def test_an_ea_line_is_mapped_column_by_column(told: list[dict[str, Any]]) -> None:
    [charge] = told
    expected = {
        "AvailabilityZone": None,
        "BillingAccountId": "12345678",
        "BillingAccountType": "Billing Account",
        "BillingCurrency": "EUR",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": Decimal(24),
        "ConsumedUnit": "Hours",
        "ContractedCost": Decimal("4.2"),
        "ContractedUnitPrice": Decimal("1.75"),
        "InvoiceIssuerName": "Microsoft",
        "ListCost": Decimal("4.8"),
        "PricingCurrency": "EUR",
        "PricingQuantity": Decimal("2.4"),
        "PricingUnit": "Hours",
        "PublisherName": "Microsoft",
        "RegionId": "eastus2",
        "RegionName": "East US 2",
        "ResourceId": VM.lower(),
        "ResourceName": "vm-1",
        "ResourceType": "Virtual machine",
        "ServiceCategory": "Compute",
        "ServiceName": "Virtual Machines",
        "SkuId": None,
        "SkuMeter": "D4 v3",
        "SubAccountId": azure.SUBSCRIPTION,
        "SubAccountType": "Subscription",
        "x_Provider": "azure",
        "x_ResourceType": "azure:microsoft.compute/virtualmachines",
        "x_SourceChanges": "unit region resource period_end",
    }
    assert {name: charge[name] for name in expected} == expected
    assert str(charge["Tags"]) == '{"env":"prod","team":"web"}'
    periods = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
    assert [f"{charge[name]:%Y-%m-%d}" for name in periods] == ["2026-01-01", "2026-02-01", "2026-01-05", "2026-01-06"]


def test_an_mca_line_is_in_the_billing_currency_and_its_month_comes_from_its_date(house: House) -> None:
    charge = house.charge(mca())
    expected = {
        "BillingAccountId": "profile-1",
        "BillingAccountType": "Billing Profile",
        "BillingCurrency": "EUR",
        "ContractedCost": Decimal("4.2"),
        "ContractedUnitPrice": Decimal("0.175"),
        "ListCost": Decimal("4.8"),
        "ListUnitPrice": Decimal("0.21875"),
        "PricingCurrency": "USD",
        "ResourceName": "vm-1",
        "SkuId": "DZH318Z0BQ35",
        "x_BillingPeriod": "2026-01",
    }
    assert {name: charge[name] for name in expected} == expected
    assert f"{charge['BillingPeriodEnd']:%Y-%m-%d}" == "2026-02-01"
    assert "period" in charge["x_SourceChanges"].split()


def lower(row: dict[str, Any]) -> dict[str, Any]:
    """The row with all names in lower case."""
    return {name.lower(): value for name, value in row.items()}


def renamed(row: dict[str, Any], **names: str) -> dict[str, Any]:
    """The row with some columns under other names."""
    return {names.get(name, name): value for name, value in row.items()}


GERMAN = {
    "SubscriptionGuid": "Abonnement-GUID (SubscriptionGuid)",
    "ResourceLocation": "Ressourcenstandort (ResourceLocation)",
    "MeterCategory": "Kategorie der Verbrauchseinheit (MeterCategory)",
    "PreTaxCost": "PreTaxCost (PreTaxCost)",
    "ConsumedService": "Genutzter Dienst (ConsumedService)",
    "Tags": "Tags (Tags)",
    "UnitOfMeasure": "Maßeinheit (UnitOfMeasure)",
}
WORDS = {
    "UsageDateTime": "Datum",
    "UsageQuantity": "Verbrauchte Menge",
    "PreTaxCost": "Kosten",
    "Currency": "Währung",
    "ConsumedService": "Genutzter Dienst",
    "InstanceId": "Instanz-ID",
    "MeterCategory": "Kategorie der Verbrauchseinheit",
}
LAYOUTS: dict[str, tuple[dict[str, Any], str]] = {
    "EA 2023": (ea(), "2023"),
    "EA 2020": (
        renamed(ea(), CostInBillingCurrency="Cost", BillingCurrencyCode="BillingCurrency", ProductName="Product"),
        "2020",
    ),
    "EA in lower case": (lower(ea()), "2023"),
    "EA with a byte order mark": (renamed(ea(), SubscriptionId="\ufeffSubscriptionId"), "2023"),
    "MCA": (mca(), "MCA"),
    "2019": (v1(), "2019"),
    "2019 in camelCase": ({name[0].lower() + name[1:]: value for name, value in v1().items()}, "2019"),
    "2019 in German, English in brackets": (renamed(v1(), **GERMAN), "2019"),
    "2019 in German words": (renamed(v1(), **WORDS), "2020"),
}


def test_every_layout_gives_the_same_charge(house: House) -> None:
    paths = {name: write(house.folder / f"{name}.csv", [row]) for name, (row, _) in LAYOUTS.items()}
    for name, (_, version) in LAYOUTS.items():
        assert formats.resolve(probe.probe(paths[name]).columns, name).version == version
    assert house.one(*paths.values(), mode="one").charges == len(LAYOUTS)
    assert house.one(paths["2019 in German words"], source="alone").status == "loaded"
    sql = (
        "SELECT BilledCost, BillingCurrency, x_BillingPeriod, ServiceName, ResourceId, Tags IS NOT NULL, count(*) "
        "FROM focus_data_table GROUP BY ALL"
    )
    same = (Decimal("4.2"), "EUR", "2026-01", "Virtual Machines", VM.lower(), True)
    assert house.rows(sql) == [(*same, len(LAYOUTS) + 1)]
    assert house.rows("SELECT DISTINCT rows FROM load_files") == [(1,)]
    assert house.value("SELECT format_version FROM loads WHERE x_Source = 'alone'") == "2020"


@pytest.mark.parametrize("ending", ["csv.gz", "parquet"])
def test_a_bill_reads_the_same_in_every_container(house: House, ending: str) -> None:
    assert house.charge(ea(Quantity="24"), ending)["BilledCost"] == Decimal("4.2")


DATES = ["1/5/2026", "01/05/2026", "1/5/2026 12:00:00 AM", "2026-01-05", "2026-01-05T00:00:00Z", "2026-01-05 00:00:00"]


@of_rows(*(ea(Date=text) for text in DATES))
def test_a_date_is_iso_or_month_first(told: list[dict[str, Any]]) -> None:
    assert [f"{charge['ChargePeriodStart']:%Y-%m-%d}" for charge in told] == ["2026-01-05"] * len(DATES)


def test_what_is_no_date_is_rejected(house: House) -> None:
    texts = ["13/13/2026", "13.01.2026", "2026-13-01", "1/5/26", "2/30/2026", "1/5/2026 10:00", "tomorrow"]
    house.load(write(house.folder / "x.csv", [ea(Date=text) for text in texts]))
    why = "is no date such as 2026-03-01 or, month first, 3/1/2026"
    assert house.rejected() == [(n, n + 1, "Date", text, why) for n, text in enumerate(texts, 1)]


BLOCKS = {
    "10K": ("12345", "1.2345", "Units"),
    "100 GB/Month": ("1", "0.01", "GB/Month"),
    "30 /Day": ("100", "3.333333333333333333", "Units/Day"),
    "744 Connections": ("10000", "13.440860215053763441", "Connections"),
    "1 Hour": ("0.123456789012345678", "0.123456789012345678", "Hours"),
    "7 Furlongs": ("14", "14", "7 Furlongs"),
}


@of_rows(*(ea(UnitOfMeasure=unit, Quantity=used) for unit, (used, *_) in BLOCKS.items()))
def test_a_quantity_is_priced_by_the_block(told: list[dict[str, Any]]) -> None:
    names = ("ConsumedQuantity", "PricingQuantity", "PricingUnit")
    assert [tuple(charge[name] for name in names) for charge in told] == [
        (Decimal(used), Decimal(priced), name) for used, priced, name in BLOCKS.values()
    ]


@of_rows(ea(UnitPrice="0", PayGPrice="0"))
def test_a_price_of_nothing_beside_a_cost_is_no_price(told: list[dict[str, Any]]) -> None:
    [charge] = told
    assert (charge["ContractedCost"], charge["ListCost"]) == (Decimal("4.2"), Decimal("4.2"))
    assert "price" in charge["x_SourceChanges"].split()


NOTHING = ["Unassigned", "None", "{}", "00000000-0000-0000-0000-000000000000", ""]


@of_rows(*(ea(ResourceLocation=word, MeterName=word, PublisherName=word, Tags=word) for word in NOTHING))
def test_words_for_nothing_are_null(told: list[dict[str, Any]]) -> None:
    for charge in told:
        assert (charge["RegionId"], charge["SkuMeter"], charge["Tags"]) == (None, None, None)
        assert charge["PublisherName"] == "Microsoft"


@of_rows(ea(ConsumedService="Acme.Rockets", ResourceId="/subscriptions/x"))
def test_a_service_that_nobody_knows_keeps_its_meter_category(told: list[dict[str, Any]]) -> None:
    [charge] = told
    assert (charge["ServiceCategory"], charge["ServiceName"]) == ("Other", "Virtual Machines")
    assert "category" in charge["x_SourceChanges"].split()


NESTED = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Sql/servers/one/databases/two"


@of_rows(ea(ResourceId=NESTED, ResourceName=None, ConsumedService="Microsoft.Sql"))
def test_the_type_of_a_nested_resource_is_read_out_of_its_id(told: list[dict[str, Any]]) -> None:
    [charge] = told
    assert charge["x_ResourceType"] == "azure:microsoft.sql/servers/databases"
    assert (charge["ResourceType"], charge["ResourceName"]) == ("SQL database", "two")
    assert charge["ServiceName"] == "Azure SQL Database"


TAGS = {
    '"a": "1","b": "2"': '{"a":"1","b":"2"}',
    '"a": "1",': '{"a":"1"}',
    '{"a": null, "b": 3}': '{"b":"3"}',
    '"a": "x}"': '{"a":"x}"}',
    '"a": "1", "a": "2"': '{"a":"2"}',
    "a=1;b=2": '{"x_UnreadableTags":"a=1;b=2"}',
}


@of_rows(*(ea(Tags=text) for text in TAGS))
def test_tags_are_read_with_braces_and_without(told: list[dict[str, Any]]) -> None:
    assert [str(charge["Tags"]) for charge in told] == list(TAGS.values())


def test_a_cost_that_is_no_number_is_rejected(house: House) -> None:
    texts = ["1,5", "NaN", "1_000", "1e400", "free", ""]
    outcome = house.one(write(house.folder / "x.csv", [ea(CostInBillingCurrency=text) for text in texts]))
    assert (outcome.status, outcome.rows_rejected) == ("refused", len(texts))
    assert [row[2] for row in house.rejected()] == ["CostInBillingCurrency"] * len(texts)


@pytest.mark.parametrize(("column", "ending"), [("Date", "parquet"), ("BillingPeriodEndDate", "csv.gz")])
def test_one_date_with_the_day_first_refuses_the_whole_delivery(house: House, column: str, ending: str) -> None:
    good = write(house.folder / f"1.{ending}", [ea(Date="03/04/2026")])
    bad = write(house.folder / f"2.{ending}", [ea(), ea(**{column: "31/01/2026"})])
    outcome = house.one(good, bad, mode="one", max_rejected=Decimal(1))
    place = "line 3" if ending == "csv.gz" else "record 2"
    assert (outcome.status, house.billed()) == ("refused", Decimal(0))
    assert f"{bad}: {place}: {column} '31/01/2026' has the day first" in str(outcome.reason)


def test_a_row_one_field_short_is_rejected_and_shifts_nothing(house: House) -> None:
    path = write(house.folder / "x.csv", [ea(), ea()])
    path.write_text(path.read_text().rstrip("\n").rsplit(",", 1)[0] + "\n")
    assert house.one(path, max_rejected=Decimal("0.5")).charges == 1
    width = len(ea())
    assert house.rejected() == [(2, 3, None, None, f"has {width - 1} fields, the header has {width}")]


def test_columns_of_two_layouts_in_one_header_are_no_contradiction(house: House) -> None:
    charge = house.charge(ea(Cost="99", PreTaxCost="98", Product="other", Currency="USD"))
    assert (charge["BilledCost"], charge["BillingCurrency"]) == (Decimal("4.2"), "EUR")
