"""``BudgetAlertService``: alerts listed for whoever may see them, handled by people, and evaluated when somebody asks.

It stands above the night: an evaluation that is asked for is what ``costmill alerts watch`` does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline import watching
from pipeline.actors import Actor, Permission
from pipeline.budgets import alert_configs, alert_table, alerts, event_table, handling
from pipeline.budgets.alert_configs import AlertConfig, checked
from pipeline.budgets.alert_table import Alert
from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.events import BUS, EventBus
from pipeline.budgets.managed_spend import SpendReader, require_known
from pipeline.budgets.policy_service import BudgetPolicyService
from pipeline.budgets.reached import ReachedThreshold, cost_in, policy_status, reached
from pipeline.config import Settings, settings_of
from pipeline.errors import UsageError, near, only
from pipeline.money import ZERO
from pipeline.periods import month, to_utc, utc_now
from pipeline.store import publish, rollups
from pipeline.store.warehouse import Warehouse
from pipeline.usage.pending import used
from pipeline.usage.prices import RegisteredPrices
from pipeline.usage.record import UsageRecord
from pipeline.usage.record import checked as record_checked

logger = logging.getLogger(__name__)

#: ``active``: those that are live and not suppressed, snoozed ones among them.
Status = Literal["active", "open", "acknowledged", "snoozed", "suppressed", "resolved"]

_STATUS = {
    "active": "status IN ('open', 'acknowledged')",
    "snoozed": "status IN ('open', 'acknowledged') AND snoozed_until > $now",
}
_OWN = "($all OR tenant_id IS NOT DISTINCT FROM $tenant)"


@dataclass(frozen=True)
class Handled:
    """What became of an alert; ``is_new`` is False when it was so already, and nothing was written."""

    alert: Alert
    is_new: bool


class BudgetAlertService:
    """Alerts, for an actor: every operation names who asks, and nobody sees another tenant's.

    It lists what is published, so it never waits for a run. What it writes goes through the writer's lock, in one
    transaction, and is published at once. Nothing stays open between calls.

    Args:
        settings: a configuration's, or the path of a warehouse: its configuration is found (``settings_of``).
        bus: who is told of what happened, after it was committed and published.
    """

    def __init__(self, settings: Settings | Path | str, *, bus: EventBus = BUS) -> None:
        settings = settings_of(settings)
        self.settings = settings
        self._bus = bus
        self._policies = BudgetPolicyService(settings, bus=EventBus())  # nobody is told of a question within another
        self._spend = SpendReader(settings)

    def list_alerts(
        self,
        actor: Actor,
        scope: str | None = None,
        *,
        status: Status | None = None,
        period: str | None = None,
        as_of: datetime | None = None,
    ) -> list[Alert]:
        """Return alerts by window, budget and threshold.

        Args:
            scope: a budget's id (``tag:team:ml``), or what it begins with (``tag``, ``tag:team``, ``anomaly``).
            status: only those in this state; None: all.
            period: only of windows that count for this billing period, ``2026-03``.
            as_of: UTC; counts as now.

        Raises:
            NotPermittedError: when the actor has not ``budget:read``.
            UsageError: when nothing is published, or the scope, status or period is none.
        """
        actor.require(Permission.READ, "list alerts")
        if status is not None and status not in get_args(Status):
            raise UsageError(f"{status!r} is no state of an alert{near(status, get_args(Status))}")
        if period is not None:
            month(period)
        given: dict[str, Any] = {**_own(actor), "now": _now(as_of), "scope": scope, "period": period, "status": status}
        where = (
            f"WHERE {_OWN} AND {_STATUS.get(status or '', '($status IS NULL OR status = $status)')}"
            " AND ($period IS NULL OR x_BillingPeriod = $period)"
            " AND ($scope IS NULL OR budget_id = $scope OR starts_with(budget_id, $scope || ':'))"
        )
        with self._reading() as warehouse:
            found = alert_table.read(warehouse, where, _used(where, given))
            if scope not in (None, alert_table.ANOMALY) and not found:
                _require_scope(warehouse, actor, scope)
        return found

    def get_active_alerts(self, actor: Actor, *, as_of: datetime | None = None) -> list[Alert]:
        """Return the live alerts, acknowledged and snoozed ones among them. Raises what ``list_alerts`` does."""
        return self.list_alerts(actor, status="active", as_of=as_of)

    def get_alert(self, actor: Actor, alert_id: str) -> Alert:
        """Return one alert by its id or the start of it.

        Raises:
            NotPermittedError: when the actor has not ``budget:read``.
            UsageError: when nothing is published, or the actor sees no such alert, or more than one.
        """
        actor.require(Permission.READ, "show an alert")
        with self._reading() as warehouse:
            return _find(warehouse, actor, alert_id)

    def acknowledge_alert(
        self, actor: Actor, alert_id: str, note: str | None = None, *, as_of: datetime | None = None
    ) -> Handled:
        """Note that somebody has seen to an alert. It stays, with who, when and the note; a snooze of it ends.

        Raises:
            NotPermittedError: when the actor has not ``budget:write``.
            UsageError: when the actor sees no such alert, or more than one, or it is resolved.
            WarehouseBusyError: when another writer did not finish in time; nothing was changed.
        """
        now = _now(as_of)
        return self._act(
            actor, alert_id, "acknowledge an alert", now, lambda own: handling.acknowledge(own, actor, _said(note), now)
        )

    def snooze(
        self,
        actor: Actor,
        alert_id: str,
        until: datetime,
        note: str | None = None,
        *,
        as_of: datetime | None = None,
    ) -> Handled:
        """Have nobody told of an alert before ``until`` (UTC): it is shown all the while, and told once after that.

        Raises:
            NotPermittedError, UsageError, WarehouseBusyError: as ``acknowledge_alert``; UsageError also when ``until``
                is over or the alert is suppressed.
        """
        now, end = _now(as_of), to_utc(until)
        return self._act(
            actor, alert_id, "snooze an alert", now, lambda own: handling.snooze(own, actor, end, _said(note), now)
        )

    def resolve(
        self, actor: Actor, alert_id: str, note: str | None = None, *, as_of: datetime | None = None
    ) -> Handled:
        """Be done with an alert: it comes back only when its figure fell below the threshold and reached it again.

        Raises:
            NotPermittedError, UsageError, WarehouseBusyError: as ``acknowledge_alert``; one that is resolved already
                is no error.
        """
        now = _now(as_of)
        return self._act(
            actor, alert_id, "resolve an alert", now, lambda own: handling.resolve(own, actor, _said(note), now)
        )

    def list_alert_configs(self, actor: Actor) -> list[AlertConfig]:
        """Return the thresholds that people set, by budget and threshold.

        Raises:
            NotPermittedError: when the actor has not ``budget:read``.
            UsageError: when nothing is published.
        """
        actor.require(Permission.READ, "list thresholds of alerts")
        with self._reading() as warehouse:
            return alert_configs.read(warehouse, f"WHERE {_OWN}", _own(actor))

    def configure_alert(self, actor: Actor, config: AlertConfig, *, as_of: datetime | None = None) -> AlertConfig:
        """Set a threshold of a budget, beside its own; one that is there gets severity and cooldown.

        The next evaluation judges it, in the windows that it judges anyway. It never sets the exit code of a run.

        Returns:
            It as it was written; one that was there as it is, unchanged, as it was.

        Raises:
            NotPermittedError: when the actor has not ``budget:write``.
            UsageError: when the actor sees no such budget, or a value is out of range.
            WarehouseBusyError: when another writer did not finish in time; nothing was changed.
        """
        actor.require(Permission.WRITE, "configure an alert")
        made = replace(checked(config), configured_at=_now(as_of), configured_by=actor.id)
        with publish.changing(self.settings) as warehouse:
            made = replace(made, tenant_id=alert_configs.tenant_of(warehouse, actor, made.budget_id))
            known = alert_configs.read(warehouse, "WHERE config_id = $id", {"id": made.config_id})
            if known and replace(known[0], configured_at=made.configured_at, configured_by=actor.id) == made:
                return known[0]
            with warehouse.transaction():
                alert_configs.put(warehouse, made)
                rollups.touch(warehouse)
        return made

    def remove_alert(self, actor: Actor, config_id: str, *, as_of: datetime | None = None) -> AlertConfig:
        """Remove a threshold that people set, by its id or the start of it; its live alerts are resolved.

        Where the file names the same threshold, they stay: it is the file's again.

        Raises:
            NotPermittedError: when the actor has not ``budget:write``.
            UsageError: when the actor sees no such threshold, or more than one.
            WarehouseBusyError: when another writer did not finish in time; nothing was changed.
        """
        actor.require(Permission.WRITE, "remove an alert")
        with publish.changing(self.settings) as warehouse:
            found = _find_config(warehouse, actor, config_id)
            with warehouse.transaction():
                alert_configs.remove(warehouse, found)
                rollups.touch(warehouse)
                if not alert_configs.is_of_the_file(warehouse, found):
                    for closed in alerts.close_removed(warehouse, found, actor, _now(as_of)):
                        rollups.mark_reports(warehouse, closed.x_BillingPeriod)
        return found

    def check_thresholds(
        self, actor: Actor, usage: UsageRecord, *, as_of: datetime | None = None
    ) -> list[ReachedThreshold]:
        """Say which thresholds of policies and managed budgets a call reaches, recorded or about to be made.

        Writes nothing, and never waits for the writer. Budgets of the file count bills: no call reaches theirs.

        Args:
            usage: as it would be recorded; without a cost it is priced, without a tenant it is the actor's. One whose
                id is recorded already counts once.
            as_of: UTC; counts as now.

        Returns:
            The enabled ones that count the call and that the actor may see, policies in scope order, then managed budgets
            by tenant and id.

        Raises:
            NotPermittedError: when the actor has not ``budget:read``, or is of another tenant than the call.
            EntryError, PriceError: when the call cannot be taken, or has no price.
            UsageError: when nothing is published, or what was spent is not known for want of a rate.
            WarehouseError: when the published copy cannot be read.
        """
        actor.require(Permission.READ, "check thresholds")
        now = _now(as_of)
        prices = RegisteredPrices(self.settings.prices)
        record = record_checked(replace(usage, time=usage.time or now), lambda: "asked", prices, tenant=actor.tenant)
        call, currency = used(record), self.settings.currency
        answer = self._policies.check_budget(actor, record, call.cost)
        standing = self._spend.read(max(now, call.time), at=call.time, asked=usage.id)
        found: list[ReachedThreshold] = []
        for check in answer.policies:
            cost = cost_in(check.policy.currency, call, currency)
            status = policy_status(check, call, ZERO if standing.is_recorded else cost)
            found += reached(status, cost, standing.held.configs)
        for budget in standing.counting(call):
            if actor.sees(budget.tenant_id):
                status = standing.status(budget, [] if standing.is_recorded else [call])
                require_known(budget, status)
                found += reached(status, cost_in(budget.currency, call, currency), standing.held.configs)
        return found

    def evaluate_alerts(self, actor: Actor, *, as_of: datetime | None = None) -> list[AlertChange]:
        """Judge all budgets now, as ``costmill alerts watch`` does once: status and alerts are written and published.

        Every tenant's budgets are judged, as by a run; the actor is told its own.

        Returns:
            The alerts that changed, those that the actor may see.

        Raises:
            NotPermittedError: when the actor has not ``budget:write``.
            UsageError: when there is no warehouse, it was made with other tags or rules than the configuration has, or it
                has budgets of a file and the service was given none.
            WarehouseBusyError: when another writer did not finish in time; nothing was changed.
        """
        actor.require(Permission.WRITE, "evaluate alerts")
        result = watching.check(self.settings, as_of=None if as_of is None else to_utc(as_of))
        for warning in result.warnings:
            logger.warning("%s", warning)
        if not result.alerts:
            return []
        asked = {**_own(actor), "ids": [each.alert_id for each in result.alerts]}
        with self._reading() as warehouse:
            own = alert_table.read(warehouse, f"WHERE {_OWN} AND list_contains($ids, alert_id)", asked)
        seen = {alert.alert_id for alert in own}
        return [each for each in result.alerts if each.alert_id in seen]

    def _act(
        self, actor: Actor, alert_id: str, doing: str, now: datetime, act: Callable[[Alert], Alert | None]
    ) -> Handled:
        actor.require(Permission.WRITE, doing)
        with publish.changing(self.settings) as warehouse:
            found = _find(warehouse, actor, alert_id)
            changed = act(found)
            if changed is None:
                return Handled(found, is_new=False)
            is_taken = changed.status == "acknowledged" != found.status
            told = [event_table.acknowledged(changed, actor, now)] if is_taken else []
            with warehouse.transaction():
                alert_table.write(warehouse, [changed], [])
                event_table.keep(warehouse, told)
                rollups.mark_reports(warehouse, changed.x_BillingPeriod)
        self._bus.deliver(told)
        return Handled(changed, is_new=True)

    @contextmanager
    def _reading(self) -> Iterator[Warehouse]:
        with publish.opened(self.settings.publish.path) as warehouse:
            yield warehouse


def _find(warehouse: Warehouse, actor: Actor, start: str) -> Alert:
    where = f"WHERE {_OWN} AND starts_with(alert_id, $start)"
    found = alert_table.read(warehouse, where, {**_own(actor), "start": start}) if start else []
    return only({each.alert_id: each for each in found}, start, "alert", "alerts", "costmill alerts list --status all")


def _find_config(warehouse: Warehouse, actor: Actor, start: str) -> AlertConfig:
    where = f"WHERE {_OWN} AND starts_with(config_id, $start)"
    found = alert_configs.read(warehouse, where, {**_own(actor), "start": start}) if start else []
    return only({each.config_id: each for each in found}, start, "threshold", "thresholds", "costmill alerts configs")


def _require_scope(warehouse: Warehouse, actor: Actor, scope: str) -> None:
    """A budget without alerts is fine, a name that no budget has is a slip. Budgets of the file are no tenant's."""
    known = {
        row[0]
        for table in ("budget_alerts", "budgets")
        for row in warehouse.rows(f"SELECT DISTINCT budget_id FROM {table} WHERE {_OWN}", _own(actor))
    }
    if not any(name == scope or name.startswith(f"{scope}:") for name in known):
        raise UsageError(f"no budget is called {scope!r}{near(scope, known)}")


def _own(actor: Actor) -> dict[str, Any]:
    return {"all": actor.crosses_tenants, "tenant": actor.tenant}


def _used(where: str, given: dict[str, Any]) -> dict[str, Any]:
    """DuckDB refuses values that a statement does not name."""
    return {name: value for name, value in given.items() if f"${name}" in where}


def _now(as_of: datetime | None) -> datetime:
    return to_utc(as_of) if as_of else utc_now()


def _said(note: str | None) -> str | None:
    """A note of blanks is none."""
    return (note or "").strip() or None
