"""Workbooks as spreadsheets open them: formats, sheets, and what does not fit."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from pipeline.reports.figures import Figures
from pipeline.reports.model.document import Column, Document, Kind, Part, Table
from pipeline.reports.writers.as_xlsx import CHARACTERS, sheet_name, sheet_names, text, workbook
from pipeline.reports.writers.number_formats import number_format
from tests.reports.documents import EVIL, small


def opened(document: Document, **how: int) -> Any:
    return openpyxl.load_workbook(io.BytesIO(workbook(document, **how)))


def test_the_first_sheet_says_what_the_report_says() -> None:
    sheet = opened(small())["Summary"]
    rows = [tuple(value for value in row if value is not None) for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == ("Cloud costs, March 21, 2026",)
    assert rows[3] == ("Data is stale: the last complete day is 4 days ago.",)
    assert ("Billed", 39.914, "USD", "the day before: $38.34") in rows
    assert ("Budgets", "◆ Warning", "Forecast over the limit: Platform") in rows
    assert ("Services", 6, "services", "Services") in rows


def test_a_sheet_is_ready_to_work_with() -> None:
    sheet = opened(small())["Services"]
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == "A1:F7"
    assert [cell.value for cell in sheet[1]] == ["Currency", "Service", "Billed", "Change", "Change in %", "Share"]
    assert [cell.number_format for cell in sheet[2]][2:] == [
        '"$"#,##0.00',
        '+"$"#,##0.00;-"$"#,##0.00;"$"#,##0.00',
        "+0.0%;-0.0%;0.0%",
        "0.0%",
    ]
    assert sheet["C7"].number_format == '"€"#,##0.00'
    assert [cell.value for cell in sheet[9]] == ["USD", "Total", 39.914, 1.575, None, 0.99998931]
    assert [cell.value for cell in sheet[10]][:3] == ["EUR", "Total", 12.5]
    assert sheet["A11"].value is None
    assert sheet["A12"].value == "One bill is in euros."


@pytest.mark.parametrize(
    ("kind", "value", "currency", "locale", "shown"),
    [
        ("money", "1", "JPY", "en_US", '"¥"#,##0'),
        ("money", "1", "EUR", "de_DE", '#,##0.00 "€"'),
        ("money", "1", '"&<x>', "en_US", "#,##0.00"),
        ("price", "1", "USD", "en_US", '"$"#,##0.00##'),
        ("price", "1", "JPY", "en_US", '"¥"#,##0.0###'),
        ("used", "99.96", None, "en_US", "0.0#####%"),
        ("quantity", "12", None, "en_US", "#,##0"),
        ("quantity", "0.5", None, "en_US", "#,##0.0#####"),
    ],
)
def test_a_number_format_follows_kind_currency_and_locale(
    kind: Kind, value: str, currency: str | None, locale: str, shown: str
) -> None:
    assert number_format(Decimal(value), kind, currency, Figures.of(locale)) == shown


def test_names_of_sheets_fit_and_differ() -> None:
    assert sheet_names(["a" * 40, "a" * 35, "SUMMARY", "History", "🦆" * 31], ["Summary"]) == [
        "a" * 31,
        "a" * 27 + " (2)",
        "SUMMARY (2)",
        "History (2)",
        "🦆" * 15,
    ]


@pytest.mark.parametrize(
    ("part", "table", "name"),
    [
        (Part("movers", "Biggest movers"), "movers_by_service", "Movers by service"),
        (Part("own_1_tickets", "'Cost [per] ticket: a/b?*\\'"), "own_1_tickets", "Cost per ticket a b"),
        (Part("own_1_tickets", "[]"), "own_1_tickets", "Own 1 tickets"),
    ],
)
def test_a_sheet_has_a_name_for_people(part: Part, table: str, name: str) -> None:
    assert sheet_name(table, part) == name


def test_a_sheet_of_any_title_opens_and_is_linked_to() -> None:
    tables = [Table(f"own_{number}_x", "", (Column("a", "A"),), ()) for number, _ in enumerate(EVIL)]
    parts = [Part(own.name, title, tables=(own,)) for own, title in zip(tables, EVIL, strict=True)]
    book = opened(
        replace(small(), parts=(*parts, Part("own_a_x", "Ann's", tables=(replace(tables[0], name="own_a_x"),))))
    )
    links = [row[0].hyperlink.location for row in book["Summary"] if row[0].hyperlink]
    assert links == ["'{}'!A1".format(name.replace("'", "''")) for name in book.sheetnames[1:]]
    assert book.sheetnames[-1] == "Ann's"


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    for own in ("N" * 40_000, "🦆" * 20_000):
        assert len(text(own).encode("utf-16-le")) <= 2 * CHARACTERS
        assert text(own).endswith("… (cut; CSV and JSON have all of it)")
    assert text("N" * CHARACTERS) == "N" * CHARACTERS


def test_rows_that_do_not_fit_in_a_sheet_are_told_and_are_in_the_total() -> None:
    columns = (Column("ServiceName", "Service"), Column("BilledCost", "Billed", "money", sums=True))
    table = Table("services", "", columns, tuple((f"s{n}", Decimal(n)) for n in range(20)), "USD")
    sheet = opened(replace(small(), parts=(Part("services", "Services", tables=(table,)),)), rows=15)["Services"]
    assert [sheet.cell(row, 1).value for row in range(11, 15)] == ["s9", None, "Total", None]
    assert sheet["B13"].value == 190
    assert sheet["A15"].value == "10 more rows do not fit in a sheet; CSV, JSON and Parquet have them all."
    assert sheet.max_row == 15


def test_a_text_in_the_tags_of_the_library_stays_a_text() -> None:
    document = small(headline="<r></t></si><si><t>injected</t></si></r>")
    assert opened(document)["Summary"]["A2"].value.strip() == document.headline
