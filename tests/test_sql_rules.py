"""The rules of sql/: what a row is stands first, DECIMAL stays DECIMAL, and every function travels to other engines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "sql"
FILES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.sql"))}
HEAVY = [name for name in FILES if name.startswith(("sources/", "rollups/", "checks/"))]
#: The words of one table's columns and their comments, one a line: no logic that could be cut.
DDL = [name for name in FILES if name.startswith("schema/")]
#: What DuckDB makes DOUBLE of on DECIMAL, and what SQLGlot does not carry faithfully.
BANNED = ["avg(", " / ", "//", "AT TIME ZONE", "COLUMNS(", "try_strptime", "list_reduce", "round_even", "mean(", "::"]
MOST_LINES = 100


def code(text: str) -> str:
    """The text without its comments and literals."""
    return re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--[^\n]*", "", text))


def test_there_are_files_to_check() -> None:
    assert {"sources/focus.sql", "rollups/daily_costs.sql", "checks/rollups_match_charges.sql"} <= set(HEAVY)


@pytest.mark.parametrize("name", FILES)
def test_a_file_opens_with_what_it_gives(name: str) -> None:
    first = FILES[name].split("\n", 1)[0]
    assert first.startswith("-- ")
    assert len(first) > 20


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_file_opens_with_its_own_name(name: str) -> None:
    assert FILES[name].startswith(f"-- {Path(name).stem}: ")


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("sources/", "rollups/"))])
def test_a_mapping_says_what_a_row_is(name: str) -> None:
    comments = " ".join(line for line in FILES[name].splitlines() if line.startswith("--"))
    assert re.search(r"\b(a|one) row\b", comments, re.IGNORECASE)


@pytest.mark.parametrize("name", HEAVY)
@pytest.mark.parametrize("banned", BANNED)
def test_a_heavy_file_has_nothing_that_loses_money_or_does_not_travel(name: str, banned: str) -> None:
    assert banned.lower() not in code(FILES[name]).lower()


@pytest.mark.parametrize("name", HEAVY)
def test_no_product_of_two_decimals_overflows(name: str) -> None:
    products = re.findall(r"[\w.)]+ \* [\w.(]+", code(FILES[name]))
    assert all("19, 9" in product for product in products)


@pytest.mark.parametrize("name", [name for name in FILES if name not in DDL])
def test_a_file_is_short(name: str) -> None:
    assert FILES[name].count("\n") <= MOST_LINES


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_short_lines_and_no_tabs(name: str) -> None:
    assert "\t" not in FILES[name]
    assert FILES[name].endswith("\n")
    lines = [line for line in FILES[name].splitlines() if not line.startswith("COMMENT ON ")]
    assert [line for line in lines if len(line) > 125] == []
