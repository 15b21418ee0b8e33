"""`costmill budgets`: the status of the configured budgets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import options, output
from pipeline.cli.published import published
from pipeline.periods import label, month

if TYPE_CHECKING:
    from pipeline.budgets.model import BudgetResult

COLUMNS = (
    "scope",
    "window",
    "limit",
    "spend",
    "percent",
    "forecast",
    "forecast_percent",
    "health",
    "currency",
    "resources",
)
ALLOCATED = (
    "ResourceId",
    "ResourceType",
    "Provider",
    "Cost",
    "Currency",
    "AllocatedScopes",
    "MatchedTags",
    "SelectedTagBudget",
)


@click.command()
@click.option("--period", metavar="YYYY-MM", help="The billing period; else the one that holds --as-of.")
@click.option("--explain", is_flag=True, help="Print which scopes received each resource's cost.")
@options.budget_options
@options.format_
@options.settings_options
def budgets(
    period: str | None,
    explain: bool,
    exit_on_threshold: bool | None,
    exit_code: int | None,
    budget_amount: str | None,
    budget_currency: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Show spend, forecast and health of each budget. Writes nothing; ends with the exit code of a breach.

    \b
    Example:
      costmill budgets --format json --explain
    """
    overrides = options.overrides(exit_on_threshold, exit_code, budget_amount, budget_currency)
    settings = options.settings(config, warehouse, verbose, overrides=overrides)
    moment = options.moment(as_of, settings)
    wanted = period or label(moment)
    month(wanted)
    from pipeline import jobs
    from pipeline.budgets.evaluate import exit_decision

    with published(settings) as copy:
        if wanted != label(moment):
            jobs.require_loaded(copy.warehouse, [wanted])
        result = jobs.ask_budgets(copy.warehouse, settings, wanted, as_of=moment, explain=explain)
    _print(result, format_, explain)
    decision = exit_decision(result)
    for note in (*result.warnings, decision.warning):
        if note and note not in settings.warnings:
            click.echo(f"costmill: warning: {note}", err=True)
    if result.missing_rates:
        return jobs.CONFIGURATION
    if decision.code:
        click.echo(f"costmill: {decision.reason}", err=True)
    return decision.code


def _print(result: BudgetResult, format_: str, explain: bool) -> None:
    if format_ == "json":
        click.echo(json.dumps(result.to_json_dict(), indent=2, ensure_ascii=False))
    elif explain:
        allocations = [allocation.to_json_dict() for allocation in result.allocations or ()]
        output.rows(ALLOCATED, [[_flat(each.get(name)) for name in ALLOCATED] for each in allocations], format_)
    else:
        output.rows(COLUMNS, [_row(status.to_json_dict()) for status in result.statuses], format_)


def _flat(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _row(status: dict[str, object]) -> tuple[object, ...]:
    key = f"{status['scope_type']}:{status['scope_key']}" if status["scope_key"] else status["scope_type"]
    names = (
        "window",
        "effective_limit",
        "current_spend",
        "percentage",
        "forecasted_spend",
        "forecast_percentage",
        "health",
        "currency",
    )
    return (key, *(status[name] for name in names), status["matched_resources"])
