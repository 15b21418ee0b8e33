"""`costmill close`: say that a billing period is final."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options
from pipeline.errors import UsageError, near
from pipeline.periods import month


@click.command()
@click.argument("period", metavar="YYYY-MM")
@click.option("--source", metavar="NAME", help="Of this source only; else of all that have the billing period.")
@click.option("--note", metavar="TEXT", help="Kept with it and shown in status and report.")
@click.option("--reopen", is_flag=True, help="Say that it is open again.")
@options.settings_options
def close(
    period: str,
    source: str | None,
    note: str | None,
    reopen: bool,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Close a billing period: it is final, and a later delivery that changes its money is marked as a restatement.

    Closing a period that was restated takes it as it is now. Deliveries go in as ever; nothing is blocked.

    \b
    Examples:
      costmill close 2026-02 --note "booked by accounting on 6 March"
      costmill close 2026-02 --source aws-prod --reopen
    """
    from pipeline import jobs
    from pipeline.store import states

    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    if not reopen and moment < month(period).end:
        raise UsageError(f"{period} ends on {month(period).end:%Y-%m-%d}; close it after that")
    with jobs.night(settings, "close", as_of=moment) as night:
        jobs.require_loaded(night.warehouse, [period])
        chosen = _sources(states.sources(night.warehouse, period), source, period)
        if reopen:
            done = states.reopen(night.warehouse, period, chosen, run_id=night.run_id, note=note)
        else:
            done = states.close(night.warehouse, period, chosen, at=moment, run_id=night.run_id, note=note)
    word = "open" if reopen else "final"
    for name in chosen:
        click.echo(f"{name} {period}: {word}" + ("" if name in done else " as it was"))
    return 0


def _sources(known: list[str], name: str | None, period: str) -> list[str]:
    if name is not None and name not in known:
        raise UsageError(f"nothing of a source {name!r} is loaded for {period}{near(name, known)}")
    return known if name is None else [name]
