"""Pictures: valid, the same every time, in the page's colours, harmless."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import altair as alt
import pytest
import vl_convert

from pipeline.periods import parse_span
from pipeline.reports import charts, vega
from pipeline.reports.documents import Request, build
from pipeline.reports.figures import Figures
from pipeline.reports.model import ReportContext
from pipeline.reports.writers import write
from pipeline.store.warehouse import Warehouse
from tests.reports import warehouse as fixture
from tests.reports.warehouse import HOSTILE

US = Figures.of("en_US")


@pytest.fixture
def specifications(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What vl-convert is given while a test draws."""
    seen: list[dict[str, Any]] = []
    draw = vl_convert.vegalite_to_svg

    def watched(specification: dict[str, object]) -> str:
        seen.append(specification)
        return draw(specification)

    monkeypatch.setattr(vl_convert, "vegalite_to_svg", watched)
    vega._drawn.cache_clear()
    return seen


def drawings(report: ReportContext) -> list[str]:
    section = report.sections[0]
    bars = [charts.Bar("a", Decimal(2), "$2"), charts.Bar("b", Decimal(-1), "−$1")]
    return [
        charts.running_cost(section, US, "a", charts.WIDE),
        charts.daily_cost(section, US, "b", charts.NARROW),
        charts.bars(bars, "c", "Bars"),
        charts.coverage(section.tags, US, "d"),
        charts.walk(charts.Bar("from", Decimal(9), "$9"), bars, charts.Bar("to", Decimal(10), "$10"), "e", "Walk"),
    ]


@pytest.mark.no_cover  # Altair walks its schema in Python: tracing that takes longer than the walk
def test_every_specification_is_valid_vega_lite(rich: ReportContext, specifications: list[dict[str, Any]]) -> None:
    drawings(rich)
    assert len(specifications) == 5
    for specification in specifications:
        alt.LayerChart.from_dict(specification, validate=True)


def test_the_same_figures_make_the_same_bytes(rich: ReportContext) -> None:
    first = drawings(rich)
    vega._drawn.cache_clear()
    assert drawings(rich) == first


def test_what_was_drawn_lately_is_not_drawn_again(specifications: list[dict[str, Any]], rich: ReportContext) -> None:
    first, second = (charts.running_cost(rich.sections[0], US, ident, charts.WIDE) for ident in ("a", "b"))
    assert len(specifications) == 1
    assert second == first.replace("a-title", "b-title").replace("a-text", "b-text")


def test_every_picture_has_a_name_and_a_description(rich: ReportContext) -> None:
    for drawing in drawings(rich):
        root = ElementTree.fromstring(drawing)
        title, words = root[0], root[1]
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
        assert title.text
        assert words.text


def test_colours_are_the_page_s_own(rich: ReportContext) -> None:
    for drawing in drawings(rich):
        colours = {own.get(name) for own in ElementTree.fromstring(drawing).iter() for name in ("fill", "stroke")}
        assert {colour for colour in colours if colour not in (None, "none", "transparent")} <= {
            f"var(--{name})" for name in ("accent", "second", "ink", "muted", "hairline", "track", "page")
        }


def test_the_way_to_the_forecast_is_dashed(rich: ReportContext) -> None:
    assert 'stroke-dasharray="6,5"' in charts.running_cost(rich.sections[0], US, "a", charts.WIDE)


def test_a_walk_ends_where_it_adds_up_to(specifications: list[dict[str, Any]]) -> None:
    steps = [charts.Bar("a", Decimal(2), "+$2"), charts.Bar("b", Decimal(-5), "−$5")]
    charts.walk(charts.Bar("from", Decimal(9), "$9"), steps, charts.Bar("to", Decimal(6), "$6"), "e", "Walk")
    up, down, joints, ends, *_ = [layer["data"]["values"] for layer in specifications[0]["layer"]]
    assert [(row["x"], row["x2"]) for row in [*up, *down]] == [(9, 11), (11, 6)]
    assert [row["x"] for row in joints] == [9, 11, 6]
    assert [row["x"] for row in ends] == [9, 6]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_text(name: str) -> None:
    drawing = charts.bars([charts.Bar(name, Decimal(1), "$1")], "x", name[:60])
    elements = {own.tag.rsplit("}")[-1] for own in ElementTree.fromstring(drawing).iter()}
    assert elements <= {"svg", "title", "desc", "g", "path", "text", "line", "tspan"}


@pytest.mark.parametrize("amounts", [["0", "0"], ["-3", "-5"], ["1e15", "1e-15"], ["0.000000000000000001"]])
def test_odd_amounts_draw(amounts: list[str]) -> None:
    drawing = charts.bars([charts.Bar("x", Decimal(own), own) for own in amounts], "x", "Bars")
    assert "NaN" not in drawing
    assert "Infinity" not in json.dumps(drawing)


def test_a_format_that_shows_no_picture_draws_none(rich_warehouse: Warehouse, tmp_path: Path) -> None:
    request = Request("costs", parse_span(fixture.PERIOD), fixture.AS_OF, fixture.GENERATED_AT, "0.1.0")
    vega._drawn.cache_clear()
    (document,) = build(rich_warehouse, request)
    write(document, "json", tmp_path)
    assert vega._drawn.cache_info().misses == 0
    write(document, "html", tmp_path)
    assert vega._drawn.cache_info().misses == 4
