"""The life of an anomaly's alerts, night by night, on a real warehouse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipeline.actors import Actor
from pipeline.budgets import handling
from pipeline.budgets.alert_table import read, write
from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.anomalies import JudgedDay, Judgement, update_anomalies
from pipeline.store.warehouse import Warehouse

DAY = date(2026, 3, 20)
SPIKE = JudgedDay(DAY, "USD", "aws", "Amazon EC2", Decimal(500), Decimal(100), True)
CALM = replace(SPIKE, cost=Decimal(110), is_anomaly=False)
NIGHT = datetime(2026, 3, 22, 3)
ANN = Actor("ann", permissions=frozenset(["budget:write"]))


def night(
    warehouse: Warehouse, *days: JudgedDay, number: int = 0, first_load: datetime | None = None, judged: bool = True
) -> list[AlertChange]:
    found = Judgement([DAY], days) if judged else None
    with warehouse.transaction():
        return update_anomalies(warehouse, found, now=NIGHT + timedelta(days=number), first_load=first_load)


def kinds(changes: list[AlertChange]) -> list[str]:
    return [change.kind for change in changes]


def status(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return [(alert.status, alert.reason, alert.spend) for alert in read(warehouse, "", [])]


def test_it_fires_once_per_day_scope_and_currency(warehouse: Warehouse) -> None:
    total = replace(SPIKE, provider=None, service=None)
    days = (SPIKE, total, replace(total, currency="EUR"), replace(SPIKE, service=""))
    changes = night(warehouse, *days)
    assert [change.budget_id for change in changes] == [
        "anomaly:USD:aws:Amazon EC2", "anomaly:USD", "anomaly:EUR", "anomaly:USD:aws:",
    ]  # fmt: skip
    assert {change.kind for change in changes} == {"fired"}
    assert (changes[0].words, changes[0].window) == ("500 USD, 100 expected", "2026-03-20")
    before = status(warehouse)
    assert night(warehouse, *(replace(each, cost=Decimal(600)) for each in days), number=1) == []
    assert status(warehouse) == before
    assert len(set(warehouse.rows("SELECT alert_id FROM budget_alerts"))) == 4


def test_a_restatement_takes_it_away_and_brings_it_back(warehouse: Warehouse) -> None:
    night(warehouse, SPIKE)
    assert kinds(night(warehouse, CALM, number=1)) == ["resolved"]
    assert status(warehouse) == [("resolved", "the day now comes to 110 USD, 100 expected", 500)]
    assert night(warehouse, CALM, number=2) == []
    assert kinds(night(warehouse, replace(SPIKE, cost=Decimal(450)), number=3)) == ["reopened"]
    assert status(warehouse) == [("open", None, 450)]


def test_a_day_without_any_usage_left_resolves_it_and_a_day_that_is_not_judged_does_not(warehouse: Warehouse) -> None:
    night(warehouse, SPIKE)
    with warehouse.transaction():
        assert update_anomalies(warehouse, Judgement([DAY + timedelta(days=1)]), now=NIGHT, first_load=None) == []
    assert kinds(night(warehouse)) == ["resolved"]
    assert night(warehouse) == []


def test_without_the_section_live_ones_are_resolved_and_come_back_with_it(warehouse: Warehouse) -> None:
    night(warehouse, SPIKE)
    assert kinds(night(warehouse, judged=False)) == ["resolved"]
    assert status(warehouse)[0][:2] == ("resolved", "the configuration judges no days")
    assert night(warehouse, judged=False) == []
    assert kinds(night(warehouse, SPIKE)) == ["reopened"]


def test_days_of_before_the_first_load_are_suppressed(warehouse: Warehouse) -> None:
    first = datetime(2026, 3, 21)
    assert kinds(night(warehouse, SPIKE, first_load=first)) == ["suppressed"]
    assert [kinds(night(warehouse, each, first_load=first)) for each in (SPIKE, CALM, SPIKE)] == [
        [], ["resolved"], ["suppressed"]]  # fmt: skip
    assert [row[0] for row in status(warehouse)] == ["suppressed"]


def test_what_a_person_resolved_comes_back_only_after_it_had_gone(warehouse: Warehouse) -> None:
    night(warehouse, SPIKE)
    done = handling.resolve(read(warehouse, "", [])[0], ANN, "the migration", NIGHT)
    assert done is not None
    assert handling.label(done).endswith(" anomaly:USD:aws:Amazon EC2 500 USD, 100 expected of 2026-03-20")
    write(warehouse, [done], [])
    assert night(warehouse, SPIKE, number=1) == []
    assert kinds(night(warehouse, CALM, number=2)) == ["fell"]
    assert kinds(night(warehouse, SPIKE, number=3)) == ["reopened"]


def test_a_day_that_cost_nothing_came_to_0_percent(warehouse: Warehouse) -> None:
    [change] = night(warehouse, replace(SPIKE, cost=Decimal(0)))
    assert (change.percentage, change.words) == (Decimal(0), "0 USD, 100 expected")


def test_where_nothing_was_expected_the_percentage_is_100(warehouse: Warehouse) -> None:
    [change] = night(warehouse, replace(SPIKE, expected=Decimal(0)))
    assert (change.percentage, change.words) == (Decimal(100), "500 USD, 0 expected")
