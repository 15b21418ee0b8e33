"""The configuration's rates in the warehouse: where analysts, summaries and reports find what converts a currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pipeline import money
from pipeline.config import CurrencySettings, fields
from pipeline.store import rollups
from pipeline.store.warehouse import Warehouse


@dataclass(frozen=True)
class Rates:
    """What converts one billing period's money.

    Attributes:
        currency: the reporting currency.
        rates: currency -> units of the reporting currency; that one's own is 1.
    """

    currency: str
    rates: Mapping[str, Decimal]

    def of(self, currency: str | None) -> Decimal | None:
        """Return a currency's rate; None where the configuration gives none, as for a currency that is none."""
        return self.rates.get(currency) if currency is not None else None

    def convert(self, amount: Decimal, currency: str | None) -> Decimal | None:
        """Return an amount in the reporting currency, rounded half away from zero at the 18th decimal, or None."""
        rate = self.of(currency)
        return None if rate is None else money.product(amount, rate)


def read_rates(warehouse: Warehouse, period: str) -> Rates | None:
    """Read the rates of a billing period; None without a reporting currency."""
    currency = _report_currency(warehouse)
    if currency is None:
        return None
    rows = warehouse.rows("SELECT from_currency, rate FROM rates WHERE x_BillingPeriod = ?", [period])
    return Rates(currency, {**dict(rows), currency: Decimal(1)})


def why_unconverted(period: str, currency: str | None) -> str:
    """Say why a currency is not converted, and what to do."""
    if currency is None:
        return "its charges say no currency"
    try:
        fields.currency_code(currency)
    except ValueError:
        return "it is no ISO 4217 currency, which no rate converts"
    return f'give currency.rates."{period}".{currency}'


def sync_rates(warehouse: Warehouse, configured: CurrencySettings) -> tuple[str, ...]:
    """Bring the warehouse in line with the configuration; returns the billing periods whose rates changed.

    Budgets and reports of those become due, and all reports where the reporting currency changed. Nothing is written
    when nothing changed.
    """
    held = {tuple(row[:3]): row[3] for row in warehouse.rows(_HELD)}
    wanted = {
        (period, code, str(configured.report)): money.stored(rate)
        for period, rates in configured.rates.items()
        for code, rate in rates.items()
    }
    changed = {*held.items()} ^ {*wanted.items()}
    other_currency = _report_currency(warehouse) != configured.report
    if not changed and not other_currency:
        return ()
    touched = tuple(sorted({key[0] for key, _ in changed}))
    with warehouse.transaction():
        for key, _ in {*held.items()} - {*wanted.items()}:
            warehouse.execute("DELETE FROM rates WHERE x_BillingPeriod = ? AND from_currency = ?", list(key[:2]))
        for key, rate in {*wanted.items()} - {*held.items()}:
            warehouse.execute("INSERT INTO rates VALUES (?, ?, ?, ?)", [*key, rate])
        _write_currency(warehouse, configured.report)
        rollups.mark_rates(warehouse, touched)
        if other_currency:
            rollups.mark_reports(warehouse, None)
    return touched


def _report_currency(warehouse: Warehouse) -> str | None:
    value: str | None = warehouse.value("SELECT value FROM settings WHERE name = 'report_currency'")
    return value


def _write_currency(warehouse: Warehouse, currency: str | None) -> None:
    warehouse.execute("DELETE FROM settings WHERE name = 'report_currency'")
    if currency is not None:
        warehouse.execute("INSERT INTO settings VALUES ('report_currency', ?)", [currency])


_HELD = "SELECT x_BillingPeriod, from_currency, to_currency, rate FROM rates"
