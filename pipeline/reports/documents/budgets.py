"""``budgets``: how every budget and policy of a span stands, and their alerts, open ones first."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.reports.documents.cautions import read_cautions
from pipeline.reports.documents.reading import SpanReader
from pipeline.reports.documents.request import Request
from pipeline.reports.documents.standing import alert_tables, budget_tables, policy_tables, suppressed_words
from pipeline.reports.documents.words import count, reached, spoken, standing_note
from pipeline.reports.figures import Figures
from pipeline.reports.model import Standing
from pipeline.reports.model.document import Document, Fact, Part
from pipeline.reports.model.standing import SUPPRESSED
from pipeline.reports.standing import read_span_standing
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse


def documents(warehouse: Warehouse, request: Request) -> list[Document]:
    """Return the one document; budgets are as the last run judged them."""
    figures, span = Figures.of(request.locale), request.span
    reader, tenant = SpanReader(warehouse, span), owner(warehouse)
    standing = read_span_standing(warehouse, span, tenant)
    name = spoken(span, figures)
    whose = f" of {figures.label(tenant)}" if tenant else ""
    document = request.document(
        f"Budgets{whose}, {name}",
        _headline(standing, figures),
        facts=tuple(_facts(standing, figures)),
        parts=parts(standing, figures, span.label, reached(reader, figures)),
        cautions=read_cautions(reader, request, figures),
        last_day=reader.last_day,
        tenant=tenant,
    )
    return [document]


def parts(
    standing: Standing, figures: Figures, window: str, lead: str, none: str = "No budgets are set."
) -> tuple[Part, ...]:
    """Return the parts of a report that say how budgets stand; ``none`` stands where there are none."""
    if not standing.budgets and not standing.policies:
        return (Part("budgets", "Budgets", empty=none),)
    open_first = "Open ones first. " if any(own.status == "open" for own in standing.alerts) else ""
    suppressed = suppressed_words(standing.alerts)
    return (
        Part(
            "alerts",
            "Alerts",
            lead=f"{open_first}{suppressed}".strip(),
            tables=alert_tables(standing.alerts, figures, window),
            empty="None: no threshold has been reached." if not suppressed else "None is open.",
        ),
        Part(
            "budgets",
            "Budgets",
            lead=f"{lead} Each charge counts in full in every scope that it belongs to, so budgets overlap and have no sum.",
            tables=(*budget_tables(standing, figures, window), *policy_tables(standing, figures, window)),
            empty=none,
        ),
    )


def _headline(standing: Standing, figures: Figures) -> str:
    if not standing.enabled:
        return "none are set"
    waiting = sum(own.status == "open" for own in standing.alerts)
    told = f"; {count(waiting, 'open alert')}" if waiting else ""
    return f"{standing_note(standing, figures)}{told}"


def _facts(standing: Standing, figures: Figures) -> Iterable[Fact]:
    told = [own for own in standing.alerts if own.status != SUPPRESSED]
    is_open = [own for own in told if own.status in ("open", "acknowledged")]
    health = standing.health if standing.enabled else "DISABLED"
    yield Fact("health", "Budgets", health, "status", note=standing_note(standing, figures))
    yield Fact("budgets", "Counted", len(standing.enabled), "count", note="budgets that are switched on")
    yield Fact("over", "Used up", len(standing.over), "count")
    yield Fact("heading_over", "Forecast over", len(standing.heading_over), "count")
    yield Fact("open_alerts", "Open alerts", len(is_open), "count", note="acknowledged ones among them")
