"""Which windows budgets have, and that each counts exactly its charges."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import periods
from pipeline.budgets import windows
from pipeline.budgets.evaluate import open_books, rate_warnings, status
from pipeline.config.budgets import ROLLING, PeriodName, ScopeBudget
from pipeline.periods import Window, describe
from pipeline.rules import Comparison, Operand
from tests.budgets.frames import AS_OF, budget, charge, daily, result

DAYS = st.dates(date(2023, 12, 20), date(2025, 1, 10))


@st.composite
def charges(draw: st.DrawFn) -> dict[str, Any]:
    """A charge of a day in a bill that is its month's or a neighbour's."""
    day = draw(DAYS)
    month = periods.label(day + timedelta(days=draw(st.sampled_from([0, 0, 0, -31, 31]))))
    return charge(draw(st.decimals(-(10**6), 10**6, places=4)), day, x_BillingPeriod=month)


@st.composite
def windowed(draw: st.DrawFn) -> ScopeBudget:
    """A budget of any period and dates."""
    period = draw(st.sampled_from(get_args(PeriodName)))
    by = draw(st.sampled_from(["billing", "charge"])) if period in ("monthly", "quarterly", "yearly") else "charge"
    starts, ends = sorted(draw(st.lists(DAYS, min_size=2, max_size=2, unique=True)))
    some = [starts, ends] if period == "custom" else [draw(st.sampled_from([each, None])) for each in (starts, ends)]
    return budget(period=period, period_by=by, starts=some[0], ends=some[1])


def belongs(row: dict[str, Any], own: ScopeBudget, window: Window) -> bool:
    """Said anew, in words of the specification."""
    at = datetime.combine(row["ChargeDay"], datetime.min.time())
    return (
        window.start <= (periods.month(row["x_BillingPeriod"]).start if own.period_by == "billing" else at) < window.end
    )


@settings(max_examples=60)
@given(st.lists(charges(), max_size=12), windowed(), DAYS)
def test_the_spend_of_any_window_is_the_plain_sum_of_its_charges(
    rows: list[dict[str, Any]], own: ScopeBudget, today: date
) -> None:
    as_of = datetime.combine(today, datetime.max.time())
    books, _ = open_books([own], daily(*rows), as_of=as_of, days={}, rates={})
    for moment in [as_of, *(datetime.combine(row["ChargeDay"], datetime.min.time()) for row in rows)]:
        window = windows.current(own, moment)
        if window is None or (own.period in ROLLING and moment != as_of):
            continue
        assert windows.span(own)[0] <= window.start < window.end
        counted = [row for row in rows if row["ChargeDay"] <= today and belongs(row, own, window)]
        assert books.spend(own, window).total == sum((row["BilledCost"] for row in counted), Decimal(0))


@pytest.mark.parametrize(
    ("period", "moment", "name", "start", "end"),
    [
        ("daily", datetime(2024, 2, 29, 23, 59, 59, 999999), "2024-02-29", "2024-02-29", "2024-03-01"),
        ("weekly", datetime(2021, 1, 3, 12), "2020-W53", "2020-12-28", "2021-01-04"),
        ("monthly", datetime(2024, 2, 29, 23, 59, 59), "2024-02", "2024-02-01", "2024-03-01"),
        ("quarterly", datetime(2026, 12, 31, 23, 59, 59), "2026-Q4", "2026-10-01", "2027-01-01"),
        ("yearly", datetime(2026, 1, 1), "2026", "2026-01-01", "2027-01-01"),
        ("rolling_24h", datetime(2024, 2, 29, 5), "1 day to 2024-02-29", "2024-02-29", "2024-03-01"),
        ("rolling_7d", datetime(2024, 3, 1, 5), "7 days to 2024-03-01", "2024-02-24", "2024-03-02"),
        ("rolling_30d", datetime(2024, 3, 1, 5), "30 days to 2024-03-01", "2024-02-01", "2024-03-02"),
        ("lifetime", datetime(2026, 3, 1), "lifetime", "1970-01-01", "9999-01-01"),
    ],
)
def test_the_window_of_a_moment(period: Any, moment: datetime, name: str, start: str, end: str) -> None:
    own = budget(period=period, period_by="charge")
    found = windows.current(own, moment)
    assert found == Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert windows.name_of(period, found) == name


def test_days_that_are_no_calendar_window_are_named_by_their_ends() -> None:
    assert describe(Window(datetime(2026, 3, 3), datetime(2026, 4, 2))) == "2026-03-03 to 2026-04-01"


def test_half_a_month_is_no_month_of_a_budget() -> None:
    own = budget(starts=date(2026, 3, 2), ends=date(2026, 5, 31))
    held = [windows.current(own, datetime(2026, month, 15)) for month in (3, 4, 5)]
    assert [window is not None for window in held] == [False, True, False]
    (status,) = result((own,), charge("90")).statuses
    assert (status.health, status.forecast_note, status.current_spend) == ("DISABLED", "counts from 2026-04-01", None)


def test_a_tag_budget_out_of_date_wins_nothing() -> None:
    later = budget("tag:team:ml", priority=9, starts=date(2026, 4, 1))
    found = result((budget(), later, budget("tag:team:*")), charge("10", tags={"team": "ml"}))
    assert [(each.budget_id, each.current_spend) for each in found.by_tag] == [
        ("tag:team:ml", None), ("tag:team:*", Decimal(10)),
    ]  # fmt: skip


def test_a_tie_with_a_budget_out_of_date_is_none() -> None:
    rows = (charge("10", tags={"team": "ml", "env": "prod"}),)
    early, now = budget("tag:env:prod", ends=date(2026, 3, 1)), budget("tag:team:ml")
    assert result((budget(), early, now), *rows).warnings == ()
    assert len(result((budget(), budget("tag:env:prod"), now), *rows).warnings) == 1


def test_a_week_over_two_bills_is_counted_once_and_forecast_by_its_days() -> None:
    rows = charge("7", date(2026, 3, 30)), charge("7", date(2026, 3, 31)), charge("9", date(2026, 3, 29))
    own = budget(period="weekly", period_by="charge")
    (status,) = result((own,), *rows, last=date(2026, 3, 31)).statuses
    assert (status.window_name, status.current_spend, status.forecasted_spend) == ("2026-W14", Decimal(14), Decimal(49))
    assert status.matched_resources is None


@pytest.mark.parametrize("period", ["rolling_7d", "lifetime"])
def test_what_has_no_end_has_no_forecast(period: Any) -> None:
    (status,) = result((budget(period=period, period_by="charge"),), charge("7", 31)).statuses
    assert (status.current_spend, status.forecasted_spend) == (Decimal(7), None)
    assert "has no forecast" in str(status.forecast_note)


def test_each_bill_of_a_window_is_converted_at_its_own_rate() -> None:
    own = budget(period="quarterly")
    rows = [
        charge("10", date(2026, month, 5), x_BillingPeriod=f"2026-0{month}", BillingCurrency="EUR") for month in (2, 3)
    ]
    rates = {"2026-02": {"EUR": Decimal("1.1")}, "2026-03": {"EUR": Decimal(2)}}
    window = windows.around(own, AS_OF)
    books, _ = open_books([own], daily(*rows), as_of=AS_OF, days={}, rates=rates)
    assert books.spend(own, window).total == 31
    without, _ = open_books([own], daily(*rows), as_of=AS_OF, days={}, rates={"2026-02": rates["2026-02"]})
    found = status(own, window, without, None)
    assert (found.health, found.without_rate) == ("UNSPECIFIED", (("2026-03", "EUR", Decimal(10)),))
    assert rate_warnings([found])[0].startswith("10 EUR of 2026-03 have no rate to USD: global is UNSPECIFIED")


def test_a_filter_sees_that_a_charge_says_no_currency() -> None:
    own = budget(filter=Comparison(Operand("column", "BillingCurrency"), "present"))
    (found,) = result((own,), charge("5"), charge("7", BillingCurrency=None)).statuses
    assert (found.current_spend, found.unconverted) == (Decimal(5), ())
