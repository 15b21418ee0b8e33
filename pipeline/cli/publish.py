"""`costmill publish`: refresh the copy that analysts open."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output


@click.command()
@options.place_options
def publish(config: Path | None, warehouse: Path | None, verbose: bool) -> int:
    """Copy the warehouse to the published file if that does not show its state; prints the path.

    `costmill run` and `costmill load` do this by themselves.

    \b
    Example:
      costmill publish --config costmill.yaml
    """
    from pipeline import jobs

    settings = options.settings(config, warehouse, verbose)
    with output.narration(verbose) as listen, jobs.night(settings, "publish", listen=listen):
        pass  # a night publishes at its end
    click.echo(settings.publish.path)
    return 0
