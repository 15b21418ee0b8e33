"""Budgets as the configuration file states them, resolved: what a scope inherits is filled in."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

ScopeType = Literal["global", "provider", "tag", "type"]
AlertType = Literal["actual", "forecasted"]


@dataclass(frozen=True)
class AlertThreshold:
    """A threshold in percent of the effective limit (0 to 1000); ``exit`` false leaves it out of the exit rule."""

    threshold: Decimal
    type: AlertType
    exit: bool = True


#: Used where a scope names none (SPEC 3.5); of these only 100 counts for the exit rule.
DEFAULT_ALERTS = (
    AlertThreshold(Decimal(50), "actual", exit=False),
    AlertThreshold(Decimal(80), "actual", exit=False),
    AlertThreshold(Decimal(100), "actual"),
)


@dataclass(frozen=True)
class ScopeBudget:
    """One budget of the file.

    Attributes:
        scope_key: '' for global, else the provider (canonical: aws, azure, gcp, oci, or lower case), the tag
            selector ``key:value`` / ``key:*``, or the x_ResourceType.
        amount: limit per period in ``currency``; 0 disables the scope.
        exit_on_threshold, exit_code: effective values, the root's where the scope has none.
        priority: of tag budgets; 0 elsewhere.
    """

    scope_type: ScopeType
    scope_key: str
    amount: Decimal
    currency: str
    period: Literal["monthly"] = "monthly"
    alerts: tuple[AlertThreshold, ...] = DEFAULT_ALERTS
    exit_on_threshold: bool = False
    exit_code: int = 1
    name: str | None = None
    owner: str | None = None
    priority: int = 0

    @property
    def enabled(self) -> bool:
        """False when the amount is 0."""
        return self.amount > 0

    @property
    def budget_id(self) -> str:
        """``global``, ``provider:aws``, ``tag:team:ml`` or ``type:aws:ec2/instance``."""
        return f"{self.scope_type}:{self.scope_key}" if self.scope_key else self.scope_type


@dataclass(frozen=True)
class BudgetsConfig:
    """All budgets of a file in report order: global, providers A to Z, tags by priority (high first) then selector, types A to Z."""

    scopes: tuple[ScopeBudget, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def tag_keys(self) -> tuple[str, ...]:
        """Tag keys that selectors use, sorted: the rollup must report them."""
        return tuple(sorted({scope.scope_key.split(":", 1)[0] for scope in self.scopes if scope.scope_type == "tag"}))
