"""A call at a price: line by line, exact, and nothing free for want of a price."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from pipeline import money
from pipeline.errors import PriceError
from pipeline.pricing.model import TOKENS, UNITS, CostLine, ModelCost, ModelPrice

#: The call that models are compared by when none is given: three input tokens for each output token.
USUAL_CALL = {"input_tokens": 3000, "output_tokens": 1000}
_USUAL = (USUAL_CALL, {"input_tokens": 1000}, {"images": 1}, {"seconds": 60})


def usual_call(price: ModelPrice) -> dict[str, Decimal]:
    """Return the call that a model of such a price is compared by."""
    call = next((call for call in _USUAL if all(unit in price.rates for unit in call)), {})
    return {unit: Decimal(count) for unit, count in call.items()}


def cost_of(price: ModelPrice, used: dict[str, Decimal], moment: datetime) -> ModelCost:
    """Return the cost of a call by its quantities, which are checked already.

    What is given beside what a model is priced by, such as the images of a call that is priced by tokens, is not charged.

    Raises:
        PriceError: when nothing is given, or something that would be free for want of a price.
    """
    tier = price.tier(used.get("input_tokens", money.ZERO))
    rates = tier.rates if tier else price.rates
    above = tier.above if tier else None
    counts = dict(used)
    cached = counts.get("cached_input_tokens", money.ZERO)
    if cached:
        counts["input_tokens"] = counts["input_tokens"] - cached
    if "requests" in rates:
        counts["requests"] = Decimal(1)
    if not counts:
        raise PriceError(f"{price.provider} {price.model}: nothing to price; give its {' or '.join(_units(rates))}")
    lines, unpriced = [], []
    for unit in UNITS:
        if unit not in counts:
            continue
        rate = rates.get(unit) or (rates.get("input_tokens") if unit == "cached_input_tokens" else None)
        if rate is not None:
            lines.append(
                CostLine(unit, counts[unit], rate, rate.amount(counts[unit]), above if unit in TOKENS else None)
            )
        elif counts[unit]:
            unpriced.append(unit)
    _require_priced(price, unpriced, [line.unit for line in lines])
    amount = money.total(line.amount for line in lines)
    if amount >= money.LIMIT:
        raise PriceError(
            f"{price.provider} {price.model}: the call costs more than can be kept; look at its quantities"
        )
    return ModelCost(
        money.amount(amount), price.currency, price.provider, price.model, moment, tuple(lines), price, tuple(unpriced)
    )


def _require_priced(price: ModelPrice, unpriced: list[str], priced: Collection[str]) -> None:
    """Refuse what would be free for want of a price: tokens of a model priced by tokens, and a call with nothing priced."""
    by_tokens = any(unit in price.rates for unit in TOKENS)
    missing = [unit for unit in unpriced if (unit in TOKENS and by_tokens) or not set(priced) - {"requests"}]
    if missing:
        raise PriceError(
            f"{price.provider} {price.model} has no price for {', '.join(missing)}; it is priced by "
            f"{', '.join(_units(price.rates))} ({price.origin}). Give the cost, or write its price under prices.overrides"
        )


def _units(rates: Iterable[str]) -> list[str]:
    return [unit for unit in UNITS if unit in set(rates)]
