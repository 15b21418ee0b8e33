"""A user's own query: one SELECT, with values bound to what it names, in a transaction that writes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.errors import UsageError
from pipeline.store.warehouse import Warehouse

_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)


class OwnSqlError(UsageError):
    """A user's own query cannot be run; ``line`` is where, from 1, if DuckDB says it."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Result:
    """What a query gives: names of columns, DuckDB's names of their types, rows."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def select(warehouse: Warehouse, sql: str, given: Mapping[str, Any]) -> Result:
    """Run one SELECT.

    Args:
        given: what its parameters may name, such as ``$start``.

    Raises:
        OwnSqlError: when it is something else, names another parameter, or fails.
    """
    connection = warehouse.connection
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise OwnSqlError(f"holds {len(statements)} statements; a section is one SELECT")
        [statement] = statements
        if statement.type != duckdb.StatementType.SELECT:
            raise OwnSqlError(f"is {statement.type.name}; a section is one SELECT, which changes nothing")
        unknown = sorted(set(statement.named_parameters) - set(given))
        if unknown:
            known = ", ".join(f"${name}" for name in given)
            raise OwnSqlError(f"names ${unknown[0]}, which nothing is bound to; there are {known}")
        bound = {name: given[name] for name in statement.named_parameters}
        connection.execute("BEGIN TRANSACTION READ ONLY")
        try:
            found = connection.execute(statement, bound or None)
            columns = found.description or []
            rows = found.fetchall()
        finally:
            connection.execute("ROLLBACK")
    except duckdb.Error as error:
        line = _LINE.search(str(error))
        raise OwnSqlError(str(error), int(line[1]) if line else None) from error
    return Result(tuple(each[0] for each in columns), tuple(str(each[1]) for each in columns), tuple(rows))
