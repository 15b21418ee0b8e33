"""An empty warehouse to copy: making its tables takes longer than most tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from pipeline.store.warehouse import Warehouse


@cache
def made() -> Path:
    """The warehouse that this process copies."""
    folder = tempfile.mkdtemp(prefix="costmill-empty-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "costs.duckdb"
    with Warehouse.open(path):
        return path


def put(path: Path, like: Path | None = None) -> Path:
    """Put an empty warehouse there, or a copy of one ``like`` this. All copies have one ``warehouse_id``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(like or made(), path)
    return path
