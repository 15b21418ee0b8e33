"""A workbook: a sheet of the headline, then one for each table, with real numbers, days and number formats.

A cell's number is a double: 15 digits. What has more of them is exact in CSV, JSON and Parquet, and the first sheet says so.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter

from pipeline.reports.figures import Figures, clean
from pipeline.reports.model.document import OWN, Document, Kind, Part, Row, Table, Value, exact
from pipeline.reports.shown import NUMBERS, shown_document
from pipeline.reports.writers.files import File
from pipeline.reports.writers.number_formats import number_format
from pipeline.reports.writers.tables import CURRENCY

#: What a sheet and a cell hold; a cell counts in UTF-16.
ROWS, CHARACTERS, SHEET_NAME = 1_048_576, 32_767, 31
DIGITS = (
    "Numbers here have 15 digits, as spreadsheets keep them; the report as CSV, JSON or Parquet has every digit. Totals "
    "are sums of the exact amounts."
)
#: Members of the file that differ from one rendering of the same data to the next.
_STAMPED = ("docProps/core.xml",)
#: What no sheet's name may have.
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_FIRST_DAY_YEAR = 1900  # spreadsheets know no day before
_MEASURED = 300  # rows that a column's width is taken from
_OPTIONS = {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}


def files(document: Document) -> list[File]:
    """Return ``.xlsx``."""
    return [File(".xlsx", lambda: workbook(document), unstamped)]


def unstamped(content: bytes) -> list[tuple[str, int]]:
    """The parts of a workbook by name and checksum, without the one that says when it was made; none of what is no zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            return [(own.filename, own.CRC) for own in parts.infolist() if own.filename not in _STAMPED]
    except zipfile.BadZipFile:
        return []


def workbook(document: Document, *, rows: int = ROWS) -> bytes:
    """Return a document as a workbook; ``rows``: how many a sheet holds."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, _OPTIONS) as book:
        book.set_properties(
            {
                "title": text(document.title),
                "subject": text(document.headline),
                "author": "Costmill",
                "comments": f"{document.report}, {document.period}; Costmill {document.version}",
                "created": document.generated_at,
            }
        )
        _Book(book, document, rows).write()
    return content.getvalue()


def text(value: str) -> str:
    """A text that a cell holds: on one line, with nothing that steers, and never the markup of XlsxWriter's own."""
    line = clean(value, CHARACTERS)
    if len(value) > CHARACTERS or len(line.encode("utf-16-le", "replace")) > 2 * CHARACTERS:
        line = f"{line[: CHARACTERS // 2 - 40]}… (cut; CSV and JSON have all of it)"
    # XlsxWriter writes what is between these two tags into the file as it is.
    return f"{line} " if line.startswith("<r>") and line.endswith("</r>") else line


def sheet_name(table: str, part: Part) -> str:
    """What people call a table's sheet: its name in words (``Movers by service``); of a user's own part, the part's title."""
    words = re.sub("[_-]+", " ", table).strip()
    if part.name.startswith(OWN):
        words = " ".join(_FORBIDDEN.sub(" ", clean(part.title, 200)).split()).strip("' ") or words
    return words[:1].upper() + words[1:]


def sheet_names(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Names of sheets: at most 31 characters as spreadsheets count them, none of them twice, whatever the case."""
    found: list[str] = []
    used = {own.casefold() for own in taken} | {"history"}  # which Excel keeps for itself
    for name in names:
        own, number = _cut(name), 2
        while own.casefold() in used:
            own = _cut(name, f" ({number})")
            number += 1
        used.add(own.casefold())
        found.append(own)
    return found


def _cut(name: str, end: str = "") -> str:
    """A name that leaves room for its end, in UTF-16."""
    room = SHEET_NAME - len(end)
    while len(name.encode("utf-16-le", "replace")) > 2 * room:
        name = name[:-1]
    return name.rstrip("' ") + end


class _Book:
    """A workbook while it is written."""

    def __init__(self, book: Any, document: Document, rows: int) -> None:
        self.book, self.document, self.rows = book, document, rows
        self.figures = Figures.of(document.locale)
        self.formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def write(self) -> None:
        groups: dict[str, list[Table]] = {}
        wanted: dict[str, str] = {}
        for part in self.document.parts:
            for table in part.tables:
                groups.setdefault(table.name.casefold(), []).append(table)
                wanted.setdefault(table.name.casefold(), sheet_name(table.name, part))
        names = sheet_names(list(wanted.values()), ["Summary"])
        summary = self.book.add_worksheet("Summary")
        for name, tables in zip(names, groups.values(), strict=True):
            _Sheet(self, self.book.add_worksheet(name), tables).write()
        self._summary(summary, list(zip(names, groups.values(), strict=True)))

    def format(self, **style: Any) -> Any:
        """A cell's format, made once."""
        key = tuple(sorted(style.items()))
        if key not in self.formats:
            self.formats[key] = self.book.add_format({"valign": "top", **style})
        return self.formats[key]

    def put(
        self, sheet: Any, place: tuple[int, int], value: Value, kind: Kind, currency: str | None, **style: Any
    ) -> None:
        """Write a value into a cell: a number, a day, or a text that is never a formula or a link."""
        if value is None:
            sheet.write_blank(*place, None, self.format(**style))
        elif isinstance(value, str):
            shown = self.figures.status(value) if kind == "status" else text(value)
            sheet.write_string(*place, shown, self.format(**style))
        elif isinstance(value, date) and value.year < _FIRST_DAY_YEAR:
            sheet.write_string(*place, exact(value), self.format(**style))
        else:
            style["num_format"] = number_format(value, kind, currency, self.figures)
            if isinstance(value, date):
                sheet.write_datetime(*place, value, self.format(**style, align="left"))
            else:
                sheet.write_number(*place, _double(value, kind), self.format(**style))

    def _summary(self, sheet: Any, sheets: list[tuple[str, list[Table]]]) -> None:
        document, lines = self.document, _Lines(self, sheet)
        lines.add(document.title, bold=True, font_size=16)
        lines.add(document.headline)
        lines.skip()
        for caution in shown_document(document, self.figures).cautions:
            style = {"bold": True, "font_color": "#A61B1B"} if caution.serious else {"font_color": "#765300"}
            lines.add(caution.text, **style)
        lines.skip()
        lines.pair("Period", document.period)
        lines.pair("First day", document.start, "date")
        lines.pair("Day after the last", document.end, "date")
        lines.pair("Figures through", document.last_day, "date")
        lines.pair("Of", document.subject)
        lines.pair("Tenant", document.tenant)
        lines.skip()
        if document.facts:
            lines.heads("Figure", "Value", "Currency", "Note")
        for fact in document.facts:
            lines.cells((fact.title, fact.value, fact.currency, fact.note), fact.kind, fact.currency)
        lines.skip()
        lines.heads("Sheet", "Rows", "Table", "What is in it")
        for name, tables in sheets:
            titles = [own.title for own in document.parts if tables[0].name.casefold() in _names(own)]
            rows = sum(len(own.rows) for own in tables)
            lines.link(name, rows, tables[0].name, "; ".join(dict.fromkeys(titles)))
        lines.skip()
        lines.add(DIGITS, font_color="#566270")
        lines.add(f"Costmill {document.version}", font_color="#566270")
        for place, width in enumerate((32, 22, 20, 80)):
            sheet.set_column(place, place, width)
        _print_setup(sheet)


def _names(part: Part) -> set[str]:
    return {table.name.casefold() for table in part.tables}


class _Lines:
    """The first sheet, line by line."""

    def __init__(self, book: _Book, sheet: Any) -> None:
        self.book, self.sheet, self.row = book, sheet, 0

    def skip(self) -> None:
        self.row += 1

    def add(self, value: str, **style: Any) -> None:
        self.book.put(self.sheet, (self.row, 0), value, "text", None, **style)
        self.row += 1

    def heads(self, *titles: str) -> None:
        for place, title in enumerate(titles):
            self.book.put(self.sheet, (self.row, place), title, "text", None, **_HEAD)
        self.row += 1

    def pair(self, title: str, value: Value, kind: Kind = "text") -> None:
        if value is not None:
            self.book.put(self.sheet, (self.row, 0), title, "text", None, font_color="#566270")
            self.book.put(self.sheet, (self.row, 1), value, kind, None)
            self.row += 1

    def cells(self, values: tuple[Value, Value, Value, Value], kind: Kind, currency: str | None) -> None:
        for place, value in enumerate(values):
            own: Kind = kind if place == 1 else "text"
            self.book.put(self.sheet, (self.row, place), value, own, currency)
        self.row += 1

    def link(self, name: str, rows: int, table: str, title: str) -> None:
        place = "internal:'{}'!A1".format(name.replace("'", "''"))
        self.sheet.write_url(self.row, 0, place, self.book.format(font_color="#0B6B75"), name)
        self.book.put(self.sheet, (self.row, 1), rows, "count", None, align="left")
        self.book.put(self.sheet, (self.row, 2), table, "text", None)
        self.book.put(self.sheet, (self.row, 3), title, "text", None)
        self.row += 1


_HEAD = {"bold": True, "font_color": "#566270", "bottom": 1, "border_color": "#7D8A99", "text_wrap": True}
_TOTAL = {"bold": True, "top": 1, "border_color": "#7D8A99"}


class _Sheet:
    """Tables of one name while they become a sheet: the currency in a column where there are several."""

    def __init__(self, book: _Book, sheet: Any, tables: list[Table]) -> None:
        self.book, self.sheet, self.tables = book, sheet, tables
        self.several = len({table.currency for table in tables}) > 1
        self.columns = (CURRENCY, *tables[0].columns) if self.several else tables[0].columns

    def write(self) -> None:
        for place, column in enumerate(self.columns):
            side = "right" if column.kind in NUMBERS else "left"
            self.book.put(self.sheet, (0, place), column.title, "text", None, **_HEAD, align=side)
        totals = [table for table in self.tables if table.total]
        notes = [note for table in self.tables for note in table.notes]
        room = self.book.rows - len(totals) - len(notes) - 4
        lines = [(table, row) for table in self.tables for row in table.rows]
        for number, (table, row) in enumerate(lines[:room], start=1):
            self._row(number, table, row)
        last = min(len(lines), room)
        self.sheet.autofilter(0, 0, max(last, 1), len(self.columns) - 1)
        self.sheet.freeze_panes(1, 2 if self.several else 1)
        # An empty row apart: a filter that is applied again takes in what stands right below its rows.
        for number, table in enumerate(totals, start=last + 2):
            self._total(number, table)
        below = last + 2 + len(totals) + bool(totals)
        if len(lines) > room:
            notes.insert(
                0, f"{len(lines) - room:,} more rows do not fit in a sheet; CSV, JSON and Parquet have them all."
            )
        for number, note in enumerate(notes):
            self.book.put(self.sheet, (below + number, 0), note, "text", None, font_color="#566270")
        self._widths(lines)
        self.sheet.repeat_rows(0)
        _print_setup(self.sheet)

    def _row(self, number: int, table: Table, row: Row) -> None:
        values = (table.currency, *row) if self.several else row
        for place, (column, value) in enumerate(zip(self.columns, values, strict=True)):
            if value is None and column.kind == "text" and column.missing != "–":
                value = column.missing
            self.book.put(self.sheet, (number, place), value, column.kind, table.currency)

    def _total(self, number: int, table: Table) -> None:
        total = table.total or ()
        values = (table.currency, *total) if self.several else total
        label = next(
            (place for place, column in enumerate(self.columns) if not column.sums and column is not CURRENCY), None
        )
        for place, (column, value) in enumerate(zip(self.columns, values, strict=True)):
            kind: Kind = "text" if place == label else column.kind
            own = "Total" if place == label else value
            self.book.put(self.sheet, (number, place), own, kind, table.currency, **_TOTAL)

    def _widths(self, lines: list[tuple[Table, Row]]) -> None:
        for place, column in enumerate(self.columns):
            lengths = [len(column.title) + 3]
            for table, row in [*lines[:_MEASURED], *((own, own.total) for own in self.tables if own.total)]:
                values = (table.currency, *row) if self.several else row
                lengths.append(len(self.book.figures.value(values[place], column.kind, table.currency)) + 1)
            self.sheet.set_column(place, place, min(max(9, *lengths), 60))


def _print_setup(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&F&R&P / &N")


def _double(value: int | Decimal, kind: Kind) -> float:
    """The number of a cell: percent as a part of one, as spreadsheets keep them."""
    number = Decimal(value)
    return float(number.scaleb(-2) if kind in ("percent", "change", "used") else number) or 0.0
