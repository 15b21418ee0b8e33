"""What a call used, checked: whole numbers of tokens and images, seconds, and no more cached than read."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pipeline import money
from pipeline.errors import EntryError, PriceError

Quantity = int | str | float | Decimal
#: A quantity beyond it is a slip.
MOST = 10**18 - 1


def checked(given: Mapping[str, Quantity | None]) -> dict[str, Decimal]:
    """Return the quantities that are given, as Decimal.

    Raises:
        PriceError: for one that is negative, too large, no number, or part of a token or image; and for more cached input
            tokens than input tokens.
    """
    found = {unit: _checked(unit, value) for unit, value in given.items() if value is not None}
    cached, read = found.get("cached_input_tokens", money.ZERO), found.get("input_tokens", money.ZERO)
    if cached > read:
        raise PriceError(
            f"cached_input_tokens {money.text(cached)} is more than input_tokens {money.text(read)}, of which it is a part; "
            "input_tokens counts cached ones too"
        )
    return found


def _checked(unit: str, value: Quantity) -> Decimal:
    try:
        number = Decimal(value) if type(value) is int else money.amount(value)
    except EntryError:
        raise PriceError(f"{unit} {value!r} is no number; give a whole number of 0 or more") from None
    if not 0 <= number <= MOST:
        raise PriceError(f"{unit} {value!r} is negative or too large; give 0 to {MOST:,}")
    if unit != "seconds" and number != number.to_integral_value():
        raise PriceError(f"{unit} {value!r} is no whole number; only seconds have decimals")
    return number
