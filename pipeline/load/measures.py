"""What the gate measures of a delivery, and how it compares with what is loaded.

Measured in the rollups, inside the transaction that has just made them: a delivery is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from pipeline import money
from pipeline.config import SourceSettings
from pipeline.config.fields import Tolerance
from pipeline.store import loads
from pipeline.store.warehouse import Warehouse

COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")

Finding = Literal["within", "shrunken", "grown"]

_SUMS = """
SELECT BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost)
FROM daily_costs WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = 'billed' GROUP BY ALL"""
_MEMBERS = """
SELECT DISTINCT 'days', CAST(ChargeDay AS VARCHAR) FROM daily_costs
WHERE x_Source = $source AND x_BillingPeriod = $period AND x_Origin = 'billed' AND ChargeCategory = 'Usage'
UNION ALL
SELECT DISTINCT 'accounts', SubAccountId FROM daily_costs
WHERE x_Source = $source AND x_BillingPeriod = $period AND x_Origin = 'billed' AND SubAccountId IS NOT NULL"""


@dataclass(frozen=True)
class Measures:
    """One billing period of a delivery: mapped rows, days covered by usage, sub accounts, sums by currency and column."""

    rows: int
    days: frozenset[str]
    accounts: frozenset[str]
    costs: Mapping[tuple[str | None, str], Decimal]


@dataclass(frozen=True)
class Compared:
    """One measure beside that of what is loaded (None: nothing is); ``gone`` names the days or accounts that it lacks."""

    measure: str
    currency: str | None
    loaded: Decimal | None
    delivered: Decimal
    allowed: str
    finding: Finding | None
    gone: tuple[str, ...] = ()


def of_rollups(warehouse: Warehouse, source: str, period: str, rows: int) -> Measures:
    """Measure what the rollups hold of a source and billing period; ``rows`` are those that became charges."""
    members = warehouse.rows(_MEMBERS, {"source": source, "period": period})
    sums = warehouse.rows(_SUMS, [source, period])
    return Measures(
        rows,
        frozenset(member for measure, member in members if measure == "days"),
        frozenset(member for measure, member in members if measure == "accounts"),
        {(row[0], name): value for row in sums for name, value in zip(COSTS, row[1:], strict=True)},
    )


def of_ledger(warehouse: Warehouse, load_id: str) -> Measures | None:
    """Return what a load was measured at; None for loads of versions that measured nothing."""
    rows = warehouse.rows("SELECT measure, BillingCurrency, delivered FROM load_measures WHERE load_id = ?", [load_id])
    if not rows:
        return None
    named = warehouse.rows("SELECT measure, member FROM load_members WHERE load_id = ? AND NOT is_gone", [load_id])
    return Measures(
        next(int(value) for measure, _, value in rows if measure == "rows"),
        frozenset(member for measure, member in named if measure == "days"),
        frozenset(member for measure, member in named if measure == "accounts"),
        {(currency, measure): value for measure, currency, value in rows if measure in COSTS},
    )


def compare(loaded: Measures | None, delivered: Measures, source: SourceSettings) -> tuple[Compared, ...]:
    """Compare a delivery with what is loaded (None, or of no rows: nothing to compare), by the source's gate."""
    if loaded is not None and not loaded.rows:
        loaded = None
    return (
        _rows(loaded, delivered, source),
        _members("days", loaded.days if loaded else None, delivered.days, source.gate_days),
        _members("accounts", loaded.accounts if loaded else None, delivered.accounts, source.gate_accounts),
        *_costs(loaded, delivered, source),
    )


def shrunken(comparison: Sequence[Compared]) -> tuple[Compared, ...]:
    """Return the measures by which a delivery must not replace what is loaded."""
    return tuple(each for each in comparison if each.finding == "shrunken")


def _rows(loaded: Measures | None, delivered: Measures, source: SourceSettings) -> Compared:
    allowed = f"{money.text(source.gate_rows * 100)}%"
    if loaded is None:
        return Compared("rows", None, None, Decimal(delivered.rows), allowed, None)
    is_less = not delivered.rows or delivered.rows < (1 - source.gate_rows) * loaded.rows
    finding: Finding = "shrunken" if is_less else "within"
    return Compared("rows", None, Decimal(loaded.rows), Decimal(delivered.rows), allowed, finding)


def _members(measure: str, loaded: frozenset[str] | None, delivered: frozenset[str], allowed: Tolerance) -> Compared:
    if loaded is None:
        return Compared(measure, None, None, Decimal(len(delivered)), str(allowed), None)
    gone = tuple(sorted(loaded - delivered))
    finding: Finding = "within" if allowed.allows(len(gone), len(loaded)) else "shrunken"
    return Compared(measure, None, Decimal(len(loaded)), Decimal(len(delivered)), str(allowed), finding, gone)


def _costs(loaded: Measures | None, delivered: Measures, source: SourceSettings) -> list[Compared]:
    allowed = f"{money.text(source.gate_cost * 100)}% and {money.text(source.gate_cost_floor)}"
    keys = {*delivered.costs, *(loaded.costs if loaded else ())}
    found = []
    for currency, column in sorted(keys, key=lambda key: (key[0] is None, key[0] or "", COSTS.index(key[1]))):
        after = delivered.costs.get((currency, column), money.ZERO)
        if loaded is None:
            found.append(Compared(column, currency, None, after, allowed, None))
            continue
        before = loaded.costs.get((currency, column), money.ZERO)
        finding = _cost_finding(before, after, Fraction(len(delivered.days) or 1, len(loaded.days) or 1), source)
        found.append(Compared(column, currency, before, after, allowed, finding))
    return found


def _cost_finding(before: Decimal, after: Decimal, days: Fraction, source: SourceSettings) -> Finding:
    """Less than before is shrunken; more than before, brought to as many covered days (``days`` to one), is grown."""
    share, floor = Fraction(source.gate_cost), Fraction(source.gate_cost_floor)

    def is_past(change: Fraction, of: Fraction) -> bool:
        return change > floor and change > share * abs(of)

    old, new = Fraction(before), Fraction(after)
    if is_past(old - new, old):
        return "shrunken"
    return "grown" if is_past(new - old * max(days, Fraction(1)), old * max(days, Fraction(1))) else "within"


def forget(warehouse: Warehouse, load_id: str) -> None:
    """Delete what a load was measured at."""
    for table in ("load_measures", "load_members"):
        warehouse.execute(f"DELETE FROM {table} WHERE load_id = ?", [load_id])


def write(
    warehouse: Warehouse, load_id: str, measured: Measures, comparison: Sequence[Compared], compared_with: str | None
) -> None:
    """Write what a load was measured at and compared with; of one that is in the ledger already, ``forget`` it first."""
    rows = []
    for each in comparison:
        row = {"load_id": load_id, "measure": each.measure, "BillingCurrency": each.currency, "loaded": each.loaded}
        row |= {"compared_load_id": compared_with if each.finding else None, "delivered": each.delivered}
        rows.append(row | {"allowed": each.allowed, "finding": each.finding})
    loads.insert(warehouse, "load_measures", *rows)
    named = {"days": measured.days, "accounts": measured.accounts}
    members = [(load_id, measure, member, False) for measure, names in named.items() for member in sorted(names)]
    members += [(load_id, each.measure, member, True) for each in comparison for member in each.gone]
    columns = {"load_id": "VARCHAR", "measure": "VARCHAR", "member": "VARCHAR", "is_gone": "BOOLEAN"}
    warehouse.replace_temporary("measured_members", columns, members)
    warehouse.execute("INSERT INTO load_members SELECT load_id, measure, member, is_gone FROM measured_members")
