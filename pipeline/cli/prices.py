"""`costmill prices`: what models cost, and which cheaper ones there are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline import money
from pipeline.cli import options, output

if TYPE_CHECKING:
    from pipeline.pricing.model import ModelCost, ModelPrice, Rate
    from pipeline.pricing.registry import PricingRegistry

_Command = TypeVar("_Command", bound=Callable[..., Any])

_UNITS = ("input_tokens", "output_tokens", "cached_input_tokens", "images", "seconds")

_provider = click.option(
    "--provider", metavar="NAME", help="Who is paid, such as openai or aws; else the model's maker."
)
_variant = click.option("--variant", metavar="NAME", help="Such as batch, or hd 1024x1024; else the usual price.")
_at = click.option("--at", metavar="DATE", help="The UTC date or time of the call; else now.")


@click.group()
def prices() -> None:
    """Show what models cost, from genai-prices, the project's table and your own overrides; nothing is fetched.

    \b
    Examples:
      costmill prices show gpt-4o --input-tokens 1200 --output-tokens 300
      costmill prices cheaper gpt-4o
    """


def _call(command: _Command) -> _Command:
    """Add the options that say what a call used."""
    for option in (
        click.option("--seconds", metavar="N", help="Seconds of audio or video."),
        click.option("--images", metavar="N", help="Images."),
        click.option("--cached-input-tokens", metavar="N", help="The part of the input tokens that was cached."),
        click.option("--output-tokens", metavar="N", help="Output tokens of the call."),
        click.option("--input-tokens", metavar="N", help="Input tokens of the call, cached ones too."),
    ):
        command = option(command)
    return command


@prices.command()
@click.argument("model")
@_provider
@_variant
@_at
@_call
@options.text_or_json
@options.config
def show(
    model: str,
    provider: str | None,
    variant: str | None,
    at: str | None,
    format_: str,
    config: Path | None,
    **used: str,
) -> int:
    """Show a model's unit prices, and what a call costs when its tokens, images or seconds are given.

    \b
    Examples:
      costmill prices show claude-sonnet-4-5 --at 2026-03-01
      costmill prices show gpt-4o --input-tokens 1200 --output-tokens 300 --format json
    """
    registry = _registry(config)
    given = {unit: used[unit] for unit in _UNITS if used[unit] is not None}
    moment = _moment(at)
    price = registry.price(model, provider, variant=variant, at=moment)
    cost = registry.cost(model, provider, **given, variant=variant, at=moment) if given else None
    if format_ == "json":
        click.echo(json.dumps(_shown(price, cost, moment), indent=2, ensure_ascii=False))
    else:
        click.echo(output.printable(cost.explain() if cost else _text(price)))
    return 0


@prices.command()
@click.argument("model")
@_provider
@_variant
@_at
@_call
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="How many to show.")
@options.format_
@options.config
def cheaper(
    model: str,
    provider: str | None,
    variant: str | None,
    at: str | None,
    limit: int,
    format_: str,
    config: Path | None,
    **used: str,
) -> int:
    """Show cheaper models of the same provider and kind with as large a context, the cheapest first.

    A call of 3,000 input and 1,000 output tokens decides (1,000 input tokens, an image or a minute for models that are
    priced so), unless another one is given.

    \b
    Examples:
      costmill prices cheaper claude-opus-4-5
      costmill prices cheaper gpt-4o --input-tokens 50000 --output-tokens 200
    """
    given = {unit: used[unit] for unit in _UNITS if used[unit] is not None}
    mine, found = _registry(config).compare(model, provider, given, variant=variant, at=_moment(at))
    shown = [
        (each.model, each.amount, money.percent(each.amount, mine.amount), each.currency) for each in found[:limit]
    ]
    output.rows(("model", "amount", "percent_of_it", "currency"), shown, format_)
    name = f"{mine.provider} {mine.model}: {money.text(mine.amount)} {mine.currency}"
    click.echo(f"costmill: {name}; {len(found) or 'no'} cheaper", err=True)
    return 0


@prices.command(name="list")
@_provider
@_variant
@_at
@options.format_
@options.config
def list_(provider: str | None, variant: str | None, at: str | None, format_: str, config: Path | None) -> int:
    """List the prices of all models, or of one provider's; those that have none are left out.

    As CSV they are a file of overrides to start from: change what your contract says and name it under
    `prices.overrides` in the configuration.

    \b
    Example:
      costmill prices list --provider anthropic --format csv
    """
    from pipeline.config.prices import NEEDED, OPTIONAL

    found = [
        row for price in _registry(config).prices(provider, variant=variant, at=_moment(at)) for row in price.rows()
    ]
    columns = [name for name in (*NEEDED, *OPTIONAL) if format_ != "table" or any(row.get(name) for row in found)]
    output.rows(columns, [[_cell(row.get(name)) for name in columns] for row in found], format_)
    return 0


def _registry(config: Path | None) -> PricingRegistry:
    """The prices with the configuration's overrides; without a configuration there are none."""
    from pipeline.config import find_config, load_settings
    from pipeline.pricing.registry import PricingRegistry

    file = find_config(config, os.environ, Path.cwd())
    if file is None:
        return PricingRegistry()
    return PricingRegistry.configured(load_settings(file, environ=os.environ).prices)


def _moment(at: str | None) -> datetime:
    from pipeline.periods import parse_as_of, utc_now

    return parse_as_of(at) if at else utc_now()


def _rate(unit: str, rate: Rate) -> str:
    many = f"{rate.per:,} " if rate.per > 1 else ""
    least = f", at least {rate.least}" if rate.least else ""
    return f"{money.text(rate.price)} per {many}{unit if rate.per > 1 else unit.removesuffix('s')}{least}"


def _cell(value: object) -> object:
    return "true" if value is True else value


def _text(price: ModelPrice) -> str:
    name = " ".join(part for part in (price.provider, price.model, price.variant) if part)
    told = [f"{name} ({price.modality}, {price.currency})"]
    told += [f"  {_rate(unit, rate)}" for unit, rate in price.rates.items()]
    for tier in price.tiers:
        told += [f"  calls above {tier.above:,} input tokens:"]
        told += [f"    {_rate(unit, rate)}" for unit, rate in tier.rates.items()]
    told += [f"  context window: {price.context_window:,} tokens"] if price.context_window else []
    told += ["  deprecated by its provider"] if price.deprecated else []
    return "\n".join([*told, f"  prices: {price.origin}"])


def _shown(price: ModelPrice, cost: ModelCost | None, moment: datetime) -> dict[str, Any]:
    def rates(of: Any) -> dict[str, Any]:
        return {
            unit: {"price": money.text(rate.price), "per": rate.per, "least": rate.least} for unit, rate in of.items()
        }

    shown: dict[str, Any] = {
        **{name: getattr(price, name) for name in ("provider", "model", "variant", "currency", "modality")},
        "at": moment,
        "prices": rates(price.rates),
        "tiers": [{"above_input_tokens": tier.above, "prices": rates(tier.rates)} for tier in price.tiers],
        **{
            name: getattr(price, name)
            for name in ("context_window", "deprecated", "source", "since", "hours", "checked")
        },
    }
    if cost is not None:
        shown["amount"] = cost.amount
        shown["lines"] = [
            {
                "unit": line.unit,
                "quantity": line.quantity,
                "price": line.rate.price,
                "per": line.rate.per,
                "amount": line.amount,
                "above_input_tokens": line.above,
            }
            for line in cost.lines
        ]
        shown["unpriced"] = list(cost.unpriced)
    plain: dict[str, Any] = output.plain(shown)
    return plain
