"""Budgets that a program makes by name: what they count, when there is room, who may, and what is refused."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import Actor, Budget, BudgetManager, BudgetTrackingService, CostEntry, DuckDBCostStore, UsageRecord
from pipeline.budgets import managed_table
from pipeline.config import default_settings
from pipeline.config.model import CurrencySettings
from pipeline.entries import CostCategory
from pipeline.errors import NotPermittedError, UsageError
from pipeline.store import publish
from pipeline.store.warehouse import Warehouse
from tests import empty

NOON = datetime(2026, 3, 22, 12)
ADA = Actor("ada", tenant="acme", permissions=frozenset(["budget:admin"]))
WRITER = replace(ADA, id="will", permissions=frozenset(["budget:write"]))
READER = replace(ADA, id="rea", permissions=frozenset(["budget:read"]))
BOB = replace(ADA, id="bob", tenant="bolt")
JOB = Actor("cron", "job", permissions=frozenset(["*"]))
FILE = """INSERT INTO budgets (budget_id, origin, scope_type, scope_key, name, amount, currency, period, priority, alerts,
    enabled, started_at) VALUES
    ('global', 'file', 'global', '', NULL, 1, 'USD', 'monthly', 0, '[]', true, TIMESTAMP '2026-03-01'),
    ('tag:team:ml', 'file', 'tag', 'team:ml', 'ML Team', 1, 'USD', 'monthly', 0, '[]', true, TIMESTAMP '2026-03-01')"""


def entry(amount: str, category: str = "compute", day: int = 22, currency: str = "USD", **tags: str) -> CostEntry:
    at = datetime(2026, 3, day, 9)
    return CostEntry(Decimal(amount), CostCategory(category), timestamp=at, tags=tags, currency=currency)


PAGE = Budget("page", "Page", Decimal(1), category=CostCategory.WEB, created_at=NOON)
#: By what each counts, in percent of 100.
_COUNTED: list[tuple[int, dict[str, Any]]] = [
    (94, {"enabled": False}),
    (94, {"period": "lifetime", "enabled": False}),
    (44, {"period": "weekly", "enabled": False}),
    (44, {"period": "rolling_24h", "enabled": False}),
    (0, {"origin": "billed", "enabled": False}),
    (90, {"category": CostCategory.COMPUTE}),
    (3, {"category": CostCategory.OTHER}),
    (0, {"category": CostCategory.LLM_INFERENCE}),
    (90, {"tags_filter": {"team": "ml"}}),
    (40, {"tags_filter": {"team": "ml", "env": "prod"}}),
    (0, {"tags_filter": {"team": "ml"}, "category": CostCategory.WEB}),
]
COUNTED = [
    Budget(f"{percent}_{number}", f"{percent} {number}", Decimal(100), created_at=NOON, **how)
    for number, (percent, how) in enumerate(_COUNTED)
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 of compute, of which acme has 40; ten times 0.1 of web; and what has no category of its own."""
    path = empty.put(tmp_path_factory.mktemp("manager") / "costs.duckdb")
    entries = [entry("50", day=2, team="ml"), entry("40", team="ml", env="prod", tenant="acme")]
    DuckDBCostStore(path).save_entries([*entries, *[entry("0.1", "web") for _ in range(10)], entry("3", "other")])
    with Warehouse.open(path) as warehouse:
        warehouse.execute(FILE)
        managed_table.write(warehouse, PAGE)
        publish.publish(warehouse, default_settings(path).publish.path)
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made.parent, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / made.name


@pytest.fixture
def manager(path: Path) -> BudgetManager:
    return BudgetManager(path)


def test_a_budget_counts_what_it_says_and_tells_thresholds_that_are_reached(manager: BudgetManager) -> None:
    with Warehouse.open(manager.settings.warehouse) as warehouse:
        for budget in COUNTED:
            managed_table.write(warehouse, budget)
    found = {budget.id: manager.get_utilization(budget, as_of=NOON) for budget in COUNTED}
    assert found == {budget.id: int(budget.id.split("_")[0]) / 100 for budget in COUNTED}
    told = manager.check_budgets(as_of=NOON)
    assert [(each.budget_id, each.threshold, each.utilization) for each in told] == [
        *[("90_5", 0.5, 0.9), ("90_5", 0.8, 0.9), ("90_8", 0.5, 0.9), ("90_8", 0.8, 0.9)],
        *[("page", 0.5, 1.0), ("page", 0.8, 1.0), ("page", 1.0, 1.0)],
    ]
    assert (told[0].severity, told[-1].severity, told[-1].budget) == ("warning", "critical", PAGE)
    assert told[-1].spend == told[-1].limit == 1
    assert manager.can_spend(10, "90_5", as_of=NOON)
    assert not manager.can_spend("10.000000000000000001", "90_5", as_of=NOON)
    assert manager.can_spend(1000, "94_0", as_of=NOON)


def test_ten_times_a_tenth_reaches_one(made: Path) -> None:
    manager = BudgetManager(made)
    assert [manager.can_spend(each, "page", as_of=NOON) for each in (0, "0.000000000000000001")] == [True, False]
    assert manager.get_utilization("page", as_of=NOON) == 1.0
    assert manager.get_utilization("page", as_of="2026-03-21") == 0.0


def test_what_is_recorded_counts_at_once(manager: BudgetManager, path: Path) -> None:
    manager.create("All of it", 100, as_of=NOON)
    call = UsageRecord("openai", "chat_completion", "gpt-4o", cost="5.5", time=NOON)
    BudgetTrackingService(path).record_many(JOB, [call, replace(call, time=datetime(2026, 2, 28))])
    assert manager.get_utilization("all_of_it", as_of=NOON) == 0.995
    DuckDBCostStore(path).save_entry(entry("0.5"))
    assert manager.get_utilization("all_of_it", as_of=NOON) == 1.0
    assert not manager.can_spend("0.01", as_of=NOON)
    assert manager.can_spend("0.01", as_of="2026-04-01")


def test_nothing_waits_for_who_writes_and_what_was_seen_stays_seen(manager: BudgetManager, path: Path) -> None:
    DuckDBCostStore(path).save_entry(entry("0.1", "web"))
    assert manager.get_utilization("page", as_of=NOON) == 1.1
    with Warehouse.open(path):
        assert manager.get_utilization("page", as_of=NOON) == 1.1
        assert BudgetManager(path).get_utilization("page", as_of=NOON) == 1.0


def test_without_an_id_every_enabled_budget_of_everything_must_have_room(manager: BudgetManager) -> None:
    assert manager.can_spend(1000, as_of=NOON)
    manager.create("Month", 100, as_of=NOON)
    manager.create("Day", 50, "daily", as_of=NOON)
    assert [manager.can_spend(each, as_of=NOON) for each in (6, "6.01")] == [True, False]


def test_an_unknown_id_is_a_yes_with_a_warning_and_a_store_that_is_not_there_is_an_error(
    made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert BudgetManager(made).can_spend(10, "nope")
    assert [(each.levelno, each.message) for each in caplog.records] == [
        (logging.WARNING, "can_spend: no budget has the id 'nope', so nothing limits it")
    ]
    with pytest.raises(UsageError, match="nothing is published yet"):
        BudgetManager(tmp_path / "none.duckdb").can_spend(10, "nope")


def test_money_without_a_rate_is_an_error_and_hides_no_other_alert(
    manager: BudgetManager, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    DuckDBCostStore(path).save_entry(entry("7", "audio", currency="EUR"))
    manager.create("All of it", 100, as_of=NOON)
    said = "budget all_of_it is in USD, and no rate converts 7 EUR of 2026-03 into it; give currency.rates"
    for ask in (manager.get_utilization, lambda each, **how: manager.can_spend(1, each, **how)):
        with pytest.raises(UsageError, match=said):
            ask("all_of_it", as_of=NOON)
    assert "page" in [each.budget_id for each in manager.check_budgets(as_of=NOON)]
    assert any(each.levelno == logging.WARNING and said in each.message for each in caplog.records)
    rates = CurrencySettings("USD", {"2026-03": {"EUR": Decimal("1.5")}})
    rated = BudgetManager(replace(manager.settings, currency=rates))
    assert rated.get_utilization("all_of_it", as_of=NOON) == 1.045


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"name": " "}, "the name is blank"),
        ({"name": "a:b"}, "the name has a colon"),
        ({"name": "a\nb"}, "the name is no line of text"),
        ({"amount": 0}, "amount 0 must be above 0"),
        ({"amount": "NaN"}, "amount: 'NaN' is no amount"),
        ({"period": "custom"}, "period 'custom' is none"),
        ({"period": "month"}, "period 'month' is none; did you mean 'monthly'"),
        ({"category": "computer"}, "category 'computer' is none; did you mean 'compute'"),
        ({"tags_filter": {"team": 1}}, "tags_filter {'team': 1} must be of text to text"),
        ({"alert_thresholds": [80]}, "80 is no ratio from 0 to 10; for 80 % write 0.8"),
        ({"alert_thresholds": ["-0.5"]}, "-0.5 is no ratio from 0 to 10"),
        ({"alert_thresholds": 0.8}, "alert_thresholds 0.8 is no list of ratios"),
        ({"currency": "usd"}, "currency 'usd' is no ISO 4217 code"),
        ({"origin": "both"}, "origin 'both' is none"),
        ({"amount": -1, "currency": "x"}, "write one such as USD; amount -1 must be above 0"),
        ({"name": "Global"}, "'Global' is a budget of the configuration file; change it in costmill.yaml"),
        ({"name": "ml team", "replace": True}, "'ml team' is a budget of the configuration file"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_budget_is_refused_with_all_that_is_wrong(made: Path, how: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        BudgetManager(made).create(**{"name": "Wrong", "amount": 1, **how})
    assert said in str(refused.value)


def test_an_id_that_exists_is_an_error_unless_it_is_to_be_replaced(manager: BudgetManager) -> None:
    first = manager.create("My Team", "12.5", alert_thresholds=[2, 0.07, 2.0], as_of=NOON)
    assert (first.id, first.budget_id, first.alert_thresholds) == ("my_team", "managed:my_team", (0.07, 2.0))
    with pytest.raises(UsageError, match=r"a budget 'my_team' is there already: 12.5 USD monthly; say replace=True"):
        manager.create("my team", 99)
    later = NOON.replace(hour=13)
    tags = {"team": "ml", "env": "it's"}
    second = manager.create("MY TEAM", 99, "weekly", "storage", tags, currency="EUR", replace=True, as_of=later)
    assert manager.get_budget("my_team") == manager.get_budget("managed:my_team") == second
    assert (second.created_at, second.updated_at, second.created_by) == (NOON, later, "operator")
    assert second.to_json_dict()["category"] == "storage"
    with pytest.raises(UsageError, match="no budget has the id 'my_teem'; did you mean 'my_team'"):
        manager.get_utilization("my_teem")


def test_tenants_have_budgets_of_their_own_and_see_no_others(path: Path) -> None:
    ada, bob, job = (BudgetManager(path, each) for each in (ADA, BOB, JOB))
    with Warehouse.open(path) as warehouse:
        for tenant in ("acme", "bolt", None):
            managed_table.write(warehouse, Budget("month", "Month", Decimal(40), tenant_id=tenant, created_at=NOON))
    assert [each.get_utilization("month", as_of=NOON) for each in (ada, bob, job)] == [1.0, 0.0, 2.35]
    assert [each.can_spend(1, as_of=NOON) for each in (ada, bob, job)] == [False, True, False]
    assert [each.budget_id for each in ada.list_budgets()] == ["managed:acme:month"]
    assert {each.budget.tenant_id for each in ada.check_budgets(as_of=NOON)} == {"acme"}
    assert [each.tenant_id for each in job.list_budgets() if each.id == "month"] == [None, "acme", "bolt"]
    assert job.get_utilization("managed:acme:month", as_of=NOON) == 1.0
    for whose in ("managed:month", "managed:bolt:month"):
        with pytest.raises(UsageError, match="no budget has the id"):
            ada.get_budget(whose)
    assert ada.can_spend(1000, "managed:bolt:month", as_of=NOON)


def test_every_operation_asks_for_its_word(made: Path) -> None:
    none = replace(ADA, permissions=frozenset())
    nobody, reader, writer = (BudgetManager(made, each) for each in (none, READER, WRITER))
    some = Budget("x", "x", Decimal(1))
    for act in (
        nobody.list_budgets,
        nobody.check_budgets,
        lambda: nobody.get_budget("x"),
        lambda: nobody.get_utilization(some),
        lambda: nobody.can_spend(1, "x"),
        reader.reset_period_alerts,
        lambda: reader.create("Mine", 1, category="web"),
        lambda: writer.create("All of it", 1),
    ):
        with pytest.raises(NotPermittedError):
            act()
