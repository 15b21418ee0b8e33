"""`costmill unload`: take what is loaded of a source out again."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.cli import options
from pipeline.errors import UsageError, near
from pipeline.periods import month


@click.command()
@click.argument("source")
@click.argument("period", required=False, metavar="[YYYY-MM]")
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
@options.place_options
def unload(
    source: str, period: str | None, yes: bool, config: Path | None, warehouse: Path | None, verbose: bool
) -> int:
    """Take a source's charges out, of one billing period or of all.

    The ledger keeps what was loaded. The next run leaves these deliveries alone; a new delivery loads, and so does
    `costmill reload`.

    \b
    Example:
      costmill unload aws-test 2026-02 --yes
    """
    from pipeline import jobs
    from pipeline.load import unload as loaded

    settings = options.settings(config, warehouse, verbose)
    if period:
        month(period)
    with jobs.night(settings, "unload") as night:
        chosen = _periods(night.warehouse.rows(_LOADED), source, period)
        _ask(source, chosen, yes)
        for each in chosen:
            charges = loaded.unload(night.warehouse, source, each, run_id=night.run_id, keys=night.keys)
            click.echo(f"{source} {each}: {charges} charges unloaded")
        night.summarise()
    return 0


def _periods(loaded: list[tuple[str, str]], source: str, period: str | None) -> list[str]:
    names = {name for name, _ in loaded}
    if source not in names:
        raise UsageError(f"nothing of a source {source!r} is loaded{near(source, names)}")
    own = [label for name, label in loaded if name == source]
    if period is not None and period not in own:
        raise UsageError(f"nothing of {source} is loaded for {period}; loaded: {', '.join(own)}")
    return own if period is None else [period]


def _ask(source: str, periods: list[str], yes: bool) -> None:
    what = f"the charges of {source} of {', '.join(periods)}"
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{what} would be taken out; say --yes, since nobody can answer here")
    click.confirm(f"Take {what} out?", abort=True, err=True)


_LOADED = "SELECT x_Source, x_BillingPeriod FROM source_periods WHERE load_id IS NOT NULL ORDER BY ALL"
