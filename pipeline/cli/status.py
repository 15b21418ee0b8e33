"""`costmill status`: what is loaded, what waits, how fresh it is."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options
from pipeline.cli.published import Copy, published
from pipeline.errors import UsageError, near


@click.command()
@click.option(
    "--rejected", metavar="SOURCE", help="List a source's rejected rows: file, record, line, column, value, why."
)
@options.format_
@options.settings_options
def status(
    rejected: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Show each source and billing period: what is loaded, what was refused or waits, the last complete day.

    Ends with 66 when the data is older than the configured freshness, with 65 when an export waits.

    \b
    Example:
      costmill status --format json
    """
    from pipeline import jobs, resources

    settings = options.settings(config, warehouse, verbose)
    with published(settings) as copy:
        if rejected:
            _require_source(copy, rejected)
            copy.warehouse_rows(resources.sql("status/rejected_rows"), [rejected], format_)
            return 0
        copy.warehouse_rows(resources.sql("status/sources"), [], format_)
        waits = copy.warehouse.value(
            f"SELECT count(*) FROM ({resources.sql('status/sources')}) WHERE state <> 'loaded'"
        )
        staleness = jobs.staleness(copy.warehouse, settings, options.moment(as_of, settings))
    if staleness.is_stale:
        day, age = staleness.last_complete_day, staleness.age_days
        click.echo(f"costmill: stale: the last complete day of all sources is {day}, {age} days ago", err=True)
    if waits:
        return jobs.EXPORTS
    return jobs.STALE if staleness.is_stale else 0


def _require_source(copy: Copy, name: str) -> None:
    known = [row[0] for row in copy.warehouse.rows("SELECT DISTINCT x_Source FROM loads ORDER BY 1")]
    if name not in known:
        raise UsageError(f"no source {name!r} in the warehouse{near(name, known)}")
