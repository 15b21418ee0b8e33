"""A document as a page (HTML) or as Markdown, by the templates ``html/document.html.j2`` and ``markdown/document.md.j2``."""

from __future__ import annotations

from pathlib import Path

from pipeline.reports import render
from pipeline.reports.figures import STATUS, Figures
from pipeline.reports.model.document import Document
from pipeline.reports.shown import NUMBERS, ROUNDING, shown_document
from pipeline.reports.writers.files import File

#: Rows that a table has at most, whatever the report says: the others are summed in one. Files for machines have all.
LONGEST = {"html": 5000, "md": 1000, "paper": 500}
TEMPLATES = {"html": "html/document.html.j2", "md": "markdown/document.md.j2"}


def files(document: Document, format: str, templates: Path | None) -> list[File]:
    """Return ``.html`` or ``.md``."""
    return [File(f".{format}", lambda: text(document, format, templates).encode(), render.unstamped)]


def text(document: Document, format: str, templates: Path | None = None, *, paper: bool = False) -> str:
    """Return a document as a page; ``paper``: with what is for paper alone, and its shorter tables."""
    figures = Figures.of(document.locale)
    page = shown_document(document, figures, longest=LONGEST["paper" if paper else format])
    given = {"page": page, "document": document, "status": STATUS, "numbers": NUMBERS, "rounding": ROUNDING}
    return render.fill(TEMPLATES[format], format, figures, templates, paper=paper, **given)
