"""The life of alerts of anomalies: one per day and scope, resolved when the day is no anomaly any more.

A day's cost changes only by a restatement, so there is one occurrence: an alert that a restatement took away is
reopened when another brings it back. One that a person resolved comes back only after it had gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from pipeline import money, periods
from pipeline.budgets import handling
from pipeline.budgets.alert_table import ANOMALY, Alert, Cause, Kind, continued, read, write
from pipeline.budgets.alerts import AlertChange, told
from pipeline.money import text
from pipeline.store.warehouse import Warehouse

#: Stands for what was expected, which is what the percentage is of.
_EXPECTED = Decimal("100.000000")


@dataclass(frozen=True)
class JudgedDay:
    """What a day cost in a scope, and what was expected; without provider and service, in total."""

    day: date
    currency: str
    provider: str | None
    service: str | None
    cost: Decimal
    expected: Decimal | None
    is_anomaly: bool

    @property
    def scope(self) -> str:
        """``anomaly:USD``, or ``anomaly:USD:aws:Amazon EC2``."""
        place = () if self.provider is None or self.service is None else (self.provider, self.service)
        return ":".join((ANOMALY, self.currency, *place))

    @property
    def percentage(self) -> Decimal:
        """The cost as percent of the expected one; 100 where nothing was expected."""
        found = money.percent(self.cost, self.expected) if self.expected and self.expected > 0 else None
        return _EXPECTED if found is None else found

    @property
    def words(self) -> str:
        """What it came to, as a resolution's reason has it."""
        usual = "too few days to expect from" if self.expected is None else f"{text(self.expected)} expected"
        return f"the day now comes to {text(self.cost)} {self.currency}, {usual}"


@dataclass(frozen=True)
class Judgement:
    """The days whose data is complete and that were judged, and how the scopes stood on those with any usage."""

    days: Sequence[date] = ()
    scopes: Sequence[JudgedDay] = ()


def update_anomalies(
    warehouse: Warehouse, judged: Judgement | None, *, now: datetime, first_load: datetime | None
) -> list[AlertChange]:
    """Bring the alerts of judged days in line with them. Runs in the caller's transaction; no change, no write.

    Args:
        judged: None when no days are judged any more: live alerts are resolved.
        first_load: of the warehouse: alerts of days that had ended by then are written as ``suppressed``.
    """
    if judged is None:
        gone = read(warehouse, "WHERE type = ? AND status IN ('open', 'acknowledged')", [ANOMALY])
        closed = [_close(each, now, each.percentage, "the configuration judges no days", "removed") for each in gone]
        write(warehouse, closed, [])
        return [told("resolved", alert, now) for alert in closed]
    starts = [datetime.combine(day, time()) for day in judged.days]
    rows = read(warehouse, "WHERE type = ? AND list_contains(?, period_start)", [ANOMALY, starts]) if starts else []
    known = {(alert.budget_id, alert.period_start.date()): alert for alert in rows}
    happened: list[tuple[Kind, Alert]] = []
    for each in judged.scopes:
        before = known.pop((each.scope, each.day), None)
        suppressed = first_load is not None and datetime.combine(each.day, time()) + timedelta(days=1) <= first_load
        if step := _step(before, each, now, suppressed):
            happened.append(step)
    for alert in known.values():
        if alert.status != "resolved":
            reason = "its scope is judged no longer, or nothing was used that day"
            happened.append(("resolved", _close(alert, now, alert.percentage, reason, "figure")))
    existing = {alert.alert_id for alert in rows}
    fresh = [alert for _, alert in happened if alert.alert_id not in existing]
    write(warehouse, [alert for _, alert in happened if alert.alert_id in existing], fresh)
    return [told(kind, alert, now) for kind, alert in happened]


def _step(before: Alert | None, judged: JudgedDay, now: datetime, suppressed: bool) -> tuple[Kind, Alert] | None:
    if not judged.is_anomaly:
        return _gone(before, judged, now)
    if before is None:
        kind: Kind = "suppressed" if suppressed else "fired"
        return kind, _fire(judged, now, kind)
    if before.status != "resolved" or before.cause == "person":
        return None
    kind = "suppressed" if suppressed else "reopened"
    fired = _fire(judged, now, kind)
    again = {name: getattr(fired, name) for name in ("status", "spend", "effective_limit", "percentage")}
    history = continued(before.history, now, kind, fired.percentage)
    return kind, replace(handling.handed_back(before, now), **again, resolved_at=None, reason=None, history=history)


def _gone(before: Alert | None, judged: JudgedDay, now: datetime) -> tuple[Kind, Alert] | None:
    if before is None or (before.status == "resolved" and before.cause != "person"):
        return None
    if before.status == "resolved":
        return "fell", handling.fell(before, judged.percentage, judged.words, "figure", now)
    return "resolved", _close(before, now, judged.percentage, judged.words, "figure")


def _fire(judged: JudgedDay, now: datetime, kind: Kind) -> Alert:
    start = datetime.combine(judged.day, time())
    key = json.dumps([judged.scope, start.isoformat(), ANOMALY])
    return Alert(
        alert_id=hashlib.sha256(key.encode()).hexdigest()[:32],
        budget_id=judged.scope,
        x_BillingPeriod=periods.label(judged.day),
        period="daily",
        period_start=start,
        period_end=start + timedelta(days=1),
        threshold=_EXPECTED,
        unit="percent",
        type=ANOMALY,
        occurrence=1,
        status="suppressed" if kind == "suppressed" else "open",
        severity="warning",
        currency=judged.currency,
        spend=judged.cost,
        effective_limit=judged.expected or money.ZERO,
        percentage=judged.percentage,
        fired_at=now,
        resolved_at=None,
        reason=None,
        history=continued("[]", now, kind, judged.percentage),
    )


def _close(before: Alert, now: datetime, percentage: Decimal, reason: str, cause: Cause) -> Alert:
    history = continued(before.history, now, "resolved", percentage, reason=reason, cause=cause)
    return replace(before, status="resolved", resolved_at=now, reason=reason, history=history)
