"""`costmill report`: render reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.errors import UsageError
from pipeline.periods import month


@click.command()
@click.option(
    "--period", "periods", multiple=True, metavar="YYYY-MM", help="A billing period (repeatable); else the latest."
)
@click.option("--all", "everything", is_flag=True, help="The reports of all loaded periods.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="The folder, instead of the configured one."
)
@click.option(
    "--format", "formats", multiple=True, type=click.Choice(["html", "md"]), help="Repeatable; else as configured."
)
@options.settings_options
def report(
    periods: tuple[str, ...],
    everything: bool,
    out: Path | None,
    formats: tuple[str, ...],
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Render the report of a billing period; prints the files written.

    \b
    Example:
      costmill report --period 2026-03 --format html --out /tmp/reports
    """
    from pipeline import jobs

    settings = options.settings(config, warehouse, verbose)
    if formats:
        settings = replace(settings, reports=replace(settings.reports, formats=formats))
    if out:
        settings = replace(settings, reports=replace(settings.reports, out=out.absolute()))
    for period in periods:
        month(period)
    with (
        output.narration(verbose) as listen,
        jobs.night(settings, "report", as_of=options.moment(as_of, settings), listen=listen) as night,
    ):
        night.summarise()
        jobs.require_loaded(night.warehouse, periods)
        if not night.loaded:
            raise UsageError("nothing is loaded yet, so there is nothing to report")
        paths = night.report(list(periods) or (night.loaded if everything else night.loaded[-1:]))
        withheld = night.finish().withheld
    for path in paths:
        click.echo(path)
    for period in withheld:
        click.echo(f"costmill: the report of {period} is withheld, its data is stale (freshness.stale)", err=True)
    return jobs.STALE if withheld else 0
