"""Policies as rows of the table ``budgets``: read and written. A deleted one ends, its row and its history stay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pipeline.budgets.policies import Policy
from pipeline.budgets.policy_budgets import alerts_of, period_by
from pipeline.config.budgets import AlertThreshold
from pipeline.money import stored, text
from pipeline.store import loads
from pipeline.store.warehouse import Warehouse

ORIGIN = "policy"

#: Field of a policy -> column of the table, in the order of the fields.
_COLUMNS = {
    "name": "name",
    "limit": "amount",
    "scope": "policy_scope",
    "scope_id": "policy_scope_id",
    "period": "period",
    "currency": "currency",
    "soft_limit_percent": "soft_limit_percent",
    "hard_limit_action": "hard_limit_action",
    "rollover": "rollover",
    "priority": "priority",
    "enabled": "enabled",
    "owner": "owner",
    "origin": "counted_origin",
    "metadata": "metadata",
    "tenant_id": "tenant_id",
    "id": "scope_key",
    "created_at": "started_at",
    "created_by": "created_by",
    "updated_at": "updated_at",
    "updated_by": "updated_by",
}


def read(warehouse: Warehouse, where: str = "true", values: dict[str, Any] | None = None) -> list[Policy]:
    """Return the policies that are there, those of ``where``, a condition on the table's columns; by id."""
    rows = warehouse.rows(
        f"""SELECT {", ".join(_COLUMNS.values())} FROM budgets
        WHERE origin = '{ORIGIN}' AND ended_at IS NULL AND ({where}) ORDER BY scope_key""",
        values,
    )
    return [_policy(row) for row in rows]


def is_taken(warehouse: Warehouse, policy: Policy) -> bool:
    """Whether a policy has, or had, this id."""
    return bool(warehouse.value("SELECT count(*) FROM budgets WHERE budget_id = ?", [policy.budget_id]))


def insert(warehouse: Warehouse, policy: Policy) -> None:
    """Append a new policy, in the caller's transaction."""
    row = {"budget_id": policy.budget_id, "origin": ORIGIN, "scope_type": "policy", **_row(policy)}
    loads.insert(warehouse, "budgets", row)


def update(warehouse: Warehouse, policy: Policy) -> None:
    """Write what a policy says now, in the caller's transaction."""
    row = _row(policy)
    assignments = ", ".join(f"{name} = ?" for name in row)
    warehouse.execute(f"UPDATE budgets SET {assignments} WHERE budget_id = ?", [*row.values(), policy.budget_id])


def end(warehouse: Warehouse, policy: Policy, now: datetime) -> None:
    """Note that a policy is deleted, in the caller's transaction."""
    update(warehouse, policy)
    warehouse.execute("UPDATE budgets SET ended_at = ? WHERE budget_id = ?", [now, policy.budget_id])


def alerts_json(alerts: Iterable[AlertThreshold]) -> str:
    """Return thresholds as the column ``alerts`` has them."""
    return json.dumps(
        [
            {"threshold": text(alert.threshold), "type": alert.type, "exit": alert.exit, "unit": alert.unit}
            for alert in alerts
        ]
    )


def _row(policy: Policy) -> dict[str, Any]:
    row = {column: getattr(policy, name) for name, column in _COLUMNS.items()}
    return {
        **row,
        "amount": stored(policy.exact_limit),
        "metadata": json.dumps(policy.metadata, ensure_ascii=False, sort_keys=True),
        "alerts": alerts_json(alerts_of(policy)),
        "period_by": period_by(policy),
    }


def _policy(row: Sequence[Any]) -> Policy:
    values = dict(zip(_COLUMNS, row, strict=True))
    return Policy(**{**values, "metadata": json.loads(values["metadata"] or "{}")})
