"""`costmill site`: a folder of pages about everything that was ever loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import options, output
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.config import Settings


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--tenant", metavar="TENANT", help="A tenant's site, from its own published file; else the operator's.")
@options.settings_options
def site(
    folder: Path | None,
    tenant: str | None,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Write a site: billing periods, budgets, alerts, teams and a search; prints its first page. DIR is reports.site, else.

    It opens from disk or any web server. Pages of billing periods that are not loaded any more stay, and what says the
    same as before is left as it is. An actor of a tenant gets the tenant's.

    \b
    Examples:
      costmill site /srv/www/cloud
      costmill site /srv/www/acme --tenant acme
    """
    settings = options.settings(config, warehouse, verbose)
    root = folder.absolute() if folder else settings.reports.site
    if root is None:
        raise UsageError("name the folder of the site: costmill site DIR, or reports.site in the configuration")
    tenant = tenant or settings.actor.own_tenant
    if tenant is not None and folder is None:
        raise UsageError(f"reports.site is the operator's; name the folder of {tenant}'s site: costmill site DIR")
    return _of_tenant(settings, tenant, root, as_of) if tenant else _of_operator(settings, root, as_of, verbose)


def _of_operator(settings: Settings, root: Path, as_of: str | None, verbose: bool) -> int:
    from pipeline import jobs

    with (
        output.narration(verbose) as listen,
        jobs.night(settings, "site", as_of=options.moment(as_of, settings), listen=listen) as night,
    ):
        night.summarise()
        if not night.loaded:
            raise UsageError("nothing is loaded yet, so there is nothing to tell")
        night.refresh_site(root)
        result = night.finish()
    output.warnings(result.warnings)
    return _told(root, result.withheld)


def _of_tenant(settings: Settings, tenant: str, root: Path, as_of: str | None) -> int:
    from pipeline.night.tenants import write_site
    from pipeline.store import tenants

    if settings.actor.own_tenant not in (None, tenant):
        settings.actor.require_operator(f"write the site of the tenant {tenant}")
    with tenants.opened(settings.publish.path, tenant) as own:
        result = write_site(own, settings, tenant, root, as_of=options.moment(as_of, settings))
    output.warnings(result.warnings)
    return _told(root, result.withheld)


def _told(root: Path, withheld: list[str]) -> int:
    from pipeline import jobs

    click.echo(root / "index.html")
    for period in withheld:
        click.echo(f"costmill: {period} is withheld from the site, its data is stale (freshness.stale)", err=True)
    return jobs.STALE if withheld else 0
