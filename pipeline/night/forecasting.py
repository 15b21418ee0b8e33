"""Forecasts of a billing period: in total by currency, and of each budget and policy in its window, with what they rest on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl

from pipeline import periods, resources
from pipeline.budgets import evaluate, windows
from pipeline.budgets.model import BudgetStatus
from pipeline.config import Settings
from pipeline.config.budgets import ScopeBudget
from pipeline.forecast import rounded
from pipeline.money import NO_CURRENCY
from pipeline.night.budgeting import evaluate_period
from pipeline.night.summarising import last_days
from pipeline.store.warehouse import Warehouse


@dataclass(frozen=True)
class Projected:
    """One forecast and its assumptions.

    Attributes:
        scope: ``total``, or the budget's id.
        name: the budget's or policy's; None without one.
        policy_scope: what a policy is of, such as ``team:ml``; None for others.
        spend, forecast, limit: in ``currency``; the forecast is None where ``note`` says why there is none.
        percentage: the forecast in percent of the limit, 6 decimals.
        elapsed_days, days: complete days that the run rate is made of, and days of the window.
        last_complete_day: of the sources whose usage is in it, the earliest of theirs.
        late_data_days: how many days after it a day counts as complete.
    """

    scope: str
    name: str | None
    policy_scope: str | None
    window: str
    currency: str
    spend: Decimal | None
    forecast: Decimal | None
    limit: Decimal | None
    percentage: Decimal | None
    method: str
    elapsed_days: int
    days: int
    last_complete_day: date | None
    late_data_days: int
    note: str | None


def project(
    warehouse: Warehouse, settings: Settings, period: str, as_of: datetime, keys: Collection[str]
) -> tuple[Projected, ...]:
    """Forecast a billing period in total, a row per currency, and in the window that answers for it every budget and every
    policy that the settings' actor may see."""
    result, late = evaluate_period(warehouse, settings, period, as_of, keys=keys), settings.late_data_days
    scopes = (_of_status(status, late) for status in result.statuses)
    policies = (_of_status(each.status, late, each.policy.scope_name) for each in result.policies)
    return (*_totals(warehouse, settings, period, as_of), *scopes, *policies)


def _totals(warehouse: Warehouse, settings: Settings, period: str, as_of: datetime) -> Iterator[Projected]:
    """Forecast all billed charges of each currency as a budget of everything would."""
    daily = warehouse.frame(resources.sql("night/budgeted_costs"), [period, period, None, None, ["billed"]])
    days, window = {period: last_days(warehouse, period)}, periods.month(period)
    for currency in daily["BillingCurrency"].unique().sort(nulls_last=True).to_list():
        whole = ScopeBudget("global", "", Decimal(1), currency or NO_CURRENCY)
        own = daily.filter(pl.col("BillingCurrency").eq_missing(pl.lit(currency, dtype=pl.String)))
        books, _ = evaluate.open_books(
            [whole], own, as_of=as_of, days=days, rates={}, late_days=settings.late_data_days
        )
        spend = books.spend(whole, window)
        made = evaluate.forecast_of(whole, window, spend)
        yield Projected(
            scope="total",
            name=None,
            policy_scope=None,
            window=windows.name_of(whole.period, window),
            currency=whole.currency,
            spend=rounded(spend.total),
            forecast=made.amount,
            limit=None,
            percentage=None,
            method=made.method,
            elapsed_days=made.elapsed_days,
            days=made.days,
            last_complete_day=made.through,
            late_data_days=settings.late_data_days,
            note=made.note,
        )


def _of_status(status: BudgetStatus, late_data_days: int, policy_scope: str | None = None) -> Projected:
    through, first = status.forecast_through, status.period_start.date()
    return Projected(
        scope=status.budget_id,
        name=status.budget.name,
        policy_scope=policy_scope,
        window=status.window_name,
        currency=status.currency,
        spend=status.current_spend,
        forecast=status.forecasted_spend,
        limit=status.effective_limit,
        percentage=status.forecast_percentage,
        method="linear",
        elapsed_days=(through - first + timedelta(days=1)).days if through else 0,
        days=status.window.days,
        last_complete_day=through,
        late_data_days=late_data_days,
        note=status.forecast_note,
    )
