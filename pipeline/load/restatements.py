"""Restatements: what a re-delivery changed in what was loaded before, by account and service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline import money
from pipeline.store import loads
from pipeline.store.loads import Load
from pipeline.store.warehouse import Warehouse

Service = tuple[str | None, str | None, str | None]
Sums = tuple[int, Decimal, Decimal]

_BY_SERVICE = """
SELECT BillingCurrency, SubAccountId, ServiceName, CAST(sum(x_ChargeCount) AS BIGINT), sum(BilledCost), sum(EffectiveCost)
FROM daily_costs WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = 'billed' GROUP BY ALL"""


def by_service(warehouse: Warehouse, source: str, period: str) -> dict[Service, Sums]:
    """Return rows, BilledCost and EffectiveCost by currency, account and service of what is loaded."""
    return sums_of(warehouse.rows(_BY_SERVICE, [source, period]))


def sums_of(rows: Sequence[tuple[Any, ...]]) -> dict[Service, Sums]:
    """Return rows of currency, account, service, charges, billed and effective cost, by the first three."""
    return {row[:3]: row[3:] for row in rows}


def write(
    warehouse: Warehouse, before: Mapping[Service, Sums], after: Mapping[Service, Sums], load: Load, replaced: str
) -> None:
    """Write one row for each account and service that differs, with the reason why there was something new."""
    nothing: Sums = (0, money.ZERO, money.ZERO)
    reason = why(warehouse, load.load_id, replaced)
    rows = []
    for key in sorted({*before, *after}, key=str):
        old, new = before.get(key, nothing), after.get(key, nothing)
        if old == new:
            continue
        row: dict[str, Any] = {
            "load_id": load.load_id,
            "replaced_load_id": replaced,
            "x_Source": load.x_Source,
            "reason": reason,
        }
        row |= {"x_BillingPeriod": str(load.x_BillingPeriod), "restated_at": load.loaded_at}
        keys = dict(zip(("BillingCurrency", "SubAccountId", "ServiceName"), key, strict=True))
        names = ("charges", "BilledCost", "EffectiveCost")
        sums = {f"{name}_before": value for name, value in zip(names, old, strict=True)}
        sums |= {f"{name}_after": value for name, value in zip(names, new, strict=True)}
        rows.append({**row, **keys, **sums})
    loads.insert(warehouse, "restatements", *rows)


def why(warehouse: Warehouse, load_id: str, replaced: str) -> str:
    """Say why a load replaced another: the files of both and the mapping tell.

    ``files added``: all files of before are still in it, such as the actual costs of an amortized view that came later.
    """
    now, then = (_files(warehouse, each) for each in (load_id, replaced))
    if now != then:
        return "files added" if then and then < now else "delivered again"
    mappings = warehouse.rows("SELECT DISTINCT mapping FROM loads WHERE load_id IN (?, ?)", [load_id, replaced])
    return "changed mapping" if len(mappings) > 1 else "changed settings"


def _files(warehouse: Warehouse, load_id: str) -> set[str]:
    return {row[0] for row in warehouse.rows("SELECT sha256 FROM load_files WHERE load_id = ?", [load_id])}
