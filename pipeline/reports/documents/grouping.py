"""What charges are grouped by: columns and tags, asked of the rollup where it has them, else of the charges."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import UsageError, near
from pipeline.store import rule_sql
from pipeline.store.warehouse import Warehouse

MOST_COLUMNS = 3
OWNER = "owner"
_TAG = "tag:"
#: Every column that ``sums.sql`` reads itself, then what is grouped by.
_MEASURES = """x_BillingPeriod, {day} AS ChargeDay, BillingCurrency, x_Origin, ChargeCategory, ChargeClass,
    {count} AS x_ChargeCount, BilledCost, EffectiveCost, ListCost, ContractedCost"""
ROLLUP = f"SELECT {_MEASURES.format(day='ChargeDay', count='x_ChargeCount')}{{expressions}} FROM daily_costs"
CHARGES = (
    f"SELECT {_MEASURES.format(day='CAST(ChargePeriodStart AS DATE)', count='1')}{{expressions}} FROM focus_data_table"
)
_COLUMNS = "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND schema_name = 'main' AND NOT internal"


_ACCOUNT_OWNER = "(SELECT min(a.owner) FROM accounts AS a WHERE a.account_id = daily_costs.{column})"


@dataclass(frozen=True)
class Grouping:
    """Names, the SQL of each, and the rows that it is over."""

    expressions: dict[str, str]
    rows: str


def grouping(warehouse: Warehouse, names: Sequence[str]) -> Grouping:
    """Return how charges are grouped by some names.

    Args:
        names: columns of ``focus_data_table``, ``tag:KEY`` for the tags of answers, or ``owner`` of the account.

    Raises:
        UsageError: when one is no column, naming near ones; when one stands twice, or there are too many.
    """
    if not 1 <= len(names) <= MOST_COLUMNS or len(set(names)) != len(names):
        raise UsageError(f"group by one to {MOST_COLUMNS} columns, each once; got {', '.join(map(repr, names))}")
    charges = _columns(warehouse, "focus_data_table")
    for name in names:
        if not name.startswith(_TAG) and name != OWNER and name not in charges:
            raise UsageError(f"charges cannot be grouped by {name!r}{_hint(name, charges)}, or tag:KEY")
        if name == _TAG:
            raise UsageError("tag: names no key; write one such as tag:team")
    reported = json.loads(warehouse.value("SELECT value FROM settings WHERE name = 'reported_tags'") or "[]")
    rollup = set(_columns(warehouse, "daily_costs")) - {"SubAccountName"}  # the accounts' list has more of them
    if all(
        name in rollup or name == OWNER or (name.removeprefix(_TAG) in reported and name.startswith(_TAG))
        for name in names
    ):
        return Grouping({name: _of_rollup(name) for name in names}, ROLLUP)
    return of_charges(names)


def of_charges(names: Sequence[str]) -> Grouping:
    """Return how the charges themselves are grouped by names that there are."""
    return Grouping({name: _of_charge(name) for name in names}, CHARGES)


def _hint(name: str, known: Sequence[str]) -> str:
    close = near(name, known)
    return close if close.startswith("; did") else "; name a column of focus_data_table such as ServiceName or SkuId"


def _columns(warehouse: Warehouse, table: str) -> list[str]:
    return [row[0] for row in warehouse.rows(_COLUMNS, [table])]


def _of_rollup(name: str) -> str:
    if name == OWNER:
        return (
            f"coalesce({', '.join(_ACCOUNT_OWNER.format(column=own) for own in ('SubAccountId', 'BillingAccountId'))})"
        )
    return _tag("x_ReportedTags", name) if name.startswith(_TAG) else f'CAST("{name}" AS VARCHAR)'


def _of_charge(name: str) -> str:
    if name.startswith(_TAG):
        return _tag("x_EffectiveTags", name)
    return f'CAST("{"x_AccountOwner" if name == OWNER else name}" AS VARCHAR)'


def _tag(column: str, name: str) -> str:
    return f"json_extract_string({column}, {rule_sql.literal(rule_sql.pointer(name.removeprefix(_TAG)))})"
