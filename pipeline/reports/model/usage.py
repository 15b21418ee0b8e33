"""AI usage as a report says it: by model, recorded and billed apart."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class ModelUse:
    """What one model or meter was used for, or several together (no names).

    Attributes:
        service: of billed usage; of recorded usage a model says enough.
        calls: of billed usage its charges.
        per_million: cost of what used tokens, by a million of them.
        cached: percent of the input tokens that were cached; None of billed usage, and without any.
        share: percent of all usage of the table.
        change: in percent, per covered day against the billing period before.
    """

    provider: str | None
    service: str | None
    model: str | None
    operation: str | None
    cost: Decimal
    calls: int
    failed: int
    tokens: Decimal
    images: Decimal
    seconds: Decimal
    per_million: Decimal | None
    cached: Decimal | None
    share: Decimal | None
    change: Decimal | None


@dataclass(frozen=True)
class ModelUsage:
    """AI usage of one origin and currency; the rows and their rest sum to the total.

    ``billed`` is what of recorded usage is part of the bill, None where nothing is. ``gone`` counts what was used in the billing period before and not in this one; ``days_covered`` is what changes compare.
    """

    origin: str
    currency: str | None
    rows: tuple[ModelUse, ...]
    rest_count: int
    rest: ModelUse | None
    total: ModelUse
    billed: Decimal | None
    gone: int
    days_covered: int
