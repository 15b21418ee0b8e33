"""What programs record of their own use, beside warehouses that are copies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import empty


@pytest.fixture(scope="module", autouse=True)
def _copied_warehouses() -> Iterator[None]:
    """Nights begin without a warehouse; the one that they make is a copy."""
    with empty.copied():
        yield
