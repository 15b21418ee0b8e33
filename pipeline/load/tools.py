"""What the loads of a run share: the reader and the mapper, made when first needed, and the versions of the mappings."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.engines.mapping import Mapper
from pipeline.engines.reading import Reader
from pipeline.load.swap import Swap
from pipeline.sources import formats
from pipeline.store.warehouse import Warehouse


class Tools:
    """Reader, mapper and swap over one warehouse; ``keys`` are the reported tag keys. Close when done.

    ``mappings`` has the version of each format's mapping, and of all formats together under None.
    """

    def __init__(self, warehouse: Warehouse, keys: Sequence[str]) -> None:
        self.warehouse = warehouse
        self.keys = tuple(keys)
        self.mappings = formats.mapping_versions()
        self._made: tuple[Reader, Mapper] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def heavy(self) -> tuple[Reader, Mapper]:
        """Reader and mapper, made when the first delivery needs them: a night without news loads no lookups."""
        if self._made is None:
            self._folder = tempfile.TemporaryDirectory(prefix="costmill-")
            self._made = (Reader(self.warehouse.connection, Path(self._folder.name)), Mapper(self.warehouse))
        return self._made

    def swap(self) -> Swap:
        """Return what writes deliveries into the warehouse."""
        return Swap(self.warehouse, self.heavy()[1], self.keys)

    def close(self) -> None:
        """Drop what is staged, and the folder of unpacked files."""
        if self._made:
            self._made[0].clear()
        if self._folder:
            self._folder.cleanup()
