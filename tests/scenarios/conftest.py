"""Companies of stories: one whose March is delivered to its end, so that the clock alone goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import empty
from tests.jobs.nights import Charge
from tests.scenarios.story import Company


@pytest.fixture(scope="module", autouse=True)
def _copied_warehouses() -> Iterator[None]:
    """Stories begin without a warehouse; the one that they make is a copy."""
    with empty.copied():
        yield


@pytest.fixture(scope="session")
def _march(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = Company(tmp_path_factory.mktemp("march"))
    first, second, third = Charge(cost="20", days=5), Charge(cost="1", first=6, days=20), Charge(cost="30", first=21)
    company.deliver("2026-03", first, second, Charge(cost=third.cost, first=third.first, days=31))
    with empty.copied():
        company.night("2026-03-01", whole=False)
    return company


@pytest.fixture
def march(_march: Company, tmp_path: Path) -> Company:
    """Loaded on 1 March: 20 USD a day through the 5th, 1 through the 20th, 30 from the 21st on."""
    return _march.copy(tmp_path)
