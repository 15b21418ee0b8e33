"""What people do with an alert, and what the system makes of it then: rows in, rows out, nothing is written here.

Acknowledged alerts stay as they are until their figure falls. A snoozed one is shown and not told. One that somebody
resolved comes back only after its figure fell: an actual threshold fires once in a period, whatever is run again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from pipeline.actors import Actor
from pipeline.budgets.alert_table import Alert, Cause, Kind, continued
from pipeline.errors import UsageError


def acknowledge(alert: Alert, actor: Actor, note: str | None, now: datetime) -> Alert | None:
    """Return the alert as somebody's business, its snooze ended; None when it is somebody's already.

    Raises:
        UsageError: when it is resolved.
    """
    _require_live(alert, "acknowledged")
    if alert.status == "acknowledged":
        return None
    done = replace(alert, status="acknowledged", acknowledged_at=now, acknowledged_by=actor.id)
    return _by(replace(done, snoozed_until=None, snoozed_by=None), "acknowledged", actor, note, now)


def snooze(alert: Alert, actor: Actor, until: datetime, note: str | None, now: datetime) -> Alert | None:
    """Return the alert as one that nobody is told of before ``until``; None when it is snoozed until then already.

    Raises:
        UsageError: when it is resolved or suppressed, or ``until`` is over.
    """
    _require_live(alert, "snoozed")
    if alert.status == "suppressed":
        raise UsageError(f"{label(alert)} is suppressed: nobody is told of it, so there is nothing to snooze")
    if until <= now:
        raise UsageError(f"{moment(until)} is over; snooze an alert until a later time")
    if alert.snoozed_until == until:
        return None
    done = replace(alert, snoozed_until=until, snoozed_by=actor.id)
    return _by(done, "snoozed", actor, note, now, until=until.isoformat() + "Z")


def resolve(alert: Alert, actor: Actor, note: str | None, now: datetime) -> Alert | None:
    """Return the alert as done with; None when it is resolved already."""
    if alert.status == "resolved":
        return None
    reason = f"resolved by {actor.id}" + (f": {note}" if note else "")
    done = replace(alert, status="resolved", resolved_at=now, resolved_by=actor.id, reason=reason)
    done = replace(done, snoozed_until=None, snoozed_by=None)
    return _by(done, "resolved", actor, note, now, reason=reason, cause="person")


def wake(alert: Alert, now: datetime) -> Alert:
    """Return an alert whose snooze has run out: people are told of it again."""
    history = continued(alert.history, now, "woken", alert.percentage)
    return replace(alert, snoozed_until=None, snoozed_by=None, history=history)


def fell(alert: Alert, percentage: Decimal, reason: str | None, cause: Cause, now: datetime) -> Alert:
    """Return an alert that a person resolved, as one that may come back: its figure has fallen since."""
    return replace(alert, history=continued(alert.history, now, "fell", percentage, reason=reason, cause=cause))


def reset(alert: Alert, actor: Actor, reason: str, now: datetime) -> Alert | None:
    """Return an alert whose threshold may fire anew, as the next occurrence; None when it is one already."""
    if alert.cause == "reset":
        return None
    history = continued(
        alert.history, now, "reset", alert.percentage, by=actor.id, note=None, reason=reason, cause="reset"
    )
    done = replace(alert, history=history, snoozed_until=None, snoozed_by=None)
    if alert.status == "resolved":
        return done
    return replace(done, status="resolved", resolved_at=now, resolved_by=actor.id, reason=reason)


def handed_back(alert: Alert, now: datetime) -> Alert:
    """Return an alert that is reopened as nobody's again; a snooze that has not run out goes on."""
    unhandled = replace(alert, acknowledged_at=None, acknowledged_by=None, resolved_by=None, note=None)
    return unhandled if alert.is_snoozed(now) else replace(unhandled, snoozed_until=None, snoozed_by=None)


def snoozed_as(before: Alert, alert: Alert, now: datetime) -> Alert:
    """Return the next occurrence of an alert, snoozed as long as the one before is."""
    if not before.is_snoozed(now):
        return alert
    return replace(alert, snoozed_until=before.snoozed_until, snoozed_by=before.snoozed_by)


def label(alert: Alert) -> str:
    """Return an alert as people name it: the start of its id, its budget, threshold (or figures) and window."""
    return f"{alert.alert_id[:8]} {alert.budget_id} {alert.figure_words} of {alert.window_name}"


def state(alert: Alert) -> str:
    """Return how an alert stands, with who and when where somebody made it so."""
    if alert.status == "resolved" and alert.resolved_at:
        return f"resolved by {alert.resolved_by or 'the system'} on {moment(alert.resolved_at)}"
    words = []
    if alert.status == "acknowledged" and alert.acknowledged_at:
        words.append(f"acknowledged by {alert.acknowledged_by} on {moment(alert.acknowledged_at)}")
    if alert.snoozed_until:
        words.append(f"snoozed by {alert.snoozed_by} until {moment(alert.snoozed_until)}")
    return ", ".join(words) or alert.status


def moment(at: datetime) -> str:
    """Return a UTC time as a sentence has it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _require_live(alert: Alert, act: str) -> None:
    if alert.status == "resolved":
        raise UsageError(f"{label(alert)} is {state(alert)}; only a live alert can be {act}")


def _by(alert: Alert, event: Kind, actor: Actor, note: str | None, now: datetime, **more: str) -> Alert:
    history = continued(alert.history, now, event, alert.percentage, by=actor.id, note=note, **more)
    return replace(alert, note=note, history=history)
