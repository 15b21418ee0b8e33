"""docs/budgets.md says what the code does."""

from __future__ import annotations

import doctest
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.budgets import BudgetsConfig
from pipeline.config.settings import load_settings
from pipeline.forecast import linear
from pipeline.periods import month
from tests import empty
from tests.budgets.frames import charge, resource, resources, result


@pytest.fixture
def page(project_root: Path) -> str:
    return (project_root / "docs" / "budgets.md").read_text(encoding="utf-8")


@pytest.fixture
def documented(page: str, tmp_path: Path) -> BudgetsConfig:
    """The page's configuration, as the program reads it."""
    file = tmp_path / "costmill.yaml"
    sources = "sources: [{name: aws-prod, path: exports}]\n"
    file.write_text(sources + blocks(page, "yaml")[0], encoding="utf-8")
    budgets = load_settings(file, environ={}).budgets
    assert budgets is not None
    return budgets


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_allocation_is_what_explain_says(page: str, documented: BudgetsConfig) -> None:
    tags = {"team": "platform", "env": "prod"}
    used = resources(resource("412.50", "i-0a1", tags, ResourceName="web-1"))
    told = result(documented, used=used, explain=True).to_json_dict()
    assert told["allocations"] == [json.loads(blocks(page, "json")[0])]


def test_the_status_is_what_the_json_says(page: str, documented: BudgetsConfig) -> None:
    rows = charge(1000, 1), charge(40, 11), charge(200, 1, ChargeCategory="Purchase")
    told: dict[str, Any] = result(documented, *rows, last=date(2026, 3, 10)).to_json_dict()
    assert told["by_provider"] == [json.loads(blocks(page, "json")[1])]


@pytest.mark.parametrize(("incomplete", "expected"), [(40, "3,300"), (2400, "3,600")])
def test_the_forecast_example_holds(page: str, incomplete: int, expected: str) -> None:
    usage = {date(2026, 3, 1): Decimal(1000), date(2026, 3, 11): Decimal(incomplete)}
    made = linear(usage, Decimal(200), window=month("2026-03"), last_complete_day=date(2026, 3, 10))
    assert f"{made.amount:,.0f}" == expected
    assert f"= {expected}" in page


def test_the_examples_of_policies_hold(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.put(tmp_path / "warehouse" / "costs.duckdb")
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks(page, "pycon")), {}, "docs/budgets.md", None, 0)
    failures: list[str] = []
    assert doctest.DocTestRunner(verbose=False).run(test, out=failures.append).attempted > 8
    assert not failures, "".join(failures)
