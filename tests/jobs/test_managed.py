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

from pipeline import (
    Actor,
    Budget,
    BudgetAlert,
    BudgetAlertService,
    BudgetManager,
    BudgetPolicyService,
    BudgetTrackingService,
    CostCategory,
    Policy,
    UsageRecord,
    jobs,
)
from pipeline.budgets import managed_table
from pipeline.config import Settings, default_settings, load_settings
from pipeline.errors import NotPermittedError, UsageError
from pipeline.jobs import RunResult
from pipeline.money import text
from pipeline.store import publish
from pipeline.store.warehouse import Warehouse
from tests.jobs.conftest import Say
from tests.jobs.nights import Charge, ask, environment, write_bill, write_config

NIGHT = datetime(2026, 3, 22, 23)
ADA = Actor("ada", tenant="acme", permissions=frozenset(["*"]))
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
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from pipeline import Actor, BudgetManager, BudgetTrackingService, UsageRecord
from pipeline.config import load_settings
settings, actor = load_settings(Path(sys.argv[1]), environ={}), Actor("cron", "job", permissions=frozenset(["*"]))
night = datetime(2026, 3, 22, 23)
"""
RECORD = """
call = UsageRecord("openai", "chat_completion", "gpt-4o", cost=5, time=night, attribution={"team": "ml"})
BudgetTrackingService(settings).record_many(actor, [call, replace(call, provider="Azure", cost=3)])
"""
ASK = """
manager = BudgetManager(settings, actor)
print(manager.get_utilization("all", as_of=night), manager.can_spend(30, "all", as_of=night), len(manager.check_budgets(as_of=night)))
"""


def settings(folder: Path) -> Settings:
    return load_settings(folder / "costmill.yaml", environ={})


def program(folder: Path, text: str) -> str:
    """What a process of its own prints."""
    arguments = [sys.executable, "-W", "error", "-c", PROGRAM + text, str(folder / "costmill.yaml")]
    return subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment()).stdout


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
    program(folder, RECORD)
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


def test_a_third_process_sees_what_one_recorded_and_another_judged(made: Made) -> None:
    assert program(made.folder, ASK) == "0.86 True 0\n"


def tell(folder: Path, usage: UsageRecord, actor: Actor = JOB) -> list[tuple[str, int, str, bool]]:
    found = BudgetAlertService(settings(folder)).check_thresholds(actor, usage, as_of=NIGHT)
    return [(each.budget_id, int(each.threshold), text(each.spend), each.is_crossed) for each in found]


def test_a_call_is_told_the_thresholds_that_it_reaches_recorded_or_not(folder: Path) -> None:
    service, tracking = BudgetPolicyService(settings(folder)), BudgetTrackingService(settings(folder))
    service.create_policy(JOB, Policy("GPT", 9, "model", "gpt-4o", "daily", id="gpt"), as_of=NIGHT)
    whole = [("managed:all", 50, "224", False), ("managed:all", 80, "224", False)]
    calls = [("managed:calls", 80, "17", False), ("managed:ml", 50, "224", False)]
    models = [
        ("managed:models", 50, "14", False),
        ("managed:models", 80, "14", True),
        ("managed:models", 100, "14", True),
    ]
    expected = [("policy:gpt", 80, "9", True), ("policy:gpt", 100, "9", True), *whole, *calls, *models]
    call = replace(CALL, cost=9)
    before = folder / "published" / "costs.duckdb"
    copy = before.resolve()
    assert tell(folder, call) == expected
    with Warehouse.open(settings(folder).warehouse):  # somebody writes
        assert tell(folder, call) == expected
    assert before.resolve() == copy
    kept = tracking.record_usage(JOB, call)
    assert tell(folder, kept) == expected
    jobs.run(settings(folder), as_of=NIGHT)
    counted = "SELECT current_spend FROM budget_status WHERE budget_id IN ('managed:all', 'managed:ml')"
    assert ask(settings(folder).publish.path, counted) == [(224,), (224,)]
    assert tell(folder, kept)[2:] == expected[2:]
    assert tell(folder, replace(CALL, cost=0, provider="Azure", operation="embedding"), ADA) == []
    with pytest.raises(NotPermittedError, match="ada may not ask for the tenant bolt"):
        tell(folder, replace(CALL, tenant="bolt"), ADA)


def test_an_evaluation_that_is_asked_for_is_the_watcher_s_and_tells_the_actor_s_alerts(folder: Path) -> None:
    with publish.changing(settings(folder)) as warehouse:
        for tenant in ("acme", None):
            budget = Budget("new", "New", Decimal(1), tenant_id=tenant, alert_thresholds=(1.0,), created_at=NIGHT)
            managed_table.write(warehouse, replace(budget, tags_filter={} if tenant is None else {"team": "none"}))
    service = BudgetAlertService(settings(folder))
    assert service.evaluate_alerts(ADA, as_of=NIGHT) == []
    [alert] = service.list_alerts(JOB, "managed:new")
    assert (alert.status, service.evaluate_alerts(JOB, as_of=NIGHT)) == ("open", [])
    manager = BudgetManager(settings(folder))
    manager.create("New", 2, replace=True, as_of=NIGHT)
    assert [(each.kind, each.budget_id) for each in service.evaluate_alerts(JOB, as_of=NIGHT)] == [
        ("fired", "managed:new")
    ] * 3
    commands = ask(settings(folder).publish.path, "SELECT command FROM runs ORDER BY started_at DESC LIMIT 1")
    assert commands == [("alerts watch",)]
    with pytest.raises(NotPermittedError, match="rea may not evaluate alerts"):
        service.evaluate_alerts(Actor("rea", permissions=frozenset(["budget:read"])))
    bare = BudgetAlertService(replace(default_settings(settings(folder).warehouse), publish=settings(folder).publish))
    with pytest.raises(UsageError, match="has budgets of a configuration file, such as global, and none was given"):
        bare.evaluate_alerts(JOB)
