"""A report in which every text is hostile, whatever dataclass it is in: what is added later is hostile, too."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import cycle
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pipeline.reports.model import ReportContext, ResourceLines

NASTY = (
    "\"'><script>owned=1</script></script><!--<script><img src=x onerror=owned=1> =cmd|' /C calc'!A0 {{ 7*7 }} ${x} "
    "[f](javascript:owned=1) `c` *d* \u202eevil\u202c\u2028\x1b[31m 🦆 ﷽ été &lt;b&gt; \\"
)
TEXTS = (NASTY, "=HYPERLINK(1)" + "N" * 10_000, "# heading\n\n- list\r\n1. one|two")
#: What is parsed before it is shown, and is checked where it comes in or is a number as text.
_PARSED = {
    *((ReportContext, name) for name in ("period", "previous_period")),
    *((ResourceLines, name) for name in ("billed", "effective", "list")),
}
_OTHERS: dict[type, Any] = {
    Decimal: Decimal("1.5"),
    int: 2,
    bool: True,
    date: date(2026, 3, 2),
    datetime: datetime(2026, 3, 2, 6),
}


def hostile(report: ReportContext) -> ReportContext:
    """The report with hostile texts, and something in every part that is optional or empty."""
    made: ReportContext = _walk(report, ReportContext, cycle(TEXTS))
    return made


def _walk(value: Any, kind: Any, texts: Iterator[str]) -> Any:
    inner = [own for own in get_args(kind) if own is not type(None)]
    if get_origin(kind) in (types.UnionType, Union):
        return _walk(value, inner[0], texts)
    if kind is str or get_origin(kind) is Literal:
        return next(texts)
    if get_origin(kind) is tuple:
        if inner[-1] is not Ellipsis:
            return tuple(_walk(own, of, texts) for own, of in zip(value or [None] * len(inner), inner, strict=True))
        return tuple(_walk(own, inner[0], texts) for own in value or (None, None))
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{  # type: ignore[operator]
            own.name: getattr(value, own.name)
            if (kind, own.name) in _PARSED
            else _walk(getattr(value, own.name, None), hints[own.name], texts)
            for own in dataclasses.fields(kind)
        })  # fmt: skip
    return _OTHERS[kind] if value is None else value
