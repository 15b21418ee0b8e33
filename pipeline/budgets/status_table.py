"""Rows of the table ``budget_status``: one per budget and window, read and written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import polars as pl

from pipeline.budgets import windows
from pipeline.budgets.model import BudgetStatus, ThresholdStatus
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
#: What tells a row from the others.
_KEY = ("budget_id", "period_start", "period_end")
#: Windows that a run judges again: those that wait for a rate.
_UNCOUNTED = "unconverted <> '{}'"


def status_rows(statuses: Iterable[BudgetStatus], as_of: datetime, positions: Mapping[str, int]) -> pl.DataFrame:
    """Return statuses as rows of the table, with exactly its columns; ``positions`` are the budgets' in report order."""
    each = [*statuses]
    made: dict[str, list[Any]] = {
        "x_BillingPeriod": [windows.noted_period(status.window, as_of) for status in each],
        "position": [positions[status.budget_id] for status in each],
        "enabled": [status.health != "DISABLED" for status in each],
        "alerts": [_alerts(status.alerts) for status in each],
        "unconverted": [json.dumps({currency: text(cost) for currency, cost in own.unconverted}) for own in each],
        "period": [status.budget.period for status in each],
        "billing_periods": [json.dumps(status.billing_periods) for status in each],
    }
    columns = {name: made.get(name) or [getattr(status, name) for status in each] for name in SCHEMA}
    return pl.DataFrame({name: pl.Series(columns[name], dtype=kind) for name, kind in SCHEMA.items()})


@lru_cache(maxsize=4096)
def _alerts(each: tuple[ThresholdStatus, ...]) -> str:
    """As JSON; most budgets stand alike against the same few thresholds."""
    return json.dumps([alert.to_json_dict() for alert in each])


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


def lacks_rates(warehouse: Warehouse) -> bool:
    """Whether a window of a budget of the file waits for a rate, as the last evaluation left it."""
    return bool(
        warehouse.value(
            f"""SELECT 1 FROM budget_status AS s INNER JOIN budgets AS b USING (budget_id)
            WHERE {_UNCOUNTED} AND b.origin = 'file' AND b.ended_at IS NULL AND b.period = s.period LIMIT 1"""
        )
    )


def write_status(warehouse: Warehouse, rows: pl.DataFrame, budgets: Sequence[ScopeBudget]) -> set[tuple[str, Window]]:
    """Replace the rows of their windows, and of rolling budgets all; returns the budgets and windows that changed.

    Runs in the caller's transaction; what is the same is not written.
    """
    rolling = sorted({budget.budget_id for budget in budgets if budget.period in ROLLING})
    stored = warehouse.frame(
        f"""SELECT {", ".join(SCHEMA)} FROM budget_status
        WHERE period_start BETWEEN ? AND ? OR budget_id IN (SELECT unnest(CAST(? AS VARCHAR[])))""",
        [rows["period_start"].min(), rows["period_start"].max(), rolling],
    )
    changed = rows.join(stored, on=[*SCHEMA], how="anti", nulls_equal=True)
    gone = stored.filter(pl.col("budget_id").is_in(rolling)).join(rows, on=_KEY, how="anti")
    replaced = pl.concat([stored.join(changed, on=_KEY, how="semi"), gone]).select(_KEY)
    if not replaced.is_empty():
        warehouse.execute(_DELETE, [replaced[name].to_list() for name in _KEY])
    warehouse.insert("budget_status", changed)
    keys = pl.concat([changed.select(_KEY), gone.select(_KEY)]).iter_rows()
    return {(budget_id, Window(start, end)) for budget_id, start, end in keys}


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
