"""Pictures for readers that show no SVG, such as mail programs: PNG in the page's light colours."""

from __future__ import annotations

import re
from functools import cache

from pipeline import resources

#: vl-convert brings it along: text looks the same on a machine that has no fonts at all.
FONT = "Liberation Sans"
#: Dots for each of the picture's own: text stays sharp on screens of twice the density.
SCALE = 2

_VARIABLE = re.compile(r"var\(--([a-z]+)\)")
_COLOUR = re.compile(r"--([a-z]+):\s*([^;]+);")
_ROOT = re.compile(r'<svg (?:xmlns="[^"]*" )?([^>]*)>')
#: As report.css has text in pictures: a rim in the page's colour keeps it readable on lines.
_STYLE = (
    f"<style>text{{font-family:'{FONT}';paint-order:stroke;stroke:#ffffff;stroke-width:4px;"
    'stroke-linejoin:round}</style><rect width="100%" height="100%" fill="#ffffff"/>'
)


def light(svg: str) -> str:
    """Return a picture with the light palette's colours in place of the page's variables."""
    return _VARIABLE.sub(lambda match: palette()[match[1]], svg)


def png(svg: str, scale: float = SCALE) -> bytes:
    """Return a picture of ``charts`` as PNG, on white."""
    import vl_convert

    alone = _ROOT.sub(rf'<svg xmlns="http://www.w3.org/2000/svg" \1>{_STYLE}', light(svg), count=1)
    drawn: bytes = vl_convert.svg_to_png(alone, scale=scale)
    return drawn


@cache
def palette() -> dict[str, str]:
    """Return the colours of report.css by name, those of its first block: light ones."""
    css = (resources.folder("reports") / "html" / "report.css").read_text(encoding="utf-8")
    return dict(_COLOUR.findall(css[: css.index("}")]))
