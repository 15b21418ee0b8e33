"""Thresholds that people set for budgets, beside those that the budgets have of their own: rows of ``alert_configs``.

One whose threshold the file names too is that threshold, with a severity and a cooldown: there is one alert of both.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, get_args

from pipeline.actors import Actor
from pipeline.budgets.alert_table import Severity
from pipeline.config import fields
from pipeline.config.budgets import AlertType, Unit
from pipeline.errors import UsageError, near
from pipeline.money import EXACT, text
from pipeline.store import loads
from pipeline.store.warehouse import Warehouse

#: A year: who wants to be told less often resolves the alert.
MAX_COOLDOWN = 366 * 24 * 60
_PLACES = Decimal("0.000001")
_COLUMNS = "budget_id, threshold, unit, type, severity, cooldown_minutes, tenant_id, configured_at, configured_by"

#: What tells thresholds of a budget apart.
ThresholdKey = tuple[Decimal, Unit, AlertType]


@dataclass(frozen=True)
class AlertConfig:
    """A threshold of a budget that people set.

    Attributes:
        budget_id: ``global``, ``tag:team:ml``, ``policy:…``, …
        threshold: percent of the effective limit, or an amount in the budget's currency, as ``unit`` says.
        severity: of its alerts; None: by the percentage, as of the file's thresholds.
        cooldown_minutes: nobody is told again of the same threshold and window before so many minutes have passed.
        tenant_id, configured_at, configured_by: set by the service.
    """

    budget_id: str
    threshold: Decimal
    unit: Unit = "percent"
    type: AlertType = "actual"
    severity: Severity | None = None
    cooldown_minutes: int = 0
    tenant_id: str | None = None
    configured_at: datetime | None = None
    configured_by: str | None = None

    @property
    def config_id(self) -> str:
        """The same for the same threshold on every machine."""
        key = json.dumps([self.budget_id, text(self.threshold), self.unit, self.type])
        return hashlib.sha256(key.encode()).hexdigest()[:32]

    @property
    def key(self) -> ThresholdKey:
        """What tells it from other thresholds of its budget."""
        return (six(self.threshold), self.unit, self.type)

    @property
    def cooldown(self) -> timedelta:
        """``cooldown_minutes`` as a length of time."""
        return timedelta(minutes=self.cooldown_minutes)


def six(threshold: Decimal) -> Decimal:
    """Return a threshold as the tables keep it: 6 decimals."""
    return threshold.quantize(_PLACES, rounding=ROUND_HALF_EVEN, context=EXACT)


def checked(config: AlertConfig) -> AlertConfig:
    """Return it with its threshold as the table keeps it.

    Raises:
        UsageError: when a value is out of range or unknown.
    """
    for name, value, known in (
        ("unit", config.unit, get_args(Unit)),
        ("type of a threshold", config.type, get_args(AlertType)),
        ("severity", config.severity, (None, *get_args(Severity))),
    ):
        if value not in known:
            raise UsageError(f"{value!r} is no {name}{near(str(value), [each for each in known if each])}")
    if not 0 <= config.cooldown_minutes <= MAX_COOLDOWN:
        raise UsageError(f"a cooldown of {config.cooldown_minutes} minutes is out of range; give 0 to {MAX_COOLDOWN}")
    read_threshold = fields.threshold if config.unit == "percent" else fields.threshold_amount
    try:
        threshold = read_threshold(format(config.threshold, "f"))
    except ValueError as error:
        raise UsageError(f"the threshold {error}") from None
    return replace(config, threshold=six(threshold))


def read(warehouse: Warehouse, where: str = "", parameters: dict[str, Any] | None = None) -> list[AlertConfig]:
    """Return the rows that ``where`` selects, by budget and threshold."""
    query = f"SELECT {_COLUMNS} FROM alert_configs {where} ORDER BY budget_id, unit DESC, threshold, type"
    return [AlertConfig(*row) for row in warehouse.rows(query, parameters or {})]


def put(warehouse: Warehouse, config: AlertConfig) -> None:
    """Write a row, in the place of the one with the same threshold."""
    remove(warehouse, config)
    values = {name: getattr(config, name) for name in ("config_id", *_COLUMNS.split(", "))}
    loads.insert(warehouse, "alert_configs", values)


def remove(warehouse: Warehouse, config: AlertConfig) -> None:
    """Delete a row; none is fine."""
    warehouse.execute("DELETE FROM alert_configs WHERE config_id = ?", [config.config_id])


def tenant_of(warehouse: Warehouse, actor: Actor, budget_id: str) -> str | None:
    """Return whose a budget is, as of the last run: those of the file are no tenant's.

    Raises:
        UsageError: when there is none, or the actor may not see it.
    """
    rows = warehouse.rows("SELECT budget_id, tenant_id FROM budgets WHERE ended_at IS NULL")
    known: dict[str, str | None] = {name: tenant for name, tenant in rows if actor.sees(tenant)}
    if budget_id not in known:
        raise UsageError(f"no budget is called {budget_id!r}{near(budget_id, known)}")
    return known[budget_id]


def is_of_the_file(warehouse: Warehouse, config: AlertConfig) -> bool:
    """Whether the file names this threshold, too, as of the last run."""
    stated = warehouse.value("SELECT alerts FROM budgets WHERE budget_id = ? AND ended_at IS NULL", [config.budget_id])
    own = json.loads(stated or "[]")
    return config.key in {(six(Decimal(each["threshold"])), each.get("unit", "percent"), each["type"]) for each in own}
