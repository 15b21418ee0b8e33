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
reset               next occurrence fires       nothing
==================  ==========================  =======================================================

A rolling window has no start: its alerts are crossings, the next one comes only after the spend fell. An edit of the
amount raises no occurrence: an alert that an edit resolved, or that an edit brings back, is reopened. Disabled scopes, scopes without a rate, and forecasted thresholds without a forecast change nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from pipeline.actors import Actor
from pipeline.budgets import alert_table, handling, ledger, managed_table, policy_table, windows
from pipeline.budgets.alert_configs import AlertConfig
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
from pipeline.budgets.crossings import Configs, Crossing, crossings, read_configs, thresholds
from pipeline.budgets.model import BudgetStatus
from pipeline.budgets.policies import PREFIX
from pipeline.config.budgets import ROLLING, ScopeBudget, Unit
from pipeline.money import percent_text, text
from pipeline.periods import Window
from pipeline.store.warehouse import Warehouse

logger = logging.getLogger(__name__)

_IS_LIVE = "status IN ('open', 'acknowledged')"
#: The thresholds that have live alerts, of many windows each.
_LIVE = f"""
SELECT DISTINCT budget_id, threshold, unit, type FROM budget_alerts
WHERE {_IS_LIVE} AND budget_id IN (SELECT budget_id FROM budgets WHERE list_contains(?, origin))"""


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
        of_what = " of the limit" if self.unit == "amount" else ""
        return f"{self.figures}, now {percent_text(self.percentage)} %{of_what}"


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
        budgets: all of the file, the policies and the managed ones.
        now: UTC, written as the time of what happens.
        first_load: of the warehouse: alerts of windows that had ended by then are written as ``suppressed``.

    Returns:
        The changes in the order of ``statuses``, those of removed budgets and thresholds last.
    """
    newest = newest_rows(warehouse, [(status.budget, status.window) for status in statuses])
    configs = read_configs(warehouse)
    happened = _happening(newest, configs, statuses, now, first_load)
    known = {alert.alert_id for alert in newest.values()}
    fresh = [alert for _, alert in happened if alert.alert_id not in known]
    again = [alert for _, alert in happened if alert.alert_id in known]
    removed = _removed(warehouse, budgets, configs, now)
    write(warehouse, [*again, *removed], fresh)
    return [told(kind, alert, now) for kind, alert in happened] + [told("resolved", alert, now) for alert in removed]


def unfired(newest: Mapping[AlertKey, Alert], configs: Configs, status: BudgetStatus, now: datetime) -> list[Alert]:
    """Return the alerts that an evaluation of a window that goes on would fire or reopen; nothing is written."""
    happened = _happening(newest, configs, [status], now, None)
    return [alert for kind, alert in happened if kind in ("fired", "reopened")]


def _happening(
    newest: Mapping[AlertKey, Alert],
    configs: Configs,
    statuses: Iterable[BudgetStatus],
    now: datetime,
    first_load: datetime | None,
) -> list[tuple[Kind, Alert]]:
    """Decide what happens to the alerts of judged windows."""
    happened = []
    for at in (each for status in statuses for each in crossings(status, configs)):
        suppressed = first_load is not None and at.status.period_end <= first_load
        before = newest.get(at.key)
        if step := _step(before, at, now, suppressed):
            happened.append(_quieted(before, at, *step, now))
    return happened


def _quieted(before: Alert | None, crossing: Crossing, kind: Kind, alert: Alert, now: datetime) -> tuple[Kind, Alert]:
    """Have nobody told of what falls into the cooldown of its threshold."""
    last = alert_table.last_told(before.history) if before else None
    if kind not in ("fired", "reopened") or crossing.config is None or last is None:
        return kind, alert
    if now - last >= crossing.config.cooldown:
        return kind, alert
    return kind, replace(alert, history=alert_table.quieted(alert.history, last))


def _step(before: Alert | None, crossing: Crossing, now: datetime, suppressed: bool) -> tuple[Kind, Alert] | None:
    """Decide what happens to one alert, by the table at the top."""
    if not crossing.crossed:
        return _under(before, crossing, now)
    event: Kind = "suppressed" if suppressed else "fired"
    if before is None:
        return event, _fire(crossing, 1, now, event)
    if before.status != "resolved" or before.cause == "person":
        return None
    if before.cause == "reset" or _fell_and_rose(before, crossing):
        return event, handling.snoozed_as(before, _fire(crossing, before.occurrence + 1, now, event), now)
    kind: Kind = "suppressed" if suppressed else "reopened"
    return kind, _reopen(before, crossing, now, kind)


def _under(before: Alert | None, crossing: Crossing, now: datetime) -> tuple[Kind, Alert] | None:
    """A live alert is resolved; one that a person has resolved may come back from now on."""
    if before is None or (before.status == "resolved" and before.cause != "person"):
        return None
    resolved = _resolve(before, crossing, now)
    if before.status != "resolved":
        return "resolved", resolved
    return "fell", handling.fell(before, crossing.percentage, resolved.reason, resolved.cause, now)


def _fell_and_rose(before: Alert, crossing: Crossing) -> bool:
    """A figure that fell by itself and would be back under the old limit too: of a forecast or a rolling window, a new
    occurrence."""
    rose = crossing.crosses(before.effective_limit)
    comes_again = crossing.type == "forecasted" or crossing.status.budget.period in ROLLING
    return comes_again and before.cause == "figure" and rose


def _fire(crossing: Crossing, occurrence: int, now: datetime, event: Kind) -> Alert:
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


def _reopen(before: Alert, crossing: Crossing, now: datetime, event: Kind) -> Alert:
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


def _resolve(before: Alert, crossing: Crossing, now: datetime) -> Alert:
    status, figure = crossing.status, "spend" if crossing.type == "actual" else "forecast"
    now_is = f"{text(crossing.figure)} {status.currency}, {crossing.percentage:.6f} % of {text(status.effective_limit)}"
    if crossing.crosses(before.effective_limit):
        old = text(before.effective_limit)
        return _close(before, now, crossing.percentage, f"the limit was {old}; {figure} is {now_is}", "limit")
    return _close(before, now, crossing.percentage, f"{figure} fell to {now_is}", "figure")


def _close(before: Alert, now: datetime, percentage: Decimal, reason: str, cause: Cause) -> Alert:
    history = continued(before.history, now, "resolved", percentage, reason=reason, cause=cause)
    return replace(before, status="resolved", resolved_at=now, reason=reason, history=history)


def _removed(warehouse: Warehouse, scopes: Sequence[ScopeBudget], configs: Configs, now: datetime) -> list[Alert]:
    """Resolve open alerts, of any window, whose budget left the file or was deleted, or whose threshold nobody names."""
    budgets = {budget.budget_id: budget for budget in scopes}
    origins = [ledger.ORIGIN, policy_table.ORIGIN, managed_table.ORIGIN]
    reasons = {}
    for budget_id, *key in warehouse.rows(_LIVE, [origins]):
        budget, (threshold, unit, kind) = budgets.get(budget_id), key
        if budget is None:
            is_policy = budget_id.startswith(PREFIX)
            reason = "the policy was deleted" if is_policy else "the budget left the configuration file"
        elif budget.enabled and (threshold, unit, kind) not in thresholds(budget.alerts, configs.get(budget_id, {})):
            reason = f"the budget no longer has a threshold {text(threshold)} {kind}"
        else:
            continue
        reasons[budget_id, threshold, unit, kind] = reason
    gone = sorted({budget_id for budget_id, *_ in reasons})
    rows = read(warehouse, f"WHERE {_IS_LIVE} AND budget_id IN (SELECT unnest(?))", [gone]) if gone else []
    keyed = ((alert, (alert.budget_id, alert.threshold, alert.unit, alert.type)) for alert in rows)
    return [_close(alert, now, alert.percentage, reasons[key], "removed") for alert, key in keyed if key in reasons]


def close_removed(warehouse: Warehouse, config: AlertConfig, actor: Actor, now: datetime) -> list[Alert]:
    """Resolve the live alerts of a threshold that somebody removed. Runs in the caller's transaction."""
    where = "WHERE status <> 'resolved' AND budget_id = ? AND threshold = ? AND unit = ? AND type = ?"
    live = read(warehouse, where, [config.budget_id, *config.key])
    reason = f"{actor.id} removed the threshold"
    closed = [_close(alert, now, alert.percentage, reason, "removed") for alert in live]
    write(warehouse, closed, [])
    return closed


def newest_rows(warehouse: Warehouse, judged: Iterable[tuple[ScopeBudget, Window]]) -> dict[AlertKey, Alert]:
    """Return the row with the highest occurrence of each threshold in some windows."""
    starts = sorted({windows.alert_start(budget, window) for budget, window in judged})
    if not starts:
        return {}
    rows = read(warehouse, "WHERE period_start IN (SELECT unnest(?))", [starts])
    return {alert.key: alert for alert in sorted(rows, key=lambda alert: alert.occurrence)}


def told(kind: Kind, alert: Alert, now: datetime) -> AlertChange:
    """Return what just happened to an alert; the percentage is its own, which the history's last entry holds."""
    last = json.loads(alert.history)[-1]
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
        percentage=Decimal(last["percentage"]),
        severity=alert.severity,
        figures=alert.figure_words,
        reason=alert.reason,
        is_snoozed=alert.is_snoozed(now),
        is_quiet=alert_table.is_quiet(last),
    )


def _alert_id(crossing: Crossing, occurrence: int) -> str:
    """The same for the same row on every machine: a hash of the table's unique key; monthly and percent go unsaid."""
    budget_id, period, start, threshold, unit, kind = crossing.key
    more = [] if (period, unit) == ("monthly", "percent") else [period, unit]
    key = [budget_id, start.isoformat(), text(threshold), kind, occurrence, *more]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
