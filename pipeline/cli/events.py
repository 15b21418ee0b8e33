"""`costmill events`: what happened to budgets and alerts."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.published import published_whole

COLUMNS = ("number", "at", "event", "actor", "tenant", "budget_id", "details")


@click.command()
@click.option("--since", metavar="DATE", help="Only what happened on or after this UTC date or time.")
@click.option(
    "--type",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only these events, such as alert_triggered; may be repeated.",
)
@options.format_
@options.place_options
def events(
    since: str | None,
    names: tuple[str, ...],
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    verbose: bool,
) -> int:
    """List what happened to budgets and alerts, the oldest first.

    Who asks is the configuration's `actor`, which needs budget:read. As JSON each event is one object with all of it.

    \b
    Example:
      costmill events --since 2026-03-01 --type alert_triggered --format json
    """
    from pipeline.budgets.event_table import list_events
    from pipeline.periods import parse_since

    settings = options.settings(config, warehouse, verbose)
    first = parse_since(since) if since else None
    with published_whole(settings) as copy:
        found = list_events(settings.actor, copy.warehouse, since=first, names=names)
    if format_ == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    own = COLUMNS[:-1]
    details = [{name: value for name, value in event.items() if name not in own} for event in found]
    rows = [
        [*(event[name] for name in own), json.dumps(rest, ensure_ascii=False)]
        for event, rest in zip(found, details, strict=True)
    ]
    output.rows(COLUMNS, rows, format_)
    return 0
