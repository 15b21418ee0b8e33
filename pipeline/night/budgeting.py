"""Budgets of one billing period: which are due, evaluated on the rollups, written with their alerts."""

from __future__ import annotations

from datetime import datetime

from pipeline import periods, resources
from pipeline.budgets import alert_table, alerts, evaluate, event_table, handling, ledger
from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.events import BUS
from pipeline.budgets.model import BudgetResult
from pipeline.config import BudgetsConfig, Settings
from pipeline.night.summarising import last_days
from pipeline.store import rollups
from pipeline.store.warehouse import Warehouse

#: Periods whose budgets wait for a rate: counted as soon as the configuration has it.
_UNCOUNTED = "SELECT DISTINCT x_BillingPeriod FROM budget_status WHERE unconverted <> '{}'"


def due_periods(warehouse: Warehouse, as_of: datetime) -> list[str]:
    """Return the billing periods that loads touched, those that wait for a rate, and the current one."""
    uncounted = {row[0] for row in warehouse.rows(_UNCOUNTED)}
    return sorted({*rollups.due(warehouse, "budgets"), *uncounted, periods.label(as_of)})


def evaluate_period(
    warehouse: Warehouse, settings: Settings, period: str, as_of: datetime, *, explain: bool = False
) -> BudgetResult:
    """Evaluate the configured budgets of one billing period; writes nothing."""
    config = settings.budgets or BudgetsConfig()
    rates = settings.currency.rates.get(period, {})
    currency = config.scopes[0].currency if config.scopes else settings.currency.report
    return evaluate.evaluate(
        config,
        warehouse.frame("SELECT * FROM daily_costs WHERE x_BillingPeriod = ?", [period]),
        warehouse.frame(resources.sql("night/resource_costs"), [period]),
        period=period,
        as_of=as_of,
        last_complete_day=last_days(warehouse, period),
        rates=rates if currency == settings.currency.report else {},
        explain=explain,
    )


def write_budgets(
    warehouse: Warehouse, settings: Settings, period: str, result: BudgetResult, as_of: datetime
) -> list[AlertChange]:
    """Write the status of a billing period's budgets and their alerts; returns the alerts that changed."""
    config = settings.budgets or BudgetsConfig()
    rows = evaluate.status_rows(result)
    stored = warehouse.frame("SELECT * FROM budget_status WHERE x_BillingPeriod = ? ORDER BY position", [period])
    is_same = rows.sort("position").rows() == stored.select(rows.columns).rows()
    before = event_table.healths(warehouse)
    suppressed = _ended_before_first_load(warehouse, period)
    with warehouse.transaction():
        synced = ledger.sync_budgets(warehouse, config, as_of)
        if not is_same:
            warehouse.execute("DELETE FROM budget_status WHERE x_BillingPeriod = ?", [period])
            warehouse.insert("budget_status", rows)
        changes = alerts.update_alerts(warehouse, result, now=as_of, suppressed=suppressed)
        told = event_table.of_alerts(warehouse, changes, as_of)
        told += [] if suppressed else event_table.of_health(before, result.statuses, as_of)
        event_table.keep(warehouse, told)
        rollups.done(warehouse, period, "budgets")
        if synced or changes or not is_same:
            rollups.mark_reports(warehouse, None if synced else period)
    BUS.deliver(told)
    return changes


def wake_alerts(warehouse: Warehouse, as_of: datetime) -> list[AlertChange]:
    """End the snoozes that have run out; returns the alerts, all of them live."""
    where = "WHERE status IN ('open', 'acknowledged') AND snoozed_until <= ?"
    woken = [handling.wake(alert, as_of) for alert in alert_table.read(warehouse, where, [as_of])]
    if not woken:
        return []
    changes = [alerts.told("woken", alert, as_of) for alert in woken]
    with warehouse.transaction():
        alert_table.write(warehouse, woken, [])
        told = event_table.of_alerts(warehouse, changes, as_of)
        event_table.keep(warehouse, told)
        for period in {alert.x_BillingPeriod for alert in woken}:
            rollups.mark_reports(warehouse, period)
    BUS.deliver(told)
    return changes


def remember_first_load(warehouse: Warehouse, as_of: datetime) -> None:
    """Note when the warehouse got its first charges: before the load, so that a kill right after it loses nothing."""
    if not warehouse.value("SELECT count(*) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0"):
        warehouse.execute("INSERT OR REPLACE INTO settings VALUES ('first_load', ?)", [as_of.isoformat()])


def _ended_before_first_load(warehouse: Warehouse, period: str) -> bool:
    first = warehouse.value("SELECT value FROM settings WHERE name = 'first_load'")
    return first is not None and periods.month(period).end <= datetime.fromisoformat(first)
