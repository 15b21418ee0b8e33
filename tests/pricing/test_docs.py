"""docs/prices.md: its examples give what they show."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from pipeline.config.prices import read_price_file


@pytest.fixture
def page(project_root: Path) -> str:
    return (project_root / "docs" / "prices.md").read_text(encoding="utf-8")


def test_the_examples_hold(page: str) -> None:
    test = doctest.DocTestParser().get_doctest(page, {}, "docs/prices.md", None, 0)
    failures: list[str] = []
    found = doctest.DocTestRunner(verbose=False).run(test, out=failures.append)
    assert found.attempted > 10
    assert not failures, "".join(failures)


def test_the_overrides_that_it_shows_can_be_read(page: str, tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "prices.yaml").write_text(text, encoding="utf-8")
    assert [row.model for row in read_price_file(tmp_path / "prices.yaml")] == ["gpt-4o", "gpt-4o", "our-own-model"]
