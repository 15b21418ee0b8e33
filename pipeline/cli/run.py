"""`costmill run`: the night."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output


@click.command()
@options.settings_options
@options.accept
@options.budget_options
def run(
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
    accept: bool,
    exit_on_threshold: bool | None,
    exit_code: int | None,
    budget_amount: str | None,
    budget_currency: str | None,
) -> int:
    """Load what is new, summarise, check budgets, render reports, publish.

    A run that finds nothing new changes nothing. A run that was killed is finished by the next one.

    \b
    Example:
      costmill run --config costmill.yaml -v
    """
    from pipeline import jobs

    overrides = options.overrides(exit_on_threshold, exit_code, budget_amount, budget_currency)
    settings = options.settings(config, warehouse, verbose, overrides=overrides)
    with output.narration(verbose) as listen:
        result = jobs.run(settings, as_of=options.moment(as_of, settings), accept=accept, listen=listen)
    output.verdict(result)
    return result.exit_code
