"""Budgets of ``BudgetManager`` as rows of the table ``budgets``: read and written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pipeline.budgets.billed import Billed
from pipeline.budgets.managed import Budget, as_budget, id_of, ratio_of
from pipeline.budgets.policy_table import alerts_json
from pipeline.entries import CostCategory
from pipeline.money import stored
from pipeline.store import loads
from pipeline.store.warehouse import Warehouse

ORIGIN = "manager"

#: Field of a budget -> column of the table.
_COLUMNS = {
    "name": "name",
    "amount": "amount",
    "period": "period",
    "category": "category",
    "tags_filter": "tags_filter",
    "alert_thresholds": "alerts",
    "currency": "currency",
    "origin": "counted_origin",
    "enabled": "enabled",
    "tenant_id": "tenant_id",
    "created_at": "started_at",
    "created_by": "created_by",
    "updated_at": "updated_at",
    "updated_by": "updated_by",
}


def read(warehouse: Warehouse) -> list[Budget]:
    """Return the budgets that are there, by tenant and id."""
    rows = warehouse.rows(f"SELECT {', '.join(_COLUMNS.values())} FROM budgets WHERE origin = '{ORIGIN}'")
    return sorted(map(_budget, rows), key=lambda budget: (budget.tenant_id or "", budget.id))


def write(warehouse: Warehouse, budget: Budget) -> None:
    """Write a budget, in the place of the one with its id, in the caller's transaction."""
    row = {"budget_id": budget.budget_id, "origin": ORIGIN, "scope_type": "managed", "scope_key": budget.scope_key}
    counted = as_budget(budget, Billed())
    values = {column: getattr(budget, name) for name, column in _COLUMNS.items()}
    values |= {
        "amount": stored(budget.amount),
        "category": budget.category.value if budget.category else None,
        "tags_filter": json.dumps(budget.tags_filter, ensure_ascii=False, sort_keys=True),
        "alerts": alerts_json(counted.alerts),
        "period_by": counted.period_by,
        "priority": 0,
    }
    warehouse.execute("DELETE FROM budgets WHERE budget_id = ?", [budget.budget_id])
    loads.insert(warehouse, "budgets", {**row, **values})


def is_of_the_file(warehouse: Warehouse, name: str) -> bool:
    """Whether the configuration file has a budget of this name, or one whose id the name would have."""
    rows = warehouse.rows("SELECT budget_id, name FROM budgets WHERE origin = 'file' AND ended_at IS NULL")
    return any(id_of(name) in (budget_id, id_of(own or "")) for budget_id, own in rows)


def _budget(row: Sequence[Any]) -> Budget:
    values = dict(zip(_COLUMNS, row, strict=True))
    alerts = json.loads(values["alert_thresholds"])
    return Budget(
        **{
            **values,
            "id": id_of(values["name"]),
            "category": None if values["category"] is None else CostCategory(values["category"]),
            "tags_filter": json.loads(values["tags_filter"]),
            "alert_thresholds": tuple(ratio_of(Decimal(each["threshold"])) for each in alerts),
        }
    )
