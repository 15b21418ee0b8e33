"""Alerts in people's hands: listed, acknowledged, snoozed and resolved on a real warehouse and its published copy."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.actors import Actor
from pipeline.alert_service import BudgetAlertService, Handled
from pipeline.budgets.alerts import AlertChange
from pipeline.config import default_settings
from pipeline.errors import NotPermittedError, UsageError, WarehouseBusyError
from pipeline.night import budgeting
from pipeline.store import publish, rollups
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.budgets.frames import at, budget
from tests.budgets.test_alerts import FIRST_NIGHT, FORECAST_100, kinds
from tests.budgets.test_alerts import night as one_night

ANN = Actor("ann", permissions=frozenset(["budget:write"]))
READER = Actor("rea", permissions=frozenset(["budget:read"]))
STRANGER = Actor("sam", tenant="acme", permissions=frozenset(["*"]))
JOB = Actor("cron", type="job", tenant="acme", permissions=frozenset(["*"]))
NOBODY = Actor("nob")
#: The global budget's threshold 80.
EIGHTY = "38be9c84"
NOON = FIRST_NIGHT + timedelta(hours=9)

Act = Callable[[BudgetAlertService, Actor, str], Handled]
ACTS: dict[str, Act] = {
    "acknowledge": lambda service, actor, id: service.acknowledge_alert(actor, id, "mine", as_of=NOON),
    "snooze": lambda service, actor, id: service.snooze(actor, id, NOON + timedelta(days=2), "later", as_of=NOON),
    "resolve": lambda service, actor, id: service.resolve(actor, id, "done", as_of=NOON),
}


def night(service: BudgetAlertService, cost: str, number: int = 0) -> list[AlertChange]:
    """One run over one charge and a global budget of 100, published."""
    with Warehouse.open(service.settings.warehouse) as warehouse:
        changes = one_night(warehouse, cost, budget(alerts=at(50, 80)), number=number)
        changes += budgeting.wake_alerts(warehouse, FIRST_NIGHT + timedelta(days=number))
        show(service, warehouse)
    return changes


def show(service: BudgetAlertService, warehouse: Warehouse) -> None:
    """Publish what a test wrote past the program."""
    rollups.touch(warehouse)
    publish.publish(warehouse, service.settings.publish.path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alerts") / "costs.duckdb"
    night(BudgetAlertService(empty.put(path)), "90")
    return path


@pytest.fixture
def service(made: Path, tmp_path: Path) -> BudgetAlertService:
    """A warehouse of its own for each test: both thresholds of the global budget have fired."""
    shutil.copytree(made.parent, tmp_path, symlinks=True, dirs_exist_ok=True)
    return BudgetAlertService(tmp_path / made.name)


def test_the_file_s_alerts_are_listed_for_who_belongs_to_no_tenant(service: BudgetAlertService) -> None:
    found = service.list_alerts(READER)
    assert [(alert.budget_id, alert.threshold, alert.status) for alert in found] == [
        ("global", Decimal(50), "open"), ("global", Decimal(80), "open"),
    ]  # fmt: skip
    assert service.get_active_alerts(READER) == found == service.list_alerts(JOB)
    assert service.list_alerts(STRANGER) == []


def test_a_tenant_s_alert_is_its_own_alone(service: BudgetAlertService) -> None:
    with Warehouse.open(service.settings.warehouse) as warehouse:
        warehouse.execute("UPDATE budget_alerts SET tenant_id = 'acme' WHERE threshold = 50")
        show(service, warehouse)
    assert [len(service.list_alerts(actor)) for actor in (READER, STRANGER, JOB)] == [1, 1, 2]
    own = service.list_alerts(STRANGER)[0].alert_id
    assert service.resolve(STRANGER, own).is_new
    with pytest.raises(UsageError, match="no alert has an id"):
        service.acknowledge_alert(ANN, own)


def test_alerts_are_chosen_by_scope_state_and_period(service: BudgetAlertService) -> None:
    assert len(service.list_alerts(READER, "global", status="active", period="2026-03")) == 2
    assert service.list_alerts(READER, status="snoozed") == service.list_alerts(READER, status="resolved") == []
    assert service.list_alerts(READER, period="2026-04") == []
    with pytest.raises(UsageError, match="'opn' is no state of an alert; did you mean 'open'"):
        service.list_alerts(READER, status=cast(Any, "opn"))


def test_a_scope_that_no_budget_has_is_an_error(service: BudgetAlertService) -> None:
    with pytest.raises(UsageError, match="no budget is called 'globl'; did you mean 'global'"):
        service.list_alerts(READER, "globl")
    with pytest.raises(UsageError, match=r"no budget is called 'global'$"):
        service.list_alerts(STRANGER, "global")


def test_an_acknowledged_alert_keeps_who_when_and_the_note(service: BudgetAlertService) -> None:
    assert service.acknowledge_alert(ANN, EIGHTY, " the migration ", as_of=NOON).is_new
    alert = service.get_alert(READER, EIGHTY)
    assert (alert.status, alert.acknowledged_by, alert.acknowledged_at, alert.note) == (
        "acknowledged", "ann", NOON, "the migration",
    )  # fmt: skip
    last = json.loads(alert.history)[-1]
    assert last == {
        "at": "2026-04-01T12:00:00Z", "event": "acknowledged", "percentage": "90.000000", "reason": None, "by": "ann",
        "note": "the migration",
    }  # fmt: skip
    assert night(service, "95", 1) == []
    assert service.get_alert(READER, EIGHTY) == alert


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_done_twice_the_second_time_changes_nothing(service: BudgetAlertService, act: Act) -> None:
    assert act(service, ANN, EIGHTY).is_new
    before = service.get_alert(READER, EIGHTY), service.settings.publish.path.readlink()
    again = act(service, Actor("bob", permissions=frozenset(["*"])), EIGHTY)
    assert (again.is_new, again.alert) == (False, before[0])
    assert (service.get_alert(READER, EIGHTY), service.settings.publish.path.readlink()) == before


def test_without_the_word_nothing_is_done(service: BudgetAlertService) -> None:
    for act, actor in itertools.product(ACTS.values(), (NOBODY, READER)):
        with pytest.raises(NotPermittedError, match="needs budget:write"):
            act(service, actor, EIGHTY)
    with pytest.raises(NotPermittedError, match="needs budget:read"):
        service.list_alerts(NOBODY)
    with pytest.raises(NotPermittedError, match="needs budget:read"):
        service.get_alert(NOBODY, EIGHTY)
    assert service.get_alert(READER, EIGHTY).status == "open"


def test_an_id_that_the_actor_cannot_see_is_an_error(service: BudgetAlertService) -> None:
    for act, (actor, id) in itertools.product(ACTS.values(), ((ANN, "ffff"), (ANN, ""), (STRANGER, EIGHTY))):
        with pytest.raises(UsageError, match=f"no alert has an id that begins with '{id}'"):
            act(service, actor, id)
    assert [alert.status for alert in service.list_alerts(READER)] == ["open", "open"]


def test_an_id_that_two_alerts_begin_with_is_an_error(service: BudgetAlertService) -> None:
    with Warehouse.open(service.settings.warehouse) as warehouse:
        warehouse.execute("UPDATE budget_alerts SET alert_id = '38be0000' WHERE threshold = 50")
    with pytest.raises(UsageError, match=r"2 alerts have an id that begins with '38be': 38be0000, 38be9c84"):
        service.resolve(ANN, "38be")


def test_a_resolved_alert_cannot_be_acted_on(service: BudgetAlertService) -> None:
    service.resolve(ANN, EIGHTY, as_of=NOON)
    for name in ("acknowledge", "snooze"):
        with pytest.raises(UsageError, match=r"is resolved by ann on 2026-04-01 12:00 UTC; only a live alert can be"):
            ACTS[name](service, ANN, EIGHTY)


def test_what_a_person_resolved_comes_back_only_after_it_fell(service: BudgetAlertService) -> None:
    service.resolve(ANN, EIGHTY, "the budget is raised", as_of=NOON)
    assert night(service, "95", 1) == []
    assert service.get_alert(READER, EIGHTY).reason == "resolved by ann: the budget is raised"
    assert kinds(night(service, "70", 2)) == ["fell"]
    assert night(service, "71", 3) == []
    alert = service.get_alert(READER, EIGHTY)
    assert (alert.status, alert.resolved_by, alert.resolved_at) == ("resolved", "ann", NOON)
    (change,) = night(service, "96", 4)
    assert (change.kind, change.alert_id, change.is_told) == ("reopened", alert.alert_id, True)
    alert = service.get_alert(READER, EIGHTY)
    assert (alert.status, alert.resolved_by, alert.note, alert.occurrence) == ("open", None, None, 1)
    assert [each["event"] for each in json.loads(alert.history)] == ["fired", "resolved", "fell", "reopened"]


def test_a_snoozed_alert_is_shown_and_told_once_when_the_time_comes(service: BudgetAlertService) -> None:
    service.snooze(ANN, EIGHTY, FIRST_NIGHT + timedelta(days=3), as_of=NOON)
    assert night(service, "70", 1)[0].kind == "resolved"
    (reopened,) = night(service, "90", 2)
    assert (reopened.kind, reopened.is_told) == ("reopened", False)
    assert [a.alert_id for a in service.list_alerts(READER, status="snoozed", as_of=NOON)] == [reopened.alert_id]
    assert len(service.get_active_alerts(READER)) == 2
    (woken,) = night(service, "90", 3)
    assert (woken.kind, woken.is_told) == ("woken", True)
    assert night(service, "90", 4) == []
    assert service.get_alert(READER, EIGHTY).snoozed_until is None


def test_a_snooze_holds_for_the_next_occurrence_of_a_forecast(service: BudgetAlertService) -> None:
    with Warehouse.open(service.settings.warehouse) as warehouse:
        scope = budget(alerts=FORECAST_100)
        (fired,) = [each for each in one_night(warehouse, "100", scope) if each.type == "forecasted"]
    service.snooze(ANN, fired.alert_id, FIRST_NIGHT + timedelta(days=5), as_of=NOON)
    with Warehouse.open(service.settings.warehouse) as warehouse:
        one_night(warehouse, "60", scope, number=1)
        (again,) = one_night(warehouse, "110", scope, number=2)
    assert (again.kind, again.alert_id != fired.alert_id, again.is_told) == ("fired", True, False)


def test_acknowledging_ends_a_snooze_and_a_snooze_of_the_acknowledged_reminds(service: BudgetAlertService) -> None:
    ACTS["snooze"](service, ANN, EIGHTY)
    assert ACTS["acknowledge"](service, ANN, EIGHTY).alert.snoozed_until is None
    ACTS["snooze"](service, ANN, EIGHTY)
    assert service.get_alert(READER, EIGHTY).status == "acknowledged"
    assert kinds(night(service, "90", 4)) == ["woken"]


def test_a_snooze_into_the_past_or_of_a_suppressed_alert_is_an_error(service: BudgetAlertService) -> None:
    with pytest.raises(UsageError, match="2026-04-01 12:00 UTC is over"):
        service.snooze(ANN, EIGHTY, NOON, as_of=NOON)
    with Warehouse.open(service.settings.warehouse) as warehouse:
        warehouse.execute("UPDATE budget_alerts SET status = 'suppressed'")
    with pytest.raises(UsageError, match="is suppressed: nobody is told of it"):
        ACTS["snooze"](service, ANN, EIGHTY)


def test_an_act_waits_for_the_writer_and_marks_the_report(service: BudgetAlertService) -> None:
    impatient = default_settings(service.settings.warehouse, environ={})
    object.__setattr__(impatient, "writer_wait_seconds", 0)
    with Warehouse.open(service.settings.warehouse), pytest.raises(WarehouseBusyError):
        BudgetAlertService(impatient).resolve(ANN, EIGHTY)
    service.resolve(ANN, EIGHTY)
    with publish.opened(service.settings.publish.path) as copy:
        assert copy.rows("SELECT * FROM dirty") == [("2026-03", "reports")]


def test_without_a_warehouse_or_a_copy_of_it_the_error_says_what_makes_one(tmp_path: Path) -> None:
    service = BudgetAlertService(tmp_path / "costs.duckdb")
    with pytest.raises(UsageError, match="nothing is published yet"):
        service.list_alerts(READER)
    with pytest.raises(UsageError, match="no warehouse there"):
        service.resolve(ANN, EIGHTY)
    assert not (tmp_path / "costs.duckdb").exists()
