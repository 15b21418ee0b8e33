"""The linear forecast and its way there, day by day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.forecast import Forecast, daily_projection, linear, rounded
from pipeline.money import total
from pipeline.periods import month

MARCH = month("2026-03")
MONEY = st.decimals(-(10**9), 10**9, places=18, allow_nan=False, allow_infinity=False)
DAYS = st.dates(date(2026, 3, 1), date(2026, 3, 31))
BY_DAY = st.dictionaries(DAYS, MONEY, max_size=12)


def day(number: int) -> date:
    return date(2026, 3, number)


def forecast(usage: dict[date, Decimal], last: date | None, other: str = "0") -> Forecast:
    return linear(usage, Decimal(other), window=MARCH, last_complete_day=last)


def test_usage_goes_on_at_the_rate_of_its_complete_days() -> None:
    made = forecast({day(1): Decimal(10), day(2): Decimal(20)}, day(2))
    assert made == Forecast(Decimal(465), None, day(2), 2, 31)


def test_a_day_without_usage_is_a_complete_day_too() -> None:
    assert forecast({day(1): Decimal(10)}, day(10)).amount == Decimal(31)


def test_purchases_tax_and_credits_count_at_face_value() -> None:
    assert forecast({day(1): Decimal(10)}, day(1), other="1000.25").amount == Decimal("1310.25")


def test_without_a_complete_day_there_is_a_note_instead_of_a_number() -> None:
    note = "no complete day of usage in 2026-03 yet; a forecast needs one"
    assert forecast({day(1): Decimal(10)}, None) == Forecast(None, note, None, 0, 31)
    assert forecast({day(1): Decimal(10)}, date(2026, 2, 28)).note == note


def test_on_the_last_day_it_is_the_spend() -> None:
    assert forecast({day(3): Decimal("7.5")}, day(31), other="-2").amount == Decimal("5.5")


def test_a_month_that_is_over_forecasts_its_spend() -> None:
    made = forecast({day(3): Decimal("7.5")}, date(2026, 5, 9))
    assert (made.amount, made.through, made.elapsed_days) == (Decimal("7.5"), day(31), 31)


def test_usage_of_an_incomplete_day_makes_no_run_rate() -> None:
    assert forecast({day(1): Decimal(10), day(2): Decimal(3)}, day(1)).amount == Decimal(310)


def test_the_days_to_come_are_never_below_what_they_cost_already() -> None:
    assert forecast({day(1): Decimal(10), day(2): Decimal(900)}, day(1)).amount == Decimal(910)


def test_usage_that_the_bill_dates_outside_its_month_counts_at_face_value() -> None:
    usage = {date(2026, 2, 28): Decimal(5), day(1): Decimal(10), date(2026, 4, 1): Decimal(7)}
    assert forecast(usage, day(1)).amount == Decimal(322)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [("1", "10.333333333333333333"), ("0.000000000000000003", "0.000000000000000031"),
     ("0.000000000000000015", "0.000000000000000155")],
)  # fmt: skip
def test_the_amount_has_18_decimals(usage: str, expected: str) -> None:
    assert forecast({day(1): Decimal(usage)}, day(3)).amount == Decimal(expected)


def test_a_half_in_the_19th_decimal_goes_to_the_even_digit() -> None:
    # 31 / 2 = 15.5 and 93 / 2 = 46.5 units of the 18th decimal: both to the even neighbour.
    unit = Decimal("1E-18")
    assert forecast({day(1): unit}, day(2)).amount == 16 * unit
    assert forecast({day(1): 3 * unit}, day(2)).amount == 46 * unit


def test_a_rounded_zero_has_no_sign() -> None:
    assert not rounded(Decimal("-1E-19")).is_signed()


@given(BY_DAY, MONEY)
def test_a_whole_month_is_its_sum(usage: dict[date, Decimal], other: Decimal) -> None:
    made = linear(usage, other, window=MARCH, last_complete_day=day(31))
    assert made.amount == total((*usage.values(), other))


@given(BY_DAY, DAYS)
def test_usage_that_only_grows_is_never_forecast_below_the_spend(usage: dict[date, Decimal], last: date) -> None:
    positive = {on: abs(cost) for on, cost in usage.items()}
    amount = linear(positive, Decimal(0), window=MARCH, last_complete_day=last).amount
    assert amount is not None
    assert amount >= total(positive.values())


@given(BY_DAY, BY_DAY, DAYS)
def test_the_projection_ends_at_the_forecast(
    usage: dict[date, Decimal], other: dict[date, Decimal], last: date
) -> None:
    series = daily_projection(usage, other, window=MARCH, last_complete_day=last)
    made = linear(usage, total(other.values()), window=MARCH, last_complete_day=last)
    assert series[-1].projected == made.amount


@given(BY_DAY, DAYS)
def test_spend_ends_where_the_projection_begins(usage: dict[date, Decimal], last: date) -> None:
    series = daily_projection(usage, {}, window=MARCH, last_complete_day=last)
    meeting = [point.day for point in series if point.spend is not None and point.projected is not None]
    assert meeting == [last]
    assert series[last.day - 1].spend == series[last.day - 1].projected


def test_the_pace_spreads_the_limit_over_the_days() -> None:
    series = daily_projection({}, {}, window=MARCH, last_complete_day=None, limit=Decimal(310))
    assert [point.pace for point in series[:2]] == [Decimal(10), Decimal(20)]
    assert series[-1].pace == Decimal(310)


def test_without_a_complete_day_the_projection_has_a_pace_only() -> None:
    series = daily_projection({day(1): Decimal(5)}, {}, window=MARCH, last_complete_day=None, limit=Decimal(31))
    assert {(point.spend, point.projected) for point in series} == {(None, None)}


def test_charges_outside_the_month_count_on_its_nearest_day() -> None:
    outside = {MARCH.start.date() - timedelta(days=3): Decimal(2), MARCH.end.date(): Decimal(3)}
    series = daily_projection({}, outside, window=MARCH, last_complete_day=day(31))
    assert [series[number].spend for number in (0, 29, 30)] == [Decimal(2), Decimal(2), Decimal(5)]
