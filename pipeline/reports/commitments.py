"""Commitments: how much of each was used, and how much was paid for nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline import money
from pipeline.reports.model import Commitment, Commitments
from pipeline.reports.model.costs import less
from pipeline.store.warehouse import Warehouse

TOP_COMMITMENTS = 10

_COMMITMENTS = """
SELECT * FROM commitment_summary WHERE x_BillingPeriod = ? AND x_Origin = 'billed'
ORDER BY BillingCurrency NULLS LAST, unused_EffectiveCost DESC, used_EffectiveCost DESC, x_Provider, CommitmentDiscountId"""

Row = Mapping[str, Any]


def read_commitments(warehouse: Warehouse, period: str) -> tuple[Commitments, ...]:
    """Read what a bill's commitments came to, one table per currency; none without any."""
    groups: dict[str | None, list[Row]] = defaultdict(list)
    for row in warehouse.frame(_COMMITMENTS, [period]).to_dicts():
        groups[row["BillingCurrency"]].append(row)
    return tuple(_commitments(currency, rows) for currency, rows in groups.items())


def _commitments(currency: str | None, rows: Sequence[Row]) -> Commitments:
    said = [row for row in rows if _says_use(row)]
    cut = TOP_COMMITMENTS if len(said) > TOP_COMMITMENTS + 1 else len(said)
    hidden = said[cut:]
    total = _together(said) if said else None
    whole = money.total(row[name] for row in rows for name in _EFFECTIVE)
    return Commitments(
        currency=currency,
        rows=tuple(_together([row], row) for row in said[:cut]),
        rest_count=len(hidden),
        rest=_together(hidden) if hidden else None,
        total=total,
        other=less(whole, total.used, total.unused) if total else whole,
        silent=len(rows) - len(said),
        unpriced=sum(row["list_savings"] is None for row in said),
    )


def _says_use(row: Row) -> bool:
    """Whether the bill tells used from unused: else there is neither a percentage nor any savings."""
    return any(row[name] is not None for name in ("utilisation_percent", "list_savings", "contracted_savings"))


def _together(rows: Sequence[Row], named: Row | None = None) -> Commitment:
    """Sum rows: the percentage is taken of the sums, savings are of the rows that have any."""
    names: Row = named or {}
    rated = [row for row in rows if row["utilisation_percent"] is not None]
    priced = [row for row in rows if row["list_savings"] is not None]
    used = _sum(rated, "used_EffectiveCost")
    return Commitment(
        id=names.get("CommitmentDiscountId"),
        name=names.get("CommitmentDiscountName"),
        type=names.get("CommitmentDiscountType"),
        provider=names.get("x_Provider"),
        used=_sum(rows, "used_EffectiveCost"),
        unused=_sum(rows, "unused_EffectiveCost"),
        utilisation=money.percent(used, money.total((used, _sum(rated, "unused_EffectiveCost")))),
        listed=_sum(priced, "covered_ListCost") if priced else None,
        savings=_sum(priced, "list_savings") if priced else None,
    )


def _sum(rows: Sequence[Row], column: str) -> Decimal:
    return money.total(row[column] for row in rows)


_EFFECTIVE = ("used_EffectiveCost", "unused_EffectiveCost", "other_EffectiveCost")
