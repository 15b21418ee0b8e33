"""A billing period's document: the figures of its page, and every row."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from pipeline import money
from pipeline.reports.context import build_context
from pipeline.reports.mail import LONGEST, letter
from pipeline.reports.model import ReportContext
from pipeline.reports.model.document import Document
from pipeline.store.warehouse import Warehouse
from tests.reports.editions.conftest import column, fact, table, told
from tests.reports.reading import words

KEYS = ("team", "env", "app")


@pytest.fixture(scope="module")
def month(sampled: Warehouse) -> Document:
    [document] = told(sampled, "costs", "2026-03", tag_keys=KEYS)
    return document


@pytest.fixture(scope="module")
def page(sampled: Warehouse) -> ReportContext:
    moment = datetime(2026, 3, 22, 6)
    return build_context(
        sampled, "2026-03", as_of=moment, generated_at=moment, version="0.1.0", max_age_days=3, tag_keys=KEYS
    )


def test_its_first_figures_are_the_page_s(month: Document, page: ReportContext) -> None:
    for section in page.sections:
        for name in ("billed", "effective", "year_to_date", "per_day", "change", "forecast"):
            assert fact(month, name, section.currency).value == getattr(section.headline, name)
    assert month.last_day == page.last_day


def test_its_tables_begin_with_what_the_page_shows(month: Document, page: ReportContext) -> None:
    for section in page.sections:
        code = section.currency
        top = column(table(month, "resources", code), "BilledCost")[: len(section.resources.rows)]
        assert top == [own.costs.billed for own in section.resources.rows]
        moved = column(table(month, "movers_by_service", code), "change")
        assert moved[: len(section.movers[0].rows)] == [own.change for own in section.movers[0].rows]
        assert column(table(month, "days", code), "BilledCost") == [own.billed for own in section.daily.shown_days]
        rows = {row[:3] for row in table(month, "services", code).rows}
        for own in section.categories:
            assert {(each.name, own.line.name, each.costs.billed) for each in own.services} <= rows


def test_its_tables_add_up_to_the_bill(month: Document, page: ReportContext) -> None:
    for section in page.sections:
        code, billed = section.currency, section.headline.billed
        for name in ("services", "accounts", "days", "composition", "owners"):
            assert money.total(column(table(month, name, code), "BilledCost")) == billed
        parts = [own for own in month.tables if own.name in ("resources", "unattached") and own.currency == code]
        assert money.total(value for own in parts for value in column(own, "BilledCost")) == billed
        tags = table(month, "tags", code)
        for key in KEYS:
            assert money.total(row[2] for row in tags.rows if row[0] == key) == billed  # type: ignore[misc]


def test_it_has_all_that_the_page_has_of_the_ledger(month: Document, page: ReportContext) -> None:
    assert column(table(month, "sources", None), "x_Source") == [own.name for own in page.data.sources]
    assert column(table(month, "reconciliation", None), "charges_total") == [
        own.charges for own in page.data.reconciliation
    ]
    assert len(table(month, "deliveries", None).rows) == len(page.data.deliveries) + len(page.data.waiting)
    assert [own.currency for own in page.restatements][:1] == [
        own.currency for own in month.tables if own.name == "restatements"
    ]


def test_a_month_of_nothing_says_so(empty: Warehouse) -> None:
    [document] = told(empty, "costs", "2026-03")
    assert document.headline == "Cloud costs, March 2026: nothing was billed"
    names: list[Any] = [own.name for own in document.parts]
    assert names[0] == "nothing"


def test_its_mail_shows_every_budget_and_most_services(month: Document) -> None:
    made = letter(month)
    assert len(made.html.encode()) < LONGEST
    services = column(table(month, "services"), "ServiceName")[:15]
    budgets = column(table(month, "budgets"), "name")
    for text in (words(made.html), made.text):
        _, own, *_ = re.split("(?i)cost by service|cost by account", text)
        assert all(name in own for name in services)
        _, own, *_ = re.split("(?i)budgets overlap|biggest movers", text)
        assert all(name in own for name in budgets)
