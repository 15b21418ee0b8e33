"""Budgets as the configuration file states them, resolved: what a scope inherits is filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

from pipeline.rules import Condition

ScopeType = Literal["global", "provider", "tag", "type", "policy", "managed"]
#: Scopes of the budgets that services keep, not the file.
APART: tuple[ScopeType, ...] = ("policy", "managed")
AlertType = Literal["actual", "forecasted"]
Unit = Literal["percent", "amount"]
PeriodBy = Literal["billing", "charge"]
Basis = Literal["billed", "effective", "list", "contracted"]
PeriodName = Literal[
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "yearly",
    "rolling_24h",
    "rolling_7d",
    "rolling_30d",
    "lifetime",
    "custom",
]

#: Basis -> the cost column that it sums.
COSTS: dict[str, str] = {
    "billed": "BilledCost",
    "effective": "EffectiveCost",
    "list": "ListCost",
    "contracted": "ContractedCost",
}
#: Rolling windows and their days.
ROLLING: dict[str, int] = {"rolling_24h": 1, "rolling_7d": 7, "rolling_30d": 30}
#: Windows that follow one another; the others are one each, now or ever.
CALENDAR = ("hourly", "daily", "weekly", "monthly", "quarterly", "yearly")
#: Periods of whole months, which go by the billing period unless they say otherwise.
BY_BILLING = ("monthly", "quarterly", "yearly")


@dataclass(frozen=True)
class AlertThreshold:
    """A threshold in percent of the effective limit (0 to 1000), or an amount; ``exit`` false leaves it out of the exit
    rule."""

    threshold: Decimal
    type: AlertType
    exit: bool = True
    unit: Unit = "percent"


#: Used where a scope names none (SPEC 3.5); of these only 100 counts for the exit rule.
DEFAULT_ALERTS = (
    AlertThreshold(Decimal(50), "actual", exit=False),
    AlertThreshold(Decimal(80), "actual", exit=False),
    AlertThreshold(Decimal(100), "actual"),
)


@dataclass(frozen=True)
class ScopeBudget:
    """One budget, whichever door it came by.

    Attributes:
        scope_key: '' for global, else the provider (canonical: aws, azure, gcp, oci, or lower case), the tag
            selector ``key:value`` / ``key:*``, the x_ResourceType, the policy's id, or the managed budget's.
        amount: limit per period in ``currency``; 0 disables the scope.
        period_by: what puts a charge in a window: its billing period, or its ChargePeriodStart.
        starts, ends: half-open; it counts in windows that lie wholly between them. Of a custom period, the window.
        planned: (month or quarter, amount from then on) pairs, oldest first; ``amount`` is the limit before them.
        rollover: percent of the limit that may be carried to the next window; None: nothing is.
        parent: budget id of the budget above, which the limits of its children may not pass together.
        basis: which cost it counts: see ``COSTS``.
        filter: the charges of its scope that it counts; None: all.
        exit_on_threshold, exit_code: effective values, the root's where the scope has none.
        priority: of tag budgets and policies; 0 elsewhere.
        tenant_id: whose policy or managed budget it is; None: no tenant's. What it counts is its filter's to say.
        notify: addresses and channels that are told its alerts, and ``owner`` for those of its owner.
        switched_off: of a policy or a managed budget that keeps its limit and counts nothing.
    """

    scope_type: ScopeType
    scope_key: str
    amount: Decimal
    currency: str
    period: PeriodName = "monthly"
    alerts: tuple[AlertThreshold, ...] = DEFAULT_ALERTS
    exit_on_threshold: bool = False
    exit_code: int = 1
    name: str | None = None
    owner: str | None = None
    priority: int = 0
    period_by: PeriodBy = "billing"
    starts: date | None = None
    ends: date | None = None
    planned: tuple[tuple[str, Decimal], ...] = ()
    rollover: Decimal | None = None
    parent: str | None = None
    basis: Basis = "billed"
    filter: Condition | None = None
    tenant_id: str | None = None
    switched_off: bool = False
    notify: tuple[str, ...] = ()

    @property
    def enabled(self) -> bool:
        """False when the amount is 0, or it is switched off."""
        return self.amount > 0 and not self.switched_off

    @cached_property
    def budget_id(self) -> str:
        """``global``, ``provider:aws``, ``tag:team:ml``, ``type:aws:ec2/instance``, ``policy:ID`` or ``managed:ID``."""
        return f"{self.scope_type}:{self.scope_key}" if self.scope_key else self.scope_type

    @property
    def is_of_file(self) -> bool:
        """Whether the file states it. Others count each on their own, recorded charges too, and set no exit code."""
        return self.scope_type not in APART

    @property
    def has_dates(self) -> bool:
        """Whether it counts only in a part of all time."""
        return self.starts is not None or self.ends is not None


@dataclass(frozen=True)
class BudgetsConfig:
    """All budgets of a file in report order: global, providers A to Z, tags by priority (high first) then selector, types A to Z."""

    scopes: tuple[ScopeBudget, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def tag_keys(self) -> tuple[str, ...]:
        """Tag keys that selectors use, sorted: the rollup must report them."""
        return tuple(sorted({scope.scope_key.split(":", 1)[0] for scope in self.scopes if scope.scope_type == "tag"}))
