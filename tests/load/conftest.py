"""A fresh warehouse for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load import bills


@pytest.fixture
def house(tmp_path: Path) -> Iterator[bills.House]:
    """A new warehouse with one source that has no files yet."""
    with bills.house(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bills.House]:
    """One warehouse for a module whose tests each load a source of their own."""
    with bills.house(tmp_path_factory.mktemp("shared")) as opened:
        yield opened
