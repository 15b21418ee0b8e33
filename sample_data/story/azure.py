"""Lumen's Azure subscriptions: Cost Management's FOCUS export, its CSV parts and its manifest.

Layout: `<directory>/<export>/YYYYMMDD-YYYYMMDD/<run id>/part_0_0001.csv` beside `manifest.json`. The
export was switched to gzip after January, as its compression setting allows. Header order is that of
data version 1.2-preview, in the shape of a Microsoft Customer Agreement.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sample_data.story.azure_resources import METERS, NO_SERVICE, ORDER, REGIONS, SHARED, SUBSCRIPTIONS, Meter
from sample_data.story.days import (
    DAY,
    FEBRUARY,
    JANUARY,
    PERIODS,
    Delivery,
    Period,
    as_json,
    guid,
    gzipped,
    hex_id,
    load_factor,
    money,
    number,
    plain,
    stamp,
)

EXPORT, DIRECTORY = "lumen-focus-daily", "focus"
ROOT = f"azure/{DIRECTORY}/{EXPORT}"
ACCOUNT = "5d1f6c1e-8f0a-5f6c-9a44-2b1f0c6c7b11:0c5c0f6e-3d7b-4e51-8a52-4d6f0a9f2e77_2019-05-31"
BILLING_ACCOUNT = f"/providers/Microsoft.Billing/billingAccounts/{ACCOUNT}"
PROFILE = f"{BILLING_ACCOUNT}/billingProfiles/LMN4-PRCL-BG7-PGB"
RESERVATION = "/providers/microsoft.capacity/reservationorders/6a1d4a55-9d0b-4f9c-b0c7-20f6f2d9c3b4"

HEADER = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_AccountId",
    "x_AccountName",
    "x_AccountOwnerId",
    "x_AmortizationClass",
    "x_BilledCostInUsd",
    "x_BilledUnitPrice",
    "x_BillingAccountId",
    "x_BillingAccountName",
    "x_BillingExchangeRate",
    "x_BillingExchangeRateDate",
    "x_BillingProfileId",
    "x_BillingProfileName",
    "x_ContractedCostInUsd",
    "x_CostAllocationRuleName",
    "x_CostCenter",
    "x_CustomerId",
    "x_CustomerName",
    "x_EffectiveCostInUsd",
    "x_EffectiveUnitPrice",
    "x_InvoiceIssuerId",
    "x_InvoiceSectionId",
    "x_InvoiceSectionName",
    "x_ListCostInUsd",
    "x_PartnerCreditApplied",
    "x_PartnerCreditRate",
    "x_PricingBlockSize",
    "x_PricingSubcategory",
    "x_PricingUnitDescription",
    "x_PublisherCategory",
    "x_PublisherId",
    "x_ResellerId",
    "x_ResellerName",
    "x_ResourceGroupName",
    "x_ResourceType",
    "x_ServiceModel",
    "x_ServicePeriodEnd",
    "x_ServicePeriodStart",
    "x_SkuDescription",
    "x_SkuDetails",
    "x_SkuIsCreditEligible",
    "x_SkuMeterCategory",
    "x_SkuMeterId",
    "x_SkuMeterName",
    "x_SkuMeterSubcategory",
    "x_SkuOfferId",
    "x_SkuOrderId",
    "x_SkuOrderName",
    "x_SkuPartNumber",
    "x_SkuPlanName",
    "x_SkuRegion",
    "x_SkuServiceFamily",
    "x_SkuTerm",
    "x_SkuTier",
]


LIST_TO_CONTRACTED = Decimal("0.95")  # a negotiated 5 % off every listed price


@dataclass(frozen=True)
class Run:
    """One run of the export over one month."""

    period: Period
    submitted: str
    zipped: bool

    @property
    def id(self) -> str:
        return guid("run", self.period.label, self.submitted)


RUNS = tuple(
    Run(period, submitted, zipped=period is not JANUARY)
    for period, submitted in zip(
        PERIODS,
        ("2026-02-05T04:12:09.4417382Z", "2026-03-05T04:09:51.0823914Z", "2026-03-22T04:10:37.6620057Z"),
        strict=True,
    )
)


def deliveries() -> Iterator[Delivery]:
    """The Azure deliveries, oldest first: one a month."""
    for run in RUNS:
        period = run.period
        rows = tuple(month(period))
        last = period.end - DAY
        folder = f"{EXPORT}/{period.start:%Y%m%d}-{last:%Y%m%d}/{run.id}"
        name = "part_0_0001.csv.gz" if run.zipped else "part_0_0001.csv"
        contents = gzipped(as_csv(rows)) if run.zipped else as_csv(rows)
        blob = {"blobName": f"{DIRECTORY}/{folder}/{name}", "byteCount": len(contents), "dataRowCount": len(rows)}
        part = f"azure/{DIRECTORY}/{folder}/{name}"
        files = {part: contents, f"azure/{DIRECTORY}/{folder}/manifest.json": manifest(run, blob)}
        yield Delivery("azure-focus", period, run.id, True, files, (part,), rows)


def as_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """A part of the export, with the line ends that Azure writes."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, HEADER, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def month(period: Period) -> Iterator[dict[str, str]]:
    """Every row of one billing period."""
    for one in METERS:
        for day in period.each_day():
            yield usage_row(one, day, period)
    yield purchase_row(period)
    yield rounding_row(period)


def usage_row(one: Meter, day: datetime, period: Period) -> dict[str, str]:
    """One day of one meter; under the reservation it bills nothing and costs its share of the purchase."""
    key = f"{one.resource}/{one.sku}"
    busy = load_factor(key, day, period.traffic) if one.elastic else Decimal(1)
    quantity = (one.per_day * busy).quantize(Decimal("0.000001"))
    contracted_price = (one.price * LIST_TO_CONTRACTED).quantize(Decimal("0.00000001"))
    contracted = money(quantity * contracted_price)
    effective = contracted if one.reserved is None else money(quantity * one.reserved)
    billed = contracted if one.reserved is None else Decimal(0)
    costs = {
        "BilledCost": billed,
        "EffectiveCost": effective,
        "ListCost": money(quantity * one.price),
        "ContractedCost": contracted,
    }
    prices = {"ListUnitPrice": one.price, "ContractedUnitPrice": contracted_price}
    amounts = {"ConsumedQuantity": quantity, "PricingQuantity": quantity, "x_PricingBlockSize": Decimal(1)}
    found = shared(period, day, day + DAY) | resource(one) | sku(one) | in_usd(costs)
    found |= {name: plain(value) for name, value in (costs | prices | amounts).items()}
    found |= {
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{one.service.name} - {one.sku} - {REGIONS[one.region]}",
        "ChargeFrequency": "Usage-Based",
        "ConsumedUnit": one.unit,
        "PricingUnit": one.unit,
        "PricingCategory": "Standard",
        "x_EffectiveUnitPrice": plain(one.reserved or contracted_price),
        "x_SkuIsCreditEligible": "true",
    }
    return found | (under_reservation(quantity) if one.reserved is not None else {})


def shared(period: Period, start: datetime, end: datetime) -> dict[str, str]:
    """The columns that every row has."""
    return {
        "BillingAccountId": PROFILE,
        "BillingAccountName": "Lumen Parcel",
        "BillingAccountType": "Billing Profile",
        "BillingCurrency": "USD",
        "BillingPeriodStart": stamp(period.start),
        "BillingPeriodEnd": stamp(period.end),
        "ChargePeriodStart": stamp(start),
        "ChargePeriodEnd": stamp(end),
        "InvoiceId": f"G{number(10**9, 'azure-invoice', period.label):09}" if period in (JANUARY, FEBRUARY) else "",
        "InvoiceIssuerName": "Microsoft",
        "PricingCurrency": "USD",
        "ProviderName": "Microsoft",
        "PublisherName": "Microsoft",
        "x_BillingAccountId": ACCOUNT,
        "x_BillingAccountName": "Lumen Parcel Inc.",
        "x_BillingExchangeRate": "1",
        "x_BillingExchangeRateDate": stamp(period.start),
        "x_BillingProfileId": "LMN4-PRCL-BG7-PGB",
        "x_BillingProfileName": "Lumen Parcel",
        "x_PublisherCategory": "Cloud Provider",
    }


def resource(one: Meter) -> dict[str, str]:
    """Where the meter runs, in Azure's lower-case resource id, and its tags as JSON."""
    parent, _, child = one.resource.partition("/")
    namespace, kind, *sub = one.service.resource_type.split("/")
    path = f"{namespace}/{kind}/{parent}" + (f"/{sub[0]}/{child}" if sub else "")
    scope = f"/subscriptions/{one.subscription}"
    return {
        "RegionId": one.region,
        "RegionName": REGIONS[one.region],
        "ResourceId": f"{scope}/resourcegroups/{one.group}/providers/{path}",
        "ResourceName": child or parent,
        "ResourceType": one.service.display,
        "ServiceCategory": one.service.category,
        "ServiceName": one.service.name,
        "ServiceSubcategory": one.service.subcategory,
        "SubAccountId": scope,
        "SubAccountName": SUBSCRIPTIONS[one.subscription],
        "SubAccountType": "Subscription",
        "Tags": json.dumps(one.tags) if one.tags else "",
        "x_ResourceGroupName": one.group,
        "x_ResourceType": one.service.resource_type,
        "x_SkuRegion": one.region,
    }


def sku(one: Meter) -> dict[str, str]:
    """The meter's price identity."""
    key = f"{one.service.name}/{one.sku}"
    product = "DZH318Z0" + hex_id(4, key).upper()
    return {
        "SkuId": product,
        "SkuMeter": one.sku,
        "SkuPriceId": f"{product}/{hex_id(4, key, 'price').upper()}",
        "x_PricingUnitDescription": f"1 {one.unit}",
        "x_SkuMeterCategory": one.service.name,
        "x_SkuMeterId": guid("meter", key),
        "x_SkuMeterName": one.sku,
        "x_SkuServiceFamily": one.service.category,
    }


def in_usd(costs: Mapping[str, Decimal]) -> dict[str, str]:
    """Azure's copies of the costs in US dollars."""
    return {f"x_{name}InUsd": plain(cost) for name, cost in costs.items()}


def under_reservation(quantity: Decimal) -> dict[str, str]:
    """The columns of usage that a reservation pays for."""
    return {
        "PricingCategory": "Committed",
        "CommitmentDiscountCategory": "Usage",
        "CommitmentDiscountId": RESERVATION,
        "CommitmentDiscountName": "vm-returns-db 1 year",
        "CommitmentDiscountQuantity": plain(quantity),
        "CommitmentDiscountStatus": "Used",
        "CommitmentDiscountType": "Reservation",
        "CommitmentDiscountUnit": "Hours",
        "x_AmortizationClass": "Amortized Charge",
    }


def purchase_row(period: Period) -> dict[str, str]:
    """The reservation's monthly instalment: billed on the first, its cost spread over the covered usage."""
    cost = Decimal("288.423")
    costs = {"BilledCost": cost, "EffectiveCost": Decimal(0), "ListCost": cost, "ContractedCost": cost}
    one = Meter("", "", SHARED, ORDER, "E8s v5 reservation", "Units", cost, Decimal(1))
    found = shared(period, period.start, period.start + DAY) | sku(one) | in_usd(costs)
    found |= {name: plain(value) for name, value in costs.items()}
    return found | {
        "ChargeCategory": "Purchase",
        "ChargeDescription": "Reserved VM Instance, Standard_E8s_v5, EU West, 1 Year",
        "ChargeFrequency": "Recurring",
        "CommitmentDiscountCategory": "Usage",
        "CommitmentDiscountId": RESERVATION,
        "CommitmentDiscountName": "vm-returns-db 1 year",
        "CommitmentDiscountType": "Reservation",
        "ListUnitPrice": plain(cost),
        "ContractedUnitPrice": plain(cost),
        "PricingCategory": "Committed",
        "PricingQuantity": "1",
        "PricingUnit": "Units",
        "ResourceId": RESERVATION,
        "ResourceName": "vm-returns-db 1 year",
        "ResourceType": ORDER.display,
        "ServiceCategory": ORDER.category,
        "ServiceName": ORDER.name,
        "ServiceSubcategory": ORDER.subcategory,
        "SubAccountId": f"/subscriptions/{SHARED}",
        "SubAccountName": SUBSCRIPTIONS[SHARED],
        "SubAccountType": "Subscription",
        "x_AmortizationClass": "Principal",
        "x_ResourceType": ORDER.resource_type,
        "x_SkuTerm": "12",
    }


def rounding_row(period: Period) -> dict[str, str]:
    """The cent by which Azure rounds an invoice, as a charge of its own."""
    cost = Decimal("0.00391") if period is JANUARY else Decimal("-0.00217")
    costs = dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), cost)
    found = shared(period, period.start, period.end) | in_usd(costs)
    found |= {name: plain(value) for name, value in costs.items()}
    return found | {
        "ChargeCategory": "Adjustment",
        "ChargeDescription": "RoundingAdjustment",
        "ChargeFrequency": "One-Time",
        "ServiceCategory": NO_SERVICE.category,
        "ServiceName": NO_SERVICE.name,
        "ServiceSubcategory": NO_SERVICE.subcategory,
    }


def manifest(run: Run, blob: Mapping[str, object]) -> bytes:
    """The run's manifest, as Cost Management writes it."""
    period = run.period
    last = period.start + DAY * (period.days - 1)
    storage = f"/subscriptions/{SHARED}/resourceGroups/rg-shared/providers/Microsoft.Storage"
    return as_json(
        {
            "manifestVersion": "2024-04-01",
            "byteCount": blob["byteCount"],
            "blobCount": 1,
            "dataRowCount": blob["dataRowCount"],
            "exportConfig": {
                "exportName": EXPORT,
                "resourceId": f"{PROFILE}/providers/Microsoft.CostManagement/exports/{EXPORT}",
                "dataVersion": "1.2-preview",
                "apiVersion": "2025-03-01",
                "type": "FocusCost",
                "timeFrame": "MonthToDate" if period.days < period.length else "TheLastMonth",
                "granularity": "Daily",
            },
            "deliveryConfig": {
                "partitionData": True,
                "dataOverwriteBehavior": "OverwritePreviousReport",
                "fileFormat": "Csv",
                "compressionMode": "Gzip" if run.zipped else "None",
                "containerUri": f"{storage}/storageAccounts/lumencostexports",
                "rootFolderPath": DIRECTORY,
            },
            "runInfo": {
                "executionType": "Scheduled",
                "submittedTime": run.submitted,
                "runId": run.id,
                "startDate": f"{period.start:%Y-%m-%d}T00:00:00",
                "endDate": f"{last:%Y-%m-%d}T00:00:00",
            },
            "blobs": [dict(blob)],
        }
    )
