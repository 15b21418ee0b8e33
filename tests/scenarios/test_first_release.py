"""A warehouse as the first release left it, opened by today's program: all of it stays, and the nights go on.

Its tables are made by the schema files of that time. Its rows are those of a night of today, without what that schema
had no place for.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import CostTracker, DuckDBCostStore, jobs
from pipeline.night import usage_log
from pipeline.store import schema
from pipeline.store.warehouse import Warehouse
from tests.jobs.nights import Charge
from tests.scenarios.story import Company

#: The first release had the schema files before this one.
NEXT = "0008"
NIGHT = datetime(2026, 3, 22, 12)
BUDGETS = {"global": {"amount": 200}, "tags": [{"selector": "team:*", "amount": 150, "alerts": [{"threshold": 100}]}]}
#: What the program of that time wrote otherwise: thresholds had no unit, and its mappings were others.
AS_IT_WAS = {"alerts": """replace(alerts, ', "unit": "percent"', '')""", "mapping": "'of the first release'"}
#: What a run that loads everything anew leaves as it is, but for the load's own name and how thresholds are written.
LASTING = (
    *("charges", "daily_costs", "resource_costs", "resources", "tag_sets", "recorded_entries"),
    *("category_summary", "resource_summary", "tag_summary", "trend_summary", "mover_summary"),
    *("budgets", "budget_status", "budget_alerts"),
)
COUNTED = {"charges": 22, "recorded_entries": 1, "budgets": 2, "budget_status": 2, "budget_alerts": 4}
CHANGED = ("x_LoadId", "alerts")
#: Table -> its columns, in the order of their names.
Columns = dict[str, list[str]]
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """March, budgets whose alerts fired, and an entry that was recorded."""
    company = Company(tmp_path, BUDGETS, tags={"report_keys": ["team"]})
    company.deliver("2026-03", Charge())
    with jobs.night(company.settings, "run", as_of=NIGHT, create=True) as tonight:
        tonight.load(usage_log.with_own(company.settings), whole=True)
        tonight.summarise()
        tonight.check_budgets()
    CostTracker(DuckDBCostStore(company.settings.warehouse)).record(
        "0.1", "llm_inference", "a call", tags={"team": "ml"}, timestamp=NIGHT
    )
    return company


def taken_back(company: Company, monkeypatch: pytest.MonkeyPatch) -> Columns:
    """Put a warehouse of the first release in the place of today's; returns the columns that it had."""
    path, today = company.settings.warehouse, company.settings.warehouse.with_name("today.duckdb")
    path.rename(today)
    duckdb.connect(str(path)).close()
    first = {name: text for name, text in schema.files().items() if name < NEXT}
    with monkeypatch.context() as patched:
        patched.setattr(schema, "files", lambda: first)
        patched.setattr(schema, "refresh_views", lambda _: None)
        Warehouse.open(path).close()
    with duckdb.connect(str(path)) as connection:
        columns = columns_of(connection)
        connection.execute(f"ATTACH '{today}' AS today (READ_ONLY); DELETE FROM settings")
        for table, names in columns.items():
            shown = ", ".join(
                f'{AS_IT_WAS.get(name, f"today.{table}.{chr(34)}{name}{chr(34)}")} AS "{name}"' for name in names
            )
            connection.execute(f"INSERT INTO {table} BY NAME SELECT {shown} FROM today.{table}")
        connection.execute("CREATE VIEW focus_data_table AS SELECT * FROM charges; DETACH today")
    today.unlink()
    return columns


def columns_of(connection: duckdb.DuckDBPyConnection) -> Columns:
    """The columns of each table that is not the schema's own, in the file that is open."""
    found: Columns = {}
    asked = """SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() USING (table_oid, table_name)
        WHERE table_name <> 'schema_versions' ORDER BY ALL"""
    for table, column in connection.execute(asked).fetchall():
        found.setdefault(table, []).append(column)
    return found


def rows(path: Path, columns: Columns, *left_out: str) -> Rows:
    """The rows of a file in these columns of its tables."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            table: connection.execute(
                f"""SELECT {", ".join(f'"{name}"' for name in names if name not in left_out)} FROM {table} ORDER BY ALL"""
            ).fetchall()
            for table, names in columns.items()
        }


def test_all_of_it_stays_and_the_nights_go_on(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, path = taken_back(company, monkeypatch), company.settings.warehouse
    before = rows(path, columns)
    assert {name: len(before[name]) for name in COUNTED} == COUNTED
    before["settings"] = [row for row in before["settings"] if row[0] != "reported_tags"]  # roll-ups are made anew
    Warehouse.open(path).close()
    assert rows(path, columns) == before

    # The mappings are others by now, so the run loads everything anew; it comes to the same, and nothing is told.
    same = {name: columns[name] for name in LASTING}
    stood = rows(path, same, *CHANGED)
    result = jobs.run(company.settings, as_of=NIGHT)
    assert (result.exit_code, result.alerts) == (0, [])
    assert {each.status for each in result.outcomes if each.is_new} == {"loaded"}
    assert rows(path, same, *CHANGED) == stood

    # What the bill says next moves the alerts of that time, in their rows.
    company.deliver("2026-03", Charge(cost="9"))
    told = company.night("2026-03-22", whole=False)
    assert told == ["resolved global of 2026-03: actual 100 %, now 94.5 % (spend fell to 189 USD, 94.500000 % of 200)"]
    [(alert_id,)] = company.rows("SELECT alert_id FROM budget_alerts WHERE status = 'resolved'")
    assert alert_id in {row[columns["budget_alerts"].index("alert_id")] for row in before["budget_alerts"]}
