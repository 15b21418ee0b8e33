"""OCI cost reports: one line per resource, SKU and hour or day, in files that follow one another."""

from __future__ import annotations

from pipeline.sources.formats.base import Control, Field, Format

_OCI_TEXT = (
    "cost_currency_code",
    "cost_subscription_id",
    "cost_product_sku",
    "cost_sku_unit_description",
    "cost_billing_unit_readable",
    "line_item_reference_no",
    "line_item_tenant_id",
    "line_item_is_correction",
    "product_service",
    "product_compartment_id",
    "product_compartment_name",
    "product_region",
    "product_availability_domain",
    "product_resource_id",
    "product_description",
)

OCI_COST = Format(
    name="oci_cost",
    title="OCI cost report",
    signature=(
        "line_item_interval_usage_start",
        "product_service",
        "cost_product_sku",
        "cost_my_cost",
        "cost_currency_code",
    ),
    fields=(
        Field("line_item_interval_usage_start", "datetime", needed=True),
        Field("line_item_interval_usage_end", "datetime", needed=True),
        Field("cost_my_cost", "decimal"),
        Field(
            "cost_as_written", aliases=("cost_my_cost",), ranked=True
        ),  # tells an empty cost from one that is no number
        *(Field(name) for name in _OCI_TEXT),
        Field("usage_billed_quantity", "decimal"),
        Field("cost_unit_price", "decimal"),
    ),
    period_start="line_item_interval_usage_start",
    currency="cost_currency_code",
    controls=(
        Control("BilledCost", ("cost_my_cost",), "sum(cost/myCost)"),
        Control("EffectiveCost", ("cost_my_cost",), "sum(cost/myCost)"),
    ),
    row_key=("line_item_reference_no", "line_item_interval_usage_start"),
    overlay="oci_cost",
    tag_columns={"tags/": ""},
    # What Oracle's own FOCUS report calls oci_…: the same names for both when kept.
    keeps={
        "cost/myCostOverage": "x_oci_CostOverage",
        "cost/unitPriceOverage": "x_oci_UnitPriceOverage",
        "usage/billedQuantityOverage": "x_oci_BilledQuantityOverage",
        "cost/overageFlag": "x_oci_OverageFlag",
        "lineItem/referenceNo": "x_oci_ReferenceNumber",
        "lineItem/backreferenceNo": "x_oci_BackReferenceNumber",
    },
    lookups=("oci_services", "oci_units"),
    # Usage of a month's first hour is that month's: no zone is meant here.
    period="strftime(line_item_interval_usage_start, '%Y-%m')",
)
