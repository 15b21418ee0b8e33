"""Summaries in one currency: every row at its rate, added, and nothing without a rate lost or added."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import money
from pipeline.store.rates import Rates
from pipeline.summaries.converted import converted

RATES = Rates("USD", {"USD": Decimal(1), "EUR": Decimal("1.08"), "JPY": Decimal("0.0067")})
CURRENCIES = ["USD", "EUR", "JPY", "MC", None]
MEASURES = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "x_CreditCost", "x_RefundCost", "x_TaxCost")
AMOUNT = st.decimals(-(10**9), 10**9, places=18)

Bill = list[tuple[str | None, str, Decimal]]


def category(bill: Bill) -> pl.DataFrame:
    """A category summary: one row per currency and service, every measure the same amount."""
    rows = [
        {"x_BillingPeriod": "2026-03", "BillingCurrency": code, "ServiceCategory": "Compute", "ServiceName": service}
        | dict.fromkeys(MEASURES, amount)
        | {"x_ChargeCount": 1}
        for code, service, amount in bill
    ]
    return pl.DataFrame(
        rows, schema_overrides=dict.fromkeys(MEASURES, pl.Decimal(38, 18)) | {"BillingCurrency": pl.String}
    )


def tag(key: str, value: str | None, code: str, amount: str) -> pl.DataFrame:
    row: dict[str, object] = {"x_BillingPeriod": "2026-03", "BillingCurrency": code, "TagKey": key, "TagValue": value}
    row |= dict.fromkeys(MEASURES, Decimal(amount)) | {"x_ChargeCount": 1, "x_BilledShare": Decimal(1)}
    kinds = dict.fromkeys((*MEASURES, "x_BilledShare"), pl.Decimal(38, 18))
    return pl.DataFrame([row], schema_overrides=kinds | {"TagValue": pl.String})


@given(st.lists(st.tuples(st.sampled_from(CURRENCIES), st.sampled_from(["VM", "DB"]), AMOUNT), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_what_is_converted_and_what_is_not_are_the_whole_bill(bill: Bill) -> None:
    rows, missing = converted(category(bill), "USD", RATES.convert)
    for service in ("VM", "DB"):
        worth = [RATES.convert(amount, code) for code, name, amount in bill if name == service]
        wanted = [amount for amount in worth if amount is not None]
        found = rows.filter(pl.col("ServiceName") == service)
        assert found["BilledCost"].to_list() == ([money.total(wanted)] if wanted else [])
    left = {code for code, _, _ in bill if code not in RATES.rates}
    assert missing == {code: money.total(a for c, _, a in bill if c == code) for code in left}
    assert set(rows["BillingCurrency"]) <= {"USD"}


def test_rows_of_one_key_are_added_and_the_dearest_come_first() -> None:
    bill: Bill = [("USD", "VM", Decimal(1)), ("EUR", "VM", Decimal(100)), ("USD", "DB", Decimal(10))]
    rows, missing = converted(category(bill), "USD", RATES.convert)
    assert [(row["ServiceName"], row["BilledCost"], row["x_ChargeCount"]) for row in rows.to_dicts()] == [
        ("VM", Decimal(109), 2),
        ("DB", Decimal(10), 1),
    ]
    assert missing == {}


def test_a_tags_shares_are_of_the_converted_bill() -> None:
    keys = [tag("team", "ml", "USD", "46"), tag("team", None, "EUR", "50"), tag("env", None, "USD", "46")]
    rows, _ = converted(pl.concat(keys), "USD", RATES.convert)
    shares = {(row["TagKey"], row["TagValue"]): row["x_BilledShare"] for row in rows.to_dicts()}
    assert shares == {("team", "ml"): Decimal("0.46"), ("team", None): Decimal("0.54"), ("env", None): Decimal(1)}


def test_a_tags_unconverted_money_is_told_once_whatever_the_keys() -> None:
    keys = [tag("team", "ml", "GBP", "7"), tag("env", None, "GBP", "7")]
    rows, missing = converted(pl.concat(keys), "USD", RATES.convert)
    assert (rows.height, missing) == (0, {"GBP": Decimal(7)})
