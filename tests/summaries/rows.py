"""Rows of the rollups written by hand: a test names what matters to it, the rest is ordinary."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

MONEY = pl.Decimal(38, 18)
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
PARTS = ("x_CreditCost", "x_RefundCost", "x_TaxCost")

DAILY: dict[str, pl.DataType] = {
    "x_BillingPeriod": pl.String(),
    "ChargeDay": pl.Date(),
    **dict.fromkeys(("BillingCurrency", "x_Source", "x_Origin", "x_Provider", "BillingAccountId"), pl.String()),
    **dict.fromkeys(("SubAccountId", "SubAccountName", "ServiceCategory", "ServiceName"), pl.String()),
    **dict.fromkeys(("x_CostCategory", "x_ResourceType", "RegionId", "ChargeCategory", "ChargeClass"), pl.String()),
    **dict.fromkeys(("PricingCategory", "CommitmentDiscountStatus", "InvoiceId", "x_ReportedTags"), pl.String()),
    **dict.fromkeys((*COSTS, "ConsumedQuantity", "PricingQuantity"), MONEY),
    "x_ChargeCount": pl.Int64(),
    "x_TenantId": pl.String(),
}
RESOURCE_COSTS: dict[str, pl.DataType] = {
    **dict.fromkeys(("x_BillingPeriod", "BillingCurrency", "x_Source", "x_Origin"), pl.String()),
    **dict.fromkeys(("x_ResourceKey", "x_TagSetId"), pl.String()),
    **dict.fromkeys((*COSTS, *PARTS), MONEY),
    "x_ChargeCount": pl.Int64(),
    **dict.fromkeys(("x_TenantId", "ServiceCategory", "ServiceName"), pl.String()),
}
RESOURCES: dict[str, pl.DataType] = {
    **dict.fromkeys(("x_ResourceKey", "x_Provider", "SubAccountId", "SubAccountName", "RegionId"), pl.String()),
    **dict.fromkeys(("RegionName", "ResourceId", "ResourceName", "ResourceType", "x_ResourceType"), pl.String()),
}
METERED: dict[str, pl.DataType] = {
    **dict.fromkeys(("x_BillingPeriod", "BillingCurrency", "x_Provider", "ServiceName", "RegionId"), pl.String()),
    "ChargeCategory": pl.String(),
    "x_IsCorrection": pl.Boolean(),
    **dict.fromkeys(("SkuId", "SkuMeter", "x_Unit"), pl.String()),
    **dict.fromkeys(("BilledCost", "x_Quantity"), MONEY),
    "x_ChargeCount": pl.Int64(),
}
TAGS: dict[str, pl.DataType] = dict.fromkeys(("x_TagSetId", "TagKey", "TagValue"), pl.String())

_ORDINARY: dict[str, Any] = {
    "x_BillingPeriod": "2026-03",
    "ChargeDay": date(2026, 3, 10),
    "BillingCurrency": "USD",
    "x_Source": "aws-prod",
    "x_Origin": "billed",
    "ChargeCategory": "Usage",
    "x_ResourceKey": "r1",
    **dict.fromkeys((*COSTS, *PARTS, "ConsumedQuantity", "PricingQuantity"), Decimal(0)),
    "x_ChargeCount": 1,
    "x_IsCorrection": False,
}


def daily(*rows: dict[str, Any]) -> pl.LazyFrame:
    """Rows of daily_costs: 10 March 2026, USD, billed usage, no cost, one charge, unless said otherwise."""
    return _frame(rows, DAILY)


def resource_costs(*rows: dict[str, Any]) -> pl.LazyFrame:
    """Rows of resource_costs: March 2026, USD, billed, resource r1, no tags, no cost, one charge."""
    return _frame(rows, RESOURCE_COSTS)


def resources(*rows: dict[str, Any]) -> pl.LazyFrame:
    """Rows of resources: nothing known but the key r1."""
    return _frame(rows, RESOURCES)


def metered(*rows: dict[str, Any]) -> pl.LazyFrame:
    """Rows of night/metered_costs.sql: March 2026, USD, billed usage of nothing known, no cost, one charge."""
    return _frame(rows, METERED)


def tags(pairs: dict[str, dict[str, str]]) -> pl.LazyFrame:
    """Rows of tags from set -> key -> value."""
    rows = [(name, key, value) for name, values in pairs.items() for key, value in values.items()]
    return pl.LazyFrame(rows, schema=TAGS, orient="row")


def cost(day: str, billed: str, **columns: Any) -> dict[str, Any]:
    """A row of daily_costs on a day, on the bill of its month unless ``x_BillingPeriod`` says another."""
    return {
        "x_BillingPeriod": day[:7],
        "ChargeDay": date.fromisoformat(day),
        "BilledCost": Decimal(billed),
        **columns,
    }


def column(frame: pl.LazyFrame, name: str) -> list[Any]:
    """One column of what a summary answers."""
    return frame.collect()[name].to_list()


def _frame(rows: tuple[dict[str, Any], ...], schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    values = [tuple((_ORDINARY | row).get(name) for name in schema) for row in rows]
    return pl.LazyFrame(values, schema=schema, orient="row")
