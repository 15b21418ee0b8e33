"""A document's tables as files have them: one for each name, every row, exact values, the currency in a column."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from pipeline.reports.model.document import Column, Document, Row, Table

#: Heads the column that tells amounts of several currencies apart.
CURRENCY = Column("BillingCurrency", "Currency")
FACTS = "facts"
_MONEY = {"money", "price", "signed"}
_FACT_COLUMNS = tuple(Column(name, name.capitalize()) for name in ("name", "title", "kind", "value", "note"))


@dataclass(frozen=True)
class FileTable:
    """All tables of one name, one below the other."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def file_tables(document: Document) -> list[FileTable]:
    """Return what a document's files hold: one table where it has one, else its tables and the figures of its headline."""
    names: dict[str, list[Table]] = {}
    for table in document.tables:
        names.setdefault(table.name.casefold(), []).append(table)
    tables = [merged(own) for own in names.values()]
    return tables if len(tables) == 1 else [_facts(document), *tables]


def merged(tables: list[Table]) -> FileTable:
    """Return tables of one name as one; its first column is the currency where they have amounts."""
    columns = tables[0].columns
    if not has_currency(tables):
        return FileTable(tables[0].name, columns, tuple(chain.from_iterable(table.rows for table in tables)))
    rows = ((table.currency, *row) for table in tables for row in table.rows)
    return FileTable(tables[0].name, (CURRENCY, *columns), tuple(rows))


def has_currency(tables: list[Table]) -> bool:
    """Whether tables of one name have amounts, and no column yet that says of which currency."""
    columns = tables[0].columns
    stated = any(table.currency for table in tables) or any(column.kind in _MONEY for column in columns)
    return stated and CURRENCY.name not in {column.name for column in columns}


def _facts(document: Document) -> FileTable:
    rows = tuple((own.currency, own.name, own.title, own.kind, own.value, own.note) for own in document.facts)
    return FileTable(FACTS, (CURRENCY, *_FACT_COLUMNS), rows)
