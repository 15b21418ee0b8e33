"""CSV after RFC 4180, for spreadsheets: all rows and all digits, and no text that a spreadsheet would run.

The files begin with a byte order mark: without one Excel reads names that are not English in the wrong letters.
"""

from __future__ import annotations

import csv
import io
import re

from pipeline.reports.model.document import Document, Value, exact
from pipeline.reports.writers.files import File
from pipeline.reports.writers.tables import FileTable, file_tables

# What a spreadsheet takes for the beginning of a formula, also in full width, and after what it does not show.
_FORMULA = re.compile(r"[\s\x00-\x20\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*[=+\-@＝＋－＠]|[\t\r]")


def files(document: Document) -> list[File]:
    """Return ``.csv`` where a document has one table, else ``.<table>.csv`` for each and for the headline's figures."""
    tables = file_tables(document)
    return [_file(table, ".csv" if len(tables) == 1 else f".{table.name}.csv") for table in tables]


def _file(table: FileTable, ending: str) -> File:
    return File(ending, lambda: text(table).encode("utf-8-sig"))


def text(table: FileTable) -> str:
    """Return a table as CSV: numbers and days as machines read them, texts that no spreadsheet runs, None as nothing."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow([harmless(column.name) for column in table.columns])
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return lines.getvalue()


def _cell(value: Value) -> str:
    return harmless(value) if isinstance(value, str) else exact(value)


def harmless(value: str) -> str:
    """A text after an apostrophe where a spreadsheet would take it for a formula; others as they are."""
    return f"'{value}" if _FORMULA.match(value) else value
