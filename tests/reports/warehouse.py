"""A report's warehouse, filled by hand.

Costs are written by day and resource; everything else is summed from them, so that the warehouse reconciles.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import polars as pl

from pipeline import money, periods
from pipeline.store.warehouse import Warehouse

PERIOD = "2026-03"
AS_OF = datetime(2026, 3, 22, 6)
GENERATED_AT = datetime(2026, 3, 22, 6, 15, 30)
THROUGH = date(2026, 3, 21)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a|b`c`*d*_e_[f](https://evil.example)",
    "# heading\n\n- list\r\n1. one",
    "\u202eevil\u202c exe.gpj",
    "🦆 ﷽ été",
    "https://evil.example/?q=1&r=2",
    "{{ 7 * 7 }} {% raw %} ${x}",
    "&lt;b&gt; &amp; \\",
    "N" * 10_000,
)


@dataclass(frozen=True)
class Spend:
    """What one resource costs a day, and on ``extra`` days on top of it."""

    service: str | None
    category: str | None
    resource: str | None
    per_day: str
    account: str = "111122223333"
    kind: str = "Usage"
    kind_class: str | None = None
    source: str = "aws-prod"
    provider: str = "aws"
    type: str | None = None
    region: str | None = "eu-west-1"
    name: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    currency: str | None = "USD"
    days: tuple[int, int] = (1, 31)
    once: bool = False


def fill(warehouse: Warehouse, period: str, spends: Sequence[Spend], through: date | None) -> None:
    """Write the costs of a period up to ``through``, and everything that is summed from them."""
    rows = [row for spend in spends for row in _days(spend, period, through)]
    insert(warehouse, "daily_costs", [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows])
    _source_periods(warehouse, period, {spend.source for spend in spends}, through)
    _category_summary(warehouse, period)
    _resource_summary(warehouse, period, rows)
    _resource_costs(warehouse, period, rows)
    _tag_summary(warehouse, period, rows)
    _trend(warehouse, period, through)
    _movers(warehouse, period)
    _controls(warehouse, period)


def insert(warehouse: Warehouse, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows with the table's own types; a column that a row leaves out is NULL, or empty where it must not be."""
    types = warehouse.frame(f"SELECT * FROM {table} LIMIT 0").schema
    needed = {name for name, nullable in warehouse.rows(
        "SELECT column_name, is_nullable FROM duckdb_columns() WHERE table_name = ?", [table]) if not nullable}  # fmt: skip
    empty = {name: ("" if types[name] == pl.String else 0) if name in needed else None for name in types}
    full = [{**empty, **row} for row in rows]
    if full:
        columns = {
            name: pl.Series(name, [_typed(row[name], kind) for row in full], dtype=kind) for name, kind in types.items()
        }
        warehouse.insert(table, pl.DataFrame(columns))


def _typed(value: Any, kind: Any) -> Any:
    return Decimal(value) if isinstance(kind, pl.Decimal) and value is not None else value


def _days(spend: Spend, period: str, through: date | None) -> list[dict[str, Any]]:
    window = periods.month(period)
    first, last = spend.days[0], spend.days[0] if spend.once else min(spend.days[1], window.days)
    rows = []
    for number in range(first, last + 1):
        day = window.start.date() + timedelta(days=number - 1)
        if through is not None and day <= through:
            rows.append(_row(spend, period, day, Decimal(0) if spend.once else Decimal((number * 7) % 5 - 2) / 40))
    return rows


def _row(spend: Spend, period: str, day: date, wobble: Decimal) -> dict[str, Any]:
    weekend = Decimal("0.82") if day.weekday() > 4 and spend.kind == "Usage" else Decimal(1)
    billed = money.stored(Decimal(spend.per_day) * (1 + wobble) * weekend)
    return {
        "x_BillingPeriod": period, "ChargeDay": day, "BillingCurrency": spend.currency, "x_Source": spend.source,
        "x_Origin": "billed", "x_Provider": spend.provider, "SubAccountId": spend.account,
        "SubAccountName": {"444455556666": "Machine learning"}.get(spend.account),
        "ServiceCategory": spend.category, "ServiceName": spend.service, "RegionId": spend.region,
        "x_ResourceType": spend.type, "ChargeCategory": spend.kind, "ChargeClass": spend.kind_class,
        "BilledCost": billed, "EffectiveCost": billed if spend.kind == "Usage" else 0,
        "ListCost": money.stored(billed * Decimal("1.21")), "ContractedCost": billed, "x_ChargeCount": 24,
        "_resource": spend.resource, "_name": spend.name, "_tags": spend.tags,
    }  # fmt: skip


# --- What is summed -------------------------------------------------------------------------

_SUMS = """sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost),
    coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Credit'), 0),
    coalesce(sum(BilledCost) FILTER (WHERE ChargeClass = 'Correction'), 0),
    coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Tax'), 0), sum(x_ChargeCount)"""


def _category_summary(warehouse: Warehouse, period: str) -> None:
    warehouse.execute(
        f"""INSERT INTO category_summary
        SELECT x_BillingPeriod, BillingCurrency, ServiceCategory, ServiceName, {_SUMS}
        FROM daily_costs WHERE x_BillingPeriod = ? GROUP BY ALL""",
        [period],
    )


def _summed(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    rows = list(rows)
    parts = {
        "x_CreditCost": [row["BilledCost"] for row in rows if row["ChargeCategory"] == "Credit"],
        "x_RefundCost": [row["BilledCost"] for row in rows if row["ChargeClass"] == "Correction"],
        "x_TaxCost": [row["BilledCost"] for row in rows if row["ChargeCategory"] == "Tax"],
    }
    for column in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        parts[column] = [Decimal(row[column]) for row in rows]
    return {**{name: money.total(values) for name, values in parts.items()}, "x_ChargeCount": 24 * len(rows)}


def _resource_summary(warehouse: Warehouse, period: str, rows: Sequence[dict[str, Any]]) -> None:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    own = ("x_BillingPeriod", "BillingCurrency", "x_Provider", "SubAccountId", "SubAccountName", "RegionId",
           "_resource", "_name", "x_ResourceType")  # fmt: skip
    for row in rows:
        groups.setdefault(tuple(row[name] for name in own), []).append(row)
    names = [{"_resource": "ResourceId", "_name": "ResourceName"}.get(name, name) for name in own]
    insert(
        warehouse,
        "resource_summary",
        [{**dict(zip(names, key, strict=True)), **_summed(group)} for key, group in groups.items()],
    )


def _resource_costs(warehouse: Warehouse, period: str, rows: Sequence[dict[str, Any]]) -> None:
    of = ("x_Provider", "SubAccountId", "SubAccountName", "RegionId", "_resource", "_name", "x_ResourceType")
    keys = {
        key: str(uuid5(NAMESPACE_OID, f"{period} {key!r}")) for key in {tuple(row[own] for own in of) for row in rows}
    }
    names = [{"_resource": "ResourceId", "_name": "ResourceName"}.get(own, own) for own in of]
    insert(
        warehouse,
        "resources",
        [{"x_ResourceKey": own, **dict(zip(names, key, strict=True))} for key, own in keys.items()],
    )
    bill = ("x_BillingPeriod", "BillingCurrency", "x_Source", "x_Origin", "ServiceCategory", "ServiceName")
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        group = (*(row[own] for own in bill), keys[tuple(row[own] for own in of)])
        groups.setdefault(group, []).append(row)
    made = [{**dict(zip((*bill, "x_ResourceKey"), key, strict=True)), **_summed(own)} for key, own in groups.items()]
    insert(warehouse, "resource_costs", made)


def _tag_summary(warehouse: Warehouse, period: str, rows: Sequence[dict[str, Any]]) -> None:
    made = []
    for currency in {row["BillingCurrency"] for row in rows}:
        own = [row for row in rows if row["BillingCurrency"] == currency]
        whole = money.total(row["BilledCost"] for row in own)
        for key in {key for row in own for key in row["_tags"]}:
            for value in {row["_tags"].get(key) for row in own}:
                sums = _summed(row for row in own if row["_tags"].get(key) == value)
                share = money.ratio(sums["BilledCost"], whole)
                common = {"x_BillingPeriod": period, "BillingCurrency": currency, "TagKey": key, "TagValue": value}
                made.append({**common, **sums, "x_BilledShare": share})
    insert(warehouse, "tag_summary", made)


def _trend(warehouse: Warehouse, period: str, through: date | None) -> None:
    window = periods.month(period)
    covered = (through - window.start.date()).days + 1 if through else 0
    before = dict(
        warehouse.rows(
            "SELECT BillingCurrency, BilledCost FROM trend_summary WHERE grain = 'month' AND x_BillingPeriod = ?",
            [periods.previous(period)],
        )
    )
    before_days = periods.month(periods.previous(period)).days
    for currency, billed in warehouse.rows(
        "SELECT BillingCurrency, sum(BilledCost) FROM daily_costs WHERE x_BillingPeriod = ? GROUP BY ALL", [period]
    ):
        previous = before.get(currency)
        change = None
        if previous and covered:
            change = money.percent(billed * before_days - previous * covered, previous * covered)
        insert(warehouse, "trend_summary", [{
            "x_BillingPeriod": period, "BillingCurrency": currency, "grain": "month",
            "bucket_start": window.start.date(), "bucket_end": window.end.date(), "days_covered": covered,
            "BilledCost": billed, "covered_BilledCost": billed, "previous_BilledCost": previous,
            "previous_days": before_days if previous is not None else None, "daily_change_percent": change,
        }])  # fmt: skip


def _movers(warehouse: Warehouse, period: str) -> None:
    now, last = (
        warehouse.frame(
            """SELECT BillingCurrency, ServiceName, SubAccountId, BilledCost, ChargeCategory, ChargeClass FROM daily_costs
            WHERE x_BillingPeriod = ?""",
            [label],
        ).to_dicts()
        for label in (period, periods.previous(period))
    )
    if not last:
        return
    covered = len({row[0] for row in warehouse.rows(
        "SELECT ChargeDay FROM daily_costs WHERE x_BillingPeriod = ?", [period])})  # fmt: skip
    share_of_month = Decimal(covered) / periods.month(periods.previous(period)).days
    for currency in {row["BillingCurrency"] for row in now}:
        for dimension in ("ServiceName", "SubAccountId"):
            made = []
            for key in {row[dimension] for row in [*now, *last] if row["BillingCurrency"] == currency}:
                sums = [
                    money.total(
                        r["BilledCost"] for r in rows if (r["BillingCurrency"], r[dimension]) == (currency, key)
                    )
                    for rows in (now, last)
                ]
                expected = money.stored(sums[1] * share_of_month)
                made.append({
                    "x_BillingPeriod": period, "BillingCurrency": currency, "dimension": dimension, "key": key,
                    "BilledCost": sums[0], "previous_BilledCost": sums[1], "expected_BilledCost": expected,
                    "change": sums[0] - expected,
                })  # fmt: skip
            if dimension == "ServiceName":
                insert(
                    warehouse,
                    "mover_reasons",
                    [own for row in made for own in _reasons(row, now, last, share_of_month)],
                )
            whole = money.total(row["change"] for row in made)
            insert(warehouse, "mover_summary",
                   [{**row, "share_of_change": money.ratio(row["change"], whole)} for row in made])  # fmt: skip


def _reasons(
    mover: dict[str, Any], now: Sequence[dict[str, Any]], last: Sequence[dict[str, Any]], share_of_month: Decimal
) -> list[dict[str, Any]]:
    """Rows of mover_reasons that divide a service's change: what is not told by its kind is a fifth price, or new, or gone."""

    def costs(rows: Sequence[dict[str, Any]], reason: str) -> list[Decimal]:
        own = (mover["BillingCurrency"], mover["key"], reason)
        return [row["BilledCost"] for row in rows if (row["BillingCurrency"], row["ServiceName"], _kind(row)) == own]

    told = {
        reason: money.total(costs(now, reason)) - money.stored(money.total(costs(last, reason)) * share_of_month)
        for reason in ("purchase", "credit", "refund", "tax")
    }
    rest = mover["change"] - money.total(told.values())
    if costs(last, "usage") and costs(now, "usage"):
        told["price"] = money.stored(rest / 5)
        told["usage"] = rest - told["price"]
    else:
        told["new" if costs(now, "usage") else "gone"] = rest
    common = {name: mover[name] for name in ("x_BillingPeriod", "BillingCurrency")} | {"ServiceName": mover["key"]}
    return [{**common, "reason": reason, "change": change} for reason, change in told.items() if change]


def _kind(row: dict[str, Any]) -> str:
    kind = str(row["ChargeCategory"]).lower()
    return "refund" if row["ChargeClass"] and kind not in ("credit", "tax") else kind


# --- Ledger ---------------------------------------------------------------------------------


def _source_periods(warehouse: Warehouse, period: str, sources: Iterable[str], through: date | None) -> None:
    delivered = datetime.combine(through or periods.month(period).start.date(), datetime.min.time())
    insert(warehouse, "source_periods", [
        {"x_Source": source, "x_BillingPeriod": period, "x_Origin": "billed", "load_id": f"{source}-{period}",
         "delivered_at": delivered + timedelta(days=1, hours=4, minutes=10 * number), "charges": 1281,
         "usage_through": delivered + timedelta(days=1) if through else None}
        for number, source in enumerate(sorted(sources))
    ])  # fmt: skip
    for source in sorted(sources):
        load(warehouse, f"{source}-{period}", source, period, delivered_at=delivered + timedelta(days=1, hours=4))


def load(warehouse: Warehouse, load_id: str, source: str, period: str | None, **facts: Any) -> None:
    """Write one row of the ledger."""
    loaded_at = facts.pop("loaded_at", datetime(2026, 3, 22, 6, 2))
    rows_read = facts.pop("rows_read", 1281)
    insert(warehouse, "loads", [{
        "load_id": load_id, "run_id": "run-1", "x_Source": source, "x_BillingPeriod": period, "format": "aws-cur-2",
        "fingerprint": load_id, "loaded_at": loaded_at, "status": "loaded", "rows_read": rows_read,
        "rows_mapped": rows_read - facts.get("rows_rejected", 0), "rows_rejected": 0, "rows_folded": 0,
        "rows_repeated": 0, "rows_generated": 0, "charges": rows_read, "columns": "[]", "dropped_columns": "[]", **facts,
    }])  # fmt: skip


def _controls(warehouse: Warehouse, period: str) -> None:
    warehouse.execute(
        """INSERT INTO load_controls
        SELECT x_Source || '-' || x_BillingPeriod, BillingCurrency, 'BilledCost', 'line_item_unblended_cost',
            sum(BilledCost), sum(BilledCost), 0, '0', 0, 0
        FROM daily_costs WHERE x_BillingPeriod = ? GROUP BY ALL""",
        [period],
    )


# --- Budgets --------------------------------------------------------------------------------


def budget(
    warehouse: Warehouse, position: int, kind: str, key: str, limit: str, spend: Decimal | None,
    forecast: Decimal | None, health: str, *, name: str | None = None, owner: str | None = None,
    enabled: bool = True, period: str = PERIOD, currency: str = "USD", **facts: Any,
) -> None:  # fmt: skip
    """Write a budget and its status."""
    budget_id = f"{kind}:{key}" if key else kind
    window = periods.month(period)
    used, expected = (money.percent(v, Decimal(limit)) if v is not None else None for v in (spend, forecast))
    alerts = [{"threshold": step, "type": "actual", "exit": True,
               "state": "EXCEEDED" if used and used >= int(step) else "OK"} for step in ("50", "80", "100")]  # fmt: skip
    insert(warehouse, "budgets", [{
        "budget_id": budget_id, "origin": "file", "scope_type": kind, "scope_key": key, "name": name, "owner": owner,
        "amount": limit, "currency": currency, "period": "monthly", "priority": 0, "alerts": json.dumps(alerts),
        "enabled": enabled, "started_at": window.start,
    }])  # fmt: skip
    insert(warehouse, "budget_status", [{
        "x_BillingPeriod": period, "position": position, "budget_id": budget_id, "scope_type": kind, "scope_key": key,
        "period_start": window.start, "period_end": window.end, "currency": currency, "enabled": enabled,
        "effective_limit": limit, "current_spend": spend, "percentage": used, "forecasted_spend": forecast,
        "forecast_percentage": expected, "health": health, "alerts": json.dumps(alerts), "matched_resources": 3,
        "unconverted": "{}", "breached": health == "EXCEEDED", "period": "monthly", **facts,
    }])  # fmt: skip


def alert(
    warehouse: Warehouse, budget_id: str, threshold: str, kind: str, status: str, severity: str, spend: str,
    limit: str, *, history: list[dict[str, Any]], **facts: Any,
) -> None:  # fmt: skip
    """Write an alert of March."""
    insert(warehouse, "budget_alerts", [{
        "alert_id": f"{budget_id}-{threshold}-{kind}", "budget_id": budget_id, "x_BillingPeriod": PERIOD,
        "period": "monthly", "period_start": periods.month(PERIOD).start, "period_end": periods.month(PERIOD).end,
        "threshold": threshold, "unit": "percent", "type": kind, "occurrence": 1,
        "status": status, "severity": severity, "currency": "USD", "spend": spend, "effective_limit": limit,
        "percentage": money.percent(Decimal(spend), Decimal(limit)), "fired_at": datetime(2026, 3, 16, 6),
        "history": json.dumps(history), **facts,
    }])  # fmt: skip
