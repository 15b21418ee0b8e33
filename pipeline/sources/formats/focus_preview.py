"""FOCUS before 1.0: the names of 0.5 and 1.0-preview, which Oracle's FOCUS reports still have and Microsoft's had.

Columns that were only renamed are aliases; where the meaning moved (ChargeSubcategory, Region, the values of
PricingCategory) the SQL file says how.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline import focus
from pipeline.sources.formats.base import Control, Field, FieldKind, Format, squeeze

_TEXT = (
    *("AvailabilityZone", "BillingAccountId", "BillingAccountName", "BillingAccountType", "ChargeDescription"),
    *("ChargeFrequency", "ChargeSubcategory", "CommitmentDiscountCategory", "CommitmentDiscountId"),
    *("CommitmentDiscountName", "CommitmentDiscountType", "PricingCategory", "PricingUnit", "Region", "ResourceId"),
    *("ResourceName", "ResourceType", "ServiceCategory", "ServiceName", "SkuId", "SkuPriceId", "SubAccountId"),
    *("SubAccountName", "SubAccountType", "oci_ReferenceNumber", "x_ResourceType"),
)
#: What later versions call it, its type, and what it was called.
_RENAMED: tuple[tuple[str, FieldKind, str], ...] = (
    ("ConsumedQuantity", "decimal", "UsageQuantity"),
    ("ConsumedUnit", "text", "UsageUnit"),
    ("ContractedCost", "decimal", "x_OnDemandCost"),
    ("ContractedUnitPrice", "decimal", "x_OnDemandUnitPrice"),
    ("InvoiceId", "text", "x_InvoiceId"),
    ("InvoiceIssuerName", "text", "InvoiceIssuer"),
    ("PricingCurrency", "text", "x_PricingCurrency"),
    ("ProviderName", "text", "Provider"),
    ("PublisherName", "text", "Publisher"),
)


def _version(columns: Sequence[str]) -> str:
    seen = {squeeze(name) for name in columns}
    return "0.5" if squeeze("ChargeType") in seen and squeeze("ChargeCategory") not in seen else "1.0-preview"


FOCUS_PREVIEW = Format(
    name="focus_preview",
    title="FOCUS cost and usage before 1.0 (0.5, 1.0-preview)",
    signature=(
        "BilledCost",
        ("EffectiveCost", "AmortizedCost"),
        "BillingPeriodStart",
        "ChargePeriodStart",
        ("ChargeCategory", "ChargeType"),
        ("BillingCurrency", "BilledCurrency"),
        ("ChargeSubcategory", "UsageQuantity", "ChargeType"),
    ),
    fields=(
        Field("BilledCost", "decimal", needed=True),
        Field("EffectiveCost", "decimal", needed=True, aliases=("AmortizedCost",), ranked=True),
        Field("BillingCurrency", needed=True, aliases=("BilledCurrency",), ranked=True),
        Field("BillingPeriodStart", "datetime", needed=True),
        Field("ChargePeriodStart", "datetime", needed=True),
        Field("ChargeCategory", needed=True, aliases=("ChargeType",), ranked=True),
        Field("BillingPeriodEnd", "datetime"),
        Field("ChargePeriodEnd", "datetime"),
        Field("ListCost", "decimal"),
        Field("ListUnitPrice", "decimal"),
        Field("PricingQuantity", "decimal"),
        *(Field(name) for name in _TEXT),
        *(Field(name, kind, aliases=(former,), ranked=True) for name, kind, former in _RENAMED),
    ),
    period_start="BillingPeriodStart",
    currency="BillingCurrency",
    controls=tuple(Control(name, (name,), f"sum({name})") for name in focus.COSTS),
    row_key=(
        "BillingAccountId",
        "SubAccountId",
        "ResourceId",
        "ChargePeriodStart",
        "ChargePeriodEnd",
        "SkuId",
        "SkuPriceId",
        "ChargeCategory",
        "ChargeDescription",
        "oci_ReferenceNumber",
    ),
    null_words=("NULL",),
    tag_columns={"tags/": ""},
    tag_fields={"Tags": ""},
    # Oracle: overage, and what ties a correction to its line, stand beside the cost, as they do for cost reports.
    keeps={
        f"oci_{name}": f"x_oci_{name}"
        for name in (
            *("CostOverage", "UnitPriceOverage", "BilledQuantityOverage", "OverageFlag"),
            *("ReferenceNumber", "BackReferenceNumber"),
        )
    },
    versions=("0.5", "1.0-preview"),
    version=_version,
)
