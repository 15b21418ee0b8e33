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
    policy_budgets,
    policy_table,
    scopes,
    status_table,
    windows,
)
from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.anomalies import Judgement
from pipeline.budgets.events import BUS
from pipeline.budgets.model import Allocation, BudgetResult, BudgetStatus
from pipeline.budgets.policies import PREFIX, Policy
from pipeline.budgets.spend import Books
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
    """Judge the configured budgets, and all policies, in the windows that answer for one billing period; writes nothing.

    Args:
        keys: the tag keys that the roll-up reports.
    """
    config = settings.budgets or BudgetsConfig()
    moment = windows.shown_moment(period, as_of)
    policies, own = read_policies(warehouse)
    lacking = charges.lacking_usage(warehouse, own, keys)
    counted = (*config.scopes, *(budget for budget in own if budget.budget_id not in lacking))
    shown = [(budget, windows.current(budget, moment)) for budget in counted]
    judged = [(budget, window) for budget, window in shown if window]
    books, ties = read_books(warehouse, settings, judged, as_of, keys, counted)
    statuses = _judge(warehouse, counted, judged, books, keys)
    result = evaluate.assemble(config, period, moment, statuses, ties)
    result = replace(result, policies=evaluate.assemble_policies(policies, own, moment, statuses))
    return replace(result, allocations=explained(warehouse, config, judged, period)) if explain else result


@dataclass(frozen=True)
class Checked:
    """What checking budgets found: the current windows' result, and of all windows the alerts that changed, the
    warnings, and whether a budget of the file lacks a rate."""

    result: BudgetResult
    changes: Sequence[AlertChange]
    warnings: Sequence[str]
    lacks_rates: bool


def check_due(warehouse: Warehouse, settings: Settings, as_of: datetime, keys: Collection[str]) -> Checked:
    """Judge every window and day that loads touched and the current ones, of the file's budgets and of policies; write
    their status and alerts."""
    config = settings.budgets or BudgetsConfig()
    due = rollups.due(warehouse, "budgets")
    policies, own = read_policies(warehouse)
    every = (*config.scopes, *own)
    charges.refresh_usage(warehouse, every, keys, due)
    judged = _due_windows(warehouse, config.scopes, due, as_of, ["billed"])
    judged += _due_windows(warehouse, own, due, as_of, _ORIGINS) if own else []
    books, ties = read_books(warehouse, settings, judged, as_of, keys, every)
    statuses = _judge(warehouse, every, judged, books, keys)
    days = judge_days(warehouse, settings, due, as_of)
    before, first_load = event_table.healths(warehouse), _first_load(warehouse)
    fresh = [status for status in statuses if first_load is None or status.period_end > first_load]
    with warehouse.transaction():
        changes = _write(warehouse, config, every, statuses, days, as_of)
        told = event_table.of_alerts(warehouse, changes, as_of) + event_table.of_health(before, fresh, as_of)
        event_table.keep(warehouse, told)
        for period in due:
            rollups.done(warehouse, period, "budgets")
    BUS.deliver(told)
    result = evaluate.assemble(config, periods.label(as_of), as_of, statuses, ties)
    result = replace(result, policies=evaluate.assemble_policies(policies, own, as_of, statuses))
    of_file = [status for status in statuses if status.scope_type != "policy"]
    of_policies = [status for status in statuses if status.scope_type == "policy"]
    lacking = (*evaluate.rate_warnings(of_file), *evaluate.rate_warnings(of_policies))
    return Checked(result, changes, (*config.warnings, *ties, *lacking), any(each.unconverted for each in of_file))


def read_policies(warehouse: Warehouse) -> tuple[list[Policy], tuple[ScopeBudget, ...]]:
    """Return the policies, and the budgets that the engine counts of them."""
    policies = policy_table.read(warehouse)
    billed = warehouse.rows(_BILLED_PROVIDERS) if policies else []
    return policies, policy_budgets.as_budgets(policies, [row[0] for row in billed])


def read_books(
    warehouse: Warehouse,
    settings: Settings,
    judged: Sequence[Judged],
    as_of: datetime,
    keys: Collection[str],
    budgets: Sequence[ScopeBudget],
) -> tuple[Books, tuple[str, ...]]:
    """Read what the charges of these windows came to: from the rollups, and from ``budget_usage`` what only it knows.

    Args:
        budgets: all that count, judged or not: tag budgets compete.
    """
    days = {period: last_days(warehouse, period) for period in loaded_periods(warehouse)}
    asking = {budget.budget_id for budget in filters.from_charges(budgets, keys)}
    before = [(budget, windows.preceding(budget, window)) for budget, window in judged if budget.rollover is not None]
    every = [*judged, *before]
    plain = [(budget, window) for budget, window in every if budget.budget_id not in asking]
    origins = _ORIGINS if any(budget.scope_type == "policy" for budget, _ in plain) else ["billed"]
    return evaluate.open_books(
        filters.from_rollup(budgets, keys),
        _daily(warehouse, plain, filters.asked_columns(filters.from_rollup(budgets, keys)), origins),
        as_of=as_of,
        days=days,
        rates=settings.currency.rates if settings.currency.report else {},
        rates_into=settings.currency.report,
        late_days=settings.late_data_days,
        usage=charges.read_usage(warehouse, [each for each in every if each[0].budget_id in asking], as_of),
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
    warehouse: Warehouse, budgets: Sequence[ScopeBudget], due: Sequence[str], as_of: datetime, origins: Sequence[str]
) -> list[Judged]:
    """Return the windows that hold charges of the ``due`` billing periods and these origins, now or when they were
    judged last, those that wait for a rate, and the current ones."""
    touched = status_table.touched_by(warehouse, due)
    charged = warehouse.rows(_CHARGED, [as_of.date(), list(due), list(origins)])
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
    asking = {budget.budget_id for budget in filters.from_charges(budgets, keys)}
    counts = {
        (budget.budget_id, window): charges.count_resources(warehouse, budget, window, books.as_of)
        for budget, window in judged
        if budget.budget_id in asking
    }
    ordered = scopes.report_order(budgets)
    plain = [(budget, window) for budget, window in judged if budget.budget_id not in asking]
    for window in sorted({window for budget, window in plain if scopes.counts_resources(budget, budgets)}):
        own = [(budget, its) for budget, its in plain if its == window]
        counts |= evaluate.resource_counts(own, ordered, _resources(warehouse, windows.billing_periods(window)))
    return [evaluate.status(budget, window, books, counts.get((budget.budget_id, window))) for budget, window in judged]


def _write(
    warehouse: Warehouse,
    config: BudgetsConfig,
    every: Sequence[ScopeBudget],
    statuses: Sequence[BudgetStatus],
    days: Judgement | None,
    as_of: datetime,
) -> list[AlertChange]:
    """Reports tell of budgets and policies, and of the alerts of the file's budgets alone."""
    ordered, since = scopes.report_order(every), periods.month(periods.label(as_of)).start
    synced = ledger.sync_budgets(warehouse, config, as_of)
    positions = {budget.budget_id: position for position, budget in enumerate(ordered)}
    rows = status_table.status_rows(statuses, as_of, positions)
    written = status_table.write_status(warehouse, rows, ordered)
    changed = [window for _, window in written]
    moved = [each.budget_id for each in synced if each.kind != "added"]
    dropped = status_table.drop_former(warehouse, moved, ordered, since)
    ended = [row[0] for row in warehouse.rows(_FORMER_POLICIES)]
    if status_table.drop_former(warehouse, ended, ordered, since):
        rollups.mark_latest_report(warehouse)
    first_load = _first_load(warehouse)
    changes = alerts.update_alerts(warehouse, statuses, ordered, now=as_of, first_load=first_load)
    changes += anomalies.update_anomalies(warehouse, days, now=as_of, first_load=first_load)
    if synced or dropped:
        rollups.mark_reports(warehouse, None)
    elif changed or changes:
        told = {each.x_BillingPeriod for each in changes if not each.budget_id.startswith(PREFIX)}
        shown = {windows.noted_period(window, as_of) for window in changed} | told
        latest = {latest_period(warehouse) or ""} if shown else set()
        for period in sorted({*shown, *latest} & {*loaded_periods(warehouse)}):
            rollups.mark_reports(warehouse, period)
        rollups.touch(warehouse)
    return changes


def _daily(
    warehouse: Warehouse, judged: Sequence[Judged], asked: Sequence[str], origins: Sequence[str]
) -> pl.DataFrame:
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
            list(origins),
        ],
    )


def _resources(warehouse: Warehouse, months: Sequence[str]) -> pl.DataFrame:
    return warehouse.frame(resources.sql("night/resource_costs"), [list(months)])


def _first_load(warehouse: Warehouse) -> datetime | None:
    first = warehouse.value("SELECT value FROM settings WHERE name = 'first_load'")
    return datetime.fromisoformat(first) if first is not None else None


#: Policies with windows that they no longer have: deleted, or of another period now.
_FORMER_POLICIES = """
SELECT DISTINCT s.budget_id FROM budget_status AS s LEFT JOIN budgets AS b USING (budget_id)
WHERE s.scope_type = 'policy' AND (b.ended_at IS NOT NULL OR b.period IS DISTINCT FROM s.period)"""
#: Columns of sql/night/budgeted_costs.sql that it has in any case.
_ALWAYS = (
    *("x_BillingPeriod", "BillingCurrency", "x_Source", "x_Origin", "x_Provider", "x_ResourceType"),
    *("ChargeCategory", "ChargeClass"),
)
_CHARGED = """
SELECT DISTINCT x_BillingPeriod, CAST(ChargeDay AS TIMESTAMP) FROM daily_costs
WHERE ChargeDay <= ? AND list_contains(?, x_BillingPeriod) AND list_contains(?, x_Origin)"""
_ORIGINS = ("billed", "recorded")
_BILLED_PROVIDERS = """
SELECT DISTINCT x_Provider FROM daily_costs WHERE x_Origin = 'billed' AND x_Provider IS NOT NULL ORDER BY 1"""
