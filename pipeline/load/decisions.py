"""What somebody decides about deliveries that wait: found by the start of their id, accepted or rejected, kept on record."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pipeline.errors import UsageError, only
from pipeline.load import quarantine
from pipeline.periods import utc_now
from pipeline.store import loads, rollups
from pipeline.store.loads import Status
from pipeline.store.warehouse import Warehouse

Decision = Literal["accepted", "rejected"]

_FIND = """
SELECT load_id, x_Source, x_BillingPeriod, status, reason, coalesce(delivered_at, modified_at), replaced_by,
    (SELECT count(*) FROM load_files AS f WHERE f.load_id = l.load_id)
FROM loads AS l WHERE starts_with(load_id, ?) ORDER BY load_id"""


@dataclass(frozen=True)
class Found:
    """A delivery of the ledger; ``at`` is when it was delivered, else its files' latest change (UTC)."""

    load_id: str
    x_Source: str
    x_BillingPeriod: str | None
    status: Status
    reason: str | None
    at: datetime
    replaced_by: str | None
    files: int

    def __str__(self) -> str:
        return " ".join(part for part in (self.load_id, self.x_Source, self.x_BillingPeriod) if part)


def find(warehouse: Warehouse, start: str) -> Found:
    """Return the delivery whose id begins with ``start``.

    Raises:
        UsageError: when there is none, or more than one.
    """
    rows = [Found(*row) for row in warehouse.rows(_FIND, [start])] if start else []
    return only({each.load_id: each for each in rows}, start, "delivery", "deliveries", "costmill deliveries list")


def require_acceptable(warehouse: Warehouse, found: Found) -> None:
    """Check that a delivery waits in quarantine, that nothing newer is loaded, and that what was judged is there.

    Raises:
        UsageError: when not, saying what to do instead.
    """
    if found.status != "quarantined":
        raise UsageError(f"{found}: {_settled(warehouse, found)}; only a quarantined delivery can be accepted")
    loaded = loads.current(warehouse, found.x_Source, found.x_BillingPeriod or "")
    if loaded and (loaded.delivered_at or loaded.modified_at) > found.at:
        raise UsageError(
            f"{found}: {loaded.load_id} is newer and is loaded; an older delivery never replaces a newer one. "
            f"`costmill deliveries reject {found.load_id[:8]}` closes this one"
        )
    if not quarantine.is_kept(warehouse, found.load_id):
        raise UsageError(
            f"{found}: its files are not in {quarantine.folder(warehouse)}; "
            f"`costmill load --source {found.x_Source} --accept` loads what waits in the source's own folder"
        )


def reject(warehouse: Warehouse, found: Found, note: str | None, run_id: str) -> None:
    """Decide that a delivery does not count: it never loads by itself again, and no run waits for it.

    Raises:
        UsageError: when it does not wait, or is no delivery but a source that cannot be found.
    """
    if found.status not in ("quarantined", "refused"):
        raise UsageError(f"{found}: {_settled(warehouse, found)}; only a delivery that waits can be rejected")
    if not found.files:
        raise UsageError(f"{found}: no delivery, but a source whose files cannot be had: {found.reason}")
    with warehouse.transaction():
        record(warehouse, found.load_id, "rejected", note, run_id)
        warehouse.execute("UPDATE loads SET status = 'rejected' WHERE load_id = ?", [found.load_id])
        rollups.mark_reports(warehouse, found.x_BillingPeriod)
    quarantine.sweep(warehouse)


def record(warehouse: Warehouse, load_id: str, decision: Decision, note: str | None, run_id: str) -> None:
    """Write a decision with who made it and when; inside the caller's transaction."""
    row = {"load_id": load_id, "decision": decision, "decided_at": utc_now(), "decided_by": _who()}
    loads.insert(warehouse, "decisions", row | {"note": note, "run_id": run_id})


def _settled(warehouse: Warehouse, found: Found) -> str:
    decided = warehouse.rows(
        "SELECT decision, decided_by, decided_at FROM decisions WHERE load_id = ? ORDER BY decided_at DESC LIMIT 1",
        [found.load_id],
    )
    said = "".join(f", {decision} by {by} at {at:%Y-%m-%d %H:%M} UTC" for decision, by, at in decided)
    by = f", by {found.replaced_by}" if found.status == "replaced" else ""
    return f"is {found.status}{by}{said}"


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"
