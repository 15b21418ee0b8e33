"""The pictures of the month's page, by the names that its templates ask for."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from markupsafe import Markup

from pipeline.reports import charts
from pipeline.reports.figures import Figures
from pipeline.reports.model import CurrencySection
from pipeline.reports.render import REASONS


class Drawings:
    """The pictures by name, as templates ask for them; the names of their parts are unique on a page."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.count = 0

    def draw(self, name: str, section: CurrencySection) -> Markup:
        """Return inline SVG, safe as it is: ``running``, ``daily`` (wide and narrow), ``categories``, … ."""
        self.count += 1
        pictures: dict[str, Callable[[CurrencySection, str], str]] = {
            "running": self._running,
            "daily": self._daily,
            "categories": self._categories,
            "movers": self._movers,
            "reasons": self._reasons,
            "resources": self._resources,
            "tags": lambda own, ident: charts.coverage(own.tags, self.figures, ident),
        }
        return Markup(pictures[name](section, f"chart-{self.count}"))

    def _running(self, section: CurrencySection, ident: str) -> str:
        return _twice(lambda size, name: charts.running_cost(section, self.figures, name, size), ident)

    def _daily(self, section: CurrencySection, ident: str) -> str:
        return _twice(lambda size, name: charts.daily_cost(section, self.figures, name, size), ident)

    def _categories(self, section: CurrencySection, ident: str) -> str:
        lines = [category.line for category in section.categories]
        rows = [self._bar(section, line.name, "(no category)", line.costs.billed) for line in lines]
        return charts.bars(rows, ident, "Billed cost by service category")

    def _movers(self, section: CurrencySection, ident: str) -> str:
        rows = [
            charts.Bar(self.figures.label(own.name), own.change, self.figures.signed(own.change, section.currency))
            for own in section.movers[0].rows
        ]
        return charts.bars(rows, ident, "Change against the previous billing period, by service")

    def _reasons(self, section: CurrencySection, ident: str) -> str:
        whole, currency = section.movers[0].total, section.currency
        steps = [
            charts.Bar(REASONS[own.name][0], own.change, self.figures.signed(own.change, currency))
            for own in self.figures.told(whole.reasons, currency)
        ]
        start = charts.Bar("Expected", whole.expected, self.figures.money(whole.expected, currency))
        end = charts.Bar("This month", whole.billed, self.figures.money(whole.billed, currency))
        return charts.walk(start, steps, end, ident, "From what was expected to this month, by reason")

    def _resources(self, section: CurrencySection, ident: str) -> str:
        rows = [
            self._bar(section, own.name or _last_part(own.id), own.id, own.costs.billed)
            for own in section.resources.rows
        ]
        return charts.bars(rows, ident, "Billed cost of the most expensive resources")

    def _bar(self, section: CurrencySection, name: str | None, missing: str, amount: Decimal) -> charts.Bar:
        return charts.Bar(self.figures.label(name, missing), amount, self.figures.money(amount, section.currency))


def _last_part(resource_id: str) -> str:
    """What tells a long id from its neighbours: the end of a path or ARN."""
    return re.split(r"[/:]" if resource_id.startswith("arn:") else "/", resource_id.rstrip("/:"))[-1]


def _twice(drawing: Callable[[charts.Size, str], str], ident: str) -> str:
    """A wide picture and a narrow one; the style sheet shows the one that fits."""
    wide, narrow = drawing(charts.WIDE, f"{ident}-wide"), drawing(charts.NARROW, f"{ident}-narrow")
    return f'<div class="wide">{wide}</div>\n<div class="narrow">{narrow}</div>'
