"""Many alerts as one message: the highest of each budget and window, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from pipeline.budgets.alert_table import ANOMALY, Alert
from pipeline.deliver.channel import AlertNews
from pipeline.periods import span_of
from pipeline.reports.documents.words import spoken
from pipeline.reports.figures import Figures
from pipeline.reports.model.document import Caution, Column, Document, Fact, Part, Row, Table
from pipeline.version import VERSION

SEVERITIES = ("info", "warning", "critical", "emergency")

_BUDGET = Column("budget", "Budget")
_COLUMNS = (
    _BUDGET,
    Column("severity", "Severity", "status"),
    Column("threshold", "Threshold"),
    Column("window", "Window"),
    Column("spend", "Amount", "money"),
    Column("effective_limit", "Limit", "money"),
    Column("percentage", "Of limit", "used"),
)
_DAYS = (
    Column("scope", "Of what"),
    Column("severity", "Severity", "status"),
    Column("day", "Day"),
    Column("spend", "Cost", "money"),
    Column("expected", "Expected", "money"),
    Column("percentage", "Of that", "used"),
)
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_COMMANDS = (Column("command", "Command"), Column("alert", "Alert"))


def highest(alerts: Iterable[AlertNews]) -> list[AlertNews]:
    """Return the highest alert of each budget and window, the most severe first."""
    found: dict[tuple[str, str, datetime], AlertNews] = {}
    for own in sorted(alerts, key=_rank):
        found.setdefault((own.alert.budget_id, own.alert.period, own.alert.period_start), own)
    return list(found.values())


def document(
    alerts: Sequence[AlertNews], *, as_of: datetime, made_at: datetime, locale: str, stale: Sequence[str] = ()
) -> Document:
    """Return what one recipient is told of some alerts."""
    figures, shown = Figures.of(locale), highest(alerts)
    budgets = [own for own in shown if own.alert.type != ANOMALY]
    days = [own for own in shown if own.alert.type == ANOMALY]
    title = _title(len(budgets), len(days))
    lower = len(alerts) - len(shown)
    others = "1 lower one was" if lower == 1 else f"{lower} lower ones were"
    lead = f"The highest threshold of each budget; {others} reached as well." if lower else ""
    parts = [
        Part(
            "budgets", "Budgets", lead=lead, tables=_tables("alerts", _COLUMNS, budgets, lambda own: _row(own, figures))
        ),
        Part("days", "Unusual days", tables=_tables("days", _DAYS, days, lambda own: _day(own, figures))),
        Part("actions", "What to do", lead=_WHAT_TO_DO, tables=(_commands(shown, figures),)),
    ]
    return Document(
        report="alerts",
        edition="custom",
        period=as_of.date().isoformat(),
        start=as_of.date(),
        end=as_of.date(),
        title=title,
        headline=f"{title}: {words(shown[0], figures)}",
        facts=tuple(_facts(shown)),
        parts=tuple(part for part in parts if part.tables),
        cautions=tuple(Caution("stale", f"Data is stale. {line}", serious=True) for line in stale),
        last_day=None,
        generated_at=made_at,
        version=VERSION,
        locale=locale,
    )


_WHAT_TO_DO = (
    "Acknowledge an alert to say that somebody sees to it, or snooze it until a day. It is told again only when its "
    "figure falls and comes back."
)


def name_of(own: AlertNews) -> str:
    """Return what an alert is of: the budget's name, or a service of a provider."""
    if own.alert.type != ANOMALY:
        return own.budget
    _, _, *place = own.alert.budget_id.split(":", 3)
    return f"{place[1]} ({place[0]})" if len(place) == 2 else "All usage"


def when(alert: Alert, figures: Figures) -> str:
    """Return an alert's window as reports call spans: ``March 2026``, ``week 12 of 2026``, ``7 days to Mar 22, 2026``."""
    period = alert.period
    if period in ("weekly", "monthly", "quarterly", "yearly"):
        return spoken(span_of(period, alert.period_start.date()), figures)
    if period == "hourly":
        return figures.moment(alert.period_start)
    return _ISO_DAY.sub(lambda found: figures.date(date.fromisoformat(found[0])), alert.window_name)


def _rank(own: AlertNews) -> tuple[int, bool, Decimal, Decimal, str]:
    """Severe before mild, spent before forecasted, high before low."""
    alert = own.alert
    severity = SEVERITIES.index(alert.severity)
    return (-severity, alert.type == "forecasted", -alert.percentage, -alert.threshold, alert.budget_id)


def _title(budgets: int, days: int) -> str:
    said = [
        f"{number} {name}{'' if number == 1 else 's'}"
        for number, name in ((budgets, "budget alert"), (days, "unusual day"))
        if number
    ]
    return " and ".join(said)


def words(own: AlertNews, figures: Figures) -> str:
    """Return an alert as a phrase: what it is of, how high, and of which limit."""
    alert = own.alert
    spend, limit = figures.money(alert.spend, alert.currency), figures.money(alert.effective_limit, alert.currency)
    if alert.type == ANOMALY:
        return f"{name_of(own)} cost {spend} on {when(alert, figures)}, {limit} expected"
    verb = "is forecast at" if alert.type == "forecasted" else "is at"
    return f"{name_of(own)} {verb} {figures.floor_percent(alert.percentage)} of {limit} ({when(alert, figures)})"


def _facts(shown: Sequence[AlertNews]) -> Iterable[Fact]:
    yield Fact("worst", "Most severe", shown[0].alert.severity, "status")
    ordered = sorted((own.alert.severity for own in shown), key=SEVERITIES.index, reverse=True)
    for severity, group in groupby(ordered):
        yield Fact(severity, severity.capitalize(), len(list(group)), "count")


def _tables(
    name: str, columns: tuple[Column, ...], alerts: Sequence[AlertNews], row: Callable[[AlertNews], Row]
) -> tuple[Table, ...]:
    codes = list(dict.fromkeys(own.alert.currency for own in alerts))
    return tuple(
        Table(
            name,
            code if len(codes) > 1 else "",
            columns,
            tuple(row(own) for own in alerts if own.alert.currency == code),
            currency=code,
            others="alerts",
        )
        for code in codes
    )


def _row(own: AlertNews, figures: Figures) -> Row:
    alert = own.alert
    threshold = f"{alert.type} {alert.threshold_words}"
    again = ", again" if own.tellings else ""
    return (
        own.budget,
        alert.severity,
        f"{threshold}{again}",
        when(alert, figures),
        alert.spend,
        alert.effective_limit,
        alert.percentage,
    )


def _day(own: AlertNews, figures: Figures) -> Row:
    alert = own.alert
    return (name_of(own), alert.severity, when(alert, figures), alert.spend, alert.effective_limit, alert.percentage)


def _commands(shown: Sequence[AlertNews], figures: Figures) -> Table:
    rows = tuple(
        (
            f"costmill alerts ack {own.alert.alert_id[:8]}",
            f"{name_of(own)}, {when(own.alert, figures)}, {own.alert.figure_words}",
        )
        for own in shown
    )
    return Table("actions", "", _COMMANDS, rows, others="alerts: `costmill alerts list` has them")
