"""Rows of the table ``budget_alerts``: read, written, and their history continued. What happens is decided in alerts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

import polars as pl

from pipeline.budgets.windows import name_of
from pipeline.config.budgets import AlertType, PeriodName, Unit
from pipeline.money import text
from pipeline.periods import Window
from pipeline.store.warehouse import Warehouse

Severity = Literal["info", "warning", "critical", "emergency"]
Kind = Literal["fired", "suppressed", "resolved", "reopened", "acknowledged", "snoozed", "woken", "fell", "reset"]
Cause = Literal["figure", "limit", "removed", "person", "reset"]
#: A budget's thresholds are of a type of the configuration; a day that cost far from the usual has one of its own.
RowType = AlertType | Literal["anomaly"]
ANOMALY: Final = "anomaly"


@dataclass(frozen=True)
class Alert:
    """A row of ``budget_alerts``, its columns in the table's order."""

    alert_id: str
    budget_id: str
    x_BillingPeriod: str
    period: PeriodName
    period_start: datetime
    period_end: datetime
    threshold: Decimal
    unit: Unit
    type: RowType
    occurrence: int
    status: str
    severity: Severity
    currency: str
    spend: Decimal
    effective_limit: Decimal
    percentage: Decimal
    fired_at: datetime
    resolved_at: datetime | None
    reason: str | None
    history: str
    tenant_id: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    snoozed_until: datetime | None = None
    snoozed_by: str | None = None
    resolved_by: str | None = None
    note: str | None = None

    @property
    def key(self) -> AlertKey:
        """What tells alerts apart, whatever their occurrence."""
        return (self.budget_id, self.period, self.period_start, self.threshold, self.unit, self.type)

    @property
    def window_name(self) -> str:
        """The window as people write it; of rolling ones the last, as it was when the alert fired or was reopened."""
        return name_of(self.period, Window(self.period_start, self.period_end))

    @property
    def threshold_words(self) -> str:
        """The threshold with its unit: ``80 %`` or ``500 USD``."""
        return f"{text(self.threshold)} {'%' if self.unit == 'percent' else self.currency}"

    @property
    def figure_words(self) -> str:
        """What it is about: ``actual 80 %``, or what an anomaly's day cost and was expected to."""
        if self.type == ANOMALY:
            return f"{text(self.spend)} {self.currency}, {text(self.effective_limit)} expected"
        return f"{self.type} {self.threshold_words}"

    @property
    def cause(self) -> Cause:
        """Why it was resolved last."""
        cause: Cause = json.loads(self.history)[-1].get("cause", "figure")
        return cause

    def is_snoozed(self, now: datetime) -> bool:
        """Whether nobody is to be told of it yet."""
        return self.snoozed_until is not None and self.snoozed_until > now


#: Budget, period, start of the window, threshold, its unit, type.
AlertKey = tuple[str, str, datetime, Decimal, Unit, RowType]
_COLUMNS = tuple(field.name for field in fields(Alert))
_SCHEMA: dict[str, pl.DataType] = {
    **{name: pl.String() for name in _COLUMNS},
    **{name: pl.Datetime("us") for name in _COLUMNS if name.endswith(("_at", "_start", "_end", "_until"))},
    **{name: pl.Decimal(38, 18) for name in ("spend", "effective_limit")},
    **{name: pl.Decimal(38, 6) for name in ("threshold", "percentage")},
    "occurrence": pl.Int32(),
}


def last_told(history: str) -> datetime | None:
    """Return when people were told of an alert last; None when they never were. A cooldown's entry says when that was."""
    for entry in reversed(json.loads(history)):
        if entry["event"] in ("fired", "reopened", "woken"):
            return datetime.fromisoformat((entry.get("told_at") or entry["at"]).removesuffix("Z"))
    return None


def is_quiet(entry: Mapping[str, Any]) -> bool:
    """Whether what an entry of a history says fell into the alert's cooldown, so that nobody is told."""
    return "told_at" in entry


def quieted(history: str, told_at: datetime) -> str:
    """Return a history whose last entry nobody is told of: they were ``told_at``, and its cooldown is not over."""
    *before, last = json.loads(history)
    return json.dumps([*before, {**last, "told_at": told_at.isoformat() + "Z"}])


def read(warehouse: Warehouse, where: str, parameters: list[Any] | dict[str, Any]) -> list[Alert]:
    """Return the rows that ``where`` selects, by window and budget, each threshold's occurrences in order."""
    columns = ", ".join(_COLUMNS)
    order = "ORDER BY period_start, budget_id, unit, threshold, type, occurrence"
    return [Alert(*row) for row in warehouse.rows(f"SELECT {columns} FROM budget_alerts {where} {order}", parameters)]


def write(warehouse: Warehouse, changed: list[Alert], fresh: list[Alert]) -> None:
    """Update rows' end of the window and from the column ``status`` on, and append new ones. Empty lists write nothing."""
    names = ("alert_id", "period_end", *_COLUMNS[_COLUMNS.index("status") :])
    warehouse.update("budget_alerts", _frame(changed, names), key="alert_id")
    warehouse.insert("budget_alerts", _frame(fresh, _COLUMNS))


def _frame(alerts: list[Alert], names: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: pl.Series([getattr(each, name) for each in alerts], dtype=_SCHEMA[name]) for name in names}
    )


def continued(before: str, now: datetime, event: Kind, percentage: Decimal, **more: str | None) -> str:
    """Return a history with one entry more, as JSON: at, event, percentage, reason, and the cause of a resolution.

    What people did has ``by`` and ``note`` too, a snooze ``until``.
    """
    entry = {"at": now.isoformat() + "Z", "event": event, "percentage": f"{percentage:.6f}", "reason": None, **more}
    return json.dumps([*json.loads(before), entry])
