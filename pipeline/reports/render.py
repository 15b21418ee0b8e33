"""From a period's context to files: HTML for people, Markdown for wikis and reviews, with the same figures."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path

import jinja2
from altair.utils import schemapi
from markupsafe import Markup

from pipeline import money, resources
from pipeline.errors import UsageError, near
from pipeline.reports import charts
from pipeline.reports.context import build_context
from pipeline.reports.figures import STATUS, Figures, clean, markdown
from pipeline.reports.model import CurrencySection, ReportContext
from pipeline.reports.page_data import resources_data, services_data
from pipeline.reports.site.names import Links
from pipeline.reports.writers.files import put
from pipeline.store.warehouse import Warehouse


class _Words(dict[str, str]):
    """Words for names; one that is not known stands for itself."""

    def __missing__(self, name: str) -> str:
        return clean(name)


#: Format -> its template and the file's name.
FORMATS: Mapping[str, tuple[str, str]] = {
    "html": ("html/report.html.j2", "report.html"),
    "md": ("markdown/report.md.j2", "report.md"),
}
#: The one line that differs between two renderings of the same data begins so.
STAMPS = (b'<p id="rendered">', b"Rendered ")
#: A budget's bar ends here, in percent of its limit.
GAUGE_END = Decimal(150)

#: Alert severities, the worst first.
SEVERITIES = ("emergency", "critical", "warning", "info")
SCOPES = _Words(
    {
        "global": "Global",
        "provider": "Provider",
        "tag": "Tag",
        "type": "Resource type",
        "policy": "Policy",
    }
)
#: What policies count.
ORIGINS = _Words({"billed": "Billed", "recorded": "Recorded", "auto": "Billed, and recorded without a bill"})

#: Reason of a change: its name, and what it is about.
REASONS: Mapping[str, tuple[str, str]] = {
    "usage": ("Usage", "more or less of the same, at the price before"),
    "price": ("Price", "the same at another price, or paid by a commitment"),
    "new": ("New", "not used the month before"),
    "gone": ("Gone", "not used this month so far"),
    "purchase": ("Purchases", "fees and commitments"),
    "credit": ("Credits", ""),
    "refund": ("Refunds and corrections", ""),
    "tax": ("Tax", ""),
    "other": ("Other", "adjustments, and usage without a quantity"),
}


def render_report(
    warehouse: Warehouse,
    period: str,
    *,
    out: Path,
    formats: Sequence[str] = ("html", "md"),
    as_of: datetime,
    generated_at: datetime,
    version: str,
    locale: str = "en_US",
    templates: Path | None = None,
    max_age_days: int | None = None,
    tag_keys: Sequence[str] = (),
    fiscal_year_start: int = 1,
) -> list[Path]:
    """Write a billing period's report as ``out/<period>/report.<format>`` and return the paths, in ``formats``' order.

    A file is replaced in one step, and only when more than its rendering time would change.

    Args:
        templates: a folder whose ``html/report.html.j2`` or ``markdown/report.md.j2`` stands before ours.
        locale: of numbers, dates and currencies, such as ``de_DE``; the words are English.
        as_of, generated_at, version, max_age_days, tag_keys, fiscal_year_start: as ``build_context`` takes them.

    Raises:
        UsageError: when ``period`` is no billing period, or a format is not known.
    """
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"{name!r} is no format of a report{near(name, FORMATS)}")
    report = build_context(
        warehouse,
        period,
        as_of=as_of,
        generated_at=generated_at,
        version=version,
        max_age_days=max_age_days,
        tag_keys=tag_keys,
        fiscal_year_start=fiscal_year_start,
    )
    paths = []
    for name in formats:
        path = Path(out) / period / FORMATS[name][1]
        text = render(report, name, locale=locale, templates=templates)
        put(path, text.encode(), without_stamp=unstamped)
        paths.append(path)
    return paths


def render(
    report: ReportContext,
    format: str,
    *,
    locale: str = "en_US",
    templates: Path | None = None,
    site: Links | None = None,
) -> str:
    """Return a report's text in one of ``FORMATS``; as a page of a site it has the ``site``'s links."""
    figures = Figures.of(locale)
    environment = _environment(format, figures, templates)
    # Altair checks every part of every picture against a schema: most of its time, and for a test to do.
    with localcontext(money.EXACT), schemapi.debug_mode(False):
        text = environment.get_template(FORMATS[format][0]).render(
            report=report,
            site=site,
            status=STATUS,
            scopes=SCOPES,
            origins=ORIGINS,
            severities=SEVERITIES,
            reasons=REASONS,
            draw=_Drawings(figures).draw,
            services_data=lambda: services_data(report, figures),
            resources_data=lambda: resources_data(report, figures),
        )
    return text.rstrip("\n") + "\n"


def template(name: str, format: str, figures: Figures, templates: Path | None = None) -> jinja2.Template:
    """Return a template of ours, or the user's of that name, with the filters of one locale."""
    return _environment(format, figures, templates).get_template(name)


@cache
def _environment(format: str, figures: Figures, templates: Path | None) -> jinja2.Environment:
    """Strict about names; HTML escapes by itself, in Markdown every value passes through ``figures.markdown``."""
    folders = [*([templates] if templates else []), resources.folder("reports")]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([os.fspath(folder) for folder in folders]),
        autoescape=jinja2.select_autoescape(("html", "html.j2")),
        undefined=jinja2.StrictUndefined,
        finalize=markdown if format == "md" else None,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(figures.filters())
    environment.filters["gauge"] = gauge
    environment.globals["script"] = lambda: _script(environment)
    environment.globals["script_hash"] = lambda: _hash(_script(environment))
    environment.globals["search_script"] = lambda: _script(environment, "site/search.js")
    environment.globals["search_hash"] = lambda: _hash(_script(environment, "site/search.js"))
    environment.globals["site"] = None
    return environment


def _script(environment: jinja2.Environment, name: str = "report.js") -> Markup:
    """A page's script as it is written: no template, and the only one in the page that the page lets run."""
    assert environment.loader
    return Markup(environment.loader.get_source(environment, f"html/{name}")[0])


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def gauge(percentage: Decimal | None) -> str:
    """Percent of a limit as percent of a budget's bar, which ends at ``GAUGE_END``."""
    length = min(max(percentage or money.ZERO, money.ZERO), GAUGE_END)
    return f"{length * 100 / GAUGE_END:.2f}"


class _Drawings:
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


def unstamped(content: bytes) -> list[bytes]:
    """The lines of a page without the one that says when it was rendered."""
    return [line for line in content.splitlines() if not line.startswith(STAMPS)]
