"""`costmill alerts`: alerts of budgets, and what people do with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from pipeline.cli import options, output

if TYPE_CHECKING:
    from pipeline.alert_service import BudgetAlertService, Handled, Status
    from pipeline.budgets.alert_table import Alert
    from pipeline.config import Settings

STATES = ("active", "open", "acknowledged", "snoozed", "suppressed", "resolved", "all")
#: Columns of `list`, as the table names them.
COLUMNS = {
    "id": "alert_id",
    "status": "status",
    "severity": "severity",
    "budget": "budget_id",
    "type": "type",
    "threshold": "threshold",
    "unit": "unit",
    "percentage": "percentage",
    "spend": "spend",
    "limit": "effective_limit",
    "currency": "currency",
    "window": "window_name",
    "period": "x_BillingPeriod",
    "period_start": "period_start",
    "fired_at": "fired_at",
    "acknowledged_by": "acknowledged_by",
    "snoozed_until": "snoozed_until",
    "note": "note",
}
#: What `show` adds.
MORE = {
    "occurrence": "occurrence",
    "tenant": "tenant_id",
    "acknowledged_at": "acknowledged_at",
    "snoozed_by": "snoozed_by",
    "resolved_at": "resolved_at",
    "resolved_by": "resolved_by",
    "reason": "reason",
}
EVENT = ("at", "event", "percentage", "by", "note", "until", "reason")

note = click.option("--note", metavar="TEXT", help="Why; kept in the alert's history with who and when.")


@click.group()
def alerts() -> None:
    """Show alerts, acknowledge, snooze or resolve them, and watch for new ones between nights.

    Who asks is the configuration's `actor`: it needs budget:read to look and budget:write to act.

    \b
    Examples:
      costmill alerts list
      costmill alerts ack 38be9c84 --note "the migration, until Friday"
    """


@alerts.command(name="list")
@click.option("--scope", metavar="BUDGET", help="Only this budget's, such as tag:team:ml, or a kind's, such as tag.")
@click.option("--period", metavar="YYYY-MM", help="Only this billing period's.")
@click.option(
    "--status", type=click.Choice(STATES), default="active", show_default=True, help="active: open or acknowledged."
)
@options.format_
@options.settings_options
def list_(
    scope: str | None,
    period: str | None,
    status: str,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """List alerts with their budget and window; a table shows the start of each id.

    \b
    Example:
      costmill alerts list --scope tag:team:ml --status all --format json
    """
    settings = options.settings(config, warehouse, verbose)
    found = _service(settings).list_alerts(
        settings.actor,
        scope,
        status=None if status == "all" else cast("Status", status),
        period=period,
        as_of=options.moment(as_of, settings),
    )
    rows = [[getattr(alert, name) for name in COLUMNS.values()] for alert in found]
    if format_ == "table":
        rows = [[row[0][:8], *row[1:]] for row in rows]
    output.rows(list(COLUMNS), rows, format_)
    return 0


@alerts.command()
@click.argument("id", metavar="ID")
@options.table_or_json
@options.place_options
def show(id: str, format_: str, config: Path | None, warehouse: Path | None, verbose: bool) -> int:
    """Show one alert with all that happened to it. The start of an id is enough where only one begins with it.

    \b
    Example:
      costmill alerts show 38be9c84
    """
    settings = options.settings(config, warehouse, verbose)
    alert = _service(settings).get_alert(settings.actor, id)
    facts = _facts(alert)
    if format_ == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return 0
    history: list[dict[str, Any]] = facts.pop("history")
    for name, value in facts.items():
        if value is not None:
            click.echo(output.printable(f"{name:<16}{value}"))
    click.echo("\nhistory")
    output.rows(EVENT, [[entry.get(name) for name in EVENT] for entry in history], "table")
    return 0


@alerts.command()
@click.argument("id", metavar="ID")
@note
@options.text_or_json
@options.settings_options
def ack(
    id: str,
    note: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Acknowledge an alert: somebody sees to it. It stays until its figure falls, or somebody resolves it.

    \b
    Example:
      costmill alerts ack 38be9c84 --note "the migration, until Friday"
    """
    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    _tell(_service(settings).acknowledge_alert(settings.actor, id, note, as_of=moment), format_)
    return 0


@alerts.command()
@click.argument("id", metavar="ID")
@click.option("--until", required=True, metavar="TIME", help="A UTC date (its first moment) or time.")
@note
@options.text_or_json
@options.settings_options
def snooze(
    id: str,
    until: str,
    note: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Have nobody told of an alert until a time. It is shown all the while; the first run after that tells it again.

    \b
    Example:
      costmill alerts snooze 38be9c84 --until 2026-04-06
    """
    from pipeline.periods import parse_since

    settings = options.settings(config, warehouse, verbose)
    end, moment = parse_since(until), options.moment(as_of, settings)
    _tell(_service(settings).snooze(settings.actor, id, end, note, as_of=moment), format_)
    return 0


@alerts.command()
@click.argument("id", metavar="ID")
@note
@options.text_or_json
@options.settings_options
def resolve(
    id: str,
    note: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Resolve an alert: it comes back only when its figure has fallen below the threshold and reached it again.

    \b
    Example:
      costmill alerts resolve 38be9c84 --note "the budget is raised from April on"
    """
    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    _tell(_service(settings).resolve(settings.actor, id, note, as_of=moment), format_)
    return 0


def _service(settings: Settings) -> BudgetAlertService:
    from pipeline.alert_service import BudgetAlertService

    return BudgetAlertService(settings)


def _facts(alert: Alert) -> dict[str, Any]:
    facts = {name: output.plain(getattr(alert, column)) for name, column in (COLUMNS | MORE).items()}
    return {**facts, "history": json.loads(alert.history)}


def _tell(handled: Handled, format_: str) -> None:
    from pipeline.budgets import handling

    if format_ == "json":
        click.echo(json.dumps({"is_new": handled.is_new, **_facts(handled.alert)}, indent=2, ensure_ascii=False))
        return
    click.echo(output.printable(f"{handling.label(handled.alert)}: {_already(handled)}{_state(handled.alert)}"))


def _already(handled: Handled) -> str:
    return "" if handled.is_new else "already "


def _state(alert: Alert) -> str:
    from pipeline.budgets import handling

    return handling.state(alert)
