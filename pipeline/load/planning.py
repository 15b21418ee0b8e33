"""Which deliveries a source has: its files found in folders and buckets, looked into, and grouped."""

from __future__ import annotations

import tempfile
from collections.abc import Container, Sequence
from pathlib import Path

from pipeline import addresses
from pipeline.config import CacheSettings, SourceSettings
from pipeline.load.tools import Tools
from pipeline.sources import find, grouping
from pipeline.sources.cache import Cache
from pipeline.sources.delivery import Mode, Plan
from pipeline.sources.find import ExportFile
from pipeline.sources.places import Folder, Place
from pipeline.sources.profiles import Profile
from pipeline.sources.remote import Buckets
from pipeline.sources.segments import Segments
from pipeline.store import loads, objects
from pipeline.store.warehouse import Warehouse

#: The columns of ``file_profiles``.
_FILE = ("path", "bytes", "modified_ns", "sha256")


class Planner:
    """Groups files into deliveries; what it reads of a file is remembered in the warehouse. Close when done."""

    def __init__(self, warehouse: Warehouse, tools: Tools, cache: CacheSettings | None = None) -> None:
        self.warehouse = warehouse
        self.tools = tools
        self._cache = cache or CacheSettings(warehouse.path.parent / "cache")
        self._buckets: Buckets | None = None
        self._copies: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Leave the buckets, and drop the copies of what grows."""
        if self._buckets:
            self._buckets.close()
        if self._copies:
            self._copies.cleanup()

    def plan(self, patterns: Sequence[str], mode: Mode, *, grows: bool = False) -> Plan:
        """Group files into deliveries; where they grow meanwhile (``SourceSettings.grows``) each is one as far as it goes.

        Raises:
            CostmillError: when they cannot be found or grouped.
        """
        rows = self.warehouse.rows("SELECT path, bytes, modified_ns, sha256 FROM file_profiles")
        cache: dict[str, tuple[int, int, str]] = {path: (size, changed, sha) for path, size, changed, sha in rows}
        before = dict(cache)
        try:
            opener = self._segments if grows else self._place
            plan = grouping.plan(patterns, cache, self.profile, "each" if grows else mode, opener)
        finally:
            self._remember_objects()
        fresh = [(path, *facts) for path, facts in cache.items() if before.get(path) != facts]
        if fresh:
            self._remember_files(fresh, before)
        return plan

    def _remember_files(self, fresh: Sequence[tuple[str, int, int, str]], before: Container[str]) -> None:
        new = [dict(zip(_FILE, facts, strict=True)) for facts in fresh if facts[0] not in before]
        with self.warehouse.transaction():
            loads.insert(self.warehouse, "file_profiles", *new)
            for path, *facts in fresh:
                if path in before:
                    self.warehouse.execute(
                        "UPDATE file_profiles SET bytes = ?, modified_ns = ?, sha256 = ? WHERE path = ?", [*facts, path]
                    )

    def profile(self, file: ExportFile) -> Profile:
        """Return what a file holds, by billing period and view."""
        stored = self.warehouse.value(
            "SELECT profile FROM profiles WHERE sha256 = ? AND mapping = ?", [file.sha256, self.tools.mappings[None]]
        )
        if stored:
            return Profile.from_json(stored)
        reader, mapper = self.tools.heavy()
        with find.called_by_name([file]):
            self.bring([file])
            profile = mapper.profile(reader.stage([file]))
        with self.warehouse.transaction():
            self.warehouse.execute(
                "INSERT OR REPLACE INTO profiles VALUES (?, ?, ?)",
                [file.sha256, self.tools.mappings[None], profile.to_json()],
            )
        return profile

    def all_taken(self, source: SourceSettings, files: Sequence[ExportFile]) -> bool:
        """Whether each of the files of a source has been in a delivery that was judged, unchanged."""
        taken = self.warehouse.rows(
            "SELECT DISTINCT f.sha256 FROM load_files AS f INNER JOIN loads AS l ON l.load_id = f.load_id "
            "WHERE l.x_Source = ? AND l.status <> 'refused' AND l.format IS NOT NULL",
            [source.name],
        )
        return {file.sha256 for file in files} <= {row[0] for row in taken}

    def bring(self, files: Sequence[ExportFile]) -> None:
        """Get those of the files that are in buckets into the cache."""
        if self._buckets is not None:
            self._buckets.bring(files)

    def _place(self, pattern: str) -> Place:
        if not addresses.is_address(pattern):
            return Folder(pattern)
        if self._buckets is None:
            cache = Cache(self._cache.path, self._cache.max_bytes)
            self._buckets = Buckets(cache, objects.read(self.warehouse))
        return self._buckets.open(pattern)

    def _segments(self, folder: str) -> Place:
        if self._copies is None:
            self._copies = tempfile.TemporaryDirectory(prefix="costmill-")
        return Segments(folder, Path(self._copies.name))

    def _remember_objects(self) -> None:
        if self._buckets is not None:
            objects.write(self.warehouse, objects.read(self.warehouse), self._buckets.taken)
