"""`costmill publish`: refresh the copy that analysts open, and the files of tenants."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.errors import UsageError


@click.command()
@click.option("--tenant", metavar="TENANT", help="Publish this tenant's own file too, and print its path instead.")
@click.option("--all-tenants", is_flag=True, help="Publish every tenant's own file too, and print their paths instead.")
@options.place_options
def publish(tenant: str | None, all_tenants: bool, config: Path | None, warehouse: Path | None, verbose: bool) -> int:
    """Copy the warehouse to the published file if that does not show its state; prints the path.

    `costmill run` and `costmill load` do this by themselves. A tenant's file holds what is the tenant's, and nothing of
    anybody else; with `publish.tenants: true` they are published with the copy.

    \b
    Examples:
      costmill publish --config costmill.yaml
      costmill publish --tenant acme
    """
    from pipeline import jobs
    from pipeline.night.tenants import require_known
    from pipeline.store import tenants

    if tenant is not None and all_tenants:
        raise UsageError("give one of --tenant and --all-tenants")
    settings = options.settings(config, warehouse, verbose)
    stable, chosen = settings.publish.path, [] if tenant is None else [tenant]
    with output.narration(verbose) as listen, jobs.night(settings, "publish", listen=listen) as night:
        for each in chosen:
            require_known(night.warehouse, settings, each)
        if all_tenants:
            chosen = tenants.known(night.warehouse, stable)
        if night.tenants is not None:
            night.tenants = chosen  # a night publishes at its end
    for path in [tenants.path_of(stable, each) for each in chosen] or ([] if all_tenants else [stable]):
        click.echo(path)
    return 0
