"""`costmill run`: the night."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import options, output

if TYPE_CHECKING:
    from pipeline.rehearsal import Rehearsal


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be loaded, with counts and control totals.")
@click.option("--no-deliver", "silent", is_flag=True, help="Tell nobody: no mail; the next run tells what is due.")
@options.settings_options
@options.accept
@options.span
@options.budget_options
@options.format_
def run(
    dry_run: bool,
    silent: bool,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
    accept: bool,
    first: str | None,
    last: str | None,
    exit_on_threshold: bool | None,
    exit_code: int | None,
    budget_amount: str | None,
    budget_currency: str | None,
    format_: str,
) -> int:
    """Load what is new, summarise, check budgets, render reports, mail what is due, publish.

    A run that finds nothing new changes nothing. A run that was killed is finished by the next one. A dry run writes
    nothing and prints (as --format says) what each delivery would come to.

    \b
    Examples:
      costmill run --config costmill.yaml -v
      costmill run --from 2025-01 --to 2025-12 --dry-run
    """
    from pipeline import jobs, rehearsal
    from pipeline.load import Limits

    overrides = options.overrides(exit_on_threshold, exit_code, budget_amount, budget_currency)
    settings = options.settings(config, warehouse, verbose, overrides=overrides)
    moment, limits = options.moment(as_of, settings), Limits(first, last)
    with output.narration(verbose) as listen:
        if dry_run:
            found = rehearsal.rehearse(settings, as_of=moment, accept=accept, limits=limits, listen=listen)
            return _tell(found, format_)
        result = jobs.run(settings, as_of=moment, accept=accept, limits=limits, deliver=not silent, listen=listen)
    output.verdict(result)
    return result.exit_code


def _tell(found: Rehearsal, format_: str) -> int:
    from pipeline.rehearsal import COLUMNS

    output.rows(COLUMNS, found.rows, format_)
    output.verdict(found.result)
    periods = ", ".join(found.due) or "no billing period"
    click.echo(
        f"costmill: dry run: nothing was written; summaries, budgets and reports would be made of {periods}", err=True
    )
    return found.result.exit_code
