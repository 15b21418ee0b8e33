"""Pictures for readers that show no SVG, such as mail programs: PNG in the page's light colours."""

from __future__ import annotations

import re

from pipeline.reports.palette import in_light

#: vl-convert brings it along: text looks the same on a machine that has no fonts at all.
FONT = "Liberation Sans"
#: Dots for each of the picture's own: text stays sharp on screens of twice the density.
SCALE = 2

_ROOT = re.compile(r'<svg (?:xmlns="[^"]*" )?([^>]*)>')
#: As report.css has text in pictures: a rim in the page's colour keeps it readable on lines.
_STYLE = (
    f"<style>text{{font-family:'{FONT}';paint-order:stroke;stroke:#ffffff;stroke-width:4px;"
    'stroke-linejoin:round}</style><rect width="100%" height="100%" fill="#ffffff"/>'
)


def png(svg: str, scale: float = SCALE) -> bytes:
    """Return a picture of ``charts`` as PNG, on white."""
    import vl_convert

    alone = _ROOT.sub(rf'<svg xmlns="http://www.w3.org/2000/svg" \1>{_STYLE}', in_light(svg), count=1)
    drawn: bytes = vl_convert.svg_to_png(alone, scale=scale)
    return drawn
