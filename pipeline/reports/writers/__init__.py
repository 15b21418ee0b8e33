"""Reports as files: one module for each format, all of them made of one ``Document``.

What a format needs beyond the standard library is imported when it is written.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.errors import UsageError, near
from pipeline.reports.model.document import Document
from pipeline.reports.writers.files import File

#: Format -> what its files are.
FORMATS = {
    "html": "one page, opened from disk or sent on",
    "md": "Markdown, for a wiki or a pull request",
    "csv": "every row in full precision, a file for each table where there are several",
    "json": "the whole report in full precision, after docs/report.schema.json",
    "pdf": "the page on paper; needs the extra costmill[pdf]",
    "xlsx": "a workbook: the headline, and a sheet for each table",
    "parquet": "every row in full precision, typed, a file for each table where there are several",
}


def write(
    document: Document, format: str, folder: Path, *, name: str = "report", templates: Path | None = None
) -> list[Path]:
    """Write a document in one of ``FORMATS`` and return the paths: ``folder/name.format``, or with several tables and a
    file for each of them ``folder/name.<table>.format``.

    A file is replaced in one step, and only when more than its rendering time would change. Files of tables that the
    report has no longer are removed.

    Args:
        name: how the files' names begin; without a dot.
        templates: a folder whose ``html/document.html.j2`` or ``markdown/document.md.j2`` stands before ours.

    Raises:
        UsageError: when the format is not known, or its library is not installed.
    """
    check_format(format)
    if not name or re.search(r"[./\\\x00]", name):
        raise ValueError(f"{name!r} begins no file's name: no dot, no slash")
    files = _files(document, format, templates)
    paths = [Path(folder) / f"{name}{file.ending}" for file in files]
    for path, file in zip(paths, files, strict=True):
        file.put(path)
    _remove_others(Path(folder), name, format, {path.name for path in paths})
    return paths


def check_format(name: str) -> None:
    """Check that there is a format of a name, and of an extra that it is installed.

    Raises:
        UsageError: naming the near ones, or how to install it.
    """
    if name not in FORMATS:
        raise UsageError(f"{name!r} is no format of a report{near(name, FORMATS)}")
    if name == "pdf":
        from pipeline.reports.writers import as_pdf

        if not as_pdf.is_installed():
            raise UsageError(as_pdf.INSTALL)


def _files(document: Document, format: str, templates: Path | None) -> list[File]:
    match format:
        case "csv":
            from pipeline.reports.writers import as_csv

            return as_csv.files(document)
        case "json":
            from pipeline.reports.writers import as_json

            return as_json.files(document)
        case "pdf":
            from pipeline.reports.writers import as_pdf

            return as_pdf.files(document, templates)
        case "xlsx":
            from pipeline.reports.writers import as_xlsx

            return as_xlsx.files(document)
        case "parquet":
            from pipeline.reports.writers import as_parquet

            return as_parquet.files(document)
    from pipeline.reports.writers import as_page

    return as_page.files(document, format, templates)


def _remove_others(folder: Path, name: str, format: str, kept: set[str]) -> None:
    """Remove what an earlier report of the name left of tables that this one has not: its figures are out of date."""
    own = re.compile(rf"{re.escape(name)}(\.[A-Za-z][A-Za-z0-9_-]*)?\.{format}")
    for path in folder.iterdir() if folder.is_dir() else ():
        if own.fullmatch(path.name) and path.name not in kept:
            path.unlink()
