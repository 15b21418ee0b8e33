"""What each scope of a file comes to: spend, forecast, health, thresholds, rates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.budgets.model import BudgetStatus, ThresholdState
from pipeline.budgets.status_table import status_rows
from pipeline.config.budgets import BudgetsConfig
from pipeline.store.warehouse import Warehouse
from tests.budgets.frames import AS_OF, at, budget, charge, daily, resource, resources, result


def only(cost: str, **more: object) -> BudgetStatus:
    """The global budget of 100 USD after one charge."""
    status = result((budget(**more),), charge(cost)).global_  # type: ignore[arg-type]
    assert status is not None
    return status


def state(cost: str, threshold: str) -> ThresholdState:
    return only(cost, alerts=at(threshold)).alerts[0].state


@pytest.mark.parametrize(
    ("cost", "health"),
    [("-5", "OK"), ("0", "OK"), ("79.999999999999999999", "OK"), ("80", "WARNING"), ("89.999999999999999999", "WARNING"),
     ("90", "CRITICAL"), ("99.999999999999999999", "CRITICAL"), ("100", "EXCEEDED"), ("1000000", "EXCEEDED")],
)  # fmt: skip
def test_health_changes_exactly_at_80_90_and_100(cost: str, health: str) -> None:
    assert only(cost).health == health


@pytest.mark.parametrize(
    ("cost", "expected"),
    [("74.999999999999999999", "OK"), ("75", "APPROACHING"), ("79.999999999999999999", "APPROACHING"),
     ("80", "EXCEEDED")],
)  # fmt: skip
def test_a_threshold_is_approached_from_5_below_and_exceeded_at_itself(cost: str, expected: str) -> None:
    assert state(cost, "80") == expected


def test_a_threshold_of_5_or_less_is_never_approached() -> None:
    assert (state("4.99", "5"), state("5", "5"), state("0", "0"), state("-1", "0")) == (
        "OK", "EXCEEDED", "EXCEEDED", "OK",
    )  # fmt: skip
    assert state("0.01", "5.01") == "APPROACHING"


def test_percentages_are_rounded_half_even_only_to_be_shown() -> None:
    assert str(only("79.9999995").percentage) == "80.000000"
    assert only("79.9999995").health == "OK"
    assert str(only("0.0000005").percentage) == "0.000000"


def test_credits_make_the_spend_negative() -> None:
    status = only("-12.5")
    assert (status.current_spend, status.percentage, status.health) == (Decimal("-12.5"), Decimal("-12.5"), "OK")


def test_without_charges_everything_is_zero() -> None:
    status = result((budget(),)).global_
    assert status is not None
    assert (status.current_spend, status.forecasted_spend, status.health) == (Decimal(0), Decimal(0), "OK")


def test_a_forecasted_threshold_compares_the_forecast() -> None:
    budgets = (budget(alerts=at(100, type="forecasted") + at(100)),)
    status = result(budgets, charge("10"), last=date(2026, 3, 3)).global_
    assert status is not None
    assert status.forecast_percentage == Decimal("103.333333")
    assert [alert.state for alert in status.alerts] == ["EXCEEDED", "OK"]


def test_without_a_forecast_its_threshold_is_ok_and_the_note_says_why() -> None:
    status = result((budget(alerts=at(1, type="forecasted")),), charge("99"), last=None).global_
    assert status is not None
    assert status.forecasted_spend is None
    assert status.forecast_note == "no complete day of usage in 2026-03 yet; a forecast needs one"
    assert status.alerts[0].state == "OK"


def test_purchases_and_corrections_are_no_run_rate() -> None:
    rows = charge("1"), charge("500", ChargeCategory="Purchase"), charge("-2", ChargeClass="Correction")
    status = result((budget(),), *rows, last=date(2026, 3, 1)).global_
    assert status is not None
    assert status.forecasted_spend == Decimal(529)


def through(scope: str, last: Mapping[str, date | None]) -> tuple[date | None, Decimal | None]:
    rows = charge("10", x_Source="a"), charge("20", x_Source="b", x_Provider="gcp")
    found = result((budget(), budget("provider:gcp"), budget("provider:oci")), *rows, last=last)
    status = next(status for status in found.statuses if status.budget_id == scope)
    return status.forecast_through, status.forecasted_spend


def test_a_forecast_over_several_sources_ends_at_the_earliest_of_their_last_days() -> None:
    last = {"a": date(2026, 3, 10), "b": date(2026, 3, 2)}
    assert through("global", last) == (date(2026, 3, 2), Decimal(465))


def test_a_scope_waits_only_for_the_sources_that_it_has_usage_of() -> None:
    last = {"a": date(2026, 3, 1), "b": date(2026, 3, 2)}
    assert through("provider:gcp", last) == (date(2026, 3, 2), Decimal(310))
    assert through("provider:oci", last) == (date(2026, 3, 1), Decimal(0))


def test_usage_of_a_source_without_daily_usage_counts_at_face_value() -> None:
    assert through("global", {"a": date(2026, 3, 1), "b": None}) == (date(2026, 3, 1), Decimal(330))
    assert through("global", {}) == (None, None)


def test_as_of_cuts_the_charges_and_the_complete_days() -> None:
    rows = charge("1", 1), charge("2", 2), charge("40", 3)
    status = result((budget(),), *rows, as_of=datetime(2026, 3, 2, 6)).global_
    assert status is not None
    assert (status.current_spend, status.forecasted_spend) == (Decimal(3), Decimal("46.5"))


def test_recorded_charges_and_other_periods_are_left_out() -> None:
    rows = charge("1"), charge("2", x_Origin="recorded"), charge("4", x_BillingPeriod="2026-02")
    used = resources(resource("1", "i-1"), resource("1", "i-2", x_Origin="recorded"))
    status = result((budget(),), *rows, used=used).global_
    assert status is not None
    assert (status.current_spend, status.matched_resources) == (Decimal(1), 1)


def test_a_second_currency_is_converted_at_its_rate() -> None:
    rows = charge("10"), charge("10", BillingCurrency="EUR")
    status = result((budget(),), *rows, rates={"EUR": Decimal("1.08"), "USD": Decimal(7)}).global_
    assert status is not None
    assert (status.current_spend, status.unconverted) == (Decimal("20.8"), ())


def test_a_missing_rate_makes_only_the_scopes_unspecified_that_need_it() -> None:
    rows = charge("10"), charge("12.5", BillingCurrency="EUR", x_Provider="azure")
    found = result((budget(), budget("provider:aws"), budget("provider:azure")), *rows)
    assert [status.health for status in found.statuses] == ["UNSPECIFIED", "OK", "UNSPECIFIED"]
    assert found.statuses[0].unconverted == (("EUR", Decimal("12.5")),)
    assert found.statuses[0].current_spend is None
    assert found.missing_rates == ("EUR",)
    (warning,) = found.warnings
    assert warning == (
        "12.5 EUR of 2026-03 have no rate to USD: global, provider:azure are UNSPECIFIED; "
        'give currency.rates."2026-03".EUR'
    )


def test_a_charge_without_currency_has_no_rate() -> None:
    assert result((budget(),), charge("1", BillingCurrency=None)).missing_rates == ("XXX",)


def test_a_disabled_scope_is_listed_and_says_nothing_else() -> None:
    found = result((budget(), budget("provider:aws", 0, exit_on_threshold=True)), charge("10"))
    (status,) = found.by_provider
    assert (status.health, status.current_spend, status.alerts, status.exit_code) == ("DISABLED", None, (), None)
    assert found.overall_health == "OK"


@pytest.mark.parametrize(
    ("costs", "worst"),
    [({}, "OK"), ({"aws": "85"}, "WARNING"), ({"aws": "85", "gcp": "100"}, "EXCEEDED")],
)
def test_overall_health_is_the_worst(costs: dict[str, str], worst: str) -> None:
    rows = [charge(cost, x_Provider=name) for name, cost in costs.items()]
    budgets = (budget(amount=10**6), budget("provider:aws"), budget("provider:gcp"))
    assert result(budgets, *rows).overall_health == worst


def test_overall_health_is_unspecified_without_budgets_and_no_ok_with_an_uncounted_one() -> None:
    assert result(BudgetsConfig()).overall_health == "UNSPECIFIED"
    assert result((budget(), budget("provider:aws")), charge("1", BillingCurrency="EUR", x_Provider="gcp")) \
        .overall_health == "UNSPECIFIED"  # fmt: skip


def test_critical_scopes_come_in_report_order() -> None:
    budgets = (budget("tag:team:ml", 10), budget("provider:aws", 11), budget(amount=1000))
    assert result(budgets, charge("10", tags={"team": "ml"})).critical_scopes == ("provider:aws", "tag:team:ml")


def test_warnings_are_the_files_and_one_per_tie_that_decided() -> None:
    budgets = BudgetsConfig((budget(), budget("tag:a:*"), budget("tag:b:*")), warnings=("of the file",))
    rows = charge("1", tags={"a": "1", "b": "1"}), charge("1", tags={"a": "2", "b": "2"}), charge("1", tags={"a": "1"})
    assert result(budgets, *rows).warnings == (
        "of the file",
        "tag budgets 'a:*' and 'b:*' match the same charges with priority 0; 'a:*' receives them",
    )


@given(st.lists(st.builds(charge, st.decimals(-(10**6), 10**6, places=18), st.integers(1, 31)), max_size=8))
def test_global_spend_is_the_sum_of_daily_costs(rows: list[dict[str, object]]) -> None:
    status = result((budget(),), *rows).global_
    assert status is not None
    assert status.current_spend == daily(*rows)["BilledCost"].sum() == status.forecasted_spend


def test_status_rows_fit_the_table(warehouse: Warehouse) -> None:
    rows = charge("10", tags={"team": "ml"}), charge("1", BillingCurrency="EUR", x_Provider="gcp")
    budgets = (budget(), budget("provider:aws", exit_on_threshold=True), budget("provider:oci", 0))
    positions = {scope.budget_id: position for position, scope in enumerate(budgets)}
    frame = status_rows(result(budgets, *rows).statuses, AS_OF, positions)
    assert frame.columns == warehouse.frame("SELECT * FROM budget_status").columns
    warehouse.insert("budget_status", frame)
    assert warehouse.rows(
        "SELECT position, budget_id, health, current_spend, unconverted, exit_code FROM budget_status ORDER BY 1"
    ) == [
        (0, "global", "UNSPECIFIED", None, '{"EUR": "1"}', None),
        (1, "provider:aws", "OK", Decimal(10), "{}", 1),
        (2, "provider:oci", "DISABLED", None, "{}", None),
    ]
