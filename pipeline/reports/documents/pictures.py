"""Pictures over time as documents have them: drawn for the formats that show them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import localcontext

from pipeline import money
from pipeline.reports import charts
from pipeline.reports.model.document import Picture


def over_time(
    ident: str,
    title: str,
    words: str,
    drawing: Callable[[str, charts.Size], str],
    key: tuple[tuple[str, str], ...],
) -> Picture:
    """Return a picture that is wide, and narrow for a phone.

    Args:
        ident: its name and its number in the document, such as ``days-1``.
        drawing: draws it, given the name of its parts and its frame.
    """

    def drawn(name: str, size: charts.Size) -> str:
        with localcontext(money.EXACT):
            return drawing(f"{ident}-{name}", size)

    name = ident.rpartition("-")[0]
    wide, narrow = (lambda: drawn("wide", charts.WIDE)), (lambda: drawn("narrow", charts.NARROW))
    return Picture(name, title, words, wide, narrow, key)
