"""`costmill restatements`: what later deliveries changed in what was loaded before."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.published import published


@click.command()
@click.option("--source", metavar="NAME", help="Only this source's.")
@click.option("--period", metavar="YYYY-MM", help="Only this billing period's.")
@click.option("--since", metavar="DATE", help="Only what was loaded on or after this UTC date or time.")
@click.option(
    "--by",
    type=click.Choice(["service", "delivery", "currency"]),
    default="service",
    show_default=True,
    help="A line for each account and service, or the totals of each re-delivery, or of each currency.",
)
@options.format_
@options.place_options
def restatements(
    source: str | None,
    period: str | None,
    since: str | None,
    by: str,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    verbose: bool,
) -> int:
    """Show what re-deliveries changed: rows and money before and after, by service and account, with the reason.

    \b
    Example:
      costmill restatements --period 2026-02 --by delivery
    """
    from pipeline import periods, resources

    if period:
        periods.month(period)
    given = {"source": source, "period": period, "since": periods.parse_since(since) if since else None}
    with published(options.settings(config, warehouse, verbose), for_operator="list restatements") as copy:
        copy.require_source(source)
        columns, rows = copy.warehouse.select(resources.sql(f"restatements/{by}"), given)
    output.rows(columns, rows, format_)
    return 0
