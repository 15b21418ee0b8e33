"""The configuration: ``costmill.yaml``, the environment and flags, read into typed settings.

``find_config`` says which file, ``load_settings`` reads it, ``default_settings`` does without one; ``settings_of`` finds
the file of a warehouse.
docs/configuration.md lists every key.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.config.budgets import AlertThreshold, BudgetsConfig, ScopeBudget
from pipeline.config.settings import (
    Account,
    AnomalySettings,
    BudgetOverrides,
    CacheSettings,
    CurrencySettings,
    ExpectedInvoice,
    FreshnessSettings,
    PriceSettings,
    PublishSettings,
    ReportSettings,
    Settings,
    SourceSettings,
    TagSettings,
    UsageLogSettings,
    default_settings,
    find_config,
    load_settings,
    settings_of,
)

#: The JSON Schema that ships with the package, for editors.
SCHEMA = Path(__file__).with_name("costmill.schema.json")

__all__ = [
    "SCHEMA",
    "Account",
    "AlertThreshold",
    "AnomalySettings",
    "BudgetOverrides",
    "BudgetsConfig",
    "CacheSettings",
    "CurrencySettings",
    "ExpectedInvoice",
    "FreshnessSettings",
    "PriceSettings",
    "PublishSettings",
    "ReportSettings",
    "ScopeBudget",
    "Settings",
    "SourceSettings",
    "TagSettings",
    "UsageLogSettings",
    "default_settings",
    "find_config",
    "load_settings",
    "settings_of",
]
