"""A night counts policies: each on its own, for its tenant, billed or recorded, and the file's budgets stay as they are."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import (
    Actor,
    AlertConfig,
    BudgetAlertService,
    BudgetPolicyService,
    BudgetTrackingService,
    Policy,
    UsageRecord,
    asking,
    jobs,
)
from pipeline.budgets.events import Event, EventBus
from pipeline.cli import check
from pipeline.config import Settings, load_settings
from pipeline.errors import NotPermittedError, UsageError
from pipeline.night.result import RunResult
from pipeline.store import publish
from tests.jobs.conftest import Say
from tests.jobs.nights import Charge, write_bill, write_config

NIGHT = datetime(2026, 3, 22, 23)
JOB = Actor("cron", "job", permissions=frozenset(["*"]))
ACME = Actor("ada", tenant="acme", permissions=frozenset(["*"]))
BOLT = replace(ACME, tenant="bolt")
FILE = {"budgets": {"global": {"amount": 1000}}}
#: The tag tenant says whose a charge is.
RULE = {"value_from": {"tag": "tenant"}, "when": {"tag": "tenant", "present": True}}
TAGS = {"virtual": [{"key": "x_TenantId", "rules": [RULE]}]}
#: By id: what each limits, and what it counts of 21 days at 10 (acme, ml) and 21 at 1 (bolt, ml), and of calls: 5
#: by acme, and 3 by bolt that azure bills.
POLICIES = {
    "all": (Policy("All", 1000), "236"),
    "acme": (Policy("Acme", 250, tenant_id="acme"), "215"),
    "acme-ml": (Policy("ML", 250, "team", "ml", tenant_id="acme"), "215"),
    "acme-billed": (Policy("Billed", 200, "service", "Virtual Machines", tenant_id="acme", origin="billed"), "210"),
    "acme-recorded": (Policy("Calls", 10, "team", "ml", "weekly", tenant_id="acme", origin="recorded"), "5"),
    "acme-model": (Policy("Model", 10, "model", "gpt-4o", "daily", tenant_id="acme"), "5"),
    "bolt": (Policy("Bolt", 100, tenant_id="bolt"), "21"),
    "azure": (Policy("Azure", 999, "provider", "azure", "yearly", priority=1), "231"),
    "account": (Policy("Account", 999, "account", "sub-1", "rolling_7d"), "66"),
    "off": (Policy("Off", 1, "region", "eu", enabled=False), None),
}


def settings(folder: Path, **more: Any) -> Settings:
    return load_settings(folder / "costmill.yaml", environ=more)


def run(folder: Path, as_of: datetime = NIGHT) -> RunResult:
    return jobs.run(settings(folder), as_of=as_of)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night, policies set in the morning after, calls recorded, and another night."""
    folder = tmp_path_factory.mktemp("policies")
    own = load_settings(write_config(folder, cost=FILE, tags=TAGS), environ={})
    tags = ('{"tenant": "acme", "team": "ml"}', '{"tenant": "bolt", "team": "ml"}')
    bills = [Charge(tags=tags[0]), Charge(cost="1", tags=tags[1], resource="vm-2")]
    write_bill(folder / "exports" / "march.csv", bills)
    run(folder)
    service = BudgetPolicyService(own)
    for name, (policy, _) in POLICIES.items():
        service.create_policy(JOB, replace(policy, id=name), as_of=NIGHT)
    tracking = BudgetTrackingService(own)
    call = UsageRecord("openai", "chat_completion", "gpt-4o", cost=5, time=NIGHT, attribution={"team": "ml"})
    tracking.record_usage(ACME, call)
    tracking.record_usage(BOLT, replace(call, provider="Azure", cost=3))
    run(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path


def asked(folder: Path, actor: Actor = JOB) -> dict[str, dict[str, Any]]:
    """The policies of `costmill budgets --format json`, by id."""
    own = replace(settings(folder), actor=actor)
    with publish.opened(own.publish.path) as copy:
        told = asking.ask_budgets(copy, own, "2026-03", as_of=NIGHT).to_json_dict()
    if actor.own_tenant is None:
        assert (told["global"]["current_spend"], told["overall_health"]) == ("231", "OK")
    else:  # the file's budgets are the operator's
        assert (told["global"], told["overall_health"]) == (None, "UNSPECIFIED")
    return {each["policy"]["id"]: each for each in told["policies"]}


def test_each_policy_counts_its_tenant_s_charges_on_its_own(made: Path) -> None:
    found = asked(made)
    assert {name: each["current_spend"] for name, each in found.items()} == {
        name: spend for name, (_, spend) in POLICIES.items()
    }
    assert (found["off"]["health"], next(iter(found))) == ("DISABLED", "azure")


def test_a_status_has_its_policy_and_only_who_may_see_it_is_shown(made: Path) -> None:
    own = asked(made, ACME)
    assert set(own) == {name for name, (policy, _) in POLICIES.items() if policy.tenant_id == "acme"}
    told = own["acme-ml"]
    assert (told["scope_type"], told["scope_key"], told["health"]) == ("policy", "acme-ml", "WARNING")
    assert [(each["threshold"], each["state"]) for each in told["alerts"]] == [("80", "EXCEEDED"), ("100", "OK")]
    assert (told["policy"]["scope"], told["policy"]["scope_id"], told["policy"]["tenant_id"]) == ("team", "ml", "acme")
    assert asked(made, replace(ACME, permissions=frozenset())) == {}


def test_explain_says_which_policies_received_a_charge_and_only_of_those_that_may_be_seen(made: Path) -> None:
    of_nobody = {name for name, (policy, _) in POLICIES.items() if policy.tenant_id is None}
    for actor, names in ((JOB, set(POLICIES)), (replace(ACME, tenant=None), of_nobody)):
        own = replace(settings(made), actor=actor)
        with publish.opened(own.publish.path) as copy:
            told = asking.ask_budgets(copy, own, "2026-03", as_of=NIGHT, explain=True).allocations or ()
        spent = {name: spend for name, (_, spend) in POLICIES.items() if name in names and spend}
        received = {name: sum(each.scope_costs.get(f"policy:{name}", 0) for each in told) for name in spent}
        assert received == {name: int(spend) for name, spend in spent.items()}
        assert sum(each.cost for each in told if each.origin == "billed") == 231
        assert {name for each in told for name in each.allocated_scopes} - {"global"} == {
            f"policy:{name}" for name in names if POLICIES[name][1]
        }
        assert {each.origin for each in told if "global" in each.allocated_scopes} == {"billed"}


def test_alerts_and_events_of_a_policy_are_its_tenant_s_and_never_the_run_s_exit_code(folder: Path) -> None:
    alerts = BudgetAlertService(settings(folder))
    found = {(alert.budget_id, int(alert.threshold)) for alert in alerts.list_alerts(ACME)}
    both = {("policy:acme-billed", 80), ("policy:acme-billed", 100)}
    assert found == {("policy:acme", 80), ("policy:acme-ml", 80), *both}
    assert alerts.list_alerts(BOLT) == []
    with publish.opened(settings(folder).publish.path) as copy:
        rows = copy.rows("SELECT DISTINCT tenant_id FROM budget_events WHERE event <> 'budget.policy_created'")
        assert rows == [("acme",)]
    before = (folder / "published" / "costs.duckdb").resolve()
    again = run(folder)
    assert (again.exit_code, again.alerts) == (0, [])
    assert (folder / "published" / "costs.duckdb").resolve() == before
    [report] = (folder / "reports").rglob("*.md")
    text = report.read_text(encoding="utf-8")
    assert "| Acme | global; tenant acme | ◆ Warning 86.0% | $215.00 | $250.00 | Warn |" in text
    assert "| Off | region:eu | – Off | – | $1.00 | Switched off |" in text
    assert "### Alerts of this month\n\nNone: no threshold has been reached." in text


def test_a_new_policy_waits_for_the_run_and_a_deleted_one_resolves_its_alerts(folder: Path) -> None:
    service, alerts = BudgetPolicyService(settings(folder)), BudgetAlertService(settings(folder))
    euro = Policy("Calls", 4, "model", "gpt-4o", "quarterly", "EUR", id="euro")
    service.create_policy(JOB, euro, as_of=NIGHT)
    assert asked(folder)["euro"]["forecast_note"] == "not counted yet; the next run does"
    service.delete_policy(ACME, "acme-ml", as_of=NIGHT)
    service.update_policy(ACME, "acme", {"limit": 1000}, as_of=NIGHT)
    ended = run(folder)
    assert {(each.kind, each.budget_id, each.reason) for each in ended.alerts if each.reason} >= {
        ("resolved", "policy:acme-ml", "the policy was deleted")
    }
    assert {alert.budget_id for alert in alerts.get_active_alerts(ACME)} == {"policy:acme-billed"}
    found = asked(folder)
    assert (found["euro"]["health"], found["euro"]["unconverted"]) == ("UNSPECIFIED", {"USD": "5"})
    assert (ended.exit_code, "acme-ml" in found) == (0, False)
    with publish.opened(settings(folder).publish.path) as copy:
        assert copy.rows("SELECT * FROM budget_status WHERE budget_id = 'policy:acme-ml'") == []
    text = (folder / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")
    assert "| Acme | global; tenant acme | ● OK 21.5% | $215.00 | $1,000.00 |" in text
    assert "| ML |" not in text


CALL = UsageRecord("openai", "chat_completion", "gpt-4o", attribution={"team": "ml"}, time=NIGHT)


def test_a_call_is_held_against_every_policy_that_counts_it_in_scope_order(made: Path) -> None:
    bus, heard = EventBus(), list[Event]()
    bus.subscribe(heard.append)
    found = BudgetPolicyService(settings(made), bus=bus).check_budget(ACME, CALL, 6)
    told = [(each.policy.id, str(each.spend.normalize()), each.is_exceeded) for each in found.policies]
    assert told == [
        ("acme", "215", False), ("acme-model", "5", True), ("acme-ml", "215", False), ("acme-recorded", "5", True),
    ]  # fmt: skip
    assert found.allowed
    assert (found.action, str(found.policies[1].remaining.normalize())) == ("warn", "5")
    assert found.warnings == ("Acme: 86.0% used (215 USD of 250)", "ML: 86.0% used (215 USD of 250)")
    assert [(event.name, event.tenant, event.actor) for event in heard] == [("budget.check_requested", "acme", "ada")]


def test_the_strictest_action_decides_and_what_is_just_recorded_counts_at_once(folder: Path) -> None:
    service, tracking = BudgetPolicyService(settings(folder)), BudgetTrackingService(settings(folder))
    allowed = []
    for action in ("degrade", "soft_block", "block"):
        service.update_policy(ACME, "acme-model", {"hard_limit_action": action}, as_of=NIGHT)
        writer = replace(ACME, permissions=frozenset(["budget:write"]))
        asked = [
            service.check_budget(who, CALL, 6, override=own)
            for who, own in ((ACME, False), (ACME, True), (writer, True))
        ]
        allowed.append([each.allowed for each in asked])
        assert {each.action for each in asked} == {action}
        assert (asked[0].alternative is not None) == (action == "degrade")
    assert allowed == [[True, True, True], [False, True, False], [False, False, False]]
    assert service.check_budget(ACME, CALL, 5).allowed
    tracking.record_usage(ACME, replace(CALL, cost="0.01"))
    assert not service.check_budget(ACME, CALL, 5).allowed
    assert service.check_budget(ACME, CALL, "4.99").allowed


def test_a_policy_of_the_operator_stops_a_tenant_s_call_and_tells_nothing_but_that(folder: Path) -> None:
    service = BudgetPolicyService(settings(folder))
    assert service.check_budget(ACME, CALL, "4").operator_action is None
    service.update_policy(JOB, "all", {"limit": 240, "hard_limit_action": "soft_block"}, as_of=NIGHT)
    found = service.check_budget(ACME, CALL, "4.5", override=True)
    assert (found.allowed, found.action, found.operator_action) == (False, "soft_block", "soft_block")
    assert {each.policy.tenant_id for each in found.policies} == {"acme"}
    assert "All" not in repr(found)
    assert service.check_budget(JOB, replace(CALL, tenant="acme"), "4.5", override=True).allowed
    service.update_policy(JOB, "all", {"currency": "EUR"}, as_of=NIGHT)
    with pytest.raises(UsageError, match="what a policy of the operator came to is not known; ask the operator"):
        service.check_budget(ACME, CALL, 1)


def test_what_cannot_be_told_is_an_error_and_never_a_yes(folder: Path) -> None:
    service = BudgetPolicyService(settings(folder))
    with pytest.raises(UsageError, match=r"acme \(Acme\) is in USD, and no rate converts EUR of 2026-03 into it"):
        service.check_budget(ACME, replace(CALL, currency="EUR"), 1)
    with pytest.raises(NotPermittedError, match="ada may not ask for the tenant acme: it is of bolt"):
        service.check_budget(BOLT, replace(CALL, tenant="acme"), 1)
    with pytest.raises(NotPermittedError, match="may not check a budget"):
        service.check_budget(replace(ACME, permissions=frozenset()), CALL, 1)
    shutil.rmtree(folder / "published")
    with pytest.raises(UsageError, match="nothing is published yet"):
        service.check_budget(ACME, CALL, 1)


CHECK = ("budgets", "check", "--provider", "openai", "--operation", "chat_completion", "--for", "team=ml")


@pytest.fixture
def acme(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The company's folder as the current one, asked by acme."""
    monkeypatch.setenv("COSTMILL_TENANT", "acme")
    monkeypatch.chdir(made)


def test_the_command_line_asks_before_spending_and_its_code_is_the_answer(
    acme: None, folder: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = say(*CHECK, "--cost", "5", "--as-of", "2026-03-22T23:00:00Z")
    assert (fits.code, fits.stdout.splitlines()[0], fits.stderr) == (0, "allowed: a call of 5 USD fits", "")
    passes = say(*CHECK, "--cost", "6")
    assert (passes.code, passes.stdout.splitlines()[0]) == (
        0, "allowed, warn: a call of 6 USD passes the limit of Calls",
    )  # fmt: skip
    monkeypatch.chdir(folder)
    assert say("budgets", "update", "acme-recorded", "--hard-limit-action", "block").code == 0
    refused = say(*CHECK, "--cost", "6")
    assert (refused.code, refused.stderr) == (1, "")
    verdict, _, head, *lines = refused.stdout.splitlines()
    assert verdict == "refused, block: a call of 6 USD passes the limit of Calls"
    assert head.split() == [
        *("policy", "name", "scope", "window", "spend", "limit", "remaining", "currency", "percent", "action", "says"),
    ]
    assert lines[2].split() == [
        "policy:acme-recorded",
        "Calls",
        *["team:ml", "2026-W12", "5", "10", "5", "USD", "50", "block", "exceeded"],
    ]
    assert "warning: Acme: 86.0% used (215 USD of 250)" in lines
    assert lines[-1].startswith("figures: of the run that ended at 2026-")
    assert say("budgets", "update", "acme-recorded", "--hard-limit-action", "degrade").code == 0
    lines = say(*CHECK, "--cost", "6", "--model", "gpt-4o").stdout.splitlines()
    assert lines[0] == "allowed, degrade: a call of 6 USD passes the limit of Model, Calls"
    assert any(line.startswith("cheaper: g") for line in lines)


def test_an_answer_in_json_says_what_its_numbers_are_made_of_and_who_has_no_say(acme: None, say: Say) -> None:
    asked = ("--model", "gpt-4o", "--input-tokens", "1000000", "--explain", "--format", "json")
    told = json.loads(say(*CHECK, *asked).stdout)
    assert (told["allowed"], told["cost"], told["currency"]) == (True, "2.5", "USD")
    own = {each["policy"]: each for each in told["policies"]}
    assert (own["policy:acme"]["percentage"], own["policy:acme"]["made_of"]) == (
        "86.000000",
        {
            "period_start": "2026-03-01T00:00:00Z", "period_end": "2026-04-01T00:00:00Z", "loaded": "215", "recent": "0",
            "recent_records": 0, "plain_limit": "250", "carried": "0", "cost": "2.5",
        },
    )  # fmt: skip
    assert {each["policy"]: each["reason"] for each in told["passed_over"]} == {
        "policy:acme-billed": "it counts the service Virtual Machines, and the call's is gpt-4o"
    }


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (-5, ""),
        (1, ", 1 minute before"),
        (59, ", 59 minutes before"),
        (60, ", 1 hour before"),
        (3000, ", 2 days before"),
    ],
)
def test_the_age_of_figures_is_said_in_one_unit(minutes: int, said: str) -> None:
    assert check._age(timedelta(minutes=minutes)) == said


def test_without_an_answer_the_code_is_neither_yes_nor_no(acme: None, say: Say) -> None:
    for asked, said in (
        (
            ["--cost", "1", "--tenant", "bolt"],
            "may not ask for the tenant bolt: it is of acme; ask as an actor of that tenant",
        ),
        (["--cost", "-1"], "cost '-1' is negative"),
        ([], "cost is missing, and without a model there is no price"),
        (["--cost", "1", "--currency", "EUR"], "no rate converts EUR of 2026-03"),
    ):
        ended = say(*CHECK, *asked)
        assert (ended.code, ended.stdout) == (64, "")
        assert said in ended.stderr


def test_a_policy_is_explained_with_what_it_leaves_out_and_only_to_its_tenant(acme: None, say: Say) -> None:
    lines = say("budgets", "explain", "Billed").stdout.splitlines()
    facts = dict(line.split(maxsplit=1) for line in lines[: lines.index("")])
    assert facts["budget"] == "policy:acme-billed (Billed), EXCEEDED"
    assert facts["window"].startswith(
        "2026-03: from 2026-03-01 00:00:00 to before 2026-04-01 00:00:00, by x_BillingPeriod"
    )
    assert (facts["scope"], facts["spend"]) == (
        "service:Virtual Machines of acme", "210 USD, 105 % of the limit, of 21 charges",
    )  # fmt: skip
    assert facts["limit"] == "200 USD = 200, its amount"
    assert facts["forecast"] == (
        "310 USD = 210 usage of 21 complete days through 2026-03-21 + 100 of the 10 after them, at their rate, + 0 at face value"
    )
    assert [line.split() for line in lines if "Virtual Machines  " in line] == [
        ["Virtual", "Machines", "21", "210", "USD", "210", "USD", "100"]
    ]
    calls = json.loads(say("budgets", "explain", "acme-recorded", "--by", "SkuId", "--format", "json").stdout)
    assert calls["spend"]["parts"] == [{"part": "gpt-4o", "charges": 1, "costs": {"USD": "5"}, "spend": "5"}]
    assert [(each["why"], each["charges"]) for each in calls["spend"]["left_out"]] == [
        ("billed, and recorded charges count", 6)
    ]
    ended = say("budgets", "explain", "bolt")
    assert (ended.code, ended.stdout) == (64, "")
    assert "there is no budget 'bolt'" in ended.stderr


def test_a_budget_of_the_file_is_explained_in_tables(made: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    told = say("budgets", "explain", "global", "--by", "ResourceId", "--limit", "1")
    assert (told.code, told.stderr) == (0, "")
    shown = told.stdout.split("\n\n")
    assert [line.split() for line in shown[1].splitlines()[2:]] == [
        ["vm-1", "21", "210", "USD", "210", "USD", "90.9"],
        ["(1", "more)", "21", "21", "USD", "21", "USD", "9"],
        ["(total)", "42", "231", "USD", "231", "USD", "100"],
    ]  # fmt: skip
    assert shown[2].splitlines()[2].split() == ["2026-03", "billed", "USD", "42", "231", "1", "231", "USD"]
    days = say("budgets", "explain", "global", "--by", "day").stdout.split("\n\n")[1].splitlines()[2:-1]
    assert [line.split()[0] for line in days] == [f"2026-03-{day:02}" for day in range(1, 22)]
    assert shown[3].splitlines()[2].split() == [
        *("recorded,", "and", "no", "bill", "has", "it", "recorded", "2", "8", "USD"),
    ]


def test_the_forecast_shows_the_policies_that_may_be_seen_by_their_scope(
    folder: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert say("publish", "--tenant", "acme").code == 0
    monkeypatch.setenv("COSTMILL_TENANT", "acme")
    told = json.loads(say("forecast", "--format", "json").stdout)
    own = {row["scope"]: row for row in told if row["policy_scope"]}
    assert set(own) == {f"policy:{name}" for name in POLICIES if name.startswith("acme")}
    row = own["policy:acme-billed"]
    assert (row["name"], row["policy_scope"], row["forecast"], row["percentage"]) == (
        "Billed", "service:Virtual Machines", "310", "155",
    )  # fmt: skip
    assert (row["elapsed_days"], row["days"], row["last_complete_day"]) == (21, 31, "2026-03-21")
    assert own["policy:acme-model"]["note"] == "no complete day of usage in 2026-03-22 yet; a forecast needs one"


def test_a_threshold_on_a_policy_is_its_tenant_s(folder: Path) -> None:
    service = BudgetAlertService(settings(folder))
    config = AlertConfig("policy:acme", Decimal(85), severity="emergency")
    assert service.configure_alert(ACME, config).tenant_id == "acme"
    assert service.list_alert_configs(BOLT) == []
    for actor in (BOLT, replace(ACME, tenant=None)):
        with pytest.raises(UsageError, match="no budget is called 'policy:acme'"):
            service.configure_alert(actor, replace(config, threshold=Decimal(86)))
    run(folder)
    fired = [(alert.threshold, alert.severity) for alert in service.list_alerts(ACME, "policy:acme")]
    assert fired == [(Decimal(80), "warning"), (Decimal(85), "emergency")]
    assert "policy:acme" not in {alert.budget_id for alert in service.list_alerts(BOLT)}
