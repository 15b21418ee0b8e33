"""February is restated, and restated again: what it leaves to March moves, and March's alert with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.jobs.nights import Charge
from tests.scenarios.story import Company

pytestmark = pytest.mark.heavy  # `make soak` goes through whole nights

NIGHT = "2026-03-22"


def february(cost: str) -> Charge:
    return Charge(cost=cost, days=28)


def test_a_restated_month_moves_the_next_one_s_limit_and_its_alert_each_time(tmp_path: Path) -> None:
    half = {"amount": 300, "rollover": {"max_percent": 50}, "alerts": [{"threshold": 100}]}
    company = Company(tmp_path, {"global": half})
    company.deliver("2026-02", february("10"))
    assert company.night("2026-02-28") == []
    company.deliver("2026-03", Charge(cost="15.5"))

    # February left 20 of 300.
    assert company.night(NIGHT) == ["fired global of 2026-03: actual 100 %, now 101.7 %"]
    assert company.limits() == {"2026-02-01": ("300", "280"), "2026-03-01": ("320", "325.5")}

    # Restated lower, it leaves 34.
    company.deliver("2026-02", february("9.5"))
    reason = "the limit was 320; spend is 325.5 USD, 97.455090 % of 334"
    assert company.night(NIGHT) == [f"resolved global of 2026-03: actual 100 %, now 97.4 % ({reason})"]
    assert company.limits()["2026-03-01"] == ("334", "325.5")

    # Restated higher, it leaves nothing, and is over its own limit.
    company.deliver("2026-02", february("11"))
    assert sorted(company.night(NIGHT)) == [
        "fired global of 2026-02: actual 100 %, now 102.6 %",
        "reopened global of 2026-03: actual 100 %, now 108.5 %",
    ]
    assert company.limits() == {"2026-02-01": ("300", "308"), "2026-03-01": ("300", "325.5")}

    assert company.check(NIGHT) == [[]]
    [(occurrence, status, history)] = company.rows(
        "SELECT occurrence, status, history FROM budget_alerts WHERE x_BillingPeriod = '2026-03'"
    )
    assert (occurrence, status) == (1, "open")
    assert [entry["event"] for entry in json.loads(history)] == ["fired", "resolved", "reopened"]
