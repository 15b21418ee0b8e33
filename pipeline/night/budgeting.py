"""Budgets of a night: which windows are due, judged on the rollups, written with their alerts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline import periods, resources
from pipeline.budgets import (
    alert_table,
    alerts,
    anomalies,
    charges,
    evaluate,
    event_table,
    filters,
    handling,
    ledger,
    scopes,
    status_table,
    windows,
)
from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.anomalies import Judgement
from pipeline.budgets.events import BUS
from pipeline.budgets.model import Allocation, BudgetResult, BudgetStatus
from pipeline.budgets.spend import Books, PeriodRates
from pipeline.config import BudgetsConfig, Settings
from pipeline.config.budgets import CALENDAR, ROLLING, ScopeBudget
from pipeline.night.judging import judge_days
from pipeline.night.loaded import latest_period, loaded_periods
from pipeline.night.summarising import last_days
from pipeline.periods import Window
from pipeline.store import rollups
from pipeline.store.warehouse import Warehouse

if TYPE_CHECKING:
    import polars as pl

Judged = tuple[ScopeBudget, Window]


def evaluate_period(
    warehouse: Warehouse,
    settings: Settings,
    period: str,
    as_of: datetime,
    *,
    keys: Collection[str],
    explain: bool = False,
) -> BudgetResult:
    """Judge the configured budgets in the windows that answer for one billing period; writes nothing.

    Args:
        keys: the tag keys that the roll-up reports.
    """
    config = settings.budgets or BudgetsConfig()
    moment = windows.shown_moment(period, as_of)
    shown = [(budget, windows.current(budget, moment)) for budget in config.scopes]
    judged = [(budget, window) for budget, window in shown if window]
    books, ties = read_books(warehouse, settings, judged, as_of, keys)
    statuses = _judge(warehouse, config.scopes, judged, books, keys)
    result = evaluate.assemble(config, period, moment, statuses, ties)
    return replace(result, allocations=explained(warehouse, config, judged, period)) if explain else result


@dataclass(frozen=True)
class Checked:
    """What checking budgets found: the current windows' result, and of all windows the alerts that changed, the
    warnings, and whether a rate is missing."""

    result: BudgetResult
    changes: Sequence[AlertChange]
    warnings: Sequence[str]
    lacks_rates: bool


def check_due(warehouse: Warehouse, settings: Settings, as_of: datetime, keys: Collection[str]) -> Checked:
    """Judge every window and day that loads touched and the current ones; write their status and alerts."""
    config = settings.budgets or BudgetsConfig()
    due = rollups.due(warehouse, "budgets")
    charges.refresh_usage(warehouse, config.scopes, keys, due)
    judged = _due_windows(warehouse, config.scopes, due, as_of)
    books, ties = read_books(warehouse, settings, judged, as_of, keys)
    statuses = _judge(warehouse, config.scopes, judged, books, keys)
    days = judge_days(warehouse, settings, due, as_of)
    before, first_load = event_table.healths(warehouse), _first_load(warehouse)
    fresh = [status for status in statuses if first_load is None or status.period_end > first_load]
    with warehouse.transaction():
        changes = _write(warehouse, config, statuses, days, as_of)
        told = event_table.of_alerts(warehouse, changes, as_of) + event_table.of_health(before, fresh, as_of)
        event_table.keep(warehouse, told)
        for period in due:
            rollups.done(warehouse, period, "budgets")
    BUS.deliver(told)
    result = evaluate.assemble(config, periods.label(as_of), as_of, statuses, ties)
    warnings = (*config.warnings, *ties, *evaluate.rate_warnings(statuses))
    return Checked(result, changes, warnings, any(status.unconverted for status in statuses))


def read_books(
    warehouse: Warehouse, settings: Settings, judged: Sequence[Judged], as_of: datetime, keys: Collection[str]
) -> tuple[Books, tuple[str, ...]]:
    """Read what the charges of these windows came to: from the rollups, and from ``budget_usage`` what only it knows."""
    config = settings.budgets or BudgetsConfig()
    days = {period: last_days(warehouse, period) for period in loaded_periods(warehouse)}
    asking = filters.from_charges(config.scopes, keys)
    before = [(budget, windows.preceding(budget, window)) for budget, window in judged if budget.rollover is not None]
    every = [*judged, *before]
    plain = [(budget, window) for budget, window in every if budget not in asking]
    return evaluate.open_books(
        filters.from_rollup(config.scopes, keys),
        _daily(warehouse, plain, filters.asked_columns([budget for budget, _ in plain])),
        as_of=as_of,
        days=days,
        rates=_rates(settings, config),
        late_days=settings.late_data_days,
        usage=charges.read_usage(warehouse, [each for each in every if each[0] in asking], as_of),
    )


def explained(
    warehouse: Warehouse, config: BudgetsConfig, judged: Sequence[Judged], period: str
) -> tuple[Allocation, ...]:
    """Say for each resource of a billing period which budgets count its cost in the windows that are judged."""
    ordered = scopes.report_order(budget for budget in config.scopes if budget.enabled)
    if all(budget.period_by == "billing" and not scopes.is_conditional(budget) for budget in ordered):
        return evaluate.allocations(ordered, _resources(warehouse, [period]))
    shown = {budget.budget_id: window for budget, window in judged}
    return scopes.read_allocations(ordered, charges.received(warehouse, ordered, shown, period))


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


def _due_windows(
    warehouse: Warehouse, budgets: Sequence[ScopeBudget], due: Sequence[str], as_of: datetime
) -> list[Judged]:
    """Return the windows that hold charges of the ``due`` billing periods, now or when they were judged last, those
    that wait for a rate, and the current ones."""
    touched = status_table.touched_by(warehouse, due)
    charged = warehouse.rows(_CHARGED, [as_of.date(), list(due)])
    hours = charges.hours(warehouse, due, as_of)
    found: list[Judged] = []
    for budget in budgets:
        own = {
            windows.current(budget, as_of),
            *_holding(budget, due, hours.get(budget.budget_id, []) if budget.period == "hourly" else charged),
        }
        own |= {window for window in touched.get(budget.budget_id, ()) if windows.is_own(budget, window)}
        counted = {window for window in own if window}
        found += [(budget, window) for window in sorted(counted | _given(budget, counted, as_of))]
    return found


def _given(budget: ScopeBudget, touched: Iterable[Window], as_of: datetime) -> set[Window]:
    """Return the windows that these leave something to, as far as they have begun."""
    if budget.rollover is None or budget.period not in CALENDAR:
        return set()
    after = (windows.following(budget, window) for window in touched)
    return {window for window in after if window.start <= as_of and windows.is_counted(budget, window)}


def _holding(
    budget: ScopeBudget, due: Iterable[str], charged: Iterable[tuple[str, datetime]]
) -> Iterator[Window | None]:
    """Give the windows, but rolling ones, that hold the billing periods or the days of charges in them."""
    if budget.period in ROLLING:
        return
    if budget.period_by == "billing":
        yield from (windows.current(budget, periods.month(period).start) for period in due)
    else:
        yield from {windows.current(budget, at) for _, at in charged}


def _judge(
    warehouse: Warehouse,
    budgets: Sequence[ScopeBudget],
    judged: Sequence[Judged],
    books: Books,
    keys: Collection[str],
) -> list[BudgetStatus]:
    asking = filters.from_charges(budgets, keys)
    counts = {
        (budget.budget_id, window): charges.count_resources(warehouse, budget, window, books.as_of)
        for budget, window in judged
        if budget in asking
    }
    ordered = scopes.report_order(budgets)
    plain = [(budget, window) for budget, window in judged if budget not in asking]
    for window in sorted({window for budget, window in plain if scopes.counts_resources(budget, budgets)}):
        own = [(budget, its) for budget, its in plain if its == window]
        counts |= evaluate.resource_counts(own, ordered, _resources(warehouse, windows.billing_periods(window)))
    return [evaluate.status(budget, window, books, counts.get((budget.budget_id, window))) for budget, window in judged]


def _write(
    warehouse: Warehouse,
    config: BudgetsConfig,
    statuses: Sequence[BudgetStatus],
    days: Judgement | None,
    as_of: datetime,
) -> list[AlertChange]:
    ordered = scopes.report_order(config.scopes)
    synced = ledger.sync_budgets(warehouse, config, as_of)
    positions = {budget.budget_id: position for position, budget in enumerate(ordered)}
    rows = status_table.status_rows(statuses, as_of, positions)
    changed = {window for _, window in status_table.write_status(warehouse, rows, ordered)}
    moved = [each.budget_id for each in synced if each.kind != "added"]
    dropped = status_table.drop_former(warehouse, moved, ordered, periods.month(periods.label(as_of)).start)
    first_load = _first_load(warehouse)
    changes = alerts.update_alerts(warehouse, statuses, ordered, now=as_of, first_load=first_load)
    changes += anomalies.update_anomalies(warehouse, days, now=as_of, first_load=first_load)
    if synced or dropped:
        rollups.mark_reports(warehouse, None)
    elif changed or changes:
        shown = {windows.noted_period(window, as_of) for window in changed} | {each.x_BillingPeriod for each in changes}
        for period in sorted({*shown, latest_period(warehouse) or ""} & {*loaded_periods(warehouse)}):
            rollups.mark_reports(warehouse, period)
        rollups.touch(warehouse)
    return changes


def _daily(warehouse: Warehouse, judged: Sequence[Judged], asked: Sequence[str]) -> pl.DataFrame:
    """Return the daily costs of all windows, by billing periods or by days, apart by the columns that filters ask."""
    billing = [window for budget, window in judged if budget.period_by == "billing"]
    charge = [window for budget, window in judged if budget.period_by == "charge"]
    columns = "".join(f"{name}, " for name in asked if name not in _ALWAYS)
    return warehouse.frame(
        resources.sql("night/budgeted_costs").replace("-- columns of filters\n", f"{columns}\n"),
        [
            min((periods.label(window.start) for window in billing), default=None),
            max((windows.billing_periods(window)[-1] for window in billing), default=None),
            min((window.start.date() for window in charge), default=None),
            max((window.end.date() for window in charge), default=None),
        ],
    )


def _resources(warehouse: Warehouse, months: Sequence[str]) -> pl.DataFrame:
    return warehouse.frame(resources.sql("night/resource_costs"), [list(months)])


def _rates(settings: Settings, config: BudgetsConfig) -> PeriodRates:
    """The configured rates convert to the report's currency; budgets in another one have none."""
    currency = config.scopes[0].currency if config.scopes else settings.currency.report
    return settings.currency.rates if currency == settings.currency.report else {}


def _first_load(warehouse: Warehouse) -> datetime | None:
    first = warehouse.value("SELECT value FROM settings WHERE name = 'first_load'")
    return datetime.fromisoformat(first) if first is not None else None


#: Columns of sql/night/budgeted_costs.sql that it has in any case.
_ALWAYS = (
    *("x_BillingPeriod", "BillingCurrency", "x_Source", "x_Origin", "x_Provider", "x_ResourceType"),
    *("ChargeCategory", "ChargeClass"),
)
_CHARGED = """
SELECT DISTINCT x_BillingPeriod, CAST(ChargeDay AS TIMESTAMP) FROM daily_costs
WHERE x_Origin = 'billed' AND ChargeDay <= ? AND list_contains(?, x_BillingPeriod)"""
