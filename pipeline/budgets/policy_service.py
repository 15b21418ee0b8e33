"""``BudgetPolicyService``: policies created, changed, deleted and listed for whoever may (SPEC 3.6)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.actors import Actor, Permission
from pipeline.budgets import event_table, policy_table
from pipeline.budgets.events import (
    BUS,
    CheckRequested,
    EventBus,
    PolicyCreated,
    PolicyDeleted,
    PolicyEvent,
    PolicyUpdated,
)
from pipeline.budgets.meter import Meter
from pipeline.budgets.policies import PREFIX, SCOPES, Policy, checked, require_room, updated
from pipeline.budgets.policy_text import difference_text, differences
from pipeline.budgets.preflight import BudgetCheck, Kept, decide, meter, passed_over, read_kept
from pipeline.config import Settings, settings_of
from pipeline.errors import ChangedMeanwhileError, PriceError, UsageError, WarehouseError, near
from pipeline.periods import to_utc, utc_now
from pipeline.store import publish, rollups
from pipeline.store.warehouse import Warehouse
from pipeline.usage.own_log import is_bill
from pipeline.usage.pending import Pending, Used, used
from pipeline.usage.prices import RegisteredPrices
from pipeline.usage.record import Number, UsageRecord
from pipeline.usage.record import checked as record_checked

#: What ``list_policies`` can be asked for by equality.
FILTERS = (
    *("tenant_id", "scope_id", "period", "currency", "hard_limit_action"),
    *("origin", "owner", "enabled", "name", "priority"),
)
#: So often a copy may be published anew while it is read.
_TRIES = 5
#: Bytes of an id that the service makes.
_ID_BYTES = 6


class BudgetPolicyService:
    """Policies, for an actor: every operation names who asks, and nobody sees or touches another tenant's.

    It reads what is published, so it never waits for a run. What it writes goes through the writer's lock, in one
    transaction with its event, and is published at once. Runs judge policies; nothing stays open between calls.

    Args:
        settings: a configuration's, or the path of a warehouse: its configuration is found (``settings_of``).
        bus: who is told of what happened, after it was committed and published.
    """

    def __init__(self, settings: Settings | Path | str, *, bus: EventBus = BUS) -> None:
        settings = settings_of(settings)
        self.settings = settings
        self._bus = bus
        self._pending = Pending(settings.own_usage_log.path)
        self._prices = RegisteredPrices(settings.prices)
        self._kept: tuple[str, Kept, Meter] | None = None

    def create_policy(self, actor: Actor, policy: Policy, *, as_of: datetime | None = None) -> Policy:
        """Create a policy; returns it as it is kept, with its id. One without a tenant is of the actor's.

        Args:
            as_of: UTC; counts as now.

        Raises:
            NotPermittedError: when the actor has not ``budget:write``, for a global policy ``budget:admin``, or is of
                another tenant.
            UsageError: when the policy is wrong, its id was used before, another enabled policy is for the same scope,
                or its limit does not fit under the tenant's global policy.
            WarehouseBusyError: when another writer did not finish in time; nothing was changed.
        """
        given = replace(policy, tenant_id=policy.tenant_id if policy.tenant_id is not None else actor.tenant)
        now, own = _now(as_of), checked(given)
        _require_change(actor, "create", own)
        actor.require_sight(own.tenant_id, "create a policy of")
        own = replace(own, id=own.id or secrets.token_hex(_ID_BYTES))
        own = replace(own, created_at=now, created_by=actor.id, updated_at=now, updated_by=actor.id)
        with publish.changing(self.settings) as warehouse:
            if policy_table.is_taken(warehouse, own):
                raise UsageError(
                    f"a policy {own.id!r} is there already, or was once; leave the id out or choose another"
                )
            require_room(own, policy_table.read(warehouse))
            told = PolicyCreated(**_common(own, actor, now))
            self._write(warehouse, told, lambda: policy_table.insert(warehouse, own))
        self._bus.deliver([told])
        return own

    def update_policy(
        self,
        actor: Actor,
        policy_id: str,
        updates: Mapping[str, Any],
        *,
        seen: Policy | None = None,
        as_of: datetime | None = None,
    ) -> Policy:
        """Change fields of a policy; returns it as it is now. What changes nothing writes nothing.

        Args:
            seen: the policy as the caller saw it: what somebody else changed since is not written over.

        Raises:
            NotPermittedError, UsageError, WarehouseBusyError: as ``create_policy``; UsageError also when the actor
                sees no such policy, or a field cannot be changed.
            ChangedMeanwhileError: when it is not as it was ``seen``; says what changed.
        """
        actor.require(Permission.WRITE, "update a policy")
        now = _now(as_of)
        with publish.changing(self.settings) as warehouse:
            found = _find(warehouse, actor, policy_id)
            if seen is not None:
                _require_unchanged(seen, found)
            changed = updated(found, updates)
            _require_change(actor, "update", found, changed)
            different = {name: before for name, (before, _) in differences(found, changed).items()}
            if not different:
                return found
            require_room(changed, policy_table.read(warehouse))
            own = replace(changed, updated_at=now, updated_by=actor.id)
            told = PolicyUpdated(**_common(own, actor, now), before=different)
            self._write(warehouse, told, lambda: policy_table.update(warehouse, own))
        self._bus.deliver([told])
        return own

    def delete_policy(self, actor: Actor, policy_id: str, *, as_of: datetime | None = None) -> Policy:
        """End a policy: it counts no longer, its history stays, its id is not given again. Returns what it was.

        Raises:
            NotPermittedError, UsageError, WarehouseBusyError: as ``update_policy``.
        """
        actor.require(Permission.WRITE, "delete a policy")
        now = _now(as_of)
        with publish.changing(self.settings) as warehouse:
            found = _find(warehouse, actor, policy_id)
            _require_change(actor, "delete", found)
            own = replace(found, updated_at=now, updated_by=actor.id)
            told = PolicyDeleted(**_common(own, actor, now))
            self._write(warehouse, told, lambda: policy_table.end(warehouse, own, now))
        self._bus.deliver([told])
        return own

    def get_policy(self, actor: Actor, policy_id: str) -> Policy:
        """Return one policy by its id, with or without ``policy:`` before it.

        Raises:
            NotPermittedError: when the actor has not ``budget:read``.
            UsageError: when nothing is published, or the actor sees no such policy.
        """
        actor.require(Permission.READ, "show a policy")
        with publish.opened(self.settings.publish.path) as warehouse:
            return _find(warehouse, actor, policy_id)

    def list_policies(
        self,
        actor: Actor,
        scope: str | None = None,
        filters: Mapping[str, Any] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Policy]:
        """Return policies by tenant, scope, priority (high first), which one of the scope, period and id.

        Args:
            scope: a kind of scope (``team``), or one of it (``team:ml``).
            filters: values that fields of ``FILTERS`` must have.
            limit: at most so many, from ``offset`` (0: the first) on; None: all.

        Raises:
            NotPermittedError: when the actor has not ``budget:read``.
            UsageError: when nothing is published, or a scope, filter or number is none.
        """
        actor.require(Permission.READ, "list policies")
        kind, _, name = (scope or "").partition(":")
        if scope is not None and kind not in SCOPES:
            raise UsageError(f"{kind!r} is no scope of a policy{near(kind, SCOPES)}")
        for asked in filters or {}:
            if asked not in FILTERS:
                raise UsageError(f"policies cannot be chosen by {asked!r}{near(asked, FILTERS)}")
        if offset < 0 or (limit is not None and limit < 0):
            raise UsageError(f"limit {limit} and offset {offset} must be 0 or more")
        with publish.opened(self.settings.publish.path) as warehouse:
            found = [policy for policy in policy_table.read(warehouse) if actor.sees(policy.tenant_id)]
        chosen = [
            policy
            for policy in found
            if (scope is None or (policy.scope == kind and name in ("", policy.scope_id)))
            and all(getattr(policy, field) == value for field, value in (filters or {}).items())
        ]
        return sorted(chosen, key=_place)[offset : None if limit is None else offset + limit]

    def check_budget(
        self,
        actor: Actor,
        operation: UsageRecord,
        estimated_cost: Number | None = None,
        *,
        override: bool = False,
        explain: bool = False,
        as_of: datetime | None = None,
    ) -> BudgetCheck:
        """Ask what the policies say to a call before it is made. Writes nothing, and never waits for the writer.

        Args:
            operation: the call, as it would be recorded; its own cost does not matter. Without a tenant it is the
                actor's.
            estimated_cost: 0 or more, in the operation's currency; None: at the price of what the operation uses.
            override: pass a ``soft_block``; only an actor with ``budget:admin`` can.
            explain: say of the policies that do not count the call why not, too.

        Raises:
            NotPermittedError: when the actor has not ``budget:read``, or is of another tenant than the call.
            EntryError: when the operation or the cost cannot be taken.
            PriceError: when no cost is given, and there is no price for what the operation uses.
            UsageError: when nothing is published, or money of a policy cannot be told for want of a rate.
            WarehouseError: when the published copy cannot be read.
        """
        actor.require(Permission.READ, "check a budget")
        given = replace(operation, cost=estimated_cost, time=operation.time or _now(as_of))
        call = used(record_checked(given, lambda: "asked", self._prices, tenant=actor.tenant))
        actor.require_sight(call.tenant, "ask for")
        kept, counted = self._kept_and_pending()
        rates, into = self.settings.currency.rates, self.settings.currency.report
        found = decide(kept, counted, actor, call, rates, into, override)
        if found.action == "degrade":
            found = replace(found, alternative=self._cheaper(call))
        if explain:
            found = replace(found, passed_over=passed_over(counted, kept, actor, call))
        self._bus.deliver([_asked(actor, call, found)] if self._bus.is_heard(CheckRequested.name) else [])
        return found

    def _kept_and_pending(self) -> tuple[Kept, Meter]:
        """Read what is kept, then count what is not stored: a record that is loaded meanwhile is in exactly one of them."""
        stable = self.settings.publish.path
        for _ in range(_TRIES):
            copy = os.path.realpath(stable)
            held = self._kept
            if held is None or held[0] != copy:
                with publish.opened(stable) as warehouse:
                    kept = read_kept(warehouse, self._pending, is_bill=is_bill(self.settings))
                    held = (copy, kept, meter(kept))
            _, kept, counted = held
            counted.take(*self._pending.recent(kept.taken))
            if os.path.realpath(stable) == copy:
                self._kept = held
                return kept, counted
        raise WarehouseError(f"{stable}: published anew again and again while it was read; try again")

    def _cheaper(self, call: Used) -> str | None:
        """A cheaper model that does the same; None where none is known."""
        from pipeline.pricing.registry import PricingRegistry

        if call.model is None:
            return None
        try:
            registry = PricingRegistry.configured(self.settings.prices)
            found = registry.get_cheaper_alternative(call.model, call.provider, input_tokens=1000, output_tokens=1000)
        except PriceError:
            return None
        return found.model if found else None

    def _write(self, warehouse: Warehouse, told: PolicyEvent, write: Callable[[], None]) -> None:
        with warehouse.transaction():
            write()
            event_table.keep(warehouse, [told])
            rollups.mark_latest_report(warehouse)


def _asked(actor: Actor, call: Used, found: BudgetCheck) -> CheckRequested:
    return CheckRequested(
        at=call.time,
        actor=actor.id,
        tenant=call.tenant,
        provider=call.provider,
        model=call.model,
        operation=call.operation,
        cost=call.cost,
        currency=call.currency,
        allowed=found.allowed,
        action=found.action,
    )


def _require_change(actor: Actor, doing: str, *policies: Policy) -> None:
    """Global policies, before or after, are changed by admins."""
    is_global = any(policy.scope == "global" for policy in policies)
    words = f"{doing} a global policy" if is_global else f"{doing} a policy"
    actor.require(Permission.ADMIN if is_global else Permission.WRITE, words)


def _require_unchanged(seen: Policy, found: Policy) -> None:
    if different := differences(seen, found):
        when = f" on {found.updated_at:%Y-%m-%d %H:%M} UTC" if found.updated_at else ""
        raise ChangedMeanwhileError(
            f"policy {found.id} was changed by {found.updated_by}{when} meanwhile; nothing was written over it:\n"
            f"{difference_text(different)}"
        )


def _find(warehouse: Warehouse, actor: Actor, policy_id: str) -> Policy:
    name = policy_id.removeprefix(PREFIX)
    found = [
        each for each in policy_table.read(warehouse, "scope_key = $id", {"id": name}) if actor.sees(each.tenant_id)
    ]
    if found:
        return found[0]
    of_file = "SELECT count(*) FROM budgets WHERE origin = 'file' AND budget_id = ?"
    if actor.sees(None) and warehouse.value(of_file, [policy_id]):
        raise UsageError(f"{policy_id} is a budget of the configuration file and no policy; change it in costmill.yaml")
    raise UsageError(f"no policy has the id {policy_id!r}")


def _common(policy: Policy, actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "at": now,
        "actor": actor.id,
        "tenant": policy.tenant_id,
        "budget_id": policy.budget_id,
        "policy": policy.to_json_dict(),
    }


def _place(policy: Policy) -> tuple[str, int, int, str, str, str]:
    order = SCOPES.index(policy.scope)
    return (policy.tenant_id or "", order, -policy.priority, policy.scope_id, policy.period, policy.id)


def _now(as_of: datetime | None) -> datetime:
    return to_utc(as_of) if as_of else utc_now()
