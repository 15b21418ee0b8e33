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
or rolling          reopened after an edit
resolved by a       nothing                     noted: from then on it is as any resolved one
person
==================  ==========================  =======================================================

A rolling window has no start: its alerts are crossings, the next one comes only after the spend fell. An edit of the
amount raises no occurrence: an alert that an edit resolved, or that an edit brings back, is reopened. Disabled scopes, scopes without a rate, and forecasted thresholds without a forecast change nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from pipeline.actors import Actor
from pipeline.budgets import alert_configs, alert_table, handling, ledger, policy_table, windows
from pipeline.budgets.alert_configs import AlertConfig, ThresholdKey, six
from pipeline.budgets.alert_table import (
    ANOMALY,
    Alert,
    AlertKey,
    Cause,
    Kind,
    RowType,
    Severity,
    continued,
    read,
    write,
)
from pipeline.budgets.evaluate import meets, reaches
from pipeline.budgets.model import BudgetStatus, ThresholdStatus
from pipeline.budgets.policies import PREFIX
from pipeline.config.budgets import ROLLING, AlertThreshold, AlertType, ScopeBudget, Unit
from pipeline.money import percent_text, text
from pipeline.store.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: From this percentage at firing on (80: the soft limit of SPEC 3.6).
_SEVERITIES: tuple[tuple[Decimal, Severity], ...] = (
    (Decimal(125), "emergency"),
    (Decimal(100), "critical"),
    (Decimal(80), "warning"),
)


@dataclass(frozen=True)
class AlertChange:
    """One thing that happened to an alert.

    Attributes:
        kind: ``suppressed`` is a firing or reopening in a window that is too old to tell about.
        x_BillingPeriod: the billing period that it stands under.
        window: as people write it, such as 2026-03 or 2026-W13.
        percentage: of the limit, 6 decimals: spend for an actual threshold, forecast for a forecasted one. Of an alert
            whose budget or threshold is gone, what the row last said; of an anomaly, of what was expected.
        figures: what an alert is about, as ``Alert.figure_words``.
        reason: why it was resolved; None for the other kinds.
        is_snoozed: somebody asked not to be told of it yet.
        is_quiet: the cooldown of its threshold is not over since people were told last.
    """

    kind: Kind
    alert_id: str
    budget_id: str
    x_BillingPeriod: str
    window: str
    threshold: Decimal
    unit: Unit
    type: RowType
    currency: str
    percentage: Decimal
    severity: Severity
    figures: str
    reason: str | None = None
    is_snoozed: bool = False
    is_quiet: bool = False

    @property
    def is_told(self) -> bool:
        """Whether it is news for people: it fired, came back, or its snooze ran out."""
        return self.kind in ("fired", "reopened", "woken") and not (self.is_snoozed or self.is_quiet)

    @property
    def words(self) -> str:
        """It as a line tells it: ``actual 80 %, now 83.4 %``, or of an anomaly what the day cost and was expected to."""
        if self.type == ANOMALY:
            return self.figures
        return f"{self.figures}, now {percent_text(self.percentage)} %"


@dataclass(frozen=True)
class _Crossing:
    """Where a budget stands against one threshold now."""

    status: BudgetStatus
    threshold: Decimal
    unit: Unit
    type: AlertType
    figure: Decimal
    percentage: Decimal
    config: AlertConfig | None = None

    @property
    def key(self) -> AlertKey:
        budget = self.status.budget
        start = windows.alert_start(budget, self.status.window)
        return (budget.budget_id, budget.period, start, self.threshold, self.unit, self.type)

    @property
    def crossed(self) -> bool:
        return self.crosses(self.status.effective_limit)

    def crosses(self, limit: Decimal) -> bool:
        """Whether it would be crossed under another limit."""
        return meets(self.figure, limit, self.threshold, self.unit)

    @property
    def severity(self) -> Severity:
        if self.config and self.config.severity:
            return self.config.severity
        limit = self.status.effective_limit
        return next((name for percent, name in _SEVERITIES if reaches(self.figure, limit, percent)), "info")


def update_alerts(
    warehouse: Warehouse,
    statuses: Sequence[BudgetStatus],
    budgets: Sequence[ScopeBudget],
    *,
    now: datetime,
    first_load: datetime | None,
) -> list[AlertChange]:
    """Bring ``budget_alerts`` in line with judged windows. Runs in the caller's transaction; no change, no write.

    Call it after ``sync_budgets``: that table tells an alert whose budget left the file from other doors' alerts.

    Args:
        budgets: all of the file, and the policies.
        now: UTC, written as the time of what happens.
        first_load: of the warehouse: alerts of windows that had ended by then are written as ``suppressed``.

    Returns:
        The changes in the order of ``statuses``, those of removed budgets and thresholds last.
    """
    newest, configs = _newest(warehouse, statuses), _configs(warehouse)
    happened = []
    for at in (each for status in statuses for each in _crossings(status, configs)):
        suppressed = first_load is not None and at.status.period_end <= first_load
        before = newest.get(at.key)
        if step := _step(before, at, now, suppressed):
            happened.append(_quieted(before, at, *step, now))
    known = {alert.alert_id for alert in newest.values()}
    fresh = [alert for _, alert in happened if alert.alert_id not in known]
    again = [alert for _, alert in happened if alert.alert_id in known]
    removed = _removed(warehouse, budgets, configs, now)
    write(warehouse, [*again, *removed], fresh)
    return [told(kind, alert, now) for kind, alert in happened] + [told("resolved", alert, now) for alert in removed]


_Configs = Mapping[str, Mapping[ThresholdKey, AlertConfig]]


def _configs(warehouse: Warehouse) -> _Configs:
    """The thresholds that people set, by budget."""
    found: dict[str, dict[ThresholdKey, AlertConfig]] = {}
    for config in alert_configs.read(warehouse):
        found.setdefault(config.budget_id, {})[config.key] = config
    return found


def _crossings(status: BudgetStatus, configs: _Configs) -> Iterator[_Crossing]:
    """Each threshold that can be judged, the file's and those that people set, once."""
    if status.current_spend is None or status.percentage is None:
        return
    own = configs.get(status.budget_id, {})
    for key in _thresholds(status.alerts, own):
        threshold, unit, kind = key
        if kind == "actual":
            yield _Crossing(status, threshold, unit, kind, status.current_spend, status.percentage, own.get(key))
        elif status.forecasted_spend is not None and status.forecast_percentage is not None:
            yield _Crossing(
                status, threshold, unit, kind, status.forecasted_spend, status.forecast_percentage, own.get(key)
            )


def _thresholds(
    stated: Iterable[AlertThreshold | ThresholdStatus], own: Mapping[ThresholdKey, AlertConfig]
) -> dict[ThresholdKey, None]:
    """The file's thresholds and those that people set, in this order, each once."""
    return dict.fromkeys([*((six(each.threshold), each.unit, each.type) for each in stated), *own])


def _quieted(before: Alert | None, crossing: _Crossing, kind: Kind, alert: Alert, now: datetime) -> tuple[Kind, Alert]:
    """Have nobody told of what falls into the cooldown of its threshold."""
    last = alert_table.last_told(before.history) if before else None
    if kind not in ("fired", "reopened") or crossing.config is None or last is None:
        return kind, alert
    if now - last >= crossing.config.cooldown:
        return kind, alert
    return kind, replace(alert, history=alert_table.quieted(alert.history, last))


def _step(before: Alert | None, crossing: _Crossing, now: datetime, suppressed: bool) -> tuple[Kind, Alert] | None:
    """Decide what happens to one alert, by the table at the top."""
    if not crossing.crossed:
        return _under(before, crossing, now)
    event: Kind = "suppressed" if suppressed else "fired"
    if before is None:
        return event, _fire(crossing, 1, now, event)
    if before.status != "resolved" or before.cause == "person":
        return None
    if _fell_and_rose(before, crossing):
        return event, handling.snoozed_as(before, _fire(crossing, before.occurrence + 1, now, event), now)
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
    """A figure that fell by itself and would be back under the old limit too: of a forecast or a rolling window, a new
    occurrence."""
    rose = crossing.crosses(before.effective_limit)
    comes_again = crossing.type == "forecasted" or crossing.status.budget.period in ROLLING
    return comes_again and before.cause == "figure" and rose


def _fire(crossing: _Crossing, occurrence: int, now: datetime, event: Kind) -> Alert:
    status = crossing.status
    return Alert(
        alert_id=_alert_id(crossing, occurrence),
        budget_id=status.budget_id,
        x_BillingPeriod=windows.noted_period(status.window, now),
        period=status.budget.period,
        period_start=windows.alert_start(status.budget, status.window),
        period_end=status.period_end,
        threshold=crossing.threshold,
        unit=crossing.unit,
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
        tenant_id=status.budget.tenant_id,
    )


def _reopen(before: Alert, crossing: _Crossing, now: datetime, event: Kind) -> Alert:
    return replace(
        handling.handed_back(before, now),
        period_end=crossing.status.period_end,
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
    if crossing.crosses(before.effective_limit):
        old = text(before.effective_limit)
        return _close(before, now, crossing.percentage, f"the limit was {old}; {figure} is {now_is}", "limit")
    return _close(before, now, crossing.percentage, f"{figure} fell to {now_is}", "figure")


def _close(before: Alert, now: datetime, percentage: Decimal, reason: str, cause: Cause) -> Alert:
    history = continued(before.history, now, "resolved", percentage, reason=reason, cause=cause)
    return replace(before, status="resolved", resolved_at=now, reason=reason, history=history)


def _removed(warehouse: Warehouse, scopes: Sequence[ScopeBudget], configs: _Configs, now: datetime) -> list[Alert]:
    """Resolve open alerts, of any window, whose budget left the file or was deleted, or whose threshold nobody names."""
    budgets = {budget.budget_id: budget for budget in scopes}
    rows = read(
        warehouse,
        "WHERE status IN ('open', 'acknowledged')"
        " AND budget_id IN (SELECT budget_id FROM budgets WHERE list_contains(?, origin))",
        [[ledger.ORIGIN, policy_table.ORIGIN]],
    )
    closed = []
    for alert in rows:
        budget = budgets.get(alert.budget_id)
        if budget is None:
            is_policy = alert.budget_id.startswith(PREFIX)
            reason = "the policy was deleted" if is_policy else "the budget left the configuration file"
        elif budget.enabled and (alert.threshold, alert.unit, alert.type) not in _thresholds(
            budget.alerts, configs.get(alert.budget_id, {})
        ):
            reason = f"the budget no longer has a threshold {text(alert.threshold)} {alert.type}"
        else:
            continue
        closed.append(_close(alert, now, alert.percentage, reason, "removed"))
    return closed


def close_removed(warehouse: Warehouse, config: AlertConfig, actor: Actor, now: datetime) -> list[Alert]:
    """Resolve the live alerts of a threshold that somebody removed. Runs in the caller's transaction."""
    where = "WHERE status <> 'resolved' AND budget_id = ? AND threshold = ? AND unit = ? AND type = ?"
    live = read(warehouse, where, [config.budget_id, *config.key])
    reason = f"{actor.id} removed the threshold"
    closed = [_close(alert, now, alert.percentage, reason, "removed") for alert in live]
    write(warehouse, closed, [])
    return closed


def _newest(warehouse: Warehouse, statuses: Sequence[BudgetStatus]) -> dict[AlertKey, Alert]:
    """The row with the highest occurrence of each threshold in the windows of ``statuses``."""
    starts = sorted({windows.alert_start(status.budget, status.window) for status in statuses})
    if not starts:
        return {}
    rows = read(warehouse, "WHERE list_contains(?, period_start)", [starts])
    return {alert.key: alert for alert in sorted(rows, key=lambda alert: alert.occurrence)}


def told(kind: Kind, alert: Alert, now: datetime) -> AlertChange:
    """Return what just happened to an alert; the percentage is its own, which the history's last entry holds."""
    percentage = Decimal(json.loads(alert.history)[-1]["percentage"])
    logger.info("alert %s %s %s: %s", alert.budget_id, text(alert.threshold), alert.type, kind)
    return AlertChange(
        kind=kind,
        alert_id=alert.alert_id,
        budget_id=alert.budget_id,
        x_BillingPeriod=alert.x_BillingPeriod,
        window=alert.window_name,
        threshold=alert.threshold,
        unit=alert.unit,
        type=alert.type,
        currency=alert.currency,
        percentage=percentage,
        severity=alert.severity,
        figures=alert.figure_words,
        reason=alert.reason,
        is_snoozed=alert.is_snoozed(now),
        is_quiet=alert_table.is_quiet(alert.history),
    )


def _alert_id(crossing: _Crossing, occurrence: int) -> str:
    """The same for the same row on every machine: a hash of the table's unique key; monthly and percent go unsaid."""
    budget_id, period, start, threshold, unit, kind = crossing.key
    more = [] if (period, unit) == ("monthly", "percent") else [period, unit]
    key = [budget_id, start.isoformat(), text(threshold), kind, occurrence, *more]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
