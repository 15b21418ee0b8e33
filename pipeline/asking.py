"""What is asked of a published warehouse and written nowhere: budgets, explanations, forecasts, the messages that are due."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pipeline.budgets.charges import lacking_usage
from pipeline.budgets.explanation import Explanation
from pipeline.budgets.model import BudgetResult
from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.jobs import Night
from pipeline.night import explaining, forecasting
from pipeline.store.tagging import stored_rules
from pipeline.store.warehouse import Warehouse


def tells(settings: Settings) -> bool:
    """Whether anybody is told anything."""
    return settings.mail is not None or bool(settings.notify)


def rehearse_delivery(
    warehouse: Warehouse, settings: Settings, folder: Path, *, as_of: datetime
) -> tuple[list[Path], list[str]]:
    """Write what a delivery from an open (published) warehouse would send as files, and return them and its warnings;
    nothing is sent or noted.

    Raises:
        UsageError: as ``ask_budgets``.
    """
    from pipeline.night import delivering

    asking = _asking(warehouse, settings, as_of)
    delivery = delivering.Delivery(
        warehouse,
        settings,
        as_of=as_of,
        run_id="",
        keys=asking.keys,
        staleness=asking.staleness(),
        channels=delivering.channels(settings),
    )
    return delivery.write(folder), delivery.warnings


def ask_budgets(
    warehouse: Warehouse, settings: Settings, period: str, *, as_of: datetime, explain: bool = False
) -> BudgetResult:
    """Evaluate the configured budgets, and the policies and managed budgets that the settings' actor may see, on an open
    (published) warehouse; writes nothing.

    Raises:
        UsageError: when the rollups were made without a tag key that a budget uses, or with other tag rules, or what a
            budget counts was not summed yet.
    """
    actor = settings.actor
    if actor.own_tenant is not None:  # budgets of the file, and what they count, are the operator's
        if explain:
            actor.require_operator("explain which budgets count a charge")
        settings = replace(settings, budgets=None)
    asking = _asking(warehouse, settings, as_of)
    result = asking.evaluate(period, explain=explain)
    if period in asking.loaded:
        return result
    return replace(result, warnings=(*result.warnings, f"no data: nothing is loaded for {period}, so all spend is 0"))


def ask_explanation(
    warehouse: Warehouse, settings: Settings, name: str, period: str, *, as_of: datetime, by: str
) -> Explanation:
    """Say of what a budget's spend, limit and forecast are made, on an open (published) warehouse; writes nothing.

    Args:
        name: a budget of the file, or a policy that the settings' actor may see: by its id, or the policy's name.
        by: what charges are grouped by: a column, ``day`` or ``tag:KEY``.

    Raises:
        UsageError: as ``ask_budgets``; also for a name or a grouping that there is none of.
    """
    if settings.actor.own_tenant is not None:  # budgets of the file are the operator's
        settings = replace(settings, budgets=None)
    keys = _asking(warehouse, settings, as_of).keys
    return explaining.explain(warehouse, settings, name, period, as_of, keys=keys, by=by)


def ask_forecast(
    warehouse: Warehouse, settings: Settings, period: str, *, as_of: datetime
) -> tuple[forecasting.Projected, ...]:
    """Forecast a billing period, the budgets, and the policies that the settings' actor may see, on an open (published)
    warehouse; writes nothing.

    Raises:
        UsageError: as ``ask_budgets``.
    """
    keys = _asking(warehouse, settings, as_of).keys
    return forecasting.project(warehouse, settings, period, as_of, keys)


def _asking(warehouse: Warehouse, settings: Settings, as_of: datetime) -> Night:
    """Return a night that only asks; refuses a warehouse that was made for another configuration."""
    asking = Night(warehouse, settings, as_of=as_of, run_id="")
    require_same_tags(asking)
    budgets = settings.budgets.scopes if settings.budgets else ()
    if lacking := lacking_usage(warehouse, budgets, asking.keys):
        raise UsageError(f"the warehouse was made without what the budget {lacking[0]} counts; run `costmill run`")
    return asking


def require_same_tags(asking: Night) -> None:
    """Check that the rollups tell apart what the configuration's budgets need.

    Raises:
        UsageError: when they were made without a tag key that a budget uses, or with other tag rules.
    """
    warehouse = asking.warehouse
    made_with = json.loads(warehouse.value("SELECT value FROM settings WHERE name = 'reported_tags'") or "[]")
    lacking = [key for key in asking.keys if key not in made_with]
    if lacking:
        raise UsageError(
            f"the warehouse was made without the tag key {lacking[0]!r} that the configuration uses; run `costmill run`"
        )
    if stored_rules(warehouse) != asking.settings.tags.rules:
        raise UsageError("the warehouse was made with other tag rules than the configuration has; run `costmill run`")
