"""AWS CUR 2.0 as Data Exports writes it: Parquet parts and a manifest per execution ("create new").

Layout under the bucket: `<prefix>/<export>/data/BILLING_PERIOD=YYYY-MM/<time>-<execution id>/` for the
parts and the same under `metadata/` for the manifest. Physical types are those of AWS: INT96 times
without a zone, DOUBLE amounts, MAP columns; all 114 columns are there, most of them null.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

from sample_data.story import lumen
from sample_data.story.aws import LOCATIONS, PRODUCT_NAMES, Line
from sample_data.story.days import (
    FEBRUARY,
    JANUARY,
    MARCH,
    Delivery,
    Period,
    as_json,
    code,
    digest,
    guid,
    number,
    stamp,
)

EXPORT = "lumen-prod-cur"
BUCKET, PREFIX = "lumen-parcel-billing", "cur2"
ROOT = f"aws/{PREFIX}/{EXPORT}"

TIMES = [
    "bill_billing_period_end_date",
    "bill_billing_period_start_date",
    "line_item_usage_end_date",
    "line_item_usage_start_date",
]
MAPS = ["cost_category", "product", "resource_tags"]
DOUBLES = [
    "discount_bundled_discount",
    "discount_total_discount",
    "line_item_blended_cost",
    "line_item_net_unblended_cost",
    "line_item_normalization_factor",
    "line_item_normalized_usage_amount",
    "line_item_unblended_cost",
    "line_item_usage_amount",
    "pricing_public_on_demand_cost",
    "reservation_amortized_upfront_cost_for_usage",
    "reservation_amortized_upfront_fee_for_billing_period",
    "reservation_effective_cost",
    "reservation_net_amortized_upfront_cost_for_usage",
    "reservation_net_amortized_upfront_fee_for_billing_period",
    "reservation_net_effective_cost",
    "reservation_net_recurring_fee_for_usage",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_recurring_fee",
    "reservation_net_upfront_value",
    "reservation_recurring_fee_for_usage",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_normalized_unit_quantity",
    "reservation_unused_quantity",
    "reservation_unused_recurring_fee",
    "reservation_upfront_value",
    "savings_plan_amortized_upfront_commitment_for_billing_period",
    "savings_plan_net_amortized_upfront_commitment_for_billing_period",
    "savings_plan_net_recurring_commitment_for_billing_period",
    "savings_plan_net_savings_plan_effective_cost",
    "savings_plan_recurring_commitment_for_billing_period",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_savings_plan_rate",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
]
TEXTS = [
    "bill_bill_type",
    "bill_billing_entity",
    "bill_invoice_id",
    "bill_invoicing_entity",
    "bill_payer_account_id",
    "bill_payer_account_name",
    "identity_line_item_id",
    "identity_time_interval",
    "line_item_availability_zone",
    "line_item_blended_rate",
    "line_item_currency_code",
    "line_item_legal_entity",
    "line_item_line_item_description",
    "line_item_line_item_type",
    "line_item_net_unblended_rate",
    "line_item_operation",
    "line_item_product_code",
    "line_item_resource_id",
    "line_item_tax_type",
    "line_item_unblended_rate",
    "line_item_usage_account_id",
    "line_item_usage_account_name",
    "line_item_usage_type",
    "pricing_currency",
    "pricing_lease_contract_length",
    "pricing_offering_class",
    "pricing_public_on_demand_rate",
    "pricing_purchase_option",
    "pricing_rate_code",
    "pricing_rate_id",
    "pricing_term",
    "pricing_unit",
    "product_comment",
    "product_fee_code",
    "product_fee_description",
    "product_from_location",
    "product_from_location_type",
    "product_from_region_code",
    "product_instance_family",
    "product_instance_type",
    "product_instancesku",
    "product_location",
    "product_location_type",
    "product_operation",
    "product_pricing_unit",
    "product_product_family",
    "product_region_code",
    "product_servicecode",
    "product_sku",
    "product_to_location",
    "product_to_location_type",
    "product_to_region_code",
    "product_usagetype",
    "reservation_availability_zone",
    "reservation_end_time",
    "reservation_modification_status",
    "reservation_normalized_units_per_reservation",
    "reservation_number_of_reservations",
    "reservation_reservation_a_r_n",
    "reservation_start_time",
    "reservation_subscription_id",
    "reservation_total_reserved_normalized_units",
    "reservation_total_reserved_units",
    "reservation_units_per_reservation",
    "savings_plan_end_time",
    "savings_plan_instance_type_family",
    "savings_plan_offering_type",
    "savings_plan_payment_option",
    "savings_plan_purchase_term",
    "savings_plan_region",
    "savings_plan_savings_plan_a_r_n",
    "savings_plan_start_time",
]
# AWS writes the columns in alphabetical order.
TYPES: dict[str, pa.DataType] = dict(
    sorted(
        {
            **dict.fromkeys(TEXTS, pa.string()),
            **dict.fromkeys(DOUBLES, pa.float64()),
            **dict.fromkeys(TIMES, pa.timestamp("ns")),
            **dict.fromkeys(MAPS, pa.map_(pa.string(), pa.string())),
            "discount": pa.map_(pa.string(), pa.float64()),
        }.items()
    )
)
SCHEMA = pa.schema(list(TYPES.items()))


@dataclass(frozen=True)
class Execution:
    """One refresh of the export: when it ran, and whether AWS had closed the month by then."""

    period: Period
    time: str
    final: bool
    parts: int = 1
    current: bool = True

    @property
    def id(self) -> str:
        return guid("execution", self.period.label, self.time)

    @property
    def folder(self) -> str:
        return f"{self.time}-{self.id}"


EXECUTIONS = (
    Execution(JANUARY, "20260204T061500Z", final=True, parts=2),
    Execution(FEBRUARY, "20260301T052200Z", final=False, current=False),
    Execution(FEBRUARY, "20260305T060800Z", final=True),
    Execution(MARCH, "20260322T041500Z", final=False),
)


def deliveries() -> Iterator[Delivery]:
    """The CUR 2.0 deliveries, oldest first."""
    for execution in EXECUTIONS:
        period = execution.period
        rows = tuple(row(line, execution) for line in lumen.lines(period, execution.final))
        partition = f"BILLING_PERIOD={period.label}/{execution.folder}"
        names = [f"{EXPORT}-{n + 1:05}.snappy.parquet" for n in range(execution.parts)]
        keys = [f"data/{partition}/{name}" for name in names]
        files = {f"{ROOT}/{key}": parquet(part) for key, part in zip(keys, split(rows, len(keys)), strict=True)}
        data_files = tuple(files)
        files[f"{ROOT}/metadata/{partition}/{EXPORT}-Manifest.json"] = manifest(execution, keys)
        yield Delivery("aws-prod", period, execution.folder, execution.current, files, data_files, rows)


def split(rows: Sequence[Mapping[str, object]], parts: int) -> list[Sequence[Mapping[str, object]]]:
    """The rows in as many parts, one after the other."""
    size = -(-len(rows) // parts)
    return [rows[n * size : (n + 1) * size] for n in range(parts)]


def row(line: Line, execution: Execution) -> dict[str, object]:
    """One line in the columns of CUR 2.0; columns without a value stay null."""
    extra = dict(line.extra)
    seller = extra.pop("seller", "Amazon Web Services, Inc.")
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for part in (identity(line), bill(line, execution, seller), item(line, seller), pricing(line), extra)
        for name, value in part.items()
        if value != ""
    }


def identity(line: Line) -> dict[str, object]:
    """The columns that tell one row from another."""
    span = f"{stamp(line.start)}/{stamp(line.end)}"
    return {
        "identity_line_item_id": line_item_id(line.meter.key, line.kind, span),
        "identity_time_interval": span,
    }


def line_item_id(*key: str) -> str:
    """AWS's id of a line; a restated bill keeps it."""
    return code(52, *key).lower()


def bill(line: Line, execution: Execution, seller: object) -> dict[str, object]:
    """Columns of the bill; an open month has no invoice yet."""
    period = execution.period
    invoice = str(2010000000 + number(90000000, "invoice", period.label)) if execution.final else ""
    own = seller == "Amazon Web Services, Inc."
    return {
        "bill_bill_type": "Refund" if line.kind == "Refund" else "Anniversary",
        "bill_billing_entity": "AWS" if own else "AWS Marketplace",
        "bill_billing_period_start_date": period.start,
        "bill_billing_period_end_date": period.end,
        "bill_invoice_id": invoice,
        "bill_invoicing_entity": "Amazon Web Services, Inc.",
        "bill_payer_account_id": lumen.PAYER,
        "bill_payer_account_name": lumen.ACCOUNT_NAMES[lumen.PAYER],
    }


def item(line: Line, seller: object) -> dict[str, object]:
    """Columns of the line itself."""
    meter = line.meter
    rate = f"{meter.rate:.10f}" if meter.rate else ""
    stage = {lumen.PROD: "Production", lumen.DATA: "Data"}.get(meter.account)
    return {
        "line_item_availability_zone": zone(line),
        "line_item_blended_cost": line.cost,
        "line_item_blended_rate": rate,
        "line_item_currency_code": "USD",
        "line_item_legal_entity": seller,
        "line_item_line_item_description": meter.text,
        "line_item_line_item_type": line.kind,
        "line_item_operation": meter.operation,
        "line_item_product_code": meter.product,
        "line_item_resource_id": meter.resource,
        "line_item_unblended_cost": line.cost,
        "line_item_unblended_rate": rate,
        "line_item_usage_account_id": meter.account,
        "line_item_usage_account_name": lumen.ACCOUNT_NAMES[meter.account],
        "line_item_usage_amount": line.quantity,
        "line_item_usage_start_date": line.start,
        "line_item_usage_end_date": line.end,
        "line_item_usage_type": meter.usage_type,
        "resource_tags": dict(meter.tags),
        "cost_category": {"Stage": stage} if stage else {},
        "discount": {},
    }


def zone(line: Line) -> str:
    """An availability zone, for instances."""
    letter = "abc"[digest("zone", line.meter.resource)[0] % 3]
    return f"{line.meter.region}{letter}" if line.meter.instance and line.meter.resource else ""


def pricing(line: Line) -> dict[str, object]:
    """Columns of the product and its public price."""
    meter = line.meter
    sku = code(16, meter.product, meter.usage_type)
    product = {"product_name": PRODUCT_NAMES[meter.product]}
    found: dict[str, object] = {
        "product_servicecode": meter.product,
        "product_product_family": meter.family,
        "product_instance_type": meter.instance,
        "product_region_code": meter.region,
        "product_usagetype": meter.usage_type,
        "product_sku": sku if meter.usage_type else "",
    }
    if meter.unit:
        product |= {"region": meter.region, "sku": sku}
        found |= {
            "product_location": LOCATIONS[meter.region],
            "product_location_type": "AWS Region",
            "product_operation": meter.operation,
            "pricing_currency": "USD",
            "pricing_public_on_demand_cost": line.list_cost,
            "pricing_public_on_demand_rate": f"{meter.rate:.10f}",
            "pricing_rate_code": f"{sku}.JRTCKXETXF.{code(10, sku)}",
            "pricing_rate_id": str(number(10**12, "rate", sku)),
            "pricing_term": "Reserved" if line.kind in ("DiscountedUsage", "RIFee") else "OnDemand",
            "pricing_unit": meter.unit,
        }
    return found | {"product": product}


def parquet(rows: Sequence[Mapping[str, object]]) -> bytes:
    """The rows as one Parquet part, without pyarrow's own schema in the footer, as AWS writes none."""
    columns = [pa.array([r.get(name) for r in rows], kind, from_pandas=False) for name, kind in TYPES.items()]
    sink = io.BytesIO()
    pq.write_table(
        pa.Table.from_arrays(columns, schema=SCHEMA),
        sink,
        compression="snappy",
        use_deprecated_int96_timestamps=True,
        store_schema=False,
    )
    return sink.getvalue()


def manifest(execution: Execution, keys: Sequence[str]) -> bytes:
    """The execution's manifest, as Data Exports writes it."""
    kinds = {pa.string(): "string", pa.float64(): "double", pa.timestamp("ns"): "timestamp"}
    period = execution.period
    return as_json(
        {
            "exportName": EXPORT,
            "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{lumen.PAYER}:export/{EXPORT}-{guid('export')}",
            "executionId": execution.id,
            "account": lumen.PAYER,
            "billingPeriod": {"start": stamp(period.start), "end": stamp(period.end)},
            "contentType": "Parquet",
            "compression": "Parquet",
            "columns": [{"name": name, "type": kinds.get(kind, "map")} for name, kind in TYPES.items()],
            "dataFiles": [f"s3://{BUCKET}/{PREFIX}/{EXPORT}/{key}" for key in keys],
            "additionalOutputFiles": [],
        }
    )
