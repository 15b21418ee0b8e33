"""`costmill sql`: ask the published copy."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.published import published
from pipeline.errors import UsageError, near


@click.command()
@click.argument("query", required=False)
@click.option("--query", "name", metavar="NAME", help="Run a query of ours by name.")
@click.option("--list", "listing", is_flag=True, help="List our queries.")
@options.format_
@options.place_options
def sql(
    query: str | None,
    name: str | None,
    listing: bool,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    verbose: bool,
) -> int:
    """Run SQL on the published copy: a QUERY, or one of ours by name. For an actor of a tenant, on the tenant's own file.

    \b
    Examples:
      costmill sql "SELECT ServiceName, sum(BilledCost) FROM focus_data_table GROUP BY ALL"
      costmill sql --query top_services --format csv
    """
    known = _queries()
    if listing:
        output.rows(
            ("name", "question"),
            sorted((each, text.split("\n", 1)[0].split(": ", 1)[-1]) for each, text in known.items()),
            format_,
        )
        return 0
    if (query is None) == (name is None):
        raise UsageError("give one query: SQL in quotes, or --query NAME; `costmill sql --list` shows the names")
    if query is not None and not query.strip(" \t\r\n;"):
        raise UsageError("the query is empty")
    if name is not None and name not in known:
        raise UsageError(f"no query {name!r}{near(name, known)}")
    settings = options.settings(config, warehouse, verbose)
    with published(settings) as copy:
        copy.warehouse_rows(known[name] if name else str(query), [], format_)
    return 0


def _queries() -> dict[str, str]:
    from pipeline import resources

    folder = resources.folder("sql") / "queries"
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
