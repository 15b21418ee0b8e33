"""``restatements``: what later deliveries changed in what was loaded before."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pipeline import money, resources
from pipeline.reports.documents.cautions import read_cautions
from pipeline.reports.documents.reading import SpanReader
from pipeline.reports.documents.request import Request
from pipeline.reports.documents.words import amounts, count, spoken
from pipeline.reports.figures import Figures
from pipeline.reports.model.document import Column, Document, Fact, Part, Row, Table
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse

#: A page shows so many lines.
TOP_LINES = 40
_COLUMNS = (
    Column("ServiceName", "Service", missing="(no service)"),
    Column("SubAccountId", "Account"),
    Column("change", "Change", "signed", sums=True),
    Column("BilledCost_before", "Before", "money", sums=True),
    Column("BilledCost_after", "After", "money", sums=True),
    Column("EffectiveCost_change", "Effective change", "signed", sums=True),
    Column("x_Source", "Source"),
    Column("x_BillingPeriod", "Month"),
    Column("delivered_at", "Delivered", "moment", missing="not known"),
    Column("reason", "Why"),
    Column("charges_before", "Charges before", "count", sums=True, on_pages=False),
    Column("charges_after", "Charges after", "count", sums=True, on_pages=False),
    Column("EffectiveCost_before", "Effective before", "money", sums=True, on_pages=False),
    Column("EffectiveCost_after", "Effective after", "money", sums=True, on_pages=False),
    Column("restated_at", "Loaded", "moment", on_pages=False),
    Column("load_id", "Delivery", on_pages=False),
)


def documents(warehouse: Warehouse, request: Request) -> list[Document]:
    """Return the one document: of billing periods what was restated of them, of days what was delivered on them."""
    figures, span = Figures.of(request.locale), request.span
    reader, tenant = SpanReader(warehouse, span), owner(warehouse)
    found = part(reader)
    name = spoken(span, figures)
    whose = f" of {figures.label(tenant)}" if tenant else ""
    lines = sum(len(table.rows) for table in found.tables)
    changed = [(table.currency, table.total[2]) for table in found.tables if table.total]
    totals = [(currency, value) for currency, value in changed if isinstance(value, Decimal)]
    words = f"{count(lines, 'line')} changed, by {amounts(totals, figures)}" if lines else "nothing changed"
    document = request.document(
        f"Restatements{whose}, {name}",
        words,
        facts=(
            *(Fact("change", "Changed by", value, "signed", currency) for currency, value in totals),
            Fact("lines", "Lines that differ", lines, "count", note="an account and service of one delivery each"),
        ),
        parts=(found,),
        cautions=read_cautions(reader, request, figures),
        last_day=reader.last_day,
        tenant=tenant,
    )
    return [document]


def part(reader: SpanReader) -> Part:
    """Return the part that lists what differs, the newest delivery first, then the largest change."""
    span = reader.span
    if owner(reader.warehouse) is not None:
        return Part("restatements", "Restatements", empty="What deliveries changed is not told apart by tenant.")
    given = {
        "by_billing": span.by_billing_period,
        "first": span.first_month,
        "last": span.last_month,
        "start": span.start,
        "end": span.end,
    }
    rows = reader.warehouse.frame(resources.sql("reports/restatements"), given).to_dicts()
    currencies = sorted({row["BillingCurrency"] for row in rows}, key=lambda code: (code is None, code or ""))
    lead = (
        "What later deliveries changed in figures that were already loaded."
        if span.by_billing_period
        else "What was delivered in these days and changed figures that were already loaded."
    )
    made = [_table(code, [row for row in rows if row["BillingCurrency"] == code]) for code in currencies]
    empty = "No delivery has changed what an earlier one said."
    return Part("restatements", "Restatements", lead=lead, tables=tuple(made), empty=empty)


def _table(currency: str | None, rows: Iterable[dict[str, Any]]) -> Table:
    return Table(
        "restatements",
        "",
        _COLUMNS,
        tuple(map(_row, rows)),
        currency=currency,
        top=TOP_LINES,
        others="lines",
        searchable=True,
    )


def _row(row: dict[str, Any]) -> Row:
    given = {
        **row,
        "change": money.total((row["BilledCost_after"], -row["BilledCost_before"])),
        "EffectiveCost_change": money.total((row["EffectiveCost_after"], -row["EffectiveCost_before"])),
    }
    return tuple(given[column.name] for column in _COLUMNS)
