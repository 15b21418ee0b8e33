"""The gate: which deliveries must not replace what is loaded."""

from __future__ import annotations

from decimal import Decimal

from pipeline.engines.mapping import Counts
from pipeline.errors import MappingError
from pipeline.load.outcome import Job, fingerprint
from pipeline.sources.delivery import Plan
from pipeline.store.loads import Current, Status

#: Another billing period with fewer rows than this share of what is loaded for it is a file's fringe.
FRINGE = Decimal("0.05")


def verdict(job: Job, counts: Counts, loaded: Current | None, plan: Plan, *, accept: bool) -> tuple[Status, str] | None:
    """Say why a delivery must not replace what is loaded (status and reason), or None when it may.

    ``accept`` lets through what would be quarantined, never what is older.

    Raises:
        MappingError: when more rows are rejected than the source allows.
    """
    if loaded and is_older(job, loaded, plan):
        return "superseded", "older than what is loaded"
    _require_mapped(job, counts)
    if accept or loaded is None or not loaded.rows_mapped:
        return None
    new, old = counts.mapped, loaded.rows_mapped
    what = f"{job.delivery.name}: {new} rows for {job.period}, {old} are loaded"
    advice = "what is loaded stays; if the delivery is right, load it with --accept"
    if new == 0:
        return "quarantined", f"{what}: an empty delivery over a full one; {advice}"
    if job.fringe and new < FRINGE * old:
        return "quarantined", f"{what}: the fringe of another billing period's file; {advice}"
    if new < (1 - job.source.gate_rows) * old:
        return "quarantined", f"{what}: shrunken by more than {job.source.gate_rows:.0%}; {advice}"
    return None


def _require_mapped(job: Job, counts: Counts) -> None:
    if counts.read and not job.period:
        raise MappingError(
            f"{job.delivery.name}: none of its {counts.read} rows has a billing period that can be read; nothing of them was "
            f"loaded. `costmill status --rejected {job.source.name}` lists file, line, column and reason of each"
        )
    if counts.rejected and counts.rejected > job.source.max_rejected * counts.read:
        raise MappingError(
            f"{job.delivery.name}: {counts.rejected} of {counts.read} rows cannot be read, more than the source's "
            f"max_rejected ({job.source.max_rejected:%}) allows; nothing of them was loaded. "
            f"`costmill status --rejected {job.source.name}` lists file, line, column and reason of each"
        )


def is_older(job: Job, loaded: Current, plan: Plan) -> bool:
    """Whether what is loaded is the newer delivery: by the plan's order, else by the deliveries' times."""
    mine = fingerprint(job.delivery, job.source)
    if loaded.fingerprint == mine:
        return False
    order = [fingerprint(each, job.source) for each in plan.deliveries]
    if loaded.fingerprint in order:
        return order.index(loaded.fingerprint) > order.index(mine)
    return (job.delivery.delivered_at or job.delivery.modified_at) < (loaded.delivered_at or loaded.modified_at)
