"""Parquet, for programs: a file for each table, amounts as DECIMAL(38,18), days and moments as such.

What the report is stands in the file's metadata, what a column is in its field's. No file says when it was rendered: the
same data makes the same bytes.
"""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import money
from pipeline.reports.model.document import Column, Document, Value, exact
from pipeline.reports.writers.files import File
from pipeline.reports.writers.tables import FileTable, file_tables

MONEY = pa.decimal128(38, money.SCALE)


def files(document: Document) -> list[File]:
    """Return ``.parquet`` where a document has one table, else ``.<table>.parquet`` for each and for the headline."""
    about = _about(document)
    tables = file_tables(document)
    return [_file(table, about, "" if len(tables) == 1 else f".{table.name}") for table in tables]


def _about(document: Document) -> dict[str, str]:
    facts = {
        "report": document.report,
        "edition": document.edition,
        "period": document.period,
        "start": document.start.isoformat(),
        "end": document.end.isoformat(),
        "title": document.title,
        "subject": document.subject,
        "tenant": document.tenant,
        "last_day": exact(document.last_day),
        "version": document.version,
    }
    return {name: value for name, value in facts.items() if value}


def _file(table: FileTable, about: dict[str, str], ending: str) -> File:
    return File(f"{ending}.parquet", lambda: _bytes(arrow(table, about)))


def _bytes(table: Any) -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    return content.getvalue()


def arrow(table: FileTable, about: dict[str, str]) -> Any:
    """Return a table as Arrow, with what it is of in its metadata."""
    arrays, fields = [], []
    for place, column in enumerate(table.columns):
        values = [row[place] for row in table.rows]
        type_ = _type(column, values)
        arrays.append(pa.array([_cell(value, type_) for value in values], type_))
        fields.append(pa.field(column.name, type_, metadata={"title": column.title, "kind": column.kind}))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata={**about, "table": table.name}))


def _type(column: Column, values: list[Value]) -> Any:
    match column.kind:
        case "text" | "status":
            return pa.string()
        case "date":
            return pa.date32()
        case "moment":
            return pa.timestamp("us", tz="UTC")
        case "count" if all(_is_whole(value) for value in values):
            return pa.int64()
    return MONEY


def _is_whole(value: Value) -> bool:
    """Whether a number of things is one, and not a part of one or too large for 64 bits."""
    return value is None or (isinstance(value, (int, Decimal)) and value == int(value) and abs(int(value)) < 2**63)


def _cell(value: Value, type_: Any) -> Any:
    if value is None:
        return None
    if type_ == MONEY and isinstance(value, (int, Decimal)):
        return money.stored(Decimal(value))
    if type_ == pa.int64() and isinstance(value, Decimal):
        return int(value)
    return exact(value) if type_ == pa.string() else value
