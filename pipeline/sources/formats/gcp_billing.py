"""Google Cloud Billing exports to BigQuery, standard and detailed: nested Parquet, JSON lines, or flattened CSV.

Field names are Google's, dots as underscores: ``invoice.month`` is ``invoice_month``. Rows have no id and equal rows can
both be real: a batch (``export_time``) is what counts once. Each row's credits are charges of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.sources.formats.base import Control, Field, Format, squeeze

_TEXT = (
    "service_id",
    "service_description",
    "sku_description",
    "project_id",
    "project_name",
    "location_location",
    "location_region",
    "location_zone",
    "resource_name",
    "resource_global_name",
    "subscription_instance_id",
    "cost_type",
    "transaction_type",
    "seller_name",
    "adjustment_info_id",
    "adjustment_info_type",
    "adjustment_info_mode",
    "adjustment_info_description",
    "usage_unit",
    "usage_pricing_unit",
    "price_unit",
)
_DECIMAL = (
    "cost_at_list",
    "currency_conversion_rate",
    "usage_amount",
    "usage_amount_in_pricing_units",
    "price_effective_price",
    "price_list_price",
    "price_tier_start_amount",
)


def _version(columns: Sequence[str]) -> str:
    seen = {squeeze(name) for name in columns}
    return "detailed" if seen & {"resourcename", "resourceglobalname"} else "standard"


GCP_BILLING = Format(
    name="gcp_billing",
    title="Google Cloud Billing export, standard and detailed",
    signature=(
        "billing_account_id",
        ("service_id", "service_description"),
        "sku_id",
        "usage_start_time",
        "cost",
        "currency",
        "invoice_month",
    ),
    fields=(
        Field("billing_account_id", needed=True),
        Field("invoice_month", needed=True),
        Field("usage_start_time", "datetime", needed=True),
        Field("usage_end_time", "datetime", needed=True),
        Field("export_time", "datetime", needed=True),
        Field("cost", "decimal", needed=True),
        Field("currency", needed=True),
        Field("sku_id"),
        Field("credits", aliases=("credits.list",)),
        *(Field(name) for name in _TEXT),
        *(Field(name, "decimal") for name in _DECIMAL),
    ),
    period_start="invoice_month",
    period="CASE WHEN regexp_full_match(invoice_month, '[12][0-9]{3}(0[1-9]|1[0-2])') "
    "THEN left(invoice_month, 4) || '-' || right(invoice_month, 2) END",
    currency="currency",
    controls=(
        Control("BilledCost", ("cost",), "sum(cost)", only="ChargeCategory <> 'Credit'"),
        Control("BilledCost", (), "sum(credits.amount)", value="x_CreditTotal", only="ChargeCategory = 'Credit'"),
        Control("ListCost", ("cost_at_list", "cost"), "sum(cost_at_list, else cost)"),
        Control("ContractedCost", ("cost",), "sum(cost)"),
    ),
    row_key=(
        *("billing_account_id", "sku_id", "project_id", "resource_global_name", "usage_start_time", "usage_end_time"),
        *("export_time", "cost_type", "cost", "currency", "usage_amount"),
    ),
    null_words=("NULL", "None"),
    generated="gcp_billing_credits",
    credits="credits",
    batch="export_time",
    tag_style="pairs",
    tag_fields={
        name + wrapped: ""
        for name in ("project.labels", "tags", "system_labels", "labels")
        for wrapped in ("", ".list")
    },
    lookups=("gcp_regions", "gcp_services", "gcp_units"),
    versions=("standard", "detailed"),
    version=_version,
)
