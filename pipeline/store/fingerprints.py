"""What tells that nothing that a billing period's report says has changed, without reading its charges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pipeline import periods, resources
from pipeline.store.warehouse import Warehouse

#: Tables by billing period that no report reads, or that others follow: charges are told by their rollups and loads, what
#: budgets have counted by their status. Budgets and alerts go by their windows.
_APART = (
    *("charges", "dirty", "recorded_entries", "budget_usage", "period_events", "unloaded", "load_batches"),
    *("budget_status", "budget_alerts"),
)
_TABLES = """
SELECT DISTINCT columns.table_name FROM duckdb_columns() AS columns JOIN duckdb_tables() AS tables USING (table_name)
WHERE columns.column_name = 'x_BillingPeriod' AND NOT tables.internal AND NOT list_contains($apart, columns.table_name)
ORDER BY 1"""
_ROWS = (
    "SELECT x_BillingPeriod, '{table}' AS name, CAST(sum(CAST(hash(own) AS HUGEINT)) AS VARCHAR) AS rows "
    "FROM {table} AS own GROUP BY ALL"
)


def of_periods(warehouse: Warehouse, wanted: Sequence[str]) -> dict[str, str]:
    """Return for each billing period what its tables, its budgets and alerts, and the list of accounts come to.

    Equal for equal rows, in whatever order; another version of DuckDB may find others.
    """
    tables = [row[0] for row in warehouse.rows(_TABLES, {"apart": list(_APART)})]
    found: dict[str | None, list[str]] = defaultdict(list)
    for period, name, rows in warehouse.rows(" UNION ALL ".join(_ROWS.format(table=each) for each in tables)):
        found[period].append(f"{name} {rows}")
    for period, starts, ends in ((own, *_ends(own)) for own in wanted):
        budgets = warehouse.rows(resources.sql("night/period_budgets"), {"starts": starts, "ends": ends})
        found[period].append(str(budgets))
    accounts = warehouse.value("SELECT CAST(sum(CAST(hash(own) AS HUGEINT)) AS VARCHAR) FROM accounts AS own")
    everywhere = [*sorted(found[None]), str(accounts)]  # deliveries whose billing period was never learnt among them
    return {period: "\n".join([*sorted(found[period]), *everywhere]) for period in wanted}


def _ends(period: str) -> tuple[object, object]:
    window = periods.month(period)
    return window.start, window.end
