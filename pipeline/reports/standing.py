"""Budgets of the file, their alerts, and policies in a billing period, as the last run judged them: a report never judges
anew. A tenant's file has policies alone: they are its budgets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipeline import periods
from pipeline.budgets import windows
from pipeline.budgets.alert_table import ANOMALY
from pipeline.periods import Span, Window, to_utc
from pipeline.reports.model import Alert, Budget, PolicyStatus, Standing, Threshold
from pipeline.store.warehouse import Warehouse

#: From worst to best; a budget that cannot be judged does not hide one that can.
HEALTH = ("EXCEEDED", "CRITICAL", "WARNING", "UNSPECIFIED", "OK")

#: A report lists each budget's newest window that ended in its month; that of the latest month also those that go on.
_OF_THE_FILE = ["global", "provider", "tag", "type"]
_POLICIES = ["policy"]
_APART = [*_POLICIES, "managed"]
_BUDGETS = """
WITH latest AS (
    SELECT max(x_BillingPeriod) AS x_BillingPeriod FROM source_periods WHERE x_Origin = 'billed' AND charges > 0
)
SELECT status.*, budgets.name, budgets.owner, budgets.policy_scope, budgets.policy_scope_id, budgets.tenant_id,
    budgets.hard_limit_action, budgets.counted_origin,
    coalesce(budgets.basis, 'billed') = 'billed' AND budgets.filter IS NULL
        AND coalesce(budgets.period_by, 'billing') = 'billing' AS is_billed
FROM budget_status AS status
LEFT JOIN budgets USING (budget_id)
WHERE
    list_contains($types, status.scope_type) AND period_start < $end AND period_end > $start
    AND (status.scope_type NOT IN ('policy', 'managed') OR budgets.ended_at IS NULL)
    AND ($overlapping OR period_end <= $end OR coalesce((SELECT x_BillingPeriod FROM latest) <= $period, true))
QUALIFY row_number() OVER (PARTITION BY budget_id ORDER BY period_start DESC, period_end DESC) = 1
ORDER BY position, budget_id
"""
_ALERTS = """
WITH places AS (SELECT budget_id, max_by(position, period_start) AS position FROM budget_status GROUP BY budget_id)
SELECT alerts.*, budgets.name, budgets.scope_key
FROM budget_alerts AS alerts
LEFT JOIN budgets USING (budget_id)
LEFT JOIN places USING (budget_id)
WHERE
    x_BillingPeriod BETWEEN $first AND $period
    AND (NOT $overlapping OR (period_start < $end AND period_end > $start))
    AND ($policies OR coalesce(budgets.origin, 'file') = 'file')
ORDER BY list_position(['open', 'acknowledged', 'suppressed', 'resolved'], alerts.status),
    places.position NULLS LAST, budget_id, type, threshold DESC, alerts.period_start DESC, occurrence DESC
"""


def read_standing(warehouse: Warehouse, period: str, tenant: str | None = None) -> Standing:
    """Read all budgets and policies in report order, and the budgets' alerts: open ones first, resolved ones last.

    Args:
        tenant: whose file it is.
    """
    return read_span_standing(warehouse, periods.parse_span(period), tenant)


def read_span_standing(warehouse: Warehouse, span: Span, tenant: str | None = None) -> Standing:
    """Read them for any span: of days, the windows that hold its newest ones, and the alerts of windows that it touches.

    Args:
        tenant: whose file it is.
    """
    own, is_days = span.window, not span.by_billing_period
    given = {"period": span.last_month, "start": own.start, "end": own.end, "overlapping": is_days}
    shown, limits = (_OF_THE_FILE, _POLICIES) if tenant is None else (_APART, [])
    rows = warehouse.frame(_BUDGETS, {**given, "types": [*shown, *limits]}).to_dicts()
    budgets = tuple(_budget(row, own) for row in rows if row["scope_type"] in shown)
    policies = tuple(_policy(row, own) for row in rows if row["scope_type"] in limits)
    asked = {**given, "first": span.first_month, "policies": tenant is not None}
    alerts = tuple(_alert(row, own) for row in warehouse.frame(_ALERTS, asked).to_dicts())
    found = {budget.health for budget in budgets if budget.enabled}
    worst = next((health for health in HEALTH if health in found), "UNSPECIFIED")
    return Standing(worst, budgets, alerts, policies)


def _policy(row: Mapping[str, Any], own: Window) -> PolicyStatus:
    which = f":{row['policy_scope_id']}" if row["policy_scope_id"] else ""
    return PolicyStatus(
        budget=_budget(row, own),
        scope=f"{row['policy_scope']}{which}",
        tenant=row["tenant_id"],
        action=row["hard_limit_action"],
        counts=row["counted_origin"],
    )


def _budget(row: Mapping[str, Any], own: Window) -> Budget:
    thresholds = [
        Threshold(Decimal(str(alert["threshold"])), alert["type"], alert["state"], alert.get("unit", "percent"))
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
        thresholds=tuple(sorted(thresholds, key=lambda own: (own.type, own.unit != "percent", own.threshold))),
        unconverted=tuple((code, Decimal(str(amount))) for code, amount in sorted(unconverted.items())),
        window=_window(row, own),
        is_billed=bool(row["is_billed"]),
    )


def _window(row: Mapping[str, Any], own: Window) -> str | None:
    """The window's name; None for the report's own time."""
    window = Window(row["period_start"], row["period_end"])
    return None if window == own else windows.name_of(row["period"], window)


def _alert(row: Mapping[str, Any], own: Window) -> Alert:
    return Alert(
        budget=row["budget_id"],
        name=_alert_name(row),
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
        unit=row["unit"],
        window=_window(row, own),
    )


def _alert_name(row: Mapping[str, Any]) -> str:
    """The budget's name or scope; of an anomaly its service, or that it is the total's."""
    if row["type"] == ANOMALY:
        _, _, *place = row["budget_id"].split(":", 3)
        return f"{place[1]} ({place[0]})" if place else "All usage"
    return row["name"] or row["scope_key"] or ("All spend" if row["budget_id"] == "global" else row["budget_id"])


def _last(history: str, event: str) -> datetime | None:
    moments = [entry["at"] for entry in json.loads(history) if entry["event"] == event]
    return to_utc(datetime.fromisoformat(moments[-1])) if moments else None
