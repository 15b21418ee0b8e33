"""focus_data_table: what analysts query. SQL written for FOCUS data elsewhere runs on it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from pipeline import focus
from pipeline.store.warehouse import Warehouse
from tests import sample

TYPES = {"text": "VARCHAR", "decimal": "DECIMAL(38,18)", "datetime": "TIMESTAMP", "json": "JSON"}
#: The migrations' own record, no part of what analysts read.
INTERNAL = {"schema_versions"}

BY_SERVICE = """
    SELECT ServiceCategory, ServiceName, SUM(EffectiveCost) AS TotalEffectiveCost
    FROM focus_data_table
    WHERE BillingPeriodStart >= '2026-03-01' AND BillingPeriodEnd <= '2026-04-01'
    GROUP BY ServiceCategory, ServiceName
    ORDER BY TotalEffectiveCost DESC"""
BY_PROVIDER_AND_MONTH = """
    SELECT ProviderName, EXTRACT(MONTH FROM BillingPeriodStart) AS BillingMonth, BillingCurrency, SUM(BilledCost) AS Bill
    FROM focus_data_table
    GROUP BY ProviderName, EXTRACT(MONTH FROM BillingPeriodStart), BillingCurrency"""
OF_A_TEAM = """
    SELECT SubAccountId, ServiceName, SUM(BilledCost) AS TeamCost
    FROM focus_data_table
    WHERE Tags->>'team' = 'ml' AND BillingPeriodStart = TIMESTAMP '2026-03-01 00:00:00'
    GROUP BY SubAccountId, ServiceName"""
BY_DAY = """
    SELECT date_trunc('day', ChargePeriodStart) AS ChargeDay, SUM(BilledCost) AS UsageCost
    FROM focus_data_table
    WHERE ChargePeriodStart >= '2026-01-01' AND ChargePeriodEnd <= '2026-02-01'
        AND ChargeCategory = 'Usage' AND ChargeClass IS NULL
    GROUP BY date_trunc('day', ChargePeriodStart)"""
COMMITMENTS = """
    SELECT CommitmentDiscountId, CommitmentDiscountType, SUM(EffectiveCost) AS UsedCommitment
    FROM focus_data_table
    WHERE ChargeCategory = 'Usage' AND CommitmentDiscountStatus = 'Used' AND CommitmentDiscountCategory = 'Spend'
        AND BillingPeriodStart < '2026-02-01'
    GROUP BY CommitmentDiscountId, CommitmentDiscountType"""
CORRECTIONS = """
    SELECT ProviderName, BillingAccountId, ServiceCategory, SUM(BilledCost) AS Corrected
    FROM focus_data_table
    WHERE ChargeClass = 'Correction' AND ChargeCategory NOT IN ('Credit', 'Tax') AND ChargePeriodStart >= '2026-02-01'
        AND ChargePeriodStart < '2026-03-01'
    GROUP BY ProviderName, BillingAccountId, ServiceCategory"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with Warehouse.open(sample.warehouse(tmp_path_factory), read_only=True) as opened:
        yield opened


def summed(warehouse: Warehouse, query: str) -> Decimal:
    """The last column of a query's rows, summed."""
    value = warehouse.value(f"SELECT SUM(answer.money) FROM ({query}) AS answer ({_columns(warehouse, query)})")
    assert isinstance(value, Decimal)
    return value


def _columns(warehouse: Warehouse, query: str) -> str:
    names = [f"c{number}" for number in range(len(warehouse.frame(query).columns) - 1)]
    return ", ".join([*names, "money"])


def view_types(warehouse: Warehouse) -> dict[str, Any]:
    return {row[0]: row[1] for row in warehouse.rows("DESCRIBE focus_data_table")}


@pytest.mark.parametrize("column", focus.COLUMNS, ids=lambda column: column.name)
def test_the_view_has_each_focus_column_with_its_type(column: focus.Column, warehouse: Warehouse) -> None:
    assert view_types(warehouse)[column.name] == TYPES[column.kind]


def test_what_is_not_of_focus_says_so_in_its_name(warehouse: Warehouse) -> None:
    others = set(view_types(warehouse)) - {column.name for column in focus.COLUMNS}
    assert all(name.startswith("x_") for name in others)


def test_the_view_has_every_charge_once(warehouse: Warehouse) -> None:
    counts = warehouse.rows(
        "SELECT (SELECT count(*) FROM focus_data_table), (SELECT count(*) FROM charges), (SELECT sum(charges) FROM loads "
        "WHERE status = 'loaded')"
    )
    assert counts[0][0] == counts[0][1] == counts[0][2] > 6000


def test_costs_by_service_sum_to_the_month(warehouse: Warehouse) -> None:
    assert summed(warehouse, BY_SERVICE) == sample.file_sum("EffectiveCost", period="2026-03")


@pytest.mark.parametrize("provider", ["AWS", "Microsoft"])
def test_costs_by_provider_and_month_are_the_bills(provider: str, warehouse: Warehouse) -> None:
    bills = {(name, month): bill for name, month, _, bill in warehouse.rows(BY_PROVIDER_AND_MONTH)}
    scope = "provider:" + focus.canonical_provider(provider)
    assert [bills[provider, month] for month in (1, 2, 3)] == [
        sample.scope(scope, period) for period in ("2026-01", "2026-02", "2026-03")
    ]


def test_a_tag_in_json_finds_a_teams_money(warehouse: Warehouse) -> None:
    assert summed(warehouse, OF_A_TEAM) == sample.scope("tag:team:ml", "2026-03")


def test_usage_by_day_sums_to_the_months_usage(warehouse: Warehouse) -> None:
    assert len(warehouse.rows(BY_DAY)) == 31
    assert summed(warehouse, BY_DAY) == sample.scope("global", "2026-01", "usage")


def test_used_commitments_are_what_the_savings_plan_used(warehouse: Warehouse) -> None:
    used = sample.file_sum("savings_plan_used_commitment", period="2026-01", source="aws-prod")
    assert summed(warehouse, COMMITMENTS) == used


def test_corrections_are_the_refund_of_february(warehouse: Warehouse) -> None:
    assert summed(warehouse, CORRECTIONS) == Decimal("-63.20")


def test_every_table_and_view_says_what_it_is(warehouse: Warehouse) -> None:
    silent = warehouse.rows("""
        SELECT table_name FROM duckdb_tables() WHERE comment IS NULL AND NOT internal
        UNION ALL SELECT view_name FROM duckdb_views() WHERE comment IS NULL AND NOT internal""")
    assert {row[0] for row in silent} <= INTERNAL


def test_every_column_of_charges_says_what_it_is(warehouse: Warehouse) -> None:
    silent = warehouse.rows(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = 'charges' AND coalesce(comment, '') = ''"
    )
    assert silent == []
