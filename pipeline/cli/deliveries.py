"""`costmill deliveries`: what came, what waits and why, and the decisions about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli import options, output
from pipeline.cli.published import Copy, published

if TYPE_CHECKING:
    from pipeline.load.decisions import Found

STATUSES = ("loaded", "replaced", "superseded", "quarantined", "rejected", "refused")
#: The parts of `show`, each a file under sql/deliveries/.
PARTS = ("delivery", "comparison", "drift", "files", "controls", "decisions")

#: What a part shows, beside its name.
_WHAT = {
    "comparison": ": what is loaded (or was before it), beside what was delivered",
    "controls": ": each sum over the files is that of the charges plus what was rejected",
    "drift": ": columns against the delivery before",
}
#: Changes of columns that are told as a list of names.
_FOLDED = ("new", "missing")

note = click.option("--note", metavar="TEXT", help="Why; kept in the ledger with who and when.")


@click.group()
def deliveries() -> None:
    """Show the deliveries of the ledger, and decide about those that wait.

    \b
    Examples:
      costmill deliveries list --status quarantined
      costmill deliveries accept 6d610064
    """


@deliveries.command(name="list")
@click.option("--source", metavar="NAME", help="Only this source's.")
@click.option("--period", metavar="YYYY-MM", help="Only this billing period's.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those in this state.")
@options.format_
@options.place_options
def list_(
    source: str | None,
    period: str | None,
    status: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    verbose: bool,
) -> int:
    """List deliveries, the newest first: state, rows, and the reason where one waits.

    \b
    Example:
      costmill deliveries list --status quarantined
    """
    from pipeline import periods, resources

    if period:
        periods.month(period)
    given = {"source": source, "period": period, "status": status}
    with published(options.settings(config, warehouse, verbose), for_operator="list deliveries") as copy:
        copy.require_source(source)
        columns, rows = copy.warehouse.select(resources.sql("deliveries/list"), given)
    output.rows(columns, rows, format_)
    return 0


@deliveries.command()
@click.argument("id", metavar="ID")
@options.table_or_json
@options.place_options
def show(id: str, format_: str, config: Path | None, warehouse: Path | None, verbose: bool) -> int:
    """Show one delivery: beside what is loaded, its files, control totals, drift, decisions, and what to do next.

    The start of an id is enough where only one begins with it.

    \b
    Example:
      costmill deliveries show 6d610064
    """
    from pipeline.load import decisions

    with published(options.settings(config, warehouse, verbose), for_operator="list deliveries") as copy:
        found = decisions.find(copy.warehouse, id)
        parts = {name: _part(copy, name, found.load_id) for name in PARTS}
    if format_ == "json":
        click.echo(json.dumps({**parts, "next": _next(found)}, indent=2, ensure_ascii=False))
        return 0
    _print(parts)
    click.echo(f"\n{_next(found)}")
    return 0


@deliveries.command()
@click.argument("id", metavar="ID")
@note
@options.settings_options
def accept(
    id: str, note: str | None, config: Path | None, warehouse: Path | None, as_of: str | None, verbose: bool
) -> int:
    """Load a delivery that waits in quarantine, exactly as it was judged, with summaries; the next run does the rest.

    \b
    Example:
      costmill deliveries accept 6d610064 --note "the provider has confirmed the credit"
    """
    from pipeline import jobs
    from pipeline.load import decisions

    settings = options.settings(config, warehouse, verbose)
    with (
        output.narration(verbose) as listen,
        jobs.night(settings, "deliveries accept", as_of=options.moment(as_of, settings), listen=listen) as night,
    ):
        found = decisions.find(night.warehouse, id)
        decisions.require_acceptable(night.warehouse, found)
        with night.loader(accept=True, note=note) as loader:
            outcome = loader.load_kept(found.load_id)
        night.tell_load(outcome)
        night.tell_restated()
        night.summarise()
        night.result.exit_code = jobs.EXPORTS if outcome.waits else 0
    output.verdict(night.result)
    if outcome.status == "loaded":
        click.echo(f"loaded {outcome.load_id} {outcome.x_Source} {outcome.x_BillingPeriod}: {outcome.charges} charges")
    return night.result.exit_code


@deliveries.command()
@click.argument("id", metavar="ID")
@note
@options.place_options
def reject(id: str, note: str | None, config: Path | None, warehouse: Path | None, verbose: bool) -> int:
    """Decide against a delivery that waits: it never loads by itself again, and runs no longer end with 65 for it.

    \b
    Example:
      costmill deliveries reject 6d610064 --note "torn, a new one is on its way"
    """
    from pipeline import jobs
    from pipeline.load import decisions

    with jobs.night(options.settings(config, warehouse, verbose), "deliveries reject") as night:
        found = decisions.find(night.warehouse, id)
        decisions.reject(night.warehouse, found, note, night.run_id)
    click.echo(f"rejected {found}")
    return 0


def _part(copy: Copy, name: str, load_id: str) -> list[dict[str, Any]]:
    from pipeline import resources

    columns, rows = copy.warehouse.select(resources.sql(f"deliveries/{name}"), {"load_id": load_id})
    return [dict(zip(columns, map(output.plain, row), strict=True)) for row in rows]


def _print(parts: Mapping[str, list[dict[str, Any]]]) -> None:
    [delivery] = parts["delivery"]
    dropped = json.loads(delivery["dropped_columns"])
    for name, value in delivery.items():
        if value not in (None, "") and name != "dropped_columns":
            click.echo(output.printable(f"{name:<16}{value}"))
    output.listing("dropped_columns", dropped)
    for name, rows in parts.items():
        if rows and name != "delivery":
            click.echo(f"\n{name}{_WHAT.get(name, '')}")
            own = [row for row in rows if name != "drift" or row["change"] not in _FOLDED]
            if own:
                output.rows(list(own[0]), [list(row.values()) for row in own], "table")
            for change in _FOLDED if name == "drift" else ():
                output.listing(change, [row["column"] for row in rows if row["change"] == change])
    if parts["comparison"] and not parts["controls"]:
        click.echo(
            "\ncontrols: none, it did not go in; the sums that were judged are in the comparison, as `delivered`"
        )


def _next(found: Found) -> str:
    short = found.load_id[:8]
    if found.status == "quarantined":
        return (
            f"It waits: `costmill deliveries accept {short}` loads it, `costmill deliveries reject {short}` closes it; "
            "or the provider delivers anew."
        )
    if found.status == "refused":
        return (
            f"It waits: mend what the reason says and run again, or `costmill deliveries reject {short}` closes it; "
            f"`costmill status --rejected {found.x_Source}` lists rows that could not be read."
        )
    return "It waits for nobody."
