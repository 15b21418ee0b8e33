"""The ledger of loads: rows written and read, inside the caller's transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pipeline.store.warehouse import Warehouse

Status = Literal["loaded", "replaced", "superseded", "quarantined", "rejected", "refused"]

#: The tables whose rows are about one load and go with its row. What it restated stays: that has happened.
OF_A_LOAD = ("loads", "load_files", "load_controls", "load_measures", "load_members", "load_drift", "rejected_rows")


#: Rows that one statement inserts.
ROWS_AT_ONCE = 200
#: Why a delivery that was taken out by hand is no longer loaded.
UNLOADED = "unloaded by hand; `costmill reload` loads it again"


@dataclass(frozen=True)
class Load:
    """A row of ``loads``; the column comments there say what each is."""

    run_id: str
    x_Source: str
    x_BillingPeriod: str | None
    fingerprint: str
    mapping: str
    status: Status
    modified_at: datetime
    loaded_at: datetime
    delivered_at: datetime | None = None
    format: str | None = None
    format_version: str | None = None
    reason: str | None = None
    rows_read: int = 0
    rows_mapped: int = 0
    rows_rejected: int = 0
    rows_folded: int = 0
    rows_repeated: int = 0
    rows_generated: int = 0
    charges: int = 0
    columns: tuple[str, ...] = ()
    dropped_columns: tuple[str, ...] = ()
    column_types: Mapping[str, str] = field(default_factory=dict)

    @property
    def load_id(self) -> str:
        """The same delivery of the same source, period and mapping has the same id anywhere."""
        parts = [self.x_Source, self.x_BillingPeriod or "", self.fingerprint, self.mapping]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Current:
    """What is loaded now for a source and billing period."""

    load_id: str
    fingerprint: str
    rows_mapped: int
    delivered_at: datetime | None
    modified_at: datetime


@dataclass(frozen=True)
class Known:
    """A former verdict on a delivery."""

    load_id: str
    x_BillingPeriod: str | None
    status: Status
    reason: str | None
    rows_read: int
    rows_rejected: int


def known(warehouse: Warehouse, source: str, fingerprint: str, mappings: Mapping[str | None, str]) -> list[Known]:
    """Return the former verdicts on a delivery, as far as its format's mapping (None: of all formats) is unchanged.

    What somebody has rejected stays rejected under any mapping.
    """
    rows = warehouse.rows(
        "SELECT load_id, x_BillingPeriod, status, reason, rows_read, rows_rejected, format, mapping FROM loads "
        "WHERE x_Source = ? AND fingerprint = ? ORDER BY x_BillingPeriod",
        [source, fingerprint],
    )
    valid = [row for row in rows if row[7] == mappings.get(row[6])]
    former = [row for row in rows if row not in valid and row[1] not in {each[1] for each in valid}]
    if all(row[2] == "rejected" for row in former):  # else it is to be mapped anew
        valid += former
    return [Known(*row[:6]) for row in sorted(valid, key=lambda row: row[1] or "")]


def rejected_periods(warehouse: Warehouse, source: str, hashes: Sequence[str]) -> set[str | None]:
    """Return the billing periods for which somebody has rejected these files (their SHA-256), under any settings."""
    rows = warehouse.rows(
        """
        SELECT l.x_BillingPeriod FROM loads AS l INNER JOIN load_files AS f ON f.load_id = l.load_id
        WHERE l.x_Source = ? AND l.status = 'rejected'
        GROUP BY l.load_id, l.x_BillingPeriod HAVING list_sort(list(f.sha256)) = ?""",
        [source, sorted(hashes)],
    )
    return {row[0] for row in rows}


def current(warehouse: Warehouse, source: str, period: str) -> Current | None:
    """Return what is loaded for a source and billing period, or None."""
    rows = warehouse.rows(
        "SELECT load_id, fingerprint, rows_mapped, delivered_at, modified_at FROM loads "
        "WHERE x_Source = ? AND x_BillingPeriod = ? AND status = 'loaded'",
        [source, period],
    )
    return Current(*rows[0]) if rows else None


def write(warehouse: Warehouse, load: Load, files: Sequence[tuple[str, str, int, int]] = ()) -> None:
    """Write a load and its files (path, sha256, bytes, rows), replacing a former verdict on the same delivery."""
    if warehouse.value("SELECT 1 FROM loads WHERE load_id = ?", [load.load_id]):
        for table in OF_A_LOAD:
            warehouse.execute(f"DELETE FROM {table} WHERE load_id = ?", [load.load_id])
    values = {
        **{name: getattr(load, name) for name in load.__dataclass_fields__},
        "load_id": load.load_id,
        "columns": json.dumps(load.columns),
        "dropped_columns": json.dumps(load.dropped_columns),
        "column_types": json.dumps(load.column_types),
    }
    insert(warehouse, "loads", values)
    named = ("path", "sha256", "bytes", "rows")
    insert(
        warehouse, "load_files", *({"load_id": load.load_id} | dict(zip(named, file, strict=True)) for file in files)
    )


def insert(warehouse: Warehouse, table: str, *rows: Mapping[str, Any]) -> None:
    """Insert rows given by column name, the same columns each; many go by one statement, whose planning takes the time."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        names = ", ".join(f'"{name}"' for name in part[0])
        marks = f"({', '.join('?' for _ in part[0])})"
        values = [row[name] for row in part for name in part[0]]
        warehouse.execute(f'INSERT INTO "{table}" ({names}) VALUES {", ".join([marks] * len(part))}', values)
