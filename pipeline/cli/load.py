"""`costmill load`: exports into the warehouse."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import options, output
from pipeline.errors import ExportError, UsageError, near

if TYPE_CHECKING:
    from pipeline.config import Settings, SourceSettings
    from pipeline.jobs import RunResult
    from pipeline.load import Outcome
    from pipeline.sources.delivery import Mode

COLUMNS = ("source", "period", "status", "rows", "rejected", "charges", "BilledCost", "currency", "reason")


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--source", metavar="NAME", help="The source that the files are of; its name is its identity.")
@click.option(
    "--delivery",
    type=click.Choice(["auto", "one", "each"]),
    default="auto",
    show_default=True,
    help="Files without a manifest: tell parts from re-deliveries, all are parts of one, or each is its own (in order).",
)
@options.accept
@options.span
@options.format_
@options.settings_options
def load(
    paths: tuple[str, ...],
    source: str | None,
    delivery: Mode,
    accept: bool,
    first: str | None,
    last: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Load exports: the given files, folders, globs or addresses, or else the configured sources.

    \b
    Examples:
      costmill load exports/2026-03/ --warehouse costs.duckdb --source aws-prod
      costmill load s3://bills/aws/ --warehouse costs.duckdb --source aws-prod
      costmill load --source aws-prod
    """
    from pipeline import jobs
    from pipeline.load import Limits

    settings = options.settings(config, warehouse, verbose)
    limits = Limits(first, last)
    chosen = sources_of(settings, source, paths)
    with (
        output.narration(verbose) as listen,
        jobs.night(settings, "load", as_of=options.moment(as_of, settings), listen=listen, create=True) as night,
    ):
        outcomes = night.load(chosen, mode=delivery, accept=accept, limits=limits)
        night.summarise()
        result = night.finish_load()
    return print_outcomes(outcomes, result, format_)


def print_outcomes(outcomes: Sequence[Outcome], result: RunResult, format_: str) -> int:
    """Print what became of each delivery, and what a reader must know on stderr; returns the exit code."""
    output.rows(COLUMNS, [row for outcome in outcomes for row in _rows(outcome)], format_)
    output.notes(result)
    return result.exit_code


def sources_of(settings: Settings, name: str | None, paths: tuple[str, ...]) -> list[tuple[SourceSettings, list[str]]]:
    """Return the sources to load with their patterns: the ``paths`` as the source ``name``, else the configured ones.

    Raises:
        UsageError: when there is no such source, or nothing to load.
    """
    from pipeline.config import SourceSettings

    known = {each.name: each for each in settings.sources}
    if paths:
        if name is None:
            raise UsageError("name the source of these files with --source; its name is its identity in the warehouse")
        absolute = [pattern(path) for path in paths]
        _require_name(name)
        return [(replace(known.get(name) or SourceSettings(name, absolute[0]), path=absolute[0]), absolute)]
    if name is not None and name not in known:
        raise UsageError(f"no source {name!r} in the configuration{near(name, known)}")
    if not known:
        raise UsageError("nothing to load: give paths and --source, or a configuration with sources")
    return [(each, [each.path]) for each in settings.sources if name in (None, each.name)]


def pattern(path: str) -> str:
    """Return a path, folder or glob of the command line as absolute text.

    Raises:
        UsageError: when it cannot be one, or is a path that does not exist or a glob that no file fits.
    """
    from pipeline import addresses
    from pipeline.config.paths import Resolver
    from pipeline.sources import find

    try:
        given = Resolver(Path.cwd(), os.environ).pattern(path)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if addresses.is_address(given):
        return given
    given = os.path.normpath(given)
    if Path(given).exists():
        return given
    if not glob.has_magic(given):
        raise UsageError(f"{given}: no such file or folder")
    try:
        find.paths(given)
    except ExportError:
        raise UsageError(f"{given}: no file fits the pattern; nothing was loaded, please correct it") from None
    return given


def _require_name(name: str) -> None:
    from pipeline.config.fields import source_name

    try:
        source_name(name)
    except ValueError as error:
        raise UsageError(f"--source: {error}") from None


def _rows(outcome: Outcome) -> list[tuple[object, ...]]:
    status = outcome.status if outcome.is_new else f"{outcome.status} (known)"
    counts = (outcome.rows_read, outcome.rows_rejected, outcome.charges) if outcome.is_new else (None, None, None)
    totals = list(outcome.totals.items()) if outcome.totals else [(None, None)]
    return [
        (outcome.x_Source, outcome.x_BillingPeriod, status, *counts, total, currency, outcome.reason)
        for currency, total in totals
    ]
