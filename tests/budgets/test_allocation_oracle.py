"""The allocation of charges to budgets, beside its SQL twin."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.budgets.ledger import sync_budgets
from pipeline.budgets.scopes import TagBudgets, allocate
from pipeline.config.budgets import ScopeBudget
from pipeline.store.warehouse import Warehouse
from tests.budgets.frames import budget, charge, config, daily

TWIN = Path(__file__).parent.parent / "oracles" / "budget_allocation.sql"
BILLED = (
    "SELECT * FROM daily_costs WHERE x_Origin = 'billed' AND x_BillingPeriod = '2026-03' AND ChargeDay <= '2026-03-20'"
)
VALUES = ["ml", "ML", "prod", "", "*", 'quo"te', "a:b", "ü"]
CHARGES = st.builds(
    charge,
    st.decimals(-(10**12), 10**12, places=18),
    st.integers(15, 25),
    st.dictionaries(st.sampled_from(["team", "env", "Team", "x y"]), st.sampled_from(VALUES), max_size=4),
    x_Provider=st.sampled_from(["aws", "gcp", None]),
    x_ResourceType=st.sampled_from(["aws:ec2/instance", "AWS:EC2/instance", None]),
    BillingCurrency=st.sampled_from(["USD", "EUR", None]),
    x_Origin=st.sampled_from(["billed", "billed", "recorded"]),
    x_BillingPeriod=st.sampled_from(["2026-03", "2026-03", "2026-02"]),
)
SELECTORS = [f"{key}:{value}" for key in ("team", "env", "Team") for value in ("*", "ml", "ML", "prod")]
TAG_BUDGETS = st.builds(
    lambda selector, priority, amount: budget(f"tag:{selector}", amount, priority=priority),
    st.sampled_from(SELECTORS),
    st.integers(-1, 2),
    st.sampled_from([0, 10, 10]),
)
BUDGETS = st.lists(TAG_BUDGETS, max_size=6, unique_by=lambda scope: scope.scope_key)


def fill(warehouse: Warehouse, rows: list[dict[str, object]], scopes: list[ScopeBudget]) -> None:
    zeros = {name: Decimal(0) for name in ("EffectiveCost", "ListCost", "ContractedCost", "ConsumedQuantity")}
    frame = daily(*rows).with_columns(
        *(pl.lit(value).alias(name) for name, value in {**zeros, "PricingQuantity": Decimal(0)}.items()),
        pl.lit(1).alias("x_ChargeCount"),
    )
    warehouse.execute("DELETE FROM daily_costs")
    warehouse.insert("daily_costs", frame)
    sync_budgets(warehouse, config(*scopes), datetime(2026, 3, 21))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(CHARGES, max_size=15), BUDGETS)
def test_allocation_agrees_with_its_twin(
    warehouse: Warehouse, rows: list[dict[str, object]], tagged: list[ScopeBudget]
) -> None:
    scopes = [budget(), budget("provider:aws"), budget("provider:gcp", 0), budget("type:aws:ec2/instance"), *tagged]
    with warehouse.transaction():
        fill(warehouse, rows, scopes)
    billed = warehouse.frame(BILLED)
    allocated = allocate(billed, scopes, TagBudgets(scopes).match_all(billed["x_ReportedTags"]))
    sums = allocated.group_by("budget_id", "BillingCurrency").agg(pl.col("x_Cost").sum())
    twin = warehouse.rows(TWIN.read_text(encoding="utf-8"), {"period": "2026-03", "through": date(2026, 3, 20)})
    assert sums.sort("budget_id", "BillingCurrency").rows() == twin


def test_the_twin_sees_a_tie_as_the_text_order_decides_it(warehouse: Warehouse) -> None:
    scopes = [budget(), budget("tag:team:ml", priority=1), budget("tag:Team:*", priority=1)]
    with warehouse.transaction():
        fill(warehouse, [charge("5", 15, {"team": "ml", "Team": "x"})], scopes)
    twin = warehouse.rows(TWIN.read_text(encoding="utf-8"), {"period": "2026-03", "through": date(2026, 3, 20)})
    assert twin == [("global", "USD", Decimal(5)), ("tag:Team:*", "USD", Decimal(5))]
