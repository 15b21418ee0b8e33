"""Why a budget's numbers are what they are: judged as ever, and beside it the charges in groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from pipeline import periods
from pipeline.budgets import charges, evaluate, limits, managed, policy_budgets, scopes, windows
from pipeline.budgets.charge_groups import Apart, Group, read_groups
from pipeline.budgets.explanation import Explanation
from pipeline.budgets.model import BudgetStatus
from pipeline.budgets.policies import Policy
from pipeline.budgets.spend import Books
from pipeline.config import BudgetsConfig, Settings
from pipeline.config.budgets import CALENDAR, ScopeBudget
from pipeline.errors import UsageError, near
from pipeline.forecast import parts_of
from pipeline.money import total
from pipeline.night import budgeting
from pipeline.night.budgeting import KeptBudgets
from pipeline.periods import Window
from pipeline.store.warehouse import Warehouse


def explain(
    warehouse: Warehouse, settings: Settings, name: str, period: str, as_of: datetime, *, keys: Collection[str], by: str
) -> Explanation:
    """Judge one budget in the window that answers for a billing period, and say what its numbers are made of.

    Raises:
        UsageError: when there is no such budget, or charges cannot be grouped so.
    """
    config = settings.budgets or BudgetsConfig()
    kept = budgeting.read_kept(warehouse, settings.actor)
    budget, policy = _named(name, config.scopes, kept)
    moment = windows.shown_moment(period, as_of)
    window = windows.current(budget, moment)
    lacks = not budget.is_of_file and bool(charges.lacking_usage(warehouse, [budget], keys))
    every = config.scopes if budget.is_of_file or lacks else (*config.scopes, budget)
    judged = [(budget, window)] if window and not lacks else []
    books, _ = budgeting.read_books(warehouse, settings, judged, as_of, keys, every)
    shown = window or windows.around(budget, moment)
    groups: list[Group] = []
    if window and budget.enabled:
        rivals = scopes.report_order(each for each in config.scopes if each.enabled and each.scope_type == "tag")
        groups = read_groups(warehouse, budget, window, as_of, by=by, rivals=rivals, apart=_apart(budget, policy, kept))
    if judged:
        [status] = budgeting.judge(warehouse, every, judged, books, keys)
    else:
        status = evaluate.uncounted(budget, window, moment) if lacks else evaluate.out_of_dates(budget, shown)
    return _made(settings, status, policy, books if judged else None, tuple(groups), by, as_of)


def _apart(budget: ScopeBudget, policy: Policy | None, kept: KeptBudgets) -> Apart | None:
    if policy is not None:
        return Apart(policy_budgets.scope_of(policy), policy.origin, kept.billed)
    own = next((each for each in kept.managers if each.budget_id == budget.budget_id), None)
    return None if own is None else Apart(managed.scope_of(own), own.origin, kept.billed)


def _named(name: str, of_file: Sequence[ScopeBudget], kept: KeptBudgets) -> tuple[ScopeBudget, Policy | None]:
    by_id = {budget.budget_id: budget for budget in (*of_file, *kept.budgets)}
    by_id |= {own.id: by_id[own.budget_id] for own in kept.managers if own.id not in by_id}
    called = [policy for policy in kept.policies if name in (policy.id, policy.budget_id)]
    called = called or [policy for policy in kept.policies if policy.name == name]
    if name in by_id and not called:
        return by_id[name], None
    if len(called) > 1:
        raise UsageError(
            f"{len(called)} policies have the name {name!r}; say which: {', '.join(each.budget_id for each in called)}"
        )
    if not called:
        raise UsageError(f"there is no budget {name!r}{near(name, by_id)}")
    return by_id[called[0].budget_id], called[0]


def _made(
    settings: Settings,
    status: BudgetStatus,
    policy: Policy | None,
    books: Books | None,
    groups: tuple[Group, ...],
    by: str,
    as_of: datetime,
) -> Explanation:
    budget, window = status.budget, status.window
    carried = forecast = None
    if books is not None and budget.enabled:
        if budget.rollover is not None and budget.period in CALENDAR:
            carried = limits.process_period_end(budget, windows.preceding(budget, window), books)
        if status.forecasted_spend is not None:
            spend = books.spend(budget, window)
            forecast = parts_of(spend.usage, total(spend.other.values()), window, spend.through)
    return Explanation(
        status=status,
        policy=policy,
        by=by,
        groups=groups,
        rates=_rates(settings, budget, groups),
        through=min(as_of, window.end - windows.TICK).date(),
        plain_limit=limits.planned_limit(budget, window),
        planned_from=_planned_from(budget, window),
        carried=carried,
        forecast=forecast,
    )


def _planned_from(budget: ScopeBudget, window: Window) -> str | None:
    label = periods.quarter_label(window.start) if budget.period == "quarterly" else periods.label(window.start)
    return next((start for start, _ in reversed(budget.planned) if start <= label), None)


def _rates(settings: Settings, budget: ScopeBudget, groups: Sequence[Group]) -> dict[tuple[str, str], Decimal]:
    """The rates of the groups, as ``Books`` takes them: those of the configuration convert into ``currency.report``."""
    given = settings.currency.rates if settings.currency.report == budget.currency else {}
    found = {}
    for period, currency in {(group.x_BillingPeriod, group.BillingCurrency) for group in groups}:
        rate = Decimal(1) if currency == budget.currency else given.get(period, {}).get(currency)
        if rate is not None:
            found[period, currency] = rate
    return found
