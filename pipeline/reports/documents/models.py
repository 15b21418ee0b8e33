"""``models``: AI usage by model, what programs recorded and what is billed by the token apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipeline import money, resources
from pipeline.reports.documents.cautions import read_cautions
from pipeline.reports.documents.reading import SpanReader
from pipeline.reports.documents.request import Request
from pipeline.reports.documents.words import amounts, count, reached, spoken
from pipeline.reports.figures import Figures
from pipeline.reports.model.document import Column, Document, Fact, Part, Row, Table
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse

TOP_MODELS = 25
_NAMES = {"recorded": ("model", "Model", "(no model)"), "billed": ("operation", "Meter", "(no meter)")}
_TITLES = {"recorded": "Recorded", "billed": "Billed by the token"}
_LEADS = {
    "recorded": "What programs recorded as they used it; of it only what sources say (bill: true) is part of the bill.",
    "billed": "The part of the bill that its meters count in tokens; recorded calls are never added to it.",
}


def documents(warehouse: Warehouse, request: Request) -> list[Document]:
    """Return the one document."""
    figures, span = Figures.of(request.locale), request.span
    reader, tenant = SpanReader(warehouse, span), owner(warehouse)
    found = parts(reader)
    name = spoken(span, figures)
    whose = f" of {figures.label(tenant)}" if tenant else ""
    totals = [(table.name, table.currency, table.total) for part in found for table in part.tables]
    words = [
        f"{amounts([(currency, total[3])], figures)} {origin.removeprefix('models_')}"
        for origin, currency, total in totals
        if total and isinstance(total[3], Decimal)
    ]
    document = request.document(
        f"AI usage{whose}, {name}",
        ", ".join(words) or "none",
        facts=tuple(
            Fact(
                origin,
                _TITLES[origin.removeprefix("models_")],
                total[3],
                "money",
                currency,
                f"{count(int(total[6] or 0), 'call' if origin == 'models_recorded' else 'charge')}",
            )
            for origin, currency, total in totals
            if total and isinstance(total[6], (int, Decimal))
        ),
        parts=found or (Part("models", "AI usage", lead=reached(reader, figures), empty="There was none."),),
        cautions=read_cautions(reader, request, figures),
        last_day=reader.last_day,
        tenant=tenant,
    )
    return [document]


def parts(reader: SpanReader) -> tuple[Part, ...]:
    """Return a part of what was recorded and one of what is billed by the token, where there is some."""
    span = reader.span
    given = {
        "by_billing": span.by_billing_period,
        "first": span.first_month,
        "last": span.last_month,
        "start": span.start,
        "end": span.end,
    }
    rows = reader.warehouse.frame(resources.sql("reports/models"), given).to_dicts()
    made = []
    for origin in ("recorded", "billed"):
        own = [row for row in rows if row["x_Origin"] == origin]
        if not own:
            continue
        currencies = list(dict.fromkeys(row["BillingCurrency"] for row in own))
        found = tuple(
            _table(origin, code, [row for row in own if row["BillingCurrency"] == code]) for code in currencies
        )
        made.append(Part(f"models_{origin}", f"AI usage: {_TITLES[origin].lower()}", lead=_LEADS[origin], tables=found))
    return tuple(made)


def _table(origin: str, currency: str | None, rows: list[dict[str, Any]]) -> Table:
    name, title, missing = _NAMES[origin]
    columns = (
        Column(name, title, missing=missing),
        Column("x_Provider", "Provider"),
        Column("ServiceName", "Service") if origin == "billed" else Column("operation", "Operation"),
        Column("BilledCost", "Cost", "money", sums=True),
        Column("cost_per_million_tokens", "Per million tokens", "price"),
        Column("tokens", "Tokens", "count", sums=True),
        Column("x_ChargeCount", "Calls" if origin == "recorded" else "Charges", "count", sums=True),
        Column("share", "Share", "percent", sums=True),
        Column("input_tokens", "Input tokens", "quantity", sums=True, on_pages=False),
        Column("cached_input_tokens", "From cache", "quantity", sums=True, on_pages=False),
        Column("output_tokens", "Output tokens", "quantity", sums=True, on_pages=False),
        Column("images", "Images", "count", sums=True, on_pages=any(row["images"] for row in rows)),
        Column("seconds", "Seconds", "quantity", sums=True, on_pages=any(row["seconds"] for row in rows)),
        Column("failed_calls", "Failed", "count", sums=True, on_pages=origin == "recorded"),
    )
    whole = money.total(row["BilledCost"] for row in rows)
    made = tuple(_row(columns, row, whole) for row in rows)
    return Table(f"models_{origin}", "", columns, made, currency=currency, top=TOP_MODELS, others="models")


def _row(columns: tuple[Column, ...], row: dict[str, Any], whole: Decimal) -> Row:
    per_million = money.ratio(row["token_BilledCost"] * 1_000_000, row["tokens"], money.SCALE)
    given = {**row, "cost_per_million_tokens": per_million, "share": money.percent(row["BilledCost"], whole)}
    return tuple(given[column.name] for column in columns)
