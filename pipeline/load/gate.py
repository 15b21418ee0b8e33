"""The gate: which deliveries must not replace what is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pipeline.config import SourceSettings
from pipeline.engines.mapping import Counts
from pipeline.errors import MappingError
from pipeline.load.outcome import Job, fingerprint
from pipeline.sources.delivery import Delivery, Plan
from pipeline.store.loads import Current, Status

#: Another billing period with fewer rows than this share of what is loaded for it is a file's fringe.
FRINGE = Decimal("0.05")


def verdict(
    job: Job, counts: Counts, loaded: Current | None, *, older: bool, takes_over: bool, accept: bool
) -> tuple[Status, str] | None:
    """Say why a delivery must not replace what is loaded (status and reason), or None when it may.

    ``older`` says that it is the older one, ``takes_over`` that it goes in all the same, since the newer one would have
    been quarantined over it. ``accept`` lets through what would be quarantined, never what is older.

    Raises:
        MappingError: when more rows are rejected than the source allows.
    """
    if older and not takes_over:
        return "superseded", "older than what is loaded"
    require_mapped(job, counts)
    if older or accept or loaded is None or not loaded.rows_mapped:
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


def require_mapped(job: Job, counts: Counts) -> None:
    """Check that a delivery has a billing period and no more rejected rows than its source allows.

    Raises:
        MappingError: when it has.
    """
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


def is_torn(loaded: Current, counts: Counts, source: SourceSettings) -> bool:
    """Whether what is loaded would not have passed the gate, had this older delivery been found before it."""
    return loaded.rows_mapped < (1 - source.gate_rows) * counts.mapped


def last(order: Sequence[str], name: str) -> int:
    """Return the last place of a fingerprint: contents may come back."""
    return len(order) - 1 - list(reversed(order)).index(name)


def is_older(job: Job, loaded: Current, plan: Plan) -> bool:
    """Whether what is loaded is the newer delivery: by the plan's order, else by the deliveries' times."""
    return (
        loaded.fingerprint != fingerprint(job.delivery, job.source)
        and _after(job.delivery, job.source, loaded, plan) < 0
    )


def is_newer(delivery: Delivery, source: SourceSettings, loaded: Current, plan: Plan) -> bool:
    """Whether a delivery is newer than what is loaded, by the same order."""
    return _after(delivery, source, loaded, plan) > 0


def _after(delivery: Delivery, source: SourceSettings, loaded: Current, plan: Plan) -> int:
    """-1 before what is loaded, 1 after it, 0 at the same time."""
    mine = fingerprint(delivery, source)
    order = [fingerprint(each, source) for each in plan.deliveries]
    if loaded.fingerprint in order:
        ours, theirs = last(order, mine), last(order, loaded.fingerprint)
        return (ours > theirs) - (ours < theirs)
    made = delivery.delivered_at or delivery.modified_at
    held = loaded.delivered_at or loaded.modified_at
    return (made > held) - (made < held)
