"""trend_summary: days, weeks and months of one bill, each beside the one before."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from pipeline.summaries import trend_summary
from pipeline.summaries.trend import days_covered
from tests.summaries.rows import cost, daily

END = date(2026, 3, 31)


def march(*rows: dict[str, Any], last: date | None = END, grain: str = "month") -> pl.DataFrame:
    trend = trend_summary(daily(*rows), period="2026-03", last_complete_day=last)
    return trend.filter(pl.col("grain") == grain).collect()


def test_each_grain_sums_to_the_bill() -> None:
    rows = [cost("2026-03-01", "1"), cost("2026-03-15", "2"), cost("2026-03-31", "4.5")]
    sums = [march(*rows, grain=grain)["BilledCost"].sum() for grain in ("day", "week", "month")]
    assert sums == [Decimal("7.5")] * 3


@pytest.mark.parametrize(("day", "bucket"), [("2026-02-11", date(2026, 3, 1)), ("2026-04-02", date(2026, 3, 31))])
def test_a_charge_dated_outside_the_month_counts_in_its_first_or_last_day(day: str, bucket: date) -> None:
    rows = march(cost(day, "100", x_BillingPeriod="2026-03"), grain="day").filter(pl.col("BilledCost") != 0)
    assert rows.select("bucket_start", "BilledCost").rows() == [(bucket, Decimal(100))]


def test_weeks_start_on_monday_and_end_with_the_month() -> None:
    weeks = march(cost("2026-03-01", "1"), grain="week").select("bucket_start", "bucket_end").rows()
    assert weeks[:2] == [(date(2026, 3, 1), date(2026, 3, 2)), (date(2026, 3, 2), date(2026, 3, 9))]
    assert weeks[-1] == (date(2026, 3, 30), date(2026, 4, 1))


def test_a_covered_day_without_charges_cost_nothing_and_one_not_reached_has_no_row() -> None:
    days = march(cost("2026-03-01", "1"), last=date(2026, 3, 3), grain="day")
    assert days["BilledCost"].to_list() == [Decimal(1), Decimal(0), Decimal(0)]


def test_a_day_after_the_last_complete_one_is_shown_but_not_compared() -> None:
    days = march(cost("2026-03-01", "10"), cost("2026-03-02", "3"), last=date(2026, 3, 1), grain="day")
    found = days.select("BilledCost", "days_covered", "covered_BilledCost", "daily_change_percent").row(1)
    assert found == (Decimal(3), 0, Decimal(0), None)


def test_the_first_day_and_week_follow_the_last_ones_of_the_month_before() -> None:
    rows = [cost("2026-02-28", "7"), cost("2026-02-23", "5"), cost("2026-03-01", "14")]
    (day,) = march(*rows, grain="day").head(1).select("previous_BilledCost", "previous_days").rows()
    (week,) = march(*rows, grain="week").head(1).select("previous_BilledCost", "previous_days").rows()
    assert (day, week) == ((Decimal(7), 1), (Decimal(12), 6))


def test_the_month_is_compared_by_day() -> None:
    row = march(cost("2026-02-10", "280"), cost("2026-03-10", "341")).row(0, named=True)
    assert (row["previous_BilledCost"], row["previous_days"], row["days_covered"]) == (Decimal(280), 28, 31)
    assert row["daily_change_percent"] == Decimal(10)


def test_a_running_month_compares_only_its_covered_days() -> None:
    rows = [cost("2026-02-10", "280"), cost("2026-03-05", "120"), cost("2026-03-11", "99")]
    row = march(*rows, last=date(2026, 3, 10)).row(0, named=True)
    assert (row["BilledCost"], row["covered_BilledCost"], row["days_covered"]) == (Decimal(219), Decimal(120), 10)
    assert row["daily_change_percent"] == Decimal(20)


def test_without_a_month_before_nothing_is_compared() -> None:
    names = ("previous_BilledCost", "previous_days", "daily_change_percent")
    assert march(cost("2026-03-10", "1")).select(names).row(0) == (None, None, None)


def test_another_currencys_month_before_is_not_compared() -> None:
    rows = march(cost("2026-02-10", "1", BillingCurrency="EUR"), cost("2026-03-10", "1"))
    assert rows.select("BillingCurrency", "previous_BilledCost").rows() == [("USD", None)]


def test_charges_of_no_currency_are_compared_with_each_other() -> None:
    rows = march(cost("2026-02-10", "28", BillingCurrency=None), cost("2026-03-10", "31", BillingCurrency=None))
    assert rows.select("BillingCurrency", "daily_change_percent").rows() == [(None, Decimal(0))]


@pytest.mark.parametrize("before", ["0", "0.000000000000000001"])
def test_no_change_is_told_from_nothing_or_a_residue(before: str) -> None:
    assert march(cost("2026-02-10", before), cost("2026-03-10", "5000"))["daily_change_percent"].to_list() == [None]


def test_a_bill_that_rises_out_of_credits_goes_up() -> None:
    assert march(cost("2026-02-10", "-28"), cost("2026-03-10", "31"))["daily_change_percent"].item() == Decimal(200)


def test_a_bill_without_a_complete_day_has_its_charges_only() -> None:
    days = march(cost("2026-03-02", "1"), cost("2026-02-02", "1"), last=None, grain="day")
    assert days.select("bucket_start", "days_covered").rows() == [(date(2026, 3, 2), 0)]


def test_other_billing_periods_and_recorded_calls_are_left_aside() -> None:
    rows = march(cost("2026-01-10", "1"), cost("2026-04-10", "1"), cost("2026-03-10", "1", x_Origin="recorded"))
    assert rows.is_empty()


def test_january_follows_december() -> None:
    trend = trend_summary(
        daily(cost("2025-12-31", "4"), cost("2026-01-01", "5")), period="2026-01", last_complete_day=date(2026, 1, 1)
    )
    assert trend.collect()["daily_change_percent"].to_list()[0] == Decimal(25)


@pytest.mark.parametrize(
    ("last", "days"),
    [(None, 0), (date(2026, 2, 28), 0), (date(2026, 3, 1), 1), (date(2026, 3, 30), 30), (date(2026, 4, 9), 31)],
)
def test_days_covered_end_with_the_data_or_the_month(last: date | None, days: int) -> None:
    assert days_covered("2026-03", last) == days
