"""Clocks where windows end: midnight at a month's end, 29 February, the week that two years share.

A tenth a day in December 2026, a fifth in January 2027, 1 in February and 2 in March 2028.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline import asking
from pipeline.config import load_settings
from pipeline.money import text
from pipeline.periods import parse_as_of
from pipeline.store.warehouse import Warehouse
from tests.jobs.nights import Charge, write_config
from tests.scenarios.story import Company

DAYS = {"2026-12": "0.1", "2027-01": "0.2", "2028-02": "1", "2028-03": "2"}
ENDS, BEGINS = "23:59:59", "00:00:00"


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = Company(tmp_path_factory.mktemp("years"), tags={"report_keys": ["team"]})
    for period, cost in DAYS.items():
        company.deliver(period, Charge(cost=cost, days=31))
    company.night("2026-12-01", whole=False)
    return company


MONTHS_WEEKS_AND_SEVEN_DAYS = {
    "global": {"amount": 1},
    "providers": {"azure": {"amount": 1, "period": "weekly"}},
    "tags": [{"selector": "team:ml", "amount": 1, "period": "rolling_7d"}],
}
YEARS_DATES_AND_DAYS = {
    "global": {"amount": 1, "period": "yearly"},
    "providers": {"azure": {"amount": 1, "period": "custom", "starts": "2026-12-30", "ends": "2027-01-02"}},
    "tags": [{"selector": "team:ml", "amount": 1, "period": "daily"}],
}
QUARTERS_LEAP_DAY_AND_THIRTY_DAYS = {
    "global": {"amount": 1, "period": "quarterly"},
    "providers": {"azure": {"amount": 1, "period": "custom", "starts": "2028-02-29", "ends": "2028-03-01"}},
    "tags": [{"selector": "team:ml", "amount": 1, "period": "rolling_30d"}],
}


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        (
            MONTHS_WEEKS_AND_SEVEN_DAYS,
            {
                f"2026-12-27T{ENDS}": ["2026-12: 2.7", "2026-W52: 0.7", "7 days to 2026-12-27: 0.7"],
                f"2026-12-28T{BEGINS}": ["2026-12: 2.8", "2026-W53: 0.1", "7 days to 2026-12-28: 0.7"],
                f"2026-12-31T{ENDS}": ["2026-12: 3.1", "2026-W53: 0.4", "7 days to 2026-12-31: 0.7"],
                f"2027-01-01T{BEGINS}": ["2027-01: 0.2", "2026-W53: 0.6", "7 days to 2027-01-01: 0.8"],
                f"2027-01-03T{ENDS}": ["2027-01: 0.6", "2026-W53: 1", "7 days to 2027-01-03: 1"],
                f"2027-01-04T{BEGINS}": ["2027-01: 0.8", "2027-W01: 0.2", "7 days to 2027-01-04: 1.1"],
                f"2028-02-28T{ENDS}": ["2028-02: 28", "2028-W09: 1", "7 days to 2028-02-28: 7"],
                f"2028-02-29T{ENDS}": ["2028-02: 29", "2028-W09: 2", "7 days to 2028-02-29: 7"],
                f"2028-03-01T{BEGINS}": ["2028-03: 2", "2028-W09: 4", "7 days to 2028-03-01: 8"],
            },
        ),
        (
            YEARS_DATES_AND_DAYS,
            {
                f"2026-12-31T{ENDS}": ["2026: 3.1", "2026-12-30 to 2027-01-01: 0.2", "2026-12-31: 0.1"],
                f"2027-01-01T{BEGINS}": ["2027: 0.2", "2026-12-30 to 2027-01-01: 0.4", "2027-01-01: 0.2"],
            },
        ),
        (
            QUARTERS_LEAP_DAY_AND_THIRTY_DAYS,
            {
                f"2028-02-29T{BEGINS}": ["2028-Q1: 29", "2028-02-29: 1", "30 days to 2028-02-29: 29"],
                f"2028-03-01T{BEGINS}": ["2028-Q1: 31", "2028-02-29: None", "30 days to 2028-03-01: 31"],
            },
        ),
    ],
)
def test_the_second_decides_the_window_and_the_day_what_is_spent(
    years: Company, tmp_path: Path, budgets: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    settings = load_settings(write_config(tmp_path, cost={"budgets": budgets}), environ={})
    with Warehouse.open(years.settings.warehouse, read_only=True) as warehouse:
        found = {
            as_of: asking.ask_budgets(warehouse, settings, as_of[:7], as_of=parse_as_of(as_of)).statuses
            for as_of in expected
        }
    shown = {
        as_of: [
            f"{each.window_name}: {None if each.current_spend is None else text(each.current_spend)}"
            for each in statuses
        ]
        for as_of, statuses in found.items()
    }
    assert shown == expected


def test_ten_tenths_reach_one_and_nine_do_not(years: Company, tmp_path: Path) -> None:
    budget = {"global": {"amount": 1, "alerts": [{"threshold": 100}]}}
    company = years.copy(tmp_path)
    company.budget(budget)
    assert company.check("2026-12-09", "2026-12-10") == [[], ["fired global of 2026-12: actual 100 %, now 100 %"]]


def test_each_week_has_an_alert_of_its_own_and_the_year_s_turn_ends_none(years: Company, tmp_path: Path) -> None:
    company = years.copy(tmp_path)
    company.budget({"global": {"amount": 1, "period": "weekly", "alerts": [{"threshold": 80}]}})
    moments = [f"2026-12-31T{ENDS}", f"2027-01-01T{BEGINS}", "2027-01-02", f"2027-01-03T{ENDS}", f"2027-01-04T{BEGINS}"]
    week = "fired global of 2026-W53: actual 80 %, now 80 %"
    assert company.check(*moments) == [[], [], [week], [], []]
    assert company.check("2027-01-06", "2027-01-07") == [[], ["fired global of 2027-W01: actual 80 %, now 80 %"]]


def test_days_that_are_delivered_ahead_count_when_they_have_come(march: Company) -> None:
    march.budget({"global": {"amount": 300, "alerts": [{"threshold": 100}]}})
    told = march.check("2026-03-10", "2026-04-05", "2026-04-05")
    assert told == [[], ["fired global of 2026-03: actual 100 %, now 148.3 %"], []]
    assert march.limits() == {"2026-03-01": ("300", "445"), "2026-04-01": ("300", "0")}
    assert march.rows("SELECT stage FROM dirty WHERE stage IN ('budgets', 'later')") == []
