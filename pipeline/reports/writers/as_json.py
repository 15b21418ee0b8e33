"""The whole document as JSON, after docs/report.schema.json: every row, amounts as text in full precision."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from pipeline.reports.model.document import Column, Document, Fact, Kind, Part, Row, Table, Value, exact
from pipeline.reports.writers.files import File

#: Raised whenever a key is added, changed or gone; docs/report.schema.json has the same.
SCHEMA_VERSION = 1
_STAMP = b' "generated_at": '


def files(document: Document) -> list[File]:
    """Return ``.json``."""
    return [File(".json", lambda: text(document).encode(), unstamped)]


def unstamped(content: bytes) -> list[bytes]:
    """The lines of a file without the one that says when it was rendered."""
    return [line for line in content.splitlines() if not line.startswith(_STAMP)]


def text(document: Document) -> str:
    """Return a document as JSON."""
    return json.dumps(_document(document), ensure_ascii=False, indent=1) + "\n"


def _document(document: Document) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "report": document.report,
        "edition": document.edition,
        "period": document.period,
        "start": document.start.isoformat(),
        "end": document.end.isoformat(),
        "title": document.title,
        "headline": document.headline,
        "subject": document.subject,
        "by": document.by,
        "tenant": document.tenant,
        "last_day": document.last_day and document.last_day.isoformat(),
        "generated_at": exact(document.generated_at),
        "version": document.version,
        "locale": document.locale,
        "cautions": [{"name": own.name, "text": own.text, "serious": own.serious} for own in document.cautions],
        "facts": [_fact(own) for own in document.facts],
        "parts": [_part(own) for own in document.parts],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "name": fact.name,
        "title": fact.title,
        "kind": fact.kind,
        "value": value(fact.value, fact.kind),
        "currency": fact.currency,
        "note": fact.note,
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "title": part.title,
        "lead": part.lead,
        "empty": part.empty,
        "pictures": [{"name": own.name, "title": own.title, "words": own.words} for own in part.pictures],
        "tables": [_table(own) for own in part.tables],
    }


def _table(table: Table) -> dict[str, Any]:
    summed = [place for place, column in enumerate(table.columns) if column.sums]
    total = table.total
    return {
        "name": table.name,
        "title": table.title,
        "currency": table.currency,
        "columns": [
            {"name": own.name, "title": own.title, "kind": own.kind, "sums": own.sums} for own in table.columns
        ],
        "rows": [_row(table.columns, row) for row in table.rows],
        "total": total and _row(tuple(table.columns[own] for own in summed), tuple(total[own] for own in summed)),
        "notes": list(table.notes),
    }


def _row(columns: tuple[Column, ...], row: Row) -> dict[str, Any]:
    return {column.name: value(own, column.kind) for column, own in zip(columns, row, strict=True)}


def value(own: Value, kind: Kind) -> str | int | None:
    """A value for JSON: a number of things as a number, all else as text, for a reader's float would round it."""
    if own is None:
        return None
    if kind == "count" and isinstance(own, (int, Decimal)) and own == int(own):
        return int(own)
    return exact(own)
