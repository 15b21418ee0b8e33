"""Budgets of all windows over nights: what a load touches is judged anew, and reports say which window they show."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.conftest import Say
from tests.jobs.nights import UNTOUCHED, Charge, ask, dump, first_night, write_bill, write_config

PROVIDERS = {
    "azure": {"amount": 100, "period": "weekly", "alerts": [{"threshold": 100}]},
    "gcp": {"amount": 100, "period": "daily"},
}
TAGS = [
    {"selector": "team:ml", "amount": 1000, "period": "quarterly", "alerts": [{"threshold": 10}]},
    {"selector": "team:web", "amount": 10, "priority": 1, "starts": "2026-04-01"},
]
COST = {"budgets": {"global": {"amount": 1000, "period": "rolling_7d"}, "providers": PROVIDERS, "tags": TAGS}}
ROWS = "SELECT budget_id, period_start, current_spend, health FROM budget_status WHERE budget_id {} ORDER BY ALL"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """February and March, not run yet."""
    write_bill(tmp_path / "exports" / "february.csv", [Charge(days=28)], period="2026-02", at="2026-03-01T04:00:00")
    write_bill(tmp_path / "exports" / "march.csv", at="2026-03-22T04:00:00")
    return write_config(tmp_path, cost=COST)


def test_windows_over_nights(config: Path, tmp_path: Path, say: Say) -> None:
    published = tmp_path / "published" / "costs.duckdb"

    def rows(which: str) -> list[tuple[Any, ...]]:
        return ask(published, ROWS.format(which))

    told = first_night(config).stderr
    # What ended before the first load is written and not told; the running week and quarter are.
    assert told == "costmill: alert fired: tag:team:ml of 2026-Q1: actual 10 %, now 49 % (info)\n"
    weeks = {start: spend for _, start, spend, _ in rows("= 'provider:azure'")}
    assert weeks[datetime(2026, 2, 23)] == 70  # a week in two bills
    assert weeks[datetime(2026, 1, 26)] == 10
    assert max(weeks) == datetime(2026, 3, 16)
    assert rows("= 'tag:team:ml'") == [("tag:team:ml", datetime(2026, 1, 1), Decimal(490), "OK")]
    assert rows("= 'global'") == [("global", datetime(2026, 3, 16), Decimal(60), "OK")]
    assert rows("= 'tag:team:web'") == []
    report = (tmp_path / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")
    assert "| Global; 7 days to 2026-03-22 |" in report
    assert "| Tag; 2026-Q1 |" in report
    assert "2026-Q1" not in (tmp_path / "reports" / "2026-02" / "report.md").read_text(encoding="utf-8")

    before = dump(tmp_path / "warehouse" / "costs.duckdb", UNTOUCHED)
    assert say("run", "--config", config).stderr == ""
    assert dump(tmp_path / "warehouse" / "costs.duckdb", UNTOUCHED) == before

    write_bill(
        tmp_path / "exports" / "february.csv", [Charge(cost="20", days=28)], period="2026-02", at="2026-03-22T05:00:00"
    )
    say("run", "--config", config)
    weeks = {start: spend for _, start, spend, _ in rows("= 'provider:azure'")}
    assert (weeks[datetime(2026, 2, 23)], weeks[datetime(2026, 3, 2)]) == (130, 70)
    assert ask(
        published, "SELECT period_start, status FROM budget_alerts WHERE budget_id = 'provider:azure' ORDER BY 1"
    )[-1] == (datetime(2026, 2, 23), "suppressed")

    say("run", "--config", config, "--as-of", "2026-03-23")
    assert rows("= 'global'") == [("global", datetime(2026, 3, 17), Decimal(50), "OK")]


def test_a_budget_is_asked_for_the_window_that_holds_the_end_of_a_month(config: Path, say: Say) -> None:
    first_night(config)
    told = json.loads(say("budgets", "--config", config, "--period", "2026-02", "--format", "json").stdout)
    shown = {each["budget"]["budget_id"]: (each["window"], each["current_spend"]) for each in told["by_provider"]}
    assert shown == {"provider:azure": ("2026-W09", "70"), "provider:gcp": ("2026-02-28", "0")}
    assert (told["global"]["window"], told["global"]["current_spend"]) == ("7 days to 2026-02-28", "70")
    assert [each["health"] for each in told["by_tag"]] == ["DISABLED", "OK"]
