"""Rows of the table ``budget_status``: one per budget and window, read and written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import polars as pl

from pipeline.budgets import windows
from pipeline.budgets.model import BudgetStatus
from pipeline.config.budgets import ROLLING, ScopeBudget
from pipeline.money import text
from pipeline.periods import Window
from pipeline.store.warehouse import Warehouse

SCHEMA: dict[str, pl.DataType] = {
    "x_BillingPeriod": pl.String(),
    "position": pl.Int32(),
    "budget_id": pl.String(),
    "scope_type": pl.String(),
    "scope_key": pl.String(),
    "period_start": pl.Datetime("us"),
    "period_end": pl.Datetime("us"),
    "currency": pl.String(),
    "enabled": pl.Boolean(),
    "effective_limit": pl.Decimal(38, 18),
    "current_spend": pl.Decimal(38, 18),
    "percentage": pl.Decimal(38, 6),
    "forecasted_spend": pl.Decimal(38, 18),
    "forecast_percentage": pl.Decimal(38, 6),
    "forecast_note": pl.String(),
    "health": pl.String(),
    "alerts": pl.String(),
    "matched_resources": pl.Int64(),
    "unconverted": pl.String(),
    "breached": pl.Boolean(),
    "exit_code": pl.Int32(),
    "period": pl.String(),
    "billing_periods": pl.String(),
    "rollover": pl.Decimal(38, 18),
}
_DELETE = """
DELETE FROM budget_status AS s USING (SELECT unnest($1) AS id, unnest($2) AS starts, unnest($3) AS ends) AS own
WHERE s.budget_id = own.id AND s.period_start = own.starts AND s.period_end = own.ends"""
#: Where a row has what tells it from the others.
_KEY = tuple([*SCHEMA].index(name) for name in ("budget_id", "period_start", "period_end"))
#: Windows that a run judges again: those that wait for a rate.
_UNCOUNTED = "unconverted <> '{}'"


def status_rows(statuses: Iterable[BudgetStatus], as_of: datetime, positions: Mapping[str, int]) -> pl.DataFrame:
    """Return statuses as rows of the table, with exactly its columns; ``positions`` are the budgets' in report order."""
    rows = [
        {
            **{name: getattr(status, name) for name in SCHEMA if hasattr(status, name)},
            "x_BillingPeriod": windows.noted_period(status.window, as_of),
            "position": positions[status.budget_id],
            "enabled": status.health != "DISABLED",
            "alerts": json.dumps([alert.to_json_dict() for alert in status.alerts]),
            "unconverted": json.dumps({currency: text(cost) for currency, cost in status.unconverted}),
            "period": status.budget.period,
            "billing_periods": json.dumps(status.billing_periods),
        }
        for status in statuses
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def touched_by(warehouse: Warehouse, periods: Sequence[str]) -> dict[str, set[Window]]:
    """Return the stored windows that counted charges of these billing periods, or wait for a rate, by budget."""
    rows = warehouse.rows(
        f"""SELECT budget_id, period_start, period_end FROM budget_status
        WHERE {_UNCOUNTED} OR list_has_any(CAST(CAST(billing_periods AS JSON) AS VARCHAR[]), ?)""",
        [list(periods)],
    )
    found: dict[str, set[Window]] = {}
    for budget_id, start, end in rows:
        found.setdefault(budget_id, set()).add(Window(start, end))
    return found


def write_status(warehouse: Warehouse, rows: pl.DataFrame, budgets: Sequence[ScopeBudget]) -> set[tuple[str, Window]]:
    """Replace the rows of their windows, and of rolling budgets all; returns the budgets and windows that changed.

    Runs in the caller's transaction; what is the same is not written.
    """
    rolling = {budget.budget_id for budget in budgets if budget.period in ROLLING}
    made = {_key(row): row for row in rows.iter_rows()}
    starts = [start for _, start, _ in made]
    known = warehouse.rows(
        f"""SELECT {", ".join(SCHEMA)} FROM budget_status
        WHERE period_start BETWEEN ? AND ? OR list_contains(?, budget_id)""",
        [min(starts, default=None), max(starts, default=None), sorted(rolling)],
    )
    stored = {_key(row): row for row in known}
    changed = [key for key, row in made.items() if stored.get(key) != row]
    gone = [key for key in stored if key[0] in rolling and key not in made]
    if replaced := [key for key in changed if key in stored] + gone:
        warehouse.execute(_DELETE, [list(each) for each in zip(*replaced, strict=True)])
    warehouse.insert("budget_status", pl.DataFrame([made[key] for key in changed], schema=SCHEMA, orient="row"))
    return {(budget_id, Window(start, end)) for budget_id, start, end in (*changed, *gone)}


def drop_former(
    warehouse: Warehouse, budget_ids: Iterable[str], budgets: Sequence[ScopeBudget], since: datetime
) -> bool:
    """Drop the rows of budgets that left the file, or have other windows now, where they end after ``since``."""
    own = {budget.budget_id: budget for budget in budgets}
    dropped = 0
    for budget_id in budget_ids:
        ends_later = "WHERE budget_id = ? AND period_end > ?"
        rows = warehouse.rows(f"SELECT period_start, period_end FROM budget_status {ends_later}", [budget_id, since])
        for start, end in rows:
            budget, window = own.get(budget_id), Window(start, end)
            if budget and (budget.period in ROLLING or windows.is_own(budget, window)):
                continue
            dropped += warehouse.execute(
                "DELETE FROM budget_status WHERE budget_id = ? AND period_start = ? AND period_end = ?",
                [budget_id, start, end],
            )
    return bool(dropped)


def _key(row: Sequence[object]) -> tuple[str, datetime, datetime]:
    return tuple(row[place] for place in _KEY)  # type: ignore[return-value]
