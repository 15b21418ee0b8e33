"""`costmill budgets`: the status of the configured budgets and of policies; the commands for policies are below it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline import money
from pipeline.cli import check, edit, explain, options, output, policies
from pipeline.cli.published import published_whole
from pipeline.errors import UsageError
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
AMOUNTS = ("effective_limit", "current_spend", "forecasted_spend")
ALLOCATED = (
    "ResourceId",
    "ResourceType",
    "Provider",
    "Cost",
    "Currency",
    "Origin",
    "AllocatedScopes",
    "MatchedTags",
    "SelectedTagBudget",
    "ScopeCosts",
)


@click.group(invoke_without_command=True)
@click.option("--period", metavar="YYYY-MM", help="The billing period; else the one that holds --as-of.")
@click.option("--explain", is_flag=True, help="Print which budgets and policies received each resource's cost.")
@options.budget_options
@options.format_
@options.settings_options
@click.pass_context
def budgets(
    context: click.Context,
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

    Policies and the budgets that programs made (managed) follow those of the file, as far as the configuration's `actor`
    may see them; the commands create, change and list policies. Options for the status are not for the commands.

    \b
    Examples:
      costmill budgets --format json --explain
      costmill budgets create "ML team" --limit 500 --scope team:ml
    """
    if context.invoked_subcommand is not None:
        return _require_bare(context)
    overrides = options.overrides(exit_on_threshold, exit_code, budget_amount, budget_currency)
    settings = options.settings(config, warehouse, verbose, overrides=overrides)
    moment = options.moment(as_of, settings)
    wanted = period or label(moment)
    month(wanted)
    from pipeline import asking, jobs
    from pipeline.budgets.evaluate import exit_decision

    with published_whole(settings) as copy:
        if wanted != label(moment) and settings.actor.own_tenant is None:
            jobs.require_loaded(copy.warehouse, [wanted])
        result = asking.ask_budgets(copy.warehouse, settings, wanted, as_of=moment, explain=explain)
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


def _require_bare(context: click.Context) -> int:
    """Options before a command would be read by nobody."""
    for parameter in context.command.params:
        if context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE:
            command = f"{context.command_path} {context.invoked_subcommand}"
            raise UsageError(f"{parameter.opts[0]} stands before the command; write it after: {command} …")
    return 0


for _command in (
    *(policies.create, policies.show, policies.list_, policies.update, edit.edit, policies.delete),
    *(check.check, explain.explain),
):
    budgets.add_command(_command)


def _print(result: BudgetResult, format_: str, explain: bool) -> None:
    if format_ == "json":
        click.echo(json.dumps(result.to_json_dict(), indent=2, ensure_ascii=False))
    elif explain:
        allocations = [allocation.to_json_dict() for allocation in result.allocations or ()]
        output.rows(ALLOCATED, [[_flat(each.get(name)) for name in ALLOCATED] for each in allocations], format_)
    else:
        told = [status.to_json_dict() for status in result.statuses]
        told += [status.to_json_dict() for status in result.policies]
        told += [status.to_json_dict() for status in result.managed]
        rows = [_row(status, whole=format_ == "csv") for status in told]
        output.rows(COLUMNS, rows, format_)


def _flat(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{name}={cost}" for name, cost in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _row(status: dict[str, object], *, whole: bool) -> tuple[object, ...]:
    """A status as a row: as its JSON has it, or for the eye, numbers as such and percentages with one decimal."""
    percentages = {name: status[name] for name in ("percentage", "forecast_percentage")}
    if not whole:
        shown = {name: Decimal(money.percent_text(Decimal(str(value)))) for name, value in percentages.items() if value}
        amounts = {name: Decimal(str(status[name])) for name in AMOUNTS if status[name] is not None}
        status = {**status, **shown, **amounts}
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
