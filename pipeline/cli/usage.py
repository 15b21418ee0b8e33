"""`costmill usage`: record what programs use, and ask what it came to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli import calls, options, output

if TYPE_CHECKING:
    from pipeline import BudgetTrackingService
    from pipeline.config import Settings
    from pipeline.usage.pending import Used

COLUMNS = (
    *("time", "provider", "operation", "model", "cost", "currency", "input_tokens", "output_tokens", "success"),
    *("attribution", "id"),
)
SUMMARY_COLUMNS = ("by", "key", "cost", "currency")
TREND_COLUMNS = ("start", "end", "cost", "currency")

_scope = click.option(
    "--scope",
    default="global",
    show_default=True,
    metavar="KIND:ID",
    help="Whose: global, or such as provider:openai, model:gpt-4o, team:search.",
)
_period = click.option(
    "--period",
    type=click.Choice(["hourly", "daily", "weekly", "monthly", "quarterly", "yearly"]),
    default="monthly",
    show_default=True,
    help="The window around --as-of.",
)
_currency = click.option("--currency", metavar="CODE", help="Count records in it only; needed when there are several.")


@click.group()
def usage() -> None:
    """Record what programs use, and ask what it came to: recorded costs.

    \b
    Examples:
      costmill usage record --provider openai --operation embedding --cost 0.0004 --for team=search
      costmill usage summary --scope team:search
    """


@usage.command()
@calls.described
@click.option("--request-id", metavar="ID", help="The provider's id of the call.")
@click.option("--parent-id", metavar="ID", help="The record that caused this one.")
@click.option("--failed", is_flag=True, help="The call failed.")
@click.option("--time", "time_", metavar="TIME", help="When, in UTC; else now, or the configured as_of.")
@click.option("--id", "id_", metavar="ID", help="Its id: the same record again under it counts once.")
@options.format_
@options.place_options
def record(
    attribution: tuple[str, ...],
    failed: bool,
    time_: str | None,
    id_: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    verbose: bool,
    **fields: Any,
) -> None:
    """Record one call.

    \b
    Examples:
      costmill usage record --provider openai --operation embedding --cost 0.0004 --for team=search
    """
    from pipeline import UsageRecord
    from pipeline.periods import parse_as_of
    from pipeline.usage.pending import used

    settings = options.settings(config, warehouse, verbose)
    known: dict[str, Any] = {"attribution": calls.attributed(attribution), "success": not failed, "id": id_}
    moment = parse_as_of(time_) if time_ else settings.as_of
    kept = _service(settings).record_usage(settings.actor, UsageRecord(**fields, **known, time=moment))
    _print([used(kept)], format_)


@usage.command("import")
@click.argument("file", type=click.File("rb"), metavar="FILE")
@options.format_
@options.place_options
def import_(file: Any, format_: str, config: Path | None, warehouse: Path | None, verbose: bool) -> None:
    """Record the calls of a FILE (- is stdin): JSON lines with the fields of a record, all of them or none.

    A record without an id gets one made of its line: the same file again, or one that has grown, counts once.

    \b
    Examples:
      costmill usage import calls.jsonl
    """
    from pipeline.usage import importing

    settings = options.settings(config, warehouse, verbose)
    records = importing.read(file.read(), file.name)
    kept = _service(settings).record_many(settings.actor, records)
    output.rows(("file", "records"), [(file.name, len(kept))], format_)


@usage.command("list")
@_scope
@_period
@click.option("--limit", type=int, default=100, show_default=True, metavar="N", help="How many, newest first.")
@options.format_
@options.settings_options
def list_(
    scope: str,
    period: str,
    limit: int,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> None:
    """List the newest records of a window, loaded or not.

    \b
    Examples:
      costmill usage list --scope team:search --period daily
    """
    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    _print(_service(settings).list_usage(settings.actor, scope, period, as_of=moment, limit=limit), format_)


@usage.command()
@_scope
@_period
@_currency
@options.format_
@options.settings_options
def summary(
    scope: str,
    period: str,
    currency: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> None:
    """Show what was recorded in a window: in total, by category, provider, model and operation.

    \b
    Examples:
      costmill usage summary --scope provider:openai --format json
    """
    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    found = _service(settings).get_usage_summary(settings.actor, scope, period, as_of=moment, currency=currency)
    if format_ == "json":
        click.echo(json.dumps(output.plain(asdict(found)), indent=2, ensure_ascii=False))
        return
    parts = ("category", "provider", "model", "operation")
    data = [(by, key, cost, found.currency) for by in parts for key, cost in getattr(found, f"by_{by}").items()]
    output.rows(SUMMARY_COLUMNS, [("total", found.scope, found.total, found.currency), *data], format_)


@usage.command()
@_scope
@_period
@_currency
@click.option("--periods", type=int, default=6, show_default=True, metavar="N", help="How many windows, 2 to 1000.")
@options.format_
@options.settings_options
def trend(
    scope: str,
    period: str,
    currency: str | None,
    periods: int,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> None:
    """Show what the last windows came to, and whether that goes up: the second half against the first, beyond 10 %.

    \b
    Examples:
      costmill usage trend --period weekly --periods 8
    """
    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    found = _service(settings).get_spend_trend(
        settings.actor, scope, periods, period=period, as_of=moment, currency=currency
    )
    if format_ == "json":
        click.echo(json.dumps(output.plain(asdict(found)), indent=2, ensure_ascii=False))
        return
    data = [(each.period_start, each.period_end, each.total, found.currency) for each in found.points]
    output.rows(TREND_COLUMNS, data, format_)
    click.echo(f"costmill: {found.scope}: {found.direction}", err=True)


def _service(settings: Settings) -> BudgetTrackingService:
    from pipeline import BudgetTrackingService

    return BudgetTrackingService(settings)


def _print(records: list[Used], format_: str) -> None:
    from pipeline.usage.record import QUANTITIES

    data = []
    for each in records:
        row = asdict(each) | dict(zip(QUANTITIES, each.quantities, strict=True))
        row["attribution"] = (
            each.attribution if format_ == "json" else " ".join(map("=".join, each.attribution.items()))
        )
        data.append([row[name] for name in COLUMNS])
    output.rows(COLUMNS, data, format_)
