"""Budgets of a night: which windows are due, judged on the rollups, written with their alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline import periods, resources
from pipeline.actors import Actor, Permission
from pipeline.budgets import (
    alert_table,
    alerts,
    anomalies,
    billed,
    charges,
    evaluate,
    event_table,
    filters,
    handling,
    ledger,
    managed,
    managed_table,
    policy_budgets,
    policy_table,
    scopes,
    status_table,
    windows,
)
from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.anomalies import Judgement
from pipeline.budgets.billed import Billed
from pipeline.budgets.events import BUS
from pipeline.budgets.managed import Budget
from pipeline.budgets.model import Allocation, BudgetResult, BudgetStatus
from pipeline.budgets.policies import Policy
from pipeline.budgets.spend import Books
from pipeline.config import BudgetsConfig, Settings
from pipeline.config.budgets import APART, CALENDAR, ROLLING, ScopeBudget
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
    """Judge the configured budgets, and the policies and managed budgets that the settings' actor may see, in the windows
    that answer for one billing period; writes nothing.

    Args:
        keys: the tag keys that the roll-up reports.
        explain: say of each resource which of them received its cost.
    """
    config = settings.budgets or BudgetsConfig()
    moment = windows.shown_moment(period, as_of)
    kept = read_kept(warehouse, settings.actor)
    own = kept.budgets
    lacking = charges.lacking_usage(warehouse, own, keys)
    counted = (*config.scopes, *(budget for budget in own if budget.budget_id not in lacking))
    shown = [(budget, windows.current(budget, moment)) for budget in counted]
    judged = [(budget, window) for budget, window in shown if window]
    books, ties = read_books(warehouse, settings, judged, as_of, keys, counted)
    statuses = judge(warehouse, counted, judged, books, keys)
    result = evaluate.assemble(config, period, moment, statuses, ties)
    result = kept.added(result, moment, statuses)
    every = (*config.scopes, *own)
    return replace(result, allocations=explained(warehouse, every, period, moment)) if explain else result


@dataclass(frozen=True)
class Checked:
    """What checking budgets found: the current windows' result, and of all windows the alerts that changed, the
    warnings, and whether a budget of the file lacks a rate."""

    result: BudgetResult
    changes: Sequence[AlertChange]
    warnings: Sequence[str]
    lacks_rates: bool


def check_due(warehouse: Warehouse, settings: Settings, as_of: datetime, keys: Collection[str]) -> Checked:
    """Judge every window and day that loads touched and the current ones, of all budgets; write their status and
    alerts. Charges that are dated later than now are judged again when their day has come."""
    config = settings.budgets or BudgetsConfig()
    loaded = rollups.due(warehouse, "budgets")
    due = sorted({*loaded, *rollups.due(warehouse, rollups.LATER)})
    kept = read_kept(warehouse)
    own = kept.budgets
    every = (*config.scopes, *own)
    charges.refresh_usage(warehouse, every, keys, loaded)
    judged = _due_windows(warehouse, config.scopes, due, as_of, ["billed"])
    judged += _due_windows(warehouse, own, due, as_of, _ORIGINS) if own else []
    books, ties = read_books(warehouse, settings, judged, as_of, keys, every)
    statuses = judge(warehouse, every, judged, books, keys)
    days = judge_days(warehouse, settings, due, as_of)
    before, first_load = event_table.healths(warehouse), _first_load(warehouse)
    fresh = [status for status in statuses if first_load is None or status.period_end > first_load]
    with warehouse.transaction():
        changes = _write(warehouse, config, every, statuses, days, as_of)
        told = event_table.of_alerts(warehouse, changes, as_of) + event_table.of_health(before, fresh, as_of)
        event_table.keep(warehouse, told)
        for period in loaded:
            rollups.done(warehouse, period, "budgets")
        rollups.put_off(warehouse, due, as_of.date())
    BUS.deliver(told)
    result = evaluate.assemble(config, periods.label(as_of), as_of, statuses, ties)
    result = kept.added(result, as_of, statuses)
    of_file = [status for status in statuses if status.budget.is_of_file]
    apart = [status for status in statuses if not status.budget.is_of_file]
    lacking = (*evaluate.rate_warnings(of_file), *evaluate.rate_warnings(apart))
    return Checked(result, changes, (*config.warnings, *ties, *lacking), any(each.unconverted for each in of_file))


@dataclass(frozen=True)
class KeptBudgets:
    """What services keep in the warehouse: policies and managed budgets, what the engine counts of them, and what is
    part of a bill."""

    policies: Sequence[Policy]
    of_policies: tuple[ScopeBudget, ...]
    managers: Sequence[Budget]
    managed: tuple[ScopeBudget, ...]
    billed: Billed

    @property
    def budgets(self) -> tuple[ScopeBudget, ...]:
        """All that the engine counts, in report order."""
        return (*self.of_policies, *self.managed)

    def added(self, result: BudgetResult, moment: datetime, statuses: Sequence[BudgetStatus]) -> BudgetResult:
        """Return a result of the file's budgets with what these come to at a moment."""
        return replace(
            result,
            policies=evaluate.assemble_policies(self.policies, self.of_policies, moment, statuses),
            managed=evaluate.assemble_apart(self.managed, moment, statuses),
        )


def read_kept(warehouse: Warehouse, actor: Actor | None = None) -> KeptBudgets:
    """Read the policies and the managed budgets, those that an actor may see; None sees all."""
    policies, own = policy_table.read(warehouse), managed_table.read(warehouse)
    if actor is not None:
        may = actor.may(Permission.READ)
        policies = [each for each in policies if may and actor.sees(each.tenant_id)]
        own = [each for each in own if may and actor.sees(each.tenant_id)]
    known = billed.read(warehouse) if policies or own else Billed()
    budgets = tuple(managed.as_budget(budget, known) for budget in own)
    return KeptBudgets(policies, policy_budgets.as_budgets(policies, known), own, budgets, known)


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
    origins = ["billed"] if all(budget.is_of_file for budget, _ in plain) else _ORIGINS
    return evaluate.open_books(
        filters.from_rollup(budgets, keys),
        _daily(warehouse, plain, filters.asked_columns(filters.from_rollup(budgets, keys)), origins),
        as_of=as_of,
        days=days,
        rates=settings.currency.rates if settings.currency.report else {},
        rates_into=settings.currency.report,
        late_days=settings.late_data_days,
        usage=charges.read_usage(warehouse, [each for each in every if each[0].budget_id in asking], as_of),
        spans=windows.spans(plain),
    )


def explained(
    warehouse: Warehouse, budgets: Sequence[ScopeBudget], period: str, moment: datetime
) -> tuple[Allocation, ...]:
    """Say for each resource of a billing period which budgets count its cost, in their windows that hold a moment."""
    ordered = scopes.report_order(budget for budget in budgets if budget.enabled)
    if all(_is_plain(budget) for budget in ordered):
        return evaluate.allocations(ordered, _resources(warehouse, [period]))
    current = ((budget.budget_id, windows.current(budget, moment)) for budget in ordered)
    shown = {budget_id: window for budget_id, window in current if window}
    return scopes.read_allocations(ordered, charges.received(warehouse, ordered, shown, period))


def _is_plain(budget: ScopeBudget) -> bool:
    """Whether the roll-up of resources tells what a budget received."""
    return budget.period_by == "billing" and budget.basis == "billed" and not scopes.is_conditional(budget)


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


def judge(
    warehouse: Warehouse,
    budgets: Sequence[ScopeBudget],
    judged: Sequence[Judged],
    books: Books,
    keys: Collection[str],
) -> list[BudgetStatus]:
    """Judge windows; ``budgets`` are all that count, judged or not."""
    asking = {budget.budget_id for budget in filters.from_charges(budgets, keys)}
    counts = {
        (budget.budget_id, window): charges.count_resources(warehouse, budget, window, books.as_of)
        for budget, window in judged
        if budget.budget_id in asking
    }
    ordered = scopes.report_order(budgets)
    counting = scopes.counting_resources(budgets) - asking
    by_window: dict[Window, list[Judged]] = defaultdict(list)
    for budget, window in judged:
        if budget.budget_id in counting:
            by_window[window].append((budget, window))
    for window, own in sorted(by_window.items(), key=lambda each: each[0]):
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
    changed = [window for budget_id, window in written if not budget_id.startswith(managed.PREFIX)]
    moved = [each.budget_id for each in synced if each.kind != "added"]
    dropped = status_table.drop_former(warehouse, moved, ordered, since)
    ended = [row[0] for row in warehouse.rows(_FORMER_APART)]
    if status_table.drop_former(warehouse, ended, ordered, since):
        rollups.mark_latest_report(warehouse)
    if len(changed) < len(written):  # reports tell nothing of budgets that programs make
        rollups.touch(warehouse)
    first_load = _first_load(warehouse)
    changes = alerts.update_alerts(warehouse, statuses, ordered, now=as_of, first_load=first_load)
    changes += anomalies.update_anomalies(warehouse, days, now=as_of, first_load=first_load)
    if synced or dropped:
        rollups.mark_reports(warehouse, None)
    elif changed or changes:
        told = {each.x_BillingPeriod for each in changes if not each.budget_id.startswith(_APART)}
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


#: Beginnings of the ids of budgets that are not of the file.
_APART = tuple(f"{scope}:" for scope in APART)
#: Policies and managed budgets with windows that they no longer have: deleted, or of another period now.
_FORMER_APART = """
SELECT DISTINCT s.budget_id FROM budget_status AS s LEFT JOIN budgets AS b USING (budget_id)
WHERE s.scope_type IN ('policy', 'managed') AND (b.ended_at IS NOT NULL OR b.period IS DISTINCT FROM s.period)"""
#: Columns of sql/night/budgeted_costs.sql that it has in any case.
_ALWAYS = (
    *("x_BillingPeriod", "BillingCurrency", "x_Source", "x_Origin", "x_Provider", "x_ResourceType"),
    *("ChargeCategory", "ChargeClass"),
)
_CHARGED = """
SELECT DISTINCT x_BillingPeriod, CAST(ChargeDay AS TIMESTAMP) FROM daily_costs
WHERE ChargeDay <= ? AND list_contains(?, x_BillingPeriod) AND list_contains(?, x_Origin)"""
_ORIGINS = ("billed", "recorded")
