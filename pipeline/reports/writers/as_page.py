"""A document as a page (HTML) or as Markdown, by the templates ``html/document.html.j2`` and ``markdown/document.md.j2``."""

from __future__ import annotations

from pathlib import Path

from pipeline.reports import render
from pipeline.reports.figures import STATUS, Figures
from pipeline.reports.model.document import Document
from pipeline.reports.shown import NUMBERS, ROUNDING, shown_document
from pipeline.reports.writers.files import File

TEMPLATES = {"html": "html/document.html.j2", "md": "markdown/document.md.j2"}


def files(document: Document, format: str, templates: Path | None) -> list[File]:
    """Return ``.html`` or ``.md``."""
    return [File(f".{format}", lambda: text(document, format, templates).encode(), render.unstamped)]


def text(document: Document, format: str, templates: Path | None = None, *, longest: int | None = None) -> str:
    """Return a document as a page; ``longest``: where its tables are cut at the latest."""
    figures = Figures.of(document.locale)
    page = shown_document(document, figures, longest=longest)
    given = {"page": page, "document": document, "status": STATUS, "numbers": NUMBERS, "rounding": ROUNDING}
    return render.fill(TEMPLATES[format], format, figures, templates, **given)
