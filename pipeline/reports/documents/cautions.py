"""What the figures of a span lack, as the page of a billing period says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline import periods
from pipeline.reports.documents.reading import SpanReader
from pipeline.reports.documents.request import Request
from pipeline.reports.documents.words import count
from pipeline.reports.figures import STATUS, Figures
from pipeline.reports.ledger import read_data
from pipeline.reports.model import Data
from pipeline.reports.model.document import Caution

#: Billing periods that deliveries name, be they loaded or not.
_NOTED = """
SELECT DISTINCT x_BillingPeriod FROM loads
WHERE x_BillingPeriod BETWEEN $first AND $last AND status IN ('quarantined', 'refused')"""


def read_cautions(reader: SpanReader, request: Request, figures: Figures) -> tuple[Caution, ...]:
    """Read the cautions of all billing periods that a span touches: what waits outside of them counts, too."""
    span = reader.span
    noted = {row[0] for row in reader.warehouse.rows(_NOTED, {"first": span.first_month, "last": span.last_month})}
    if not reader.months and periods.previous(span.last_month) in reader.loaded and span.last <= request.as_of.date():
        noted.add(span.last_month)  # nothing of it yet: its sources are missing
    months = sorted({*reader.months, *noted})
    found = {month: read_data(reader.warehouse, month, request.as_of, request.max_age_days) for month in months}
    return of_data(found, figures)


def of_data(data: Mapping[str, Data], figures: Figures) -> tuple[Caution, ...]:
    """Word what the billing periods lack; the billing period is named where there are several."""
    several = len(data) > 1
    found = [
        (Caution(own.name, f"{figures.month(month)}: {own.text}", own.serious) if several else own)
        for month, each in data.items()
        for own in _cautions(month, each, figures)
    ]
    return tuple(dict.fromkeys(sorted(found, key=lambda own: not own.serious)))


def _cautions(month: str, data: Data, figures: Figures) -> Iterator[Caution]:
    if data.stale:
        names = ", ".join(figures.label(name) for name in data.stale.sources)
        text = (
            f"Data is stale. The last complete day is {figures.date(data.stale.last_day)}, "
            f"{count(data.stale.age_days, 'day')} ago, of {names}; the limit is {count(data.stale.max_age_days, 'day')}."
        )
        yield Caution("stale", text, serious=True)
    for own in data.restated:
        final, now = figures.money(own.final, own.currency), figures.money(own.now, own.currency)
        billed = f"billed {final} when its month became final, and bills {now} now."
        differ = f"bills {now} as when its month became final, but accounts, services or effective cost differ."
        what = differ if own.final == own.now else billed
        yield Caution("restated", f"Restated after final. {figures.label(own.source)} {what}", serious=True)
    if not data.agrees:
        text = "The figures do not reconcile. Files, charges and summaries differ."
        yield Caution("unreconciled", text, serious=True)
    for waiting in data.waiting:
        why = f": {figures.label(waiting.reason)}" if waiting.reason else "."
        name = figures.label(waiting.source)
        text = f"{STATUS[waiting.status][1]}: a delivery of {name} is not in these figures{why}"
        yield Caution("waiting", text, serious=True)
    for source in data.missing_sources:
        before = figures.month(periods.previous(month))
        yield Caution("missing", f"Nothing yet from {figures.label(source)}, which has charges in {before}.")
    if data.rejected_count:
        text = f"{count(data.rejected_count, 'row')} rejected: read, but not in these figures."
        yield Caution("rejected", text)
