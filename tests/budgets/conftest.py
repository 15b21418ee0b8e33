"""A warehouse of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.store.warehouse import Warehouse
from tests import empty


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """An empty warehouse, open for writing."""
    with Warehouse.open(empty.put(tmp_path / "w.duckdb")) as opened:
        yield opened
