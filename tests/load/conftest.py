"""A fresh warehouse for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load import bills, sharing


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


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a module keeps what its tests begin with (``sharing.beginning``)."""
    return tmp_path_factory.mktemp("begun")


@pytest.fixture(scope="module")
def all_told(request: pytest.FixtureRequest, shared: bills.House) -> dict[str, list[dict[str, Any]]]:
    """The charges that the tests of a module ask for (``sharing.of_rows``)."""
    return sharing.told(shared, request.module.__name__)


@pytest.fixture
def told(request: pytest.FixtureRequest, all_told: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The charges of the rows that the test asks for."""
    return all_told[request.function.__name__]
