"""AWS Cost and Usage Reports: legacy (``lineItem/UnblendedCost``), its Athena spelling, and CUR 2.0."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.sources.formats.base import Control, Field, Format

_AWS_TEXT = (
    "identity_line_item_id",
    "identity_time_interval",
    "bill_bill_type",
    "bill_billing_entity",
    "bill_invoicing_entity",
    "bill_invoice_id",
    "bill_payer_account_name",
    "line_item_availability_zone",
    "line_item_legal_entity",
    "line_item_line_item_description",
    "line_item_operation",
    "line_item_product_code",
    "line_item_resource_id",
    "line_item_usage_account_id",
    "line_item_usage_account_name",
    "line_item_usage_type",
    "pricing_currency",
    "pricing_rate_code",
    "pricing_rate_id",
    "pricing_term",
    "pricing_unit",
    "product_product_name",
    "product_product_family",
    "product_region",
    "product_region_code",
    "product_location",
    "product_sku",
    "product_servicecode",
    "product_instance_type",
    "reservation_reservation_a_r_n",
    "savings_plan_savings_plan_a_r_n",
    "split_line_item_parent_resource_id",
)
_AWS_DECIMAL = (
    "line_item_net_unblended_cost",
    "line_item_normalized_usage_amount",
    "line_item_unblended_rate",
    "line_item_usage_amount",
    "pricing_public_on_demand_cost",
    "pricing_public_on_demand_rate",
    "reservation_effective_cost",
    "reservation_net_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_recurring_fee",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_net_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "reservation_total_reserved_normalized_units",
    "reservation_total_reserved_units",
    "split_line_item_net_split_cost",
    "split_line_item_net_unused_cost",
    "split_line_item_public_on_demand_split_cost",
    "split_line_item_public_on_demand_unused_cost",
    "split_line_item_split_cost",
    "split_line_item_split_usage",
    "split_line_item_split_usage_ratio",
    "split_line_item_unused_cost",
)


def _version(columns: Sequence[str]) -> str:
    if any("/" in name for name in columns):
        return "legacy"
    return "2.0" if "resource_tags" in columns or "product" in columns else "snake case"


AWS_CUR = Format(
    name="aws_cur",
    title="AWS Cost and Usage Report, legacy and 2.0",
    signature=(
        "bill_billing_period_start_date",
        "bill_payer_account_id",
        "line_item_line_item_type",
        "line_item_unblended_cost",
        "line_item_usage_start_date",
        "line_item_currency_code",
    ),
    fields=(
        Field("bill_billing_period_start_date", "datetime", needed=True),
        Field("bill_billing_period_end_date", "datetime", needed=True),
        Field("bill_payer_account_id", needed=True),
        Field("line_item_line_item_type", needed=True),
        Field("line_item_usage_start_date", "datetime", needed=True),
        Field("line_item_usage_end_date", "datetime", needed=True),
        Field("line_item_currency_code", needed=True),
        Field("line_item_unblended_cost", "decimal", needed=True),
        *(Field(name) for name in _AWS_TEXT),
        *(Field(name, "decimal") for name in _AWS_DECIMAL),
        Field("product"),
    ),
    period_start="bill_billing_period_start_date",
    currency="line_item_currency_code",
    controls=(
        Control(
            "BilledCost",
            ("line_item_net_unblended_cost", "line_item_unblended_cost"),
            "sum(net unblended cost, else unblended cost)",
        ),
    ),
    row_key=("identity_line_item_id", "identity_time_interval"),
    folded="line_item_line_item_type = 'SavingsPlanNegation'",
    generated="aws_cur_residues",
    tag_style="aws",
    tag_columns={
        "resourceTags/": "",
        "resource_tags_": "",
        "costCategory/": "aws:costcategory/",
        "cost_category_": "aws:costcategory/",
    },
    tag_fields={"resource_tags": "", "cost_category": "aws:costcategory/"},
    objects=("product",),
    lookups=("aws_line_item_types", "aws_services", "aws_regions", "aws_units"),
    steps=("aws_cur_lines",),
    versions=("legacy", "snake case", "2.0"),
    version=_version,
)
