"""How data and narration are written: tables, CSV and JSON to stdout, steps and notes to stderr."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from pipeline import money

if TYPE_CHECKING:
    from pipeline.budgets.alerts import AlertChange
    from pipeline.jobs import RunResult, Step
    from pipeline.night.loaded import Staleness

#: A cell of a table is cut here, but in the last column; CSV and JSON are never cut.
WIDEST = 60
#: Columns of a line of names, without its indent.
LISTED = 76


def rows(columns: Sequence[str], data: Sequence[Sequence[Any]], format_: str, *, widest: int = WIDEST) -> None:
    """Print rows: an aligned table (cells cut at ``widest``), CSV with a header, or a JSON list of objects (money as text)."""
    if format_ == "json":
        names = _unique(columns)
        objects = [dict(zip(names, map(plain, row), strict=True)) for row in data]
        click.echo(json.dumps(objects, indent=2, ensure_ascii=False, default=str))
    elif format_ == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[_text(value) for value in row] for row in data])
    else:
        _table(columns, data, widest)


def _unique(columns: Sequence[str]) -> list[str]:
    """Return names that an object can have: of equal ones the second is ``name_2``, and so on."""
    names: list[str] = []
    for column in columns:
        number, name = 1, column
        while name in names or (number > 1 and name in columns):
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: money as exact text, times in ISO 8601, NaN and infinity as text."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Decimal):
        return money.text(value)
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return value


def _table(columns: Sequence[str], data: Sequence[Sequence[Any]], widest: int) -> None:
    last = len(columns) - 1
    cells = [[_cell(value, widest if at < last else None) for at, value in enumerate(row)] for row in data]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    numeric = [
        bool(data) and all(isinstance(row[i], (int, Decimal, type(None))) for row in data) for i in range(len(columns))
    ]
    for line in ([*columns], *cells):
        parts = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ]
        click.echo("  ".join(parts).rstrip())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(plain(value))


def _cell(value: Any, widest: int | None) -> str:
    text = _text(value)
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if widest is None or len(text) <= widest else text[: widest - 1] + "…"


def listing(name: str, values: Sequence[str]) -> None:
    """Print names under a heading with their number, wrapped between them; nothing when there are none."""
    if not values:
        return
    lines, line = [], ""
    for at, value in enumerate(values):
        word = printable(value) + ("," if at + 1 < len(values) else "")
        if line and len(line) + 1 + len(word) > LISTED:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
    click.echo(f"{name:<16}{len(values)}")
    for each in [*lines, line]:
        click.echo(f"    {each}")


@contextmanager
def narration(verbose: bool) -> Iterator[Callable[[Step], None]]:
    """Give a listener for a run's steps: lines with -v, a spinner on a terminal, silence otherwise."""
    if verbose:
        yield lambda step: click.echo(line(step), err=True)
    elif sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status("starting", spinner="dots") as status:
            yield lambda step: status.update(f"{step.name} {step.subject}")
    else:
        yield lambda _: None


def line(step: Step) -> str:
    """Return a step as one line: name, subject, rows, money, seconds, note."""
    from pipeline.night import words

    return printable(words.step_line(step))


def printable(text: str) -> str:
    """Return a text without what would steer a terminal: names and values of bills are anybody's."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)


def verdict(result: RunResult) -> None:
    """Tell on stderr what a run's reader must know: what waits, what is stale, new alerts, breaches."""
    from pipeline.night import words

    _say(words.result_lines(result))


def alerts(changes: Sequence[AlertChange]) -> None:
    """Tell on stderr which alerts are news: fired, reopened, or no longer snoozed."""
    from pipeline.night import words

    _say(words.alert_lines(changes))


def withheld(result: RunResult) -> None:
    """Tell on stderr which reports nobody gets, since their data is stale."""
    from pipeline.night import words

    _say(words.withheld_lines(result))


def undelivered(result: RunResult) -> None:
    """Tell on stderr what could not be told to people."""
    from pipeline.night import words

    _say(words.undelivered_lines(result))


def stale(staleness: Staleness | None) -> None:
    """Tell on stderr which sources are older than the configured freshness."""
    from pipeline.night import words

    _say(words.stale_lines(staleness))


def warnings(lines: Sequence[str]) -> None:
    """Tell on stderr what a command did all the same, and somebody should know."""
    from pipeline.night import words

    _say(words.warning_lines(lines))


def notes(result: RunResult) -> None:
    """Tell on stderr what a run noted: restatements of final periods, what lay outside of its limits, a breach."""
    _say(result.notes)


def _say(lines: Sequence[str]) -> None:
    for each in lines:
        click.echo(printable(f"costmill: {each}"), err=True)
