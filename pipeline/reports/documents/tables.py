"""Tables of costs, made alike for every span: what is in them is read elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pipeline import money
from pipeline.reports.documents.words import NO_CURRENCY
from pipeline.reports.model import Costs, Daily
from pipeline.reports.model.document import Column, Row, Table, Value

TOP_SERVICES = 15
TOP_ACCOUNTS = 15
TOP_MOVERS = 8
TOP_RESOURCES = 10

CATEGORY = Column("ServiceCategory", "Category", missing="(no category)")
SERVICE = Column("ServiceName", "Service", missing="(no service)")
ACCOUNT = Column("SubAccountId", "Account", missing="(no account)")
ACCOUNT_NAME = Column("SubAccountName", "Name")
BILLED = Column("BilledCost", "Billed", "money", sums=True)
EFFECTIVE = Column("EffectiveCost", "Effective", "money", sums=True)
LIST = Column("ListCost", "List", "money", sums=True)
CONTRACTED = Column("ContractedCost", "Contracted", "money", sums=True, on_pages=False)
CREDITS = Column("x_CreditCost", "Credits", "money", sums=True, on_pages=False)
REFUNDS = Column("x_RefundCost", "Refunds", "money", sums=True, on_pages=False)
TAX = Column("x_TaxCost", "Tax", "money", sums=True, on_pages=False)
CHARGES = Column("x_ChargeCount", "Charges", "count", sums=True, on_pages=False)
SHARE = Column("share", "Share", "percent", sums=True)
COSTS = (BILLED, EFFECTIVE, LIST, SHARE, CONTRACTED, CREDITS, REFUNDS, TAX, CHARGES)
CHANGE = Column("change", "Change", "signed", sums=True)
EXPECTED = Column("expected_BilledCost", "Expected", "money", sums=True)
SHARE_OF_CHANGE = Column("share_of_change", "Share of change", "percent", sums=True)

Keyed = tuple[tuple[Value, ...], Costs]


def title_of(currency: str | None, several: bool) -> str:
    """A table's title where a report has one for each currency."""
    return (currency or NO_CURRENCY) if several else ""


def costs_of(costs: Costs, whole: Decimal) -> Row:
    """The values of ``COSTS``; the share is of the ``whole``."""
    share = money.percent(costs.billed, whole)
    shown = (costs.billed, costs.effective, costs.list, share, costs.contracted)
    return (*shown, costs.credits, costs.refunds, costs.tax, costs.charges)


def cost_table(
    name: str,
    keys: Sequence[Column],
    rows: Iterable[Keyed],
    currency: str | None,
    *,
    title: str = "",
    top: int | None = None,
    others: str = "rows",
    searchable: bool = False,
    whole: Decimal | None = None,
) -> Table:
    """What some keys cost, the most expensive first, then by name; shares are of ``whole``, else of all rows."""
    ordered = sorted(rows, key=lambda row: (-row[1].billed, tuple(_sortable(key) for key in row[0])))
    whole = money.total(costs.billed for _, costs in ordered) if whole is None else whole
    return Table(
        name,
        title,
        (*keys, *COSTS),
        tuple((*own, *costs_of(costs, whole)) for own, costs in ordered),
        currency=currency,
        top=top,
        others=others,
        searchable=searchable,
    )


def mover_table(
    name: str,
    keys: Sequence[Column],
    moved: Iterable[tuple[tuple[Value, ...], Decimal, Decimal]],
    currency: str | None,
    *,
    title: str,
    others: str,
) -> Table:
    """What changed most: (keys, billed in the complete days, expected); the largest change first."""
    rows = [(key, billed - expected, billed, expected) for key, billed, expected in moved]
    rows.sort(key=lambda row: (-abs(row[1]), tuple(_sortable(key) for key in row[0])))
    whole = money.total(row[1] for row in rows)
    return Table(
        name,
        title,
        (*keys, CHANGE, BILLED, EXPECTED, SHARE_OF_CHANGE),
        tuple((*key, change, billed, expected, money.percent(change, whole)) for key, change, billed, expected in rows),
        currency=currency,
        top=min(TOP_MOVERS, sum(1 for row in rows if row[1])),
        others=others,
    )


def day_table(daily: Daily, currency: str | None, *, title: str) -> Table:
    """Each day's usage and all else, and the running sum."""
    columns = (
        Column("ChargeDay", "Day", "date"),
        Column("usage_BilledCost", "Usage", "money", sums=True),
        Column("other_BilledCost", "All else", "money", sums=True),
        BILLED,
        Column("cumulative_BilledCost", "Running sum", "money"),
        Column("complete", "Complete"),
    )
    rows = tuple(
        (day.day, day.usage, day.other, day.billed, day.cumulative, "yes" if day.complete else "not yet")
        for day in daily.shown_days
    )
    return shortened(Table("days", title, columns, rows, currency=currency), {"complete": "yes"})


def shortened(table: Table, usual: Mapping[str, Value]) -> Table:
    """Leave columns out of pages that say nothing there: without a value, or with the usual one alone."""

    def says(place: int, column: Column) -> bool:
        silent = {None, usual.get(column.name)} if column.kind == "text" else {None}
        return any(row[place] not in silent for row in table.rows)

    columns = tuple(
        replace(own, on_pages=own.on_pages and (place == 0 or says(place, own)))
        for place, own in enumerate(table.columns)
    )
    return replace(table, columns=columns)


def account_keys(account: str | None, names: Mapping[str, str]) -> tuple[Value, Value]:
    """An account's id and name."""
    return account, names.get(account or "")


def _sortable(value: Value) -> tuple[bool, str]:
    return value is None, "" if value is None else str(value)
