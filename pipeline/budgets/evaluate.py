"""Budgets in their windows, from rollups: spend, forecast, health, thresholds, and how the run ends (SPEC 3.5).

Percentages are compared with exact decimals; they are rounded only to be shown. Rollups come in as the store keeps
them; nothing here writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial

import polars as pl

from pipeline.budgets import apart, scopes, windows
from pipeline.budgets.limits import carried_into, planned_limit
from pipeline.budgets.model import (
    Allocation,
    BudgetResult,
    BudgetStatus,
    Child,
    ExitDecision,
    Health,
    PolicyStatus,
    ThresholdState,
    ThresholdStatus,
)
from pipeline.budgets.policies import Policy
from pipeline.budgets.spend import Books, LastDays, PeriodRates, Row, Spend, read_rows
from pipeline.config.budgets import ROLLING, AlertThreshold, BudgetsConfig, ScopeBudget, Unit
from pipeline.forecast import Forecast, linear, rounded
from pipeline.money import EXACT, ZERO, percent, percent_text, text, total
from pipeline.periods import Window, month

_HEALTH: tuple[tuple[Decimal, Health], ...] = (
    (Decimal(100), "EXCEEDED"),
    (Decimal(90), "CRITICAL"),
    (Decimal(80), "WARNING"),
)
#: A threshold above this many percent is APPROACHING from this many percent below.
_APPROACH = Decimal(5)
_NAMED_SCOPES = 5
_WITHOUT_FORECAST = {"lifetime": "a lifetime", "hourly": "an hour"}
_MOMENT = pl.Datetime("us")


def assemble(
    config: BudgetsConfig, period: str, moment: datetime, statuses: Iterable[BudgetStatus], ties: Iterable[str] = ()
) -> BudgetResult:
    """Put together what budgets come to at a moment of a billing period: those without a window then are out of dates.

    Args:
        statuses: judged windows, at least those that hold the moment.
        ties: warnings about tag budgets that matched the same charges.
    """
    judged = {(status.budget_id, status.window): status for status in statuses}
    shown = []
    for budget in scopes.report_order(config.scopes):
        window = windows.current(budget, moment)
        shown.append(
            judged[budget.budget_id, window] if window else out_of_dates(budget, windows.around(budget, moment))
        )
    warnings = (*config.warnings, *ties, *rate_warnings(shown))
    children: dict[str | None, list[Child]] = defaultdict(list)
    for status in shown:
        children[status.budget.parent].append(Child(status.budget_id, status.health, status.percentage))
    statuses = tuple(replace(status, children=tuple(children.get(status.budget_id, ()))) for status in shown)
    return BudgetResult(period=period, window=month(period), statuses=statuses, warnings=warnings)


def assemble_policies(
    policies: Iterable[Policy], budgets: Iterable[ScopeBudget], moment: datetime, statuses: Iterable[BudgetStatus]
) -> tuple[PolicyStatus, ...]:
    """Put together what policies come to at a moment, high priority first; one that was not counted yet says so.

    Args:
        budgets: what the engine counts of them; others are left out.
        statuses: judged windows.
    """
    own = {policy.budget_id: policy for policy in policies}
    of_policies = [budget for budget in budgets if budget.budget_id in own]
    shown = assemble_apart(of_policies, moment, statuses)
    return tuple(PolicyStatus(own[status.budget_id], status) for status in shown)


def assemble_apart(
    budgets: Iterable[ScopeBudget], moment: datetime, statuses: Iterable[BudgetStatus]
) -> tuple[BudgetStatus, ...]:
    """Put together what budgets that are not of the file come to at a moment, in report order; one that was not counted
    yet says so."""
    judged = {(status.budget_id, status.window): status for status in statuses}
    shown = []
    for budget in scopes.report_order(budgets):
        window = windows.current(budget, moment)
        status = judged.get((budget.budget_id, window)) if window else None
        shown.append(status or uncounted(budget, window, moment))
    return tuple(shown)


def uncounted(budget: ScopeBudget, window: Window | None, moment: datetime) -> BudgetStatus:
    """Return the status of a policy that no run has counted yet."""
    own = window or windows.around(budget, moment)
    note = "not counted yet; the next run does"
    return BudgetStatus(
        budget, own.start, own.end, budget.amount, "UNSPECIFIED", forecast_note=note, matched_resources=None
    )


def allocations(budgets: Sequence[ScopeBudget], resources: pl.DataFrame) -> tuple[Allocation, ...]:
    """Say for each resource of a billing period which budgets received its cost.

    Args:
        resources: ``resource_costs`` with x_Provider, ResourceId, ResourceName and x_ResourceType of ``resources`` and
            Tags of ``tag_sets``.
    """
    ordered = scopes.report_order(budgets)
    own = billed(resources)
    return scopes.explain(own, ordered, scopes.TagBudgets(ordered).match_all(own["Tags"]))


def open_books(
    budgets: Sequence[ScopeBudget],
    daily: pl.DataFrame,
    *,
    as_of: datetime,
    days: LastDays,
    rates: PeriodRates,
    late_days: int = 0,
    usage: Mapping[str, Sequence[Row]] | None = None,
    rates_into: str | None = None,
    spans: Mapping[str, Window] | None = None,
) -> tuple[Books, tuple[str, ...]]:
    """Give every charge to the budgets that count it; returns them, and the ties among tag budgets.

    Args:
        daily: rows of ``daily_costs``; days after ``as_of`` are left out, and of other origins than billed all but what
            policies and managed budgets count.
        as_of: UTC; data counts up to the end of its day.
        days: by billing period and source; a budget's forecast ends at the earliest of the last days of those sources
            that have usage in it.
        rates: by billing period, currency -> units of ``rates_into``, which None makes that of every budget.
        late_days: so many days after it, a day's data counts as complete.
        usage: by budget id what ``charges.read_usage`` knows better.
        spans: by budget id from when to when its charges are asked of; others' are left out. None: all of every budget.
    """
    dated = daily.filter(pl.col("ChargeDay") <= as_of.date())
    own = [budget for budget in budgets if not budget.is_of_file]
    others = [budget for budget in budgets if budget.is_of_file]
    charges = billed(dated)
    matches = scopes.TagBudgets(others).match_all(charges["x_ReportedTags"])
    rows: dict[str, Sequence[Row]] = {}
    for received in (scopes.allocate(charges, others, matches, spans), apart.allocate_each(dated, own, spans)):
        rows |= read_rows(received.with_columns(x_UsageStart=pl.col("ChargeDay").cast(_MOMENT)))
    books = Books({**rows, **(usage or {})}, as_of, days, rates, late_days, rates_into)
    return books, scopes.found_ties(charges, others, matches)


def resource_counts(
    wanted: Iterable[tuple[ScopeBudget, Window]], budgets: Sequence[ScopeBudget], resources: pl.DataFrame
) -> dict[tuple[str, Window], int]:
    """Count the distinct resources of budgets in windows by the billing period; of other budgets they are not known."""
    counts: dict[tuple[str, Window], int] = {}
    counting = scopes.counting_resources(budgets)
    told = [(budget, window) for budget, window in wanted if budget.budget_id in counting]
    matches = scopes.TagBudgets(budgets).match_all(resources["Tags"]) if told else {}
    for window in dict.fromkeys(window for _, window in told):
        own = billed(resources).filter(pl.col("x_BillingPeriod").is_in(windows.billing_periods(window)))
        found = scopes.matched_resources(own, budgets, matches)
        counts |= {(b.budget_id, window): found.get(b.budget_id, 0) for b, its in told if its == window}
    return counts


def exit_decision(result: BudgetResult) -> ExitDecision:
    """Decide how budgets let the run end: with the code of the first breached scope in report order."""
    status = next((status for status in result.statuses if status.breached), None)
    if status is None:
        return ExitDecision()
    reason = _breach(status)
    code = status.exit_code or 0
    return ExitDecision(code, status.budget_id, reason, reason if code == 0 else None)


def billed(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out recorded charges: no bill has them."""
    return frame.filter(pl.col("x_Origin") == "billed")


def status(budget: ScopeBudget, window: Window, books: Books, matched: int | None) -> BudgetStatus:
    """Judge one budget in one window; ``matched`` are its distinct resources, None where they are not known."""
    if not budget.enabled:
        return BudgetStatus(budget, window.start, window.end, budget.amount, "DISABLED", forecast_note="disabled")
    spend, carried = books.spend(budget, window), carried_into(budget, window, books)
    limit = EXACT.add(planned_limit(budget, window), carried)
    plain = partial(BudgetStatus, budget, window.start, window.end, limit, rollover=carried)
    plain = partial(plain, matched_resources=matched, billing_periods=tuple(sorted(spend.periods)))
    if spend.unconverted:
        missing = tuple(sorted(spend.unconverted.items()))
        note = f"no rate to {budget.currency} for {', '.join(currency for currency, _ in missing)}"
        without = tuple(sorted((*key, cost) for key, cost in spend.missing.items()))
        return plain("UNSPECIFIED", forecast_note=note, unconverted=missing, without_rate=without)
    spent = rounded(spend.total)
    forecast = forecast_of(budget, window, spend)
    alerts = tuple(_threshold(alert, spent, forecast, limit) for alert in budget.alerts)
    return plain(
        _health(spent, limit),
        current_spend=spent,
        percentage=_shown_percent(spent, limit),
        forecasted_spend=forecast.amount,
        forecast_percentage=None if forecast.amount is None else _shown_percent(forecast.amount, limit),
        forecast_note=forecast.note,
        forecast_through=forecast.through,
        alerts=alerts,
        breached=budget.exit_on_threshold and any(alert.exit and alert.state == "EXCEEDED" for alert in alerts),
    )


def out_of_dates(budget: ScopeBudget, window: Window) -> BudgetStatus:
    """Return the status of a budget that has no window now: switched off, or not within its dates."""
    start, end = windows.counted_span(budget)
    note = f"counts from {start.date()}" if window.start < start else f"ended on {end.date()}"
    note = note if budget.enabled else "disabled"
    return BudgetStatus(budget, window.start, window.end, budget.amount, "DISABLED", forecast_note=note)


def forecast_of(budget: ScopeBudget, window: Window, spend: Spend) -> Forecast:
    """Forecast what a budget will have spent at its window's end; hours, rolling windows and lifetimes have none."""
    if budget.period in ROLLING or budget.period in _WITHOUT_FORECAST:
        words = _WITHOUT_FORECAST.get(budget.period, "a rolling window")
        return Forecast(None, f"{words} has no forecast", None, 0, window.days)
    return linear(spend.usage, total(spend.other.values()), window=window, last_complete_day=spend.through)


def _threshold(alert: AlertThreshold, spend: Decimal, forecast: Forecast, limit: Decimal) -> ThresholdStatus:
    """A forecasted threshold without a forecast is OK: nothing is known against it."""
    figure = spend if alert.type == "actual" else forecast.amount
    state: ThresholdState = "OK"
    if figure is not None and meets(figure, limit, alert.threshold, alert.unit):
        state = "EXCEEDED"
    elif figure is not None and _approaches(figure, limit, alert):
        state = "APPROACHING"
    return ThresholdStatus(alert.threshold, alert.type, state, alert.exit, alert.unit)


def _approaches(figure: Decimal, limit: Decimal, alert: AlertThreshold) -> bool:
    """Whether a figure is at most 5 percent of the limit below a threshold that lies above 5 percent."""
    step = _APPROACH if alert.unit == "percent" else EXACT.divide(EXACT.multiply(limit, _APPROACH), 100)
    return alert.threshold > step and meets(figure, limit, EXACT.subtract(alert.threshold, step), alert.unit)


def meets(figure: Decimal, limit: Decimal, threshold: Decimal, unit: Unit) -> bool:
    """Say exactly whether ``figure`` is at or over a threshold, in percent of ``limit`` or an amount."""
    return figure >= threshold if unit == "amount" else reaches(figure, limit, threshold)


def _health(spend: Decimal, limit: Decimal) -> Health:
    return next((health for percentage, health in _HEALTH if reaches(spend, limit, percentage)), "OK")


def reaches(figure: Decimal, limit: Decimal, percentage: Decimal) -> bool:
    """Say exactly whether ``figure`` is at least ``percentage`` percent of ``limit``; anything spent of 0 is 100."""
    if limit == 0:
        return (100 if figure > 0 else 0) >= percentage
    return EXACT.multiply(figure, 100) >= EXACT.multiply(limit, percentage)


def _shown_percent(figure: Decimal, limit: Decimal) -> Decimal:
    shown = percent(figure, limit)
    return Decimal(100 if figure > 0 else 0) if shown is None else EXACT.add(shown, ZERO)


def rate_warnings(statuses: Iterable[BudgetStatus]) -> list[str]:
    """One line per billing period and currency without a rate: the sum of the widest scope that has it, and who
    cannot be counted."""
    sums: dict[tuple[str, str], tuple[Decimal, str]] = {}
    names: dict[tuple[str, str], list[str]] = {}
    for status in statuses:
        for period, currency, cost in status.without_rate:
            sums.setdefault((period, currency), (cost, status.currency))
            names.setdefault((period, currency), []).append(status.budget_id)
    return [
        f"{text(cost)} {currency} of {period} have no rate to {own}: {_listed(names[period, currency])} UNSPECIFIED; "
        f'give currency.rates."{period}".{currency}'
        for (period, currency), (cost, own) in sorted(sums.items())
    ]


def _listed(each: Sequence[str]) -> str:
    names = list(dict.fromkeys(each))
    more = len(names) - _NAMED_SCOPES
    shown = ", ".join(names[:_NAMED_SCOPES]) + (f" and {more} more" if more > 0 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'}"


def _breach(status: BudgetStatus) -> str:
    alert = next(alert for alert in status.alerts if alert.exit and alert.state == "EXCEEDED")
    actual = alert.type == "actual"
    figure = status.current_spend if actual else status.forecasted_spend
    percentage = status.percentage if actual else status.forecast_percentage
    assert figure is not None
    assert percentage is not None
    return (
        f"budget {status.budget_id}, {status.window_name}: {'spend' if actual else 'forecast'} {text(figure)} "
        f"{status.currency} is {percent_text(percentage)} % of {text(status.effective_limit)} {status.currency}, at or over "
        f"its threshold of {text(alert.threshold)} {'%' if alert.unit == 'percent' else status.currency}"
    )
