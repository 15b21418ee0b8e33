"""Reservations, savings plans and committed use as a report says them: what was used of what is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Commitment:
    """What one commitment came to, or several together (no names).

    Attributes:
        used: effective cost of the usage that it covers.
        unused: effective cost of what nothing used: waste.
        utilisation: percent of both that was used; None where the bill does not say.
        listed: what the covered usage costs at list price; None where the bill does not say.
        savings: ``listed`` less used and unused; of several the sum of those that are known.
    """

    id: str | None
    name: str | None
    type: str | None
    provider: str | None
    used: Decimal
    unused: Decimal
    utilisation: Decimal | None
    listed: Decimal | None
    savings: Decimal | None


@dataclass(frozen=True)
class Commitments:
    """The commitments of one currency, the most waste first; the rows and their rest sum to the total.

    Attributes:
        other: effective cost of commitments that is in no row: fees that are not spread, refunds, corrections, credits.
        silent: commitments that have charges, none of which says used or unused.
        unpriced: rows, shown or not, whose list price the bill does not say.
    """

    currency: str | None
    rows: tuple[Commitment, ...]
    rest_count: int
    rest: Commitment | None
    total: Commitment | None
    other: Decimal
    silent: int
    unpriced: int
