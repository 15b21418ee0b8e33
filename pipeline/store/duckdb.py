"""The store on the warehouse: what is recorded here and what exports load are one set of charges."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb

from pipeline import resources
from pipeline.entries import CostCategory, CostEntry, CostSummary
from pipeline.errors import EntryError, UsageError, WarehouseBusyError, WarehouseError
from pipeline.periods import label
from pipeline.store import recording
from pipeline.store.base import BILLED_ID, CostStore, Selection, logged, normalised, one_currency, require_same
from pipeline.store.warehouse import Warehouse

Origin = Literal["billed", "recorded"]

#: Ids are unique over all that is recorded: from Python, and in usage logs.
_RECORDED = """
SELECT x_RecordId FROM recorded_entries WHERE x_RecordId IN (SELECT unnest($ids))
UNION
SELECT x_RecordId FROM charges WHERE x_LoadId IS NOT NULL AND x_RecordId IN (SELECT unnest($ids))"""

_IS_READ_ONLY = "SELECT readonly FROM duckdb_databases() WHERE database_name = current_database()"


class DuckDBCostStore(CostStore):
    """Entries as charges of a warehouse.

    Given a path, every call opens the file, does its work in one transaction and closes it: nothing is locked in
    between, and a nightly run, other processes and other threads take turns, each waiting up to ``wait_seconds``.
    Given an open ``Warehouse`` it uses that one (outside of any transaction of the caller's) and leaves it open.

    Args:
        warehouse: the file, made when it is not there, or an open warehouse.
        origin: only charges of it: ``billed`` (exports) or ``recorded`` (from here). None: both. A call that is
            recorded today is billed in a later export: a total of both counts it twice.
        read_only: for a published copy. Nothing is locked, and saving raises NotImplementedError.
        wait_seconds: how long a call waits for another writer before WarehouseBusyError.
    """

    def __init__(
        self,
        warehouse: Path | str | Warehouse,
        *,
        origin: Origin | None = None,
        read_only: bool = False,
        wait_seconds: float = 600,
    ) -> None:
        if origin not in (None, "billed", "recorded"):
            raise UsageError(f"origin {origin!r} is neither 'billed' nor 'recorded'")
        self._given = warehouse if isinstance(warehouse, Warehouse) else None
        self.path = self._given.path if self._given else Path(str(warehouse))
        self.origin = origin
        self._read_only = read_only or (self._given is not None and bool(self._given.value(_IS_READ_ONLY)))
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._is_closed = False

    def save_entry(self, entry: CostEntry) -> None:
        """Keep an entry as a charge, as ``CostStore.save_entry`` says.

        Raises:
            EntryError: when it cannot be taken, or its id stands for other values.
            WarehouseBusyError: when another writer did not finish in time; nothing was saved.
            NotImplementedError: when this store is read-only or shows billed charges only.
        """
        self.save_entries([entry])

    def save_entries(self, entries: Iterable[CostEntry]) -> None:
        """Keep several entries in one transaction: all of them or none. Raises what ``save_entry`` does."""
        with logged("save_entry"):
            if self._read_only or self.origin == "billed":
                raise NotImplementedError(f"{self.path}: this store was opened for reading bills; it saves nothing")
            wanted = _distinct(entries)
            if not wanted:
                return
            with self._session() as warehouse, warehouse.transaction():
                fresh = _fresh(warehouse, wanted)
                if fresh:
                    recording.insert(warehouse, fresh)

    def get_entries(
        self, start: datetime | None, end: datetime | None, category: CostCategory | str | None = None
    ) -> list[CostEntry]:
        """Return charges of both origins (or of ``origin``) as entries, by ChargePeriodStart.

        A billed charge's amount is its BilledCost, its metadata names x_Source, ServiceName and ChargeCategory, and its
        id is made of its content: the same as long as the bill says the same. Without a BillingCurrency its currency
        is XXX, ISO 4217's code for none.
        """
        with logged("get_entries"):
            selection = Selection.of(start, end, category)
            with self._session() as warehouse:
                return _entries(warehouse, _parameters(selection, self.origin))

    def summarise(self, selection: Selection) -> CostSummary:
        """Sum by SQL what ``CostStore.summarise`` sums entry by entry, to the same digit."""
        with logged("summarise"):
            sql = f"WITH selected AS ({resources.sql('entries/selected')}) FROM ({resources.sql('entries/sums')})"
            with self._session() as warehouse:
                rows = warehouse.rows(sql, _parameters(selection, self.origin))
            return _summary(rows, selection)

    def close(self) -> None:
        """Refuse further calls. A path holds nothing open between calls; a given warehouse stays open."""
        self._is_closed = True

    @contextmanager
    def _session(self) -> Iterator[Warehouse]:
        """Lend the warehouse to one thread at a time; DuckDB's errors become ours."""
        with self._lock:
            if self._is_closed:
                raise UsageError(f"{self.path}: this store is closed")
            try:
                if self._given:
                    yield self._given
                else:
                    with self._open() as warehouse:
                        yield warehouse
            except duckdb.OutOfRangeException as error:
                raise EntryError(f"{self.path}: a sum has more than 20 digits before the point: {error}") from error
            except duckdb.Error as error:
                raise WarehouseError(f"{self.path}: DuckDB failed, nothing was saved: {error}") from error

    def _open(self) -> Warehouse:
        deadline = time.monotonic() + self._wait_seconds
        while True:
            left = max(deadline - time.monotonic(), 0)
            try:
                return Warehouse.open(self.path, read_only=self._read_only, wait_seconds=left)
            except WarehouseBusyError:
                if not left:
                    raise
            except duckdb.ConnectionException as error:  # open in this process, for reading here and writing there
                if not left:
                    raise WarehouseBusyError(f"{self.path}: in use by this process; close it and try again") from error
            time.sleep(0.05)


def _distinct(entries: Iterable[CostEntry]) -> dict[str, CostEntry]:
    """Return normalised entries by id, each once."""
    found: dict[str, CostEntry] = {}
    for entry in map(normalised, entries):
        if entry.id.startswith(BILLED_ID):
            raise EntryError(f"id {entry.id!r} is a billed charge's; it is in the warehouse already")
        require_same(found.setdefault(entry.id, entry), entry)
    return found


def _fresh(warehouse: Warehouse, entries: Mapping[str, CostEntry]) -> list[CostEntry]:
    """Return the entries that are not there yet; those that are must be the same."""
    known = {kept.id: kept for kept in _known(warehouse, entries)}
    for kept in known.values():
        require_same(kept, entries[kept.id])
    return [entry for entry in entries.values() if entry.id not in known]


def _known(warehouse: Warehouse, ids: Iterable[str]) -> list[CostEntry]:
    rows = warehouse.rows(_RECORDED, {"ids": list(ids)})
    selects = ({**_parameters(Selection(), None), "record_id": row[0]} for row in rows)
    return [entry for parameters in selects for entry in _entries(warehouse, parameters)]


def _parameters(selection: Selection, origin: Origin | None) -> dict[str, Any]:
    """Return the parameters of sql/entries/selected.sql."""
    ends = [end for end in (selection.end, selection.until) if end is not None]
    bounds: dict[str, Any] = {"start": selection.start, "end": min(ends, default=None)}
    bounds |= {"first_period": None, "end_period": None}
    if selection.by_billing_period:
        first, last = selection.start, selection.end
        bounds = {"start": None, "end": selection.until, "first_period": label(first) if first else None}
        bounds["end_period"] = label(last) if last else None
    category = selection.category.value if selection.category else None
    return {**bounds, "category": category, "currency": selection.currency, "origin": origin, "record_id": None}


def _entries(warehouse: Warehouse, parameters: dict[str, Any]) -> list[CostEntry]:
    sql = f"WITH selected AS ({resources.sql('entries/selected')}) FROM ({resources.sql('entries/entries')})"
    rows = warehouse.rows(f"{sql} ORDER BY timestamp, id", parameters)
    return [_entry(row) for row in rows]


def _entry(row: Sequence[Any]) -> CostEntry:
    record_id, amount, category, description, resource_id, timestamp, tag_json, metadata, currency, *facts = row
    names = ("x_Source", "ServiceName", "ChargeCategory")
    billed = {name: value for name, value in zip(names, facts, strict=True) if value is not None}
    return CostEntry(
        amount=amount,
        category=CostCategory(category),
        description=description,
        resource_id=resource_id,
        timestamp=timestamp,
        tags=json.loads(tag_json),
        metadata=billed if metadata is None else json.loads(metadata),
        currency=currency,
        id=record_id,
    )


def _summary(rows: Sequence[tuple[Any, ...]], selection: Selection) -> CostSummary:
    sums: dict[str, list[tuple[Any, Any, Decimal]]] = {"total": [], "category": [], "resource": [], "tag": []}
    for kind, _, key, value, amount, _ in rows:
        sums[kind].append((key, value, amount))
    currency = one_currency({row[1] for row in rows}, selection.currency)
    by_tag: dict[str, dict[str, Decimal]] = {}
    for key, value, amount in sums["tag"]:
        by_tag.setdefault(key, {})[value] = amount
    return CostSummary(
        total=next((amount for _, _, amount in sums["total"]), Decimal(0)),
        entry_count=sum(row[5] for row in rows if row[0] == "total"),
        period_start=selection.start,
        period_end=selection.end,
        by_category={CostCategory(key): amount for key, _, amount in sums["category"]},
        by_resource={key: amount for key, _, amount in sums["resource"]},
        by_tag=by_tag,
        currency=currency,
    )
