"""The warehouse: one writer who waits for the other, all or nothing, and values as they were."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipeline.errors import CostmillError, SchemaError, UsageError, WarehouseBusyError, WarehouseError
from pipeline.store import warehouse as warehouses
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.jobs.nights import environment

HOLD = """
import sys
from pathlib import Path
from pipeline.store.warehouse import Warehouse
with Warehouse.open(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """Where no warehouse is, nor its folder."""
    return tmp_path / "deep" / "costs.duckdb"


@pytest.fixture
def path(nowhere: Path) -> Path:
    """An empty warehouse that nobody has open."""
    return empty.put(nowhere)


@pytest.fixture
def warehouse(path: Path) -> Iterator[Warehouse]:
    with Warehouse.open(path) as opened:
        yield opened


@contextmanager
def held(path: Path, code: str = HOLD) -> Iterator[subprocess.Popen[str]]:
    """Another process has the file open for writing until its stdin gets a line."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        yield child
        child.kill()


def test_opening_makes_the_folder_and_the_file(nowhere: Path) -> None:
    Warehouse.open(nowhere).close()
    assert nowhere.exists()


def test_closing_twice_is_fine(path: Path) -> None:
    opened = Warehouse.open(path)
    opened.close()
    opened.close()
    with Warehouse.open(path) as again:  # the second one freed nothing that is somebody else's
        assert again.value("SELECT count(*) FROM charges") == 0


def test_a_writer_does_not_wait_when_told_so_and_says_that_nothing_changed(path: Path) -> None:
    with (
        held(path),
        pytest.raises(WarehouseBusyError, match="did not finish within 0 s; nothing was changed, try again"),
    ):
        Warehouse.open(path)


def test_a_writer_waits_until_the_other_has_finished(path: Path) -> None:
    with held(path) as child:
        assert child.stdin is not None
        child.stdin.write("go on\n")
        child.stdin.flush()
        Warehouse.open(path, wait_seconds=30).close()


def test_a_killed_writer_frees_the_file(path: Path) -> None:
    with held(path) as child:
        child.kill()
        with Warehouse.open(path, wait_seconds=30) as opened:
            assert opened.execute("DELETE FROM dirty") == 0


def test_a_failed_opening_frees_the_lock(nowhere: Path) -> None:
    nowhere.parent.mkdir()
    nowhere.write_text("no database")
    with pytest.raises(SchemaError):
        Warehouse.open(nowhere)
    nowhere.unlink()
    Warehouse.open(nowhere).close()


def test_somebody_elses_duckdb_session_counts_as_busy(path: Path) -> None:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with held(path, code), pytest.raises(WarehouseBusyError, match="in use by another process"):
        Warehouse.open(path)


def test_reading_a_file_that_is_not_there_says_what_makes_it(nowhere: Path) -> None:
    with pytest.raises(WarehouseError, match=r"no warehouse there; run `costmill run` or `costmill load` first"):
        Warehouse.open(nowhere, read_only=True)


def test_a_reader_cannot_write(path: Path) -> None:
    with Warehouse.open(path, read_only=True) as reader, pytest.raises(UsageError, match="read-only"):
        reader.select("DELETE FROM loads")


def test_a_transaction_that_raises_leaves_nothing(warehouse: Warehouse) -> None:
    def half() -> None:
        with warehouse.transaction():
            warehouse.execute("INSERT INTO settings VALUES ('half', 'done')")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert warehouse.value("SELECT value FROM settings WHERE name = 'half'") is None


def test_a_transaction_survives_a_statement_that_failed_inside(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.Error), warehouse.transaction():
        warehouse.execute("INSERT INTO nowhere VALUES (1)")
    with warehouse.transaction():
        warehouse.execute("INSERT INTO settings VALUES ('next', 'fine')")
    assert warehouse.value("SELECT value FROM settings WHERE name = 'next'") == "fine"


def test_execute_counts_the_rows_it_changed(warehouse: Warehouse) -> None:
    assert warehouse.execute("INSERT INTO settings SELECT 'k' || range, '' FROM range(3)") == 3
    assert warehouse.execute("CREATE TEMP TABLE t (a INTEGER)") == 0


def test_frames_keep_decimals_times_and_ids(warehouse: Warehouse) -> None:
    frame = warehouse.frame(
        "SELECT 0.1::DECIMAL(38, 18) AS cost, TIMESTAMP '2026-03-01 00:00:01' AS at, md5('x')::UUID AS id"
    )
    assert frame.schema == {"cost": pl.Decimal(38, 18), "at": pl.Datetime("us"), "id": pl.String}
    assert frame.row(0)[:2] == (Decimal("0.1"), datetime(2026, 3, 1, 0, 0, 1))


def test_an_inserted_frame_comes_back_to_the_last_digit(warehouse: Warehouse) -> None:
    cost = Decimal("12345678901234567890.123456789012345678")
    warehouse.execute("CREATE TABLE sums (name VARCHAR, cost DECIMAL(38, 18))")
    frame = pl.DataFrame({"cost": [cost], "name": ["x"]}, schema={"cost": pl.Decimal(38, 18), "name": pl.String})
    assert warehouse.insert("sums", frame) == 1
    assert warehouse.rows("SELECT name, cost FROM sums") == [("x", cost)]


def test_an_empty_frame_inserts_nothing(warehouse: Warehouse) -> None:
    assert warehouse.insert("settings", pl.DataFrame({"name": []})) == 0


def test_an_update_sets_the_rows_of_its_keys_and_no_others(warehouse: Warehouse) -> None:
    warehouse.execute("INSERT INTO settings VALUES ('a', '1'), ('b', '2'), ('c', '3')")
    frame = pl.DataFrame({"value": ["20", None, "40"], "name": ["b", "c", "d"]})
    with pytest.raises(duckdb.ConstraintException):  # a setting has a value
        warehouse.update("settings", frame, key="name")
    assert warehouse.update("settings", frame.drop_nulls(), key="name") == 1
    assert warehouse.update("settings", frame.clear(), key="name") == 0
    kept = warehouse.rows("SELECT name, value FROM settings WHERE name IN ('a', 'b', 'c', 'd') ORDER BY name")
    assert kept == [("a", "1"), ("b", "20"), ("c", "3")]


def test_a_wrong_query_of_a_person_gives_duckdbs_message(warehouse: Warehouse) -> None:
    with pytest.raises(UsageError, match=r"the query failed: Parser Error: syntax error at or near \"SELEC\""):
        warehouse.select("SELEC 1")


def test_a_memory_limit_is_set(path: Path) -> None:
    with Warehouse.open(path, memory_limit="256MiB") as opened:
        assert opened.value("SELECT current_setting('memory_limit')") == "256.0 MiB"


def test_the_lock_file_is_not_inherited_by_children(path: Path) -> None:
    with Warehouse.open(path) as opened:
        assert opened._lock is not None
        assert not os.get_inheritable(opened._lock)


@pytest.mark.parametrize("name", ["costs.csv", "costs.json"])
def test_a_data_file_is_no_warehouse_and_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('[{"a": 1}]\n', encoding="utf-8")
    with pytest.raises(CostmillError):
        Warehouse.open(path)
    assert path.read_text(encoding="utf-8") == '[{"a": 1}]\n'


def test_a_query_of_comments_only_is_told_so(warehouse: Warehouse) -> None:
    with pytest.raises(UsageError):
        warehouse.select("-- nothing")


@pytest.mark.parametrize("most", [-1, 500], ids=["as a relation", "as values"])
def test_a_temporary_table_holds_what_it_was_given_however_it_gets_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(warehouses, "FEW_ROWS", most)
    rows = [("ä'\"\0;", "00000000-0000-0000-0000-00000000000a", True), (None, None, None), ("1", None, False)]
    columns = {"word": "VARCHAR", "id": "UUID", "is_so": "BOOLEAN"}
    with duckdb.connect() as connection:
        warehouse = Warehouse(connection, tmp_path, None)
        for given in ([], rows):
            warehouse.replace_temporary("given", columns, given)
            assert warehouse.rows("SELECT word, CAST(id AS VARCHAR), is_so FROM given") == given
        kinds = warehouse.rows("SELECT typeof(word), typeof(id), typeof(is_so) FROM given LIMIT 1")
    assert kinds == [("VARCHAR", "UUID", "BOOLEAN")]
