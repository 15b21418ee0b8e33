"""One document, read back from every format: the figures are those of the document, to the last digit that is shown."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pyarrow.parquet as pq
import pypdf
import pytest

from pipeline.reports.figures import Figures, clean
from pipeline.reports.model.document import Document, Row, Table, Value
from pipeline.reports.shown import shown_document, shown_facts
from pipeline.reports.writers import write
from pipeline.reports.writers.as_csv import harmless
from pipeline.reports.writers.tables import file_tables
from tests.conftest import ROOT
from tests.reports.documents import rich, small
from tests.reports.reading import as_html, attributes, tables, tags, words

US = Figures.of("en_US")
Texts = list[list[str]]


@pytest.fixture(scope="module")
def document() -> Document:
    return rich()


@pytest.fixture(scope="module")
def folder(document: Document, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rich document in every format but PDF."""
    own = tmp_path_factory.mktemp("formats")
    for format in ("html", "md", "csv", "json", "xlsx", "parquet"):
        write(document, format, own)
    return own


def text(folder: Path, format: str) -> str:
    return (folder / f"report.{format}").read_text(encoding="utf-8")


def squeezed(value: str) -> str:
    return " ".join(value.split())


def shown(document: Document) -> list[Texts]:
    """Every table as people read it."""
    found = []
    for part in shown_document(document, US).parts:
        for table in part.tables:
            head = [squeezed(US.label(own.title)) for own in table.columns]
            rows = [[squeezed(own) for own in row.texts] for row in table.all_rows]
            found += [[head, *rows]] if table.rows else []
    return found


def test_html_shows_every_table_with_its_exact_values(document: Document, folder: Path) -> None:
    found = tables(text(folder, "html"))
    assert [[[cell[0] for cell in row] for row in table] for table in found] == shown(document)
    [first, *_] = [table for table in document.tables if table.name == "everything"]
    for cells, row in zip(found[0][1:], first.shown, strict=False):
        assert [number(cell[1]) for cell in cells[1:9]] == list(row[1:9])


def test_markdown_shows_the_same_tables_as_html(document: Document, folder: Path) -> None:
    facts = sum(1 for _ in shown_facts(document.facts, US))
    found = tables(as_html(text(folder, "md")))[facts:]
    assert [[[cell[0] for cell in row] for row in table] for table in found] == shown(document)


def test_what_is_shown_adds_up(folder: Path) -> None:
    checked = 0
    for table in tables(text(folder, "html")):
        totals = [cell[0] for cell in table[-1]]
        for place, total in enumerate(totals):
            if totals[0] == "Total" and (whole := figure(total)) is not None:
                assert sum(figure(row[place][0]) or 0 for row in table[1:-1]) == whole
                checked += 1
    assert checked == 12


def figure(shown: str) -> Decimal | None:
    """What a reader adds up of a text."""
    found = re.fullmatch(r"(?:[$¥]|=<b> |([+−]))*([\d,]+(?:\.\d+)?)%?", shown)
    return Decimal(found[2].replace(",", "")) * (-1 if found[1] == "−" else 1) if found else None


def test_json_has_every_value_and_keeps_to_its_schema(document: Document, folder: Path) -> None:
    found = json.loads(text(folder, "json"))
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    for table, own in zip((own for part in found["parts"] for own in part["tables"]), document.tables, strict=True):
        assert table["currency"] == own.currency
        assert [read_row(tuple(row.values()), own) for row in table["rows"]] == list(own.rows)
    assert [own["text"] for own in found["cautions"]] == [own.text for own in document.cautions]
    kinds = [own.kind for own in document.facts]
    assert [read(own["value"], kind) for own, kind in zip(found["facts"], kinds, strict=True)] == [
        own.value for own in document.facts
    ]


def test_csv_has_every_value_and_no_formula(document: Document, folder: Path) -> None:
    for table in file_tables(document):
        content = (folder / f"report.{table.name}.csv").read_bytes().decode("utf-8-sig")
        [head, *rows] = csv.reader(io.StringIO(content, newline=""), strict=True)
        assert head == [harmless(own.name) for own in table.columns]
        kinds = [own.kind for own in table.columns]
        for row, own in zip(rows, table.rows, strict=True):
            for cell, kind, value in zip(row, kinds, own, strict=True):
                if isinstance(value, str):
                    assert cell == harmless(value)
                elif kind != "text":
                    assert read(cell or None, kind) == value


def test_parquet_has_every_value_with_its_type(document: Document, folder: Path) -> None:
    for table in file_tables(document):
        found = pq.read_table(folder / f"report.{table.name}.parquet")
        assert found.schema.metadata[b"period"] == b"2026-03-21"
        types = {column.name: str(found.schema.field(column.name).type) for column in table.columns}
        assert {types[own.name] for own in table.columns if own.kind == "money"} <= {"decimal128(38, 18)"}
        if table.name != "facts":
            rows = [tuple(plain(value) for value in row.values()) for row in found.to_pylist()]
            assert rows == list(table.rows)


def test_a_workbook_has_every_value_to_15_digits_and_no_formula(document: Document, folder: Path) -> None:
    book = openpyxl.load_workbook(folder / "report.xlsx")
    names = list(dict.fromkeys(table.name for table in document.tables))
    assert book.sheetnames == ["Summary", *map(str.capitalize, names)]
    for name in names:
        found = book[name.capitalize()].iter_rows(min_row=2)
        for table, row in ((own, row) for own in document.tables if own.name == name for row in own.rows):
            values = (table.currency, *row) if name == "everything" else row
            kinds = ["text", *(own.kind for own in table.columns)][-len(values) :]
            for cell, kind, value in zip(next(found), kinds, values, strict=True):
                assert cell.data_type != "f"
                assert cell.hyperlink is None
                check_cell(cell.value, kind, value)


def check_cell(found: Any, kind: str, value: Value) -> None:
    if isinstance(value, str):
        assert kind == "status" or squeezed(str(found)) == squeezed(clean(value, 32767))
    elif isinstance(value, (int, Decimal)):
        exact = float(Decimal(value) / 100 if kind in ("percent", "change", "used") else value)
        assert found == pytest.approx(exact, rel=1e-15, abs=0)
    elif isinstance(value, datetime):
        assert abs(found - value).total_seconds() < 0.01
    elif isinstance(value, date):
        assert found.date() == value


def test_a_pdf_says_what_the_page_says(tmp_path: Path) -> None:
    [path] = write(small(), "pdf", tmp_path)
    reader = pypdf.PdfReader(path)
    said = squeezed(" ".join(page.extract_text() for page in reader.pages))
    for table in shown(small()):
        for row in table:
            assert squeezed(" ".join(row)) in said
    for fact in (own for block in shown_facts(small().facts, US) for own in block):
        assert fact.cell.text in said
    assert "Data is stale" in said
    assert f"1 / {len(reader.pages)}" in said
    assert reader.metadata is not None
    assert reader.metadata.title == "Cloud costs, March 21, 2026"


def test_hostile_texts_are_only_texts(folder: Path) -> None:
    page = text(folder, "html")
    assert tags(page).isdisjoint({"img", "b", "svg"})
    assert len(re.findall("<script", page)) == 1
    assert not [name for name in attributes(page) if name.startswith("on")]
    assert "<script>alert(1)</script>" in words(page)
    assert tags(as_html(text(folder, "md"))).isdisjoint({"script", "img", "a", "code", "em", "b", "svg"})
    assert "N" * 1001 not in page


def number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def read(value: Any, kind: str) -> Value:
    """A value as machines read it from text."""
    if value is None or kind in ("text", "status"):
        return value  # type: ignore[no-any-return]
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "moment":
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    return int(value) if kind == "count" else Decimal(value)


def read_row(row: tuple[Any, ...], table: Table) -> Row:
    return tuple(read(value, own.kind) for own, value in zip(table.columns, row, strict=True))


def plain(value: Any) -> Value:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
