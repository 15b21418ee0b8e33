"""The command line: options, one library call, print. stdout carries data only; everything else goes to stderr."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from pipeline import __version__
from pipeline.cli import (
    alerts,
    budgets,
    close,
    deliver,
    deliveries,
    events,
    forecast,
    formats,
    init,
    invoices,
    load,
    output,
    prices,
    publish,
    reload,
    report,
    restatements,
    run,
    site,
    splits,
    sql,
    status,
    summarise,
    tags,
    thresholds,
    unload,
    usage,
    validate,
    watch,
)
from pipeline.cli.exit_codes import ExitCode
from pipeline.errors import CostmillError, is_interrupt, path_problem


class _ReaderLeftError(Exception):
    """Who read stdout, such as head, has seen enough. Click would end the run with 1, the code of a breach."""


class _Commands(click.Group):
    """The commands; a closed stdout is told apart before Click sees it."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderLeftError from None
        except RuntimeError as error:
            if is_interrupt(error):
                raise KeyboardInterrupt from None
            raise


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="costmill")
def costmill() -> None:
    """The nightly cloud bill, loaded exactly, explained, held against budgets.

    Exports go in, a warehouse that analysts open and a report come out. Start with `costmill init`, then `costmill run`.
    """


for _command in (
    init.init,
    run.run,
    load.load,
    summarise.summarise,
    budgets.budgets,
    alerts.alerts,
    events.events,
    forecast.forecast,
    report.report,
    site.site,
    deliver.deliver,
    deliver.notifications,
    deliveries.deliveries,
    restatements.restatements,
    tags.tags,
    splits.splits,
    status.status,
    formats.formats,
    validate.validate,
    invoices.invoices,
    prices.prices,
    close.close,
    reload.reload,
    unload.unload,
    usage.usage,
    sql.sql,
    publish.publish,
):
    costmill.add_command(_command)
alerts.alerts.add_command(watch.watch)
for _command in (thresholds.configure, thresholds.configs, thresholds.remove):
    alerts.alerts.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code: the one place that turns an exception into a line and a code."""
    logging.getLogger("pipeline.store.base").disabled = True  # it logs errors on their way out, which are told here
    code = execute(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (see `pipeline.cli.exit_codes`)."""
    logging.basicConfig(level=logging.WARNING, format="costmill: %(message)s", stream=sys.stderr)
    try:
        code = costmill.main(
            args=list(arguments) if arguments is not None else None, prog_name="costmill", standalone_mode=False
        )
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.Abort:
        click.echo("costmill: interrupted; the last good state stands, run again to go on", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except CostmillError as error:
        click.echo(output.printable(f"costmill: {error}"), err=True)
        return error.exit_code
    except _ReaderLeftError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:
        return _not_on_purpose(error)
    return int(code or ExitCode.OK)


def _not_on_purpose(error: Exception) -> int:
    if line := path_problem(error):
        click.echo(f"costmill: {line}", err=True)
        return ExitCode.CONFIGURATION
    click.echo(f"costmill: a defect of ours, please report it with these lines:\n{traceback.format_exc()}", err=True)
    return ExitCode.DEFECT
