"""From category to service to resource: everything adds up, whatever is left out, and no text leaves its element."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import polars as pl
import pytest

from pipeline import money
from pipeline.reports.drill import _texts, read_drills
from pipeline.reports.figures import Figures
from pipeline.reports.model import Amounts, Drill, ReportContext
from pipeline.reports.page_data import resources_data
from pipeline.store.warehouse import Warehouse
from pipeline.summaries.measures import MONEY
from tests.reports import warehouse as fixture
from tests.reports.conftest import context
from tests.reports.documents import AMOUNTS
from tests.reports.warehouse import PERIOD, Spend


def whole(drill: Drill) -> list[Decimal]:
    parts = (drill.unattached, drill.left)
    return [
        money.total([*map(Decimal, getattr(drill.lines, name)), *(getattr(part, name) for part in parts)])
        for name in ("billed", "effective", "list")
    ]


def drills(warehouse: Warehouse, limit: int) -> dict[str | None, Drill]:
    services = warehouse.frame("SELECT * FROM category_summary WHERE x_BillingPeriod = ?", [PERIOD])
    return read_drills(warehouse, PERIOD, services, limit=limit)


@pytest.mark.parametrize(("limit", "left"), [(50_000, 0), (4, 11)])
def test_resources_what_has_none_and_what_is_left_out_sum_to_the_bill(
    rich_warehouse: Warehouse, limit: int, left: int
) -> None:
    drill = drills(rich_warehouse, limit)["USD"]
    assert whole(drill) == [drill.total.billed, drill.total.effective, drill.total.list]
    assert (len(drill.resources.id), drill.left_count) == (15 - left, left)


def test_every_service_says_how_many_resources_it_has_and_what_belongs_to_none(rich: ReportContext) -> None:
    drill = rich.sections[0].drill
    [compute] = [own for own in drill.services if own.name == "Amazon Elastic Compute Cloud"]
    number = drill.services.index(compute)
    costs = zip(drill.lines.billed, drill.lines.service, strict=True)
    own = [Decimal(cost) for cost, service in costs if service == number]
    assert (compute.resources, compute.unattached) == (3, Amounts(Decimal(-250), Decimal(0), Decimal("-302.5")))
    assert money.total([*own, compute.unattached.billed]) == compute.costs.billed


def test_a_resource_of_two_services_is_one_resource(report_on: Callable[..., ReportContext]) -> None:
    report = report_on(Spend("EC2", "Compute", "i-1", "1"), Spend("Transfer", "Networking", "i-1", "2"))
    drill = report.sections[0].drill
    assert drill.resources.id == ("i-1",)
    assert [drill.services[own].name for own in drill.lines.service] == ["Transfer", "EC2"]


def test_amounts_of_lines_are_written_as_all_others() -> None:
    amounts = [Decimal(own) for own in AMOUNTS]
    assert _texts(pl.Series(amounts, dtype=MONEY)).to_list() == [money.text(own) for own in amounts]


def test_what_is_not_summarised_yet_takes_no_resource_s_place(rich_warehouse: Warehouse) -> None:
    services = rich_warehouse.frame(
        "SELECT * FROM category_summary WHERE x_BillingPeriod = ? AND ServiceName <> 'Amazon Elastic Compute Cloud'",
        [PERIOD],
    )
    drill = read_drills(rich_warehouse, PERIOD, services)["USD"]
    assert sorted(drill.lines.resource) == list(range(len(drill.resources.id))) == list(range(12))


def test_room_that_one_currency_does_not_need_is_the_other_s(empty: Warehouse) -> None:
    euros = [Spend("S", "Compute", f"e{number}", "1", currency="EUR") for number in range(2)]
    fixture.fill(empty, PERIOD, [*euros, *(Spend("S", "Compute", f"u{n}", "1") for n in range(9))], fixture.THROUGH)
    found = drills(empty, 7)
    assert {code: (len(own.resources.id), own.left_count) for code, own in found.items()} == {
        "EUR": (2, 0),
        "USD": (5, 4),
    }


def test_the_dearest_and_the_largest_credits_have_room_first(empty: Warehouse) -> None:
    spends = [Spend("S", "Compute", name, cost) for name, cost in (("a", "5"), ("b", "0.1"), ("c", "-3"))]
    fixture.fill(empty, PERIOD, spends, fixture.THROUGH)
    assert drills(empty, 2)["USD"].resources.id == ("a", "c")
    assert context(empty).sections[0].resources.rows[0].id == "a"


def test_no_text_of_the_data_can_leave_its_element(report_on: Callable[..., ReportContext]) -> None:
    name = "</script><!--<script>&amp;"
    text = resources_data(report_on(Spend("S", "Compute", name, "1", name=name * 2)), Figures.of("en_US"))
    assert not set(text) & set("<>&")
    [own] = json.loads(text)
    assert own["prefixes"][own["prefix"][0]] + own["id"][0] == name
