"""Options that describe a call of a model or a service: one that was made, or one that is about to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from pipeline.errors import UsageError

_Command = TypeVar("_Command", bound=Callable[..., Any])


def described(command: _Command) -> _Command:
    """Add the fields of a call that say what it is, what it uses and who it is for."""
    given = (
        click.option("--provider", required=True, metavar="NAME", help="Who is called, such as openai."),
        click.option(
            "--operation", required=True, metavar="NAME", help="What is done, such as chat_completion or embedding."
        ),
        click.option("--model", metavar="NAME", help="Which model."),
        click.option("--cost", metavar="AMOUNT", help="What it costs: 0 or more; else its price is looked up."),
        click.option("--currency", default="USD", show_default=True, metavar="CODE", help="In which currency."),
        click.option("--input-tokens", metavar="N", help="Tokens in, cached ones included."),
        click.option("--output-tokens", metavar="N", help="Tokens out."),
        click.option("--cached-input-tokens", metavar="N", help="Tokens in that are cached."),
        click.option("--images", metavar="N", help="Images."),
        click.option("--seconds", metavar="N", help="Seconds."),
        click.option("--variant", metavar="NAME", help="Of the price, such as batch; else the usual one."),
        click.option(
            "--for", "attribution", multiple=True, metavar="KEY=VALUE", help="Who it is for, such as team=search."
        ),
        click.option("--tenant", metavar="NAME", help="Whose usage it is, else the actor's."),
    )
    for option in reversed(given):
        command = option(command)
    return command


def attributed(pairs: Sequence[str]) -> dict[str, str]:
    """Return what ``--for`` says.

    Raises:
        UsageError: when one is no KEY=VALUE.
    """
    return dict(map(_pair, pairs))


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise UsageError(f"--for {text!r} is no pair; write KEY=VALUE, such as team=search")
    return key, value
