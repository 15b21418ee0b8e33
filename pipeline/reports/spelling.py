"""How a locale writes one kind of number, learnt from samples: reports write hundreds of thousands, Babel some 20,000 a second."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

_GROUPED = r"(\D*)1(\D?)111(?:\2)111(?:(\D)1{%d})?(\D*)"


@dataclass(frozen=True)
class Spelling:
    """What stands around a number and between its digits: groups of three, ``digits`` decimals."""

    positive: tuple[str, str]
    negative: tuple[str, str]
    group: str
    point: str
    digits: int

    def write(self, value: Decimal) -> str:
        """Write a number that has no more decimals than the spelling."""
        before, after = self.negative if value < 0 else self.positive
        text = f"{value.copy_abs():,.{self.digits}f}"
        if self.group != "," or self.point not in ("", "."):
            whole, _, part = text.partition(".")
            text = whole.replace(",", self.group) + (self.point + part if part else "")
        return f"{before}{text}{after}"


def learnt(write: Callable[[Decimal], str], digits: int) -> Spelling | None:
    """Return the spelling of a writer of numbers; None where it groups otherwise than by three."""
    sample = Decimal("1111111" + ("." + "1" * digits if digits else ""))
    positive, negative = (re.fullmatch(_GROUPED % digits, write(own)) for own in (sample, -sample))
    if not positive or not negative or bool(positive[3]) != bool(digits):
        return None
    around = (positive[1], positive[4]), (negative[1], negative[4])
    found = Spelling(*around, positive[2], positive[3] or "", digits)
    trials = (Decimal(0), Decimal(1), Decimal(-1111), Decimal("-9876543210123"))
    return found if all(found.write(own) == write(own) for own in trials) else None
