"""Prices of language models as the package genai-prices has them: the snapshot that it brings, and no other.

Nothing here opens a connection, and prices that another part of the program had the package fetch are not looked at: the
same release gives the same cost. Its data is taken and the arithmetic is ours, since the package counts what has no price
as free. Its import takes most of a second, so it is done when a model is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, cast

from pipeline.pricing import names
from pipeline.pricing.model import MILLION, ModelPrice, Rate, Tier

if TYPE_CHECKING:
    from decimal import Decimal

    from genai_prices.types import ModelInfo, Provider, TieredPrices
    from genai_prices.types import ModelPrice as Sheet

#: The package's names of prices -> our unit, and how many a price is for. Of two for one unit the first given counts.
_PRICES = (
    ("input_mtok", "input_tokens", MILLION),
    ("cache_read_mtok", "cached_input_tokens", MILLION),
    ("output_mtok", "output_tokens", MILLION),
    ("audio_hours", "seconds", 3600),
    ("input_audio_hours", "seconds", 3600),
    ("requests_kcount", "requests", 1000),
)
#: Groq charges ten seconds at least for these, which the package has in its code and not in its data.
_TEN_SECONDS = {("groq", "whisper-large-v3"), ("groq", "whisper-large-v3-turbo")}


class Listed:
    """A model of the package under the provider that it is asked of."""

    def __init__(self, provider: Provider, model: ModelInfo) -> None:
        self.provider = provider.id
        self.model = model.id
        self.context_window = model.context_window
        self.deprecated = bool(model.deprecated)
        is_borrowed = not any(each is model for each in provider.models)
        self.source = source() + (f", as {_owner(model)} lists it" if is_borrowed else "")
        self._model = model
        #: Variant -> what tells it, such as ``batch`` -> ``{"processing": "batch"}``. Borrowed models have none.
        self._variants = {
            value: variant.when
            for variant in ((model.price_variants or ()) if not is_borrowed else ())
            for value in variant.when.values()
            if len(variant.when) == 1
        }
        self._prices: dict[int, ModelPrice] = {}

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that have prices of their own."""
        return tuple(sorted(self._variants))

    def at(self, moment: datetime, variant: str | None = None) -> ModelPrice | None:
        """The price at a time (naive UTC); None where there is none."""
        sheet = self._model.get_prices(moment)
        if variant is not None:
            return self._variant(moment, variant, sheet)
        if id(sheet) not in self._prices:
            self._prices[id(sheet)] = self._price(sheet, sheet, None)
        found = self._prices[id(sheet)]
        return found if found.rates else None

    def _variant(self, moment: datetime, variant: str, sheet: Sheet) -> ModelPrice | None:
        when = self._variants.get(variant)
        held = [each for each in self._model.price_variants or () if each.when == when]
        if not any(each.constraint is None or each.constraint.active(moment) for each in held):
            return None
        found = self._price(self._model.get_prices(moment, when), sheet, variant)
        return found if found.rates else None

    def _price(self, sheet: Sheet, standard: Sheet, variant: str | None) -> ModelPrice:
        given = _given(self.provider, self.model, sheet)
        starts = sorted({tier.start for value, _, _ in given.values() for tier in _tiers(value)})
        rates = {unit: Rate(_at(value, -1), per, least) for unit, (value, per, least) in given.items()}
        tiers = [
            Tier(start, {unit: Rate(_at(value, start), per, least) for unit, (value, per, least) in given.items()})
            for start in starts
        ]
        constraint = next(
            (each.constraint for each in _conditions(self._model) if each.prices is standard),
            None,
        )
        start, end = getattr(constraint, "start_time", None), getattr(constraint, "end_time", None)
        return ModelPrice(
            provider=self.provider,
            model=self.model,
            currency="USD",
            rates=rates,
            source=self.source,
            variant=variant,
            tiers=tuple(tiers),
            modality=names.modality(self.model, rates),
            context_window=self.context_window,
            deprecated=self.deprecated,
            since=getattr(constraint, "start_date", None),
            hours=f"daily {start:%H:%M} to {end:%H:%M} UTC" if start and end else "",
        )


@cache
def source() -> str:
    """The package's name and version, as the source of a price."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


def find(provider: str, model: str) -> Listed | None:
    """Return a provider's model by its id or another name that means it, whatever the case."""
    for each in _providers():
        if each.id == provider:
            named = next((own for own in each.models if own.id.casefold() == model.casefold()), None)
            found = named or each.find_model(model, all_providers=_providers())
            return Listed(each, found) if found else None
    return None


def maker(model: str) -> str | None:
    """Return the provider that makes a model, where its name tells it and the provider lists it."""
    name = model.lower()
    for each in _providers():
        if each.model_match is not None and each.model_match.is_match(name) and find(each.id, model):
            return each.id
    return None


def offered_by(model: str) -> tuple[str, ...]:
    """Return the providers that list a model as their own."""
    return tuple(each.id for each in _providers() if each.find_model(model.lower()))


def models(provider: str) -> Iterator[Listed]:
    """Give a provider's own models, in the package's order."""
    for each in _providers():
        if each.id == provider:
            yield from (Listed(each, model) for model in each.models)


@cache
def names_of_providers() -> dict[str, str]:
    """Return the providers of the package: id -> name."""
    return {each.id: each.name for each in _providers()}


@cache
def _providers() -> list[Provider]:
    from genai_prices.data import providers  # the snapshot of the release: never what UpdatePrices has fetched

    return providers


def _owner(model: ModelInfo) -> str:
    return next((each.id for each in _providers() if any(own is model for own in each.models)), "another provider")


def _conditions(model: ModelInfo) -> list[_Condition]:
    return model.prices if isinstance(model.prices, list) else []


def _given(provider: str, model: str, sheet: Sheet) -> dict[str, tuple[Decimal | TieredPrices, int, int]]:
    """The prices of a sheet: unit -> price, how many it is for, how many are charged at least."""
    found: dict[str, tuple[Decimal | TieredPrices, int, int]] = {}
    for name, unit, per in _PRICES:
        value = sheet.__dict__.get(name)
        if value is not None and unit not in found:
            found[unit] = (value, per, 10 if unit == "seconds" and (provider, model) in _TEN_SECONDS else 0)
    return found


def _tiers(value: Decimal | TieredPrices) -> list[_Tier]:
    return getattr(value, "tiers", [])


def _at(value: Decimal | TieredPrices, above: int) -> Decimal:
    """The price of a call with more than ``above`` input tokens; -1: of the smallest."""
    held = [tier.price for tier in _tiers(value) if tier.start <= above]
    if held:
        return held[-1]
    return cast("TieredPrices", value).base if hasattr(value, "tiers") else value


if TYPE_CHECKING:
    from genai_prices.types import ConditionalPrice as _Condition
    from genai_prices.types import Tier as _Tier
