"""Windows of the calendar: half-open, UTC, weeks from Monday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import periods
from pipeline.errors import UsageError
from pipeline.periods import BudgetPeriod, Window

AS_OF = datetime(2026, 3, 22, 6, 7, 8, 9)
#: Before the calendar's first day, in UTC.
OUTSIDE = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("hourly", "2026-03-22T06:00", "2026-03-22T07:00"),
        ("daily", "2026-03-22", "2026-03-23"),
        ("weekly", "2026-03-16", "2026-03-23"),
        ("monthly", "2026-03-01", "2026-04-01"),
        ("quarterly", "2026-01-01", "2026-04-01"),
        ("yearly", "2026-01-01", "2027-01-01"),
    ],
)
def test_a_period_is_the_window_that_holds_the_moment(period: str, start: str, end: str) -> None:
    expected = Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert periods.window(BudgetPeriod(period), AS_OF) == expected


@pytest.mark.parametrize("month", range(1, 13))
def test_quarters_are_three_months_each(month: int) -> None:
    found = periods.window(BudgetPeriod.QUARTERLY, datetime(2024, month, 1))
    first = (month - 1) // 3 * 3 + 1
    assert (found.start, found.end.day) == (datetime(2024, first, 1), 1)
    assert (found.end.year - 2024) * 12 + found.end.month == first + 3


@given(st.sampled_from(BudgetPeriod), st.datetimes(datetime(1900, 1, 1), datetime(9990, 1, 1)))
def test_windows_meet_without_a_gap(period: BudgetPeriod, moment: datetime) -> None:
    window = periods.window(period, moment)
    assert moment in window
    assert periods.window(period, window.start) == window
    assert periods.window(period, window.end).start == window.end


@pytest.mark.parametrize("period", ["daily", "weekly", "monthly", "quarterly", "yearly"])
def test_the_calendars_end_has_no_window(period: str) -> None:
    with pytest.raises(UsageError):
        periods.window(BudgetPeriod(period), datetime(9999, 12, 31))


def test_months_quarters_and_years_go_by_billing_period() -> None:
    assert [period for period in BudgetPeriod if period.by_billing_period] == ["monthly", "quarterly", "yearly"]


def test_a_window_knows_its_days_and_what_it_holds() -> None:
    february = periods.month("2024-02")
    assert february.days == 29
    assert february.start in february
    assert february.end not in february
    assert "2024-02" not in february


@pytest.mark.parametrize("text", ["2026-13", "2026-3", "26-03", "2026-03-01", "", "٢٠٢٦-03", "0000-01", "9999-12"])
def test_what_is_no_billing_period_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no billing period"):
        periods.month(text)


def test_billing_periods_follow_each_other_over_the_year() -> None:
    assert (periods.previous("2026-01"), periods.following("2025-12")) == ("2025-12", "2026-01")
    assert periods.label(date(2026, 3, 31)) == "2026-03"


@pytest.mark.parametrize(
    ("given_", "moment"),
    [
        ("2026-03-22", datetime(2026, 3, 22, 23, 59, 59, 999999)),
        (date(2026, 3, 22), datetime(2026, 3, 22, 23, 59, 59, 999999)),
        ("2026-03-22T06:00:00Z", datetime(2026, 3, 22, 6)),
        ("2026-03-22T06:00+02:00", datetime(2026, 3, 22, 4)),
        (datetime(2026, 3, 22, 6), datetime(2026, 3, 22, 6)),
        (datetime(2026, 3, 22, 6, tzinfo=UTC), datetime(2026, 3, 22, 6)),
    ],
)
def test_as_of_is_a_day_or_a_moment(given_: str | date, moment: datetime) -> None:
    assert periods.parse_as_of(given_) == moment


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "", OUTSIDE.isoformat(), OUTSIDE])
def test_what_is_no_date_is_refused(text: str | datetime) -> None:
    with pytest.raises(UsageError, match="is no date"):
        periods.parse_as_of(text)


def test_times_are_naive_utc() -> None:
    assert periods.utc_now().tzinfo is None
    aware = datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=-5)))
    assert periods.to_utc(aware) == datetime(2026, 3, 1, 5)


def test_the_last_complete_day_is_the_one_before_usage_ends() -> None:
    assert periods.last_complete_day(datetime(2026, 3, 22)) == date(2026, 3, 21)
    assert periods.last_complete_day(datetime(2026, 3, 22, 6)) == date(2026, 3, 21)


@pytest.mark.parametrize(
    ("through", "moved_on", "day"),
    [
        (None, False, None),
        (datetime(2026, 3, 1, 5), False, None),
        (datetime(2026, 3, 2), False, date(2026, 3, 1)),
        (datetime(2026, 4, 9), False, date(2026, 3, 31)),
        (datetime(2026, 3, 20), True, date(2026, 3, 19)),
        (datetime(2026, 3, 31, 22), True, date(2026, 3, 31)),
        (datetime(2026, 3, 31, 22), False, date(2026, 3, 30)),
        (None, True, None),
    ],
    ids=[
        "no-usage",
        "part-of-a-day",
        "one-day",
        "beyond",
        "moved-on",
        "within-the-last",
        "goes-on",
        "moved-on-no-usage",
    ],
)
def test_the_complete_day_of_a_period_lies_within_it(
    through: datetime | None, moved_on: bool, day: date | None
) -> None:
    assert periods.complete_day("2026-03", through, moved_on=moved_on) == day


MONTHS = st.builds(lambda year, month: f"{year:04d}-{month:02d}", st.integers(2, 9000), st.integers(1, 12))


@pytest.mark.parametrize(
    ("period", "start", "year", "quarter"),
    [
        ("2026-03", 1, "FY2026 2026-01 2026-12", "FY2026-Q1 2026-01 2026-03"),
        ("2026-03", 4, "FY2026 2025-04 2026-03", "FY2026-Q4 2026-01 2026-03"),
        ("2026-04", 4, "FY2027 2026-04 2027-03", "FY2027-Q1 2026-04 2026-06"),
        ("2025-10", 10, "FY2026 2025-10 2026-09", "FY2026-Q1 2025-10 2025-12"),
        ("2026-01", 2, "FY2026 2025-02 2026-01", "FY2026-Q4 2025-11 2026-01"),
        ("2026-12", 12, "FY2027 2026-12 2027-11", "FY2027-Q1 2026-12 2027-02"),
    ],
)
def test_a_fiscal_year_is_named_by_the_year_in_which_it_ends(period: str, start: int, year: str, quarter: str) -> None:
    found = (periods.fiscal_year(period, start), periods.fiscal_quarter(period, start))
    assert [f"{each.label} {each.first} {each.last}" for each in found] == [year, quarter]


@given(MONTHS, st.integers(1, 12))
def test_each_month_is_in_exactly_one_fiscal_quarter_and_year(period: str, start: int) -> None:
    year = periods.fiscal_year(period, start)
    months = [year.first]
    while months[-1] != year.last:
        months.append(periods.following(months[-1]))
    assert (len(months), months.count(period), int(months[0][5:])) == (12, 1, start)
    assert {periods.fiscal_year(each, start) for each in months} == {year}
    quarters = [periods.fiscal_quarter(each, start) for each in months]
    assert [each.label for each in quarters] == [f"{year.label}-Q{n}" for n in (1, 2, 3, 4) for _ in range(3)]
    assert [(each.first, each.last) for each in quarters[::3]] == list(zip(months[::3], months[2::3], strict=True))


@given(MONTHS, st.integers(1, 12))
def test_fiscal_years_follow_one_another(period: str, start: int) -> None:
    year = periods.fiscal_year(period, start)
    assert periods.fiscal_year(periods.following(year.last), start).label == f"FY{int(year.label[2:]) + 1:04d}"


def test_a_fiscal_year_beyond_the_calendar_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match="leaves the calendar"):
        periods.fiscal_year("0001-01", 4)


class TestSpan:
    """What a report is of."""

    @pytest.mark.parametrize(
        ("text", "first", "last", "edition", "before"),
        [
            ("2026-03", "2026-03-01", "2026-03-31", "monthly", "2026-02"),
            ("2026-Q1", "2026-01-01", "2026-03-31", "quarterly", "2025-Q4"),
            ("2026", "2026-01-01", "2026-12-31", "yearly", "2025"),
            ("2026-W01", "2025-12-29", "2026-01-04", "weekly", "2025-W52"),
            ("2026-03-01", "2026-03-01", "2026-03-01", "daily", "2026-02-28"),
            ("2026-03-01..2026-03-15", "2026-03-01", "2026-03-15", "custom", "2026-02-14..2026-02-28"),
        ],
    )
    def test_it_is_read_as_people_write_it(self, text: str, first: str, last: str, edition: str, before: str) -> None:
        span = periods.parse_span(text)
        assert (span.label, str(span.start), str(span.last), span.edition) == (text, first, last, edition)
        assert span.previous.label == before

    @pytest.mark.parametrize("text", ["2026-W12", "2026-03-21", "2026-03-01..2026-03-15"])
    def test_days_of_the_calendar_go_by_charge_period(self, text: str) -> None:
        assert not periods.parse_span(text).by_billing_period

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("2026-13", "is no period; write a month"),
            ("2026-W54", "2026 has no week 54"),
            ("2026-02-30", "is no period"),
            ("2026-03-02..2026-03-01", "is before its first"),
            ("2026-Q5", "is no period"),
            ("9999", "leaves the calendar"),
            ("\u0662\u0660\u0662\u0666", "is no period"),
            ("..", "is no period"),
        ],
    )
    def test_what_is_none_says_what_would_be(self, text: str, words: str) -> None:
        with pytest.raises(UsageError, match=words):
            periods.parse_span(text)

    @given(st.sampled_from(["daily", "weekly", "monthly", "quarterly", "yearly"]), st.dates(date(1900, 1, 1)))
    def test_its_label_reads_back_and_spans_meet(self, edition: periods.Edition, day: date) -> None:
        if day.year < 9990:
            span = periods.span_of(edition, day)
            assert periods.parse_span(span.label) == span
            assert span.previous.end == span.start
