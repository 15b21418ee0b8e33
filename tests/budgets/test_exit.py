"""How budgets let a run end."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.budgets.evaluate import exit_decision
from pipeline.budgets.model import ExitDecision
from pipeline.config.budgets import ScopeBudget
from tests.budgets.frames import at, budget, charge, result


def decide(cost: str, *budgets: ScopeBudget) -> ExitDecision:
    return exit_decision(result(budgets, charge(cost, tags={"team": "ml"})))


def test_nothing_breached_ends_with_0() -> None:
    assert decide("99.99", budget(exit_on_threshold=True)) == ExitDecision()


def test_a_breach_ends_with_the_scopes_code_and_says_why() -> None:
    made = decide("120", budget(exit_on_threshold=True, exit_code=7))
    assert (made.code, made.scope, made.warning) == (7, "global", None)
    assert made.reason == "budget global, 2026-03: spend 120 USD is 120 % of 100 USD, at or over its threshold of 100 %"


def test_without_exit_on_threshold_nothing_breaches() -> None:
    assert decide("120", budget()) == ExitDecision()


def test_of_the_default_thresholds_only_100_counts() -> None:
    assert decide("80", budget(exit_on_threshold=True)).code == 0
    assert decide("100", budget(exit_on_threshold=True)).code == 1


@pytest.mark.parametrize(("counts", "code"), [(True, 1), (False, 0)])
def test_an_alert_with_exit_false_is_left_out(counts: bool, code: int) -> None:
    assert decide("60", budget(exit_on_threshold=True, alerts=at(50, exit=counts))).code == code


def test_the_first_breached_scope_in_report_order_decides() -> None:
    scopes = (
        budget("tag:team:ml", 10, exit_on_threshold=True, exit_code=3),
        budget("provider:aws", 10, exit_on_threshold=True, exit_code=2),
        budget(amount=1000, exit_on_threshold=True, exit_code=9),
    )
    assert (decide("10", *scopes).code, decide("10", *scopes).scope) == (2, "provider:aws")


def test_code_0_is_a_warning_and_decides_too() -> None:
    scopes = budget(exit_on_threshold=True, exit_code=0), budget("provider:aws", exit_on_threshold=True, exit_code=2)
    made = decide("100", *scopes)
    assert (made.code, made.scope) == (0, "global")
    assert (
        made.warning == "budget global, 2026-03: spend 100 USD is 100 % of 100 USD, at or over its threshold of 100 %"
    )


def test_a_forecasted_threshold_breaches_with_its_own_figure() -> None:
    budgets = (budget(exit_on_threshold=True, alerts=at(100, type="forecasted")),)
    made = exit_decision(result(budgets, charge("10"), last=date(2026, 3, 1)))
    assert (
        made.reason == "budget global, 2026-03: forecast 310 USD is 310 % of 100 USD, at or over its threshold of 100 %"
    )


def test_a_scope_without_a_rate_breaches_nothing() -> None:
    found = result((budget(exit_on_threshold=True),), charge("900", BillingCurrency="EUR"))
    assert exit_decision(found) == ExitDecision()
