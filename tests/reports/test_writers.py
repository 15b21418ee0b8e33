"""Files of a report: which there are, when they are replaced, and what each holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.reports.writers import FORMATS, write
from pipeline.reports.writers.as_csv import harmless
from tests.reports.documents import EVIL, GENERATED_AT, small


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_several_tables_are_a_file_each_and_one_table_is_the_report(tmp_path: Path) -> None:
    document = small()
    write(document, "csv", tmp_path / "several")
    assert names(tmp_path / "several") == ["report.alerts.csv", "report.facts.csv", "report.services.csv"]
    write(replace(document, parts=document.parts[1:]), "csv", tmp_path / "one")
    assert names(tmp_path / "one") == ["report.csv"]


def test_a_table_that_is_no_longer_in_a_report_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "report-of-mine.csv").touch()
    document = small()
    write(document, "csv", tmp_path)
    write(replace(document, parts=document.parts[1:]), "csv", tmp_path)
    assert names(tmp_path) == ["report-of-mine.csv", "report.csv"]


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_data_makes_the_same_bytes_and_only_other_data_replaces_a_file(format: str, tmp_path: Path) -> None:
    paths = write(small(), format, tmp_path)
    before = [(path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()) for path in paths]
    write(small(generated_at=GENERATED_AT + timedelta(days=1)), format, tmp_path)
    assert [(path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()) for path in paths] == before
    [first, *_] = write(small(headline="Other words", facts=()), format, tmp_path)
    assert first.read_bytes() != before[0][2]
    assert [path.read_bytes() for path in write(small(), format, tmp_path)] == [own for _, _, own in before]
    assert not list(tmp_path.glob(".*"))


def test_an_unknown_format_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'json'"):
        write(small(), "jsn", tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("text", [own for own in EVIL if "1+1" in own or own[0] in "+-@=\ufeff"])
def test_a_formula_is_a_text_in_csv(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Compute", "a=1", "'=1", "1-2", "éà", "−1"])
def test_other_texts_are_as_they_are_in_csv(text: str) -> None:
    assert harmless(text) == text
