"""Events of an evaluation and of alerts, made, kept in the table ``budget_events``, and read by whoever may see them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from pipeline.actors import Actor, Permission
from pipeline.budgets import alert_table, windows
from pipeline.budgets.alert_table import ANOMALY, Alert
from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.events import (
    KEPT,
    AlertAcknowledged,
    AlertTriggered,
    ApproachingLimit,
    BudgetEvent,
    KeptEvent,
    LimitExceeded,
    ThresholdReached,
)
from pipeline.budgets.model import BudgetStatus, Health
from pipeline.config.budgets import ROLLING
from pipeline.errors import UsageError, near
from pipeline.store.warehouse import Warehouse

#: Health of each budget in each window, by what tells their alerts apart: budget, period and start.
Healths = Mapping[tuple[str, str, datetime], Health]

_BY_HEALTH: dict[Health, type[BudgetEvent]] = {
    "WARNING": ApproachingLimit,
    "CRITICAL": ApproachingLimit,
    "EXCEEDED": LimitExceeded,
}
_SCHEMA: dict[str, pl.DataType] = {
    "number": pl.Int64(),
    "event": pl.String(),
    "happened_at": pl.Datetime("us"),
    **{name: pl.String() for name in ("actor", "tenant_id", "budget_id", "payload")},
}
_LIST = """
SELECT number, payload FROM budget_events
WHERE ($all OR tenant_id IS NOT DISTINCT FROM $tenant)
    AND ($since IS NULL OR happened_at >= $since)
    AND (len($names) = 0 OR list_contains($names, event))
ORDER BY number"""


def healths(warehouse: Warehouse) -> Healths:
    """Return how budgets stood in each window when it was judged last: read it before the status is written."""
    rows = warehouse.rows("SELECT budget_id, period, period_start, health FROM budget_status")
    return {
        (budget_id, period, windows.FIRST if period in ROLLING else start): health
        for budget_id, period, start, health in rows
    }


def of_health(before: Healths, statuses: Iterable[BudgetStatus], now: datetime) -> list[KeptEvent]:
    """Return an event for each window that is now nearer to its limit, or past it, than it was when last judged."""
    made: list[KeptEvent] = []
    for status in statuses:
        kind = _BY_HEALTH.get(status.health)
        start = windows.alert_start(status.budget, status.window)
        former = _BY_HEALTH.get(before.get((status.budget_id, status.budget.period, start), "OK"))
        is_news = kind is not None and kind is not former and former is not LimitExceeded
        if kind and is_news and status.current_spend is not None and status.percentage is not None:
            made.append(
                kind(
                    at=now,
                    tenant=status.budget.tenant_id,
                    budget_id=status.budget_id,
                    period=windows.noted_period(status.window, now),
                    period_start=start,
                    currency=status.currency,
                    spend=status.current_spend,
                    limit=status.effective_limit,
                    percentage=status.percentage,
                )
            )
    return made


def of_alerts(warehouse: Warehouse, changes: Sequence[AlertChange], now: datetime) -> list[KeptEvent]:
    """Return what the changes of an evaluation tell: thresholds reached, and alerts that people are to be told of."""
    rows = alert_table.read(
        warehouse, "WHERE alert_id IN (SELECT unnest(?))", [[change.alert_id for change in changes]]
    ) if changes else []  # fmt: skip
    alerts = {alert.alert_id: alert for alert in rows}
    made: list[KeptEvent] = []
    for change in changes:
        common = _of_alert(alerts[change.alert_id], now)
        if change.kind in ("fired", "reopened") and change.type != ANOMALY:
            made.append(ThresholdReached(**common))
        if change.is_told:
            made.append(AlertTriggered(**common, alert_id=change.alert_id, kind=change.kind, severity=change.severity))
    return made


def acknowledged(alert: Alert, actor: Actor, now: datetime) -> AlertAcknowledged:
    """Return what an acknowledgement tells."""
    return AlertAcknowledged(
        at=now,
        actor=actor.id,
        tenant=alert.tenant_id,
        budget_id=alert.budget_id,
        period=alert.x_BillingPeriod,
        period_start=alert.period_start,
        threshold=alert.threshold,
        unit=alert.unit,
        type=alert.type,
        alert_id=alert.alert_id,
        note=alert.note,
    )


def keep(warehouse: Warehouse, events: Sequence[KeptEvent]) -> None:
    """Append events, inside the transaction of what they tell of."""
    last: int = warehouse.value("SELECT coalesce(max(number), 0) FROM budget_events") if events else 0
    rows = [
        (
            *(number, event.name, event.at, event.actor, event.tenant, event.budget_id),
            json.dumps(event.to_json_dict(), ensure_ascii=False),
        )
        for number, event in enumerate(events, last + 1)
    ]
    warehouse.insert("budget_events", pl.DataFrame(rows, schema=_SCHEMA, orient="row"))


def list_events(
    actor: Actor, warehouse: Warehouse, *, since: datetime | None = None, names: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return kept events as their JSON, with their number, oldest first.

    Args:
        actor: sees those of the own tenant; needs ``budget:read``.
        since: UTC; only what happened then or later.
        names: only events of these names; ``alert_triggered`` stands for ``budget.alert_triggered``.

    Raises:
        NotPermittedError: when the actor has not the word.
        UsageError: when there is no such event.
    """
    actor.require(Permission.READ, "list events")
    whole = [name if "." in name else f"budget.{name}" for name in names]
    for name, given in zip(whole, names, strict=True):
        if name not in KEPT:
            raise UsageError(f"{given!r} is no event that is kept{near(name, KEPT)}")
    given_values = {"all": actor.crosses_tenants, "tenant": actor.tenant, "since": since, "names": whole}
    return [{"number": number, **json.loads(payload)} for number, payload in warehouse.rows(_LIST, given_values)]


def _of_alert(alert: Alert, now: datetime) -> dict[str, Any]:
    return {
        "at": now,
        "tenant": alert.tenant_id,
        "budget_id": alert.budget_id,
        "period": alert.x_BillingPeriod,
        "period_start": alert.period_start,
        "currency": alert.currency,
        "spend": alert.spend,
        "limit": alert.effective_limit,
        "percentage": alert.percentage,
        "threshold": alert.threshold,
        "unit": alert.unit,
        "type": alert.type,
    }
