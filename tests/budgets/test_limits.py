"""Plans, rollover, thresholds in money, and children in their parent's status."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.budgets import windows
from pipeline.budgets.evaluate import open_books, status
from pipeline.budgets.limits import (
    calculate_rollover,
    get_rollover_amount,
    planned_limit,
    process_period_end,
)
from pipeline.budgets.model import BudgetStatus
from pipeline.budgets.spend import Books
from pipeline.budgets.status_table import status_rows, write_status
from pipeline.config.budgets import AlertThreshold, ScopeBudget
from pipeline.errors import UsageError
from pipeline.store.warehouse import Warehouse
from tests.budgets.frames import budget, charge, daily, result

MARCH_22 = datetime(2026, 3, 22, 6)
MONEY = st.decimals(0, 10**6, places=2)


def books(*rows: dict[str, Any], own: ScopeBudget, **days: int) -> Books:
    """Charges with a source that is complete through a day of each month: ``feb=28`` and so on."""
    numbers = {"jan": 1, "feb": 2, "mar": 3}
    last = {f"2026-{numbers[name]:02}": {"aws-prod": date(2026, numbers[name], day)} for name, day in days.items()}
    return open_books([own], daily(*rows), as_of=MARCH_22, days=last, rates={})[0]


def money(*amounts: int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, amounts))


def february(cost: str) -> dict[str, Any]:
    return charge(cost, date(2026, 2, 10), x_BillingPeriod="2026-02")


def march(own: ScopeBudget, made: Books) -> BudgetStatus:
    window = windows.current(own, MARCH_22)
    assert window is not None
    return status(own, window, made, None)


@pytest.mark.parametrize(
    ("spend", "carried"), [("100", "0"), ("130", "0"), ("90", "10"), ("75", "25"), ("10", "25"), ("-5", "25")]
)
def test_what_is_left_goes_on_up_to_a_share_of_the_limit(spend: str, carried: str) -> None:
    assert calculate_rollover(Decimal(100), Decimal(spend), Decimal(25)) == Decimal(carried)


@given(MONEY, MONEY, st.decimals(0, 100, places=2))
def test_rollover_is_never_negative_nor_above_its_share(limit: Decimal, spend: Decimal, share: Decimal) -> None:
    assert 0 <= calculate_rollover(limit, spend, share) <= limit * share / 100


def test_rollover_follows_every_restatement_and_does_not_compound() -> None:
    own = budget(rollover=Decimal(25))
    seen = [march(own, books(february(cost), charge("110"), own=own, feb=28, mar=21)) for cost in ("90", "99", "0")]
    assert [(each.rollover, each.effective_limit) for each in seen] == [money(10, 110), money(1, 101), money(25, 125)]
    assert [each.health for each in seen] == ["EXCEEDED", "EXCEEDED", "WARNING"]


@pytest.mark.parametrize(
    ("more", "days", "reason"),
    [
        ({}, {"feb": 27, "mar": 21}, "its data is incomplete"),
        ({}, {"mar": 21}, "its data is incomplete"),
        ({"starts": date(2026, 3, 1)}, {"feb": 28, "mar": 21}, "it is not within the budget's dates"),
    ],
)
def test_nothing_is_carried_from_what_is_not_known(more: dict[str, Any], days: dict[str, int], reason: str) -> None:
    own = budget(rollover=Decimal(25), **more)
    made = books(february("10"), own=own, **days)
    window = windows.preceding(own, windows.around(own, MARCH_22))
    assert (process_period_end(own, window, made).reason, march(own, made).effective_limit) == (reason, Decimal(100))


def test_a_source_that_is_missing_leaves_the_month_incomplete() -> None:
    own = budget(rollover=Decimal(25))
    both = {"aws-prod": date(2026, 1, 31), "gcp": date(2026, 1, 31)}
    days = {"2026-01": both, "2026-02": {"aws-prod": date(2026, 2, 28)}}
    made = open_books([own], daily(february("10")), as_of=MARCH_22, days=days, rates={})[0]
    assert march(own, made).rollover == 0


def test_the_rollover_of_a_window_can_be_asked(warehouse: Warehouse) -> None:
    own = budget(rollover=Decimal(25))
    rows = status_rows([march(own, books(february("90"), own=own, feb=28, mar=21))], MARCH_22, {"global": 0})
    write_status(warehouse, rows, [own])
    assert get_rollover_amount(warehouse, "global", MARCH_22) == 10
    with pytest.raises(UsageError, match="no window that holds 2026-04-02 was judged yet"):
        get_rollover_amount(warehouse, "global", datetime(2026, 4, 2))


def test_a_plan_carries_its_last_amount_on() -> None:
    own = budget(planned=(("2026-02", Decimal(50)), ("2026-05", Decimal(0))))
    limits = [planned_limit(own, windows.around(own, datetime(2026, month, 1))) for month in (1, 2, 4, 5, 12)]
    assert limits == [100, 50, 50, 0, 0]
    quarters = budget(period="quarterly", planned=(("2026-Q2", Decimal(7)),))
    assert [planned_limit(quarters, windows.around(quarters, datetime(2026, m, 1))) for m in (3, 4)] == [100, 7]


@pytest.mark.parametrize(("cost", "percentage", "health"), [("0", 0, "OK"), ("0.01", 100, "EXCEEDED"), ("-1", 0, "OK")])
def test_anything_spent_of_a_plan_of_nothing_is_all_of_it(cost: str, percentage: int, health: str) -> None:
    (found,) = result((budget(planned=(("2026-03", Decimal(0)),)),), charge(cost)).statuses
    assert (found.percentage, found.health, found.effective_limit) == (Decimal(percentage), health, Decimal(0))


@pytest.mark.parametrize(
    ("cost", "state"), [("69.99", "OK"), ("70", "APPROACHING"), ("79.99", "APPROACHING"), ("80", "EXCEEDED")]
)
def test_a_threshold_may_be_an_amount(cost: str, state: str) -> None:
    own = budget(amount=200, alerts=(AlertThreshold(Decimal(80), "actual", unit="amount"),))
    (found,) = result((own,), charge(cost)).statuses
    assert found.alerts[0].state == state


def test_ten_times_a_tenth_reaches_one() -> None:
    (found,) = result((budget(amount=1),), *[charge("0.1")] * 10).statuses
    assert (found.percentage, found.health) == (Decimal(100), "EXCEEDED")
    (found,) = result((budget(),), charge("90")).statuses
    assert (found.percentage, found.health) == (Decimal(90), "CRITICAL")


def test_a_child_shows_in_its_parents_status() -> None:
    scopes = budget(), budget("provider:aws", 40, parent="global"), budget("provider:gcp", 40)
    told = result(scopes, charge("38")).to_json_dict()["global"]
    assert told["children"] == [{"budget_id": "provider:aws", "health": "CRITICAL", "percentage": "95.000000"}]
