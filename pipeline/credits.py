"""Credits as a bill nests them in a row: a list of name, type and amount, decoded once per distinct text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline import literals, money


@dataclass(frozen=True)
class Credit:
    """One credit of a row.

    Attributes:
        written: the amount by its text, in the row's currency; negative when it takes away from the cost.
        amount: the same as it is stored.
    """

    name: str | None
    full_name: str | None
    id: str | None
    type: str | None
    written: str
    amount: Decimal


def decode(text: str) -> list[Credit]:
    """Decode a list of credits, as JSON or Python repr. An empty list, an empty text and null hold none.

    Raises:
        literals.LiteralError: when it is no list of objects, each with an amount that can be stored.
    """
    loaded = literals.decode(text) if text.strip() else None
    found = [_credit(entry) for entry in literals.objects(loaded)]
    if money.total(credit.amount for credit in found).copy_abs() >= money.LIMIT:
        raise literals.LiteralError("sums to more than 20 digits before the point")
    return found


def _credit(entry: Mapping[str, Any]) -> Credit:
    written = entry.get("amount")
    if not isinstance(written, str) or (number := money.parse(written)) is None:
        raise literals.LiteralError("has a credit whose amount is no number")
    if number.copy_abs() >= money.LIMIT or money.stored(number).copy_abs() >= money.LIMIT:
        raise literals.LiteralError("has a credit of more than 20 digits before the point")
    name, full_name, identity, kind = (_text(entry.get(key)) for key in ("name", "full_name", "id", "type"))
    return Credit(name, full_name, identity, kind, written.strip(), money.stored(number))


def _text(value: Any) -> str | None:
    if value in (None, ""):
        return None
    text = value if isinstance(value, str) else literals.encode(value)
    return text.encode("utf-8", "replace").decode()  # JSON can write half a character, UTF-8 cannot
