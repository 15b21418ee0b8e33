"""Charts as inline SVG: Vega-Altair describes them, vl-convert draws them, the page's CSS variables colour them.

Nothing is measured: paddings, ticks and label places are given, so the same figures make the same bytes whatever
fonts a machine has. Money becomes a float here only, where it is a position in a picture; texts come from Decimals.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any

from pipeline.reports import vega
from pipeline.reports.figures import Figures, clean
from pipeline.reports.model import CurrencySection, Daily, Day, TagKey

ACCENT, SECOND, INK, MUTED, HAIRLINE, TRACK = (
    f"var(--{name})" for name in ("accent", "second", "ink", "muted", "hairline", "track")
)
Row = dict[str, Any]
Layer = vega.Described

FONT_SIZE = 13
ROW_HEIGHT = 42  # of a horizontal bar: its label over it
LABEL_ROOM = 42  # units of ``_units`` beside each other over a bar: its name and its figure
SHOWN_BARS = 10

_ROOT = re.compile(r"^<svg [^>]*>")
#: Roles of parts, which say nothing to a reader: the picture as a whole has its name and words.
_ROLES = re.compile(r'(<[a-z]+\b[^<>]*?)(?: (?:role|aria-roledescription)="[^"]*")+')


@dataclass(frozen=True)
class Size:
    """A picture's frame in pixels; CSS scales it to the width there is."""

    width: int
    height: int
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


#: Time runs over the page's width on a desk and in a picture of its own on a phone, so that its text stays readable.
WIDE = Size(width=1010, height=230, left=58, top=26, right=12, bottom=28)
NARROW = Size(width=330, height=210, left=52, top=26, right=8, bottom=28)
BARS_WIDTH = 360


@dataclass(frozen=True)
class Bar:
    """A horizontal bar: what it is, how long, and its figure as text."""

    label: str
    value: Decimal
    text: str


@dataclass(frozen=True)
class Month:
    """A billing period of a picture: what it came to, where it will end, and the limit that it had, where there are."""

    period: str
    billed: Decimal
    forecast: Decimal | None = None
    limit: Decimal | None = None


@dataclass(frozen=True)
class Plane:
    """The two scales that all layers of a picture share."""

    x: tuple[float, float]
    y: tuple[float, float]
    downwards: bool = False

    def layer(self, rows: Sequence[Row], mark: Layer, **fields: str) -> Layer:
        """Place marks at rows: each channel (x, x2, y, y2, text, opacity) names its field of theirs."""
        encoding = {channel: self._channel(channel, field) for channel, field in fields.items()}
        return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}

    def _channel(self, channel: str, field: str) -> Layer:
        if channel == "x":
            return vega.channel(channel, field, self.x)
        if channel == "y":
            return vega.channel(channel, field, self.y, reverse=self.downwards)
        return vega.channel(channel, field)


# --- Pictures over time ---------------------------------------------------------------------


def running_cost(section: CurrencySection, figures: Figures, ident: str, size: Size) -> str:
    """The bill as it grew, with the budget, its even pace, and the way to the forecast dashed."""
    daily, currency = section.daily, section.currency
    spent = daily.complete_days or daily.shown_days
    actual = [_at(day, day.cumulative) for day in spent]
    ahead = [_at(day, day.projected) for day in daily.days if day.projected is not None]
    pace = [_at(day, day.pace) for day in daily.days if day.pace is not None]
    heights = [row["y"] for row in [*actual, *ahead, *pace]] + ([float(daily.limit)] if daily.limit else [])
    plane = Plane((0, len(daily.days)), _domain(heights))
    layers = [*_grid(plane, daily, currency, figures)]
    layers.append(plane.layer(actual, vega.mark("area", color=ACCENT, opacity=0.12), x="x", y="y"))
    if daily.limit:
        limit = [{"x": 0, "y": float(daily.limit), "t": f"Budget {figures.money(daily.limit, currency)}"}]
        layers.append(plane.layer(limit, vega.mark("rule", color=INK, strokeWidth=1.25), y="y"))
        layers.append(plane.layer(limit, _words(align="left", dx=4, dy=-7, color=INK), x="x", y="y", text="t"))
        line = vega.mark("line", color=MUTED, strokeWidth=1.25, strokeDash=(1.5, 3.5), strokeCap="round")
        layers.append(plane.layer(pace, line, x="x", y="y"))
    if len(ahead) > 1:
        dashed = vega.mark("line", color=ACCENT, strokeWidth=2.25, strokeDash=(6, 5))
        layers.append(plane.layer(ahead, dashed, x="x", y="y"))
        end = [{**ahead[-1], "t": f"Forecast {figures.money(daily.days[-1].projected, currency)}"}]
        layers.append(plane.layer(end, _dot(fill="var(--page)"), x="x", y="y"))
        layers.append(plane.layer(end, _words(align="right", dx=4, dy=-13, color=INK), x="x", y="y", text="t"))
    layers.append(plane.layer(actual, vega.mark("line", color=ACCENT, strokeWidth=2.5), x="x", y="y"))
    layers.append(plane.layer(actual[-1:], _dot(fill=ACCENT), x="x", y="y"))
    layers.append(_billed_so_far(plane, actual, f"Billed {figures.money(spent[-1].cumulative, currency)}"))
    return _drawn(layers, size, ident, *_running_words(section, figures))


def _billed_so_far(plane: Plane, actual: Sequence[Row], words: str) -> Layer:
    """The newest figure beside its dot: over the line that rises to it, or, early in the month, under the way ahead."""
    (left, right), (low, high) = plane.x, plane.y
    end = {**actual[-1], "t": words}
    is_low = end["y"] < low + (high - low) * 0.2
    if end["x"] > left + (right - left) * 0.45:
        place = _words(align="right", dx=-6, dy=-10, color=INK)
    else:
        place = _words(align="left", dx=8, dy=-14 if is_low else 20, color=INK)
    return plane.layer([end], place, x="x", y="y", text="t")


def _running_words(section: CurrencySection, figures: Figures) -> tuple[str, str]:
    daily, currency = section.daily, section.currency
    spent = daily.complete_days or daily.shown_days
    parts = [f"{figures.money(spent[-1].cumulative, currency)} by {figures.day(spent[-1].day)}"]
    if daily.limit:
        parts.append(f"the budget is {figures.money(daily.limit, currency)}")
    if daily.days[-1].projected is not None and len(spent) < len(daily.days):
        parts.append(f"the forecast ends at {figures.money(daily.days[-1].projected, currency)}")
    return "Running cost of the month", "; ".join(parts) + "."


def daily_cost(section: CurrencySection, figures: Figures, ident: str, size: Size) -> str:
    """Each day of the month's usage, and on it what is bought, taxed or credited; days not yet complete are pale."""
    return days_cost(section.daily, section.currency, figures, ident, size)


def days_cost(daily: Daily, currency: str | None, figures: Figures, ident: str, size: Size) -> str:
    """The same for the days of any span."""
    rows = [row for number, day in enumerate(daily.shown_days, 1) for row in _stacked(day, number)]
    heights = [value for row in rows for value in (row["y"], row["y2"])] + (
        [float(daily.pace_per_day)] if daily.pace_per_day else []
    )
    plane = Plane((0, len(daily.days)), _domain(heights))
    layers = [*_grid(plane, daily, currency, figures)]
    for kind, colour in (("usage", ACCENT), ("other", SECOND)):
        own = [row for row in rows if row["kind"] == kind]
        layers.append(plane.layer(own, vega.mark("rect", color=colour), x="x", x2="x2", y="y", y2="y2", opacity="o"))
    layers.append(plane.layer([{"y": 0}], vega.mark("rule", color=MUTED, strokeWidth=1), y="y"))
    if daily.pace_per_day:
        dots = vega.mark("rule", color=INK, strokeWidth=1.25, strokeDash=(1.5, 3.5), strokeCap="round")
        layers.append(plane.layer([{"y": float(daily.pace_per_day)}], dots, y="y"))
    top = max(daily.shown_days, key=lambda day: day.billed)
    words = f"Highest on {figures.day(top.day)}: {figures.money(top.billed, currency)}."
    return _drawn(layers, size, ident, "Cost of each day", words)


def _stacked(day: Day, number: int) -> list[Row]:
    """Usage from 0, the rest on top of it, or below 0 where the two pull apart."""
    usage, other = float(day.usage), float(day.other)
    base = usage if usage * other > 0 else 0.0
    common = {"x": number - 0.86, "x2": number - 0.14, "o": 1.0 if day.complete else 0.4}
    return [
        {**common, "kind": "usage", "y": 0.0, "y2": usage},
        {**common, "kind": "other", "y": base, "y2": base + other},
    ]


def _at(day: Day, amount: Decimal | None) -> Row:
    return {"x": day.day.day - 0.5, "y": float(amount or 0)}


def _domain(heights: Iterable[float]) -> tuple[float, float]:
    low, high = min(0.0, *heights, 0.0), max(0.0, *heights, 0.0)
    room = (high - low) * 0.1 or 1.0
    return (low - room if low < 0 else 0.0), high + (room if high > 0 else 0.0)


def _grid(plane: Plane, daily: Daily, currency: str | None, figures: Figures) -> list[Layer]:
    days = [
        {"x": number - 0.5, "y": plane.y[0], "t": figures.short_day(daily.days[number - 1].day)}
        for number in range(1, len(daily.days) + 1, _label_every(len(daily.days)))
    ]
    return _lines(plane, days, currency, figures)


def _lines(plane: Plane, labels: Sequence[Row], currency: str | None, figures: Figures) -> list[Layer]:
    """Round amounts across the picture, and labels under it."""
    levels = [
        {"x": plane.x[0], "y": float(value), "t": figures.round_money(value, currency)}
        for value in _round_steps(*plane.y)
    ]
    return [
        plane.layer(levels, vega.mark("rule", color=HAIRLINE, strokeWidth=1), y="y"),
        plane.layer(levels, _words(align="right", dx=-10, color=MUTED, baseline="middle"), x="x", y="y", text="t"),
        plane.layer(labels, _words(align="center", dy=20, color=MUTED), x="x", y="y", text="t"),
    ]


def _label_every(days: int) -> int:
    """Days from one label to the next: a week, of few days less, of many more, so that labels never meet."""
    return max(1, -(-days // 5)) if days < 28 else 7 * -(-days // 35)


def _round_steps(low: float, high: float) -> list[Decimal]:
    """Three to six round values from 1, 2 or 5 times a power of ten."""
    span = Decimal(repr(high - low))
    power = Decimal(1).scaleb(span.adjusted() - 1)
    step = next(power * factor for factor in (1, 2, 5, 10, 20, 50) if span / (power * factor) <= 5)
    first = int(Decimal(repr(low)) / step)
    return [step * number for number in range(first, int(Decimal(repr(high)) / step) + 1)]


def by_month(
    months: Sequence[Month], currency: str | None, figures: Figures, ident: str, size: Size, title: str
) -> str:
    """A column a billing period, the oldest first; where it will end stands pale behind it, its limit as a mark across."""
    columns = [
        {"x": place + 0.14, "x2": place + 0.86, "y": 0.0, "y2": float(own.billed), "ahead": float(own.forecast or 0),
         "limit": float(own.limit or 0)}
        for place, own in enumerate(months)
    ]  # fmt: skip
    heights = [row[name] for row in columns for name in ("y2", "ahead", "limit")]
    plane = Plane((0, max(len(months), 3)), _domain(heights))
    room = 15 if size == WIDE else 5
    every = -(-len(months) // room)
    named = [place for place in range(len(months)) if (len(months) - 1 - place) % every == 0]
    labels = [{"x": place + 0.5, "y": plane.y[0], "t": figures.short_month(months[place].period)} for place in named]
    layers = _lines(plane, labels, currency, figures)
    ahead = [row for row in columns if row["ahead"]]
    layers.append(plane.layer(ahead, vega.mark("rect", color=ACCENT, opacity=0.3), x="x", x2="x2", y="y", y2="ahead"))
    layers.append(plane.layer(columns, vega.mark("rect", color=ACCENT), x="x", x2="x2", y="y", y2="y2"))
    layers.append(plane.layer([{"y": 0}], vega.mark("rule", color=MUTED, strokeWidth=1), y="y"))
    limits = [{**row, "x": row["x"] - 0.1, "x2": row["x2"] + 0.1} for row in columns if row["limit"]]
    layers.append(plane.layer(limits, vega.mark("rule", color=INK, strokeWidth=2), x="x", x2="x2", y="limit"))
    top, last = max(months, key=lambda own: own.billed), months[-1]
    words = (
        f"{figures.month(last.period)}: {figures.money(last.billed, currency)}; the most in "
        f"{figures.month(top.period)}: {figures.money(top.billed, currency)}."
    )
    return _drawn(layers, size, ident, title, words)


# --- Bars -----------------------------------------------------------------------------------


def bars(rows: Sequence[Bar], ident: str, title: str) -> str:
    """Horizontal bars from a common zero, each under its name and figure; the largest ``SHOWN_BARS`` of them."""
    shown = rows[:SHOWN_BARS]
    lengths = [float(row.value) for row in shown]
    low, high = min(0.0, *lengths, 0.0), max(0.0, *lengths, 0.0)
    rows_up = [own for own in _bar_rows(shown) if own["x2"] >= 0]
    rows_down = [own for own in _bar_rows(shown) if own["x2"] < 0]
    plane = Plane((low, high if high > low else low + 1), (0, len(shown) * ROW_HEIGHT), downwards=True)
    layers = [plane.layer(rows_up, _bar(ACCENT), x="x", x2="x2", y="y", y2="y2")] if rows_up else []
    if rows_down:
        layers.append(plane.layer(rows_down, _bar(SECOND), x="x", x2="x2", y="y", y2="y2"))
    layers += _bar_words(shown, plane)
    if low < 0:
        zeros = [{"x": 0.0, "y": row["y"] - 3, "y2": row["y2"] + 3} for row in _bar_rows(shown)]
        layers.append(plane.layer(zeros, vega.mark("rule", color=MUTED, strokeWidth=1), x="x", y="y", y2="y2"))
    return _drawn(layers, _bars_size(shown), ident, title, _bar_sentence(shown))


def walk(start: Bar, steps: Sequence[Bar], end: Bar, ident: str, title: str) -> str:
    """From one amount to another by steps that float where the one before ended; both ends are marks, not lengths."""
    shown = [start, *steps, end]
    levels = [float(level) for level in accumulate([start.value, *(step.value for step in steps)])]
    low, high = min(levels), max(levels)
    room = (high - low) * 0.02 or 1.0
    plane = Plane((low - room, high + room), (0, len(shown) * ROW_HEIGHT), downwards=True)
    places = _bar_rows(shown)
    rows = [
        {**place, "x": before, "x2": after}
        for place, before, after in zip(places[1:-1], levels[:-1], levels[1:], strict=True)
    ]
    layers = [
        plane.layer(own, _bar(colour), x="x", x2="x2", y="y", y2="y2")
        for colour, own in (
            (ACCENT, [row for row in rows if row["x2"] >= row["x"]]),
            (SECOND, [row for row in rows if row["x2"] < row["x"]]),
        )
        if own
    ]
    joints = [
        {"x": level, "y": upper["y"], "y2": lower["y2"]}
        for level, upper, lower in zip(levels, places[:-1], places[1:], strict=True)
    ]
    layers.append(plane.layer(joints, vega.mark("rule", color=MUTED, strokeWidth=1), x="x", y="y", y2="y2"))
    ends = [{**place, "x": level} for place, level in ((places[0], levels[0]), (places[-1], levels[-1]))]
    layers.append(plane.layer(ends, vega.mark("rule", color=INK, strokeWidth=3), x="x", y="y", y2="y2"))
    layers += _bar_words(shown, plane)
    return _drawn(layers, _bars_size(shown), ident, title, _bar_sentence(shown))


def coverage(keys: Sequence[TagKey], figures: Figures, ident: str) -> str:
    """Per tag key the tagged share of the bill, in full length what is untagged; shares beyond 0 and 100 are cut."""
    shown = [
        Bar(key.key, min(max(key.tagged_share or Decimal(0), Decimal(0)), Decimal(100)), _tagged(key, figures))
        for key in keys[:SHOWN_BARS]
    ]
    plane = Plane((0, 100), (0, len(shown) * ROW_HEIGHT), downwards=True)
    whole = [{**row, "x": 0.0, "x2": 100.0} for row in _bar_rows(shown)]
    layers = [
        plane.layer(whole, _bar(TRACK), x="x", x2="x2", y="y", y2="y2"),
        plane.layer(_bar_rows(shown), _bar(ACCENT), x="x", x2="x2", y="y", y2="y2"),
        *_bar_words(shown, plane),
    ]
    return _drawn(layers, _bars_size(shown), ident, "Share of the bill that carries each tag", _bar_sentence(shown))


def _tagged(key: TagKey, figures: Figures) -> str:
    return f"{figures.percent(key.tagged_share)} tagged"


def _bar_rows(rows: Sequence[Bar]) -> list[Row]:
    tops = [number * ROW_HEIGHT for number in range(len(rows))]
    return [
        {"x": 0.0, "x2": float(row.value), "y": top + 21, "y2": top + 30} for row, top in zip(rows, tops, strict=True)
    ]


def _bar(colour: str) -> Layer:
    return vega.mark("rect", color=colour, cornerRadius=2)


def _bar_words(rows: Sequence[Bar], plane: Plane) -> list[Layer]:
    left, right = plane.x
    places = [number * ROW_HEIGHT + 14 for number in range(len(rows))]
    pairs = list(zip(rows, places, strict=True))
    names = [{"x": left, "y": y, "t": _fitting(row)} for row, y in pairs]
    amounts = [{"x": right, "y": y, "t": row.text} for row, y in pairs]
    return [
        plane.layer(names, _words(align="left", color=INK), x="x", y="y", text="t"),
        plane.layer(amounts, _words(align="right", color=INK), x="x", y="y", text="t"),
    ]


def _fitting(row: Bar) -> str:
    """The name, cut to what its figure leaves it."""
    name, room = clean(row.label, LABEL_ROOM), LABEL_ROOM - _units(row.text)
    if _units(name) <= room:
        return name
    while name and _units(name) > room - 1:
        name = name[:-1]
    return f"{name.rstrip()}…"


def _units(text: str) -> float:
    """A rough width that no font decides: 1 for a small letter or digit, 1.4 for a capital, 2 where East Asia writes wide."""
    return sum(2 if unicodedata.east_asian_width(own) in "WF" else 1.4 if own.isupper() else 1 for own in text)


def _bar_sentence(rows: Sequence[Bar]) -> str:
    return "; ".join(f"{clean(row.label, LABEL_ROOM)}: {row.text}" for row in rows) + "."


def _bars_size(rows: Sequence[Bar]) -> Size:
    return Size(width=BARS_WIDTH, height=len(rows) * ROW_HEIGHT)


# --- Drawing --------------------------------------------------------------------------------


def _words(baseline: str = "alphabetic", **style: Any) -> Layer:
    return vega.mark("text", fontSize=FONT_SIZE, limit=0, baseline=baseline, **style)


def _dot(fill: str) -> Layer:
    return vega.mark("point", size=60, fill=fill, stroke=ACCENT, strokeWidth=2, opacity=1)


def specification(layers: Sequence[Layer], size: Size) -> Layer:
    """A Vega-Lite chart of the layers, with nothing left to measure."""
    return {
        "$schema": vega.schema(),
        "layer": list(layers),
        "width": size.width,
        "height": size.height,
        "padding": {"left": size.left, "top": size.top, "right": size.right, "bottom": size.bottom},
        "autosize": "none",
        "background": "transparent",
        "config": {"aria": False, "view": {"stroke": None}},  # the picture as a whole has its name and words
    }


def _drawn(layers: Sequence[Layer], size: Size, ident: str, title: str, words: str) -> str:
    """Draw the layers and give the picture a name, a description and the width of its container."""
    drawn = _ROLES.sub(r"\1", vega.svg(specification(layers, size)))
    width, height = size.left + size.width + size.right, size.top + size.height + size.bottom
    root = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{ident}-title {ident}-text">'
        f'<title id="{ident}-title">{html.escape(title)}</title><desc id="{ident}-text">{html.escape(words)}</desc>'
    )
    return _ROOT.sub(lambda _: root, drawn, count=1)
