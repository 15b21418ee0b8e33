"""Charges with everything that makes a bill hard, by seed or by Hypothesis, and a real warehouse that holds them.

Two bills that matter (February and March 2026) and one beside them, two currencies and none, credits, refunds and
taxes in one charge or apart, NULL costs, no resource, no tags, empty tag values, charges dated outside their month.
"""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import strategies as st

from pipeline.store import rollups
from pipeline.store.warehouse import Warehouse
from tests.summaries.rows import COSTS, MONEY
from tests.summaries.rows import RESOURCES as RESOURCES_TYPES

PERIOD = "2026-03"
_FIRST_MOMENT = datetime(2026, 1, 30, 5)


def _key(content: object) -> str:
    return str(uuid.UUID(hashlib.md5(json.dumps(content).encode()).hexdigest()))


def _resource(*values: str | None) -> dict[str, Any]:
    return dict(zip(RESOURCES_TYPES, (_key(values), *values), strict=True))


RESOURCES = [
    _resource("aws", "111", "prod", "eu-west-1", "Ireland", "i-1", "web", "Instance", "aws:ec2/instance"),
    _resource("aws", "111", "prod", "eu-west-1", "EU (Ireland)", "i-1", "web", "Instance", "aws:ec2/instance"),
    _resource("aws", "111", "prod", "eu-west-1", "Ireland", "i-1", "web-renamed", "Instance", "aws:ec2/instance"),
    _resource("aws", "222", None, "us-east-1", None, "vol-1", None, "Volume", "aws:ec2/volume"),
    _resource("gcp", "p-1", "lab", None, None, "", "", None, "gcp:bigquery"),
    _resource("aws", "111", "prod", None, None, None, None, None, None),
    _resource(None, None, None, None, None, None, None, None, None),
]
TAG_SETS = [
    {"env": "prod", "team": "web"},
    {"env": "dev", "team": "web"},
    {"team": ""},
    {"cost.center": "42", 'say "who"': "Ünïcode ☂"},
    {"env": "prod"},
]
POOLS: dict[str, list[Any]] = {
    "x_Source": ["aws-prod", "gcp"],
    "x_Origin": ["billed"] * 7 + ["recorded"],
    "x_BillingPeriod": [PERIOD] * 4 + ["2026-02"] * 4 + ["2026-01"],
    "x_ResourceKey": [resource["x_ResourceKey"] for resource in RESOURCES],
    "x_TagSetId": [None, None, *map(_key, TAG_SETS)],
    "BillingCurrency": ["USD"] * 4 + ["EUR"] * 2 + [None],
    "BillingAccountId": ["111", None],
    "ServiceCategory": ["Compute", "Storage", None],
    "ServiceName": ["Amazon EC2", "Amazon S3", "BigQuery", "", None],
    "ChargeCategory": ["Usage"] * 5 + ["Purchase", "Credit", "Tax", "Adjustment", None],
    "ChargeClass": [None] * 5 + ["Correction"],
    "x_Provider": ["aws"] * 4 + ["gcp", None],
    "CommitmentDiscountId": [None, None, "plan-1", "plan-2", "reserved"],
    "CommitmentDiscountName": [None, "three years", "one year"],
    "CommitmentDiscountType": ["Savings Plan", None],
    "CommitmentDiscountCategory": ["Spend", "Usage", None],
    "CommitmentDiscountStatus": ["Used"] * 4 + ["Unused", None],
    "CommitmentDiscountUnit": ["Hours"] * 8 + ["USD", None],
    "x_SourceChanges": [None] * 40 + ["unit derived_effective"] + ["price number"] * 9,
    "ChargePeriodStart": [_FIRST_MOMENT + timedelta(hours=7 * number) for number in range(220)],
    "SkuId": ["JRTCKXETXF"] * 6 + [None],
    "SkuMeter": ["BoxUsage:m5.large"] * 5 + [None],
    "PricingUnit": ["Hours"] * 8 + ["GB", None],
    "ConsumedUnit": ["Hours", "Seconds", None],
}
MEASURES = (*COSTS, "ConsumedQuantity", "PricingQuantity", "CommitmentDiscountQuantity")
_CHARGES: dict[str, pl.DataType] = {
    **dict.fromkeys(POOLS, pl.String()),
    **dict.fromkeys(MEASURES, MONEY),
    "ChargePeriodStart": pl.Datetime("us"),
}


def charges(seed: int, count: int = 400) -> list[dict[str, Any]]:
    """The charges of a seed, always the same."""
    chance = random.Random(seed)
    return [_charge(chance) for _ in range(count)]


def any_charges() -> st.SearchStrategy[list[dict[str, Any]]]:
    """A bill of Hypothesis: up to 25 charges."""
    dimensions = {name: st.sampled_from(pool) for name, pool in POOLS.items()}
    amounts = {name: st.none() | st.builds(_amount, st.integers(-(10**9), 10**9), _PLACES) for name in MEASURES}
    return st.lists(st.fixed_dictionaries({**dimensions, **amounts}), max_size=25)


_SCALES = (0, 2, 2, 6, 12, 18)
_PLACES = st.sampled_from(_SCALES)


def _charge(chance: random.Random) -> dict[str, Any]:
    dimensions = {name: chance.choice(pool) for name, pool in POOLS.items()}
    return dimensions | {name: _random_amount(chance) for name in MEASURES}


def _random_amount(chance: random.Random) -> Decimal | None:
    if chance.random() < 0.1:
        return None
    return _amount(chance.randrange(-(10**8), 10**9), chance.choice(_SCALES))


def _amount(digits: int, places: int) -> Decimal:
    return Decimal(digits).scaleb(-places)


def fill(warehouse: Warehouse, bill: Sequence[dict[str, Any]]) -> None:
    """Put the charges, and no others, into a warehouse with their dimensions and rollups."""
    for table in ("charges", "resources", "tag_sets", "tags", "daily_costs", "resource_costs", "commitment_costs"):
        warehouse.execute(f"DELETE FROM {table}")
    warehouse.insert("charges", pl.DataFrame(list(bill), schema=_CHARGES))
    warehouse.insert("resources", pl.DataFrame(RESOURCES, schema=RESOURCES_TYPES))
    sets = [(_key(tags), json.dumps(tags, ensure_ascii=False, separators=(",", ":"))) for tags in TAG_SETS]
    warehouse.insert("tag_sets", pl.DataFrame(sets, schema=["x_TagSetId", "Tags"], orient="row"))
    pairs = [(_key(tags), key, value) for tags in TAG_SETS for key, value in tags.items()]
    warehouse.insert("tags", pl.DataFrame(pairs, schema=["x_TagSetId", "TagKey", "TagValue"], orient="row"))
    roll_up(warehouse)


def roll_up(warehouse: Warehouse) -> None:
    """Make the rollups of all charges as a load does; no tag is reported in daily_costs."""
    for source, period in warehouse.rows("SELECT DISTINCT x_Source, x_BillingPeriod FROM charges"):
        rollups.refresh(warehouse, source, period, ())
