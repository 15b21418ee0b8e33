"""Exact money: what is a number, what it is rounded to, and ratios."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import money
from pipeline.errors import EntryError

MONEY = st.decimals(-(10**19), 10**19, places=18)


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), (" -0.50 ", Decimal("-0.5")), ("+.5", Decimal("0.5")), ("5.", 5), ("1e-7", Decimal("1E-7"))],
)
def test_a_number_is_read(text: str, number: object) -> None:
    assert money.parse(text) == number


@pytest.mark.parametrize(
    "text", ["", "-", ".", "1,5", "1_000", "0x1", "nan", "inf", "1e", "1 2", "٣", "\uff11\uff12", "1\u00a0"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert money.parse(text) is None


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (3, "3"),
        ("1.5", "1.5"),
        (Decimal("-2"), "-2"),
        ("0.0000000000000000005", "0.000000000000000001"),
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
        (Decimal("1e-999999"), "0"),
    ],
)
def test_an_amount_is_exact_to_18_decimals(given_: Any, expected: str) -> None:
    assert money.amount(given_) == Decimal(expected)


def test_a_subclass_of_float_is_read_by_its_shortest_text() -> None:
    class Price(float):
        def __repr__(self) -> str:
            return f"Price({float(self)})"

    assert money.amount(Price(0.1)) == Decimal("0.1")


@pytest.mark.parametrize(
    "given_", [float("nan"), float("inf"), Decimal("sNaN"), "-Infinity", "twelve", "", True, None, b"1", [1], 1j]
)
def test_what_is_no_amount_is_refused(given_: Any) -> None:
    with pytest.raises(EntryError, match="is no amount"):
        money.amount(given_)


@pytest.mark.parametrize(
    "given_",
    ["1e20", -(10**20), 1e300, pytest.param(10**6000, id="huge"), "1e9999", "99999999999999999999.9999999999999999995"],
)
def test_what_the_store_cannot_hold_is_refused(given_: Any) -> None:
    with pytest.raises(EntryError, match="more than 20 digits"):
        money.amount(given_)


@given(MONEY)
def test_text_and_back_is_the_same_amount(value: Decimal) -> None:
    assert money.amount(money.text(value)) == value


@given(st.floats(-1e15, 1e15).map(lambda value: round(value, 2)))
def test_a_float_counts_as_it_is_written(value: float) -> None:
    assert money.amount(value) == Decimal(repr(value)).quantize(money.QUANTUM, decimal.ROUND_HALF_UP, money.EXACT)


@given(st.lists(MONEY))
def test_a_total_is_exact_in_any_context(values: list[Decimal]) -> None:
    with decimal.localcontext(prec=3):
        assert money.total(values) == money.total(reversed(values))
    with decimal.localcontext(prec=200):
        assert money.total(values) == sum(values)


def test_ratios_round_half_to_even() -> None:
    assert money.ratio(Decimal("0.0000005"), Decimal(1)) == 0
    assert money.ratio(Decimal("0.0000015"), Decimal(1)) == Decimal("0.000002")
    assert money.percent(Decimal(1), Decimal(3)) == Decimal("33.333333")


def test_there_is_no_share_of_nothing() -> None:
    assert money.ratio(Decimal(1), Decimal(0)) is None
    assert money.percent(Decimal(1), Decimal(0)) is None


@pytest.mark.parametrize(
    ("value", "written"), [("12.500", "12.5"), ("0.000", "0"), ("1E+3", "1000"), ("-0.10", "-0.1"), ("100", "100")]
)
def test_text_has_no_exponent_and_no_trailing_zeros(value: str, written: str) -> None:
    assert money.text(Decimal(value)) == written
