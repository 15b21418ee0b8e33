"""The page's colours where there are no CSS variables: in PDFs and in the pictures of mails, which are always light."""

from __future__ import annotations

import re
from functools import cache

from pipeline import resources

_VARIABLE = re.compile(r"var\(--([a-z]+)\)")
_COLOUR = re.compile(r"--([a-z]+):\s*([^;]+);")


@cache
def light() -> dict[str, str]:
    """The light palette by name, as the first block of report.css has it."""
    css = (resources.folder("reports") / "html" / "report.css").read_text(encoding="utf-8")
    return dict(_COLOUR.findall(css[: css.index("}")]))


def in_light(svg: str) -> str:
    """Return a picture with its colours written out."""
    return _VARIABLE.sub(lambda found: light()[found[1]], svg)
