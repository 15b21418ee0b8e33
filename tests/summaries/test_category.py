"""category_summary: services of each bill, credits, refunds and tax told apart."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.summaries import category_summary
from tests.summaries.rows import COSTS, column, cost, daily


def test_days_and_sources_of_one_service_are_one_row() -> None:
    usage = [cost("2026-03-01", "1.5", ServiceName="EC2"), cost("2026-03-02", "2", ServiceName="EC2", x_Source="b")]
    rows = category_summary(daily(*usage)).collect()
    assert rows.select("ServiceName", "BilledCost", "x_ChargeCount").rows() == [("EC2", Decimal("3.5"), 2)]


def test_currencies_are_never_summed() -> None:
    rows = daily(cost("2026-03-01", "1"), cost("2026-03-01", "2", BillingCurrency="EUR"))
    assert column(category_summary(rows), "BillingCurrency") == ["EUR", "USD"]


def test_each_cost_basis_is_summed_on_its_own() -> None:
    bases = {name: Decimal(number) for number, name in enumerate(COSTS, start=1)}
    rows = category_summary(daily({**bases}, {**bases})).collect()
    assert rows.select(COSTS).row(0) == (Decimal(2), Decimal(4), Decimal(6), Decimal(8))


def test_recorded_calls_are_left_to_the_bill_that_will_hold_them() -> None:
    assert column(category_summary(daily(cost("2026-03-01", "9", x_Origin="recorded"))), "BilledCost") == []


@pytest.mark.parametrize(
    ("category", "charge_class", "parts"),
    [
        ("Credit", None, ("-5", "0", "0")),
        ("Credit", "Correction", ("-5", "0", "0")),
        ("Tax", None, ("0", "0", "-5")),
        ("Tax", "Correction", ("0", "0", "-5")),
        ("Usage", "Correction", ("0", "-5", "0")),
        (None, "Correction", ("0", "-5", "0")),
        ("Usage", None, ("0", "0", "0")),
        (None, None, ("0", "0", "0")),
    ],
)
def test_a_part_of_the_bill_counts_once(
    category: str | None, charge_class: str | None, parts: tuple[str, str, str]
) -> None:
    row = daily(cost("2026-03-01", "-5", ChargeCategory=category, ChargeClass=charge_class))
    found = category_summary(row).select("x_CreditCost", "x_RefundCost", "x_TaxCost").collect().row(0)
    assert found == tuple(map(Decimal, parts))


def test_rows_are_sorted_with_what_has_no_name_last() -> None:
    services = [None, "b", "", "a"]
    rows = daily(*(cost("2026-03-01", "1", ServiceName=name) for name in services))
    assert column(category_summary(rows), "ServiceName") == ["", "a", "b", None]


def test_sums_near_the_limit_of_stored_money_are_exact() -> None:
    rows = daily(*[cost("2026-03-01", "12345678901234567890.123456789012345678")] * 7, cost("2026-03-01", "-1"))
    assert column(category_summary(rows), "BilledCost") == [Decimal("86419752308641975229.864197523086419746")]
