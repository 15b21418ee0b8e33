"""Alerts as the month goes on and as people change the limit meanwhile: each is written once and told once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from pipeline import Actor, BudgetPolicyService, Policy
from tests.scenarios.story import Company

JOB = Actor("cron", "job", permissions=frozenset(["*"]))
CREATED = datetime(2026, 3, 1)
ROWS = "SELECT CAST(threshold AS INTEGER), occurrence, status FROM budget_alerts ORDER BY ALL"


def test_a_forecast_that_falls_and_rises_is_a_new_occurrence_each_time(march: Company) -> None:
    march.budget({"global": {"amount": 310, "alerts": [{"threshold": 100, "type": "forecasted"}]}})
    told = march.check("2026-03-05", "2026-03-10", "2026-03-16", "2026-03-24", "2026-03-25")
    fell = "forecast fell to 215.0625 USD, 69.375000 % of 310"
    assert told == [
        ["fired global of 2026-03: forecasted 100 %, now 200 %"],  # 100 in 5 days
        [],  # 105 in 10 days are still 325.5 in 31
        [f"resolved global of 2026-03: forecasted 100 %, now 69.3 % ({fell})"],
        [],
        ["fired global of 2026-03: forecasted 100 %, now 106 %"],
    ]
    assert march.rows(ROWS) == [(100, 1, "resolved"), (100, 2, "open")]


def test_a_jump_over_several_thresholds_writes_and_tells_each_once(march: Company) -> None:
    march.budget({"global": {"amount": 100, "alerts": [{"threshold": each} for each in (30, 50, 80, 100, 125)]}})
    told = march.check("2026-03-02", "2026-03-05", "2026-03-06")
    assert told == [
        ["fired global of 2026-03: actual 30 %, now 40 %"],
        [f"fired global of 2026-03: actual {each} %, now 100 %" for each in (50, 80, 100)],
        [],
    ]
    assert march.rows(ROWS) == [(each, 1, "open") for each in (30, 50, 80, 100)]
    kept = march.rows("SELECT count(*) FROM budget_events WHERE event = 'budget.alert_triggered'")
    assert kept == [(4,)]


class InTheFile:
    """The limit as a budget of the file, which people edit."""

    budget_id = "global"

    def __init__(self, company: Company) -> None:
        self._company, self._amount = company, 0
        self.limit(100)

    def limit(self, amount: int) -> None:
        self._amount = amount
        self.enable(True)

    def enable(self, enabled: bool) -> None:
        amount = self._amount if enabled else 0
        self._company.budget({"global": {"amount": amount, "alerts": [{"threshold": each} for each in (80, 100)]}})


class AsPolicy:
    """The limit as a policy, which programs change."""

    budget_id = "policy:cap"

    def __init__(self, company: Company) -> None:
        self._service = BudgetPolicyService(company.settings)
        self._service.create_policy(JOB, Policy("Cap", 100, id="cap"), as_of=CREATED)

    def limit(self, amount: int) -> None:
        self._update(limit=amount)

    def enable(self, enabled: bool) -> None:
        self._update(enabled=enabled)

    def _update(self, **updates: Any) -> None:
        self._service.update_policy(JOB, "cap", updates, as_of=CREATED)


@pytest.mark.parametrize("door", [InTheFile, AsPolicy])
def test_a_limit_changed_in_mid_period_moves_its_alerts_and_fires_nothing_twice(
    march: Company, door: Callable[[Company], InTheFile | AsPolicy]
) -> None:
    cap = door(march)
    actual = f"{cap.budget_id} of 2026-03: actual"
    assert march.check("2026-03-05") == [[f"fired {actual} 80 %, now 100 %", f"fired {actual} 100 %, now 100 %"]]

    cap.limit(110)
    reason = "the limit was 100; spend is 100 USD, 90.909091 % of 110"
    assert march.check("2026-03-05") == [[f"resolved {actual} 100 %, now 90.9 % ({reason})"]]
    cap.limit(90)
    assert march.check("2026-03-05") == [[f"reopened {actual} 100 %, now 111.1 %"]]

    # Switched off nothing is judged: alerts stay as they are.
    cap.enable(False)
    assert march.check("2026-03-25") == [[]]
    cap.enable(True)
    assert march.check("2026-03-25") == [[]]
    cap.limit(1000)
    assert [line.split(" %")[0] for line in march.check("2026-03-05")[0]] == [
        f"resolved {actual} {threshold}" for threshold in (80, 100)
    ]

    rows = march.rows("SELECT occurrence, history FROM budget_alerts")
    assert [occurrence for occurrence, _ in rows] == [1, 1]
    assert all(Counter(each["event"] for each in json.loads(history))["fired"] == 1 for _, history in rows)
    told = march.rows("SELECT count(*) FROM budget_events WHERE event = 'budget.alert_triggered'")
    assert told == [(3,)]
