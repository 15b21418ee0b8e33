"""The lists that the configuration names, accounts and expected invoices, brought into the warehouse when they changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pipeline.config import Account, ExpectedInvoice, Settings
from pipeline.store import rollups
from pipeline.store.warehouse import Warehouse

_ACCOUNTS = ("account_id", "name", "owner")
_INVOICES = ("InvoiceId", "amount", "BillingCurrency", "x_BillingPeriod", "InvoiceIssuerName")
_NAMED = """
SELECT DISTINCT x_BillingPeriod FROM daily_costs
WHERE list_contains($1, SubAccountId) OR list_contains($1, BillingAccountId) ORDER BY 1"""
_INVOICED = "SELECT DISTINCT x_BillingPeriod FROM invoice_costs WHERE list_contains($1, InvoiceId) ORDER BY 1"

_Row = tuple[Any, ...]


def sync(warehouse: Warehouse, settings: Settings) -> None:
    """Bring both lists in line with a configuration that was read from a file."""
    sync_accounts(warehouse, settings.accounts)
    sync_invoices(warehouse, settings.invoices)


def sync_accounts(warehouse: Warehouse, accounts: Sequence[Account]) -> bool:
    """Bring ``accounts`` in line; what names the changed ones is due again. Writes nothing when nothing changed."""
    rows = [(each.id, each.name, each.owner) for each in accounts]

    def mark(changed: Iterable[_Row], first_or_last: bool) -> None:
        found = warehouse.rows(_NAMED, [sorted({row[0] for row in changed})])
        for (period,) in found:
            rollups.mark_names(warehouse, period)
        if first_or_last:  # the table of owners comes into every report, or leaves it
            rollups.mark_reports(warehouse, None)

    return _sync(warehouse, "accounts", _ACCOUNTS, rows, mark)


def sync_invoices(warehouse: Warehouse, expected: Sequence[ExpectedInvoice]) -> bool:
    """Bring ``expected_invoices`` in line; reports that show the changed ones are due again."""
    rows = [(each.InvoiceId, each.amount, each.currency, each.period, each.issuer) for each in expected]

    def mark(changed: Iterable[_Row], first_or_last: bool) -> None:
        changed = list(changed)
        found = {row[0] for row in warehouse.rows(_INVOICED, [sorted({row[0] for row in changed})])}
        for period in sorted(found | {row[3] for row in changed if row[3]}):
            rollups.mark_reports(warehouse, period)
        if first_or_last:
            rollups.mark_reports(warehouse, None)

    return _sync(warehouse, "expected_invoices", _INVOICES, rows, mark)


def _sync(
    warehouse: Warehouse,
    table: str,
    columns: Sequence[str],
    rows: Sequence[_Row],
    mark: Callable[[Iterable[_Row], bool], None],
) -> bool:
    names = ", ".join(columns)
    stored = {tuple(row) for row in warehouse.rows(f"SELECT {names} FROM {table}")}
    changed = stored ^ set(rows)
    if not changed:
        return False
    with warehouse.transaction():
        warehouse.execute(f"DELETE FROM {table}")
        if rows:
            marks = ", ".join("?" for _ in columns)
            warehouse.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
        mark(changed, not (stored and rows))
        rollups.touch(warehouse)
    return True
