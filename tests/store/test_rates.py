"""Rates in the warehouse: as the configuration has them, and exact in the view that analysts read."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import money
from pipeline.config import CurrencySettings
from pipeline.store import rollups
from pipeline.store.rates import Rates, read_rates, sync_rates, why_unconverted
from pipeline.store.warehouse import Warehouse
from tests import empty

MARCH, APRIL = "2026-03", "2026-04"
AMOUNTS = st.decimals("-1e9", "1e9", places=18)
RATES = st.decimals("0.000000000001", "999999", places=12)


def configured(report: str | None = "USD", **rates: str) -> CurrencySettings:
    """The reporting currency with rates of March."""
    given = {code: Decimal(rate) for code, rate in rates.items()}
    return CurrencySettings(report, {MARCH: given} if given else {})


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse in which March and April are loaded, nothing due."""
    with Warehouse.open(empty.put(tmp_path / "costs.duckdb")) as opened:
        for period in (MARCH, APRIL):
            opened.execute(
                "INSERT INTO source_periods (x_Source, x_BillingPeriod, x_Origin, charges) VALUES ('a', ?, 'billed', 1)",
                [period],
            )
        sync_rates(opened, configured(EUR="1.08"))
        opened.execute("DELETE FROM dirty")
        yield opened


def held(warehouse: Warehouse) -> list[tuple[str, str, str, Decimal]]:
    return warehouse.rows("SELECT * FROM rates ORDER BY ALL")


def due(warehouse: Warehouse) -> set[tuple[str, str]]:
    return {(period, stage) for stage in rollups.STAGES for period in rollups.due(warehouse, stage)}


def version(warehouse: Warehouse) -> str:
    value = warehouse.value("SELECT value FROM settings WHERE name = 'version'")
    assert isinstance(value, str)
    return value


def test_an_unchanged_configuration_writes_nothing(warehouse: Warehouse) -> None:
    before = version(warehouse)
    assert sync_rates(warehouse, configured(EUR="1.080")) == ()
    assert (version(warehouse), due(warehouse)) == (before, set())


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({"EUR": "1.08", "GBP": "1.26"}, [("EUR", Decimal("1.08")), ("GBP", Decimal("1.26"))]),
        ({"EUR": "1.09"}, [("EUR", Decimal("1.09"))]),
        ({}, []),
    ],
    ids=["added", "changed", "removed"],
)
def test_a_changed_rate_makes_its_months_budgets_and_report_due(
    warehouse: Warehouse, rates: dict[str, str], expected: list[tuple[str, Decimal]]
) -> None:
    assert sync_rates(warehouse, configured(**rates)) == (MARCH,)
    assert [(code, rate) for _, code, _, rate in held(warehouse)] == expected
    assert due(warehouse) == {(MARCH, "budgets"), (MARCH, "reports")}


def test_a_rate_of_a_month_that_is_not_loaded_is_kept_and_leaves_nothing_due(warehouse: Warehouse) -> None:
    later = CurrencySettings("USD", {**configured(EUR="1.08").rates, "2026-05": {"EUR": Decimal(1)}})
    assert sync_rates(warehouse, later) == ("2026-05",)
    assert due(warehouse) == set()


def test_another_reporting_currency_makes_all_reports_due(warehouse: Warehouse) -> None:
    sync_rates(warehouse, configured("EUR", USD="0.93"))
    assert held(warehouse) == [(MARCH, "USD", "EUR", Decimal("0.93"))]
    assert {(MARCH, "reports"), (APRIL, "reports"), (MARCH, "budgets")} == due(warehouse)
    assert read_rates(warehouse, APRIL) == Rates("EUR", {"EUR": Decimal(1)})


def test_without_a_reporting_currency_nothing_converts(warehouse: Warehouse) -> None:
    sync_rates(warehouse, CurrencySettings())
    assert (held(warehouse), read_rates(warehouse, MARCH)) == ([], None)


@pytest.mark.parametrize(
    ("currency", "why"),
    [
        ("EUR", 'give currency.rates."2026-03".EUR'),
        ("MC", "it is no ISO 4217 currency, which no rate converts"),
        ("credits", "it is no ISO 4217 currency, which no rate converts"),
        (None, "its charges say no currency"),
    ],
)
def test_it_says_why_a_currency_is_not_converted(currency: str | None, why: str) -> None:
    assert why_unconverted(MARCH, currency) == why


@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=8), rate=RATES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_view_converts_to_the_last_decimal(warehouse: Warehouse, amounts: list[Decimal], rate: Decimal) -> None:
    warehouse.execute("DELETE FROM daily_costs")
    sync_rates(warehouse, configured(EUR=str(rate)))
    for number, amount in enumerate(amounts):
        for currency in ("EUR", "USD", "MC", None):
            insert(warehouse, number, currency, amount)
    rows = warehouse.rows("SELECT BillingCurrency, x_ChargeCount, BilledCost, ContractedCost FROM converted_costs")
    expected = {"EUR": [money.product(amount, rate) for amount in amounts], "USD": amounts}
    assert len(rows) == 4 * len(amounts)
    for currency, number, billed, contracted in rows:
        wanted = expected[currency][number] if currency in expected else None
        assert (billed, contracted) == (wanted, wanted)


def insert(warehouse: Warehouse, number: int, currency: str | None, amount: Decimal) -> None:
    warehouse.execute(
        """INSERT INTO daily_costs (x_BillingPeriod, ChargeDay, BillingCurrency, x_Source, x_Origin, BilledCost,
            EffectiveCost, ListCost, ContractedCost, ConsumedQuantity, PricingQuantity, x_ChargeCount)
        VALUES (?, DATE '2026-03-01', ?, 'a', 'billed', ?, ?, ?, ?, 0, 0, ?)""",
        [MARCH, currency, *[amount] * 4, number],
    )
