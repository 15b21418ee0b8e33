"""`costmill validate`: what files are, whether they would load, how well they keep to FOCUS."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline import money
from pipeline.cli import options, output
from pipeline.cli.exit_codes import ExitCode
from pipeline.errors import UsageError, near
from pipeline.focus import VERSIONS

if TYPE_CHECKING:
    from pipeline.config import SourceSettings
    from pipeline.load.focus_validator import Opinion
    from pipeline.load.outcome import Outcome
    from pipeline.load.validation import Checked
    from pipeline.sources.delivery import Mode

COLUMNS = ("delivery", "kind", "column", "says", "rows", "detail")

_Row = tuple[str | int | None, ...]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--delivery",
    type=click.Choice(["auto", "one", "each"]),
    default="auto",
    show_default=True,
    help="Files without a manifest: tell parts from re-deliveries, all are parts of one, or each is its own (in order).",
)
@click.option(
    "--focus",
    type=click.Choice(VERSIONS),
    help="The FOCUS version to hold the bills against; else the one of the header, and 1.2 for other formats.",
)
@click.option("--strict", is_flag=True, help="End with 65 when a rule of FOCUS is broken, too.")
@click.option(
    "--focus-validator",
    "validator",
    is_flag=True,
    help="Ask the FinOps Foundation's focus-validator too, the program that COSTMILL_FOCUS_VALIDATOR names or the PATH has.",
)
@click.option("--source", metavar="NAME", help="The configured source whose settings count; else the one of the files.")
@options.config
@options.format_
def validate(
    paths: tuple[str, ...],
    delivery: Mode,
    focus: str | None,
    strict: bool,
    validator: bool,
    source: str | None,
    config: Path | None,
    format_: str,
) -> int:
    """Say what files are, whether they would load, and where they break the rules of FOCUS. Loads nothing.

    The files are staged, mapped and proven in a temporary warehouse, with the settings of the configured source that they
    are of. Ends with 65 when a delivery would not load.

    \b
    Examples:
      costmill validate exports/2026-03/
      costmill validate bill.csv.gz --strict --format json
      costmill validate march.csv --source azure
    """
    from pipeline.cli.load import pattern
    from pipeline.load import focus_validator, validation

    program = focus_validator.find(os.environ) if validator else None
    checked = [
        each
        for chosen, patterns in _chosen([pattern(path) for path in paths], source, config)
        for each in validation.validate(patterns, chosen, mode=delivery, focus_version=focus, validator=program)
    ]
    if format_ == "json":
        told = output.plain([validation.as_json(each) for each in checked])
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        output.rows(
            COLUMNS, [row for each in checked for row in _rows(each, whole=format_ == "csv")], format_, widest=100
        )
    fine = all(each.would_load and not (strict and each.breaks_focus) for each in checked)
    return ExitCode.OK if fine else ExitCode.EXPORTS


def _chosen(
    patterns: list[str], name: str | None, config: Path | None
) -> list[tuple[SourceSettings | None, list[str]]]:
    """Set the paths beside the sources whose settings count for them; without a configuration there are none.

    Raises:
        UsageError: when there is no source of this name.
    """
    from pipeline.config import find_config
    from pipeline.load.validation import by_source

    if name is None and find_config(config, os.environ, Path.cwd()) is None:
        return [(None, patterns)]
    known = {each.name: each for each in options.settings(config, None, verbose=False).sources}
    if name is None:
        return by_source(patterns, list(known.values()))
    if name not in known:
        raise UsageError(f"no source {name!r} in the configuration{near(name, known)}")
    return [(known[name], patterns)]


def _rows(checked: Checked, *, whole: bool) -> Iterator[_Row]:
    """Lines of one delivery; its name whole, or the last part of it for the eye."""
    from pipeline.load.validation import example

    name = checked.name if whole else checked.name.rsplit("/", 1)[-1]
    known = "no known format" if checked.files else "no delivery"
    known = f"{checked.format} {checked.version}" if checked.format else known
    read = sum(each.rows_read for each in checked.outcomes)
    yield name, "delivery", None, known, read, _what(checked)
    if checked.source:
        yield name, "source", None, checked.source.name, None, _settings(checked.source)
    for outcome in checked.outcomes:
        yield name, "period", outcome.x_BillingPeriod, _verdict(outcome), outcome.rows_read, outcome.reason
    for total in checked.totals:
        says = f"{money.text(total.charges_total)} {total.currency or '(no currency)'}"
        more = "" if total.rounding == "0" else f", rounded by {total.rounding}"
        yield (
            name,
            "total",
            total.column,
            says,
            None,
            f"{total.period}: {money.text(total.file_total)} in the file ({total.expression}){more}",
        )
    for row in checked.rejected:
        where = f"{Path(row.file).name} " + (f"line {row.line}" if row.line else f"record {row.record}")
        yield name, "rejected", row.column, row.reason, 1, where + (f": {row.value}" if row.value else "")
    for kind, columns in (("dropped", checked.dropped), ("kept", checked.kept)):
        if columns:
            yield name, kind, None, f"{len(columns)} column{_s(len(columns))}", None, ", ".join(columns)
    for finding in checked.findings:
        yield name, "focus", finding.column, finding.rule, finding.rows, example(checked, finding)
    if checked.opinion is not None:
        yield from _opinion(name, checked.opinion)


def _opinion(name: str, opinion: Opinion) -> Iterator[_Row]:
    """What focus-validator says: how much it asked, and a line for each rule that failed."""
    asked = opinion.why_not or f"{len(opinion.failed)} of {opinion.asked} rules failed"
    yield name, "focus-validator", None, asked, None, None
    for each in opinion.failed:
        yield name, "focus-validator", each.column, each.says, None, each.rule


def _settings(source: SourceSettings) -> str:
    from pipeline.load.validation import settings_of

    told = settings_of(source) | {"max_rejected": f"{money.text(source.max_rejected * 100)}%"}
    given = {name: ", ".join(value) if isinstance(value, list) else value for name, value in told.items()}
    return "; ".join(f"{name}: {value}" for name, value in given.items() if value)


def _what(checked: Checked) -> str | None:
    if not checked.files:
        return None
    containers = ", ".join(dict.fromkeys(container or "unreadable" for _, container in checked.files))
    parts = [f"{len(checked.files)} file{_s(len(checked.files))}" + (f" ({containers})" if containers else "")]
    parts.append(f"manifest {checked.manifest}" if checked.manifest else "no manifest")
    if checked.focus_version:
        parts.append(f"held against FOCUS {checked.focus_version}" + (" as mapped" if checked.as_mapped else ""))
    return ", ".join(parts)


def _verdict(outcome: Outcome) -> str:
    if outcome.status != "loaded":
        return f"would be {outcome.status}"
    return f"would load: {outcome.charges} charge{_s(outcome.charges)}, {outcome.rows_rejected} rejected"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
