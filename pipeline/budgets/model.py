"""What an evaluation says: plain values, and their JSON (SPEC 3.5). Nothing here reads data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from pipeline.budgets.policies import Policy
from pipeline.budgets.windows import name_of
from pipeline.config.budgets import AlertType, ScopeBudget, ScopeType, Unit
from pipeline.money import ZERO, text
from pipeline.periods import Window
from pipeline.rules import plain

Health = Literal["OK", "WARNING", "CRITICAL", "EXCEEDED", "UNSPECIFIED", "DISABLED"]
ThresholdState = Literal["OK", "APPROACHING", "EXCEEDED"]

#: From good to bad. A scope that cannot be counted is no OK, and no bad news either. DISABLED scopes have no say.
_SEVERITY: tuple[Health, ...] = ("OK", "UNSPECIFIED", "WARNING", "CRITICAL", "EXCEEDED")


@dataclass(frozen=True)
class ThresholdStatus:
    """A threshold in percent of the effective limit, or an amount, and where the spend (or the forecast) stands."""

    threshold: Decimal
    type: AlertType
    state: ThresholdState
    exit: bool
    unit: Unit = "percent"

    def to_json_dict(self) -> dict[str, Any]:
        """Return the alert of SPEC 3.5 with its threshold as text."""
        told = {"threshold": text(self.threshold), "type": self.type, "state": self.state, "exit": self.exit}
        return {**told, "unit": self.unit}


@dataclass(frozen=True)
class Child:
    """How a budget stands whose parent is another one, in its own current window."""

    budget_id: str
    health: Health
    percentage: Decimal | None

    def to_json_dict(self) -> dict[str, Any]:
        """Return the child of a status in JSON."""
        return {"budget_id": self.budget_id, "health": self.health, "percentage": _percentage(self.percentage)}


@dataclass(frozen=True)
class BudgetStatus:
    """State of one budget in one window.

    Attributes:
        period_start, period_end: half-open, UTC.
        current_spend, forecasted_spend: in ``currency``, 18 decimals; None for a disabled scope and for one with
            charges that no rate converts; the forecast also with too little data (``forecast_note`` says why).
        percentage, forecast_percentage: of ``effective_limit``, 6 decimals, half-even. Health and thresholds are
            decided before this rounding.
        forecast_through: last complete day that the forecast counts.
        health: DISABLED for amount 0 and outside of its dates, UNSPECIFIED where a rate is missing.
        matched_resources: distinct resources (provider and ResourceId) with charges in this scope; None where only
            charges could tell.
        unconverted: currency -> BilledCost that no rate converts; empty when all is counted.
        breached: one of its thresholds that may end the run is EXCEEDED, and ``exit_on_threshold`` is on.
        exit_code: what a breach asks for; None when ``exit_on_threshold`` is off.
        billing_periods: those whose charges it counted, oldest first.
        rollover: part of ``effective_limit`` that the window before left over.
        children: how the budgets stand whose parent this is, in report order.
        without_rate: ``unconverted`` by billing period: (period, currency, cost).
    """

    budget: ScopeBudget
    period_start: datetime
    period_end: datetime
    effective_limit: Decimal
    health: Health
    current_spend: Decimal | None = None
    percentage: Decimal | None = None
    forecasted_spend: Decimal | None = None
    forecast_percentage: Decimal | None = None
    forecast_note: str | None = None
    forecast_through: date | None = None
    alerts: tuple[ThresholdStatus, ...] = ()
    matched_resources: int | None = 0
    unconverted: tuple[tuple[str, Decimal], ...] = ()
    breached: bool = False
    billing_periods: tuple[str, ...] = ()
    without_rate: tuple[tuple[str, str, Decimal], ...] = ()
    rollover: Decimal = ZERO
    children: tuple[Child, ...] = ()

    @cached_property
    def window(self) -> Window:
        """Its window, half-open, UTC."""
        return Window(self.period_start, self.period_end)

    @property
    def window_name(self) -> str:
        """The window as people write it."""
        return name_of(self.budget.period, self.window)

    @property
    def scope_type(self) -> ScopeType:
        """``global``, ``provider``, ``tag``, ``type``, ``policy`` or ``managed``."""
        return self.budget.scope_type

    @property
    def scope_key(self) -> str:
        """Empty for global, else the provider, the selector, the resource type, the policy's id or the managed budget's."""
        return self.budget.scope_key

    @property
    def budget_id(self) -> str:
        """The scope as one word, such as ``tag:team:platform``."""
        return self.budget.budget_id

    @property
    def currency(self) -> str:
        """ISO 4217 code of every amount here."""
        return self.budget.currency

    @property
    def exit_code(self) -> int | None:
        """Exit code that a breach of this scope asks for; None when it asks for none."""
        return self.budget.exit_code if self.budget.exit_on_threshold and self.budget.enabled else None

    def to_json_dict(self) -> dict[str, Any]:
        """Return the status of SPEC 3.5: money as text, percentages as text with 6 decimals, times in ISO form."""
        return {
            "scope_type": self.scope_type,
            "scope_key": self.scope_key,
            "budget": _budget_json(self.budget),
            "window": self.window_name,
            "period_start": _iso(self.period_start),
            "period_end": _iso(self.period_end),
            "currency": self.currency,
            "effective_limit": text(self.effective_limit),
            "rollover": text(self.rollover),
            "current_spend": _money(self.current_spend),
            "percentage": _percentage(self.percentage),
            "forecasted_spend": _money(self.forecasted_spend),
            "forecast_percentage": _percentage(self.forecast_percentage),
            "forecast_note": self.forecast_note,
            "forecast_through": self.forecast_through.isoformat() if self.forecast_through else None,
            "health": self.health,
            "alerts": [alert.to_json_dict() for alert in self.alerts],
            "matched_resources": self.matched_resources,
            "unconverted": {currency: text(cost) for currency, cost in self.unconverted},
            "breached": self.breached,
            "exit_code": self.exit_code,
            "children": [child.to_json_dict() for child in self.children],
        }


@dataclass(frozen=True)
class PolicyStatus:
    """A policy, and its state in its window."""

    policy: Policy
    status: BudgetStatus

    def to_json_dict(self) -> dict[str, Any]:
        """Return the status of SPEC 3.5 with all of the policy."""
        return {**self.status.to_json_dict(), "policy": self.policy.to_json_dict()}


@dataclass(frozen=True)
class Allocation:
    """What one resource cost and which budgets received it (``--explain``).

    A resource has one row per currency and set of matching selectors: its tags may have changed within the window.
    Charges that belong to no resource stand together under ``resource_id`` None.

    Attributes:
        cost: BilledCost in ``currency``, as billed (not converted).
        allocated_scopes: budget ids in the order global, provider, tag, type, policies.
        other_costs: budget id -> what it received, for those that count another cost than BilledCost.
        origin: ``billed``, or ``recorded``: those that a policy counts; no bill has them.
        matched_tags: selectors of the enabled tag budgets that match, the winner first.
        selected_tag_budget: the selector that received the cost.
    """

    resource_id: str | None
    resource_name: str | None
    resource_type: str | None
    provider: str | None
    cost: Decimal
    currency: str
    allocated_scopes: tuple[str, ...]
    matched_tags: tuple[str, ...] = ()
    selected_tag_budget: str | None = None
    warnings: tuple[str, ...] = ()
    other_costs: tuple[tuple[str, Decimal], ...] = ()
    origin: str = "billed"

    @property
    def scope_costs(self) -> dict[str, Decimal]:
        """Budget id -> what it received, at the cost that it counts."""
        return dict.fromkeys(self.allocated_scopes, self.cost) | dict(self.other_costs)

    def to_json_dict(self) -> dict[str, Any]:
        """Return the allocation under the names of SPEC 3.3."""
        return {
            "ResourceId": self.resource_id,
            "ResourceName": self.resource_name,
            "ResourceType": self.resource_type,
            "Provider": self.provider,
            "Cost": text(self.cost),
            "Currency": self.currency,
            "Origin": self.origin,
            "AllocatedScopes": list(self.allocated_scopes),
            "ScopeCosts": {name: text(cost) for name, cost in self.scope_costs.items()},
            "MatchedTags": list(self.matched_tags),
            "SelectedTagBudget": self.selected_tag_budget,
            "Warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class BudgetResult:
    """All budgets of a configuration, each in the window that answers for one billing period.

    Attributes:
        window: the billing period's.
        statuses: in report order: global, providers A to Z, tags by priority (high first) then selector, types A to Z.
        policies: those that were asked for, high priority first.
        managed: budgets of ``BudgetManager`` that were asked for, by id.
        allocations: None unless asked for with ``explain``.
    """

    period: str
    window: Window
    statuses: tuple[BudgetStatus, ...] = ()
    warnings: tuple[str, ...] = ()
    allocations: tuple[Allocation, ...] | None = None
    policies: tuple[PolicyStatus, ...] = ()
    managed: tuple[BudgetStatus, ...] = ()

    @property
    def global_(self) -> BudgetStatus | None:
        """The global budget; None when the file has none."""
        return next(iter(self._of("global")), None)

    @property
    def by_provider(self) -> tuple[BudgetStatus, ...]:
        """Provider budgets, A to Z."""
        return self._of("provider")

    @property
    def by_tag(self) -> tuple[BudgetStatus, ...]:
        """Tag budgets by priority, high first, then selector."""
        return self._of("tag")

    @property
    def by_type(self) -> tuple[BudgetStatus, ...]:
        """Type budgets, A to Z."""
        return self._of("type")

    @property
    def overall_health(self) -> Health:
        """The worst health of all enabled scopes; UNSPECIFIED when there is none."""
        return worst(status.health for status in self.statuses)

    @property
    def critical_scopes(self) -> tuple[str, ...]:
        """Budget ids that are CRITICAL or EXCEEDED, in report order."""
        return tuple(status.budget_id for status in self.statuses if status.health in ("CRITICAL", "EXCEEDED"))

    @property
    def missing_rates(self) -> tuple[str, ...]:
        """Currencies of charges that no rate converts, A to Z: the run ends with the configuration code."""
        return tuple(sorted({currency for status in self.statuses for currency, _ in status.unconverted}))

    def to_json_dict(self) -> dict[str, Any]:
        """Return what ``costmill budgets --format json`` prints; ``allocations`` only where asked for."""
        result: dict[str, Any] = {
            "global": self.global_.to_json_dict() if self.global_ else None,
            "by_provider": _json(self.by_provider),
            "by_tag": _json(self.by_tag),
            "by_type": _json(self.by_type),
            "policies": _json(self.policies),
            "managed": _json(self.managed),
            "overall_health": self.overall_health,
            "critical_scopes": list(self.critical_scopes),
            "warnings": list(self.warnings),
        }
        if self.allocations is not None:
            result["allocations"] = _json(self.allocations)
        return result

    def _of(self, scope_type: ScopeType) -> tuple[BudgetStatus, ...]:
        return tuple(status for status in self.statuses if status.scope_type == scope_type)


@dataclass(frozen=True)
class ExitDecision:
    """How budgets let a run end.

    Attributes:
        code: of the first breached scope; 0 when none is breached, or when it asks for 0.
        scope: the breached scope's budget id.
        reason: what it breached, for stderr; None without a breach.
        warning: the reason again when the code is 0: the only sign of the breach.
    """

    code: int = 0
    scope: str | None = None
    reason: str | None = None
    warning: str | None = None


def worst(healths: Iterable[Health]) -> Health:
    """Return the worst of them, DISABLED left out; UNSPECIFIED when none is left."""
    return max((health for health in healths if health != "DISABLED"), key=_SEVERITY.index, default="UNSPECIFIED")


def _json(items: Sequence[BudgetStatus] | Sequence[PolicyStatus] | Sequence[Allocation]) -> list[dict[str, Any]]:
    return [item.to_json_dict() for item in items]


def _budget_json(budget: ScopeBudget) -> dict[str, Any]:
    return {
        "budget_id": budget.budget_id,
        "name": budget.name,
        "owner": budget.owner,
        "amount": text(budget.amount),
        "currency": budget.currency,
        "period": budget.period,
        "period_by": budget.period_by,
        "starts": budget.starts.isoformat() if budget.starts else None,
        "ends": budget.ends.isoformat() if budget.ends else None,
        "basis": budget.basis,
        "filter": plain(budget.filter) if budget.filter else None,
        "planned": {label: text(amount) for label, amount in budget.planned},
        "rollover": None if budget.rollover is None else {"max_percent": text(budget.rollover)},
        "parent": budget.parent,
        "priority": budget.priority,
        "exit_on_threshold": budget.exit_on_threshold,
        "exit_code": budget.exit_code,
        "enabled": budget.enabled,
    }


def _money(value: Decimal | None) -> str | None:
    return None if value is None else text(value)


def _percentage(value: Decimal | None) -> str | None:
    return None if value is None else format(value, ".6f")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds") + "Z"
