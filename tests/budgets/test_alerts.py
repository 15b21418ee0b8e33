"""The life of an alert, night by night, on a real warehouse."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.budgets.alerts import AlertChange, update_alerts
from pipeline.budgets.ledger import sync_budgets
from pipeline.config.budgets import AlertThreshold, ScopeBudget
from pipeline.store.warehouse import Warehouse
from tests.budgets.frames import LAST_DAY, at, budget, charge, config, result
from tests.soak import more

FIRST_NIGHT = datetime(2026, 4, 1, 3)
TABLE = "SELECT * FROM budget_alerts ORDER BY alert_id"
FORECAST_100 = at(100, type="forecasted")


def night(
    warehouse: Warehouse,
    cost: str | dict[str, Any],
    *budgets: ScopeBudget,
    number: int = 0,
    suppressed: bool = False,
    last: date | None = LAST_DAY,
) -> list[AlertChange]:
    """One run over one charge, by default with a global budget of 100 and a threshold of 80."""
    scopes = budgets or (budget(alerts=at(80)),)
    row = charge(cost) if isinstance(cost, str) else cost
    now = FIRST_NIGHT + timedelta(days=number)
    with warehouse.transaction():
        sync_budgets(warehouse, config(*scopes), now)
        found = result(scopes, row, last=last)
        first_load = datetime(2026, 5, 1) if suppressed else None
        return update_alerts(warehouse, found.statuses, scopes, now=now, first_load=first_load)


def kinds(changes: list[AlertChange]) -> list[str]:
    return [change.kind for change in changes]


def test_an_alert_fires_at_its_threshold_and_is_written(warehouse: Warehouse) -> None:
    assert night(warehouse, "79.999999999999999999") == []
    (change,) = night(warehouse, "80")
    assert (change.kind, change.budget_id, change.type) == ("fired", "global", "actual")
    assert change.threshold == 80
    assert (change.percentage, change.severity, change.reason) == (Decimal(80), "warning", None)
    columns = (
        "alert_id, x_BillingPeriod, period_start, occurrence, status, spend, effective_limit, fired_at, resolved_at"
    )
    assert warehouse.rows(f"SELECT {columns} FROM budget_alerts") == [
        (change.alert_id, "2026-03", datetime(2026, 3, 1), 1, "open", 80, 100, FIRST_NIGHT, None)
    ]


def test_what_fired_never_fires_again(warehouse: Warehouse) -> None:
    night(warehouse, "80")
    before = warehouse.rows(TABLE)
    assert night(warehouse, "80", number=1) == night(warehouse, "90", number=2) == []
    assert warehouse.rows(TABLE) == before


def test_a_jump_over_several_thresholds_fires_each(warehouse: Warehouse) -> None:
    changes = night(warehouse, "130", budget(alerts=at(50, 80, 100, 150)))
    assert [(str(change.threshold), change.severity) for change in changes] == [
        ("50.000000", "emergency"), ("80.000000", "emergency"), ("100.000000", "emergency"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cost", "severity"),
    [("79.999999999999999999", "info"), ("80", "warning"), ("99.999999999999999999", "warning"), ("100", "critical"),
     ("124.999999999999999999", "critical"), ("125", "emergency")],
)  # fmt: skip
def test_severity_goes_by_the_percentage_at_firing(warehouse: Warehouse, cost: str, severity: str) -> None:
    assert [change.severity for change in night(warehouse, cost, budget(alerts=at(10)))] == [severity]


def test_a_restatement_under_the_threshold_resolves_with_the_reason(warehouse: Warehouse) -> None:
    night(warehouse, "80")
    (change,) = night(warehouse, "70", number=1)
    assert (change.kind, change.percentage) == ("resolved", Decimal(70))
    assert change.reason == "spend fell to 70 USD, 70.000000 % of 100"
    assert warehouse.rows("SELECT status, resolved_at, reason, spend FROM budget_alerts") == [
        ("resolved", FIRST_NIGHT + timedelta(days=1), change.reason, Decimal(80))
    ]
    assert night(warehouse, "60", number=2) == []


def test_crossed_again_the_same_row_is_reopened_and_told_once(warehouse: Warehouse) -> None:
    (fired,) = night(warehouse, "80")
    night(warehouse, "70", number=1)
    (reopened,) = night(warehouse, "130", number=2)
    assert (reopened.kind, reopened.alert_id, reopened.severity) == ("reopened", fired.alert_id, "emergency")
    assert night(warehouse, "130", number=3) == []
    assert warehouse.rows("SELECT status, occurrence, spend, fired_at, resolved_at, reason FROM budget_alerts") == [
        ("open", 1, Decimal(130), FIRST_NIGHT, None, None)
    ]


def test_the_history_keeps_everything(warehouse: Warehouse) -> None:
    for number, cost in enumerate(("80", "70", "90")):
        night(warehouse, cost, number=number)
    history = json.loads(warehouse.value("SELECT history FROM budget_alerts"))
    assert [(entry["event"], entry["percentage"], entry["at"]) for entry in history] == [
        ("fired", "80.000000", "2026-04-01T03:00:00Z"),
        ("resolved", "70.000000", "2026-04-02T03:00:00Z"),
        ("reopened", "90.000000", "2026-04-03T03:00:00Z"),
    ]


def test_an_old_window_writes_suppressed_alerts_and_reopens_them_suppressed(warehouse: Warehouse) -> None:
    told = [kinds(night(warehouse, cost, number=n, suppressed=True)) for n, cost in enumerate(("90", "90", "10", "90"))]
    assert told == [["suppressed"], [], ["resolved"], ["suppressed"]]
    assert warehouse.value("SELECT status FROM budget_alerts") == "suppressed"


def test_a_forecasted_alert_that_fell_fires_as_the_next_occurrence(warehouse: Warehouse) -> None:
    scope = budget(amount=310, alerts=FORECAST_100)
    told = [
        night(warehouse, cost, scope, number=number, last=date(2026, 3, 1))
        for number, cost in enumerate(("10", "10", "9", "9", "11"))
    ]
    assert [kinds(changes) for changes in told] == [["fired"], [], ["resolved"], [], ["fired"]]
    assert warehouse.rows("SELECT occurrence, status, spend FROM budget_alerts ORDER BY 1") == [
        (1, "resolved", Decimal(310)), (2, "open", Decimal(341)),
    ]  # fmt: skip


def test_without_a_forecast_a_forecasted_alert_stays_as_it_is(warehouse: Warehouse) -> None:
    scope = budget(amount=310, alerts=FORECAST_100)
    night(warehouse, "10", scope, last=date(2026, 3, 1))
    assert night(warehouse, "1", scope, last=None) == []
    assert warehouse.value("SELECT status FROM budget_alerts") == "open"


@pytest.mark.parametrize("thresholds", [at(100), FORECAST_100])
def test_editing_the_amount_raises_no_occurrence(warehouse: Warehouse, thresholds: tuple[AlertThreshold, ...]) -> None:
    told = [
        night(warehouse, "100", budget(amount=amount, alerts=thresholds), number=number)
        for number, amount in enumerate((100, 200, 100))
    ]
    assert [kinds(changes) for changes in told] == [["fired"], ["resolved"], ["reopened"]]
    assert "the limit was 100" in str(told[1][0].reason)
    assert warehouse.rows("SELECT occurrence FROM budget_alerts") == [(1,)]


def test_a_lower_amount_that_brings_a_fallen_forecast_back_raises_no_occurrence(warehouse: Warehouse) -> None:
    night(warehouse, "100", budget(alerts=FORECAST_100))
    night(warehouse, "60", budget(alerts=FORECAST_100), number=1)
    assert kinds(night(warehouse, "60", budget(amount=50, alerts=FORECAST_100), number=2)) == ["reopened"]


def test_a_budget_that_left_the_file_resolves_its_alerts(warehouse: Warehouse) -> None:
    night(warehouse, "90", budget(alerts=at(80)), budget("provider:aws", alerts=at(80)))
    (change,) = night(warehouse, "90", number=1)
    assert (change.kind, change.budget_id, change.percentage) == ("resolved", "provider:aws", Decimal(90))
    assert change.reason == "the budget left the configuration file"
    assert night(warehouse, "90", number=2) == []


def test_a_threshold_that_left_the_file_resolves_its_alert(warehouse: Warehouse) -> None:
    night(warehouse, "90", budget(alerts=at(50, 80)))
    (change,) = night(warehouse, "90", number=1)
    assert (change.threshold, change.reason) == (Decimal(50), "the budget no longer has a threshold 50 actual")


def test_a_budget_that_comes_back_reopens_its_alert(warehouse: Warehouse) -> None:
    both = budget(alerts=at(80)), budget("provider:aws", alerts=FORECAST_100)
    night(warehouse, "100", *both)
    night(warehouse, "100", number=1)
    assert kinds(night(warehouse, "100", *both, number=2)) == ["reopened"]


def test_alerts_of_other_doors_are_left_alone(warehouse: Warehouse) -> None:
    night(warehouse, "90", budget("provider:aws", alerts=at(80)))
    warehouse.execute("UPDATE budgets SET origin = 'another'")
    assert update_alerts(warehouse, (), (), now=FIRST_NIGHT, first_load=None) == []


def test_a_disabled_budget_neither_fires_nor_resolves(warehouse: Warehouse) -> None:
    night(warehouse, "90", budget(alerts=at(80)), budget("provider:aws", alerts=at(80)))
    off = budget("provider:aws", 0, alerts=at(50))
    assert night(warehouse, "10", budget(alerts=at(5)), off, number=1)[-1].budget_id == "global"
    assert warehouse.value("SELECT status FROM budget_alerts WHERE budget_id = 'provider:aws'") == "open"


def test_a_budget_without_a_rate_neither_fires_nor_resolves(warehouse: Warehouse) -> None:
    night(warehouse, "90")
    assert night(warehouse, charge("1", BillingCurrency="EUR"), number=1) == []
    assert warehouse.value("SELECT status FROM budget_alerts") == "open"


def test_an_acknowledged_alert_stays_until_the_spend_falls(warehouse: Warehouse) -> None:
    night(warehouse, "90")
    warehouse.execute("UPDATE budget_alerts SET status = 'acknowledged'")
    assert night(warehouse, "95", number=1) == []
    assert kinds(night(warehouse, "10", number=2)) == ["resolved"]


def test_thresholds_that_differ_beyond_six_decimals_are_one_alert(warehouse: Warehouse) -> None:
    assert kinds(night(warehouse, "90", budget(alerts=at("80.0000001", "80.0000002")))) == ["fired"]


def test_an_alert_has_the_same_id_in_every_warehouse(warehouse: Warehouse) -> None:
    (change,) = night(warehouse, "90")
    assert change.alert_id == "38be9c84758c99d18fb7b10c0cb2061b"


def test_all_of_it_can_happen_in_one_transaction(warehouse: Warehouse) -> None:
    scopes = (budget(alerts=at(80) + FORECAST_100),)
    with warehouse.transaction():
        sync_budgets(warehouse, config(*scopes), FIRST_NIGHT)
        for cost in ("100", "10", "110", "20", "120"):
            update_alerts(warehouse, result(scopes, charge(cost)).statuses, scopes, now=FIRST_NIGHT, first_load=None)
    assert warehouse.rows("SELECT type, occurrence, status FROM budget_alerts ORDER BY 1, 2") == [
        ("actual", 1, "open"), ("forecasted", 1, "resolved"), ("forecasted", 2, "resolved"), ("forecasted", 3, "open"),
    ]  # fmt: skip


NIGHTS = st.lists(
    st.tuples(st.sampled_from(["0", "79", "80", "100", "130", "-4"]), st.sampled_from([100, 50, 0]), st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=more(6, 60))
@given(NIGHTS)
def test_any_night_run_again_changes_nothing(warehouse: Warehouse, nights: list[tuple[str, int, bool]]) -> None:
    warehouse.execute("DELETE FROM budget_alerts")
    for number, (cost, amount, suppressed) in enumerate(nights):
        scopes = budget(amount=1000), budget("provider:aws", amount, alerts=at(80, 100) + FORECAST_100)
        night(warehouse, cost, *scopes, number=number, suppressed=suppressed)
        before = warehouse.rows(TABLE)
        assert night(warehouse, cost, *scopes, number=number + 1, suppressed=suppressed) == []
        assert warehouse.rows(TABLE) == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=more(6, 60))
@given(NIGHTS)
def test_an_actual_threshold_has_one_row_that_is_live_exactly_when_crossed(
    warehouse: Warehouse, nights: list[tuple[str, int, bool]]
) -> None:
    warehouse.execute("DELETE FROM budget_alerts")
    for number, (cost, _, suppressed) in enumerate(nights):
        night(warehouse, cost, number=number, suppressed=suppressed)
    rows = warehouse.rows("SELECT status <> 'resolved' FROM budget_alerts")
    ever = any(Decimal(cost) >= 80 for cost, _, _ in nights)
    assert rows == ([(Decimal(nights[-1][0]) >= 80,)] if ever else [])


def test_a_rolling_alert_is_a_crossing_and_comes_again_only_after_the_spend_fell(warehouse: Warehouse) -> None:
    scope = budget(period="rolling_7d", period_by="charge", alerts=at(80))
    costs = ("90", "95", "10", "90")
    told = [kinds(night(warehouse, charge(cost, 31), scope, number=n)) for n, cost in enumerate(costs)]
    assert told == [["fired"], [], ["resolved"], ["fired"]]
    assert warehouse.rows("SELECT occurrence, period_start, period_end, status FROM budget_alerts ORDER BY 1") == [
        (1, datetime(1970, 1, 1), datetime(2026, 4, 1), "resolved"),
        (2, datetime(1970, 1, 1), datetime(2026, 4, 1), "open"),
    ]


def test_a_day_and_the_month_that_it_begins_have_alerts_of_their_own(warehouse: Warehouse) -> None:
    night(warehouse, "90")
    daily = budget(period="daily", period_by="charge", alerts=at(80))
    assert kinds(night(warehouse, charge("90", 31), daily)) == ["fired"]
    assert warehouse.value("SELECT count(*) FROM budget_alerts") == 2
