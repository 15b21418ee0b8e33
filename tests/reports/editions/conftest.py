"""The sample company's documents, and a way to ask for any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from pipeline.periods import parse_span
from pipeline.reports.documents import Request, build
from pipeline.reports.model.document import Document, Fact, Table
from pipeline.store.warehouse import Warehouse
from tests import sample

AS_OF = datetime(2026, 3, 22, 6)
Told = Callable[..., list[Document]]


def told(warehouse: Warehouse, report: str, period: str, **facts: Any) -> list[Document]:
    """The documents of a report of a span, as of the sample's day unless told otherwise."""
    own = {"as_of": AS_OF, "generated_at": datetime(2026, 3, 22, 6, 15), "version": "0.1.0", "max_age_days": 3, **facts}
    return build(warehouse, Request(report, parse_span(period), **own))


def table(document: Document, name: str, currency: str | None = "USD") -> Table:
    """The one table of a name and currency."""
    [found] = [own for own in document.tables if (own.name, own.currency) == (name, currency)]
    return found


def fact(document: Document, name: str, currency: str | None = "USD") -> Fact:
    """The one fact of a name and currency."""
    [found] = [own for own in document.facts if (own.name, own.currency) == (name, currency)]
    return found


def column(own: Table, name: str) -> list[Any]:
    """The values of a table's column."""
    place = [each.name for each in own.columns].index(name)
    return [row[place] for row in own.rows]


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The sample company's three months; for reading."""
    with Warehouse.open(sample.warehouse(tmp_path_factory), read_only=True) as warehouse:
        yield warehouse
