"""Azure cost details from plain rows: a good row of each layout, and the two views of one month's money."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.load.bills import Row, columns, write

SUBSCRIPTION = "11111111-12ab-34dc-56ef-123456abcdef"
VM = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/vm-1"
ORDER = "/providers/Microsoft.Capacity/reservationOrders/aaa/reservations/bbb"
PLAN = "/providers/Microsoft.BillingBenefits/savingsPlanOrders/ccc/savingsPlans/ddd"

_EA: dict[str, Any] = {
    "SubscriptionId": SUBSCRIPTION,
    "SubscriptionName": "Production",
    "ResourceGroup": "RG",
    "ResourceLocation": "EastUS2",
    "Date": "01/05/2026",
    "ProductName": "Virtual Machines Dv3 - D4 v3 - US East 2",
    "MeterCategory": "Virtual Machines",
    "MeterSubCategory": "Dv3/DSv3 Series",
    "MeterId": "f48cba03-db89-4cec-9536-67f7f4e5515f",
    "MeterName": "D4 v3",
    "UnitOfMeasure": "10 Hours",
    "Quantity": "24",
    "CostInBillingCurrency": "4.2",
    "ConsumedService": "Microsoft.Compute",
    "ResourceId": VM,
    "Tags": '"env": "prod","team": "web"',
    "ResourceName": "vm-1",
    "UnitPrice": "1.75",
    "PayGPrice": "2",
    "PublisherType": "Azure",
    "PublisherName": None,
    "ChargeType": "Usage",
    "Frequency": "UsageBased",
    "PricingModel": "OnDemand",
    "BillingAccountId": "12345678",
    "BillingAccountName": "Example",
    "BillingCurrencyCode": "EUR",
    "BillingPeriodStartDate": "01/01/2026",
    "BillingPeriodEndDate": "01/31/2026",
    "BillingProfileId": "12345678",
    "benefitId": None,
    "benefitName": None,
}

_V1: dict[str, Any] = {
    "SubscriptionGuid": SUBSCRIPTION,
    "ResourceGroup": "RG",
    "ResourceLocation": "US East 2",
    "UsageDateTime": "2026-01-05",
    "MeterCategory": "Virtual Machines",
    "MeterSubcategory": "Dv3",
    "MeterId": "m-1",
    "MeterName": "D4 v3",
    "UsageQuantity": "24",
    "ResourceRate": "0.175",
    "PreTaxCost": "4.2",
    "ConsumedService": "Microsoft.Compute",
    "ResourceType": "Microsoft.Compute/virtualMachines",
    "InstanceId": VM,
    "Tags": '{"env":"prod"}',
    "Currency": "EUR",
    "UnitOfMeasure": "10 Hours",
}

_MCA: dict[str, Any] = {
    "invoiceId": None,
    "billingAccountId": "account-1",
    "billingAccountName": "Account",
    "billingProfileId": "profile-1",
    "billingProfileName": "Profile",
    "billingPeriodEndDate": None,
    "billingPeriodStartDate": None,
    "date": "01/05/2026",
    "consumedService": "Microsoft.Compute",
    "meterName": "D4 v3",
    "meterCategory": "Virtual Machines",
    "ProductId": "DZH318Z0BQ35",
    "product": "Virtual Machines Dv3",
    "subscriptionId": SUBSCRIPTION,
    "publisherType": "Azure",
    "publisherName": "Microsoft",
    "InstanceName": VM,
    "resourceLocation": "EASTUS2",
    "quantity": "24",
    "unitOfMeasure": "1 Hour",
    "chargeType": "Usage",
    "billingCurrency": "EUR",
    "pricingCurrency": "USD",
    "costInBillingCurrency": "4.2",
    "costInUsd": "4.62",
    "paygCostInBillingCurrency": "4.8",
    "exchangeRatePricingToBilling": "0.875",
    "tags": '{"env":"prod"}',
    "payGPrice": "0.25",
    "unitPrice": "0.2",
    "frequency": "UsageBased",
    "pricingModel": "OnDemand",
}


def _with(row: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**row, **changes}.items() if value is not ...}


def ea(**changes: Any) -> dict[str, Any]:
    """Return a good EA row (2023 layout) with the given columns changed; ``...`` leaves the column out."""
    return _with(_EA, changes)


def v1(**changes: Any) -> dict[str, Any]:
    """Return a good pay-as-you-go row (2019 layout) with the given columns changed."""
    return _with(_V1, changes)


def mca(**changes: Any) -> dict[str, Any]:
    """Return a good MCA row of a month that is not invoiced yet with the given columns changed."""
    return _with(_MCA, changes)


def used(day: int, cost: str, **changes: Any) -> dict[str, Any]:
    """On-demand usage of a day: the same in both views."""
    return ea(Date=f"01/{day:02d}/2026", CostInBillingCurrency=cost, **changes)


def covered(day: int, cost: str, **changes: Any) -> dict[str, Any]:
    """Usage that a reservation covers: it costs 0 in the actual and its share in the amortized view."""
    row = used(day, cost, PricingModel="Reservation", benefitId=ORDER, benefitName="vm reserve", MeterId="m-covered")
    return row | {"UnitPrice": "0", "ProductName": "covered"} | changes


def bought(day: int, cost: str, **changes: Any) -> dict[str, Any]:
    """A reservation's purchase, which only the actual view has."""
    given = {"ChargeType": "Purchase", "Frequency": "OneTime", "MeterId": None, "ResourceId": ORDER, "UnitPrice": cost}
    return covered(day, cost, **given, Quantity="1", UnitOfMeasure="1", ProductName="Reserved VM") | changes


def unused(day: int, cost: str, **changes: Any) -> dict[str, Any]:
    """What nobody used of a reservation, which only the amortized view has."""
    return covered(day, cost, ChargeType="UnusedReservation", ResourceId=ORDER, ProductName="unused") | changes


def actual(days: int = 3, on_demand: str = "4.2", spent: str = "1200") -> list[dict[str, Any]]:
    """A month's actual view up to a day: a purchase of 1200 on the 1st, on-demand and covered usage each day."""
    rows = [bought(1, spent)] if spent != "0" else []
    return rows + [row for day in range(1, days + 1) for row in (used(day, on_demand), covered(day, "0"))]


def amortized(days: int = 3, on_demand: str = "4.2") -> list[dict[str, Any]]:
    """The same month's amortized view: 30 a day used and 10 a day unused of the reservation."""
    return [row for day in range(1, days + 1) for row in (used(day, on_demand), covered(day, "30"), unused(day, "10"))]


def export(
    folder: Path, rows: Sequence[Row], run: str, view: str, *, submitted: str = "2026-01-06T00:00:00Z", parts: int = 1
) -> list[Path]:
    """Write an export as Azure does: parts and a manifest that says which view it is (``ActualCost``, ``AmortizedCost``)."""
    head = columns(rows)
    files = [write(folder / run / f"part_{n}_0001.csv", rows[n::parts], head) for n in range(parts)]
    told = {
        "exportConfig": {"exportName": run, "type": view, "dataVersion": "2023-12-01-preview"},
        "runInfo": {"runId": run, "submittedTime": submitted, "startDate": "2026-01-01T00:00:00"},
        "blobs": [{"blobName": f"exports/{run}/{file.name}", "byteCount": file.stat().st_size} for file in files],
    }
    (folder / run / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    return files
