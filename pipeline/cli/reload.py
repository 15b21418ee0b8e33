"""`costmill reload`: load what is known anew."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.load import print_outcomes, sources_of


@click.command()
@click.argument("source", required=False)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--period", metavar="YYYY-MM", help="Only this billing period; else all.")
@options.format_
@options.settings_options
def reload(
    source: str | None,
    paths: tuple[str, ...],
    period: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Load the deliveries of a SOURCE (else of all) anew although nothing changed: what is loaded, unloaded or refused.

    What waits in quarantine goes on waiting (`--accept` of `load` lets it in). PATHs are needed for a source that is not
    in the configuration.

    \b
    Examples:
      costmill reload aws-prod --period 2026-02
      costmill reload
    """
    from pipeline import jobs
    from pipeline.load import Limits

    settings = options.settings(config, warehouse, verbose)
    limits = Limits(period, period, again=True)
    chosen = sources_of(settings, source, paths)
    with (
        output.narration(verbose) as listen,
        jobs.night(settings, "reload", as_of=options.moment(as_of, settings), listen=listen) as night,
    ):
        outcomes = night.load(chosen, limits=limits)
        night.summarise()
        result = night.finish_load()
    return print_outcomes(outcomes, result, format_)
