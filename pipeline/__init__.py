"""Costmill: the nightly cloud bill, loaded exactly, explained, held against budgets.

The Python interface: every name of ``__all__`` is loaded when it is first asked for, so that ``import pipeline`` costs
nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipeline import version

if TYPE_CHECKING:
    from pipeline.actors import Actor, Permission
    from pipeline.alert_service import BudgetAlertService
    from pipeline.budgets.alert_configs import AlertConfig
    from pipeline.budgets.events import subscribe
    from pipeline.budgets.managed import Budget, BudgetAlert
    from pipeline.budgets.manager import BudgetManager
    from pipeline.budgets.policies import Policy
    from pipeline.budgets.policy_service import BudgetPolicyService
    from pipeline.budgets.preflight import BudgetCheck
    from pipeline.budgets.reached import ReachedThreshold
    from pipeline.entries import CostCategory, CostEntry, CostSummary
    from pipeline.errors import (
        ChangedMeanwhileError,
        CostmillError,
        EntryError,
        NotPermittedError,
        PriceError,
        UnknownModelError,
        UsageError,
        UsageLogError,
        WarehouseBusyError,
    )
    from pipeline.periods import BudgetPeriod
    from pipeline.pricing.model import ModelCost, ModelPrice
    from pipeline.pricing.registry import PricingRegistry
    from pipeline.store.base import CostStore
    from pipeline.store.duckdb import DuckDBCostStore
    from pipeline.store.memory import InMemoryCostStore
    from pipeline.tracker import CostTracker
    from pipeline.usage.answers import SpendTrend, UsageSummary
    from pipeline.usage.record import UsageRecord
    from pipeline.usage.service import BudgetTrackingService

__version__ = version.VERSION

__all__ = [
    "Actor",
    "AlertConfig",
    "Budget",
    "BudgetAlert",
    "BudgetAlertService",
    "BudgetCheck",
    "BudgetManager",
    "BudgetPeriod",
    "BudgetPolicyService",
    "BudgetTrackingService",
    "ChangedMeanwhileError",
    "CostCategory",
    "CostEntry",
    "CostStore",
    "CostSummary",
    "CostTracker",
    "CostmillError",
    "DuckDBCostStore",
    "EntryError",
    "InMemoryCostStore",
    "ModelCost",
    "ModelPrice",
    "NotPermittedError",
    "Permission",
    "Policy",
    "PriceError",
    "PricingRegistry",
    "ReachedThreshold",
    "SpendTrend",
    "UnknownModelError",
    "UsageError",
    "UsageLogError",
    "UsageRecord",
    "UsageSummary",
    "WarehouseBusyError",
    "subscribe",
]

_HOMES = {
    "Actor": "actors",
    "AlertConfig": "budgets.alert_configs",
    "Budget": "budgets.managed",
    "BudgetAlert": "budgets.managed",
    "BudgetAlertService": "alert_service",
    "BudgetCheck": "budgets.preflight",
    "BudgetManager": "budgets.manager",
    "BudgetPeriod": "periods",
    "BudgetPolicyService": "budgets.policy_service",
    "BudgetTrackingService": "usage.service",
    "ChangedMeanwhileError": "errors",
    "CostCategory": "entries",
    "CostEntry": "entries",
    "CostStore": "store.base",
    "CostSummary": "entries",
    "CostTracker": "tracker",
    "CostmillError": "errors",
    "DuckDBCostStore": "store.duckdb",
    "EntryError": "errors",
    "InMemoryCostStore": "store.memory",
    "ModelCost": "pricing.model",
    "ModelPrice": "pricing.model",
    "NotPermittedError": "errors",
    "Permission": "actors",
    "Policy": "budgets.policies",
    "PriceError": "errors",
    "PricingRegistry": "pricing.registry",
    "ReachedThreshold": "budgets.reached",
    "SpendTrend": "usage.answers",
    "UnknownModelError": "errors",
    "UsageError": "errors",
    "UsageLogError": "errors",
    "UsageRecord": "usage.record",
    "UsageSummary": "usage.answers",
    "WarehouseBusyError": "errors",
    "subscribe": "budgets.events",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(import_module(f"pipeline.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
