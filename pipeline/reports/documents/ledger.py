"""Where a billing period's figures come from, as parts of its document."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.reports.model import Data, ReportContext
from pipeline.reports.model.document import Column, Part, Table

_SOURCES = (
    Column("x_Source", "Source"),
    Column("state", "Month"),
    Column("last_day", "Last complete day", "date"),
    Column("delivered_at", "Delivered", "moment"),
    Column("charges", "Charges", "count", sums=True),
    Column("earlier", "Earlier deliveries", "count"),
    Column("final_by", "Final by", on_pages=False),
    Column("note", "Note", missing="", on_pages=False),
)
_DELIVERIES = (
    Column("x_Source", "Source"),
    Column("status", "State"),
    Column("delivered_at", "Delivered", "moment"),
    Column("format", "Format"),
    Column("rows_read", "Rows read", "count", sums=True),
    Column("rows_rejected", "Rejected", "count", sums=True),
    Column("charges", "Charges", "count", sums=True),
    Column("reason", "Why", missing=""),
)
_REJECTED = (
    Column("file", "File"),
    Column("record", "Record", "count"),
    Column("column_name", "Column"),
    Column("value", "Value", missing="(empty)"),
    Column("reason", "Why"),
    Column("x_Source", "Source"),
)
_DRIFT = (
    Column("x_Source", "Source"),
    Column("column_name", "Column", missing="(the format)"),
    Column("change", "Change"),
    Column("before", "Before"),
    Column("after", "After"),
)
_INVOICES = (
    Column("InvoiceId", "Invoice", missing="No invoice yet"),
    Column("InvoiceIssuerName", "Issuer"),
    Column("BillingCurrency", "Currency", missing="None stated"),
    Column("billed", "Billed", "quantity"),
    Column("expected", "Expected", "quantity"),
    Column("difference", "Difference", "quantity"),
    Column("verdict", "Verdict"),
)
_RECONCILED = (
    Column("BillingCurrency", "Currency", missing="None stated"),
    Column("files", "Files", "quantity", missing="no control"),
    Column("rejected", "Rejected", "quantity"),
    Column("charges_total", "Charges", "quantity"),
    Column("daily", "By day", "quantity"),
    Column("summaries", "Summaries", "quantity"),
    Column("verdict", "Verdict"),
)


def ledger_parts(report: ReportContext) -> Iterable[Part]:
    """Yield sources and deliveries, what was rejected, what columns changed, and the reconciliation."""
    data = report.data
    yield Part("sources", "Where the figures come from", tables=tuple(_sources(data)), empty="Nothing is loaded.")
    if data.rejected_count:
        rows = tuple((own.file, own.record, own.column, own.value, own.reason, own.source) for own in data.rejected)
        lead = f"{data.rejected_count:,} did not become charges. The first {len(rows)}:"
        yield Part("rejected", "Rejected rows", lead=lead, tables=(Table("rejected", "", _REJECTED, rows),))
    if data.drift:
        changed = tuple((own.source, own.column, own.change, own.before, own.after) for own in data.drift)
        lead = f"{data.drift_count:,} differ from the delivery before. The first {len(changed)}:"
        yield Part("drift", "Changed columns", lead=lead, tables=(Table("drift", "", _DRIFT, changed),))
    sums = tuple(
        (
            own.currency,
            own.files,
            own.rejected,
            own.charges,
            own.daily,
            own.summaries,
            "Agree to the last decimal" if own.agrees else "Do not agree",
        )
        for own in data.reconciliation
    )
    yield Part(
        "reconciliation",
        "Reconciliation",
        lead="Billed cost on its way from the files: files less rejected rows = charges = summaries.",
        tables=(Table("reconciliation", "", _RECONCILED, sums),) if sums else (),
        empty="No charges, so nothing to reconcile.",
    )

    if data.invoices:
        told = tuple(
            (own.InvoiceId, own.issuer, own.currency, own.billed, own.expected, own.difference, own.state)
            for own in data.invoices
        )
        lead = "Billed cost by invoice beside what accounting expects."
        yield Part("invoices", "Invoices", lead=lead, tables=(Table("invoices", "", _INVOICES, told),))


def _sources(data: Data) -> Iterable[Table]:
    sources = tuple(
        (own.name, own.state, own.last_day, own.delivered_at, own.charges, own.earlier, own.final_by, own.note)
        for own in data.sources
    )
    if sources:
        yield Table("sources", "", _SOURCES, sources)
    found = (*data.deliveries, *data.waiting)
    deliveries = tuple(
        (
            own.source,
            own.status,
            own.delivered_at,
            own.format,
            own.rows_read,
            own.rows_rejected,
            own.charges,
            own.reason,
        )
        for own in found
    )
    if deliveries:
        yield Table("deliveries", "Deliveries", _DELIVERIES, deliveries)
