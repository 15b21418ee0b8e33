"""`costmill budgets check`: what the policies say to a call before it is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli import calls, options, output
from pipeline.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pipeline.budgets.preflight import BudgetCheck, PolicyCheck

COLUMNS = ("policy", "name", "scope", "window", "spend", "limit", "remaining", "currency", "percent", "action", "says")
#: What `--explain` prints of each policy's numbers.
MADE_OF = ("policy", "loaded", "recent", "records", "cost", "plain_limit", "carried", "currency", "from", "to")
PASSED_OVER = ("policy", "name", "scope", "why it does not count the call")


@click.command()
@calls.described
@click.option("--override", is_flag=True, help="Pass a soft_block; it needs budget:admin.")
@click.option("--explain", is_flag=True, help="Say what each number is made of, and why other policies have no say.")
@options.table_or_json
@options.settings_options
def check(
    attribution: tuple[str, ...],
    override: bool,
    explain: bool,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
    **fields: Any,
) -> int:
    """Ask whether a call may be made: 0 says yes, 1 that policies refuse it. Records nothing.

    It is held against every enabled policy that counts it and that the actor may see; any other exit code says that
    there is no answer. --as-of is the time of the call.

    \b
    Examples:
      costmill budgets check --provider openai --operation chat_completion --cost 0.25 --for team=ml
      costmill budgets check --provider openai --operation chat_completion --model gpt-4o --input-tokens 9000 --explain
    """
    from pipeline.budgets.policy_service import BudgetPolicyService
    from pipeline.usage.record import UsageRecord

    settings = options.settings(config, warehouse, verbose)
    moment, cost = options.moment(as_of, settings), fields.pop("cost")
    call = UsageRecord(**fields, attribution=calls.attributed(attribution), time=moment)
    service = BudgetPolicyService(settings)
    found = service.check_budget(settings.actor, call, cost, override=override, explain=explain)
    if format_ == "json":
        click.echo(json.dumps(found.to_json_dict(), indent=2, ensure_ascii=False))
    else:
        _tell(found, moment)
    return ExitCode.OK if found.allowed else ExitCode.BREACH


def _tell(found: BudgetCheck, moment: datetime) -> None:
    """Print an answer for people: the verdict, each policy, warnings, how old the figures are, what explains them."""
    click.echo(output.printable(_verdict(found)))
    if found.policies:
        click.echo()
        output.rows(COLUMNS, [_row(each) for each in found.policies], "table")
        click.echo()
    for line in _notes(found, moment):
        click.echo(output.printable(line))
    if found.passed_over is None:
        return
    if found.policies:
        click.echo("\nmade of")
        output.rows(MADE_OF, [_parts(each) for each in found.policies], "table")
    if found.passed_over:
        click.echo("\nof no say")
        rows = [(own.budget_id, own.name, own.scope_name, reason) for own, reason in found.passed_over]
        output.rows(PASSED_OVER, rows, "table")


def _verdict(found: BudgetCheck) -> str:
    from pipeline import money

    call = f"a call of {money.text(found.cost)} {found.currency}"
    passed = [each.policy.name for each in found.policies if each.is_exceeded]
    if not found.policies:
        return f"allowed: no policy counts {call}"
    if not passed:
        return f"allowed: {call} fits"
    return (
        f"{'allowed' if found.allowed else 'refused'}, {found.action}: {call} passes the limit of {', '.join(passed)}"
    )


def _notes(found: BudgetCheck, moment: datetime) -> Iterator[str]:
    for warning in found.warnings:
        yield f"warning: {warning}"
    if found.action == "degrade":
        yield f"cheaper: {found.alternative or 'no other model is known'}"
    if found.counted_at is None:
        yield "figures: no run has counted yet; what is recorded and not loaded is in them"
    else:
        at = found.counted_at.replace(microsecond=0)
        yield f"figures: of the run that ended at {at} UTC{_age(moment - at)}; what is recorded since is in them"


def _age(passed: timedelta) -> str:
    minutes = int(passed.total_seconds() // 60)
    if minutes < 0:  # --as-of lies before the run
        return ""
    days, hours = minutes // (24 * 60), minutes // 60
    number, unit = (days, "day") if days else (hours, "hour") if hours else (minutes, "minute")
    return f", {number} {unit}{'' if number == 1 else 's'} before"


def _row(each: PolicyCheck) -> tuple[object, ...]:
    from pipeline import money
    from pipeline.budgets.windows import name_of

    share = money.percent(each.spend, each.limit)
    return (
        each.policy.budget_id,
        each.policy.name,
        each.policy.scope_name,
        name_of(each.policy.period, each.made_of.window),
        each.spend,
        each.limit,
        each.remaining,
        each.policy.currency,
        money.percent_text(share) if share is not None else None,
        each.policy.hard_limit_action,
        "exceeded" if each.is_exceeded else "fits",
    )


def _parts(each: PolicyCheck) -> tuple[object, ...]:
    made = each.made_of
    return (
        each.policy.budget_id,
        made.loaded,
        made.recent,
        made.recent_records,
        made.cost,
        made.plain_limit,
        made.carried,
        each.policy.currency,
        made.window.start,
        made.window.end,
    )
