"""How text, DOUBLE and times become what is stored, against Python's Decimal and datetime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import money, resources

CONNECTION = duckdb.connect()
CONNECTION.execute(resources.sql("staging/macros"))


def of_each(macro: str, values: Sequence[Any], kind: str = "VARCHAR") -> list[Any]:
    """What a macro makes of each value."""
    rows = CONNECTION.execute(f"SELECT {macro}(v) FROM (SELECT unnest(CAST($1 AS {kind}[])) AS v)", [list(values)])
    return [row[0] for row in rows.fetchall()]


def stored(text: str) -> Decimal | None:
    """What the store should keep of a text, by Python's decimals alone."""
    number = money.parse(text)
    if number is None or (number and number.adjusted() >= 20):
        return None
    kept = money.stored(number)
    return kept if abs(kept) < money.LIMIT else None


@pytest.mark.parametrize(
    "text",
    [
        *("1_000", "0x1", "NaN", "nan", "Infinity", "-inf", "1e400", "1e20", "convertible", "No Upfront", "true"),
        *(
            "1,000",
            "4,350.00",
            "1 000",
            "1..2",
            "1e",
            "e5",
            "1e5.5",
            "1e+-5",
            "--5",
            "+",
            "-",
            ".",
            "",
            " ",
            "$5",
            "5%",
        ),
        *("１", "٣", "\u00a01", "1d", "1f", "0b1", "99999999999999999999.9999999999999999995", "100000000000000000000"),
    ],
)
def test_what_is_no_number_of_twenty_digits_is_none(text: str) -> None:
    assert of_each("money_text", [text]) == [None]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0E-10", "0.0000000001"),
        ("-7.0E-10", "-0.0000000007"),
        ("5.64902E-05", "0.0000564902"),
        ("+1.", "1"),
        (" .5\t", "0.5"),
        ("1e-400", "0"),
        ("0.0000000000000000005", "1e-18"),
        ("-0.0000000000000000005", "-1e-18"),
        ("0.00000000000000000049999", "0"),
        ("1.5E-18", "2e-18"),
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
    ],
)
def test_a_number_is_kept_to_eighteen_decimals_half_away_from_zero(text: str, value: str) -> None:
    assert of_each("money_text", [text]) == [Decimal(value)]


digits = st.text("0123456789", min_size=1, max_size=26)
exponents = st.one_of(
    st.just(""), st.integers(-45, 30).map(lambda n: f"e{n}"), st.integers(0, 9).map(lambda n: f"E+0{n}")
)
numbers = st.builds(
    lambda sign, whole, point, fraction, exponent: sign + whole + point + (fraction if point else "") + exponent,
    *(
        st.sampled_from(["", "-", "+"]),
        st.text("0123456789", min_size=1, max_size=20),
        st.sampled_from(["", "."]),
        digits,
        exponents,
    ),
)


@given(st.lists(numbers, min_size=1, max_size=200))
def test_any_written_number_is_what_decimal_says(texts: list[str]) -> None:
    assert of_each("money_text", texts) == [stored(text) for text in texts]


def test_more_than_twenty_digits_before_the_point_are_none_whatever_the_exponent() -> None:
    assert of_each("money_text", ["100000000000000000000e-1", "1" * 30 + "e-20"]) == [None, None]


@given(st.lists(st.text("0123456789+-.eE_,x \tnaifNAIF", max_size=12), min_size=1, max_size=200))
def test_any_other_text_is_a_number_where_decimal_says_so(texts: list[str]) -> None:
    assert of_each("money_text", texts) == [stored(text) for text in texts]


floats = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1e5, 1e5),
    st.decimals(-99999, 99999, places=10, allow_nan=False).map(float),
    st.sampled_from([0.1 + 0.2, 5e-324, -0.0, 1e22, 1e5, 99999.99999999999, 1e-10, 5e-11, 2.2250738585072014e-308]),
)


@given(st.lists(floats, min_size=1, max_size=200))
def test_a_double_is_its_shortest_text(values: list[float]) -> None:
    assert of_each("money_double", values, "DOUBLE") == [stored(repr(value)) for value in values]


def test_not_a_number_and_infinity_are_no_money() -> None:
    assert of_each("money_double", [math.nan, math.inf, -math.inf], "DOUBLE") == [None, None, None]


@given(st.lists(numbers, min_size=1, max_size=100))
def test_a_text_that_rounding_moves_is_kept_as_text(texts: list[str]) -> None:
    kept = of_each("long_text", texts)
    moved = [text for text in texts if (value := stored(text)) is not None and value != Decimal(text)]
    assert set(moved) <= {text for text in kept if text is not None}


@given(st.lists(floats, min_size=1, max_size=100))
def test_a_double_that_rounding_moves_is_kept_as_text(values: list[float]) -> None:
    kept = of_each("long_double", values, "DOUBLE")
    for value, text in zip(values, kept, strict=True):
        kept_value = stored(repr(value))
        assert text is not None or kept_value is None or kept_value == Decimal(repr(value))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T00:00:00Z", "2026-03-01 00:00:00"),
        ("2026-03-01T00:00:00.000Z", "2026-03-01 00:00:00"),
        ("2026-03-01 00:00:00", "2026-03-01 00:00:00"),
        ("2026-03-01 00:00:00.000", "2026-03-01 00:00:00"),
        ("2026-03-01 10:20:30 UTC", "2026-03-01 10:20:30"),
        ("2026-03-01T00:00:00+02:00", "2026-02-28 22:00:00"),
        ("2026-03-01T00:00-0530", "2026-03-01 05:30:00"),
        ("2026-03-01T10:00+01", "2026-03-01 09:00:00"),
        ("2026-03-01 00:00:00+00:00", "2026-03-01 00:00:00"),
        ("2022-04-21T09:00Z", "2022-04-21 09:00:00"),
        ("2026-03-01", "2026-03-01 00:00:00"),
        ("2026-03-01T10:00:00.1234567Z", "2026-03-01 10:00:00.123456"),
    ],
)
def test_an_iso_time_is_utc(text: str, moment: str) -> None:
    assert of_each("utc_text", [text]) == [datetime.fromisoformat(moment)]


@pytest.mark.parametrize(
    "text",
    [
        *("9/2/2023", "09/21/2023", "4/1/25", "20260301", "2026-3-1", "2026-02-30", "2023-02-01T30:00:00Z", "tomorrow"),
        *("2026-03-01T10", "2026-03-01Z", "2026-03-01+02:00", "2026-03-01T10:00:60Z", "infinity", "epoch", "", "now"),
        *("0000-01-01", "9999-12-31T23:00:00-05:00", "-026-01-01T10:00:00", "2026-03-01T10:00:00+99:99"),
        *("2026-03-01  0:00:00", "2026-03-01T 1:00:00Z", "2026-03-01T01: 1:00Z", "2026-03-01T10:00:00+25:00"),
        *("2026-03-01T10:00:00 Europe/Berlin", "2026-03-01 BC", "1772323200"),
    ],
)
def test_what_is_no_iso_time_is_none(text: str) -> None:
    assert of_each("utc_text", [text]) == [None]


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    st.integers(-14 * 60 + 1, 14 * 60 - 1),
    st.sampled_from(["T", " "]),
    st.booleans(),
)
def test_any_offset_counts(moment: datetime, minutes: int, between: str, colon: bool) -> None:
    written = moment.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat(between)
    text = written if colon else written[:-3] + written[-2:]
    assert of_each("utc_text", [text]) == [datetime.fromisoformat(written).astimezone(UTC).replace(tzinfo=None)]


@given(st.lists(st.text("0123456789-:T Z.+", min_size=10, max_size=25), min_size=1, max_size=100))
def test_any_text_is_a_time_or_none_and_never_an_error(texts: list[str]) -> None:
    for text, found in zip(texts, of_each("utc_text", texts), strict=True):
        assert found is None or text.startswith(("1", "2"))


def test_every_month_starts_at_midnight_in_los_angeles() -> None:
    months = [datetime(year, month, 1) for year in range(2008, 2060) for month in range(1, 13)]
    zone = ZoneInfo("America/Los_Angeles")
    expected = [month.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None) for month in months]
    assert of_each("los_angeles_midnight", months, "TIMESTAMP") == expected


def test_a_plain_number_is_the_same_from_text_and_from_double() -> None:
    assert of_each("plain_number", ["0", "0.0", "10", "1.50"]) == ["0", "0", "10", "1.5"]
    assert of_each("plain_number", [0.0, 10.0, 1.5, None], "DOUBLE") == ["0", "10", "1.5", None]
