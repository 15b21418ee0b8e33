"""A fresh warehouse for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.store.warehouse import Warehouse
from tests.load import bills


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty warehouse to copy: making the tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "costs.duckdb"
    with Warehouse.open(path):
        return path


@pytest.fixture
def house(tmp_path: Path, template: Path) -> Iterator[bills.House]:
    """A new warehouse with one source that has no files yet."""
    with bills.house(tmp_path, template) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[bills.House]:
    """One warehouse for a module whose tests each load a source of their own."""
    with bills.house(tmp_path_factory.mktemp("shared"), template) as opened:
        yield opened
