"""Tables of budgets, policies and alerts: one for each currency that they are in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

from pipeline import money
from pipeline.budgets.alert_table import ANOMALY
from pipeline.reports.documents.tables import shortened
from pipeline.reports.documents.words import budget_name, count
from pipeline.reports.figures import Figures
from pipeline.reports.model import Alert, Budget, PolicyStatus, Standing, Threshold
from pipeline.reports.model.document import Column, Row, Table
from pipeline.reports.model.standing import SUPPRESSED
from pipeline.reports.render import SCOPES

_Item = TypeVar("_Item")

_NAME = Column("name", "Budget")
_HEALTH = Column("health", "Status", "status")
_USED = Column("percentage", "Used", "used")
_SPEND = Column("current_spend", "Spend", "money")
_LIMIT = Column("effective_limit", "Limit", "money")
_OWNER = Column("owner", "Owner")
_WINDOW = Column("window", "Window")
_BUDGETS = (
    _NAME,
    Column("scope", "Scope"),
    _HEALTH,
    _USED,
    _SPEND,
    _LIMIT,
    Column("forecasted_spend", "Forecast", "money"),
    Column("forecast_percentage", "Forecast used", "used"),
    Column("thresholds_reached", "Thresholds reached"),
    _OWNER,
    _WINDOW,
    Column("note", "Note", missing=""),
    Column("budget_id", "Id", on_pages=False),
    Column("thresholds", "Thresholds", on_pages=False),
)
_POLICIES = (
    Column("name", "Policy"),
    Column("scope", "Scope"),
    _HEALTH,
    _USED,
    _SPEND,
    _LIMIT,
    Column("hard_limit_action", "At the limit"),
    Column("counted_origin", "Counts"),
    Column("tenant_id", "Tenant"),
    _OWNER,
    _WINDOW,
    Column("note", "Note", missing=""),
    Column("budget_id", "Id", on_pages=False),
)
_ALERTS = (
    Column("name", "Alert"),
    Column("severity", "Severity", "status"),
    Column("threshold", "Threshold"),
    Column("spend", "Amount", "money"),
    _LIMIT,
    Column("percentage", "Of limit", "used"),
    Column("status", "State"),
    Column("fired_at", "Fired", "moment"),
    _WINDOW,
    Column("note", "Note", missing=""),
    Column("budget_id", "Id", on_pages=False),
)


def budget_tables(standing: Standing, figures: Figures, window: str) -> tuple[Table, ...]:
    """The budgets of the file in report order; ``window`` is the name of the report's own."""
    return _tables(
        "budgets", _BUDGETS, standing.budgets, lambda own: own, lambda own: _budget(own, figures, window), window
    )


def policy_tables(standing: Standing, figures: Figures, window: str) -> tuple[Table, ...]:
    """The policies, high priority first."""
    found = standing.policies
    return _tables(
        "policies",
        _POLICIES,
        found,
        lambda own: own.budget,
        lambda own: _policy(own, figures, window),
        window,
        title="Policies",
        notes=("Each counts on its own, and none decides how a run ends.",),
    )


def alert_tables(alerts: Sequence[Alert], figures: Figures, window: str) -> tuple[Table, ...]:
    """The alerts in their order: open ones first; those that were suppressed are a number."""
    told = [own for own in alerts if own.status != SUPPRESSED]
    rows: dict[str, list[Row]] = {}
    for own in told:
        rows.setdefault(own.currency, []).append(_alert(own, figures, window))
    return tuple(
        shortened(
            Table("alerts", "", _ALERTS, tuple(each), currency=code, top=40, others="alerts"),
            {"window": window},
        )
        for code, each in rows.items()
    )


def suppressed_words(alerts: Sequence[Alert]) -> str:
    """How many alerts nobody was told of, and why."""
    number = sum(own.status == SUPPRESSED for own in alerts)
    if not number:
        return ""
    return f"{count(number, 'alert')} of windows that ended before the first load: noted, told to nobody."


def _tables(
    name: str,
    columns: tuple[Column, ...],
    items: Sequence[_Item],
    budget: Callable[[_Item], Budget],
    row: Callable[[_Item], Row],
    window: str,
    *,
    title: str = "",
    notes: tuple[str, ...] = (),
) -> tuple[Table, ...]:
    currencies = list(dict.fromkeys(budget(own).currency for own in items))
    titles = {code: " in ".join(filter(None, (title, code))) if len(currencies) > 1 else title for code in currencies}
    made = (
        Table(
            name,
            titles[code],
            columns,
            tuple(row(own) for own in items if budget(own).currency == code),
            currency=code,
            others=name,
            notes=notes,
        )
        for code in currencies
    )
    return tuple(shortened(own, {"window": window}) for own in made)


def _budget(own: Budget, figures: Figures, window: str) -> Row:
    scope = " ".join(filter(None, (SCOPES.get(own.scope_type, own.scope_type), own.scope_key if own.name else None)))
    steps = [step for step in own.thresholds if step.state == "EXCEEDED"]
    return (
        budget_name(own),
        scope,
        own.health,
        *((own.percentage, own.spend) if own.enabled else (None, None)),
        own.limit,
        *((own.forecast, own.forecast_percentage) if own.enabled else (None, None)),
        _steps(steps, own.currency) or None,
        own.owner,
        own.window or window,
        _note(own, figures),
        own.id,
        _steps(own.thresholds, own.currency) or None,
    )


def _policy(own: PolicyStatus, figures: Figures, window: str) -> Row:
    budget = own.budget
    return (
        budget_name(budget),
        own.scope,
        budget.health,
        *((budget.percentage, budget.spend) if budget.enabled else (None, None)),
        budget.limit,
        own.action,
        own.counts,
        own.tenant,
        budget.owner,
        budget.window or window,
        _note(budget, figures),
        budget.id,
    )


def _alert(own: Alert, figures: Figures, window: str) -> Row:
    if own.type == ANOMALY:
        threshold = f"{figures.money(own.limit, own.currency)} expected"
    else:
        threshold = f"{_step(own.threshold, own.unit, own.currency)} {own.type}"
    return (
        own.name,
        own.severity,
        threshold,
        own.spend,
        own.limit,
        own.percentage,
        own.status,
        own.fired_at,
        own.window or window,
        "; ".join(_history(own, figures)) or None,
        own.budget,
    )


def _history(own: Alert, figures: Figures) -> Iterable[str]:
    if own.reopened_at:
        yield f"reopened {figures.moment(own.reopened_at)}"
    if own.acknowledged_at:
        yield f"acknowledged by {figures.label(own.acknowledged_by)} {figures.moment(own.acknowledged_at)}"
    if own.snoozed_until:
        yield f"snoozed until {figures.moment(own.snoozed_until)}"
    if own.resolved_at:
        yield f"resolved {figures.moment(own.resolved_at)}"
    if own.reason:
        yield figures.label(own.reason)


def _note(own: Budget, figures: Figures) -> str | None:
    if not own.enabled:
        return "Switched off"
    unconverted = [f"not counted, no rate: {figures.money(value, code)}" for code, value in own.unconverted]
    return "; ".join([*([own.forecast_note] if own.forecast_note else []), *unconverted]) or None


def _steps(steps: Iterable[Threshold], currency: str) -> str:
    words = [
        _step(own.threshold, own.unit, currency) + (" forecast" if own.type == "forecasted" else "") for own in steps
    ]
    return ", ".join(words)


def _step(threshold: Decimal, unit: str, currency: str) -> str:
    return money.text(threshold) + ("%" if unit == "percent" else f" {currency}")
