"""Budgets and alerts of a billing period, as the last run judged them: a report never judges anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipeline.periods import to_utc
from pipeline.reports.model import Alert, Budget, Standing, Threshold
from pipeline.store.warehouse import Warehouse

#: From worst to best; a budget that cannot be judged does not hide one that can.
HEALTH = ("EXCEEDED", "CRITICAL", "WARNING", "UNSPECIFIED", "OK")

_BUDGETS = """
SELECT status.*, budgets.name, budgets.owner
FROM budget_status AS status
LEFT JOIN budgets USING (budget_id)
WHERE x_BillingPeriod = ?
ORDER BY position, budget_id
"""
_ALERTS = """
SELECT alerts.*, budgets.name, budgets.scope_key
FROM budget_alerts AS alerts
LEFT JOIN budgets USING (budget_id)
LEFT JOIN budget_status AS standing USING (x_BillingPeriod, budget_id)
WHERE x_BillingPeriod = ?
ORDER BY list_position(['open', 'acknowledged', 'suppressed', 'resolved'], alerts.status),
    standing.position NULLS LAST, budget_id, type, threshold DESC, occurrence DESC
"""


def read_standing(warehouse: Warehouse, period: str) -> Standing:
    """Read all budgets in report order, and the alerts: open ones first, resolved ones last."""
    budgets = tuple(_budget(row) for row in warehouse.frame(_BUDGETS, [period]).to_dicts())
    alerts = tuple(_alert(row) for row in warehouse.frame(_ALERTS, [period]).to_dicts())
    found = {budget.health for budget in budgets if budget.enabled}
    worst = next((health for health in HEALTH if health in found), "UNSPECIFIED")
    return Standing(worst, budgets, alerts)


def _budget(row: Mapping[str, Any]) -> Budget:
    thresholds = [
        Threshold(Decimal(str(alert["threshold"])), alert["type"], alert["state"])
        for alert in json.loads(row["alerts"])
    ]
    unconverted = json.loads(row["unconverted"])
    return Budget(
        id=row["budget_id"],
        scope_type=row["scope_type"],
        scope_key=row["scope_key"],
        name=row["name"],
        owner=row["owner"],
        currency=row["currency"],
        enabled=row["enabled"],
        limit=row["effective_limit"],
        spend=row["current_spend"],
        percentage=row["percentage"],
        forecast=row["forecasted_spend"],
        forecast_percentage=row["forecast_percentage"],
        forecast_note=row["forecast_note"],
        health=row["health"] if row["enabled"] else "DISABLED",
        thresholds=tuple(sorted(thresholds, key=lambda own: (own.type, own.threshold))),
        unconverted=tuple((code, Decimal(str(amount))) for code, amount in sorted(unconverted.items())),
    )


def _alert(row: Mapping[str, Any]) -> Alert:
    return Alert(
        budget=row["budget_id"],
        name=row["name"] or row["scope_key"] or ("All spend" if row["budget_id"] == "global" else row["budget_id"]),
        threshold=row["threshold"],
        type=row["type"],
        status=row["status"],
        severity=row["severity"],
        currency=row["currency"],
        spend=row["spend"],
        limit=row["effective_limit"],
        percentage=row["percentage"],
        fired_at=row["fired_at"],
        resolved_at=row["resolved_at"],
        reopened_at=_last(row["history"], "reopened"),
        reason=row["reason"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        snoozed_until=row["snoozed_until"] if row["status"] in ("open", "acknowledged") else None,
    )


def _last(history: str, event: str) -> datetime | None:
    moments = [entry["at"] for entry in json.loads(history) if entry["event"] == event]
    return to_utc(datetime.fromisoformat(moments[-1])) if moments else None
