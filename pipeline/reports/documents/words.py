"""Sentences that several reports say alike."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pipeline.periods import Span
from pipeline.reports.documents.reading import SpanReader
from pipeline.reports.figures import Figures
from pipeline.reports.model import Budget, Standing

#: Names that a sentence gives before it only counts.
NAMED = 3
NO_CURRENCY = "No stated currency"


def spoken(span: Span, figures: Figures) -> str:
    """A span by its name: ``March 2026``, ``Q1 2026``, ``2026``, ``week 12 of 2026``, ``Mar 21, 2026``, or its first and last day."""
    match span.edition:
        case "monthly":
            return figures.month(span.label)
        case "quarterly":
            year, _, quarter = span.label.partition("-")
            return f"{quarter} {year}"
        case "yearly":
            return span.label
        case "weekly":
            year, _, week = span.label.partition("-W")
            return f"week {int(week)} of {year}"
        case "daily":
            return figures.date(span.start)
        case "custom":
            return f"{figures.date(span.start)} to {figures.date(span.last)}"


def reached(reader: SpanReader, figures: Figures) -> str:
    """A sentence of how far the figures of a span reach."""
    span = reader.span
    if reader.last_day is None:
        return "No complete day of usage is loaded."
    if reader.is_open:
        return f"Figures through {figures.date(reader.last_day)}: {reader.covered} of {count(span.days, 'day')}."
    if span.edition == "daily":
        return "The whole day."
    return f"All {span.days} days, from {figures.date(span.start)} through {figures.date(span.last)}."


def before_words(reader: SpanReader, figures: Figures) -> str:
    """What changes are measured against, which must be there: ``February 2026``, ``the week before``."""
    assert reader.before
    return spoken(reader.span.previous, figures) if reader.span.by_billing_period else reader.before.words


def compared(reader: SpanReader, figures: Figures) -> str:
    """A sentence of what changes are measured against."""
    before = reader.before
    if before is None:
        return f"There is nothing to compare with: {_why_alone(reader, figures)}."
    words = before_words(reader, figures)
    if reader.span.edition == "daily":
        return f"Against {words}."
    if before.days == reader.covered:
        return f"Complete days, against {words}."
    return f"Complete days, against {words} brought to the same number of days."


def _why_alone(reader: SpanReader, figures: Figures) -> str:
    if not reader.covered:
        return "no day is complete yet"
    *others, last = map(figures.month, reader.lacking) if reader.lacking else [""]
    if not last:
        return "the calendar begins with it"
    return f"{', '.join(others)} and {last} are not loaded" if others else f"{last} is not loaded"


def count(number: int, one: str, many: str = "") -> str:
    """``1 budget``, ``2 budgets``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def named(names: Sequence[str]) -> str:
    """The first of some names, and how many there are more."""
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown


def budget_name(budget: Budget) -> str:
    """A budget as people call it."""
    return budget.name or budget.scope_key or "All spend"


def standing_note(standing: Standing, figures: Figures) -> str:
    """Which budgets are used up, or will be."""
    if not standing.enabled:
        return "No budgets are set"
    parts = []
    if standing.over:
        parts.append(f"used up: {named([figures.label(budget_name(own)) for own in standing.over])}")
    if standing.heading_over:
        heading = named([figures.label(budget_name(own)) for own in standing.heading_over])
        parts.append(f"forecast over the limit: {heading}")
    return "; ".join(parts) or ("not all can be counted" if standing.health == "UNSPECIFIED" else "none is used up")


def amounts(values: Sequence[tuple[str | None, Decimal]], figures: Figures) -> str:
    """Amounts of several currencies, which are never added: ``$1.00 and €2.00``."""
    return " and ".join(figures.money(value, currency) for currency, value in values) or "nothing"
