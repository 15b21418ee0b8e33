"""Thresholds that people set, judged beside the file's own on a real warehouse."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.alert_service import BudgetAlertService
from pipeline.budgets.alert_configs import AlertConfig
from pipeline.budgets.alert_table import read
from pipeline.budgets.alerts import AlertChange, update_alerts
from pipeline.budgets.ledger import sync_budgets
from pipeline.config.budgets import ScopeBudget
from pipeline.errors import NotPermittedError, UsageError
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.budgets.frames import at, budget, charge, config, result
from tests.budgets.test_alert_service import ANN, JOB, READER, STRANGER
from tests.budgets.test_alerts import FIRST_NIGHT

NINETY = AlertConfig("global", Decimal(90))


def night(service: BudgetAlertService, cost: str, minute: int = 0, own: ScopeBudget | None = None) -> list[AlertChange]:
    """One evaluation of a global budget of 100 with the file's threshold 80."""
    scopes = (own or budget(alerts=at(80)),)
    now = FIRST_NIGHT + timedelta(minutes=minute)
    with Warehouse.open(service.settings.warehouse) as warehouse, warehouse.transaction():
        sync_budgets(warehouse, config(*scopes), now)
        return update_alerts(warehouse, result(scopes, charge(cost)).statuses, scopes, now=now, first_load=None)


def told(changes: list[AlertChange]) -> list[tuple[Any, ...]]:
    return [(each.kind, int(each.threshold), each.severity, each.is_told) for each in changes]


@pytest.fixture
def service(tmp_path: Path) -> BudgetAlertService:
    made = BudgetAlertService(empty.put(tmp_path / "costs.duckdb"))
    night(made, "10")
    return made


def test_it_is_judged_beside_the_file_s_thresholds_and_once(service: BudgetAlertService) -> None:
    service.configure_alert(ANN, replace(NINETY, severity="emergency"))
    service.configure_alert(ANN, AlertConfig("global", Decimal(85), unit="amount"))
    assert told(night(service, "95")) == [
        ("fired", 80, "warning", True), ("fired", 90, "emergency", True), ("fired", 85, "warning", True)]  # fmt: skip
    assert night(service, "96") == []


def test_one_that_the_file_names_too_is_that_threshold_with_its_severity(service: BudgetAlertService) -> None:
    made = service.configure_alert(ANN, AlertConfig("global", Decimal("80.0"), severity="info"))
    assert told(night(service, "95")) == [("fired", 80, "info", True)]
    service.remove_alert(ANN, made.config_id)
    assert [alert.status for alert in service.list_alerts(READER)] == ["open"]
    assert night(service, "95") == []


def test_within_the_cooldown_nobody_is_told_again(service: BudgetAlertService) -> None:
    service.configure_alert(ANN, AlertConfig("global", Decimal(80), cooldown_minutes=60))
    assert told(night(service, "95", 0)) == [("fired", 80, "warning", True)]
    for minute, is_told in ((30, False), (59, False), (60, True), (119, False)):
        assert [each.kind for each in night(service, "70", minute)] == ["resolved"]
        assert told(night(service, "95", minute)) == [("reopened", 80, "warning", is_told)]
    with Warehouse.open(service.settings.warehouse) as warehouse:
        [alert] = read(warehouse, "", [])
    told_at = [entry.get("told_at") for entry in json.loads(alert.history) if entry["event"] == "reopened"]
    assert [at and at[11:16] for at in told_at] == ["03:00", "03:00", None, "04:00"]


def test_the_cooldown_of_a_forecast_holds_over_its_occurrences(service: BudgetAlertService) -> None:
    service.configure_alert(ANN, AlertConfig("global", Decimal(90), type="forecasted", cooldown_minutes=60))
    found = []
    for minute in (0, 30, 50, 70):
        night(service, "70", minute, budget(alerts=at(200)))
        found += night(service, "95", minute, budget(alerts=at(200)))
    assert [(each.kind, each.type, each.is_told) for each in found] == [
        ("fired", "forecasted", is_told) for is_told in (True, False, False, True)
    ]
    assert len({each.alert_id for each in found}) == 4


def test_a_removed_one_resolves_its_alerts_and_one_that_comes_back_reopens_them(service: BudgetAlertService) -> None:
    made = service.configure_alert(ANN, NINETY)
    night(service, "95")
    assert service.remove_alert(ANN, made.config_id[:8], as_of=FIRST_NIGHT) == made
    resolved = service.list_alerts(READER, status="resolved")
    assert [(int(alert.threshold), alert.reason) for alert in resolved] == [(90, "ann removed the threshold")]
    assert service.list_alert_configs(READER) == []
    assert night(service, "95") == []
    service.configure_alert(ANN, NINETY)
    assert told(night(service, "95")) == [("reopened", 90, "warning", True)]


def test_configuring_again_changes_it_and_the_same_again_does_nothing(service: BudgetAlertService) -> None:
    first = service.configure_alert(ANN, NINETY, as_of=FIRST_NIGHT)
    assert service.configure_alert(JOB, NINETY) == first
    second = service.configure_alert(JOB, replace(NINETY, cooldown_minutes=5), as_of=FIRST_NIGHT)
    assert service.list_alert_configs(READER) == [second]
    assert (second.config_id, second.configured_by, second.cooldown_minutes) == (first.config_id, "cron", 5)


def test_another_tenant_neither_sees_nor_touches_them_and_words_are_needed(service: BudgetAlertService) -> None:
    made = service.configure_alert(ANN, NINETY)
    assert service.list_alert_configs(STRANGER) == []
    with pytest.raises(UsageError, match="no threshold has an id that begins with"):
        service.remove_alert(STRANGER, made.config_id)
    with pytest.raises(UsageError, match="no budget is called 'global'"):
        service.configure_alert(STRANGER, replace(NINETY, threshold=Decimal(91)))
    with pytest.raises(NotPermittedError, match="may not configure an alert: it needs budget:write"):
        service.configure_alert(READER, NINETY)
    with pytest.raises(NotPermittedError, match="may not remove an alert: it needs budget:write"):
        service.remove_alert(READER, made.config_id)
    assert service.list_alert_configs(ANN) == [made]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"budget_id": "globl"}, "no budget is called 'globl'; did you mean 'global'"),
        ({"threshold": Decimal(1001)}, "the threshold '1001' is out of range; write percent from 0 to 1000"),
        ({"threshold": Decimal("NaN")}, "the threshold 'NaN' is no number"),
        ({"threshold": Decimal(-1), "unit": "amount"}, "is negative"),
        ({"severity": "bad"}, "'bad' is no severity"),
        ({"type": "forecast"}, "'forecast' is no type of a threshold; did you mean 'forecasted'"),
        ({"cooldown_minutes": -1}, "a cooldown of -1 minutes is out of range"),
    ],
)
def test_what_is_wrong_is_said(service: BudgetAlertService, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        service.configure_alert(ANN, replace(NINETY, **cast(Any, wrong)))
