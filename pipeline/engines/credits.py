"""Take the credits out of staged rows: each distinct list is decoded once, exactly, by Python.

Makes two temporary tables: ``staged_credits``, one row per distinct text and credit, which the format's generated
charges join; and ``credit_texts``, one row per distinct text with its sum. ``staged`` gets three columns from them:
``x_CreditTotal``, ``x_CreditCommitment``, and a problem where a list cannot be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from pipeline import credits, money
from pipeline.credits import Credit
from pipeline.engines import staging
from pipeline.literals import LiteralError
from pipeline.sources.formats import Header

if TYPE_CHECKING:
    import pyarrow as pa

#: Credits of commitments, and what FOCUS calls the commitment's kind.
COMMITMENTS = {"COMMITTED_USAGE_DISCOUNT": "Usage", "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE": "Spend"}
#: Distinct texts that are decoded at a time.
BATCH = 50_000

_CREDITS = ("CreditText", "CreditName", "FullName", "CreditId", "CreditType", "Commitment", "Amount")
_TEXTS = ("CreditText", "Total", "Commitment", "Long", "Problem")


def take_out(connection: duckdb.DuckDBPyConnection, header: Header, source: str) -> str:
    """Decode the credits of the relation ``source`` and return the SELECT that adds them to its rows."""
    field = header.format.credits
    assert field is not None
    _create(connection, "staged_credits", _CREDITS)
    _create(connection, "credit_texts", _TEXTS)
    texts = connection.execute(f"SELECT DISTINCT {field} FROM {source} WHERE {field} IS NOT NULL")
    name = header.columns[header.fields[field]] if field in header.fields else field
    batches = []
    while rows := texts.fetchmany(BATCH):
        batches.append([text for (text,) in rows])
    for batch in batches:
        _decode(connection, batch, name)
    number = next(n for n, control in enumerate(header.format.controls) if control.value == "x_CreditTotal")
    return (
        f"SELECT s.* REPLACE (coalesce(s.x_Problem, c.Problem) AS x_Problem, c.Long AS x_Long_{number}), "
        "coalesce(c.Total, CAST(0 AS DECIMAL(38, 18))) AS x_CreditTotal, c.Commitment AS x_CreditCommitment "
        f"FROM {source} AS s LEFT JOIN credit_texts AS c ON c.CreditText = s.{field}"
    )


def clear(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    for table in ("staged_credits", "credit_texts"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _decode(connection: duckdb.DuckDBPyConnection, texts: list[str], column: str) -> None:
    found: list[tuple[object, ...]] = []
    sums: list[tuple[object, ...]] = []
    for text in texts:
        try:
            decoded = credits.decode(text)
        except LiteralError as error:
            problem = staging.UNIT.join((column, text[:200].replace(staging.UNIT, " "), str(error)))
            sums.append((text, None, None, None, problem))
            continue
        if decoded:
            found += [_row(text, credit) for credit in decoded]
            sums.append((text, *_sums(decoded), None))
    _append(connection, "staged_credits", _CREDITS, found)
    _append(connection, "credit_texts", _TEXTS, sums)


def _row(text: str, credit: Credit) -> tuple[object, ...]:
    commitment = COMMITMENTS.get(credit.type or "")
    return (text, credit.name, credit.full_name, credit.id, credit.type, commitment, credit.amount)


def _sums(decoded: list[Credit]) -> tuple[object, ...]:
    """Sum, kind of commitment, and the amounts that storing rounds, a blank between them."""
    commitment = next((COMMITMENTS[each.type] for each in decoded if each.type in COMMITMENTS), None)
    long = " ".join(each.written for each in decoded if money.parse(each.written) != each.amount)
    return money.total(each.amount for each in decoded), commitment, long or None


def _create(connection: duckdb.DuckDBPyConnection, table: str, names: tuple[str, ...]) -> None:
    columns = ", ".join(f"{name} {'DECIMAL(38, 18)' if name in ('Amount', 'Total') else 'VARCHAR'}" for name in names)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})").fetchall()


def _append(
    connection: duckdb.DuckDBPyConnection, table: str, names: tuple[str, ...], rows: list[tuple[object, ...]]
) -> None:
    if not rows:
        return
    connection.register("decoded", _arrow(names, rows))
    try:
        connection.execute(f"INSERT INTO {table} SELECT * FROM decoded").fetchall()
    finally:
        connection.unregister("decoded")


def _arrow(names: tuple[str, ...], rows: list[tuple[object, ...]]) -> pa.Table:
    import pyarrow as pa

    kinds = [pa.decimal128(38, 18) if name in ("Amount", "Total") else pa.string() for name in names]
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)], names=list(names))
