"""A rich month rendered once, and a way to render any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.reports.context import build_context
from pipeline.reports.model import ReportContext
from pipeline.reports.render import render
from pipeline.store.warehouse import Warehouse
from tests import empty as blank
from tests.reports import march
from tests.reports import warehouse as fixture

TAG_KEYS = ("team", "env", "cost-center")


def context(warehouse: Warehouse, period: str = fixture.PERIOD, **facts: Any) -> ReportContext:
    """The context of a period with the fixture's times, unless told otherwise."""
    own = {"as_of": fixture.AS_OF, "generated_at": fixture.GENERATED_AT, "version": "0.1.0", "max_age_days": 3}
    return build_context(warehouse, period, **{**own, **facts})


@pytest.fixture(scope="session")
def rich_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """March of ``tests.reports.march``; for reading."""
    with march.rich(tmp_path_factory.mktemp("rich") / "costs.duckdb") as warehouse:
        yield warehouse


@pytest.fixture(scope="session")
def rich(rich_warehouse: Warehouse) -> ReportContext:
    """Its report."""
    return context(rich_warehouse, tag_keys=TAG_KEYS)


@pytest.fixture(scope="session")
def rich_html(rich: ReportContext) -> str:
    """Its report as HTML."""
    return render(rich, "html")


@pytest.fixture(scope="session")
def rich_markdown(rich: ReportContext) -> str:
    """Its report as Markdown."""
    return render(rich, "md")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse without anything in it."""
    with Warehouse.open(blank.put(tmp_path / "costs.duckdb")) as warehouse:
        yield warehouse


@pytest.fixture
def report_on(empty: Warehouse) -> Callable[..., ReportContext]:
    """Fill the empty warehouse with spends of March and read its report."""

    def fill_and_read(*spends: fixture.Spend, **facts: Any) -> ReportContext:
        fixture.fill(empty, fixture.PERIOD, spends, fixture.THROUGH)
        return context(empty, **facts)

    return fill_and_read
