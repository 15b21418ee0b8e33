"""The store in memory: for tests, notebooks, and programs that keep their costs elsewhere."""

from __future__ import annotations

import threading
from datetime import datetime

from pipeline.entries import CostCategory, CostEntry
from pipeline.store.base import CostStore, Selection, logged, normalised, require_same


class InMemoryCostStore(CostStore):
    """Entries of this process. Every read and write holds one lock: threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, CostEntry] = {}

    def save_entry(self, entry: CostEntry) -> None:
        """Keep an entry, as ``CostStore.save_entry`` says."""
        with logged("save_entry"), self._lock:
            new = normalised(entry)
            require_same(self._entries.setdefault(new.id, new), new)

    def get_entries(
        self, start: datetime | None, end: datetime | None, category: CostCategory | str | None = None
    ) -> list[CostEntry]:
        """Return the entries of [start, end), as ``CostStore.get_entries`` says."""
        with logged("get_entries"):
            wanted = Selection.of(start, end, category)
            return [entry for entry in self.get_all() if wanted.takes(entry)]

    def get_all(self) -> list[CostEntry]:
        """Return every entry in the order of time and id."""
        with self._lock:
            entries = list(self._entries.values())
        return sorted(entries, key=lambda entry: (entry.timestamp, entry.id))

    def clear(self) -> None:
        """Forget every entry; their ids may be used again."""
        with self._lock:
            self._entries.clear()
