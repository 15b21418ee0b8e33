"""The table ``budgets``: what the file says now, and what it once said. Rows end, they are never deleted."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pipeline.config.budgets import AlertThreshold, BudgetsConfig, ScopeBudget
from pipeline.money import stored, text
from pipeline.rules import plain
from pipeline.store import loads
from pipeline.store.warehouse import Warehouse

logger = logging.getLogger(__name__)

ORIGIN = "file"

ChangeKind = Literal["added", "changed", "ended", "resumed"]

#: What the file states, in the table's order; the other columns are the ledger's own.
_STATED = (
    "scope_type", "scope_key", "name", "owner", "amount", "currency", "period", "priority", "alerts", "enabled",
    "period_by", "starts", "ends", "planned", "rollover", "parent", "basis", "filter",
)  # fmt: skip


@dataclass(frozen=True)
class BudgetChange:
    """How the table changed: added, changed, ended (left the file) or resumed (came back to it)."""

    kind: ChangeKind
    budget_id: str


def sync_budgets(warehouse: Warehouse, config: BudgetsConfig, now: datetime) -> list[BudgetChange]:
    """Bring the budgets of the file into the table. Runs in the caller's transaction; no difference, no write.

    Args:
        config: an empty one ends every budget of the file.
        now: UTC; when a new budget starts and a missing one ends. One that comes back keeps its start.

    Returns:
        The changes, by budget id.
    """
    known = _known(warehouse)
    wanted = {scope.budget_id: scope for scope in config.scopes}
    changes = []
    for budget_id in sorted({*known, *wanted}):
        kind = _sync(warehouse, budget_id, wanted.get(budget_id), known.get(budget_id), now)
        if kind is not None:
            changes.append(BudgetChange(kind, budget_id))
            logger.info("budget %s: %s", budget_id, kind)
    added = [wanted[change.budget_id] for change in changes if change.kind == "added"]
    common = {"origin": ORIGIN, "started_at": now}
    loads.insert(warehouse, "budgets", *({"budget_id": each.budget_id, **common, **_stated(each)} for each in added))
    return changes


def _sync(
    warehouse: Warehouse, budget_id: str, scope: ScopeBudget | None, row: Mapping[str, Any] | None, now: datetime
) -> ChangeKind | None:
    """Say how a budget differs from its row, and bring the row in line; what is added the caller writes, all at once."""
    if scope is None:
        if row is None or row["ended_at"] is not None:
            return None
        warehouse.execute("UPDATE budgets SET ended_at = ? WHERE budget_id = ?", [now, budget_id])
        return "ended"
    if row is None:
        return "added"
    stated = _stated(scope)
    if row["ended_at"] is None and all(row[name] == value for name, value in stated.items()):
        return None
    assignments = ", ".join(f"{name} = ?" for name in _STATED)
    statement = f"UPDATE budgets SET {assignments}, ended_at = NULL WHERE budget_id = ?"
    warehouse.execute(statement, [*stated.values(), budget_id])
    return "changed" if row["ended_at"] is None else "resumed"


def _known(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    names = ("budget_id", *_STATED, "ended_at")
    rows = warehouse.rows(f"SELECT {', '.join(names)} FROM budgets WHERE origin = ?", [ORIGIN])
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def _stated(scope: ScopeBudget) -> dict[str, Any]:
    values = {name: getattr(scope, name) for name in _STATED}
    values["amount"] = stored(scope.amount)
    values["filter"] = json.dumps(plain(scope.filter)) if scope.filter else None
    values["planned"] = json.dumps({label: text(amount) for label, amount in scope.planned})
    values["rollover"] = None if scope.rollover is None else stored(scope.rollover)
    values["alerts"] = json.dumps([_alert(alert) for alert in scope.alerts])
    return values


def _alert(alert: AlertThreshold) -> dict[str, Any]:
    return {"threshold": text(alert.threshold), "type": alert.type, "exit": alert.exit, "unit": alert.unit}
