"""A night counts the budgets that programs made: recorded in one process, judged in another, asked for in a third."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import Actor, Budget, BudgetAlert, BudgetManager, BudgetTrackingService, CostCategory, UsageRecord, jobs
from pipeline.budgets import managed_table
from pipeline.config import Settings, load_settings
from pipeline.jobs import RunResult
from pipeline.store import publish
from tests.jobs.conftest import Say
from tests.jobs.nights import Charge, ask, environment, write_bill, write_config

NIGHT = datetime(2026, 3, 22, 23)
JOB = Actor("cron", "job", permissions=frozenset(["*"]))
CALL = UsageRecord("openai", "chat_completion", "gpt-4o", cost=5, time=NIGHT, attribution={"team": "ml"})
FILE = {"budgets": {"global": {"amount": 1000}, "exit_on_threshold": True}}
#: What each budget counts of 21 days at 10 (team ml) that azure bills, a call of 5 to openai, and one of 3 to azure.
BUDGETS: dict[str, tuple[dict[str, Any], str]] = {
    "All": ({"amount": Decimal(250)}, "215"),
    "ML": ({"amount": Decimal(430), "tags_filter": {"team": "ml"}}, "215"),
    "Models": ({"amount": Decimal(10), "category": CostCategory.LLM_INFERENCE, "period": "weekly"}, "5"),
    "Calls": ({"amount": Decimal(10), "origin": "recorded", "period": "daily", "alert_thresholds": (0.8,)}, "8"),
    "Machines": ({"amount": Decimal(10), "category": CostCategory.COMPUTE, "period": "hourly", "enabled": False}, "0"),
}
PROGRAM = """
import sys
from datetime import datetime
from pathlib import Path
from pipeline import Actor, BudgetManager, BudgetTrackingService, UsageRecord
from pipeline.config import load_settings
settings, actor = load_settings(Path(sys.argv[1]), environ={}), Actor("cron", "job", permissions=frozenset(["*"]))
night = datetime(2026, 3, 22, 23)
"""
RECORD = """
call = UsageRecord("openai", "chat_completion", "gpt-4o", cost=5, time=night, attribution={"team": "ml"})
BudgetTrackingService(settings).record_usage(actor, call)
"""
ASK = """
manager = BudgetManager(settings, actor)
print(manager.get_utilization("all", as_of=night), manager.can_spend(30, "all", as_of=night), len(manager.check_budgets(as_of=night)))
"""


def settings(folder: Path) -> Settings:
    return load_settings(folder / "costmill.yaml", environ={})


def utilizations(manager: BudgetManager) -> dict[str, float]:
    return {each.name: manager.get_utilization(each, as_of=NIGHT) for each in manager.list_budgets()}


@dataclass(frozen=True)
class Made:
    """A night, budgets made and calls recorded after it, what was asked then, and the next night."""

    folder: Path
    before: dict[str, float]
    expected: list[BudgetAlert]
    result: RunResult


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("managed")
    write_bill(folder / "exports" / "march.csv", [Charge()])
    own = load_settings(write_config(folder, cost=FILE), environ={})
    jobs.run(own, as_of=NIGHT)
    manager = BudgetManager(own)
    with publish.changing(own) as warehouse:
        for name, how in BUDGETS.items():
            budget = Budget(name.lower(), name, created_at=NIGHT, **how[0])
            managed_table.write(warehouse, budget)
    BudgetTrackingService(own).record_many(JOB, [CALL, replace(CALL, provider="Azure", cost=3)])
    before, expected = utilizations(manager), manager.check_budgets(as_of=NIGHT)
    return Made(folder, before, expected, jobs.run(own, as_of=NIGHT))


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> Path:
    shutil.copytree(made.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path


def test_what_is_asked_before_a_night_and_after_it_is_what_the_night_counts(made: Made, say: Say) -> None:
    manager = BudgetManager(settings(made.folder))
    assert made.before == {name: float(spend) / float(how["amount"]) for name, (how, spend) in BUDGETS.items()}
    fired = [(each.budget_id, float(each.threshold / 100)) for each in made.result.alerts]
    assert fired == [(each.budget.budget_id, each.threshold) for each in made.expected]
    assert {each.budget_id for each in made.expected} == {"all", "ml", "models", "calls"}
    assert (utilizations(manager), manager.check_budgets(as_of=NIGHT)) == (made.before, [])
    told = json.loads(say("budgets", "--format", "json", "--config", made.folder / "costmill.yaml").stdout)
    found = {each["budget"]["name"]: each["current_spend"] for each in told["managed"]}
    assert found == {name: spend if name != "Machines" else None for name, (_, spend) in BUDGETS.items()}
    assert (told["global"]["current_spend"], told["critical_scopes"]) == ("210", [])


def test_they_set_no_exit_code_stand_in_no_report_and_stay_when_the_file_changes(folder: Path) -> None:
    manager = BudgetManager(settings(folder))
    manager.create("Passed", 1, as_of=NIGHT)
    write_config(folder, cost={"budgets": {}})
    result = jobs.run(settings(folder), as_of=NIGHT)
    assert (result.exit_code, {each.budget_id for each in result.alerts}) == (0, {"managed:passed"})
    assert len(manager.list_budgets()) == len(BUDGETS) + 1
    assert ask(settings(folder).publish.path, "SELECT budget_id FROM budgets WHERE ended_at IS NOT NULL") == [
        ("global",)
    ]
    [report] = (folder / "reports").rglob("*.md")
    assert "managed:" not in report.read_text(encoding="utf-8")


def test_a_reset_and_a_replacement_let_thresholds_fire_anew_once(folder: Path) -> None:
    manager = BudgetManager(settings(folder))

    def fired() -> list[str]:
        result = jobs.run(settings(folder), as_of=NIGHT)
        return sorted({each.budget_id for each in result.alerts})

    manager.create("ML", 430, tags_filter={"team": "ml"}, replace=True, as_of=NIGHT)
    assert [each.budget_id for each in manager.check_budgets(as_of=NIGHT)] == ["ml"]
    assert fired() == ["managed:ml"]
    assert manager.reset_period_alerts(as_of="2026-04-01") == 0
    assert [manager.reset_period_alerts(as_of=NIGHT) for _ in range(2)] == [5, 0]
    manager.create("All", 10_000, replace=True, as_of=NIGHT)
    assert (fired(), fired()) == (["managed:calls", "managed:ml", "managed:models"], [])
    with publish.opened(settings(folder).publish.path) as copy:
        rows = copy.rows(
            "SELECT occurrence, status, reason FROM budget_alerts WHERE budget_id = 'managed:ml' ORDER BY 1"
        )
    assert rows == [
        (1, "resolved", "operator replaced the budget"),
        (2, "resolved", "operator reset the alerts of the period"),
        (3, "open", None),
    ]


def test_usage_of_one_process_is_judged_by_another_and_seen_by_a_third(folder: Path) -> None:
    def program(text: str) -> str:
        arguments = [sys.executable, "-W", "error", "-c", PROGRAM + text, str(folder / "costmill.yaml")]
        return subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment()).stdout

    program(RECORD)
    jobs.run(settings(folder), as_of=NIGHT)
    assert program(ASK) == "0.88 True 0\n"
