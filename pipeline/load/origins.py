"""One source has charges of one kind: those of a bill are never among those that programs recorded.

What programs recorded is part of the bill where its source says ``bill: true``, all of it: what is loaded follows a
changed configuration, not the files, which may be gone by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.config import SourceSettings
from pipeline.engines.staged import Staged
from pipeline.errors import OriginError
from pipeline.load.unload import drop_answers
from pipeline.store import rollups, states
from pipeline.store.warehouse import Warehouse

#: What is loaded of a source that is of another kind than a delivery, or of another origin.
_OTHERS = """
SELECT kind, min(x_BillingPeriod) FROM (
    SELECT p.x_BillingPeriod, p.x_Origin, CASE WHEN EXISTS (
        SELECT 1 FROM model_costs AS m WHERE m.x_Source = p.x_Source AND m.x_Origin = 'recorded'
    ) THEN 'recorded' ELSE 'billed' END AS kind
    FROM source_periods AS p WHERE p.x_Source = $source AND p.charges > 0)
WHERE kind <> $kind OR x_Origin <> $origin GROUP BY ALL"""
#: Billing periods of usage logs whose charges are of another origin than $wanted.
_MOVED = """
SELECT x_BillingPeriod FROM source_periods AS p
WHERE x_Source = $source AND x_Origin <> $wanted
    AND EXISTS (SELECT 1 FROM model_costs AS m WHERE m.x_Source = p.x_Source AND m.x_Origin = 'recorded')
ORDER BY 1"""


def require(warehouse: Warehouse, source: SourceSettings, staged: Staged) -> None:
    """Check that what is staged is of the source's origin, as the configuration and the warehouse know it.

    Raises:
        OriginError: when it is not.
    """
    fmt, name = staged.header.format, staged.files[0].file.name
    if source.origin not in (None, fmt.origin):
        says = "bill: true" if source.bill else f"origin: {source.origin}"
        raise OriginError(
            f"{name}: {fmt.title}, whose charges are {fmt.origin}, but the source {source.name} says {says}; "
            "nothing was loaded"
        )
    given = {"source": source.name, "kind": fmt.origin, "origin": "billed" if source.bill else fmt.origin}
    for kind, period in warehouse.rows(_OTHERS, given):
        if kind == fmt.origin:
            raise OriginError(
                f"{name}: the source {source.name} says bill: {str(source.bill).lower()}, but its records of {period} were "
                "loaded otherwise; load it with the configuration that has it, nothing was loaded"
            )
        raise OriginError(
            f"{name}: {fmt.title}, whose charges are {fmt.origin}, but the source {source.name} has {kind} ones (of "
            f"{period}): give it a source of its own, or take those out with `costmill unload {source.name}`; "
            "nothing was loaded"
        )


def follow(warehouse: Warehouse, bills: Mapping[str, bool], *, keys: Sequence[str], run_id: str) -> list[str]:
    """Bring what is loaded of usage logs in line with which of them are part of the bill; returns what to tell.

    Args:
        bills: sources, and whether each says ``bill: true``.
        keys: the reported tag keys.
    """
    told = []
    for source, is_bill in bills.items():
        origin = "billed" if is_bill else "recorded"
        moved = [row[0] for row in warehouse.rows(_MOVED, {"source": source, "wanted": origin})]
        if not moved:
            continue
        with warehouse.transaction():
            for period in moved:
                _move(warehouse, source, period, origin, keys)
                if not is_bill:
                    states.note_unloaded(warehouse, source, period, run_id)
                    drop_answers(warehouse, period)
        told.append(f"{source}: {'part' if is_bill else 'no part'} of the bill now, {', '.join(moved)}")
    return told


def _move(warehouse: Warehouse, source: str, period: str, origin: str, keys: Sequence[str]) -> None:
    for table in ("charges", "source_periods"):
        warehouse.execute(
            f"UPDATE {table} SET x_Origin = ? WHERE x_Source = ? AND x_BillingPeriod = ?", [origin, source, period]
        )
    rollups.refresh(warehouse, source, period, keys)
    rollups.mark_dirty(warehouse, period)
