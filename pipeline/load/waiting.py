"""Deliveries that wait, and what ends it: they are gone, a newer one is loaded, or nobody looks any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from pipeline.config import SourceSettings
from pipeline.load import gate, quarantine
from pipeline.load.outcome import Outcome, fingerprint
from pipeline.sources.delivery import Delivery, Plan
from pipeline.store import loads, rollups
from pipeline.store.warehouse import Warehouse

#: What waits and is not among the deliveries present, with when it was delivered.
_GONE = """
SELECT load_id, x_BillingPeriod, coalesce(delivered_at, modified_at) FROM loads
WHERE status IN ('refused', 'quarantined') AND NOT list_contains(?, fingerprint) AND x_Source = ?
ORDER BY x_BillingPeriod, load_id"""
#: The other deliveries of its billing period that wait or are loaded, and when they were delivered.
_OTHERS = """
SELECT fingerprint, coalesce(delivered_at, modified_at) FROM loads
WHERE x_Source = ? AND x_BillingPeriod = ? AND load_id <> ? AND status IN ('loaded', 'quarantined')"""


def close_gone(warehouse: Warehouse, source: str, present: Mapping[str, datetime]) -> bool:
    """Close the verdicts on deliveries that wait and are no longer there; ``present``: fingerprint -> when delivered.

    What was judged and is kept goes on waiting, but for one that the source has followed by another, be it by putting
    back what is loaded. Returns whether anything does.
    """
    is_left = False
    gone = [
        (load_id, period, at, warehouse.rows(_OTHERS, [source, period, load_id]))
        for load_id, period, at in warehouse.rows(_GONE, [list(present), source])
    ]
    for load_id, period, at, others in gone:
        is_followed = any(present.get(name, delivered) > at for name, delivered in others)
        if is_followed or not quarantine.is_kept(warehouse, load_id):
            close(warehouse, load_id, period, "no longer delivered")
        else:
            is_left = True
    return is_left


def holds_judged(warehouse: Warehouse, source: str, period: str) -> bool:
    """Whether deliveries of a billing period wait that were judged."""
    return bool(
        warehouse.value(
            "SELECT 1 FROM loads WHERE x_Source = ? AND x_BillingPeriod = ? AND status = 'quarantined' LIMIT 1",
            [source, period],
        )
    )


def kept(warehouse: Warehouse, source: str, present: Mapping[str, datetime]) -> Iterator[Outcome]:
    """Tell of what waits though the source has it no longer."""
    for load_id, period, _ in warehouse.rows(_GONE, [list(present), source]):
        reason = warehouse.value("SELECT reason FROM loads WHERE load_id = ?", [load_id])
        yield Outcome(source, period, load_id, "quarantined", reason, is_new=False, load_id=load_id)


def close_whole(warehouse: Warehouse, which: str, value: object, why: str) -> None:
    """Close refusals that are of a source, not of files; ``which`` is a condition on loads with one value."""
    rows = warehouse.rows(
        f"SELECT load_id FROM loads WHERE status = 'refused' AND {which} "
        "AND load_id NOT IN (SELECT load_id FROM load_files)",
        [value],
    )
    for (load_id,) in rows:
        close(warehouse, load_id, None, why)


def close_refused(warehouse: Warehouse, source: SourceSettings, delivery: Delivery, why: str) -> None:
    """Close the refusal of a delivery, if there is one."""
    for load_id, period in warehouse.rows(
        "SELECT load_id, x_BillingPeriod FROM loads WHERE status = 'refused' AND x_Source = ? AND fingerprint = ?",
        [source.name, fingerprint(delivery, source)],
    ):
        close(warehouse, load_id, period, why)


def close(warehouse: Warehouse, load_id: str, period: str | None, why: str) -> None:
    """Let a delivery wait no longer."""
    with warehouse.transaction():
        warehouse.execute(
            "UPDATE loads SET status = 'superseded', reason = ? || '; was: ' || reason WHERE load_id = ?",
            [why, load_id],
        )
        rollups.mark_reports(warehouse, period)


def followed(warehouse: Warehouse, source: SourceSettings, delivery: Delivery, verdict: Outcome, plan: Plan) -> Outcome:
    """Close the verdict on a delivery that waits when a newer one of the plan is loaded by now; else return it."""
    if not _is_followed(warehouse, source, delivery, verdict, plan):
        return verdict
    with warehouse.transaction():
        warehouse.execute(
            "UPDATE loads SET status = 'superseded', reason = 'a newer delivery is loaded; was: ' || reason "
            "WHERE x_Source = ? AND x_BillingPeriod = ? AND fingerprint = ? AND status IN ('refused', 'quarantined')",
            [source.name, verdict.x_BillingPeriod, fingerprint(delivery, source)],
        )
        rollups.mark_reports(warehouse, verdict.x_BillingPeriod)
    return replace(verdict, status="superseded", reason=f"a newer delivery is loaded; was: {verdict.reason}")


def _is_followed(
    warehouse: Warehouse, source: SourceSettings, delivery: Delivery, verdict: Outcome, plan: Plan
) -> bool:
    if verdict.x_BillingPeriod is None or _is_added_up(warehouse, source.name, verdict.x_BillingPeriod):
        return False
    loaded = loads.current(warehouse, source.name, verdict.x_BillingPeriod)
    order = [fingerprint(each, source) for each in plan.deliveries]
    mine = fingerprint(delivery, source)
    if loaded is None or loaded.fingerprint not in order or mine not in order:
        return False
    return gate.last(order, loaded.fingerprint) > gate.last(order, mine)


def _is_added_up(warehouse: Warehouse, source: str, period: str) -> bool:
    """Whether what is loaded is the sum of many deliveries: none of them stands for one that waits."""
    return bool(
        warehouse.value(
            "SELECT 1 FROM load_batches WHERE x_Source = ? AND x_BillingPeriod = ? LIMIT 1", [source, period]
        )
    )
