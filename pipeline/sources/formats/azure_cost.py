"""Azure cost details: EA, MCA and pay-as-you-go, actual and amortized, every layout since 2019.

The layouts differ in names, not in what they say: names of one thing are aliases here. The EA portal writes headers in
the reader's language, mostly with the English name in brackets (``Genutzter Dienst (ConsumedService)``); the German
words alone are aliases, too (from OpenCost's parser tests and Microsoft's German documentation, 2021 to 2024).
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.sources.formats.base import Control, Field, FieldKind, Format, TwoViews, squeeze

_DATE = ("UsageDateTime", "UsageDate", "Datum")
_COST = ("PreTaxCost", "Cost", "ExtendedCost", "Kosten")
_CURRENCY = ("BillingCurrencyCode", "Currency", "CurrencyCode", "Abrechnungswährung", "Währung")

#: Optional columns: their kind, name and other names, the first that a header has.
_OPTIONAL: tuple[tuple[FieldKind, str, tuple[str, ...]], ...] = (
    ("date", "BillingPeriodStartDate", ("BillingPeriodStart",)),
    ("date", "BillingPeriodEndDate", ("BillingPeriodEnd",)),
    ("decimal", "Quantity", ("UsageQuantity", "ConsumedQuantity", "Verbrauchte Menge", "Menge")),
    ("decimal", "UnitPrice", ()),
    ("decimal", "PayGPrice", ()),
    ("decimal", "PaygCostInBillingCurrency", ()),
    ("decimal", "ExchangeRatePricingToBilling", ("ExchangeRate",)),
    ("text", "AvailabilityZone", ()),
    ("text", "BenefitId", ()),
    ("text", "BenefitName", ()),
    ("text", "BillingAccountId", ()),
    ("text", "BillingAccountName", ()),
    ("text", "BillingProfileId", ()),
    ("text", "BillingProfileName", ()),
    ("text", "ChargeType", ("Gebührentyp",)),
    ("text", "ConsumedService", ("Genutzter Dienst", "Verbrauchter Dienst")),
    ("text", "Frequency", ()),
    ("text", "InvoiceId", ()),
    ("text", "Location", ()),
    ("text", "MeterCategory", ("Kategorie der Verbrauchseinheit",)),
    ("text", "MeterId", ("ID der Verbrauchseinheit",)),
    ("text", "MeterName", ("Name der Verbrauchseinheit",)),
    ("text", "MeterSubCategory", ("Unterkategorie der Verbrauchseinheit",)),
    ("text", "PartnerName", ()),
    ("text", "PlanName", ()),
    ("text", "PricingCurrency", ("PricingCurrencyCode",)),
    ("text", "PricingModel", ()),
    ("text", "ProductId", ()),
    ("text", "ProductName", ("Product", "Produkt")),
    ("text", "ProductOrderId", ()),
    ("text", "PublisherName", ()),
    ("text", "PublisherType", ()),
    ("text", "ReservationId", ()),
    ("text", "ReservationName", ()),
    ("text", "ResourceId", ("InstanceId", "InstanceName", "ID der Instanz", "Instanz-ID")),
    ("text", "ResourceLocation", ("Ressourcenstandort",)),
    ("text", "ResourceName", ()),
    ("text", "ResourceType", ("Ressourcentyp",)),
    (
        "text",
        "SubscriptionId",
        ("SubscriptionGuid", "Abonnement-GUID", "Abonnement-ID"),
    ),
    ("text", "SubscriptionName", ("Name des Abonnements", "Abonnementname")),
    ("text", "UnitOfMeasure", ("Maßeinheit",)),
)


def _version(columns: Sequence[str]) -> str:
    seen = {squeeze(AZURE_COST.plain(name)) for name in columns}
    if seen & {"pretaxcost", "usagedatetime"}:
        return "2019"
    if seen & {"pricingcurrency", "exchangeratepricingtobilling"}:
        return "MCA"
    return "2023" if "costinbillingcurrency" in seen else "2020"


AZURE_COST = Format(
    name="azure_cost",
    title="Azure cost details, actual and amortized",
    signature=(
        ("Date", *_DATE),
        ("CostInBillingCurrency", *_COST),
        ("ConsumedService", "Genutzter Dienst", "Verbrauchter Dienst"),
        ("MeterCategory", "Kategorie der Verbrauchseinheit"),
    ),
    fields=(
        Field("Date", "date", needed=True, aliases=_DATE, ranked=True),
        Field("CostInBillingCurrency", "decimal", needed=True, aliases=_COST, ranked=True),
        Field("BillingCurrency", needed=True, aliases=_CURRENCY, ranked=True),
        *(Field(name, kind, aliases=aliases, ranked=True) for kind, name, aliases in _OPTIONAL),
    ),
    period_start="BillingPeriodStartDate",
    period="strftime(coalesce(BillingPeriodStartDate, \"Date\"), '%Y-%m')",
    currency="BillingCurrency",
    controls=(
        Control(
            "BilledCost",
            ("CostInBillingCurrency",),
            "sum(cost of the actual view)",
            value="coalesce(azure_billed(x_View, CostInBillingCurrency, x_Committed, ChargeType), 0)",
            derived="x_View = 'amortized'",
        ),
        Control(
            "EffectiveCost",
            ("CostInBillingCurrency",),
            "sum(cost of the amortized view)",
            value="coalesce(azure_effective(x_View, CostInBillingCurrency), 0)",
            derived="x_View = 'actual'",
        ),
    ),
    row_key=(
        *("Date", "SubscriptionId", "ResourceId", "MeterId", "MeterName", "ProductName", "ProductOrderId"),
        *("ChargeType", "Frequency", "PricingModel"),
    ),
    null_words=(
        *("Unassigned", "unassigned", "None", "none", "NULL", "null", "{}"),
        "00000000-0000-0000-0000-000000000000",
    ),
    folded="x_View = 'covered'",
    tag_style="azure",
    tag_fields={"Tags": "", "Tag": ""},
    steps=("azure_cost_lines",),
    lookups=("azure_charge_types", "azure_services", "azure_resource_types", "azure_regions", "azure_units"),
    translated=True,
    views=TwoViews(
        "azure_cost_views",
        committed="azure_committed(ChargeType, PricingModel, coalesce(BenefitId, ReservationId))",
        used="azure_is_usage(ChargeType)",
        charge_type="lower(ChargeType)",
    ),
    versions=("2019", "2020", "2023", "MCA"),
    version=_version,
)
