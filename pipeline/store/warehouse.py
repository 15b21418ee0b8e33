"""The warehouse: one DuckDB file, one writer at a time, numbered schema files.

This package and ``pipeline.engines`` are the only places that import duckdb.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.errors import SchemaError, UsageError, WarehouseBusyError, WarehouseError
from pipeline.store import schema

if TYPE_CHECKING:
    import polars as pl

logger = logging.getLogger(__name__)

Parameters = Sequence[Any] | dict[str, Any] | None
#: Rows of a temporary table that go as values of a statement; more go as Arrow, whose columns DuckDB reads in place.
FEW_ROWS = 500


class Warehouse:
    """An open warehouse. Use as a context manager, or call ``close``.

    Writers hold an advisory lock file beside the database (``costs.duckdb.lock``), so that a second one can wait
    instead of failing; the operating system frees it when the process dies.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, lock: int | None) -> None:
        self.connection = connection
        self.path = path
        self._lock = lock

    @classmethod
    def open(
        cls, path: Path, *, read_only: bool = False, wait_seconds: float = 0, memory_limit: str | None = None
    ) -> Warehouse:
        """Open the file, creating and migrating it when writing.

        Raises:
            WarehouseBusyError: when another writer holds it for longer than ``wait_seconds``.
            SchemaError: when a newer program wrote it, or it is no warehouse.
            WarehouseError: when reading a file that is not there.
        """
        path = Path(path)
        if read_only:
            if not path.exists():
                raise WarehouseError(f"{path}: no warehouse there; run `costmill run` or `costmill load` first")
            connection = _connect(path, read_only=True)
            warehouse = cls(connection, path, None)
            schema.require_current(warehouse)
            return warehouse
        path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + wait_seconds
        lock = _take_lock(path, wait_seconds)
        try:
            connection = _connect_by(deadline, path)
            _configure(connection, path, memory_limit)
            warehouse = cls(connection, path, lock)
            schema.migrate(warehouse)
        except BaseException:
            os.close(lock)
            raise
        return warehouse

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and free the writer's lock. Closing twice is fine."""
        self.connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def execute(self, sql: str, parameters: Parameters = None) -> int:
        """Run one statement with bound values; returns the rows it changed (0 for those that change none)."""
        result = self.connection.execute(sql, parameters)
        rows = result.fetchall() if result.description else []
        return int(rows[0][0]) if rows and result.description[0][0] == "Count" else 0

    def rows(self, sql: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Run one query with bound values and return its rows."""
        return self.connection.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Parameters = None) -> Any:
        """Return the first column of the first row, or None when there is no row."""
        rows = self.connection.execute(sql, parameters).fetchall()
        return rows[0][0] if rows else None

    def select(self, sql: str, parameters: Parameters = None) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a person's query; returns column names and rows.

        Raises:
            UsageError: with DuckDB's message when the query is wrong.
        """
        try:
            result = self.connection.execute(sql, parameters or None)
            if result is None or result.description is None:  # type: ignore[redundant-expr]  # None: no statement
                raise UsageError("the query says nothing: it holds no statement")
            return [column[0] for column in result.description], result.fetchall()
        except duckdb.Error as error:
            raise UsageError(f"the query failed: {error}") from error

    def frame(self, sql: str, parameters: Parameters = None) -> pl.DataFrame:
        """Run one query and return a Polars frame; DECIMAL stays decimal, TIMESTAMP is datetime[us], UUID is text."""
        import polars as pl

        result = self.connection.sql(sql, params=parameters)
        frame = result.pl()
        assert isinstance(frame, pl.DataFrame)
        return frame

    def insert(self, table: str, frame: pl.DataFrame) -> int:
        """Append a frame to a table by column name; values are cast to the table's types. Returns the row count."""
        if frame.is_empty():
            return 0
        self.connection.register("incoming_frame", frame.to_arrow())
        try:
            names = ", ".join(f'"{name}"' for name in frame.columns)
            return self.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM incoming_frame')
        finally:
            self.connection.unregister("incoming_frame")

    def update(self, table: str, frame: pl.DataFrame, *, key: str) -> int:
        """Set a table's columns to those of a frame, in the rows of the same ``key``, all at once. Returns the row count."""
        if frame.is_empty():
            return 0
        self.connection.register("incoming_frame", frame.to_arrow())
        try:
            values = ", ".join(f'"{name}" = i."{name}"' for name in frame.columns if name != key)
            return self.execute(
                f'UPDATE "{table}" AS t SET {values} FROM incoming_frame AS i WHERE t."{key}" = i."{key}"'
            )
        finally:
            self.connection.unregister("incoming_frame")

    def replace_temporary(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Make a temporary table of rows; ``columns`` gives names and SQL types (VARCHAR, BOOLEAN, or UUID as text)."""
        if len(rows) <= FEW_ROWS:
            self._make_of_values(table, columns, rows)
            return
        import pyarrow as pa

        kinds = {"VARCHAR": pa.string(), "UUID": pa.string(), "BOOLEAN": pa.bool_()}
        values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
        arrays = [pa.array(list(each), kinds[kind]) for each, kind in zip(values, columns.values(), strict=True)]
        self.connection.register("incoming_rows", pa.table(arrays, names=list(columns)))
        select = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in columns.items())
        try:
            self.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {select} FROM incoming_rows")
        finally:
            self.connection.unregister("incoming_rows")

    def _make_of_values(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """By one statement with bound lists: to register a relation and to drop it again are two more, in the catalog."""
        values = [list(each) for each in zip(*rows, strict=True)] if rows else [[] for _ in columns]
        select = ", ".join(
            f"CAST(unnest(CAST(${number} AS VARCHAR[])) AS {kind}) AS {name}"
            for number, (name, kind) in enumerate(columns.items(), 1)
        )
        self.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {select}", values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside, or nothing when it raises."""
        self.connection.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self.connection.abort()
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise WarehouseBusyError(f"{path}: in use by another process; try again when it has finished") from error
        raise SchemaError(f"{path}: DuckDB cannot open this file: {error}") from error
    # Some names, such as costs.csv, DuckDB takes for data: it then works in memory and keeps nothing.
    [(stored,)] = connection.execute(
        "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    ).fetchall()
    if stored is None:
        connection.close()
        raise UsageError(f"{path}: DuckDB takes this name for a data file; name the warehouse like costs.duckdb")
    return connection


def _connect_by(deadline: float, path: Path) -> duckdb.DuckDBPyConnection:
    """Connect for writing; who reads the warehouse itself instead of the published copy is waited for."""
    while True:
        try:
            return _connect(path, read_only=False)
        except WarehouseBusyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def _configure(connection: duckdb.DuckDBPyConnection, path: Path, memory_limit: str | None) -> None:
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET temp_directory = ?", [str(path.with_name(path.name + ".tmp"))])
    if memory_limit:
        connection.execute("SET memory_limit = ?", [memory_limit])


def _take_lock(path: Path, wait_seconds: float) -> int:
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise WarehouseBusyError(
                    f"{path}: another costmill is writing and did not finish within {wait_seconds:g} s; "
                    "nothing was changed, try again"
                ) from None
            time.sleep(0.05)
