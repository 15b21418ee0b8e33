"""What can be read of a warehouse right now, without waiting for who writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipeline.errors import WarehouseError
from pipeline.store.warehouse import Warehouse


@contextmanager
def stored(copy: Path, warehouse: Path) -> Iterator[Warehouse | None]:
    """Open the published copy; before there is one, the warehouse if nobody writes it; None: nothing can be read yet.

    Raises:
        WarehouseError: when the published copy cannot be read.
    """
    opened = Warehouse.open(copy, read_only=True) if copy.exists() else if_free(warehouse)
    if opened is None:
        yield None
        return
    with opened:
        yield opened


def if_free(path: Path) -> Warehouse | None:
    """Open the warehouse for reading; None when it is not there, or somebody writes it."""
    try:
        return Warehouse.open(path, read_only=True)
    except (WarehouseError, duckdb.ConnectionException):  # not there, or written, be it by this process
        return None
