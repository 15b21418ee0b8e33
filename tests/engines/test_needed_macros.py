"""Macros are made when SQL names them, and only then."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from pipeline.engines.macros import Macros, needed, statements
from pipeline.sources.formats import FOCUS, FORMATS


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def made(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute("SELECT function_name FROM duckdb_functions() WHERE function_type = 'macro'").fetchall()
    return {name for (name,) in rows} & statements().keys()


def test_only_what_is_named_is_made_and_what_that_names(connection: duckdb.DuckDBPyConnection) -> None:
    Macros(connection).provide("SELECT money_double(1e0) AS cost")
    assert made(connection) == {"is_short_double", "money_double"}
    assert (
        connection.execute("SELECT money_double(0.1e0)").fetchall()[0][0]
        == connection.execute("SELECT 0.1").fetchall()[0][0]
    )


def test_a_macro_that_is_there_is_not_made_again(connection: duckdb.DuckDBPyConnection) -> None:
    macros = Macros(connection)
    macros.provide("SELECT whole(1)")
    connection.execute("CREATE OR REPLACE TEMP MACRO whole(a) AS 42")
    macros.provide("SELECT whole(1), fraction(1)")
    assert connection.execute("SELECT whole(1)").fetchall() == [(42,)]


def test_every_macro_can_be_made_and_is_named_by_something(connection: duckdb.DuckDBPyConnection) -> None:
    macros = Macros(connection)
    for fmt in FORMATS:
        macros.provide_for(fmt)
    macros.provide(" ".join(f"{name}(" for name in statements()))
    assert made(connection) == {*statements()}


def test_most_formats_need_few(connection: duckdb.DuckDBPyConnection) -> None:
    Macros(connection).provide_for(FOCUS)
    assert len(made(connection)) < len(statements()) / 2


def test_a_macro_names_only_those_before_it() -> None:
    names = [*statements()]
    for place, text in enumerate(statements().values()):
        assert {*needed(text)} <= {*names[: place + 1]}
