"""``PricingRegistry``: what a model costs, what a call of it costs, and which cheaper model there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import money
from pipeline.errors import PriceError, UnknownModelError
from pipeline.periods import parse_as_of, to_utc, utc_now
from pipeline.pricing import listed, names, own, quantities
from pipeline.pricing.costing import cost_of, usual_call
from pipeline.pricing.listed import Listed
from pipeline.pricing.model import ModelCost, ModelPrice, PriceRow
from pipeline.pricing.own import Own
from pipeline.pricing.quantities import Quantity

if TYPE_CHECKING:
    from pipeline.config import PriceSettings


class PricingRegistry:
    """Prices of models by provider, model and time: overrides first, then the project's table, then genai-prices.

    Amounts are exact decimals. Nothing is fetched: the same release with the same overrides gives the same cost.

    Args:
        overrides: a file of prices (YAML or CSV), or its rows.
        name: how prices of rows without a source name it; None: by the file.

    Raises:
        ConfigurationError: with every problem of the file.
    """

    def __init__(self, overrides: str | Path | Iterable[PriceRow] = (), *, name: str | None = None) -> None:
        self._override_source = name or "overrides"
        if isinstance(overrides, (str, Path)):
            from pipeline.config.prices import read_price_file

            self._override_source = name or Path(overrides).name
            overrides = read_price_file(Path(overrides))
        self._rows = tuple(overrides)
        self._found: dict[tuple[str, str | None], tuple[Own | Listed, ...]] = {}

    @classmethod
    def configured(cls, settings: PriceSettings) -> PricingRegistry:
        """Return the prices of a configuration: with its overrides, if it names some."""
        return cls(settings.rows, name=settings.overrides.name if settings.overrides else None)

    def cost(
        self,
        model: str,
        provider: str | None = None,
        *,
        input_tokens: Quantity | None = None,
        output_tokens: Quantity | None = None,
        cached_input_tokens: Quantity | None = None,
        images: Quantity | None = None,
        seconds: Quantity | None = None,
        variant: str | None = None,
        at: datetime | date | str | None = None,
        given: Decimal | int | str | float | None = None,
        currency: str = "USD",
    ) -> ModelCost:
        """Return what one call costs, with how it was made.

        Args:
            model: its name or an alias, whatever the case; ``provider/model`` names the provider as well.
            provider: such as openai, aws or gcp; None: the model's maker, or the only one that has it.
            input_tokens: all of them, cached ones too; its size decides the tier.
            cached_input_tokens: the part of them that was cached: at its price, and at that of input where it has none.
            variant: such as ``batch``, or ``hd 1024x1024``; None for the usual price.
            at: when the call was made (naive: UTC); its prices are taken. None: now. A date: its end.
            given: what the caller knows that it cost, which is then the amount, in ``currency``.

        Raises:
            PriceError: for quantities that are none, and for ones that the model has no price for.
            UnknownModelError: for a model that no list has, unless the cost is given.
        """
        used = quantities.checked(
            {
                "input_tokens": input_tokens,
                "cached_input_tokens": cached_input_tokens,
                "output_tokens": output_tokens,
                "images": images,
                "seconds": seconds,
            }
        )
        moment = _moment(at)
        if given is not None:
            amount = money.amount(given)
            return ModelCost(amount, currency, provider and names.canonical(provider), model.strip(), moment)
        return cost_of(self.price(model, provider, variant=variant, at=moment), used, moment)

    def price(
        self,
        model: str,
        provider: str | None = None,
        *,
        variant: str | None = None,
        at: datetime | date | str | None = None,
    ) -> ModelPrice:
        """Return a model's price at a time.

        Raises:
            PriceError: when it has none then, or none of that variant.
            UnknownModelError: when no list has the model.
        """
        moment = _moment(at)
        variant = variant.strip() if variant and variant.strip() else None
        found = self._look_up(model, provider)
        price = _first(found, moment, variant)
        if price is not None:
            return price
        raise PriceError(_no_price(found, variant, moment))

    def prices(
        self, provider: str | None = None, *, variant: str | None = None, at: datetime | date | str | None = None
    ) -> list[ModelPrice]:
        """Return the prices of all models, or of one provider's, by provider and model; those without one are left out.

        Without a variant, models that are priced by variant alone are there with each of them.

        Raises:
            UnknownModelError: when no list has the provider.
        """
        moment = _moment(at)
        providers = [self._provider(provider)] if provider else sorted(self._known)
        found = []
        for each in providers:
            for model in sorted(self._models(each), key=str.casefold):
                found += self._priced(model, each, variant, moment)
        return found

    def get_cheaper_alternative(
        self,
        model: str,
        provider: str | None = None,
        *,
        input_tokens: Quantity | None = None,
        output_tokens: Quantity | None = None,
        cached_input_tokens: Quantity | None = None,
        images: Quantity | None = None,
        seconds: Quantity | None = None,
        variant: str | None = None,
        at: datetime | date | str | None = None,
    ) -> ModelCost | None:
        """Return the call at the cheapest of ``cheaper_alternatives``, or None where there is none.

        Raises:
            PriceError, UnknownModelError: as ``cost`` does for the model itself.
        """
        used: dict[str, Quantity | None] = {
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cached_input_tokens": cached_input_tokens,
            "images": images,
            "seconds": seconds,
        }
        return next(iter(self.cheaper_alternatives(model, provider, used, variant=variant, at=at)), None)

    def cheaper_alternatives(
        self,
        model: str,
        provider: str | None = None,
        used: Mapping[str, Quantity | None] | None = None,
        *,
        variant: str | None = None,
        at: datetime | date | str | None = None,
    ) -> list[ModelCost]:
        """Return the same call at each cheaper model, the cheapest first, then by name.

        They are of the same provider, modality, variant and currency, not known as deprecated, priced above 0 in all that the call
        uses, and have at least the same context window: where the model's own is known, theirs must be.

        Args:
            used: the call's quantities by unit; nothing: ``USUAL_CALL``, 1,000 tokens, an image or a minute, whatever the
                model is priced by.

        Raises:
            PriceError, UnknownModelError: as ``cost`` does for the model itself.
        """
        return self.compare(model, provider, used, variant=variant, at=at)[1]

    def compare(
        self,
        model: str,
        provider: str | None = None,
        used: Mapping[str, Quantity | None] | None = None,
        *,
        variant: str | None = None,
        at: datetime | date | str | None = None,
    ) -> tuple[ModelCost, list[ModelCost]]:
        """Return what the call costs at the model, and its ``cheaper_alternatives``."""
        moment = _moment(at)
        mine = self.price(model, provider, variant=variant, at=moment)
        call = quantities.checked(used or {}) or usual_call(mine)
        now = cost_of(mine, call, moment)
        found = []
        for price in self.prices(mine.provider, variant=variant, at=moment):
            if not _may_replace(price, mine):
                continue
            try:
                other = cost_of(price, call, moment)
            except PriceError:
                continue
            if 0 < other.amount < now.amount and all(line.rate.price > 0 for line in other.lines):
                found.append(other)
        return now, sorted(found, key=lambda each: (each.amount, each.model))

    def _priced(self, model: str, provider: str, variant: str | None, moment: datetime) -> list[ModelPrice]:
        """A model's price where it has one; those of its variants where it has only them."""
        known = self._look_up(model, provider)
        found = _first(known, moment, variant)
        if found is not None or variant is not None:
            return [found] if found else []
        variants = sorted({each for one in known for each in one.variants})
        return [price for each in variants if (price := _first(known, moment, each)) is not None]

    @cached_property
    def _spellings(self) -> dict[str, str]:
        return names.spellings(listed.names_of_providers())

    @cached_property
    def _overrides(self) -> own.Models:
        return own.models(self._rows, self._canonical, self._override_source)

    @cached_property
    def _table(self) -> own.Models:
        return own.models(own.table(), self._canonical, "the project's table")

    @cached_property
    def _known(self) -> frozenset[str]:
        mine = (provider for provider, _ in (*self._overrides, *self._table))
        return frozenset(mine) | frozenset(listed.names_of_providers())

    def _canonical(self, provider: str) -> str:
        return names.canonical(provider, self._spellings)

    def _provider(self, name: str) -> str:
        """Return the provider that a name means.

        Raises:
            UnknownModelError: when no list has it.
        """
        found = self._canonical(name)
        if found in self._known:
            return found
        close = names.near(found, self._known)
        raise UnknownModelError(f"no list of prices has a provider {name!r}{_told(close, self._known)}", close)

    def _look_up(self, model: str, provider: str | None) -> tuple[Own | Listed, ...]:
        key = (model, provider)
        if key not in self._found:
            self._found[key] = self._search(model.strip(), provider)
        return self._found[key]

    def _search(self, model: str, provider: str | None) -> tuple[Own | Listed, ...]:
        if not model:
            raise PriceError("the model's name is empty; give one such as gpt-4o")
        before, slash, rest = model.partition("/")
        if provider is not None:
            asked = self._provider(provider)
            found = self._of(asked, model)
            if not found and slash and (before == "models" or self._canonical(before) == asked):
                found = self._of(asked, rest)
            if found:
                return found
            raise self._unknown(model, asked)
        if slash and self._canonical(before) in self._known and (found := self._of(self._canonical(before), rest)):
            return found
        return self._of(self._only_provider(model), model)

    def _of(self, provider: str, model: str) -> tuple[Own | Listed, ...]:
        """What the lists have of a provider's model, in the order in which they count."""
        known = listed.find(provider, model)
        keys = [(provider, name.casefold()) for name in dict.fromkeys((model, known.model if known else model))]
        mine: list[Own | Listed] = [
            models[key] for models in (self._overrides, self._table) for key in keys if key in models
        ]
        return (*mine, known) if known else tuple(mine)

    def _only_provider(self, model: str) -> str:
        """The provider of a model that is asked for without one: its maker, else the only one that has it."""
        maker = listed.maker(model)
        if maker is not None:
            return maker
        mine = {each for each, name in (*self._overrides, *self._table) if name == model.casefold()}
        offering = names.makers((*listed.offered_by(model), *mine))
        if not offering:
            raise self._unknown(model, None)
        if len(offering) > 1:
            raise PriceError(
                f"{model!r} is offered by {', '.join(offering)}; say by whom, as provider or {offering[0]}/{model}"
            )
        return offering[0]

    def _unknown(self, model: str, provider: str | None) -> UnknownModelError:
        offers = {
            name: each for each in ([provider] if provider else sorted(self._known)) for name in self._models(each)
        }
        close = names.near(model, offers)
        if provider is None:
            close = tuple(f"{listed.maker(name) or offers[name]}/{name}" for name in close)
        whose = f"of {provider} " if provider else ""
        return UnknownModelError(
            f"no list of prices has a model {model!r} {whose}({listed.source()}, the project's table, overrides)"
            f"{_told(close)}. {'Name one of these, give' if close else 'Give'} the cost, or write its price under "
            "prices.overrides; `costmill prices list` has all",
            close,
        )

    def _models(self, provider: str) -> Iterator[str]:
        """The names of a provider's models, each once."""
        mine = [
            each.model for (owner, _), each in (*self._overrides.items(), *self._table.items()) if owner == provider
        ]
        return iter(dict.fromkeys((*mine, *(each.model for each in listed.models(provider)))))


def _moment(at: datetime | date | str | None) -> datetime:
    if at is None:
        return utc_now()
    return to_utc(at) if isinstance(at, datetime) else parse_as_of(at)


def _first(found: tuple[Own | Listed, ...], moment: datetime, variant: str | None) -> ModelPrice | None:
    """The price that counts, with what the package knows of the model beside it."""
    price = next((price for each in found if (price := each.at(moment, variant)) is not None), None)
    known = next((each for each in found if isinstance(each, Listed)), None)
    if price is None or known is None:
        return price
    if price.context_window is None and known.context_window is not None:
        price = replace(price, context_window=known.context_window)
    return replace(price, deprecated=True) if known.deprecated and not price.deprecated else price


def _told(close: tuple[str, ...], known: Iterable[str] = ()) -> str:
    if close:
        return f"; near: {', '.join(close)}"
    return f"; known: {', '.join(sorted(known))}" if known else ""


def _no_price(found: tuple[Own | Listed, ...], variant: str | None, moment: datetime) -> str:
    name = f"{found[0].provider} {found[0].model}"
    variants = sorted({each for one in found for each in one.variants})
    first = [day for one in found if isinstance(one, Own) and (day := one.first_day(variant))]
    if first:
        return f"{name} has no price on {moment:%Y-%m-%d}: the first one known is since {min(first)}; give the cost"
    if variant is not None:
        known = f"its variants: {', '.join(variants)}" if variants else "it has none"
        return f"{name} has no variant {variant!r} with a price; {known}"
    if variants:
        return f"{name} is priced by variant; name one of: {', '.join(variants)}"
    return f"{name} is listed without a price that tokens, images or seconds have; give the cost, or write its price under prices.overrides"


def _may_replace(other: ModelPrice, mine: ModelPrice) -> bool:
    # Fine-tuned models are nobody else's to call, and "regional." stands for a region's prefix.
    if other.model.startswith(("ft:", "regional.")) or ".ft-" in other.model:
        return False
    if other.model == mine.model or other.deprecated:
        return False
    if (other.modality, other.currency, other.variant) != (mine.modality, mine.currency, mine.variant):
        return False
    return mine.context_window is None or (other.context_window or 0) >= mine.context_window
