"""Billed by InvoiceId beside what accounting expects: to the last digit, in each currency, by period and issuer."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import ExpectedInvoice
from pipeline.store import lists
from pipeline.store.invoices import compare
from pipeline.store.warehouse import Warehouse
from tests import empty


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with Warehouse.open(empty.put(tmp_path_factory.mktemp("invoices") / "costs.duckdb")) as warehouse:
        yield warehouse


@pytest.fixture
def warehouse(opened: Warehouse) -> Warehouse:
    opened.execute("DELETE FROM invoice_costs")
    opened.execute("DELETE FROM expected_invoices")
    return opened


def bill(warehouse: Warehouse, number: str | None, amount: str, period: str = "2026-01", **more: Any) -> None:
    row = {"issuer": "Amazon Web Services EMEA SARL", "provider": "aws", "currency": "USD", **more}
    values = ["a", period, "billed", row["provider"], row["issuer"], number, row["currency"], Decimal(amount), 2, 1]
    warehouse.execute("INSERT INTO invoice_costs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def expect(warehouse: Warehouse, *invoices: ExpectedInvoice) -> None:
    lists.sync_invoices(warehouse, invoices)


def invoice(amount: str, number: str = "1", currency: str = "USD", **more: Any) -> ExpectedInvoice:
    return ExpectedInvoice(number, Decimal(amount), currency, **more)


def found(warehouse: Warehouse, period: str | None = None) -> list[tuple[Any, ...]]:
    return [(each.InvoiceId, each.billed, each.expected, each.state) for each in compare(warehouse, period)]


@pytest.mark.parametrize(
    ("amount", "state"),
    [("10.004", "agrees"), ("10.00", "rounding"), ("10.01", "rounding"), ("10.02", "differs"), ("-10.004", "differs")],
)
def test_less_than_a_cent_is_no_difference(warehouse: Warehouse, amount: str, state: str) -> None:
    bill(warehouse, "1", "10.004")
    expect(warehouse, invoice(amount))
    assert found(warehouse) == [("1", Decimal("10.004"), Decimal(amount), state)]


def test_the_smallest_unit_is_the_currencys(warehouse: Warehouse) -> None:
    bill(warehouse, "1", "10.4", currency="JPY")
    expect(warehouse, invoice("10", currency="JPY"))
    assert found(warehouse)[0][-1] == "rounding"


def test_the_difference_is_billed_less_expected(warehouse: Warehouse) -> None:
    bill(warehouse, "1", "10.004")
    expect(warehouse, invoice("12"))
    assert [each.difference for each in compare(warehouse)] == [Decimal("-1.996")]


def test_what_is_not_seen_not_expected_or_on_no_invoice_is_told(warehouse: Warehouse) -> None:
    bill(warehouse, "2", "5")
    bill(warehouse, None, "3")
    expect(warehouse, invoice("1"))
    assert found(warehouse) == [
        ("1", None, Decimal(1), "not seen"),
        ("2", Decimal(5), None, "not expected"),
        (None, Decimal(3), None, "no invoice"),
    ]


def test_without_a_list_nothing_is_unexpected(warehouse: Warehouse) -> None:
    bill(warehouse, "2", "5")
    assert found(warehouse) == [("2", Decimal(5), None, "billed")]


def test_one_number_in_two_currencies_is_two_invoices(warehouse: Warehouse) -> None:
    bill(warehouse, "1", "5")
    bill(warehouse, "1", "4", currency="EUR")
    expect(warehouse, invoice("4", currency="EUR"))
    assert sorted(found(warehouse), key=str) == [
        ("1", Decimal(4), Decimal(4), "agrees"),
        ("1", Decimal(5), None, "not expected"),
    ]


def test_an_invoice_without_period_takes_all_that_name_it_and_one_with_it_only_its_own(warehouse: Warehouse) -> None:
    bill(warehouse, "1", "5")
    bill(warehouse, "1", "6", "2026-02")
    expect(warehouse, invoice("11"))
    assert found(warehouse) == [("1", Decimal(11), Decimal(11), "agrees")]
    expect(warehouse, invoice("5", period="2026-01"), invoice("6"))
    assert [each[-1] for each in found(warehouse)] == ["agrees", "agrees"]
    assert found(warehouse, "2026-02") == [("1", Decimal(6), Decimal(6), "agrees")]


@pytest.mark.parametrize("issuer", ["aws", "AWS", "amazon web services emea sarl"])
def test_an_issuer_is_a_name_or_a_provider_in_any_capitals(warehouse: Warehouse, issuer: str) -> None:
    bill(warehouse, "1", "5")
    bill(warehouse, "1", "7", issuer="Another", provider="azure")
    expect(warehouse, invoice("5", issuer=issuer), invoice("7", issuer="Another"))
    assert [each[-1] for each in found(warehouse)] == ["agrees", "agrees"]


def test_hostile_numbers_are_text(warehouse: Warehouse) -> None:
    bill(warehouse, "'; DROP TABLE charges; --", "5")
    expect(warehouse, invoice("5", "'; DROP TABLE charges; --"))
    assert found(warehouse)[0][-1] == "agrees"


def test_a_list_that_has_not_changed_writes_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    rows = (invoice("5"), invoice("6", "2", period="2026-01", issuer="aws"))
    assert lists.sync_invoices(warehouse, rows)
    version = warehouse.value("SELECT value FROM settings WHERE name = 'version'")
    assert not lists.sync_invoices(warehouse, tuple(reversed(rows)))
    assert warehouse.value("SELECT value FROM settings WHERE name = 'version'") == version
