"""`costmill report`: which files of which span, grouped how, and what is withheld."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Say


def written(out: str, folder: Path) -> list[str]:
    return [str(Path(line).relative_to(folder)) for line in out.splitlines()]


def test_each_span_has_a_folder_of_its_own(ready: Path, tmp_path: Path, say: Say) -> None:
    spans = ("2026-03", "2026-W12", "2026-03-20", "2026-03-01..2026-03-15")
    ended = say(
        "report", *(each for span in spans for each in ("--period", span)), "--format", "json", "--out", tmp_path
    )
    assert (ended.code, ended.stderr) == (0, "")
    assert written(ended.stdout, tmp_path) == [f"{span}/report.json" for span in spans]
    billed = {
        span: next(own["value"] for own in told["facts"] if own["name"] == "billed")
        for span in spans
        for told in [json.loads((tmp_path / span / "report.json").read_text())]
    }
    assert billed == {"2026-03": "210", "2026-W12": "60", "2026-03-20": "10", "2026-03-01..2026-03-15": "150"}


def test_a_format_whose_extra_is_missing_is_told_before_anything_is_written(
    ready: Path, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    ended = say("report", "budgets", "--format", "md", "--format", "pdf", "--out", tmp_path / "out")
    assert (ended.code, ended.stdout) == (64, "")
    assert 'pip install "costmill[pdf]"' in ended.stderr
    assert not (tmp_path / "out").exists()


def test_budgets_have_a_folder_in_their_spans(ready: Path, tmp_path: Path, say: Say) -> None:
    ended = say("report", "budgets", "--format", "md", "--format", "csv", "--out", tmp_path)
    assert ended.code == 0
    assert written(ended.stdout, tmp_path)[0] == "2026-03/budgets/report.md"
    with (tmp_path / "2026-03/budgets/report.csv").open(encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["budget_id"], row["current_spend"], row["effective_limit"]) == ("global", "210", "1000")


def test_a_months_page_stays_where_it_was_beside_its_other_formats(ready: Path, tmp_path: Path, say: Say) -> None:
    ended = say("report", "--format", "html", "--format", "json", "--out", tmp_path)
    assert written(ended.stdout, tmp_path) == ["2026-03/report.html", "2026-03/report.json"]
    assert "Where the figures come from" in (tmp_path / "2026-03/report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--period", "2026-W40"], "nothing is loaded for 2026-W40; loaded: 2026-02, 2026-03"),
        (["--period", "March"], "'March' is no period; write a month"),
        (["budget"], "'budget' is no report; did you mean 'budgets'?"),
        (["--format", "htm"], "'htm' is no format of a report; did you mean 'html'?"),
        (["budgets", "--group-by", "ServiceName"], "the report budgets cannot be grouped; costs can"),
    ],
)
def test_what_cannot_be_told_is_said(ready: Path, say: Say, arguments: list[str], words: str) -> None:
    ended = say("report", *arguments)
    assert (ended.code, ended.stdout) == (64, "")
    assert words in ended.stderr


@pytest.mark.parametrize(
    ("sql", "words"),
    [("DELETE FROM charges", "own.sql: the section 'Mine': is DELETE"), ("SELECT\nNoSuch FROM charges", "own.sql:2: ")],
)
def test_a_months_report_ends_with_what_is_wrong_in_ones_own_sql(
    ready: Path, tmp_path: Path, say: Say, sql: str, words: str
) -> None:
    (tmp_path / "own.sql").write_text(sql)
    text = (ready / "costmill.yaml").read_text().replace("path: exports", f"path: {ready}/exports")
    own = "reports:\n  sections: [{title: Mine, sql: own.sql}]\n"
    (tmp_path / "costmill.yaml").write_text(text.replace("reports:\n", own))
    place = ("--config", tmp_path / "costmill.yaml", "--warehouse", ready / "warehouse" / "costs.duckdb")
    ended = say("report", *place, "--out", tmp_path / "out")
    assert (ended.code, ended.stdout) == (64, "")
    assert words in ended.stderr


def test_a_months_report_ends_with_what_is_wrong_in_ones_own_template(ready: Path, tmp_path: Path, say: Say) -> None:
    (tmp_path / "own" / "markdown").mkdir(parents=True)
    (tmp_path / "own" / "markdown" / "report.md.j2").write_text("Mine\n{% if %}\n")
    ended = say("report", "--templates", tmp_path / "own", "--out", tmp_path / "out")
    assert (ended.code, ended.stdout) == (64, "")
    assert "markdown/report.md.j2:2: " in ended.stderr


def test_stale_data_withholds_every_span_that_reaches_the_open_month(ready: Path, tmp_path: Path, say: Say) -> None:
    config = tmp_path / "costmill.yaml"
    text = (ready / "costmill.yaml").read_text().replace("path: exports", f"path: {ready}/exports")
    config.write_text(text + "\nfreshness: {stale: withhold}\n")
    spans = ("2026-02", "2026-W08", "2026-W09", "2026-03-10", "2026-03")
    place = ("--config", config, "--warehouse", ready / "warehouse" / "costs.duckdb", "--out", tmp_path)
    ended = say(
        "report", "budgets", *(each for span in spans for each in ("--period", span)), *place, "--as-of", "2026-04-20"
    )
    assert ended.code == 66
    assert written(ended.stdout, tmp_path) == ["2026-02/budgets/report.md", "2026-W08/budgets/report.md"]
    for span in ("2026-W09", "2026-03-10", "2026-03"):
        assert f"the report of {span} is withheld, its data is stale" in ended.stderr
