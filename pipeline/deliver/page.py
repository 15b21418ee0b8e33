"""Where a report's page is on the web."""

from __future__ import annotations

from pathlib import Path

from pipeline.reports.documents import place
from pipeline.reports.model.document import Document


def link(base: str | None, out: Path, document: Document) -> str | None:
    """Return the address of a report's page, or of the month's that its last day is in; None where none is written.

    Args:
        base: what the folder of the reports is called on the web; None: it is not there.
        out: that folder.
    """
    if base is None or document.subject is not None:
        return None
    month = f"{document.end:%Y-%m}" if document.end.day > 1 else document.start.strftime("%Y-%m")
    for folder in (str(place(document)), month):
        if (out / folder / "report.html").exists():
            return f"{base}/{folder}/report.html"
    return None
