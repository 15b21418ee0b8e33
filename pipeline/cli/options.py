"""Options that several commands share, each named once, and how they become settings."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.config import BudgetOverrides, Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Path = click.Path(path_type=Path)

config = click.option(
    "--config", type=_Path, metavar="FILE", help="The configuration; else COSTMILL_CONFIG, else costmill.yaml upwards."
)
warehouse = click.option(
    "--warehouse", type=_Path, metavar="FILE", help="The DuckDB file, instead of the configured one."
)
as_of = click.option("--as-of", metavar="DATE", help="The UTC date or time to count as now, such as 2026-03-22.")
verbose = click.option("-v", "--verbose", is_flag=True, help="Tell each step with rows, money and seconds.")
period = click.option("--period", metavar="YYYY-MM", help="The billing period; else the latest loaded one.")
accept = click.option("--accept", is_flag=True, help="Load what the gate would put into quarantine.")
format_ = click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How to print.",
)
table_or_json = click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print.",
)
text_or_json = click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)


def span(command: _Command) -> _Command:
    """Add --from and --to, the first and the last billing period that may be loaded."""
    last = click.option("--to", "last", metavar="YYYY-MM", help="Load no billing period after this one.")
    first = click.option("--from", "first", metavar="YYYY-MM", help="Load no billing period before this one.")
    return first(last(command))


def budget_options(command: _Command) -> _Command:
    """Add the flags that set the global budget: they beat the environment, which beats the file."""
    for option in reversed(
        (
            click.option(
                "--exit-on-threshold/--no-exit-on-threshold", default=None, help="Overrides the global scope's setting."
            ),
            click.option("--exit-code", type=int, metavar="0-255", help="Overrides the global scope's exit code."),
            click.option("--budget-amount", metavar="AMOUNT", help="Overrides the global scope's amount."),
            click.option("--budget-currency", metavar="CODE", help="Overrides the global scope's currency."),
        )
    ):
        command = option(command)
    return command


def overrides(
    exit_on_threshold: bool | None, exit_code: int | None, budget_amount: str | None, budget_currency: str | None
) -> BudgetOverrides:
    """Return the flags of ``budget_options`` as overrides.

    Raises:
        UsageError: when a flag's value is none.
    """
    from pipeline.config import BudgetOverrides
    from pipeline.money import parse

    amount = parse(budget_amount) if budget_amount is not None else None
    if budget_amount is not None and amount is None:
        raise UsageError(f"--budget-amount {budget_amount!r} is no number; digits, point and exponent only")
    return BudgetOverrides(exit_on_threshold, exit_code, amount, budget_currency)


def place_options(command: _Command) -> _Command:
    """Add --config, --warehouse and -v."""
    for option in (verbose, warehouse, config):
        command = option(command)
    return command


def settings_options(command: _Command) -> _Command:
    """Add --config, --warehouse, -v and --as-of."""
    return place_options(as_of(command))


def settings(
    config: Path | None, warehouse: Path | None, verbose: bool, *, overrides: BudgetOverrides | None = None
) -> Settings:
    """Load the settings; without a configuration file a given warehouse is enough.

    Raises:
        ConfigurationError: when the file is wrong, or there is neither file nor warehouse.
    """
    from pipeline.config import default_settings, find_config, load_settings

    if verbose:
        logging.getLogger("pipeline.config").setLevel(logging.INFO)
    file = find_config(config, os.environ, Path.cwd())
    if file is None and warehouse is not None:
        return default_settings(warehouse.absolute(), environ=os.environ, overrides=overrides)
    loaded = load_settings(file, environ=os.environ, overrides=overrides)
    for warning in loaded.warnings:
        click.echo(f"costmill: warning: {warning}", err=True)
    if warehouse is None:
        return loaded
    beside = default_settings(warehouse.absolute(), environ={})
    return replace(loaded, warehouse=beside.warehouse, publish=replace(loaded.publish, path=beside.publish.path))


def moment(as_of: str | None, settings: Settings) -> datetime:
    """Return the moment that counts as now: --as-of, else the configuration's, else the clock (naive UTC)."""
    from pipeline.periods import parse_as_of, utc_now

    return parse_as_of(as_of) if as_of else settings.as_of or utc_now()
