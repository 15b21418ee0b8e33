"""Make a source and billing period's rollups from its charges, inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline import resources, tags
from pipeline.periods import following
from pipeline.store.warehouse import Warehouse

ROLLUPS = ("daily_costs", "resource_costs", "invoice_costs")
#: What a changed billing period leaves due, in the order in which a run does it.
STAGES = ("summaries", "budgets", "reports")


def refresh(warehouse: Warehouse, source: str, period: str, keys: Sequence[str]) -> None:
    """Replace the rollups of one source and billing period; ``keys`` are the reported tag keys."""
    _reported_tags(warehouse, source, period, keys)
    where = {"source": source, "period": period}
    for rollup in ROLLUPS:
        warehouse.execute(f"DELETE FROM {rollup} WHERE x_Source = $source AND x_BillingPeriod = $period", where)
        warehouse.execute(f"INSERT INTO {rollup} BY NAME {resources.sql(f'rollups/{rollup}')}", where)


def mark_dirty(warehouse: Warehouse, period: str) -> None:
    """Note that a billing period's answers are due, and the next one's summaries and report, which compare with it."""
    marks = [(period, stage) for stage in STAGES]
    _mark(warehouse, [*marks, (following(period), "summaries"), (following(period), "reports")])


def mark_reports(warehouse: Warehouse, period: str | None) -> None:
    """Note that reports are due though no charge changed: one period's, or those of all when ``period`` is None."""
    every = warehouse.rows("SELECT DISTINCT x_BillingPeriod FROM source_periods WHERE x_Origin = 'billed'")
    periods = [period] if period else [row[0] for row in every]
    _mark(warehouse, [(each, "reports") for each in periods])


def mark_rates(warehouse: Warehouse, periods: Sequence[str]) -> None:
    """Note that budgets and reports of the loaded among these billing periods are due: their rates changed."""
    every = warehouse.rows("SELECT DISTINCT x_BillingPeriod FROM source_periods WHERE x_Origin = 'billed'")
    loaded = [row[0] for row in every if row[0] in periods]
    _mark(warehouse, [(period, stage) for period in loaded for stage in ("budgets", "reports")])


def mark_names(warehouse: Warehouse, period: str) -> None:
    """Note that a billing period's summaries and reports are due: names or owners changed, no money did."""
    _mark(warehouse, [(period, "summaries"), (period, "reports"), (following(period), "reports")])


def due(warehouse: Warehouse, stage: str) -> list[str]:
    """Return the billing periods whose stage is due, oldest first."""
    rows = warehouse.rows("SELECT x_BillingPeriod FROM dirty WHERE stage = ? ORDER BY 1", [stage])
    return [row[0] for row in rows]


def done(warehouse: Warehouse, period: str, stage: str) -> None:
    """Note that a billing period's stage has been done."""
    warehouse.execute("DELETE FROM dirty WHERE x_BillingPeriod = ? AND stage = ?", [period, stage])


def touch(warehouse: Warehouse) -> None:
    """Raise the warehouse's version: what is published is no longer what is here."""
    warehouse.execute("UPDATE settings SET value = CAST(CAST(value AS BIGINT) + 1 AS VARCHAR) WHERE name = 'version'")


def _mark(warehouse: Warehouse, marks: Sequence[tuple[str, str]]) -> None:
    if marks:
        warehouse.connection.executemany("INSERT OR IGNORE INTO dirty (x_BillingPeriod, stage) VALUES (?, ?)", marks)
    touch(warehouse)


def refresh_for_keys(warehouse: Warehouse, keys: Sequence[str]) -> bool:
    """Make all rollups anew when the reported tag keys are not those that they were made with; True when it did."""
    wanted = json.dumps(sorted(keys))
    made_with = warehouse.value("SELECT value FROM settings WHERE name = 'reported_tags'")
    if made_with == wanted:
        return False
    with warehouse.transaction():
        loaded = warehouse.rows("SELECT x_Source, x_BillingPeriod, x_Origin FROM source_periods ORDER BY ALL")
        for source, period, origin in loaded:
            refresh(warehouse, source, period, keys)
            if origin == "billed":
                mark_dirty(warehouse, period)
        warehouse.execute("INSERT OR REPLACE INTO settings VALUES ('reported_tags', ?)", [wanted])
    return bool(loaded)


def _reported_tags(warehouse: Warehouse, source: str, period: str, keys: Sequence[str]) -> None:
    sets = warehouse.rows(
        """
        SELECT CAST(x_TagSetId AS VARCHAR), Tags FROM tag_sets WHERE x_TagSetId IN (
            SELECT x_TagSetId FROM charges WHERE x_Source = $source AND x_BillingPeriod = $period)""",
        {"source": source, "period": period},
    )
    rows = [(set_id, text) for set_id, tag_json in sets if (text := tags.reported(tag_json, keys)) is not None]
    warehouse.replace_temporary("reported_tags", {"x_TagSetId": "UUID", "x_ReportedTags": "VARCHAR"}, rows)
