"""``commitments``: how much of each reservation, savings plan and committed use was used, and what was paid for nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipeline import money, resources, summaries
from pipeline.reports.documents.cautions import read_cautions
from pipeline.reports.documents.reading import SpanReader
from pipeline.reports.documents.request import Request
from pipeline.reports.documents.words import amounts, count, reached, spoken
from pipeline.reports.figures import Figures
from pipeline.reports.model.document import Column, Document, Fact, Part, Table
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse

#: A page shows so many.
TOP_COMMITMENTS = 25
_MONTH = "SELECT * FROM commitment_summary WHERE x_BillingPeriod = ? AND x_Origin = 'billed'"
_USED, _UNUSED, _SAVED = 4, 5, 8
_COLUMNS = (
    Column("CommitmentDiscountName", "Commitment", missing="(not named)"),
    Column("CommitmentDiscountId", "Id"),
    Column("CommitmentDiscountType", "Type"),
    Column("x_Provider", "Provider"),
    Column("used_EffectiveCost", "Used", "money", sums=True),
    Column("unused_EffectiveCost", "Unused", "money", sums=True),
    Column("utilisation_percent", "Utilisation", "used"),
    Column("covered_ListCost", "At list price", "money", sums=True),
    Column("list_savings", "Net savings", "money", sums=True),
    Column("other_EffectiveCost", "Other", "money", sums=True),
    Column("purchase_BilledCost", "Purchased", "money", sums=True, on_pages=False),
    Column("covered_ContractedCost", "At contracted price", "money", sums=True, on_pages=False),
    Column("contracted_savings", "Savings against contracted", "money", sums=True, on_pages=False),
    Column("used_quantity", "Used quantity", "quantity", on_pages=False),
    Column("unused_quantity", "Unused quantity", "quantity", on_pages=False),
    Column("CommitmentDiscountUnit", "Unit", on_pages=False),
    Column("x_ChargeCount", "Charges", "count", sums=True, on_pages=False),
)
_NOTE = (
    "Used and unused are effective cost: fees spread over the term. Net savings: what the covered usage costs at list price, "
    "less used and unused. Other: fees that are not spread, refunds, corrections and credits."
)


def documents(warehouse: Warehouse, request: Request) -> list[Document]:
    """Return the one document."""
    figures, span = Figures.of(request.locale), request.span
    reader, tenant = SpanReader(warehouse, span), owner(warehouse)
    made = tables(reader)
    name = spoken(span, figures)
    whose = f" of {figures.label(tenant)}" if tenant else ""
    facts: list[Fact] = []
    for table in made:
        used, unused, saved = (_sum(table, place) for place in (_USED, _UNUSED, _SAVED))
        code = table.currency
        facts.append(Fact("unused", "Paid for nothing", unused, "money", code, count(len(table.rows), "commitment")))
        facts.append(Fact("used", "Used", used, "money", code))
        facts.append(Fact("utilisation", "Utilisation", _utilisation(used, unused), "used", code))
        facts.append(Fact("savings", "Net savings", saved, "money", code, "where the bill says the list price"))
    wasted = [(table.currency, _sum(table, _UNUSED)) for table in made]
    words = f"{amounts(wasted, figures)} paid for nothing" if made else "there are none"
    document = request.document(
        f"Commitments{whose}, {name}",
        words,
        facts=tuple(facts),
        parts=(part(made, reached(reader, figures)),),
        cautions=read_cautions(reader, request, figures),
        last_day=reader.last_day,
        tenant=tenant,
    )
    return [document]


def part(made: tuple[Table, ...], lead: str) -> Part:
    """Return the part that lists the commitments."""
    words = f"{lead} {_NOTE}".strip() if made else lead
    return Part("commitments", "Commitments", lead=words, tables=made, empty="No charge is of a commitment.")


def tables(reader: SpanReader) -> tuple[Table, ...]:
    """Return a table for each currency, the most waste first."""
    found: dict[str | None, list[dict[str, Any]]] = {}
    for row in _rows(reader):
        found.setdefault(row["BillingCurrency"], []).append(row)
    return tuple(_table(code, found[code]) for code in sorted(found, key=lambda code: (code is None, code or "")))


def _rows(reader: SpanReader) -> list[dict[str, Any]]:
    """A billing period's summary; of other spans the same sums over the rollup."""
    span = reader.span
    if span.edition == "monthly":
        return reader.warehouse.frame(_MONTH, [span.label]).to_dicts()
    given = {
        "by_billing": span.by_billing_period,
        "first": span.first_month,
        "last": span.last_month,
        "start": span.start,
        "end": span.end,
    }
    costs = reader.warehouse.frame(resources.sql("reports/commitments"), given).lazy()
    return summaries.commitment_summary(costs).collect().to_dicts()


def _table(currency: str | None, rows: list[dict[str, Any]]) -> Table:
    rows.sort(
        key=lambda row: (
            -row["unused_EffectiveCost"],
            -row["used_EffectiveCost"],
            row["x_Provider"] or "",
            row["CommitmentDiscountId"],
        )
    )
    made = tuple(tuple(row[column.name] for column in _COLUMNS) for row in rows)
    return Table(
        "commitments", "", _COLUMNS, made, currency, top=TOP_COMMITMENTS, others="commitments", searchable=True
    )


def _utilisation(used: Decimal, unused: Decimal) -> Decimal | None:
    """Of the sums, as the summary has it of each commitment."""
    return None if used < 0 or unused < 0 else money.percent(used, used + unused)


def _sum(table: Table, place: int) -> Decimal:
    return money.total(row[place] for row in table.rows if isinstance(row[place], Decimal))  # type: ignore[misc]
