"""An empty warehouse to copy: making its tables takes longer than most tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.store import warehouse
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


@contextmanager
def copied() -> Iterator[None]:
    """Let each warehouse that the program makes in this process be a copy, put there when it would make it."""
    connect = warehouse._connect
    made()

    def connect_to_copy(path: Path, *, read_only: bool) -> Any:
        if not read_only and not path.exists():
            put(path)
        return connect(path, read_only=read_only)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "_connect", connect_to_copy)
        yield
