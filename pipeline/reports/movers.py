"""One currency's movers: the largest changes of services and accounts, and why the services moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import polars as pl

from pipeline import money
from pipeline.reports.model import Mover, Movers, Reason
from pipeline.summaries.reasons import REASONS

TOP_MOVERS = 8

_DIMENSIONS = ("ServiceName", "SubAccountId")

Row = Mapping[str, Any]
Item = TypeVar("Item")


def cut(items: Sequence[Item], top: int) -> tuple[Sequence[Item], Sequence[Item]]:
    """Return the first ``top`` and the rest, which is never a single one: its row shows it as well."""
    end = top if len(items) > top + 1 else len(items)
    return items[:end], items[end:]


def read_movers(summary: pl.DataFrame, reasons: pl.DataFrame, accounts: Mapping[str, str]) -> tuple[Movers, ...]:
    """Return services, and accounts where there are several; what has not moved is in the rest.

    Args:
        summary: rows of ``mover_summary`` of one billing period and currency.
        reasons: those of ``mover_reasons``.
        accounts: account -> its name, where it has one.
    """
    why: dict[str | None, list[Reason]] = defaultdict(list)
    for row in reasons.to_dicts():
        why[row["ServiceName"]].append(Reason(row["reason"], row["change"]))
    found = []
    for dimension in _DIMENSIONS:
        own = [row for row in summary.to_dicts() if row["dimension"] == dimension]
        is_service = dimension == "ServiceName"
        if own and (is_service or len(own) > 1):
            movers = [_mover(row, why, {}) if is_service else _mover(row, {}, accounts) for row in own]
            found.append(_movers(dimension, movers))
    return tuple(found)


def _movers(dimension: str, movers: list[Mover]) -> Movers:
    movers.sort(key=lambda mover: (-abs(mover.change), mover.name or ""))
    shown, hidden = cut([mover for mover in movers if mover.change], TOP_MOVERS)
    hidden = [*hidden, *(mover for mover in movers if not mover.change)]
    total = _together(movers)
    return Movers(dimension, tuple(shown), len(hidden), _together(hidden) if hidden else None, total)


def _mover(row: Row, why: Mapping[str | None, Sequence[Reason]], names: Mapping[str, str]) -> Mover:
    key, share = row["key"], row["share_of_change"]
    return Mover(
        name=f"{names[key]} ({key})" if key in names else key,
        billed=row["BilledCost"],
        expected=row["expected_BilledCost"],
        change=row["change"],
        share=share * 100 if share is not None else None,
        reasons=_summed(why.get(key, ())),
    )


def _together(movers: Sequence[Mover]) -> Mover:
    billed, expected, change = (
        money.total(getattr(mover, part) for mover in movers) for part in ("billed", "expected", "change")
    )
    shares = [mover.share for mover in movers]
    known = [share for share in shares if share is not None]
    share = money.total(known) if len(known) == len(shares) else None
    return Mover(None, billed, expected, change, share, _summed(own for mover in movers for own in mover.reasons))


def _summed(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """One of each name that moved something, in their order."""
    changes: dict[str, list[Decimal]] = defaultdict(list)
    for own in reasons:
        changes[own.name].append(own.change)
    sums = [Reason(name, money.total(changes[name])) for name in REASONS if name in changes]
    return tuple(own for own in sums if own.change)
