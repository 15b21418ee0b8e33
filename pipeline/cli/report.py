"""`costmill report`: render reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import options, output
from pipeline.errors import UsageError
from pipeline.periods import month

if TYPE_CHECKING:
    from pipeline.config import Settings


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
@click.option("--tenant", metavar="TENANT", help="A tenant's report, from its own published file; else the operator's.")
@options.settings_options
def report(
    periods: tuple[str, ...],
    everything: bool,
    tenant: str | None,
    out: Path | None,
    formats: tuple[str, ...],
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Render the report of a billing period; prints the files written.

    A tenant's is made of the tenant's own file alone, as it was published last, and goes to a folder of its own,
    tenants/TENANT. An actor of a tenant gets the tenant's.

    \b
    Examples:
      costmill report --period 2026-03 --format html --out /tmp/reports
      costmill report --tenant acme
    """
    from pipeline import jobs

    settings = options.settings(config, warehouse, verbose)
    if formats:
        settings = replace(settings, reports=replace(settings.reports, formats=formats))
    if out:
        settings = replace(settings, reports=replace(settings.reports, out=out.absolute()))
    for period in periods:
        month(period)
    tenant = tenant or settings.actor.own_tenant
    if tenant is not None:
        return _of_tenant(settings, tenant, periods, everything, as_of)
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
    return _told(paths, withheld)


def _of_tenant(settings: Settings, tenant: str, periods: tuple[str, ...], everything: bool, as_of: str | None) -> int:
    from pipeline.night.tenants import write_reports
    from pipeline.store import tenants

    if settings.actor.own_tenant not in (None, tenant):
        settings.actor.require_operator(f"report on the tenant {tenant}")
    moment = options.moment(as_of, settings)
    with tenants.opened(settings.publish.path, tenant) as own:
        return _told(*write_reports(own, settings, tenant, periods, everything=everything, as_of=moment))


def _told(paths: Sequence[Path], withheld: Sequence[str]) -> int:
    from pipeline import jobs

    for path in paths:
        click.echo(path)
    for period in withheld:
        click.echo(f"costmill: the report of {period} is withheld, its data is stale (freshness.stale)", err=True)
    return jobs.STALE if withheld else 0
