"""The data dictionary: what analysts read of a table and a column inside DuckDB."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import resources
from pipeline.store.warehouse import Warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    path: Path = tmp_path_factory.mktemp("dictionary") / "costs.duckdb"
    with Warehouse.open(path) as opened:
        yield opened


def test_every_table_and_view_says_what_a_row_is(warehouse: Warehouse) -> None:
    assert warehouse.rows("SELECT table_name FROM duckdb_tables() WHERE NOT internal AND comment IS NULL") == []
    assert warehouse.rows("SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL") == []


def test_every_column_says_what_it_is(warehouse: Warehouse) -> None:
    silent = "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
    assert warehouse.rows(silent) == []


def test_the_dictionary_speaks_of_columns_that_exist(warehouse: Warehouse) -> None:
    columns = set(warehouse.rows("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"))
    names = {column for _, column in columns}
    with (resources.folder("sql") / "dictionary.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["relation"], row["column"]) for row in csv.DictReader(file)]
    assert [row for row in rows if row not in columns and not (row[0] == "*" and row[1] in names)] == []
    assert len(rows) == len(set(rows))
