"""Two views of the same money: an actual export has what was billed, an amortized one spreads commitments over their use.

Which view a file is shows in its rows of reservations and savings plans; a file without any serves as both. Pure: what is
known of a file are its ``Kind``s, as ``sql/sources/azure_cost_views.sql`` sums them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pipeline import money

View = Literal["actual", "amortized", "both", "mixed"]

USAGE = "usage"
UNUSED = ("unusedreservation", "unusedsavingsplan")


@dataclass(frozen=True)
class Kind:
    """Rows of one billing period, currency and charge type: how many, how many of them cost, their money, their last day.

    ``is_committed`` says that they are of a reservation or savings plan; the last day is ISO text.
    """

    period: str
    currency: str
    charge_type: str
    is_committed: bool
    charges: int
    paid: int
    cost: Decimal
    last_day: str

    def to_list(self) -> list[Any]:
        """Return it as a JSON list, money as text."""
        return [
            *(self.period, self.currency, self.charge_type, self.is_committed, self.charges, self.paid),
            *(str(self.cost), self.last_day),
        ]

    @staticmethod
    def from_list(values: Sequence[Any]) -> Kind:
        """Read what ``to_list`` wrote."""
        period, currency, charge_type, is_committed, charges, paid, cost, day = values
        return Kind(period, currency, charge_type, is_committed, charges, paid, Decimal(cost), day)


def told(kinds: Iterable[Kind]) -> View:
    """Tell the view of a billing period's rows; ``mixed`` when they are of both.

    Only an actual view has purchases of commitments, and only an amortized one what they left unused. Usage that a
    commitment covers costs nothing in the one and its share in the other.
    """
    committed = [kind for kind in kinds if kind.is_committed]
    bought = any(kind.paid for kind in committed if kind.charge_type not in (USAGE, *UNUSED))
    unused = any(kind.charge_type in UNUSED for kind in committed)
    if bought and unused:
        return "mixed"
    if unused:
        return "amortized"
    if not bought and any(kind.paid for kind in committed):
        return "amortized"
    return "actual" if committed else "both"


def last_day(kinds: Iterable[Kind]) -> str:
    """Return the last day of usage, or of any charge where there is no usage; empty without charges."""
    known = list(kinds)
    used = [kind.last_day for kind in known if kind.charge_type == USAGE]
    return max(used or [kind.last_day for kind in known], default="")


def shared_types(amortized: Iterable[Kind]) -> frozenset[str]:
    """Return the charge types beside usage that the amortized view has, too: the actual one's rows are covered by it."""
    return frozenset(
        kind.charge_type for kind in amortized if not kind.is_committed and kind.charge_type not in (USAGE, *UNUSED)
    )


def disagreement(actual: Sequence[Kind], amortized: Sequence[Kind]) -> str | None:
    """Say where the money that both views must have differs, or None: only then BilledCost is the actual file's."""
    shared = shared_types(amortized)
    covered = [kind for kind in actual if kind.charge_type in (USAGE, *UNUSED) or _is_shared(kind, shared)]
    billed = [kind for kind in amortized if not (kind.is_committed and kind.charge_type in (USAGE, *UNUSED))]
    left, right = _sums(covered), _sums(billed)
    for key in sorted({*left, *right}):
        here, there = left.get(key, money.ZERO), right.get(key, money.ZERO)
        if here != there:
            currency, charge_type = key
            return f"{charge_type} without commitments is {money.text(here)} {currency} in the actual and {money.text(there)} in the amortized view"
    return None


def _is_shared(kind: Kind, shared: frozenset[str]) -> bool:
    return not kind.is_committed and kind.charge_type in shared


def _sums(kinds: Iterable[Kind]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = {}
    for kind in kinds:
        key = (kind.currency, kind.charge_type)
        sums[key] = money.total([sums.get(key, money.ZERO), kind.cost])
    return sums
