"""What each owner's accounts cost, where the configuration names owners, and each tenant's charges, where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline import money
from pipeline.reports.model import Owner, Owners
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse

TOP_OWNERS = 15

_OWNERS = """
SELECT d.BillingCurrency, coalesce(own.owner, billing.owner) AS owner,
    count(DISTINCT coalesce(d.SubAccountId, d.BillingAccountId)) AS accounts,
    sum(d.BilledCost) AS billed, sum(d.EffectiveCost) AS effective
FROM daily_costs AS d
LEFT JOIN accounts AS own ON own.account_id = d.SubAccountId
LEFT JOIN accounts AS billing ON billing.account_id = d.BillingAccountId
WHERE d.x_BillingPeriod = ? AND d.x_Origin = 'billed'
GROUP BY ALL ORDER BY ALL"""
_OF_TENANTS = """
FROM daily_costs WHERE x_BillingPeriod = ? AND x_Origin = 'billed' AND x_TenantId IS NOT NULL"""
_TENANTS = """
SELECT BillingCurrency, x_TenantId AS owner, count(DISTINCT coalesce(SubAccountId, BillingAccountId)) AS accounts,
    sum(BilledCost) AS billed, sum(EffectiveCost) AS effective
FROM daily_costs
WHERE x_BillingPeriod = ? AND x_Origin = 'billed'
GROUP BY ALL ORDER BY ALL"""


def read_owners(warehouse: Warehouse, period: str) -> dict[str | None, Owners]:
    """Read the owners' costs by currency; empty when no account has an owner. They sum to the bill."""
    if not warehouse.value("SELECT count(owner) FROM accounts"):
        return {}
    return _by_currency(warehouse.frame(_OWNERS, [period]).to_dicts())


def read_tenants(warehouse: Warehouse, period: str) -> dict[str | None, Owners]:
    """Read the tenants' costs by currency; empty when no charge is a tenant's, and in a tenant's own file. They sum to the bill."""
    any_tenant = f"SELECT EXISTS ({_OF_TENANTS})"
    if not warehouse.value(any_tenant, [period]) or owner(warehouse) is not None:
        return {}
    return _by_currency(warehouse.frame(_TENANTS, [period]).to_dicts())


def _by_currency(rows: Sequence[Mapping[str, Any]]) -> dict[str | None, Owners]:
    return {
        currency: _owners([row for row in rows if row["BillingCurrency"] == currency])
        for currency in {row["BillingCurrency"] for row in rows}
    }


def _owners(rows: Sequence[Mapping[str, Any]]) -> Owners:
    whole = money.total(row["billed"] for row in rows)
    owners = sorted(
        (_owner(row, whole) for row in rows), key=lambda own: (own.name is None, -own.billed, own.name or "")
    )
    cut = TOP_OWNERS if len(owners) > TOP_OWNERS + 1 else len(owners)
    shown = [own for own in owners[:cut] if own.name is not None]
    hidden = [own for own in owners[cut:] if own.name is not None]
    rest = _together(hidden, whole) if hidden else None
    unowned = next((own for own in owners if own.name is None), None)
    return Owners(tuple(shown), len(hidden), rest, unowned, _together(owners, whole))


def _owner(row: Mapping[str, Any], whole: Decimal) -> Owner:
    return Owner(row["owner"], row["accounts"], row["billed"], row["effective"], money.percent(row["billed"], whole))


def _together(owners: Sequence[Owner], whole: Decimal) -> Owner:
    billed = money.total(own.billed for own in owners)
    effective = money.total(own.effective for own in owners)
    return Owner(None, sum(own.accounts for own in owners), billed, effective, money.percent(billed, whole))
