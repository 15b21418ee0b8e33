"""The FOCUS specification as this project uses it: Cost and Usage columns of versions 1.0 to 1.4, and provider names.

Source: FOCUS_Spec tags v1.0 to v1.4, specification/columns (names, types, the first and last version of each column,
and the first version in which it is mandatory).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "decimal", "datetime", "json"]


@dataclass(frozen=True)
class Column:
    """A FOCUS column.

    Attributes:
        kind: text, decimal (stored as DECIMAL(38,18)), datetime (UTC TIMESTAMP) or json (JSON text).
        since, until: first and last version that has it.
        mandatory_since: first version that makes it mandatory, or None.
    """

    name: str
    kind: Kind
    since: str
    until: str
    mandatory_since: str | None


COLUMNS: tuple[Column, ...] = (
    Column("AllocatedMethodDetails", "json", "1.3", "1.4", None),
    Column("AllocatedMethodId", "text", "1.3", "1.4", None),
    Column("AllocatedResourceId", "text", "1.3", "1.4", None),
    Column("AllocatedResourceName", "text", "1.3", "1.4", None),
    Column("AllocatedTags", "json", "1.3", "1.4", None),
    Column("AvailabilityZone", "text", "1.0", "1.4", None),
    Column("BilledCost", "decimal", "1.0", "1.4", "1.0"),
    Column("BillingAccountId", "text", "1.0", "1.4", "1.0"),
    Column("BillingAccountName", "text", "1.0", "1.4", "1.0"),
    Column("BillingAccountType", "text", "1.2", "1.4", None),
    Column("BillingCurrency", "text", "1.0", "1.4", "1.0"),
    Column("BillingPeriodEnd", "datetime", "1.0", "1.4", "1.0"),
    Column("BillingPeriodStart", "datetime", "1.0", "1.4", "1.0"),
    Column("CapacityReservationId", "text", "1.1", "1.4", None),
    Column("CapacityReservationStatus", "text", "1.1", "1.4", None),
    Column("ChargeCategory", "text", "1.0", "1.4", "1.0"),
    Column("ChargeClass", "text", "1.0", "1.4", "1.0"),
    Column("ChargeDescription", "text", "1.0", "1.4", "1.0"),
    Column("ChargeFrequency", "text", "1.0", "1.4", None),
    Column("ChargePeriodEnd", "datetime", "1.0", "1.4", "1.0"),
    Column("ChargePeriodStart", "datetime", "1.0", "1.4", "1.0"),
    Column("CommitmentDiscountCategory", "text", "1.0", "1.4", None),
    Column("CommitmentDiscountId", "text", "1.0", "1.4", None),
    Column("CommitmentDiscountName", "text", "1.0", "1.4", None),
    Column("CommitmentDiscountQuantity", "decimal", "1.1", "1.4", None),
    Column("CommitmentDiscountStatus", "text", "1.0", "1.4", None),
    Column("CommitmentDiscountType", "text", "1.0", "1.4", None),
    Column("CommitmentDiscountUnit", "text", "1.1", "1.4", None),
    Column("CommitmentProgramEligibilityDetails", "json", "1.4", "1.4", None),
    Column("ConsumedQuantity", "decimal", "1.0", "1.4", None),
    Column("ConsumedUnit", "text", "1.0", "1.4", None),
    Column("ContractApplied", "json", "1.3", "1.4", None),
    Column("ContractedCost", "decimal", "1.0", "1.4", "1.0"),
    Column("ContractedUnitPrice", "decimal", "1.0", "1.4", None),
    Column("EffectiveCost", "decimal", "1.0", "1.4", "1.0"),
    Column("HostProviderName", "text", "1.3", "1.4", "1.3"),
    Column("InvoiceDetailId", "text", "1.4", "1.4", None),
    Column("InvoiceId", "text", "1.2", "1.4", None),
    Column("InvoiceIssuerName", "text", "1.0", "1.4", "1.0"),
    Column("ListCost", "decimal", "1.0", "1.4", "1.0"),
    Column("ListUnitPrice", "decimal", "1.0", "1.4", None),
    Column("PricingCategory", "text", "1.0", "1.4", None),
    Column("PricingCurrency", "text", "1.2", "1.4", None),
    Column("PricingCurrencyContractedUnitPrice", "decimal", "1.2", "1.4", None),
    Column("PricingCurrencyEffectiveCost", "decimal", "1.2", "1.4", None),
    Column("PricingCurrencyListUnitPrice", "decimal", "1.2", "1.4", None),
    Column("PricingQuantity", "decimal", "1.0", "1.4", "1.0"),
    Column("PricingUnit", "text", "1.0", "1.4", "1.0"),
    Column("ProviderName", "text", "1.0", "1.3", "1.0"),
    Column("PublisherName", "text", "1.0", "1.3", "1.0"),
    Column("RegionId", "text", "1.0", "1.4", None),
    Column("RegionName", "text", "1.0", "1.4", None),
    Column("ResourceId", "text", "1.0", "1.4", None),
    Column("ResourceName", "text", "1.0", "1.4", None),
    Column("ResourceType", "text", "1.0", "1.4", None),
    Column("ServiceCategory", "text", "1.0", "1.4", "1.0"),
    Column("ServiceName", "text", "1.0", "1.4", "1.0"),
    Column("ServiceProviderName", "text", "1.3", "1.4", "1.3"),
    Column("ServiceSubcategory", "text", "1.1", "1.4", None),
    Column("SkuId", "text", "1.0", "1.4", None),
    Column("SkuMeter", "text", "1.1", "1.4", None),
    Column("SkuPriceDetails", "json", "1.1", "1.4", None),
    Column("SkuPriceId", "text", "1.0", "1.4", None),
    Column("SubAccountId", "text", "1.0", "1.4", None),
    Column("SubAccountName", "text", "1.0", "1.4", None),
    Column("SubAccountType", "text", "1.2", "1.4", None),
    Column("Tags", "json", "1.0", "1.4", None),
)

BY_NAME = {column.name: column for column in COLUMNS}

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")

#: The four cost columns, in the order in which this project shows them.
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")

#: Columns that live in the dimension ``resources`` instead of in ``charges``.
RESOURCE_COLUMNS = (
    "SubAccountId",
    "SubAccountName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
)

_PROVIDERS = {
    "aws": "aws",
    "amazon web services": "aws",
    "amazon": "aws",
    "gcp": "gcp",
    "google": "gcp",
    "google cloud": "gcp",
    "google cloud platform": "gcp",
    "azure": "azure",
    "microsoft": "azure",
    "microsoft azure": "azure",
    "oci": "oci",
    "oracle": "oci",
    "oracle cloud infrastructure": "oci",
}


def canonical_provider(name: str) -> str:
    """Return the short provider of a name: aws, gcp, azure, oci, else the name itself in lower case, trimmed."""
    plain = name.strip().casefold()
    return _PROVIDERS.get(plain, plain)


def provider_aliases() -> dict[str, str]:
    """Return the known provider names in lower case, each with its short name."""
    return dict(_PROVIDERS)


#: Columns that Microsoft wrote before the specification had them: they tell no version.
_AHEAD = frozenset({"BillingAccountType", "SubAccountType"})


def header_version(names: frozenset[str]) -> str:
    """Return the lowest FOCUS version that has all the specification's columns among ``names``."""
    newest = max((BY_NAME[name].since for name in names - _AHEAD if name in BY_NAME), default=VERSIONS[0])
    # 1.3 dropped no column, 1.4 dropped ProviderName and PublisherName in favour of ServiceProviderName.
    if "ServiceProviderName" in names and "ProviderName" not in names:
        return "1.4"
    return newest


def kept_name(name: str) -> str:
    """Return the name under which a kept column stands in charges: ``x_`` and letters, digits, underscores only."""
    plain = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")
    return plain if plain.startswith("x_") else f"x_{plain}"
