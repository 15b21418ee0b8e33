"""The files: the same figures in each format, harmless, the same bytes every time."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.reports.model import ReportContext
from pipeline.reports.render import gauge, render, render_report
from pipeline.store.warehouse import Warehouse
from tests.reports import golden
from tests.reports import warehouse as fixture
from tests.reports.conftest import context
from tests.reports.reading import as_html, attributes, figures, tags, words
from tests.reports.warehouse import AS_OF, GENERATED_AT, HOSTILE, PERIOD, THROUGH, Spend

FACTS: dict[str, Any] = {"as_of": AS_OF, "generated_at": GENERATED_AT, "version": "0.1.0", "max_age_days": 3}


def hostile_spends() -> list[Spend]:
    return [
        Spend(
            name,
            name,
            f"{name}{number}",
            "1.5",
            account=name,
            type=name,
            region=name,
            name=name,
            tags={name[:40]: name},
        )
        for number, name in enumerate(HOSTILE)
    ]


def test_html_and_markdown_carry_the_same_figures(rich_html: str, rich_markdown: str) -> None:
    assert figures(rich_html) == figures(as_html(rich_markdown))
    assert len(figures(rich_html)) > 400


def test_both_say_who_acknowledged_an_alert_and_until_when_it_is_snoozed(rich_html: str, rich_markdown: str) -> None:
    said = "acknowledged by ada@lumen.example Mar 19, 2026, 08:00 UTC, snoozed until Mar 24, 2026, 00:00 UTC"
    assert said in " ".join(words(rich_html).split())
    assert said in " ".join(words(as_html(rich_markdown)).split())


def test_ai_usage_says_that_it_is_no_part_of_the_bill_and_shows_only_where_there_is_some(
    rich_html: str, rich_markdown: str, report_on: Callable[..., ReportContext]
) -> None:
    for page in (rich_html, as_html(rich_markdown)):
        said = " ".join(words(page).split())
        assert "It is not part of the bill: providers bill the same money themselves" in said
        assert re.search(r"gpt-4o openai ?, chat_completion \$40.50 \$4.50 9,000,000 25.0% 120;? 3 failed", said)
        assert "$14.9767" in said
    assert not {"AI usage", "Commitments"} & set(
        re.findall("<h2>(.*)</h2>", render(report_on(Spend("S", "Compute", "r", "1")), "html"))
    )


def test_commitments_say_what_was_used_wasted_and_saved_and_what_the_bill_does_not(
    rich_html: str, rich_markdown: str
) -> None:
    for page in (rich_html, as_html(rich_markdown)):
        said = " ".join(words(page).split())
        assert re.search(
            r"Compute <b>three</b> years aws ?, Savings Plan ?, arn\S+/0 \$812.50 \$187.50 81.2% \$1,270.25 \$270.25",
            said,
        )
        assert "1 more commitment has charges of which none says used or unused. Not in the table: −$438.01" in said
        assert "The bill does not state the list price of 1 of them: the last two totals leave it out" in said


def test_each_mover_says_why_and_the_reasons_lead_from_last_month_to_this(rich_html: str, rich_markdown: str) -> None:
    for page in (rich_html, as_html(rich_markdown)):
        said = " ".join(words(page).split())
        assert re.search(r"Expected: February 2026 brought to 21 days \$[\d,.]+ Usage:? more or less of the same", said)
        assert re.search(r"[+−]\$[\d,.]+ usage, [+−]\$[\d,.]+ price, −\$250\.00 credits", said)


def test_every_figure_of_a_picture_is_in_the_text(rich_html: str) -> None:
    drawn = set(re.findall(r">(?:\w+ )?([+−]?\$[\d,]+\.\d\d)<", rich_html.split("<main>")[1]))
    assert len(drawn) > 20
    assert drawn <= set(figures(rich_html))


def test_two_currencies_carry_the_same_figures(empty: Warehouse) -> None:
    spends = [Spend("S", "Compute", "r", "1.25"), Spend("T", "Storage", "q", "2", currency="EUR")]
    fixture.fill(empty, PERIOD, spends, THROUGH)
    report = context(empty)
    html = render(report, "html")
    assert figures(html) == figures(as_html(render(report, "md")))
    assert "Billed so far in EUR" in words(html)
    assert "Billed so far in USD" in words(html)


def test_the_page_needs_nothing_else(rich_html: str) -> None:
    assert not re.search(r"(?i)<link(?! rel=\"icon\" href=\"data:,\")|@import|url\(|https?://|src=", rich_html)


def test_ids_are_unique(rich_html: str) -> None:
    ids = re.findall(r' id="([^"]+)"', rich_html)
    assert len(ids) == len(set(ids)) > 10


def test_html_is_well_nested(rich_html: str) -> None:
    marked_up = re.sub(r"<script.*?</script>", "", rich_html, flags=re.DOTALL)
    for tag in ("div", "section", "table", "tbody", "tr", "td", "th", "figure", "details", "bdi", "span", "p"):
        assert len(re.findall(f"<{tag}[ >]", marked_up)) == marked_up.count(f"</{tag}>"), tag


def test_every_markdown_table_has_as_many_cells_in_each_row(rich_markdown: str) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", rich_markdown, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table


def test_what_is_refused_is_told_before_the_figures(rich_html: str, rich_markdown: str) -> None:
    for text in (words(rich_html), rich_markdown):
        assert text.index("Quarantined") < text.index("Billed so far")


def test_stale_data_is_told_before_the_figures(empty: Warehouse) -> None:
    fixture.fill(empty, PERIOD, [Spend("S", "Compute", "r", "1")], THROUGH)
    report = context(empty, as_of=AS_OF + timedelta(days=7))
    for format in ("html", "md"):
        assert re.search("Data is stale.*8 days ago.*Billed so far", render(report, format), re.DOTALL)


def test_the_reconciliation_shows_every_decimal(rich_html: str, rich: ReportContext) -> None:
    assert words(rich_html).count("26464.55856128") == 4
    assert "Agree to the last decimal" in rich_html


def test_hostile_values_are_harmless_in_html(report_on: Callable[..., ReportContext]) -> None:
    html = render(report_on(*hostile_spends()), "html")
    assert tags(html).isdisjoint({"img", "b"})
    assert html.lower().count("<script") == 3  # the page's own, and its data
    assert not [name for name in attributes(html) if name.startswith("on")]
    assert "<script>alert(1)</script>" in words(html)


def test_hostile_values_are_harmless_in_markdown(report_on: Callable[..., ReportContext]) -> None:
    report = report_on(*hostile_spends())
    page = as_html(render(report, "md"))
    assert tags(page).isdisjoint({"script", "img", "a", "code", "em", "b"})
    assert figures(page) == figures(render(report, "html"))


def test_a_long_name_does_not_fill_the_page(report_on: Callable[..., ReportContext]) -> None:
    html = render(report_on(*hostile_spends()), "html")
    assert "N" * 201 not in html


@pytest.mark.parametrize("format", ["html", "md"])
def test_only_the_last_line_varies_between_renderings(rich_warehouse: Warehouse, format: str) -> None:
    first, second = (
        render(context(rich_warehouse, generated_at=GENERATED_AT + timedelta(hours=hours)), format).splitlines()
        for hours in (0, 5)
    )
    different = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    assert [("Rendered" in a, "Rendered" in b) for a, b in different] == [(True, True)]


@pytest.mark.parametrize("format", ["html", "md"])
def test_a_month_without_charges_says_so(empty: Warehouse, format: str) -> None:
    text = words(render(context(empty), format))
    assert "Nothing was billed" in text
    assert "No budgets are set" in text
    assert "nothing to reconcile" in text


@pytest.mark.parametrize("format", ["html", "md"])
def test_a_first_month_without_budgets_says_so(report_on: Callable[..., ReportContext], format: str) -> None:
    text = words(render(report_on(Spend("S", "Compute", None, "1")), format))
    for sentence in (
        "February 2026 is not loaded",
        "No budgets are set",
        "No charge names a resource",
        "carries a tag",
    ):
        assert sentence in text


def test_numbers_follow_the_locale(rich: ReportContext) -> None:
    assert "26.464,56\N{NO-BREAK SPACE}$" in render(rich, "html", locale="de_DE")


def test_files_land_in_a_folder_for_the_period(rich_warehouse: Warehouse, tmp_path: Path) -> None:
    paths = render_report(rich_warehouse, PERIOD, out=tmp_path, formats=("html", "md"), **FACTS)
    assert paths == [tmp_path / "2026-03" / "report.html", tmp_path / "2026-03" / "report.md"]
    assert sorted(path.name for path in (tmp_path / "2026-03").iterdir()) == ["report.html", "report.md"]


@pytest.mark.parametrize("name", golden.NAMES)
def test_a_reader_sees_what_was_reviewed(name: str, rich_warehouse: Warehouse, tmp_path: Path) -> None:
    found = golden.made(name, tmp_path, rich_warehouse).split("\n")
    reviewed = (golden.FOLDER / name).read_bytes().decode().split("\n")
    changes = "\n".join(difflib.unified_diff(reviewed, found, "reviewed", "now", n=1, lineterm=""))
    assert not changes, f"if {name} is to be so: {golden.COMMAND}, and look at what git says\n{changes}"


def test_an_unchanged_report_is_not_written_again(rich_warehouse: Warehouse, tmp_path: Path) -> None:
    facts = {**FACTS, "generated_at": GENERATED_AT + timedelta(days=1)}
    [path] = render_report(rich_warehouse, PERIOD, out=tmp_path, formats=("md",), **FACTS)
    before = path.stat().st_mtime_ns, path.read_bytes()
    render_report(rich_warehouse, PERIOD, out=tmp_path, formats=("md",), **facts)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before


def test_a_changed_report_is_replaced(rich_warehouse: Warehouse, tmp_path: Path) -> None:
    [path] = render_report(rich_warehouse, PERIOD, out=tmp_path, formats=("md",), **FACTS)
    render_report(rich_warehouse, PERIOD, out=tmp_path, formats=("md",), **{**FACTS, "version": "0.2.0"})
    assert "Costmill 0.2.0" in path.read_text(encoding="utf-8")


def test_an_unknown_format_is_refused_and_nothing_written(rich_warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'html'"):
        render_report(rich_warehouse, PERIOD, out=tmp_path, formats=("htm",), **FACTS)
    assert not list(tmp_path.iterdir())


def test_a_user_s_template_stands_before_ours(rich: ReportContext, tmp_path: Path) -> None:
    (tmp_path / "markdown").mkdir()
    (tmp_path / "markdown" / "report.md.j2").write_text("{{ report.sections[0].total.billed | money('USD') }}")
    assert render(rich, "md", templates=tmp_path) == "$26,464.56\n"


@pytest.mark.parametrize(("percentage", "length"), [(None, "0.00"), ("75", "50.00"), ("-3", "0.00"), ("900", "100.00")])
def test_a_budget_s_bar_ends_at_its_edges(percentage: str | None, length: str) -> None:
    assert gauge(Decimal(percentage) if percentage else None) == length


def test_a_complete_month_has_no_forecast_beside_its_budgets(empty: Warehouse) -> None:
    fixture.fill(empty, "2026-02", [Spend("S", "Compute", "r", "1")], date(2026, 2, 28))
    fixture.budget(empty, 0, "provider", "aws", "900", Decimal(31), Decimal("31.41"), "OK", period="2026-02")
    report = context(empty, "2026-02")
    html = render(report, "html")
    assert "$31.41" not in html
    assert figures(html) == figures(as_html(render(report, "md")))
