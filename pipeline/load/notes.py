"""What somebody may want to know of a delivery that went in, from its rows of the ledger: growth, drift, a torn line."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import PurePath

from pipeline import money
from pipeline.sources import json_lines
from pipeline.store.warehouse import Warehouse

#: Columns that a note names; the ledger has all.
NAMED = 3


def ledger_notes(warehouse: Warehouse, load_id: str) -> tuple[str, ...]:
    """Say what was rejected, what grew beyond the gate's share, how columns drifted, and which last lines break off."""
    grown = warehouse.rows(
        "SELECT measure, BillingCurrency, loaded, delivered FROM load_measures "
        "WHERE load_id = ? AND finding = 'grown' ORDER BY ALL",
        [load_id],
    )
    drifted = warehouse.rows(
        "SELECT change, column_name, before, after FROM load_drift WHERE load_id = ? ORDER BY column_name", [load_id]
    )
    return (
        *_rejected(warehouse, load_id),
        *_grown(grown),
        *(f"format version {before} became {after}" for change, _, before, after in drifted if change == "version"),
        *_columns("new", [column for change, column, _, _ in drifted if change == "new"], load_id),
        *_columns("missing", [column for change, column, _, _ in drifted if change == "missing"], load_id),
        *_columns("retyped", [f"{c} from {b} to {a}" for change, c, b, a in drifted if change == "retyped"], load_id),
    )


def _rejected(warehouse: Warehouse, load_id: str) -> list[str]:
    """Last lines that break off, then rows that the source's ``max_rejected`` lets go, with the money that could be read."""
    [(source, read, rejected)] = warehouse.rows(
        "SELECT x_Source, rows_read, rows_rejected FROM loads WHERE load_id = ?", [load_id]
    )
    if not rejected:
        return []
    torn = warehouse.rows(
        "SELECT path, line FROM rejected_rows WHERE load_id = ? AND suffix(reason, ?) ORDER BY ALL",
        [load_id, json_lines.TORN],
    )
    lines = [f"{PurePath(path).name}: the last line ({line}) breaks off and was left out" for path, line in torn]
    if rejected <= len(torn):
        return lines
    sums = warehouse.rows(
        "SELECT sum(rejected_total) AS rejected, BillingCurrency FROM load_controls "
        "WHERE load_id = ? AND column_name = 'BilledCost' GROUP BY ALL HAVING sum(rejected_total) <> 0 ORDER BY ALL",
        [load_id],
    )
    lost = "".join(f", {money.text(total)} {currency or '(no currency)'}" for total, currency in sums)
    return [*lines, f"{rejected} of {read} rows{lost}, were rejected; `costmill status --rejected {source}` lists them"]


def _grown(rows: Sequence[tuple[str, str | None, Decimal, Decimal]]) -> list[str]:
    """One note for the measures that grew by the same."""
    alike: dict[tuple[str | None, Decimal, Decimal], list[str]] = {}
    for measure, currency, before, after in rows:
        alike.setdefault((currency, before, after), []).append(measure)
    return [
        f"{measures[0]} grew from {money.text(before)} to {money.text(after)} {currency or '(no currency)'}"
        + (f", and so did {', '.join(measures[1:])}" if measures[1:] else "")
        for (currency, before, after), measures in alike.items()
    ]


def _columns(change: str, names: Sequence[str], load_id: str) -> list[str]:
    if not names:
        return []
    if len(names) <= NAMED:
        return [f"{change} column{'s' if len(names) > 1 else ''}: {', '.join(names)}"]
    first = ", ".join(names[:NAMED])
    return [f"{len(names)} {change} columns: {first} and {len(names) - NAMED} more; {advice(load_id)}"]


def advice(load_id: str) -> str:
    """Say where all columns stand that a note does not name."""
    return f"`costmill deliveries show {load_id[:8]}` lists all"
