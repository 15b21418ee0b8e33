"""docs/operations.md and docs/analysts.md say what the program does."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipeline import steps
from pipeline.cli.exit_codes import ExitCode
from tests.jobs.conftest import Say
from tests.jobs.nights import ROOT, UNTOUCHED, ask, budgets, dump, first_night, write_bill, write_config

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ANALYSTS = (ROOT / "docs" / "analysts.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(place: Path) -> Path:
    write_bill(place / "exports" / "march.csv")
    assert first_night(write_config(place, cost=budgets(200))).code == 0
    return place


def test_the_table_of_exit_codes_is_the_programs() -> None:
    rows = re.findall(r"^\| (\d+) \| `([A-Z]+)` \|", OPERATIONS, re.MULTILINE)
    assert [(int(code), name) for code, name in rows] == [(int(code), code.name) for code in ExitCode]


def test_every_query_of_the_analysts_page_runs(folder: Path) -> None:
    queries = re.findall(r"```sql\n(.*?)```", ANALYSTS, re.DOTALL)
    assert len(queries) > 5
    for query in queries:
        if "restatements" not in query:  # nothing was delivered twice here
            assert ask(folder / "published" / "costs.duckdb", query), query
        else:
            ask(folder / "published" / "costs.duckdb", query)


def test_the_analysts_page_names_tables_that_are_there(folder: Path) -> None:
    query = "SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views()"
    tables = {row[0] for row in ask(folder / "published" / "costs.duckdb", query)}
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", ANALYSTS.split("## The tables")[1]))
    assert named <= tables


def test_a_published_copy_restores_the_warehouse(folder: Path, say: Say) -> None:
    warehouse, published = folder / "warehouse" / "costs.duckdb", folder / "published"
    before = dump(warehouse, UNTOUCHED)
    backup = shutil.copyfile(published / "costs.duckdb", folder / "backup.duckdb")
    warehouse.write_text("lost")
    shutil.copyfile(backup, warehouse)
    for path in published.iterdir():
        path.unlink()
    ended = say("run", "--config", folder / "costmill.yaml")
    assert (ended.code, ended.stderr) == (0, "")
    assert dump(warehouse, UNTOUCHED) == before
    assert dump(published / "costs.duckdb", UNTOUCHED) == before


def test_every_step_of_a_night_is_in_the_table_of_tasks() -> None:
    assert [step.name for step in steps.STEPS if f"| `{step.name}` |" not in OPERATIONS] == []
