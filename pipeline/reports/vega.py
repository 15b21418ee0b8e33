"""Vega-Lite for ``charts``: Altair describes marks and channels, vl-convert draws what they make up.

Both start slowly: they are imported when the first picture is drawn, and ``start`` begins the longer start, that of
vl-convert's engine, beside other work. Altair's own checks are left to the tests, they take longer than a page.
"""

from __future__ import annotations

import json
import threading
from functools import cache, lru_cache
from typing import Any, Literal

Kind = Literal["area", "line", "point", "rect", "rule", "text"]
Described = dict[str, Any]

#: Pictures kept as they were drawn: a month's are asked for by its page, by its documents and by its page of the site.
KEPT = 64

#: The thread that starts the engine, once there is one.
_starting: list[threading.Thread] = []


@cache
def schema() -> str:
    """The version of Vega-Lite that is written."""
    import altair

    return altair.SCHEMA_URL


@lru_cache(maxsize=256)
def mark(kind: Kind, **style: Any) -> Described:
    """Describe a mark; what is returned is shared, and for reading."""
    import altair
    from altair.utils import schemapi

    with schemapi.debug_mode(False):
        described: Described = altair.MarkDef(type=kind, **style).to_dict(validate=False)
    return described


@lru_cache(maxsize=256)
def channel(name: str, field: str, domain: tuple[float, float] = (0, 1), *, reverse: bool | None = None) -> Described:
    """Describe the channel ``name`` (x, x2, y, y2, text or opacity) that reads ``field``; for reading, as ``mark``'s.

    Args:
        domain, reverse: of the scale, where the channel has one.
    """
    import altair
    from altair.utils import schemapi

    with schemapi.debug_mode(False):
        described: Described = _channel(altair, name, field, domain, reverse).to_dict(validate=False)
    return described


def _channel(altair: Any, name: str, field: str, domain: tuple[float, float], reverse: bool | None) -> Any:
    if name in ("x", "y"):
        turned = {} if reverse is None else {"reverse": reverse}
        scale = altair.Scale(domain=list(domain), nice=False, zero=False, **turned)
        return (altair.X if name == "x" else altair.Y)(field=field, type="quantitative", axis=None, scale=scale)
    if name == "text":
        return altair.Text(field=field, type="nominal")
    if name == "opacity":
        return altair.Opacity(field=field, type="quantitative", scale=None, legend=None)
    return (altair.X2 if name == "x2" else altair.Y2)(field=field)


def svg(specification: Described) -> str:
    """Draw a specification; one that was drawn lately is not drawn again."""
    return _drawn(json.dumps(specification))


@lru_cache(maxsize=KEPT)
def _drawn(specification: str) -> str:
    import vl_convert

    if _starting:
        _starting[0].join()
    drawn: str = vl_convert.vegalite_to_svg(json.loads(specification))
    return drawn


def start() -> None:
    """Begin to start the engine beside what is done next, once a process: that takes a second, and no lock of Python's.

    The program does not end before it has started.
    """
    if not _starting:
        _starting.append(threading.Thread(target=_start, name="vega"))
        _starting[0].start()


def _start() -> None:
    import vl_convert

    vl_convert.vegalite_to_svg({"data": {"values": []}, "mark": "point"})
