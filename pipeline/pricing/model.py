"""The values of pricing: a rate, a model's price at a time, the cost of a call and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from pipeline import money
from pipeline.pricing import names

#: What a call is counted in, in the order in which it is shown. A call is one request.
UNITS = ("input_tokens", "cached_input_tokens", "output_tokens", "images", "seconds", "requests")
TOKENS = UNITS[:3]
MILLION = 1_000_000
#: A price per some units, as a column or key of a list of prices: its unit, and how many it is for.
PRICE_COLUMNS = {
    "input_per_million": ("input_tokens", MILLION),
    "cached_input_per_million": ("cached_input_tokens", MILLION),
    "output_per_million": ("output_tokens", MILLION),
    "per_image": ("images", 1),
    "per_second": ("seconds", 1),
    "per_minute": ("seconds", 60),
    "per_hour": ("seconds", 3600),
    "per_request": ("requests", 1),
}


@dataclass(frozen=True)
class Rate:
    """``price`` for ``per`` units, of which at least ``least`` are charged when there are any."""

    price: Decimal
    per: int = 1
    least: int = 0

    def amount(self, quantity: Decimal) -> Decimal:
        """The exact cost of so many units, rounded half away from zero at the 18th decimal."""
        charged = max(quantity, Decimal(self.least)) if quantity else quantity
        return money.scaled(charged, self.price, self.per)


@dataclass(frozen=True)
class Tier:
    """The rates of a call with more than ``above`` input tokens: of all its tokens, not only of those above."""

    above: int
    rates: Mapping[str, Rate]


@dataclass(frozen=True)
class PriceRow:
    """A row of a list of prices, of the project's or of an override.

    Attributes:
        since: the first UTC day it holds; None: always.
        above_input_tokens: it holds for calls with more input tokens than that, beside the row without it.
        source: where it was read, such as a page's address or a contract's number.
        checked: when it was read there.
        line: where the row begins in its file.
    """

    provider: str
    model: str
    rates: Mapping[str, Rate]
    variant: str | None = None
    since: date | None = None
    currency: str = "USD"
    above_input_tokens: int | None = None
    context_window: int | None = None
    deprecated: bool = False
    source: str | None = None
    checked: date | None = None
    line: int = 0

    @property
    def key(self) -> tuple[str, str, str, date | None]:
        """What it is the price of, whatever its tier."""
        return names.canonical(self.provider), self.model.casefold(), (self.variant or "").casefold(), self.since


@dataclass(frozen=True)
class ModelPrice:
    """What a model costs at a time.

    Attributes:
        model: its name where the price was found, which an alias leads to.
        variant: such as ``batch`` or ``hd 1024x1024``; None for the usual one.
        rates: by unit; a unit that is absent has no price.
        tiers: rates of large calls, the smallest first.
        modality: ``text``, ``embedding``, ``image``, ``audio``, ``video``, ...
        context_window: the most input tokens of a call, where known.
        deprecated: the provider says so; False where nobody does.
        source: who says what it costs.
        since: the first day of this price, where it is not the only one.
        hours: when in a day it holds, as text; empty: always.
        checked: when the source was read, where that is known.
    """

    provider: str
    model: str
    currency: str
    rates: Mapping[str, Rate]
    source: str
    variant: str | None = None
    tiers: tuple[Tier, ...] = ()
    modality: str = "text"
    context_window: int | None = None
    deprecated: bool = False
    since: date | None = None
    hours: str = ""
    checked: date | None = None

    def tier(self, input_tokens: Decimal) -> Tier | None:
        """The tier of a call with so many input tokens; None: the plain rates."""
        return next((tier for tier in reversed(self.tiers) if input_tokens > tier.above), None)

    def rows(self) -> list[dict[str, object]]:
        """The price as rows of a list of prices: the plain one, and one for each tier."""
        return [
            self._row(self.rates),
            *({**self._row(tier.rates), "above_input_tokens": tier.above} for tier in self.tiers),
        ]

    def _row(self, rates: Mapping[str, Rate]) -> dict[str, object]:
        found: dict[str, object] = {"provider": self.provider, "model": self.model, "variant": self.variant}
        found |= {"since": self.since, "currency": self.currency}
        for column, (unit, many) in PRICE_COLUMNS.items():
            rate = rates.get(unit)
            if rate is not None and (unit != "seconds" or rate.per == many):
                found[column] = money.scaled(rate.price, Decimal(many), rate.per)
        window, source = self.context_window, f"{self.source}, {self.hours}" if self.hours else self.source
        return found | {
            "context_window": window,
            "deprecated": self.deprecated or None,
            "source": source,
            "checked": self.checked,
        }

    @property
    def origin(self) -> str:
        """Where the price comes from, and from when it is, as text."""
        parts = [self.source]
        parts += [f"since {self.since}"] if self.since else []
        parts += [self.hours] if self.hours else []
        parts += [f"checked {self.checked}"] if self.checked else []
        return ", ".join(parts)


@dataclass(frozen=True)
class CostLine:
    """One part of a cost: ``quantity`` of a unit at a rate. ``above`` is set where a tier's rate was taken."""

    unit: str
    quantity: Decimal
    rate: Rate
    amount: Decimal
    above: int | None = None

    def __str__(self) -> str:
        counted = f"{money.text(self.quantity)} {self.unit}"
        price = money.text(self.rate.price) + (f" per {self.rate.per:,}" if self.rate.per > 1 else " each")
        notes = [f"calls above {self.above:,} input tokens"] if self.above is not None else []
        notes += [f"at least {self.rate.least} charged"] if self.quantity < self.rate.least else []
        return f"{counted} at {price} = {money.text(self.amount)}" + (f" ({'; '.join(notes)})" if notes else "")


@dataclass(frozen=True)
class ModelCost:
    """The cost of a call, and how it was made: the lines add up to the amount, to the last digit.

    Attributes:
        amount: in ``currency``, kept to 18 decimals.
        model: as the price has it; as it was asked for where the cost was given.
        at: naive UTC: the time whose prices were taken.
        price: None where the caller gave the cost.
        unpriced: units that were given and are not charged, as the model is priced by others.
    """

    amount: Decimal
    currency: str
    provider: str | None
    model: str
    at: datetime
    lines: tuple[CostLine, ...] = ()
    price: ModelPrice | None = None
    unpriced: tuple[str, ...] = field(default=())

    @property
    def source(self) -> str:
        """Where the prices come from."""
        return self.price.origin if self.price else "given by the caller"

    def explain(self) -> str:
        """The cost line by line, with unit prices and their source."""
        name = " ".join(part for part in (self.provider, self.model, self.price and self.price.variant) if part)
        lines = [f"{name}: {money.text(self.amount)} {self.currency}", *(f"  {line}" for line in self.lines)]
        lines += [f"  not charged: {', '.join(self.unpriced)}"] if self.unpriced else []
        return "\n".join([*lines, f"  prices: {self.source}"])
