"""docs/formats.md and docs/loading.md say what the code does."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import get_args

from pipeline.sources import formats
from pipeline.store.loads import Status

ROOT = Path(__file__).resolve().parents[2]
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
LOADING = (ROOT / "docs" / "loading.md").read_text(encoding="utf-8")


def test_every_source_change_of_the_mappings_is_explained_and_no_other() -> None:
    codes = {"residue", "tags"}
    for path in (ROOT / "sql" / "sources").glob("*.sql"):
        for changes in re.findall(
            r"concat_ws\((.*?)\), ''\) AS x_SourceChanges", path.read_text(encoding="utf-8"), re.DOTALL
        ):
            codes |= set(re.findall(r"THEN '([a-z_]+)'", changes))
    section = FORMATS.split("`x_SourceChanges`\n", 1)[1]
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE))
    assert explained == codes


def test_every_line_item_type_of_the_lookup_is_in_the_table() -> None:
    with (ROOT / "sql" / "lookups" / "aws_line_item_types.csv").open(encoding="utf-8", newline="") as file:
        kinds = [row["LineItemType"] for row in csv.DictReader(file)]
    assert [kind for kind in kinds if kind not in FORMATS] == []


def test_every_format_is_listed_with_its_signature() -> None:
    for each in formats.FORMATS:
        [line] = [line for line in FORMATS.splitlines() if line.startswith(f"| `{each.name}` |")]
        assert each.lacking({formats.squeeze(name) for name in re.findall(r"[\w/.]+", line)}) == ()


def test_every_verdict_is_explained() -> None:
    assert all(f"| `{status}` |" in LOADING for status in get_args(Status))
