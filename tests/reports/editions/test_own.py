"""Sections and templates of a user's own: the docs' examples work, and what is wrong says where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.config.model import OwnSection
from pipeline.errors import UsageError
from pipeline.reports import writers
from pipeline.reports.render import render_report
from pipeline.store.warehouse import Warehouse
from tests.reports.editions.conftest import AS_OF, column, told

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "reports.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    return str(found)


def section(folder: Path, sql: str, **facts: object) -> OwnSection:
    path = folder / "own.sql"
    path.write_text(sql, encoding="utf-8")
    return OwnSection("Own", path, **facts)  # type: ignore[arg-type]


def test_the_section_of_the_docs_is_in_every_format(sampled: Warehouse, tmp_path: Path) -> None:
    own = section(tmp_path, example("sql"))
    [document] = told(sampled, "costs", "2026-02", sections=(own,))
    table = document.parts[-1].tables[0]
    expected = sampled.rows(
        """SELECT SubAccountId, sum(BilledCost) AS cost FROM focus_data_table
        WHERE x_Origin = 'billed' AND x_BillingPeriod = '2026-02' AND x_EffectiveTags->>'$.team' IS NULL
        GROUP BY ALL ORDER BY cost DESC"""
    )
    assert list(zip(column(table, "account"), column(table, "BilledCost"), strict=True)) == expected
    assert (table.currency, [own.kind for own in table.columns]) == ("USD", ["text", "money", "count"])
    written = render_report(
        sampled, "2026-02", out=tmp_path, as_of=AS_OF, generated_at=AS_OF, version="0", sections=(own,)
    )
    assert all(
        str(expected[0][0]) in path.read_text().split(">Own<" if path.suffix == ".html" else "## Own")[1]
        for path in written
    )


def test_the_template_of_the_docs_stands_before_ours(rich_warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "templates" / "markdown" / "document.md.j2"
    path.parent.mkdir(parents=True)
    path.write_text(example("jinja"))
    [document] = told(rich_warehouse, "restatements", "2026-03")
    [written] = writers.write(document, "md", tmp_path, templates=tmp_path / "templates")
    assert "Restatements: 3 rows" in written.read_text()


def test_a_section_is_of_the_reports_that_it_names(rich_warehouse: Warehouse, tmp_path: Path) -> None:
    own = section(tmp_path, "SELECT $start AS day, 1.5 AS x, true AS y, NULL AS z", reports=("restatements",))
    [restatements] = told(rich_warehouse, "restatements", "2026-W12", sections=(own,))
    assert [str(value) for value in restatements.parts[-1].tables[0].rows[0]] == ["2026-03-16", "1.5", "yes", "None"]
    [budgets] = told(rich_warehouse, "budgets", "2026-W12", sections=(own,))
    assert "Own" not in [part.title for part in budgets.parts]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DROP TABLE charges", "is DROP; a section is one SELECT"),
        ("UPDATE settings SET value = ''", "is UPDATE"),
        ("SELECT 1; DELETE FROM charges", "holds 2 statements"),
        ("COPY charges TO 'x.csv'", "is COPY"),
        ("ATTACH 'x.duckdb'", "is ATTACH"),
        ("-- nothing", "holds 0 statements"),
        ("SELECT $tenant", "names $tenant, which nothing is bound to; there are $period, $start, $end"),
        ("SELECT 1,\n  nope", "own.sql:2: the section 'Own': "),
        ("SELECT 1 AS a, 2 AS A", "two columns have one name"),
    ],
)
def test_what_no_section_can_be_names_its_file(rich_warehouse: Warehouse, tmp_path: Path, sql: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        told(rich_warehouse, "budgets", "2026-03", sections=(section(tmp_path, sql, reports=("budgets",)),))
    assert words in str(caught.value)
    assert "own.sql" in str(caught.value)
    assert rich_warehouse.value("SELECT count(*) FROM loads")


def test_what_is_wrong_in_a_template_names_its_file_and_line(rich_warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "markdown" / "document.md.j2"
    path.parent.mkdir()
    [document] = told(rich_warehouse, "restatements", "2026-03")
    for text in ("fine\n{{ document.nope }}", "fine\n{% if %}", "fine\n{{ 1 / 0 }}"):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"markdown/document.md.j2:2: the template cannot be used"):
            writers.write(document, "md", tmp_path / "out", templates=tmp_path)
