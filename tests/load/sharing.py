"""One load for many tests: a house that several begin with, and the rows of a module's tests in one file.

A billing period takes a third of a second to load, however few rows it has.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.load.bills import House, Row, house, write

Test = TypeVar("Test", bound=Callable[..., Any])

_ASKED: dict[str, dict[str, tuple[Row, ...]]] = {}


def of_rows(*given: Row) -> Callable[[Test], Test]:
    """Let a test ask for the charges of rows, which its fixture ``told`` gives in their order.

    The rows of all such tests of a module are loaded as one file: a load takes as long for one row as for many.
    """

    def asked(test: Test) -> Test:
        _ASKED.setdefault(test.__module__, {})[test.__name__] = given
        return test

    return asked


def told(house: House, module: str) -> dict[str, list[dict[str, Any]]]:
    """Load what the tests of a module ask for (``of_rows``); returns each test's charges."""
    asked = _ASKED[module]
    lines = [{**row, "asked": f"{name} {n:03d}"} for name, given in asked.items() for n, row in enumerate(given)]
    outcome = house.one(write(house.folder / "asked.csv", lines), source="asked", keep_columns=("asked",))
    assert (outcome.status, outcome.rows_read, outcome.rows_rejected) == ("loaded", len(lines), 0), outcome.reason
    found = house.table("SELECT * FROM focus_data_table WHERE x_Source = 'asked' ORDER BY x_asked")
    return {name: [row for row in found if row["x_asked"].split()[0] == name] for name in asked}


def beginning(prepare: Callable[[House], object]) -> Any:
    """Make a fixture of what several tests of a module begin with: a house in which that much has happened.

    It happens once, and each test finds warehouse and files as they were then, in the same place: to load again what
    stands before the first thing that a test is about would take most of its time.
    """

    @pytest.fixture(name=prepare.__name__)
    def begun(begun: Path) -> Iterator[House]:
        place, kept = begun / prepare.__name__, begun / f"{prepare.__name__}.kept"
        shutil.rmtree(place, ignore_errors=True)
        if not kept.exists():
            with house(place) as opened:
                prepare(opened)
                opened.warehouse.execute("CHECKPOINT")
            place.rename(kept)
        shutil.copytree(kept, place)
        with house(place, kept / "costs.duckdb") as opened:
            yield opened

    return begun
