"""Short ways to write rollup rows and budgets for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from pipeline.budgets import windows
from pipeline.budgets.evaluate import allocations, assemble, open_books, resource_counts, status
from pipeline.budgets.model import BudgetResult
from pipeline.config.budgets import AlertThreshold, AlertType, BudgetsConfig, ScopeBudget, ScopeType

PERIOD = "2026-03"
MONEY = pl.Decimal(38, 18)
AS_OF = datetime(2026, 3, 31, 23, 59, 59, 999999)
LAST_DAY = date(2026, 3, 31)

_DAILY: dict[str, Any] = {
    "x_BillingPeriod": pl.String, "ChargeDay": pl.Date, "BillingCurrency": pl.String, "x_Source": pl.String,
    "x_Origin": pl.String, "x_Provider": pl.String, "x_ResourceType": pl.String, "ChargeCategory": pl.String,
    "ChargeClass": pl.String, "x_ReportedTags": pl.String, "BilledCost": MONEY,
}  # fmt: skip
_RESOURCES: dict[str, Any] = {
    "x_BillingPeriod": pl.String, "BillingCurrency": pl.String, "x_Source": pl.String, "x_Origin": pl.String,
    "x_ResourceKey": pl.String, "x_Provider": pl.String, "ResourceId": pl.String, "ResourceName": pl.String,
    "x_ResourceType": pl.String, "Tags": pl.String, "BilledCost": MONEY,
}  # fmt: skip
_CHARGE = {
    "x_BillingPeriod": PERIOD, "BillingCurrency": "USD", "x_Source": "aws-prod", "x_Origin": "billed",
    "x_Provider": "aws", "x_ResourceType": "aws:ec2/instance",
}  # fmt: skip


def tag_json(tags: Mapping[str, str] | None) -> str | None:
    """Write tags as the store does: canonical JSON, None for none."""
    return json.dumps(dict(sorted(tags.items())), separators=(",", ":"), ensure_ascii=False) if tags else None


def charge(
    cost: str | int | Decimal, day: int | date = 1, tags: Mapping[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """One row of daily_costs; ``day`` is a day of March 2026."""
    on = day if isinstance(day, date) else date(2026, 3, day)
    own = {"ChargeDay": on, "ChargeCategory": "Usage", "ChargeClass": None, "x_ReportedTags": tag_json(tags)}
    return {**_CHARGE, **own, "BilledCost": Decimal(cost), **more}


def resource(cost: str, name: str | None, tags: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """One row of resource_costs with its dimensions."""
    own = {
        "x_ResourceKey": f"{name}",
        "ResourceId": name,
        "ResourceName": name and name.upper(),
        "Tags": tag_json(tags),
    }
    return {**_CHARGE, **own, "BilledCost": Decimal(cost), **more}


def daily(*rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of daily_costs, the columns that budgets read."""
    return pl.DataFrame(list(rows), schema=_DAILY)


def resources(*rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of resource_costs joined to resources and tag_sets."""
    return pl.DataFrame(list(rows), schema=_RESOURCES)


def budget(scope: str = "global", amount: str | int = 100, **more: Any) -> ScopeBudget:
    """A budget by its id: ``global``, ``provider:aws``, ``tag:team:ml``, ``type:aws:ec2/instance``."""
    kind, _, key = scope.partition(":")
    kinds: dict[str, ScopeType] = {"global": "global", "provider": "provider", "tag": "tag", "type": "type"}
    return ScopeBudget(kinds[kind], key, Decimal(amount), more.pop("currency", "USD"), **more)


def at(*thresholds: str | int, type: AlertType = "actual", exit: bool = True) -> tuple[AlertThreshold, ...]:
    """Thresholds in percent."""
    return tuple(AlertThreshold(Decimal(threshold), type, exit) for threshold in thresholds)


def config(*scopes: ScopeBudget) -> BudgetsConfig:
    """A file's budgets."""
    return BudgetsConfig(scopes)


def result(
    budgets: BudgetsConfig | tuple[ScopeBudget, ...],
    *rows: dict[str, Any],
    used: pl.DataFrame | None = None,
    as_of: datetime = AS_OF,
    last: date | Mapping[str, date | None] | None = LAST_DAY,
    rates: Mapping[str, Decimal] | None = None,
    explain: bool = False,
) -> BudgetResult:
    """Judge charges of March 2026, by default with the whole month complete; ``last`` is of all sources, or by source."""
    made = budgets if isinstance(budgets, BudgetsConfig) else BudgetsConfig(budgets)
    days = last if isinstance(last, Mapping) else {row["x_Source"]: last for row in rows or (charge("0"),)}
    books, ties = open_books(made.scopes, daily(*rows), as_of=as_of, days={PERIOD: days}, rates={PERIOD: rates or {}})
    frame = resources() if used is None else used
    moment = windows.shown_moment(PERIOD, as_of)
    current = [(scope, window) for scope in made.scopes if (window := windows.current(scope, moment))]
    counts = resource_counts(current, made.scopes, frame)
    statuses = [status(scope, window, books, counts.get((scope.budget_id, window))) for scope, window in current]
    found = assemble(made, PERIOD, moment, statuses, ties)
    return replace(found, allocations=allocations(made.scopes, frame)) if explain else found
