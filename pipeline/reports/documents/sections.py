"""Sections of a user's own: the rows of a query as a part of a report, in every format."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pipeline.config.model import OwnSection
from pipeline.errors import OwnPartError
from pipeline.periods import Span
from pipeline.reports.model.document import OWN, Column, Kind, Part, Row, Table, Value
from pipeline.store.own_sql import OwnSqlError, Result, select
from pipeline.store.warehouse import Warehouse

#: Rows of a page.
TOP_ROWS = 50
#: A column of this name divides the rows by currency: amounts of several are never added.
CURRENCY = "BillingCurrency"


def own_parts(warehouse: Warehouse, sections: Sequence[OwnSection], report: str, span: Span) -> tuple[Part, ...]:
    """Return the parts that a configuration adds to a report.

    Raises:
        OwnPartError: when a file cannot be read, or its query cannot be run.
    """
    given = {"period": span.label, "start": span.start, "end": span.end}
    found = [own for own in sections if report in own.reports]
    return tuple(
        _part(warehouse, own, f"{OWN}{place}_{_slug(own.sql.stem)}", given) for place, own in enumerate(found, 1)
    )


def _part(warehouse: Warehouse, section: OwnSection, name: str, given: dict[str, Any]) -> Part:
    try:
        sql = section.sql.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise OwnPartError(f"{section.sql}: the section {section.title!r} cannot be read: {why}") from None
    try:
        result = select(warehouse, sql, given)
        tables = tuple(_tables(name, result))
    except (OwnSqlError, ValueError) as error:
        line = error.line if isinstance(error, OwnSqlError) else None
        where = f"{section.sql}:{line}" if line else str(section.sql)
        raise OwnPartError(f"{where}: the section {section.title!r}: {error}") from None
    return Part(name, section.title, tables=tables, empty="No rows.")


def _tables(name: str, result: Result) -> Iterable[Table]:
    places = [place for place, column in enumerate(result.names) if column != CURRENCY]
    if not places:
        raise ValueError("gives no column to show")
    columns = tuple(_column(result.names[place], result.types[place]) for place in places)
    money_in = result.names.index(CURRENCY) if CURRENCY in result.names else None
    groups: dict[str | None, list[Row]] = {}
    for row in result.rows:
        code = None if money_in is None or row[money_in] is None else str(row[money_in])
        groups.setdefault(code, []).append(
            tuple(_value(row[place], column.kind) for place, column in zip(places, columns, strict=True))
        )
    for code, rows in groups.items():
        yield Table(name, "", columns, tuple(rows), code, top=TOP_ROWS, others="rows", searchable=True)


def _column(name: str, type_: str) -> Column:
    kind = _kind(name, type_)
    return Column(name, name, kind, sums=kind == "money")


def _kind(name: str, type_: str) -> Kind:
    """How a column reads: costs by their names, all else by its type."""
    if type_.startswith(("DECIMAL", "DOUBLE", "FLOAT")):
        return "money" if name.endswith("Cost") else "quantity"
    if type_ in ("DATE", "TIMESTAMP") or type_.startswith("TIMESTAMP_"):
        return "date" if type_ == "DATE" else "moment"
    if type_.endswith(("INT", "INTEGER")):
        return "count"
    return "text"


def _value(value: Any, kind: Kind) -> Value:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if kind in ("money", "quantity"):
        return value if isinstance(value, Decimal) else Decimal(repr(value))
    if kind == "count" or (kind in ("date", "moment") and isinstance(value, (date, datetime))):
        return value  # type: ignore[no-any-return]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _slug(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:40] or "section"
