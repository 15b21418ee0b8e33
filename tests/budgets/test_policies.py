"""Policies on a real warehouse: every rule, every refusal, two tenants, and what is kept and told of each change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.actors import Actor
from pipeline.budgets.events import Event, EventBus
from pipeline.budgets.policies import Policy, checked
from pipeline.budgets.policy_service import BudgetPolicyService
from pipeline.errors import CostmillError, NotPermittedError, UsageError
from pipeline.store import publish, schema
from pipeline.store.warehouse import Warehouse
from tests import empty

ADMIN = Actor("ada", tenant="acme", permissions=frozenset(["budget:admin"]))
ANN = replace(ADMIN, id="ann", permissions=frozenset(["budget:write"]))
READER = replace(ADMIN, id="rea", permissions=frozenset(["budget:read"]))
BOB = replace(ADMIN, id="bob", tenant="bolt")
JOB = Actor("cron", "job", permissions=frozenset(["budget:read"]))
NOON = datetime(2026, 3, 22, 12)
ML = Policy("ML", 500, "team", "ml", id="ml")
WHOLE = Policy("All of it", "1000", id="whole")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = empty.put(tmp_path_factory.mktemp("policies") / "costs.duckdb")
    service = BudgetPolicyService(path)
    service.create_policy(ADMIN, WHOLE, as_of=NOON)
    service.create_policy(ANN, ML, as_of=NOON)
    return path


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def service(made: Path, tmp_path: Path, told: list[Event]) -> BudgetPolicyService:
    """A warehouse of its own for each test: acme may spend 1000, its team ml 500 of that."""
    path = empty.put(tmp_path / "costs.duckdb", made)
    with Warehouse.open(path) as warehouse:
        publish.publish(warehouse, BudgetPolicyService(path).settings.publish.path)
    bus = EventBus()
    bus.subscribe(told.append)
    return BudgetPolicyService(path, bus=bus)


def names(service: BudgetPolicyService, actor: Actor = READER, *asked: Any, **more: Any) -> list[str]:
    return [policy.id for policy in service.list_policies(actor, *asked, **more)]


def test_a_policy_is_kept_as_it_was_given_with_who_and_when(service: BudgetPolicyService) -> None:
    given = Policy(
        " Ops ", "499.99", "provider", "Amazon Web Services", period="quarterly", currency="EUR", rollover=25,
        soft_limit_percent="62.5", hard_limit_action="degrade", priority=7, owner="kim", origin="billed",
        metadata={"ticket": 7},
    )  # fmt: skip
    made = service.create_policy(ANN, given, as_of=NOON)
    assert service.get_policy(READER, made.budget_id) == made
    assert (made.name, made.scope_id, made.limit, made.tenant_id) == ("Ops", "aws", Decimal("499.99"), "acme")
    assert (made.created_by, made.created_at, made.updated_at, len(made.id)) == ("ann", NOON, NOON, 12)
    assert made.to_json_dict()["soft_limit_percent"] == "62.5"


def test_a_change_is_kept_and_told_with_what_was_before_and_the_same_again_is_none(
    service: BudgetPolicyService, told: list[Event]
) -> None:
    later = NOON.replace(hour=13)
    changed = service.update_policy(ANN, "ml", {"limit": "600", "enabled": False}, as_of=later)
    assert (changed.limit, changed.enabled, changed.created_at, changed.updated_at) == (600, False, NOON, later)
    assert service.update_policy(ANN, "policy:ml", {"limit": 600}) == changed == service.get_policy(READER, "ml")
    with publish.opened(service.settings.publish.path) as copy:
        [row] = copy.rows("SELECT payload FROM budget_events WHERE event = 'budget.policy_updated'")
    assert json.loads(row[0]) == told[0].to_json_dict()
    assert [event.name for event in told] == ["budget.policy_updated"]
    assert told[0].to_json_dict()["before"] == {"limit": "500", "enabled": True}


def test_a_deleted_policy_is_gone_its_row_ends_and_its_id_is_never_given_again(
    service: BudgetPolicyService, told: list[Event]
) -> None:
    service.delete_policy(ANN, "ml", as_of=NOON)
    assert (names(service), [event.name for event in told]) == (["whole"], ["budget.policy_deleted"])
    with publish.opened(service.settings.publish.path) as copy:
        rows = copy.rows("SELECT ended_at, updated_by FROM budgets WHERE budget_id = 'policy:ml'")
    assert rows == [(NOON, "ann")]
    with pytest.raises(UsageError, match="'ml' is there already, or was once"):
        service.create_policy(ANN, ML)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "name is blank"),
        ({"limit": 0}, "limit 0 must be above 0"),
        ({"limit": "NaN"}, "limit: 'NaN' is no amount"),
        ({"soft_limit_percent": "100.1"}, "soft_limit_percent 100.1 must be from 0 to 100"),
        ({"rollover": -1}, "rollover -1 must be from 0 to 100"),
        ({"rollover": 5, "period": "lifetime"}, "rollover: the period lifetime has none before it"),
        ({"currency": "usd"}, "currency 'usd' is no ISO 4217 code"),
        ({"period": "custom"}, "period 'custom' is none"),
        ({"scope": "teem"}, "scope 'teem' is none; did you mean 'team'"),
        ({"scope_id": ""}, "scope team needs a scope_id"),
        ({"scope": "global"}, "scope global is of everything; leave scope_id out"),
        ({"hard_limit_action": "stop"}, "hard_limit_action 'stop' is none"),
        ({"priority": True}, "priority True is no number"),
        ({"metadata": {"a": object()}}, "metadata must be an object of what JSON can hold"),
        ({"priority": 10**9}, "priority 1000000000 must be from -1000000 to 1000000"),
        ({"metadata": []}, "metadata must be an object"),
        ({"id": "a:b"}, "has a colon"),
        ({"name": "", "limit": -1}, "name is blank; limit -1 must be above 0"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_policy_is_refused_with_all_that_is_wrong(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked(replace(ML, **wrong))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda s: s.create_policy(ANN, replace(ML, id="two")), "policy:ml (ML) is the monthly policy of team:ml already"),
        (lambda s: s.create_policy(ANN, Policy("Big", 1001, "user", "kim")), "user:kim may spend 1001 USD, which is above"),
        (lambda s: s.create_policy(ANN, Policy("Web", "500.01", "team", "web")), "of scope team come to 1000.01 USD"),
        (lambda s: s.create_policy(ANN, Policy("Euro", 1, "team", "web", currency="EUR")), "team:web is in EUR, and the"),
        (lambda s: s.update_policy(ADMIN, "whole", {"limit": 499}), "team:ml may spend 500 USD, which is above"),
        (lambda s: s.update_policy(ANN, "ml", {"limit": 1001}), "team:ml may spend 1001 USD"),
        (lambda s: s.update_policy(ANN, "ml", {"tenant_id": "bolt"}), "tenant_id cannot be changed: it stays as it is"),
        (lambda s: s.update_policy(ANN, "ml", {"limitt": 1}), "no such field; did you mean 'limit'"),
        (lambda s: s.get_policy(BOB, "ml"), "no policy has the id 'ml'"),
        (lambda s: s.update_policy(BOB, "ml", {"limit": 1}), "no policy has the id 'ml'"),
        (lambda s: s.delete_policy(BOB, "ml"), "no policy has the id 'ml'"),
        (lambda s: s.create_policy(BOB, replace(ML, tenant_id="acme")), "bob may not create a policy of the tenant acme"),
        (lambda s: s.create_policy(ANN, replace(WHOLE, period="daily", id="")), "may not create a global policy"),
        (lambda s: s.update_policy(ANN, "whole", {"limit": 2000}), "may not update a global policy: it needs budget:admin"),
        (lambda s: s.update_policy(ANN, "ml", {"scope": "global", "scope_id": ""}), "may not update a global policy"),
        (lambda s: s.delete_policy(ANN, "whole"), "may not delete a global policy"),
        (lambda s: s.create_policy(READER, replace(ML, id="")), "rea may not create a policy: it needs budget:write"),
        (lambda s: s.update_policy(READER, "ml", {}), "rea may not update a policy"),
        (lambda s: s.delete_policy(JOB, "ml"), "cron may not delete a policy"),
        (lambda s: s.get_policy(replace(ANN, permissions=frozenset()), "ml"), "ann may not show a policy"),
        (lambda s: s.list_policies(replace(ANN, permissions=frozenset())), "ann may not list policies"),
        (lambda s: s.list_policies(READER, "teem"), "'teem' is no scope of a policy; did you mean 'team'"),
        (lambda s: s.list_policies(READER, filters={"ownr": 1}), "policies cannot be chosen by 'ownr'"),
        (lambda s: s.list_policies(READER, limit=-1), "must be 0 or more"),
    ],
)  # fmt: skip
def test_what_does_not_fit_or_is_not_theirs_is_refused_and_changes_nothing(
    made: Path, act: Callable[[BudgetPolicyService], object], said: str
) -> None:
    service = BudgetPolicyService(made)
    with pytest.raises((UsageError, NotPermittedError)) as refused:
        act(service)
    assert said in str(refused.value)
    assert [policy.updated_at for policy in service.list_policies(JOB)] == [NOON, NOON]


def test_equal_limits_fit_and_other_periods_tenants_and_disabled_ones_are_apart(service: BudgetPolicyService) -> None:
    service.create_policy(ANN, Policy("Web", 500, "team", "web", id="web"))
    service.create_policy(ANN, Policy("Day", 5000, "team", "ml", period="daily", id="day"))
    service.create_policy(ANN, replace(ML, id="off", limit=9999, enabled=False))
    service.create_policy(BOB, replace(ML, id="bolt", limit=9999))
    with pytest.raises(UsageError, match="is the monthly policy of team:ml already"):
        service.update_policy(ANN, "off", {"enabled": True})
    service.update_policy(ADMIN, "whole", {"enabled": False})
    assert service.update_policy(ANN, "ml", {"limit": 9999}).limit == 9999
    with pytest.raises(UsageError, match="team:ml may spend 9999 USD, which is above the monthly global policy"):
        service.update_policy(ADMIN, "whole", {"enabled": True})


def test_policies_are_listed_for_who_may_see_them_in_order_and_by_page(service: BudgetPolicyService) -> None:
    service.create_policy(ANN, Policy("Kim", 1, "user", "kim", owner="kim", id="kim"))
    service.create_policy(ANN, Policy("Web", 1, "team", "web", priority=9, id="web"))
    service.create_policy(BOB, replace(ML, id="bolt"))
    assert names(service) == ["whole", "web", "ml", "kim"]
    assert (names(service, BOB), names(service, JOB)) == (["bolt"], ["whole", "web", "ml", "kim", "bolt"])
    assert names(service, READER, "team") == ["web", "ml"]
    assert names(service, JOB, "team:ml", {"tenant_id": "bolt"}) == ["bolt"]
    assert names(service, READER, filters={"owner": "kim"}) == ["kim"]
    assert names(service, READER, limit=2, offset=1) == ["web", "ml"]


def test_budgets_of_the_file_are_refused(service: BudgetPolicyService) -> None:
    with Warehouse.open(service.settings.warehouse) as warehouse:
        warehouse.execute("""INSERT INTO budgets (budget_id, origin, scope_type, scope_key, amount, currency, period,
            priority, alerts, enabled, started_at)
            VALUES ('global', 'file', 'global', '', 1, 'USD', 'monthly', 0, '[]', true, TIMESTAMP '2026-03-01')""")
    operator = Actor("op", permissions=frozenset(["*"]))
    with pytest.raises(UsageError, match=r"global is a budget of the configuration file and no policy; change it in"):
        service.update_policy(operator, "global", {"limit": 1})
    with pytest.raises(UsageError, match="no policy has the id 'global'"):
        service.delete_policy(ADMIN, "global")


def test_a_subscriber_that_fails_fails_no_change(service: BudgetPolicyService) -> None:
    def fail(_: Event) -> None:
        raise CostmillError("no")

    service._bus.subscribe(fail)
    service.delete_policy(ADMIN, "whole")
    assert names(service) == ["ml"]


def test_budgets_of_an_older_warehouse_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = schema.files()
    older = {name: text for name, text in now.items() if name < "0020"}
    monkeypatch.setattr(schema, "files", lambda: older)
    with Warehouse.open(tmp_path / "costs.duckdb") as warehouse:
        warehouse.execute("""INSERT INTO budgets (budget_id, origin, scope_type, scope_key, amount, currency, period,
            priority, alerts, enabled, started_at, rollover)
            VALUES ('global', 'file', 'global', '', 7, 'USD', 'monthly', 0, '[]', true, TIMESTAMP '2026-03-01', 25)""")
        before = warehouse.frame("SELECT * FROM budgets")
    monkeypatch.setattr(schema, "files", lambda: now)
    with Warehouse.open(tmp_path / "costs.duckdb") as warehouse:
        assert warehouse.frame(f"SELECT {', '.join(before.columns)} FROM budgets").equals(before)
