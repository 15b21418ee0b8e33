"""Reports on paper: nothing is fetched, and what is missing is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pypdf
import pytest

from pipeline.errors import UsageError
from pipeline.reports.palette import in_light
from pipeline.reports.writers import write
from tests.reports.documents import small

PIXEL = bytes.fromhex("474946383961010001008000000000000000002c00000000010001000002024401003b")


def test_a_page_on_paper_fetches_nothing(tmp_path: Path) -> None:
    """A user's own template may ask for a picture from disk; only what it brings itself is drawn."""
    (tmp_path / "pixel.gif").write_bytes(PIXEL)
    (tmp_path / "html").mkdir()
    page = '<html lang="en"><title>t</title><p>{{ document.headline }}<img alt="" src="%s">'
    (tmp_path / "html" / "document.html.j2").write_text(page % (tmp_path / "pixel.gif").as_uri())
    [path] = write(small(), "pdf", tmp_path, templates=tmp_path)
    [sheet] = pypdf.PdfReader(path).pages
    assert "$39.91 and €12.50" in sheet.extract_text()
    assert list(sheet.images) == []


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(UsageError, match=r"pip install \"costmill\[pdf\]\".*apt-get install libpango-1.0-0"):
        write(small(), "pdf", tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_pango_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """WeasyPrint without Pango fails so; this stands in for it."""
    (tmp_path / "weasyprint.py").write_text("raise OSError(\"cannot load library 'libpango-1.0-0'\")")
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"libharfbuzz-subset0.*cannot load library 'libpango-1.0-0'"):
        write(small(), "pdf", tmp_path / "out")


def test_pictures_have_the_light_colours() -> None:
    assert in_light('<rect fill="var(--accent)" stroke="var(--ink)"/>') == '<rect fill="#0b6b75" stroke="#17202a"/>'
