"""Numbered schema files: each applied once, and nothing opened that this program does not know."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import SchemaError
from pipeline.store import schema
from pipeline.store.warehouse import Warehouse
from tests import empty


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return empty.put(tmp_path / "costs.duckdb")


def edit(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)


def test_each_schema_file_is_applied_once_and_recorded(path: Path) -> None:
    with Warehouse.open(path) as warehouse:
        first = warehouse.rows("SELECT name, applied_at FROM schema_versions ORDER BY name")
    assert [name for name, _ in first] == list(schema.files())
    with Warehouse.open(path) as warehouse:
        assert warehouse.rows("SELECT name, applied_at FROM schema_versions ORDER BY name") == first


def test_schema_files_are_numbered_without_a_gap() -> None:
    assert [int(name.split("_")[0]) for name in schema.files()] == list(range(1, len(schema.files()) + 1))


def test_every_table_and_the_view_say_what_a_row_is(path: Path) -> None:
    with Warehouse.open(path, read_only=True) as warehouse:
        silent = warehouse.rows("""
            SELECT table_name FROM duckdb_tables() WHERE comment IS NULL AND table_name <> 'schema_versions' UNION ALL
            SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL""")
    assert silent == []


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_of_a_newer_program_is_refused(path: Path, read_only: bool) -> None:
    edit(path, "INSERT INTO schema_versions VALUES ('9999_later', 'hash', TIMESTAMP '2030-01-01')")
    with pytest.raises(SchemaError, match=r"written by a newer costmill \(it has 9999_later\); upgrade this program"):
        Warehouse.open(path, read_only=read_only)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_schema_file_that_was_edited_after_it_was_applied_is_refused(path: Path, read_only: bool) -> None:
    edit(path, "UPDATE schema_versions SET sha256 = 'other' WHERE name = '0001_charges'")
    with pytest.raises(SchemaError, match="0001_charges was applied with other contents"):
        Warehouse.open(path, read_only=read_only)


def test_an_older_file_is_refused_for_reading_and_says_who_upgrades_it(path: Path) -> None:
    last = list(schema.files())[-1]
    edit(path, f"DELETE FROM schema_versions WHERE name = '{last}'")
    with pytest.raises(SchemaError, match=rf"older costmill \(it lacks {last}\); `costmill run` upgrades it"):
        Warehouse.open(path, read_only=True)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_duckdb_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "other.duckdb"
    edit(path, "CREATE TABLE mine (a INTEGER)")
    with pytest.raises(SchemaError, match="a DuckDB file, but no Costmill warehouse"):
        Warehouse.open(path, read_only=read_only)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("mine",)]


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes")
    with pytest.raises(SchemaError, match="DuckDB cannot open this file"):
        Warehouse.open(path, read_only=read_only)
    assert path.read_text() == "my notes"


def test_a_failed_schema_file_leaves_no_table_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = schema.files()
    monkeypatch.setattr(schema, "files", lambda: own | {"9999_broken": "CREATE TABLE half (a INTEGER); SELEC"})
    with pytest.raises(duckdb.Error):
        Warehouse.open(tmp_path / "costs.duckdb")
    monkeypatch.undo()
    with Warehouse.open(tmp_path / "costs.duckdb") as warehouse:
        assert warehouse.value("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'") == 0


def test_a_warehouse_of_the_first_version_is_upgraded_with_its_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {name: text for name, text in schema.files().items() if name < "0008"}
    path = tmp_path / "costs.duckdb"
    with monkeypatch.context() as patched:
        patched.setattr(schema, "files", lambda: first)
        patched.setattr(schema, "refresh_views", lambda _: None)
        Warehouse.open(path).close()
    load = "'{0}', 'run', 's', '2026-01', 'focus', '1.0', 'f', 'm', NULL, now()::TIMESTAMP, now()::TIMESTAMP, '{1}'"
    rest = ", NULL, 1, 1, 0, 0, 0, 0, 1, '[]', '[]', NULL"
    for load_id, status in (("a", "replaced"), ("b", "loaded"), ("c", "quarantined")):
        edit(path, f"INSERT INTO loads VALUES ({load.format(load_id, status)}{rest})")
    edit(path, "INSERT INTO restatements VALUES ('b', 'a', 's', '2026-01', 'USD', '1', 'x', 1, 1, 2, 3, 2, 3)")
    month = "TIMESTAMP '2026-02-01', "
    status = f"'2026-02', 0, 'global', 'global', '', {month} TIMESTAMP '2026-03-01', 'USD', true, 9, 5, 55.5, 6, 66"
    edit(path, f"INSERT INTO budget_status VALUES ({status}, NULL, 'OK', '[]', 3, '{{}}', false, NULL)")
    fired = f"'x', 'global', '2026-02', {month} 50, 'actual', 1, 'open', 'info', 'USD', 5, 9, 55.5, {month} NULL"
    edit(path, f"INSERT INTO budget_alerts VALUES ({fired}, NULL, '[]')")
    with Warehouse.open(path) as warehouse:
        told = "SELECT budget_id, current_spend, period, billing_periods FROM budget_status"
        assert warehouse.rows(told) == [("global", 5, "monthly", '["2026-02"]')]
        [kept] = warehouse.rows("SELECT alert_id, threshold, period, period_end, unit FROM budget_alerts")
        assert kept == ("x", 50, "monthly", datetime(2026, 3, 1), "percent")
        found = warehouse.rows("SELECT load_id, status, charges FROM loads ORDER BY 1")
        assert found == [("a", "replaced", 1), ("b", "loaded", 1), ("c", "quarantined", 1)]
        assert warehouse.value(
            "SELECT count(*) FROM restatements JOIN loads USING (load_id) WHERE restated_at = loaded_at"
        )
        warehouse.execute("UPDATE loads SET status = 'rejected' WHERE load_id = 'c'")
        with pytest.raises(duckdb.ConstraintException, match="Duplicate key"):
            warehouse.execute("INSERT INTO loads BY NAME SELECT * FROM loads WHERE load_id = 'a'")
        with pytest.raises(duckdb.ConstraintException, match="NOT NULL"):
            warehouse.execute("UPDATE loads SET status = NULL WHERE load_id = 'a'")
        handled = "SELECT alert_id, status, spend, tenant_id, acknowledged_by FROM budget_alerts"
        assert warehouse.rows(handled) == [("x", "open", 5, None, None)]
        warehouse.rows("SELECT * FROM focus_data_table")


def test_an_upgrade_that_was_killed_between_two_files_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = schema.files()
    names = list(own)
    broken = {name: text if name < names[4] else "SELEC" for name, text in own.items()}
    with monkeypatch.context() as patched:
        patched.setattr(schema, "files", lambda: broken)
        with pytest.raises(duckdb.Error):
            Warehouse.open(tmp_path / "costs.duckdb")
    with Warehouse.open(tmp_path / "costs.duckdb") as warehouse:
        assert [row[0] for row in warehouse.rows("SELECT name FROM schema_versions ORDER BY 1")] == names
        assert warehouse.rows("SELECT * FROM focus_data_table") == []
