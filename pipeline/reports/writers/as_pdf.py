"""A document as PDF: its page, set by WeasyPrint for paper, tagged for those who listen to it.

WeasyPrint is an extra and needs Pango. It is given no way to fetch anything: neither from the network nor from a disk.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import re
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.reports import render
from pipeline.reports.model.document import Document
from pipeline.reports.palette import in_light
from pipeline.reports.writers import as_page
from pipeline.reports.writers.files import File

INSTALL = (
    'a report as PDF needs WeasyPrint and the library Pango: `pip install "costmill[pdf]"` and `apt-get install '
    "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0` (or your system's name for them)"
)
_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_IDENTIFIER = re.compile(rb"/ID ?\[ ?\(([0-9a-f]{64})\)")


def is_installed() -> bool:
    """Whether WeasyPrint is there; whether it finds Pango is seen when the first PDF is made."""
    return importlib.util.find_spec("weasyprint") is not None


def files(document: Document, templates: Path | None) -> list[File]:
    """Return ``.pdf``.

    Raises:
        UsageError: when WeasyPrint or Pango is missing.
    """
    weasyprint = _weasyprint()
    page = _SVG.sub(lambda found: in_light(found[0]), as_page.text(document, "html", templates, paper=True))
    said = hashlib.sha256(b"\n".join([*render.unstamped(page.encode()), weasyprint.__version__.encode()]))
    return [File(".pdf", partial(_pdf, page, said.hexdigest()), identifier, said.hexdigest())]


def identifier(content: bytes) -> str | None:
    """The checksum of what a PDF says, without when it was rendered: the first part of its ID; None of other files."""
    found = _IDENTIFIER.search(content)
    return found[1].decode() if found else None


def _pdf(page: str, said: str) -> bytes:
    weasyprint = _weasyprint()
    source = weasyprint.HTML(string=page, url_fetcher=weasyprint.urls.URLFetcher(allowed_protocols=("data",)))
    content: bytes = source.write_pdf(pdf_identifier=said.encode(), pdf_variant="pdf/ua-1")
    return content


def _weasyprint() -> Any:
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it warns of each line of style that is for screens
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it asks for a newer library of the system
            import weasyprint
        # Of style for screens that paper does not know, and of letters that no font has, there is nothing to do.
        logging.getLogger("weasyprint").setLevel(logging.ERROR)
    except ImportError as error:
        raise UsageError(f"{INSTALL}; {error}") from None
    except OSError as error:
        raise UsageError(f"{INSTALL}; {str(error).splitlines()[0]}") from None
    return weasyprint
