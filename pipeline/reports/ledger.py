"""Where a period's figures come from: sources, deliveries, what was refused, what changed, and the reconciliation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from pipeline import money, periods
from pipeline.config.fields import RECORDED_FORMATS
from pipeline.reports.model import (
    Data,
    Delivery,
    Drift,
    Reconciliation,
    RejectedRow,
    RestatedFinal,
    RestatedLine,
    Restatement,
    Source,
    Stale,
)
from pipeline.store import reach
from pipeline.store.invoices import compare, has_list
from pipeline.store.reach import Reach
from pipeline.store.states import costs_of
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse

SHOWN_REJECTED = 5
SHOWN_DRIFT = 12
SHOWN_RESTATEMENTS = 4
TOP_RESTATED = 8  # lines of each
WAITING = ("quarantined", "refused")

#: Loads of what the bill is made of: other records stand in no report.
_OF_BILLS = f"""(coalesce(format, '') NOT IN ({", ".join(map(repr, RECORDED_FORMATS))})
    OR loads.x_Source IN (SELECT x_Source FROM source_periods WHERE x_Origin = 'billed'))"""

_SOURCES = """
SELECT own.x_Source, own.delivered_at, own.charges, standing.final_by, standing.note,
    coalesce(standing.state, 'open') AS state, standing.final_costs,
    (SELECT count(*) FROM loads
        WHERE loads.x_Source = own.x_Source AND loads.x_BillingPeriod = own.x_BillingPeriod
        AND loads.status IN ('replaced', 'superseded')) AS earlier
FROM source_periods AS own
LEFT JOIN period_states AS standing USING (x_Source, x_BillingPeriod)
WHERE own.x_BillingPeriod = ? AND own.x_Origin = 'billed'
ORDER BY own.x_Source
"""
_MISSING = """
SELECT x_Source FROM source_periods WHERE x_BillingPeriod = ? AND x_Origin = 'billed' AND charges > 0
EXCEPT SELECT x_Source FROM source_periods WHERE x_BillingPeriod = ? AND x_Origin = 'billed'
ORDER BY x_Source
"""
# A refused delivery whose billing period was never learnt is told of in the newest period's report. A later delivery
# of the same source and period settles what waited.
_DELIVERIES = f"""
SELECT * FROM (SELECT * FROM loads WHERE {_OF_BILLS}) AS own
WHERE (x_BillingPeriod = $period AND status = 'loaded')
    OR (status IN ('quarantined', 'refused')
        AND coalesce(x_BillingPeriod, (SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed'), $period) = $period
        AND NOT EXISTS (SELECT 1 FROM loads AS later
            WHERE later.x_Source = own.x_Source AND later.x_BillingPeriod = own.x_BillingPeriod
            AND later.status = 'loaded' AND later.loaded_at > own.loaded_at))
ORDER BY x_Source, loaded_at, load_id
"""
_REJECTED = f"""
SELECT loads.x_Source, rejected.* FROM rejected_rows AS rejected
JOIN loads USING (load_id)
WHERE loads.x_BillingPeriod = ? AND loads.status = 'loaded' AND {_OF_BILLS}
ORDER BY loads.x_Source, rejected.path, rejected.record, rejected.column_name
LIMIT ?
"""
_DRIFT = """
SELECT DISTINCT loads.x_Source, drift.change, drift.column_name, drift.before, drift.after FROM load_drift AS drift
JOIN loads USING (load_id)
WHERE loads.x_BillingPeriod = ? AND loads.status IN ('loaded', 'quarantined', 'refused')
ORDER BY x_Source, column_name NULLS FIRST, change
"""
_CONTROLS = f"""
SELECT BillingCurrency,
    bool_or(source_expression = 'derived' OR file_total IS NULL) AS derived,
    coalesce(sum(file_total - repeated_total - replaced_total), 0) AS files,
    coalesce(sum(charges_total - replaced_total), 0) AS charges,
    coalesce(sum(rejected_total), 0) AS rejected
FROM load_controls JOIN loads USING (load_id)
WHERE loads.x_BillingPeriod = ? AND loads.status = 'loaded' AND column_name = 'BilledCost' AND {_OF_BILLS}
GROUP BY ALL
"""
# A tenant's file has no files of its own: its charges are what the sums are held against.
_OWN_CHARGES = """
SELECT BillingCurrency, true AS derived, coalesce(sum(BilledCost), 0) AS charges, CAST(0 AS DECIMAL(38, 18)) AS rejected
FROM charges WHERE x_BillingPeriod = ? AND x_Origin = 'billed'
GROUP BY ALL
"""
_SUMMED = """
SELECT BillingCurrency, sum(BilledCost) AS billed FROM {table} WHERE x_BillingPeriod = ? {only} GROUP BY ALL
"""
_BILLED_BY = """
SELECT BillingCurrency, sum(BilledCost) FROM daily_costs
WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = 'billed' GROUP BY ALL
"""
_RESTATED = """
SELECT restated.*, loads.delivered_at FROM restatements AS restated
JOIN loads USING (load_id)
WHERE restated.x_BillingPeriod = ?
ORDER BY restated_at DESC, load_id, BillingCurrency
"""


def read_data(warehouse: Warehouse, period: str, as_of: datetime, max_age_days: int | None) -> Data:
    """Read what is loaded of a period and what is missing; stale only when it is open on ``as_of`` or the newest."""
    rows = warehouse.frame(_SOURCES, [period]).to_dicts()
    reached = reach.of_period(warehouse, period)
    sources = tuple(_source(row, reached.get(row["x_Source"])) for row in rows)
    found = [_delivery(row) for row in warehouse.frame(_DELIVERIES, {"period": period}).to_dicts()]
    loaded = [delivery for delivery in found if delivery.status not in WAITING]
    rejected_count = sum(delivery.rows_rejected for delivery in loaded)
    rejected = warehouse.frame(_REJECTED, [period, SHOWN_REJECTED]).to_dicts() if rejected_count else []
    drift = [Drift(*row) for row in warehouse.rows(_DRIFT, [period])]
    newest = warehouse.value(
        "SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0"
    )
    is_open = as_of in periods.month(period) or (period == newest and as_of >= periods.month(period).start)
    return Data(
        sources=sources,
        missing_sources=tuple(row[0] for row in warehouse.rows(_MISSING, [periods.previous(period), period])),
        deliveries=tuple(loaded),
        waiting=tuple(delivery for delivery in found if delivery.status in WAITING),
        rejected_count=rejected_count,
        rejected=tuple(_rejected(row) for row in rejected),
        drift_count=len(drift),
        drift=tuple(drift[:SHOWN_DRIFT]),
        reconciliation=_reconciliation(warehouse, period),
        stale=_stale(sources, as_of, max_age_days) if is_open else None,
        restated=tuple(
            line for row in rows if row["state"] == "restated" for line in _restated_final(warehouse, row, period)
        ),
        invoices=compare(warehouse, period) if has_list(warehouse) else (),
    )


def last_day(sources: Iterable[Source]) -> date | None:
    """The earliest day that the figures of a source end with: where a figure over all of them ends."""
    return min((source.figures_end for source in sources if source.figures_end), default=None)


def _source(row: Mapping[str, Any], own: Reach | None) -> Source:
    days = (own.last_day, own.figures_end) if own else (None, None)
    standing = (row["state"], row["final_by"], row["note"])
    return Source(row["x_Source"], *days, row["delivered_at"], row["charges"], row["earlier"], *standing)


def _restated_final(warehouse: Warehouse, row: Mapping[str, Any], period: str) -> list[RestatedFinal]:
    """By currency, where BilledCost moved; the first line tells of EffectiveCost alone when none did."""
    now: dict[str | None, Decimal] = dict(warehouse.rows(_BILLED_BY, [row["x_Source"], period]))
    final = costs_of(row["final_costs"])
    lines = [
        RestatedFinal(row["x_Source"], code, final.get(code, money.ZERO), now.get(code, money.ZERO))
        for code in sorted({*final, *now}, key=str)
    ]
    return [line for line in lines if line.final != line.now] or lines[:1]


def _delivery(row: Mapping[str, Any]) -> Delivery:
    return Delivery(
        source=row["x_Source"],
        period=row["x_BillingPeriod"],
        format=row["format"],
        status=row["status"],
        reason=row["reason"],
        delivered_at=row["delivered_at"],
        rows_read=row["rows_read"],
        rows_rejected=row["rows_rejected"],
        charges=row["charges"],
    )


def _rejected(row: Mapping[str, Any]) -> RejectedRow:
    file = PurePosixPath(row["path"].replace("\\", "/")).name
    return RejectedRow(row["x_Source"], file, row["record"], row["column_name"], row["value"], row["reason"])


def _stale(sources: Sequence[Source], as_of: datetime, max_age_days: int | None) -> Stale | None:
    day = last_day(sources)
    if day is None or max_age_days is None:
        return None
    age = (as_of.date() - day).days
    behind = tuple(source.name for source in sources if source.figures_end == day)
    return Stale(day, age, max_age_days, behind) if age > max_age_days else None


# --- Reconciliation -------------------------------------------------------------------------


def _reconciliation(warehouse: Warehouse, period: str) -> tuple[Reconciliation, ...]:
    """One line per currency that any step knows, so that one which a step lost stands out."""
    known = _CONTROLS if owner(warehouse) is None else _OWN_CHARGES
    controls = {row["BillingCurrency"]: row for row in warehouse.frame(known, [period]).to_dicts()}
    daily = dict(warehouse.rows(_SUMMED.format(table="daily_costs", only="AND x_Origin = 'billed'"), [period]))
    summaries = dict(warehouse.rows(_SUMMED.format(table="category_summary", only=""), [period]))
    nothing: dict[str, Any] = {"derived": False, "files": money.ZERO, "charges": money.ZERO, "rejected": money.ZERO}
    lines = []
    for currency in sorted({*controls, *daily, *summaries}, key=lambda code: (code is None, code or "")):
        control = controls.get(currency, nothing)
        lines.append(
            Reconciliation(
                currency=currency,
                files=None if control["derived"] else control["files"],
                rejected=control["rejected"],
                charges=control["charges"],
                daily=daily.get(currency, money.ZERO),
                summaries=summaries.get(currency, money.ZERO),
            )
        )
    return tuple(lines)


# --- Restatements ---------------------------------------------------------------------------


def read_restatements(warehouse: Warehouse, period: str) -> tuple[tuple[Restatement, ...], int]:
    """Read the latest re-deliveries that changed something, newest first, and how many came before those."""
    groups: dict[tuple[datetime, str, str | None], list[Mapping[str, Any]]] = defaultdict(list)
    for row in warehouse.frame(_RESTATED, [period]).to_dicts():
        groups[row["restated_at"], row["load_id"], row["BillingCurrency"]].append(row)
    all_of_them = [_restatement(rows) for rows in groups.values()]
    return tuple(all_of_them[:SHOWN_RESTATEMENTS]), max(len(all_of_them) - SHOWN_RESTATEMENTS, 0)


def _restatement(rows: Sequence[Mapping[str, Any]]) -> Restatement:
    lines = sorted((_restated(row) for row in rows), key=_by_change)
    cut = TOP_RESTATED if len(lines) > TOP_RESTATED + 1 else len(lines)
    first = rows[0]
    return Restatement(
        source=first["x_Source"],
        currency=first["BillingCurrency"],
        delivered_at=first["delivered_at"],
        reason=first["reason"],
        rows=tuple(lines[:cut]),
        rest_count=len(lines) - cut,
        rest=_together(lines[cut:]) if lines[cut:] else None,
        total=_together(lines),
    )


def _by_change(line: RestatedLine) -> tuple[Decimal, Decimal, str, str]:
    return -abs(line.change), -abs(line.effective_change), line.account or "", line.service or ""


def _restated(row: Mapping[str, Any]) -> RestatedLine:
    return RestatedLine(
        account=row["SubAccountId"],
        service=row["ServiceName"],
        charges_before=row["charges_before"],
        charges_after=row["charges_after"],
        before=row["BilledCost_before"],
        after=row["BilledCost_after"],
        effective_before=row["EffectiveCost_before"],
        effective_after=row["EffectiveCost_after"],
    )


def _together(lines: Sequence[RestatedLine]) -> RestatedLine:
    return RestatedLine(
        account=None,
        service=None,
        charges_before=sum(line.charges_before for line in lines),
        charges_after=sum(line.charges_after for line in lines),
        before=money.total(line.before for line in lines),
        after=money.total(line.after for line in lines),
        effective_before=money.total(line.effective_before for line in lines),
        effective_after=money.total(line.effective_after for line in lines),
    )
