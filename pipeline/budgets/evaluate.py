"""Budgets of one billing period, from rollups: spend, forecast, health, thresholds, and how the run ends (SPEC 3.5).

Percentages are compared with exact decimals; they are rounded only to be shown. Rollups come in as the store keeps
them; nothing here writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial

import polars as pl

from pipeline.budgets import scopes
from pipeline.budgets.model import BudgetResult, BudgetStatus, ExitDecision, Health, ThresholdState, ThresholdStatus
from pipeline.budgets.spend import LastCompleteDays, Spend, by_budget
from pipeline.config.budgets import AlertThreshold, BudgetsConfig, ScopeBudget
from pipeline.forecast import DayProjection, Forecast, daily_projection, linear, rounded
from pipeline.money import EXACT, ZERO, percent, percent_text, text, total
from pipeline.periods import Window, label, month

_HEALTH: tuple[tuple[Decimal, Health], ...] = (
    (Decimal(100), "EXCEEDED"),
    (Decimal(90), "CRITICAL"),
    (Decimal(80), "WARNING"),
)
#: A threshold above this many percent is APPROACHING from this many percent below.
_APPROACH = Decimal(5)
_NAMED_SCOPES = 5

_STATUS_SCHEMA: dict[str, pl.DataType] = {
    "x_BillingPeriod": pl.String(),
    "position": pl.Int32(),
    "budget_id": pl.String(),
    "scope_type": pl.String(),
    "scope_key": pl.String(),
    "period_start": pl.Datetime("us"),
    "period_end": pl.Datetime("us"),
    "currency": pl.String(),
    "enabled": pl.Boolean(),
    "effective_limit": pl.Decimal(38, 18),
    "current_spend": pl.Decimal(38, 18),
    "percentage": pl.Decimal(38, 6),
    "forecasted_spend": pl.Decimal(38, 18),
    "forecast_percentage": pl.Decimal(38, 6),
    "forecast_note": pl.String(),
    "health": pl.String(),
    "alerts": pl.String(),
    "matched_resources": pl.Int64(),
    "unconverted": pl.String(),
    "breached": pl.Boolean(),
    "exit_code": pl.Int32(),
}


def evaluate(
    config: BudgetsConfig,
    daily: pl.DataFrame,
    resources: pl.DataFrame,
    *,
    period: str,
    as_of: datetime,
    last_complete_day: LastCompleteDays,
    rates: Mapping[str, Decimal],
    explain: bool = False,
) -> BudgetResult:
    """Evaluate all budgets of a file in one billing period.

    Args:
        daily: rows of ``daily_costs``; other periods, other origins than billed and days after ``as_of`` are left out.
        resources: ``resource_costs`` with x_Provider, ResourceId, ResourceName and x_ResourceType of ``resources`` and
            Tags of ``tag_sets``. It knows no days: matched resources and allocations are those of the whole period.
        period: billing period, such as 2026-03.
        as_of: UTC; data counts up to the end of its day.
        last_complete_day: for all data, or by source: then each budget's forecast ends at the earliest of the last
            days of those sources that have usage in it.
        rates: currency -> units of the budgets' currency, of this billing period.
        explain: fill ``allocations``.
    """
    window = month(period)
    ordered = scopes.report_order(config.scopes)
    billed = _billed(daily, period).filter(pl.col("ChargeDay") <= as_of.date())
    spent = _billed(resources, period)
    matches = scopes.TagBudgets(ordered).match_all(billed["x_ReportedTags"])
    spends = by_budget(billed, ordered, matches, as_of=as_of, last_complete_day=last_complete_day, rates=rates)
    resource_matches = scopes.TagBudgets(ordered).match_all(spent["Tags"])
    counts = scopes.matched_resources(spent, ordered, resource_matches)
    statuses = tuple(
        _status(scope, spends[scope.budget_id], window, counts.get(scope.budget_id, 0)) for scope in ordered
    )
    return BudgetResult(
        period=period,
        window=window,
        statuses=statuses,
        warnings=(*config.warnings, *scopes.tie_warnings(matches), *_rate_warnings(statuses, period)),
        allocations=scopes.explain(spent, ordered, resource_matches) if explain else None,
    )


def project(
    config: BudgetsConfig,
    daily: pl.DataFrame,
    *,
    period: str,
    as_of: datetime,
    last_complete_day: LastCompleteDays,
    rates: Mapping[str, Decimal],
    budget_id: str = "global",
) -> list[DayProjection]:
    """Return one budget's month day by day for a chart: spend, pace of the limit, projection to the forecast.

    Arguments as for ``evaluate``. Empty when the budget does not exist, is disabled, or a rate is missing.
    """
    ordered = scopes.report_order(config.scopes)
    budget = next((scope for scope in ordered if scope.budget_id == budget_id and scope.enabled), None)
    if budget is None:
        return []
    billed = _billed(daily, period).filter(pl.col("ChargeDay") <= as_of.date())
    matches = scopes.TagBudgets(ordered).match_all(billed["x_ReportedTags"])
    spend = by_budget(billed, ordered, matches, as_of=as_of, last_complete_day=last_complete_day, rates=rates)[
        budget_id
    ]
    if spend.unconverted:
        return []
    return daily_projection(
        spend.usage, spend.other, window=month(period), last_complete_day=spend.through, limit=budget.amount
    )


def exit_decision(result: BudgetResult) -> ExitDecision:
    """Decide how budgets let the run end: with the code of the first breached scope in report order."""
    status = next((status for status in result.statuses if status.breached), None)
    if status is None:
        return ExitDecision()
    reason = _breach(status)
    code = status.exit_code or 0
    return ExitDecision(code, status.budget_id, reason, reason if code == 0 else None)


def status_rows(result: BudgetResult) -> pl.DataFrame:
    """Return the result as rows of the table ``budget_status``, with exactly its columns."""
    rows = [
        {
            "x_BillingPeriod": result.period,
            "position": position,
            **{name: getattr(status, name) for name in _STATUS_SCHEMA if hasattr(status, name)},
            "enabled": status.budget.enabled,
            "alerts": json.dumps([alert.to_json_dict() for alert in status.alerts]),
            "unconverted": json.dumps({currency: text(cost) for currency, cost in status.unconverted}),
        }
        for position, status in enumerate(result.statuses)
    ]
    return pl.DataFrame(rows, schema=_STATUS_SCHEMA)


def _billed(frame: pl.DataFrame, period: str) -> pl.DataFrame:
    return frame.filter((pl.col("x_Origin") == "billed") & (pl.col("x_BillingPeriod") == period))


def _status(budget: ScopeBudget, spend: Spend, window: Window, matched: int) -> BudgetStatus:
    plain = partial(BudgetStatus, budget, window.start, window.end, budget.amount)
    if not budget.enabled:
        return plain("DISABLED", forecast_note="disabled")
    if spend.unconverted:
        missing = tuple(sorted(spend.unconverted.items()))
        note = f"no rate to {budget.currency} for {', '.join(currency for currency, _ in missing)}"
        return plain("UNSPECIFIED", forecast_note=note, matched_resources=matched, unconverted=missing)
    limit, spent = budget.amount, rounded(spend.total)
    forecast = linear(spend.usage, total(spend.other.values()), window=window, last_complete_day=spend.through)
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
        matched_resources=matched,
        breached=budget.exit_on_threshold and any(alert.exit and alert.state == "EXCEEDED" for alert in alerts),
    )


def _threshold(alert: AlertThreshold, spend: Decimal, forecast: Forecast, limit: Decimal) -> ThresholdStatus:
    """A forecasted threshold without a forecast is OK: nothing is known against it."""
    figure = spend if alert.type == "actual" else forecast.amount
    state: ThresholdState = "OK"
    if figure is not None and reaches(figure, limit, alert.threshold):
        state = "EXCEEDED"
    elif figure is not None and alert.threshold > _APPROACH and reaches(figure, limit, alert.threshold - _APPROACH):
        state = "APPROACHING"
    return ThresholdStatus(alert.threshold, alert.type, state, alert.exit)


def _health(spend: Decimal, limit: Decimal) -> Health:
    return next((health for percentage, health in _HEALTH if reaches(spend, limit, percentage)), "OK")


def reaches(figure: Decimal, limit: Decimal, percentage: Decimal) -> bool:
    """Say exactly whether ``figure`` is at least ``percentage`` percent of ``limit``."""
    with localcontext(EXACT):
        return figure * 100 >= limit * percentage


def _shown_percent(figure: Decimal, limit: Decimal) -> Decimal | None:
    shown = percent(figure, limit)
    return None if shown is None else EXACT.add(shown, ZERO)


def _rate_warnings(statuses: Iterable[BudgetStatus], period: str) -> list[str]:
    """One line per currency without a rate: the sum of the widest scope that has it, and who cannot be counted."""
    sums: dict[str, tuple[Decimal, str]] = {}
    names: dict[str, list[str]] = {}
    for status in statuses:
        for currency, cost in status.unconverted:
            sums.setdefault(currency, (cost, status.currency))
            names.setdefault(currency, []).append(status.budget_id)
    return [
        f"{text(cost)} {currency} of {period} have no rate to {own}: {_listed(names[currency])} UNSPECIFIED; "
        f'give currency.rates."{period}".{currency}'
        for currency, (cost, own) in sorted(sums.items())
    ]


def _listed(names: Sequence[str]) -> str:
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
        f"budget {status.budget_id}, {label(status.period_start)}: {'spend' if actual else 'forecast'} {text(figure)} "
        f"{status.currency} is {percent_text(percentage)} % of {text(status.effective_limit)} {status.currency}, at or over its threshold of "
        f"{text(alert.threshold)} %"
    )
