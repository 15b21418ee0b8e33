"""The life of alerts (SPEC 3.8): fired once, resolved when the figure falls back, reopened when it returns.

An alert is one row of ``budget_alerts`` per budget, window, threshold, type and occurrence. What happens to it
depends on its newest row and on one comparison:

==================  ==========================  =======================================================
newest row          at or over the threshold    under it
==================  ==========================  =======================================================
none                fired                       nothing
live                nothing                     resolved
resolved, actual    reopened                    nothing
resolved, forecast  next occurrence fires, or   nothing
                    reopened after an edit
resolved by a       nothing                     noted: from then on it is as any resolved one
person
==================  ==========================  =======================================================

An edit of the amount raises no occurrence: a forecasted alert that an edit resolved, or that an edit brings back, is
reopened. Disabled scopes, scopes without a rate, and forecasted thresholds without a forecast change nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from pipeline.budgets import handling
from pipeline.budgets.alert_table import Alert, AlertKey, Cause, Kind, Severity, continued, read, write
from pipeline.budgets.evaluate import reaches
from pipeline.budgets.ledger import ORIGIN
from pipeline.budgets.model import BudgetResult, BudgetStatus
from pipeline.config.budgets import AlertType
from pipeline.money import EXACT, text
from pipeline.store.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: From this percentage at firing on (80: the soft limit of SPEC 3.6).
_SEVERITIES: tuple[tuple[Decimal, Severity], ...] = (
    (Decimal(125), "emergency"),
    (Decimal(100), "critical"),
    (Decimal(80), "warning"),
)
_PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class AlertChange:
    """One thing that happened to an alert.

    Attributes:
        kind: ``suppressed`` is a firing or reopening in a window that is too old to tell about.
        percentage: of the limit, 6 decimals: spend for an actual threshold, forecast for a forecasted one. Of an alert
            whose budget or threshold is gone, what the row last said.
        reason: why it was resolved; None for the other kinds.
        is_snoozed: somebody asked not to be told of it yet.
    """

    kind: Kind
    alert_id: str
    budget_id: str
    threshold: Decimal
    type: AlertType
    percentage: Decimal
    severity: Severity
    reason: str | None = None
    is_snoozed: bool = False

    @property
    def is_told(self) -> bool:
        """Whether it is news for people: it fired, came back, or its snooze ran out."""
        return self.kind in ("fired", "reopened", "woken") and not self.is_snoozed


@dataclass(frozen=True)
class _Crossing:
    """Where a budget stands against one threshold now."""

    status: BudgetStatus
    threshold: Decimal
    type: AlertType
    figure: Decimal
    percentage: Decimal

    @property
    def key(self) -> AlertKey:
        return (self.status.budget_id, self.threshold, self.type)

    @property
    def crossed(self) -> bool:
        return reaches(self.figure, self.status.effective_limit, self.threshold)

    @property
    def severity(self) -> Severity:
        limit = self.status.effective_limit
        return next((name for percent, name in _SEVERITIES if reaches(self.figure, limit, percent)), "info")


def update_alerts(warehouse: Warehouse, result: BudgetResult, *, now: datetime, suppressed: bool) -> list[AlertChange]:
    """Bring ``budget_alerts`` in line with an evaluation. Runs in the caller's transaction; no change, no write.

    Call it after ``sync_budgets``: that table tells an alert whose budget left the file from other doors' alerts.

    Args:
        now: UTC, written as the time of what happens.
        suppressed: the window ended before the warehouse's first load: its alerts are written as ``suppressed``.

    Returns:
        The changes in report order, those of removed budgets and thresholds last.
    """
    newest = _newest(warehouse, result)
    steps = (_step(newest.get(at.key), at, result.period, now, suppressed) for at in _crossings(result))
    happened = [step for step in steps if step is not None]
    known = {alert.alert_id for alert in newest.values()}
    fresh = [alert for _, alert in happened if alert.alert_id not in known]
    again = [alert for _, alert in happened if alert.alert_id in known]
    removed = _removed(warehouse, result, now)
    write(warehouse, [*again, *removed], fresh)
    return [told(kind, alert, now) for kind, alert in happened] + [told("resolved", alert, now) for alert in removed]


def _crossings(result: BudgetResult) -> Iterator[_Crossing]:
    """Each threshold that can be judged, once: the table keeps 6 decimals of it."""
    for status in result.statuses:
        if status.current_spend is None or status.percentage is None:
            continue
        for threshold, kind in dict.fromkeys((_six(alert.threshold), alert.type) for alert in status.alerts):
            if kind == "actual":
                yield _Crossing(status, threshold, kind, status.current_spend, status.percentage)
            elif status.forecasted_spend is not None and status.forecast_percentage is not None:
                yield _Crossing(status, threshold, kind, status.forecasted_spend, status.forecast_percentage)


def _step(
    before: Alert | None, crossing: _Crossing, period: str, now: datetime, suppressed: bool
) -> tuple[Kind, Alert] | None:
    """Decide what happens to one alert, by the table at the top."""
    if not crossing.crossed:
        return _under(before, crossing, now)
    event: Kind = "suppressed" if suppressed else "fired"
    if before is None:
        return event, _fire(crossing, period, 1, now, event)
    if before.status != "resolved" or before.cause == "person":
        return None
    if _fell_and_rose(before, crossing):
        return event, handling.snoozed_as(before, _fire(crossing, period, before.occurrence + 1, now, event), now)
    kind: Kind = "suppressed" if suppressed else "reopened"
    return kind, _reopen(before, crossing, now, kind)


def _under(before: Alert | None, crossing: _Crossing, now: datetime) -> tuple[Kind, Alert] | None:
    """A live alert is resolved; one that a person has resolved may come back from now on."""
    if before is None or (before.status == "resolved" and before.cause != "person"):
        return None
    resolved = _resolve(before, crossing, now)
    if before.status != "resolved":
        return "resolved", resolved
    return "fell", handling.fell(before, crossing.percentage, resolved.reason, resolved.cause, now)


def _fell_and_rose(before: Alert, crossing: _Crossing) -> bool:
    """A forecast that fell by itself and would be back under the old limit too: a new occurrence."""
    rose = reaches(crossing.figure, before.effective_limit, crossing.threshold)
    return crossing.type == "forecasted" and before.cause == "figure" and rose


def _fire(crossing: _Crossing, period: str, occurrence: int, now: datetime, event: Kind) -> Alert:
    status = crossing.status
    return Alert(
        alert_id=_alert_id(crossing, occurrence),
        budget_id=status.budget_id,
        x_BillingPeriod=period,
        period_start=status.period_start,
        threshold=crossing.threshold,
        type=crossing.type,
        occurrence=occurrence,
        status="suppressed" if event == "suppressed" else "open",
        severity=crossing.severity,
        currency=status.currency,
        spend=crossing.figure,
        effective_limit=status.effective_limit,
        percentage=crossing.percentage,
        fired_at=now,
        resolved_at=None,
        reason=None,
        history=continued("[]", now, event, crossing.percentage),
    )


def _reopen(before: Alert, crossing: _Crossing, now: datetime, event: Kind) -> Alert:
    return replace(
        handling.handed_back(before, now),
        status="suppressed" if event == "suppressed" else "open",
        severity=crossing.severity,
        currency=crossing.status.currency,
        spend=crossing.figure,
        effective_limit=crossing.status.effective_limit,
        percentage=crossing.percentage,
        resolved_at=None,
        reason=None,
        history=continued(before.history, now, event, crossing.percentage),
    )


def _resolve(before: Alert, crossing: _Crossing, now: datetime) -> Alert:
    status, figure = crossing.status, "spend" if crossing.type == "actual" else "forecast"
    now_is = f"{text(crossing.figure)} {status.currency}, {crossing.percentage:.6f} % of {text(status.effective_limit)}"
    if reaches(crossing.figure, before.effective_limit, crossing.threshold):
        old = text(before.effective_limit)
        return _close(before, now, crossing.percentage, f"the limit was {old}; {figure} is {now_is}", "limit")
    return _close(before, now, crossing.percentage, f"{figure} fell to {now_is}", "figure")


def _close(before: Alert, now: datetime, percentage: Decimal, reason: str, cause: Cause) -> Alert:
    history = continued(before.history, now, "resolved", percentage, reason=reason, cause=cause)
    return replace(before, status="resolved", resolved_at=now, reason=reason, history=history)


def _removed(warehouse: Warehouse, result: BudgetResult, now: datetime) -> list[Alert]:
    """Resolve open alerts, of any window, whose budget left the file or no longer names their threshold."""
    budgets = {status.budget_id: status.budget for status in result.statuses}
    rows = read(
        warehouse,
        "WHERE status IN ('open', 'acknowledged') AND budget_id IN (SELECT budget_id FROM budgets WHERE origin = ?)",
        [ORIGIN],
    )
    closed = []
    for alert in rows:
        budget = budgets.get(alert.budget_id)
        if budget is None:
            reason = "the budget left the configuration file"
        elif budget.enabled and (alert.threshold, alert.type) not in {
            (_six(a.threshold), a.type) for a in budget.alerts
        }:
            reason = f"the budget no longer has a threshold {text(alert.threshold)} {alert.type}"
        else:
            continue
        closed.append(_close(alert, now, alert.percentage, reason, "removed"))
    return closed


def _newest(warehouse: Warehouse, result: BudgetResult) -> dict[AlertKey, Alert]:
    """The row with the highest occurrence of each threshold in the result's window."""
    rows = read(warehouse, "WHERE period_start = ?", [result.window.start])
    return {alert.key: alert for alert in sorted(rows, key=lambda alert: alert.occurrence)}


def told(kind: Kind, alert: Alert, now: datetime) -> AlertChange:
    """Return what just happened to an alert; the percentage is its own, which the history's last entry holds."""
    percentage = Decimal(json.loads(alert.history)[-1]["percentage"])
    logger.info("alert %s %s %s: %s", alert.budget_id, text(alert.threshold), alert.type, kind)
    return AlertChange(
        kind=kind,
        alert_id=alert.alert_id,
        budget_id=alert.budget_id,
        threshold=alert.threshold,
        type=alert.type,
        percentage=percentage,
        severity=alert.severity,
        reason=alert.reason,
        is_snoozed=alert.is_snoozed(now),
    )


def _alert_id(crossing: _Crossing, occurrence: int) -> str:
    """The same for the same row on every machine: a hash of the table's unique key."""
    status = crossing.status
    key = [status.budget_id, status.period_start.isoformat(), text(crossing.threshold), crossing.type, occurrence]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]


def _six(threshold: Decimal) -> Decimal:
    return threshold.quantize(_PLACES, rounding=ROUND_HALF_EVEN, context=EXACT)
