"""How budgets stand, as a document."""

from __future__ import annotations

from pipeline.reports.model import ReportContext
from pipeline.store.warehouse import Warehouse
from tests.reports.editions.conftest import column, fact, table, told


def test_it_has_every_budget_policy_and_alert_of_the_page(rich_warehouse: Warehouse, rich: ReportContext) -> None:
    [document] = told(rich_warehouse, "budgets", "2026-03")
    budgets, standing = table(document, "budgets"), rich.standing
    assert column(budgets, "budget_id") == [own.id for own in standing.budgets]
    assert column(budgets, "forecasted_spend") == [own.forecast for own in standing.budgets]
    assert column(table(document, "policies"), "budget_id") == [own.budget.id for own in standing.policies]
    assert column(table(document, "alerts"), "status") == ["open", "open", "acknowledged", "resolved"]
    assert fact(document, "health", None).value == standing.health


def test_suppressed_alerts_are_a_number(rich_warehouse: Warehouse) -> None:
    rich_warehouse.execute("BEGIN TRANSACTION")
    rich_warehouse.execute("UPDATE budget_alerts SET status = 'suppressed' WHERE status = 'open'")
    [document] = told(rich_warehouse, "budgets", "2026-03")
    rich_warehouse.execute("ROLLBACK")
    assert "2 alerts of windows that ended before the first load" in document.parts[0].lead
    assert column(table(document, "alerts"), "status") == ["acknowledged", "resolved"]


def test_a_day_shows_the_windows_that_hold_it(rich_warehouse: Warehouse) -> None:
    [document] = told(rich_warehouse, "budgets", "2026-03-10")
    assert set(column(table(document, "budgets"), "window")) == {"2026-03"}
    assert len(table(document, "alerts").rows) == 4
