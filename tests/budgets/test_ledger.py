"""The table of budgets follows the file and forgets nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from pipeline.budgets.ledger import BudgetChange, sync_budgets
from pipeline.config.budgets import ScopeBudget
from pipeline.store.warehouse import Warehouse
from tests.budgets.frames import at, budget, config

MONDAY, TUESDAY, FRIDAY = (datetime(2026, 3, day, 6) for day in (2, 3, 6))


def sync(warehouse: Warehouse, now: datetime, *scopes: ScopeBudget) -> list[BudgetChange]:
    with warehouse.transaction():
        return sync_budgets(warehouse, config(*scopes), now)


def test_a_new_budget_is_added_with_all_that_the_file_says(warehouse: Warehouse) -> None:
    scope = budget("tag:team:ml", "12.5", name="ML", owner="Ada", priority=3, alerts=at("80.50", exit=False))
    assert sync(warehouse, MONDAY, scope) == [BudgetChange("added", "tag:team:ml")]
    assert warehouse.rows("SELECT * FROM budgets") == [
        ("tag:team:ml", "file", "tag", "team:ml", "ML", "Ada", Decimal("12.5"), "USD", "monthly", 3,
         '[{"threshold": "80.5", "type": "actual", "exit": false, "unit": "percent"}]', True, MONDAY, None,
             "billing", None, None, "{}", None, None, "billed", None, *[None] * 12)
    ]  # fmt: skip


def test_the_same_file_again_changes_nothing(warehouse: Warehouse) -> None:
    scopes = budget(amount="33.3333333333333333333333"), budget("provider:aws", 0)
    sync(warehouse, MONDAY, *scopes)
    before = warehouse.rows("SELECT * FROM budgets ORDER BY 1")
    assert sync(warehouse, TUESDAY, *reversed(scopes)) == []
    assert warehouse.rows("SELECT * FROM budgets ORDER BY 1") == before


@pytest.mark.parametrize(
    "edit", [{"amount": Decimal(5)}, {"name": "n"}, {"owner": "o"}, {"priority": 2}, {"alerts": at(1)}]
)
def test_an_edited_budget_is_changed_and_keeps_its_start(warehouse: Warehouse, edit: dict[str, object]) -> None:
    scope = budget("tag:team:ml")
    sync(warehouse, MONDAY, scope)
    assert sync(warehouse, TUESDAY, replace(scope, **edit)) == [  # type: ignore[arg-type]
        BudgetChange("changed", "tag:team:ml")
    ]
    assert warehouse.rows("SELECT started_at, ended_at FROM budgets") == [(MONDAY, None)]


def test_a_budget_that_leaves_the_file_ends_once_and_stays(warehouse: Warehouse) -> None:
    sync(warehouse, MONDAY, budget())
    assert sync(warehouse, TUESDAY) == [BudgetChange("ended", "global")]
    assert sync(warehouse, FRIDAY) == []
    assert warehouse.rows("SELECT amount, ended_at FROM budgets") == [(Decimal(100), TUESDAY)]


def test_a_budget_that_comes_back_is_no_longer_ended(warehouse: Warehouse) -> None:
    sync(warehouse, MONDAY, budget())
    sync(warehouse, TUESDAY)
    assert sync(warehouse, FRIDAY, budget(amount=7)) == [BudgetChange("resumed", "global")]
    assert warehouse.rows("SELECT amount, started_at, ended_at FROM budgets") == [(Decimal(7), MONDAY, None)]


def test_budgets_of_other_doors_are_left_alone(warehouse: Warehouse) -> None:
    sync(warehouse, MONDAY, budget())
    warehouse.execute("UPDATE budgets SET origin = 'policy'")
    assert sync(warehouse, TUESDAY) == []


def test_all_of_it_can_happen_in_one_transaction(warehouse: Warehouse) -> None:
    with warehouse.transaction():
        for scopes in ((budget(),), (), (budget(amount=9),), (budget(amount=8),)):
            sync_budgets(warehouse, config(*scopes), MONDAY)
    assert warehouse.value("SELECT amount FROM budgets") == 8
