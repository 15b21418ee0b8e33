"""Take a source's billing period out of the warehouse; its ledger stays, and no run loads it again by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence

from pipeline.load.swap import drop_orphans, remember_keys
from pipeline.periods import utc_now
from pipeline.store import loads, rollups, states
from pipeline.store.warehouse import Warehouse

#: Answers per billing period that are emptied when nothing billed of it is left.
ANSWERS = (
    *("category_summary", "resource_summary", "tag_summary", "trend_summary", "mover_summary", "mover_reasons"),
    "commitment_summary",
)
_ORIGINS = "SELECT DISTINCT x_Origin FROM source_periods WHERE x_BillingPeriod = ?"


def loaded_periods(warehouse: Warehouse, source: str) -> list[str]:
    """Return the billing periods that are loaded of a source, oldest first."""
    rows = warehouse.rows(
        "SELECT x_BillingPeriod FROM source_periods WHERE x_Source = ? AND load_id IS NOT NULL ORDER BY 1", [source]
    )
    return [row[0] for row in rows]


def unload(warehouse: Warehouse, source: str, period: str, *, run_id: str, keys: Sequence[str]) -> int:
    """Take one billing period of a source out, whole, in a transaction; returns how many charges that were.

    Charges, rollups, dimension rows that nothing else uses, and the summaries of a billing period of which nothing is
    left go; loads and their files, controls and restatements stay. ``keys`` are the reported tag keys.
    """
    where = [source, period]
    with warehouse.transaction():
        remember_keys(warehouse, source, period)
        charges = warehouse.execute(
            "DELETE FROM charges WHERE x_Source = ? AND x_BillingPeriod = ? AND x_LoadId IS NOT NULL", where
        )
        is_bill = warehouse.execute(
            "DELETE FROM source_periods WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = 'billed'", where
        )
        warehouse.execute("DELETE FROM source_periods WHERE x_Source = ? AND x_BillingPeriod = ?", where)
        warehouse.execute("DELETE FROM load_batches WHERE x_Source = ? AND x_BillingPeriod = ?", where)
        _hold_back(warehouse, source, period, run_id)
        warehouse.execute(
            "UPDATE loads SET status = 'superseded', reason = ? WHERE x_Source = ? AND x_BillingPeriod = ? AND status = 'loaded'",
            [loads.UNLOADED, *where],
        )
        rollups.refresh(warehouse, source, period, keys)
        drop_orphans(warehouse)
        drop_answers(warehouse, period)
        if is_bill:
            states.note_unloaded(warehouse, source, period, run_id)
            rollups.mark_dirty(warehouse, period)
        else:
            rollups.mark_budgets(warehouse, period)
    return charges


def drop_answers(warehouse: Warehouse, period: str) -> None:
    """Empty the answers of a billing period that nothing is left of: those of AI usage stay as long as any is recorded."""
    origins = {row[0] for row in warehouse.rows(_ORIGINS, [period])}
    gone = [*([] if "billed" in origins else ANSWERS), *([] if origins else ["model_summary"])]
    for table in gone:
        warehouse.execute(f"DELETE FROM {table} WHERE x_BillingPeriod = ?", [period])


def held_back(warehouse: Warehouse, source: str, files: Iterable[str]) -> set[str]:
    """Return the billing periods that a delivery with these files (their SHA-256) was unloaded of."""
    rows = warehouse.rows(
        "SELECT x_BillingPeriod FROM unloaded WHERE x_Source = ? AND contents = ?", [source, _contents(files)]
    )
    return {row[0] for row in rows}


def release(warehouse: Warehouse, source: str, periods: Collection[str | None]) -> None:
    """Let a source's billing periods be loaded again."""
    known = [period for period in periods if period is not None]
    warehouse.execute("DELETE FROM unloaded WHERE x_Source = ? AND list_contains(?, x_BillingPeriod)", [source, known])


def _hold_back(warehouse: Warehouse, source: str, period: str, run_id: str) -> None:
    """Note the contents of every delivery of the period that was loaded once: none of them comes back by itself."""
    rows = warehouse.rows(
        "SELECT l.load_id, list(f.sha256) FROM loads AS l INNER JOIN load_files AS f ON f.load_id = l.load_id "
        "WHERE l.x_Source = ? AND l.x_BillingPeriod = ? AND l.status IN ('loaded', 'replaced', 'superseded') GROUP BY ALL",
        [source, period],
    )
    for contents in sorted({_contents(files) for _, files in rows}):
        row = {"x_Source": source, "x_BillingPeriod": period, "contents": contents}
        loads.insert(warehouse, "unloaded", {**row, "unloaded_at": utc_now(), "run_id": run_id})


def _contents(files: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()
