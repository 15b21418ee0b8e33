"""One account as CUR 2.0 and as AWS's FOCUS 1.0, in the physical types that AWS writes: the same charges, row by row.

Both forms of each line follow what AWS was observed to write for one account and the same months (shared/EXPORTS.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import focus, resources
from tests.load.bills import House
from tests.load.bills import house as house_in

SCHEMAS = "aws-schema-only"
CUR2, SPLIT, FOCUS = (
    "aws_cur2_0rows.snappy.parquet",
    "aws_cur2_with_split_cost_0rows.snappy.parquet",
    "aws_focus_1_0_0rows.snappy.parquet",
)
START, END = datetime(2024, 11, 1), datetime(2024, 12, 1)
SUB = "arn:aws:ec2:us-west-2:000011112222:"
#: Columns of FOCUS 1.0 that docs/formats.md names as different: a price that one form lacks, a name that AWS never gives.
UNLIKE = {"ContractedUnitPrice"}

#: What differs from line to line, as CUR 2.0 and as FOCUS write it; both share ``COMMON``.
Line = tuple[dict[str, Any], dict[str, Any]]


def usage(cur: dict[str, Any], told: dict[str, Any]) -> Line:
    """A line of usage in Oregon for 0.5 at 0.25 a unit, but for what is given."""
    line: dict[str, Any] = {
        "line_item_line_item_type": "Usage",
        "line_item_unblended_cost": 0.5,
        "line_item_unblended_rate": "0.25",
        "line_item_usage_amount": 2.0,
        "line_item_product_code": "AmazonEC2",
        "pricing_public_on_demand_cost": 0.5,
        "pricing_public_on_demand_rate": "0.25",
        "pricing_term": "OnDemand",
        "pricing_unit": "Hrs",
        "pricing_rate_code": "SKU.TERM.RATE",
        "product": {"product_name": "Amazon Elastic Compute Cloud"},
        "product_region_code": "us-west-2",
        "product_location": "US West (Oregon)",
        "product_sku": "SKU",
    }
    charge: dict[str, Any] = {
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), 0.5),
        **dict.fromkeys(("ContractedUnitPrice", "ListUnitPrice"), 0.25),
        **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), 2.0),
        **dict.fromkeys(("ConsumedUnit", "PricingUnit"), "Hours"),
        "ChargeCategory": "Usage",
        "PricingCategory": "Standard",
        "RegionId": "us-west-2",
        "RegionName": "US West (Oregon)",
        "ServiceCategory": "Compute",
        "ServiceName": "Amazon Elastic Compute Cloud",
        "SkuId": "SKU",
        "SkuPriceId": "SKU.TERM.RATE",
    }
    return {**line, **cur}, {**charge, **told}


FREE = dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "ListUnitPrice"), 0.0)
LINES: dict[str, Line] = {
    "instance": usage({"line_item_resource_id": "i-0a1"}, {"ResourceId": "i-0a1", "ResourceType": "instance"}),
    "volume": usage(
        {
            "line_item_resource_id": SUB + "volume/vol-1",
            "line_item_usage_type": "USW2-EBS:VolumeUsage.gp3",
            "product_product_family": "Storage",
            "pricing_unit": "GB-Mo",
        },
        {
            "ResourceId": SUB + "volume/vol-1",
            "ResourceType": "volume",
            "ServiceCategory": "Storage",
            "ConsumedUnit": "GB-Months",
            "PricingUnit": "GB-Months",
        },
    ),
    "spot": usage({"line_item_usage_type": "SpotUsage:m5", "pricing_term": "Spot"}, {"PricingCategory": "Dynamic"}),
    "free tier": usage(
        {
            "line_item_line_item_description": "$0.00 per GB - first 1 GB under the monthly free tier",
            "line_item_unblended_cost": 0.0,
            "line_item_unblended_rate": "0",
        },
        {
            **FREE,
            "ContractedUnitPrice": 0.0,
            "ChargeDescription": "$0.00 per GB - first 1 GB under the monthly free tier",
        },
    ),
    "no list price": usage(
        {"pricing_public_on_demand_rate": None, "pricing_public_on_demand_cost": None}, {"ListUnitPrice": 0.0}
    ),
    "region of a location": usage({"product_region_code": None}, {}),
    "edge of Europe": usage(
        {"product_region_code": None, "product_location": "Europe"}, {"RegionId": "eu-west-1", "RegionName": "Europe"}
    ),
    "external": usage({"product_location": "External"}, {"RegionName": "External"}),
    "global": usage(
        {"product_region_code": "global", "product_location": "Any"}, {"RegionId": "global", "RegionName": "Any"}
    ),
    "bucket": usage(
        {
            "line_item_product_code": "AmazonS3",
            "line_item_resource_id": "logs",
            "product": {"product_name": "Amazon Simple Storage Service"},
            "pricing_unit": "Requests",
        },
        {
            "ResourceId": "logs",
            "ResourceType": "bucket",
            "ServiceCategory": "Storage",
            "ServiceName": "Amazon Simple Storage Service",
            "ConsumedUnit": "Requests",
            "PricingUnit": "Requests",
        },
    ),
    "marketplace": usage(
        {
            "line_item_product_code": "3ghtt72ra669kqboojpglmmh9g",
            "line_item_legal_entity": "Anthropic, PBC",
            "product": {"product_name": "Claude Instant (Amazon Bedrock Edition)"},
            "pricing_unit": "1K tokens",
        },
        {
            "PublisherName": "Anthropic, PBC",
            "ServiceCategory": "Other",
            "ServiceName": "Claude Instant (Amazon Bedrock Edition)",
            "ConsumedUnit": "1000 Tokens",
            "PricingUnit": "1000 Tokens",
        },
    ),
    "no type in the id": usage(
        {"line_item_resource_id": "arn:aws:sns:us-west-2:000011112222:alarms"},
        {"ResourceId": "arn:aws:sns:us-west-2:000011112222:alarms", "ResourceType": ""},
    ),
    "zone, tags and cost categories": usage(
        {
            "line_item_availability_zone": "us-west-2a",
            "resource_tags": {"user_team": "ml", "aws_createdBy": "me"},
            "cost_category": {"Cost Center": "A 1"},
        },
        {
            "AvailabilityZone": "us-west-2a",
            "Tags": {"team": "ml", "aws:createdBy": "me"},
            "x_CostCategories": {"Cost Center": "A 1"},
        },
    ),
    "tax": usage(
        {
            "line_item_line_item_type": "Tax",
            "line_item_unblended_rate": None,
            "line_item_usage_amount": None,
            "pricing_public_on_demand_cost": None,
            "pricing_public_on_demand_rate": None,
            "pricing_unit": None,
            "pricing_rate_code": None,
            "product_region_code": None,
            "product_location": None,
            "product_sku": None,
        },
        {
            **dict.fromkeys(("ConsumedQuantity", "PricingQuantity", "ConsumedUnit", "PricingUnit", "PricingCategory")),
            **dict.fromkeys(("SkuId", "SkuPriceId", "ContractedUnitPrice")),
            **dict.fromkeys(("RegionId", "RegionName"), ""),
            "ChargeCategory": "Tax",
            "ListUnitPrice": 0.0,
        },
    ),
}
COMMON: dict[str, tuple[Any, ...]] = {
    "bill_payer_account_id BillingAccountId": ("0099999999999",),
    "bill_payer_account_name BillingAccountName": ("Lumen",),
    "bill_billing_period_start_date BillingPeriodStart": (START,),
    "bill_billing_period_end_date BillingPeriodEnd": (END,),
    "bill_invoicing_entity InvoiceIssuerName": ("Amazon Web Services, Inc.",),
    "line_item_legal_entity PublisherName": ("Amazon Web Services, Inc.",),
    "line_item_currency_code BillingCurrency": ("USD",),
    "line_item_usage_account_id SubAccountId": ("007",),
    "line_item_usage_account_name SubAccountName": ("Lab",),
    "line_item_usage_start_date ChargePeriodStart": (START,),
    "line_item_usage_end_date ChargePeriodEnd": (datetime(2024, 11, 1, 1),),
}


def write_as(schema: Path, path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows with the physical types of one of AWS's own files: INT96 times there where it has them."""
    parquet = pq.ParquetFile(schema)
    types = parquet.schema_arrow
    is_int96 = any(parquet.schema.column(number).physical_type == "INT96" for number in range(len(parquet.schema)))
    columns = [pa.array([_value(row.get(field.name), field) for row in rows], field.type) for field in types]
    table = pa.Table.from_arrays(columns, schema=types)
    pq.write_table(table, path, use_deprecated_int96_timestamps=is_int96, compression="snappy")
    return path


def _value(value: Any, field: pa.Field) -> Any:
    if value is None and not field.nullable:
        return ""
    return list(value.items()) if isinstance(value, dict) else value


def both(name: str) -> Line:
    """A line of ``LINES`` whole: as CUR 2.0 and as FOCUS."""
    cur, charge = LINES[name]
    shared = {key: value for key, (value,) in COMMON.items()}
    as_cur = {key.split()[0]: value for key, value in shared.items()} | {"line_item_line_item_description": name}
    as_focus = {key.split()[1]: value for key, value in shared.items()} | {"ChargeDescription": name}
    as_focus |= {"ProviderName": "AWS", "ChargeFrequency": "Usage-Based"}
    return {**as_cur, **cur}, {**as_focus, **charge}


@pytest.fixture(scope="module")
def charges(shared: House, exports: Path) -> dict[str, list[dict[str, Any]]]:
    """The charges of both forms, each in the order of description."""
    pairs = [both(name) for name in LINES]
    for source, schema, rows in (("cur", CUR2, [c for c, _ in pairs]), ("focus", FOCUS, [f for _, f in pairs])):
        path = write_as(exports / SCHEMAS / schema, shared.folder / f"{source}.parquet", rows)
        [outcome] = shared.load(path, source=source)
        assert (outcome.status, outcome.charges) == ("loaded", len(LINES)), outcome.reason
    found = shared.table("SELECT * FROM focus_data_table ORDER BY ChargeDescription")
    return {source: [row for row in found if row["x_Source"] == source] for source in ("cur", "focus")}


def shared_columns(exports: Path) -> list[str]:
    """The columns that AWS's FOCUS 1.0 file has and the warehouse knows."""
    known = {column.name for column in focus.COLUMNS}
    return [name for name in pq.read_schema(exports / SCHEMAS / FOCUS).names if name in known]


@pytest.mark.parametrize("number", range(len(LINES)), ids=[name.replace(" ", "_") for name in LINES])
def test_a_line_is_the_same_charge_in_both_forms(
    charges: dict[str, list[dict[str, Any]]], exports: Path, number: int
) -> None:
    columns = [name for name in shared_columns(exports) if name not in UNLIKE]
    assert len(columns) == 42
    cur, told = charges["cur"][number], charges["focus"][number]
    assert {name: cur[name] for name in columns} == {name: told[name] for name in columns}
    assert cur["x_ResourceType"] == told["x_ResourceType"]


def test_a_contracted_price_that_both_give_is_the_same(charges: dict[str, list[dict[str, Any]]]) -> None:
    prices = [
        (cur["ContractedUnitPrice"], told["ContractedUnitPrice"])
        for cur, told in zip(charges["cur"], charges["focus"], strict=True)
    ]
    given = [(cur, told) for cur, told in prices if cur and told]
    assert len(given) == len(LINES) - 2
    assert all(cur == told == Decimal("0.25") for cur, told in given)


def test_the_docs_name_the_columns_that_are_compared(exports: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    section = page[page.index("### The same account") : page.index("| column | differs since |")]
    words = section.replace(",", " ").replace(".", " ").split()
    columns = [name for name in shared_columns(exports) if name not in UNLIKE]
    lacking = [name for name in columns if name not in words and not name.startswith("CommitmentDiscount")]
    assert lacking == ["ResourceName"]


# --- Split cost allocation ------------------------------------------------------------------

POD = "arn:aws:eks:us-west-2:000011112222:pod/cluster/shop/web/uid"


def split_rows(**net: Any) -> list[dict[str, Any]]:
    """An instance of 1.00, and the two rows of a pod on it that used half of its CPU."""
    cur, _ = both("instance")
    node = {**cur, "line_item_unblended_cost": 1.0, "line_item_line_item_description": "node"}
    pod = {
        **cur,
        "line_item_product_code": "AmazonEKS",
        "line_item_resource_id": POD,
        "line_item_unblended_cost": 0.0,
        "pricing_public_on_demand_cost": 0.0,
        "split_line_item_parent_resource_id": "i-0a1",
        "split_line_item_split_usage": 1.0,
        "split_line_item_split_usage_ratio": 0.5,
        "resource_tags": {"aws_eks:namespace": "shop"},
    }
    costs = {"split_line_item_split_cost": 0.4, "split_line_item_unused_cost": 0.2}
    costs |= {"split_line_item_public_on_demand_split_cost": 0.5, "split_line_item_public_on_demand_unused_cost": 0.25}
    cpu = {**pod, **costs, **net, "line_item_line_item_description": "pod cpu"}
    memory = {**pod, "split_line_item_split_cost": 0.3, "split_line_item_unused_cost": 0.1}
    return [node, cpu, {**memory, "line_item_line_item_description": "pod memory"}]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory, exports: Path) -> Iterator[House]:
    """The three rows, loaded."""
    with house_in(tmp_path_factory.mktemp("split")) as opened:
        opened.one(write_as(exports / SCHEMAS / SPLIT, opened.folder / "split.parquet", split_rows()))
        yield opened


def test_a_pods_part_is_shown_and_changes_no_total(split: House) -> None:
    costs = "SELECT sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost) FROM charges"
    assert split.rows(costs) == [(Decimal(1), Decimal(1), Decimal("0.5"), Decimal(1))]
    pods = split.table("SELECT * FROM focus_data_table WHERE x_SplitCost IS NOT NULL ORDER BY ChargeDescription")
    assert [(row["x_SplitCost"], row["x_SplitUnusedCost"]) for row in pods] == [
        (Decimal("0.4"), Decimal("0.2")),
        (Decimal("0.3"), Decimal("0.1")),
    ]
    assert pods[0]["ResourceId"] == POD
    assert pods[0]["x_SplitParentResourceId"] == "i-0a1"
    assert (pods[0]["x_SplitListCost"], pods[0]["x_SplitUsageRatio"]) == (Decimal("0.5"), Decimal("0.5"))


def test_the_query_charges_back_what_a_namespace_used_and_left_idle(split: House) -> None:
    [row] = split.table(resources.sql("queries/split_costs"))
    assert (row["cluster"], row["namespace"], row["BillingCurrency"]) == (None, "shop", "USD")
    assert (row["cost"], row["used"], row["idle"]) == (Decimal(1), Decimal("0.7"), Decimal("0.3"))
    assert (row["instances"], row["idle_percent"]) == (1, 30.0)


def test_net_parts_go_before_gross_ones(house: House, exports: Path) -> None:
    net = {"split_line_item_net_split_cost": 0.36, "split_line_item_net_unused_cost": 0.18}
    house.one(write_as(exports / SCHEMAS / SPLIT, house.folder / "split.parquet", split_rows(**net)))
    query = "SELECT x_SplitCost, x_SplitUnusedCost FROM charges WHERE ChargeDescription = 'pod cpu'"
    assert house.rows(query) == [(Decimal("0.36"), Decimal("0.18"))]


def test_the_map_of_discounts_is_kept_when_asked_for(house: House, exports: Path) -> None:
    cur, _ = both("instance")
    rows = [{**cur, "discount": {"EdpDiscount": -0.05}}]
    house.one(write_as(exports / SCHEMAS / CUR2, house.folder / "cur.parquet", rows), keep_columns=("discount",))
    assert house.value("SELECT x_discount FROM focus_data_table") == '{"EdpDiscount":-0.05}'


def test_a_file_of_aws_without_rows_is_told_and_loads_nothing(house: House, exports: Path) -> None:
    for schema in (CUR2, SPLIT, FOCUS):
        outcome = house.one(exports / SCHEMAS / schema, source=schema)
        assert (outcome.status, outcome.rows_read, outcome.charges) == ("empty", 0, 0)
    assert house.billed() == 0
