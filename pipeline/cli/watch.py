"""`costmill alerts watch`: alerts between nights."""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import options, output

if TYPE_CHECKING:
    from pipeline.jobs import RunResult, Step

_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Pause(click.ParamType[int]):
    """A length of time such as 30s, 5m or 1h, as seconds."""

    name = "pause"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it, or fail with what it should look like."""
        match = re.fullmatch(r"([1-9][0-9]{0,4})([smh])", value)
        if match is None:
            self.fail(f"{value!r} is no length of time; write it like 30s, 5m or 1h", param, ctx)
        return int(match[1]) * _SECONDS[match[2]]


@click.command()
@click.option(
    "--every", type=Pause(), default="5m", show_default=True, metavar="TIME", help="The pause between: 30s, 5m, 1h."
)
@click.option("--once", is_flag=True, help="Check once and leave, for cron.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: every change of an alert is also a line of JSON on stdout.",
)
@options.settings_options
def watch(
    every: int,
    once: bool,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Check budgets between nights: judge them as the run does, write and tell alerts, publish what changed.

    Nothing is held while it pauses; a warehouse in use is waited for. SIGTERM and Ctrl-C end it after the check that
    has begun. The configuration is read at the start.

    \b
    Examples:
      costmill alerts watch --every 5m
      costmill alerts watch --once
    """
    from pipeline import watching

    settings = options.settings(config, warehouse, verbose)
    telling = _Telling(verbose, format_)
    if once:
        result = watching.check(settings, as_of=options.moment(as_of, settings), listen=telling.step)
        telling.result(result)
        return result.exit_code
    with _stopped() as stop:
        watching.watch(
            settings,
            every=every,
            stop=stop,
            now=lambda: options.moment(as_of, settings),
            tell=telling.result,
            warn=telling.warn,
            listen=telling.step,
        )
    return 0


class _Telling:
    """What a check has to say goes to stderr; a warning only when the check before had not said it."""

    def __init__(self, verbose: bool, format_: str) -> None:
        self.verbose = verbose
        self.format = format_
        self.warned: list[str] = []

    def step(self, step: Step) -> None:
        if self.verbose:
            click.echo(output.line(step), err=True)

    def warn(self, text: str) -> None:
        click.echo(output.printable(f"costmill: {text}"), err=True)

    def result(self, result: RunResult) -> None:
        output.alerts(result.alerts)
        for change in result.alerts if self.format == "json" else ():
            click.echo(json.dumps(output.plain(asdict(change)), ensure_ascii=False))
        for warning in result.warnings:
            if warning not in self.warned:
                self.warn(f"warning: {warning}")
        self.warned = result.warnings


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and Ctrl-C set; a second one ends the process as ever."""
    event = threading.Event()
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, _: object) -> None:
        event.set()
        signal.signal(number, former[signal.Signals(number)])

    for number in former:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
