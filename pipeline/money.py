"""Exact money: Decimal in, Decimal out, never a float on the way.

Stored money is DECIMAL(38,18): at most 20 digits before the point and 18 after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext

from pipeline.errors import EntryError

#: Decimals kept of every amount, as DECIMAL(38,18) does.
SCALE = 18
QUANTUM = Decimal(1).scaleb(-SCALE)
LIMIT = Decimal(10) ** (38 - SCALE)
#: Wide enough for any sum of DECIMAL(38,18) values and any product of two of them.
EXACT = Context(prec=120)
ZERO = Decimal(0)
#: Stands for a missing currency: ISO 4217's code for "no currency", which no rate converts.
NO_CURRENCY = "XXX"

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\s*", re.ASCII)


def parse(text: str) -> Decimal | None:
    """Return the number that ``text`` writes, or None. Only ASCII digits, sign, point and exponent are a number."""
    return Decimal(text.strip()) if _NUMBER.fullmatch(text) else None


def stored(value: Decimal) -> Decimal:
    """Round half away from zero at the 18th decimal, as the store's casts from text do."""
    return value.quantize(QUANTUM, rounding=ROUND_HALF_UP, context=EXACT)


def amount(value: Decimal | int | str | float) -> Decimal:
    """Return a caller's amount as Decimal; a float by its shortest text.

    Raises:
        EntryError: for NaN, infinity, text that is no number, or more than 20 digits before the point.
    """
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str, float)):
        raise EntryError(f"{value!r} is no amount; give a Decimal, int, str or float")
    if isinstance(value, (Decimal, int)):
        number: Decimal | None = Decimal(value)
    else:
        number = parse(float.__repr__(value) if isinstance(value, float) else value)
    if number is None or not number.is_finite():
        raise EntryError(f"{value!r} is no amount; NaN, infinity and words are not money")
    # copy_abs: abs() would round to the caller's context first.
    if number.copy_abs() >= LIMIT or stored(number).copy_abs() >= LIMIT:
        raise EntryError("an amount has more than 20 digits before the point; the store keeps DECIMAL(38,18)")
    return stored(number)


def total(values: Iterable[Decimal]) -> Decimal:
    """Sum exactly, whatever the caller's decimal context."""
    with localcontext(EXACT):
        return sum(values, ZERO)


def product(value: Decimal, rate: Decimal) -> Decimal:
    """Multiply exactly, then round half away from zero at the 18th decimal."""
    with localcontext(EXACT):
        return stored(value * rate)


def scaled(value: Decimal, rate: Decimal, per: int) -> Decimal:
    """Return value x rate / per: multiplied exactly, then divided and rounded half away from zero at the 18th decimal."""
    return stored(EXACT.divide(EXACT.multiply(value, rate), Decimal(per)))


def ratio(part: Decimal, whole: Decimal, places: int = 6) -> Decimal | None:
    """Return part / whole rounded half-even at ``places`` decimals, or None when whole is 0."""
    if whole == 0:
        return None
    with localcontext(EXACT):
        return (part / whole).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return part as percent of whole, half-even at 6 decimals (SPEC 3.5), or None when whole is 0."""
    with localcontext(EXACT):
        return ratio(part * 100, whole)


def percent_text(value: Decimal) -> str:
    """Return a percentage for people: one decimal, cut, so that a limit not reached never reads as reached."""
    return text(value.quantize(Decimal("0.1"), rounding=ROUND_DOWN, context=EXACT))


def text(value: Decimal) -> str:
    """Write a decimal as plain text without exponent and without trailing zeros: ``12.5``, ``0``."""
    plain = format(value, "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"
