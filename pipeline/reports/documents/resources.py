"""``resources``: what every resource of a span cost, to be searched."""

from __future__ import annotations

from typing import Any

from pipeline import money, resources
from pipeline.reports.documents import tables
from pipeline.reports.documents.cautions import read_cautions
from pipeline.reports.documents.grouping import CHARGES
from pipeline.reports.documents.reading import SpanReader
from pipeline.reports.documents.request import Request
from pipeline.reports.documents.words import amounts, count, reached, spoken
from pipeline.reports.figures import Figures
from pipeline.reports.model import Costs
from pipeline.reports.model.document import Column, Document, Fact, Part, Table, Value
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse

#: As ``resource_summary`` tells them apart.
COLUMNS = (
    Column("ResourceId", "Resource", missing="(no resource)"),
    Column("ResourceName", "Name"),
    Column("x_ResourceType", "Type"),
    Column("SubAccountId", "Account"),
    Column("SubAccountName", "Account name", on_pages=False),
    Column("RegionId", "Region"),
    Column("x_Provider", "Provider", on_pages=False),
)
#: A page of all of them shows so many.
TOP_ALL = 50_000

Found = tuple[tuple[Value, ...], Costs]


def documents(warehouse: Warehouse, request: Request) -> list[Document]:
    """Return the one document, with every resource."""
    figures, span = Figures.of(request.locale), request.span
    reader, tenant = SpanReader(warehouse, span), owner(warehouse)
    found = read(reader)
    named = {currency: [own for own in rows if own[0][0] is not None] for currency, rows in found.items()}
    name = spoken(span, figures)
    whose = f" of {figures.label(tenant)}" if tenant else ""
    totals = [(currency, money.total(costs.billed for _, costs in rows)) for currency, rows in named.items()]
    number = len({keys[0] for rows in named.values() for keys, _ in rows})
    document = request.document(
        f"Resources{whose}, {name}",
        f"{count(number, 'resource')}, {amounts(totals, figures)}",
        facts=(
            *(Fact("billed", "Billed for resources", billed, "money", currency) for currency, billed in totals),
            Fact("resources", "Resources", number, "count"),
        ),
        parts=parts(found, lead=reached(reader, figures), top=TOP_ALL),
        cautions=read_cautions(reader, request, figures),
        last_day=reader.last_day,
        tenant=tenant,
    )
    return [document]


def read(reader: SpanReader) -> dict[str | None, list[Found]]:
    """Return each resource's costs by currency: of billing periods from their summaries, of days from the charges."""
    if reader.span.by_billing_period:
        given = {"first": reader.span.first_month, "last": reader.span.last_month}
        rows = reader.warehouse.frame(resources.sql("reports/resources"), given).to_dicts()
        found = [(row["BillingCurrency"], _keys(row), costs_of_row(row)) for row in rows]
    else:
        asked = {own.name: f'"{own.name}"' for own in COLUMNS}
        asked["x_ResourceType"] = "coalesce(x_ResourceType, ResourceType)"
        groups = reader.groups(asked, CHARGES)
        found = [(own.currency, own.keys, own.costs) for own in groups if own.costs.charges]
    currencies = sorted({currency for currency, _, _ in found}, key=lambda code: (code is None, code or ""))
    return {code: [(keys, costs) for currency, keys, costs in found if currency == code] for code in currencies}


def parts(found: dict[str | None, list[Found]], *, lead: str = "", top: int = tables.TOP_RESOURCES) -> tuple[Part, ...]:
    """Return the resources, the most expensive first, and the charges of none: together they are the whole bill."""
    whole = {currency: money.total(costs.billed for _, costs in rows) for currency, rows in found.items()}

    def made(name: str, others: str, top: int, *, attached: bool) -> tuple[Table, ...]:
        chosen = {code: [own for own in rows if (own[0][0] is not None) == attached] for code, rows in found.items()}
        return tuple(
            tables.cost_table(name, COLUMNS, rows, code, top=top, others=others, searchable=attached, whole=whole[code])
            for code, rows in chosen.items()
            if rows
        )

    attached = made("resources", "resources", top, attached=True)
    rest = made("unattached", "rows", tables.TOP_RESOURCES, attached=False)
    told = Part("resources", "Resources", lead=lead, tables=attached, empty="No charge names a resource.")
    words = "Tax, fees, credits and whatever else names none: with the resources they are the whole."
    return (told, Part("unattached", "Charges of no resource", lead=words, tables=rest)) if rest else (told,)


def _keys(row: dict[str, Any]) -> tuple[Value, ...]:
    return tuple(row[own.name] for own in COLUMNS)


def costs_of_row(row: dict[str, Any]) -> Costs:
    """The costs of a summary's row."""
    return Costs(
        row["BilledCost"],
        row["EffectiveCost"],
        row["ListCost"],
        row["ContractedCost"],
        row["x_CreditCost"],
        row["x_RefundCost"],
        row["x_TaxCost"],
        row["x_ChargeCount"],
    )
