"""From a period's context to files: HTML for people, Markdown for wikis and reviews, with the same figures."""

from __future__ import annotations

import base64
import hashlib
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from pipeline import money, resources
from pipeline.config.model import OwnSection
from pipeline.errors import OwnPartError, UsageError, near
from pipeline.periods import parse_span
from pipeline.reports import vega
from pipeline.reports.compiled import AsWritten, Compiled
from pipeline.reports.context import build_context
from pipeline.reports.documents.sections import own_parts
from pipeline.reports.figures import STATUS, Figures, clean, markdown
from pipeline.reports.model import CurrencySection, ReportContext
from pipeline.reports.model.document import Part
from pipeline.reports.page_data import resources_data, services_data
from pipeline.reports.shown import NUMBERS, ROUNDING, shown_part
from pipeline.reports.site.names import Links
from pipeline.reports.writers.files import put
from pipeline.store.warehouse import Warehouse

if TYPE_CHECKING:
    from pipeline.reports.drawings import Drawings


class _Words(dict[str, str]):
    """Words for names; one that is not known stands for itself."""

    def __missing__(self, name: str) -> str:
        return clean(name)


class _Reasons(dict[str, tuple[str, str]]):
    """Reasons of a change, each with a word more on it; one that is not known stands for itself."""

    def __missing__(self, name: str) -> tuple[str, str]:
        return clean(name), ""


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
REASONS: Mapping[str, tuple[str, str]] = _Reasons(
    {
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
)


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
    sections: Sequence[OwnSection] = (),
) -> list[Path]:
    """Write a billing period's report as ``out/<period>/report.<format>`` and return the paths, in ``formats``' order.

    A file is replaced in one step, and only when more than its rendering time would change.

    Args:
        templates: a folder whose ``html/report.html.j2`` or ``markdown/report.md.j2`` stands before ours.
        locale: of numbers, dates and currencies, such as ``de_DE``; the words are English.
        sections: parts of a user's own, at the end.
        as_of, generated_at, version, max_age_days, tag_keys, fiscal_year_start: as ``build_context`` takes them.

    Raises:
        UsageError: when ``period`` is no billing period, a format is not known, or a template or section of the user's
            cannot be used.
    """
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"{name!r} is no format of a report{near(name, FORMATS)}")
    if "html" in formats and templates is None and _is_billed(warehouse, period):
        vega.start()
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
    own = own_parts(warehouse, sections, "costs", parse_span(period)) if formats else ()
    paths = []
    for name in formats:
        path = Path(out) / period / FORMATS[name][1]
        text = render(report, name, locale=locale, templates=templates, sections=own)
        put(path, text.encode(), without_stamp=unstamped)
        paths.append(path)
    return paths


def _is_billed(warehouse: Warehouse, period: str) -> bool:
    """Whether there is anything that a page draws."""
    billed = "SELECT 1 FROM daily_costs WHERE x_BillingPeriod = ? AND x_Origin = 'billed' LIMIT 1"
    return warehouse.value(billed, [period]) is not None


def render(
    report: ReportContext,
    format: str,
    *,
    locale: str = "en_US",
    templates: Path | None = None,
    sections: Sequence[Part] = (),
    site: Links | None = None,
) -> str:
    """Return a report's text in one of ``FORMATS``.

    Args:
        sections: parts of a user's own.
        site: the links that it has as a page of a site.
    """
    figures = Figures.of(locale)
    with localcontext(money.EXACT):
        return fill(
            FORMATS[format][0],
            format,
            figures,
            templates,
            report=report,
            site=site,
            status=STATUS,
            scopes=SCOPES,
            origins=ORIGINS,
            severities=SEVERITIES,
            reasons=REASONS,
            draw=_drawer(figures),
            services_data=lambda: services_data(report, figures),
            resources_data=lambda: resources_data(report, figures),
            numbers=NUMBERS,
            rounding=ROUNDING,
            sections=[shown_part(own, figures) for own in sections],
        )


def _drawer(figures: Figures) -> Callable[[str, CurrencySection], Markup]:
    """Return what draws for a page; Altair and vl-convert are only imported for the first picture."""

    @cache
    def drawings() -> Drawings:
        from pipeline.reports.drawings import Drawings

        return Drawings(figures)

    return lambda name, section: drawings().draw(name, section)


def fill(name: str, format: str, figures: Figures, templates: Path | None, **values: object) -> str:
    """Fill in a template of ours, or the user's of that name.

    Raises:
        OwnPartError: when a template of the user's cannot be used, with its file and line.
    """
    try:
        text = _environment(format, figures, templates).get_template(name).render(**values)
    except Exception as error:  # a template may do anything wrong that Python can
        place = _place(error, templates)
        if place is None:
            raise
        raise OwnPartError(f"{place}: the template cannot be used: {error}") from error
    return text.rstrip("\n") + "\n"


def _place(error: Exception, templates: Path | None) -> str | None:
    """The file and line of an error in a user's template; None where it is in one of ours."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, jinja2.TemplateSyntaxError):
        places.append((error.filename or "", error.lineno))
    own = [place for place in places if templates and place[0].startswith(os.fspath(templates))]
    return f"{own[-1][0]}:{own[-1][1]}" if own else None


@cache
def _environment(format: str, figures: Figures, templates: Path | None) -> jinja2.Environment:
    """Strict about names; HTML escapes by itself, in Markdown every value passes through ``figures.markdown``."""
    ours = resources.folder("reports")
    options: dict[str, Any] = {
        "trim_blocks": True,
        "lstrip_blocks": True,
        "keep_trailing_newline": True,
        "optimized": False,
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([os.fspath(folder) for folder in (templates, ours) if folder]),
        autoescape=jinja2.select_autoescape(("html", "html.j2")),
        undefined=jinja2.StrictUndefined,
        finalize=markdown if format == "md" else None,
        bytecode_cache=Compiled(ours, (format, options)),
        **options,
    )
    environment.code_generator_class = AsWritten
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


def unstamped(content: bytes) -> list[bytes]:
    """The lines of a page without the one that says when it was rendered."""
    return [line for line in content.splitlines() if not line.startswith(STAMPS)]
