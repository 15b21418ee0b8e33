"""Prices from rows: the project's own table of images, audio and video, and a user's overrides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from functools import cache

from pipeline import resources
from pipeline.pricing import names
from pipeline.pricing.model import ModelPrice, PriceRow, Tier


class Own:
    """A model that rows give prices for, of all its variants and times."""

    def __init__(self, provider: str, model: str, prices: Iterable[ModelPrice]) -> None:
        self.provider = provider
        self.model = model
        self._prices: dict[str, list[ModelPrice]] = {}
        for price in sorted(prices, key=lambda each: each.since or date.min):
            self._prices.setdefault((price.variant or "").casefold(), []).append(price)

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that have prices of their own."""
        return tuple(sorted(prices[0].variant or "" for variant, prices in self._prices.items() if variant))

    def at(self, moment: datetime, variant: str | None = None) -> ModelPrice | None:
        """The price at a time (naive UTC); None where there is none."""
        held = [
            price
            for price in self._prices.get((variant or "").casefold(), ())
            if price.since is None or price.since <= moment.date()
        ]
        return held[-1] if held else None

    def first_day(self, variant: str | None) -> date | None:
        """The first day of the earliest price; None where it always held, or there is none."""
        prices = self._prices.get((variant or "").casefold())
        return prices[0].since if prices else None


Models = dict[tuple[str, str], Own]


def models(rows: Iterable[PriceRow], canonical: Callable[[str], str], source: str) -> Models:
    """Return the models of rows by provider and name in small letters.

    Args:
        canonical: a provider's id, of whatever spelling.
        source: where a price comes from whose row does not say it; its line is added.
    """
    tiers: dict[tuple[object, ...], list[PriceRow]] = {}
    plain: list[PriceRow] = []
    for row in rows:
        if row.above_input_tokens is None:
            plain.append(row)
        else:
            tiers.setdefault(row.key, []).append(row)
    grouped: dict[tuple[str, str], list[ModelPrice]] = {}
    for row in plain:
        made = _price(row, tiers.get(row.key, []), source)
        made = replace(made, provider=canonical(row.provider))
        grouped.setdefault((made.provider, row.model.casefold()), []).append(made)
    return {key: Own(key[0], prices[0].model, prices) for key, prices in grouped.items()}


@cache
def table() -> tuple[PriceRow, ...]:
    """The rows of the project's own table, sql/lookups/model_prices.csv."""
    from pipeline.config.prices import read_price_file

    return read_price_file(resources.folder("sql") / "lookups" / "model_prices.csv")


def _price(row: PriceRow, tiers: list[PriceRow], source: str) -> ModelPrice:
    found = []
    rates = dict(row.rates)
    for tier in sorted(tiers, key=lambda each: each.above_input_tokens or 0):
        rates = {**rates, **tier.rates}  # a price that a tier leaves out stays
        found.append(Tier(tier.above_input_tokens or 0, rates))
    return ModelPrice(
        provider=row.provider,
        model=row.model,
        currency=row.currency,
        rates=row.rates,
        source=row.source or f"{source}, line {row.line}",
        variant=row.variant,
        tiers=tuple(found),
        modality=names.modality(row.model, row.rates),
        context_window=row.context_window,
        deprecated=row.deprecated,
        since=row.since,
        checked=row.checked,
    )
