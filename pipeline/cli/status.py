"""`costmill status`: what is loaded, what is missing, what waits, how fresh it is."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.published import published


@click.command()
@click.option(
    "--rejected", metavar="SOURCE", help="List a source's rejected rows: file, record, line, column, value, why."
)
@click.option(
    "--sources", "by_source", is_flag=True, help="One row per source: last complete day, age, periods by state."
)
@options.format_
@options.settings_options
def status(
    rejected: str | None,
    by_source: bool,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Show each source and billing period with its state: open, final, restated after it was final, empty, missing,
    unloaded, or waiting (quarantined, refused).

    Ends with 66 when the data is older than the configured freshness, with 65 when an export of a configured source
    waits.

    \b
    Examples:
      costmill status --format json
      costmill status --sources
    """
    from pipeline import jobs, resources
    from pipeline.store import coverage

    settings = options.settings(config, warehouse, verbose)
    moment, limit = options.moment(as_of, settings), settings.freshness.max_age_days
    with published(settings, for_operator="list rejected rows" if rejected else None) as copy:
        names = [source.name for source in copy.settings.sources]
        if rejected:
            copy.require_source(rejected)
            copy.warehouse_rows(resources.sql("status/rejected_rows"), [rejected], format_)
            return 0
        matrix = coverage.coverage(copy.warehouse, names, as_of=moment, grace_days=limit)
        staleness = jobs.staleness(copy.warehouse, copy.settings, moment)
        each = coverage.source_rows(copy.warehouse, matrix, names, as_of=moment, max_age_days=limit)
    if by_source:
        output.rows(coverage.SOURCE_COLUMNS, each, format_)
    else:
        shown = coverage.folded(matrix) if format_ == "table" else matrix
        output.rows(coverage.COLUMNS, [own.row for own in shown], format_)
    output.stale(staleness)
    if coverage.waits(matrix, names):
        return jobs.EXPORTS
    return jobs.STALE if staleness.is_stale else 0
