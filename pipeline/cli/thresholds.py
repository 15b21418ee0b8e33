"""`costmill alerts configure | configs | remove`: thresholds that people set beside those of the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from pipeline.cli import options, output

if TYPE_CHECKING:
    from pipeline.budgets.alert_configs import AlertConfig
    from pipeline.budgets.alert_table import Severity
    from pipeline.config.budgets import AlertType

#: Columns of `configs`, as the table names them.
COLUMNS = {
    "id": "config_id",
    "budget": "budget_id",
    "type": "type",
    "threshold": "threshold",
    "unit": "unit",
    "severity": "severity",
    "cooldown_minutes": "cooldown_minutes",
    "configured_at": "configured_at",
    "configured_by": "configured_by",
}


@click.command()
@click.argument("budget", metavar="BUDGET")
@click.option("--threshold", metavar="PERCENT", help="Percent of the budget's limit, such as 90.")
@click.option("--amount", metavar="AMOUNT", help="Instead of a percentage: an amount in the budget's currency.")
@click.option(
    "--type",
    "type_",
    type=click.Choice(["actual", "forecasted"]),
    default="actual",
    show_default=True,
    help="What is compared: the spend so far, or the forecast of the whole window.",
)
@click.option(
    "--severity",
    type=click.Choice(["info", "warning", "critical", "emergency"]),
    help="Severity of its alerts; else by the percentage.",
)
@click.option(
    "--cooldown",
    type=int,
    default=0,
    show_default=True,
    metavar="MINUTES",
    help="Tell of the same threshold and window again only after so long.",
)
@options.text_or_json
@options.settings_options
def configure(
    budget: str,
    threshold: str | None,
    amount: str | None,
    type_: str,
    severity: str | None,
    cooldown: int,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Set a threshold of a budget beside the file's own, or the severity and cooldown of one that is there.

    The next run or `alerts watch` judges it. It never sets an exit code.

    \b
    Examples:
      costmill alerts configure tag:team:ml --threshold 90 --severity critical
      costmill alerts configure global --amount 5000 --type forecasted --cooldown 720
    """
    from pipeline.alert_service import BudgetAlertService
    from pipeline.budgets.alert_configs import AlertConfig
    from pipeline.config import fields
    from pipeline.errors import UsageError

    given = amount if threshold is None else threshold
    if given is None or (threshold is not None and amount is not None):
        raise UsageError("an alert needs --threshold PERCENT or --amount AMOUNT, and not both")
    try:
        value = fields.number(given)
    except ValueError as error:
        raise UsageError(f"the threshold {error}") from None
    settings = options.settings(config, warehouse, verbose)
    made = AlertConfig(
        budget,
        value,
        "percent" if amount is None else "amount",
        cast("AlertType", type_),
        cast("Severity | None", severity),
        cooldown,
    )
    done = BudgetAlertService(settings).configure_alert(settings.actor, made, as_of=options.moment(as_of, settings))
    _tell(done, f"configured by {done.configured_by}", format_)
    return 0


@click.command()
@options.format_
@options.place_options
def configs(format_: str, config: Path | None, warehouse: Path | None, verbose: bool) -> int:
    """List the thresholds that people set; those of the file are in the file.

    \b
    Example:
      costmill alerts configs
    """
    from pipeline.alert_service import BudgetAlertService

    settings = options.settings(config, warehouse, verbose)
    found = BudgetAlertService(settings).list_alert_configs(settings.actor)
    rows = [[getattr(each, name) for name in COLUMNS.values()] for each in found]
    if format_ == "table":
        rows = [[row[0][:8], *row[1:]] for row in rows]
    output.rows(list(COLUMNS), rows, format_)
    return 0


@click.command()
@click.argument("id", metavar="ID")
@options.text_or_json
@options.settings_options
def remove(id: str, format_: str, config: Path | None, warehouse: Path | None, as_of: str | None, verbose: bool) -> int:
    """Remove a threshold that people set, by the start of its id; its live alerts are resolved.

    \b
    Example:
      costmill alerts remove 5f0c1a77
    """
    from pipeline.alert_service import BudgetAlertService

    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    gone = BudgetAlertService(settings).remove_alert(settings.actor, id, as_of=moment)
    _tell(gone, f"removed by {settings.actor.id}", format_)
    return 0


def _tell(config: AlertConfig, done: str, format_: str) -> None:
    if format_ == "json":
        facts = {name: output.plain(getattr(config, column)) for name, column in COLUMNS.items()}
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        click.echo(output.printable(f"{_label(config)}: {done}"))


def _label(config: AlertConfig) -> str:
    from pipeline.money import text

    unit = " %" if config.unit == "percent" else ""
    return f"{config.config_id[:8]} {config.budget_id} {config.type} {text(config.threshold)}{unit}"
