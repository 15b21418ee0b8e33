"""AI usage by model: the tables of what was recorded and of what is billed by the token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline import money
from pipeline.reports.model import ModelUsage, ModelUse
from pipeline.store.warehouse import Warehouse
from pipeline.summaries.measures import daily_change

TOP_MODELS = 12

#: What was recorded comes first: it says more.
_MODELS = """
SELECT * FROM model_summary WHERE x_BillingPeriod = ?
ORDER BY x_Origin DESC, BillingCurrency NULLS LAST, BilledCost DESC, x_Provider, ServiceName, model, operation"""

#: Recorded usage of sources that say ``bill: true``.
_IN_BILL = """
SELECT m.BillingCurrency, sum(m.BilledCost) FROM model_costs AS m
INNER JOIN source_periods AS p ON p.x_Source = m.x_Source AND p.x_BillingPeriod = m.x_BillingPeriod
WHERE m.x_BillingPeriod = ? AND m.x_Origin = 'recorded' AND p.x_Origin = 'billed' GROUP BY ALL"""

Row = Mapping[str, Any]


def read_models(warehouse: Warehouse, period: str) -> tuple[ModelUsage, ...]:
    """Read a billing period's AI usage, one table per origin and currency, what was recorded first; none without any."""
    groups: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
    for row in warehouse.frame(_MODELS, [period]).to_dicts():
        groups[row["x_Origin"], row["BillingCurrency"]].append(row)
    in_bill = warehouse.rows(_IN_BILL, [period]) if any(origin == "recorded" for origin, _ in groups) else []
    billed = {("recorded", currency): cost for currency, cost in in_bill}
    return tuple(_usage(*key, rows, billed.get(key)) for key, rows in groups.items())


def _usage(origin: str, currency: str | None, rows: Sequence[Row], billed: Decimal | None) -> ModelUsage:
    whole = money.total(row["BilledCost"] for row in rows)
    used = [row for row in rows if row["x_ChargeCount"]]
    cut = TOP_MODELS if len(used) > TOP_MODELS + 1 else len(used)
    hidden = used[cut:]
    return ModelUsage(
        origin=origin,
        currency=currency,
        rows=tuple(_use([row], whole, row) for row in used[:cut]),
        rest_count=len(hidden),
        rest=_use(hidden, whole) if hidden else None,
        total=_use(rows, whole),
        billed=billed,
        gone=len(rows) - len(used),
        days_covered=rows[0]["days_covered"],
    )


def _use(rows: Sequence[Row], whole: Decimal, named: Row | None = None) -> ModelUse:
    """Sum rows; quotients are taken of the sums."""
    sums = {name: money.total(Decimal(row[name] or 0) for row in rows) for name in _SUMMED}
    names: Row = named or {}
    is_recorded = rows[0]["x_Origin"] == "recorded"
    return ModelUse(
        provider=names.get("x_Provider"),
        service=None if is_recorded else names.get("ServiceName"),
        model=names.get("model"),
        operation=names.get("operation"),
        cost=sums["BilledCost"],
        calls=int(sums["x_ChargeCount"]),
        failed=int(sums["failed_calls"]),
        tokens=sums["tokens"],
        images=sums["images"],
        seconds=sums["seconds"],
        per_million=money.ratio(sums["token_BilledCost"] * 1_000_000, sums["tokens"], money.SCALE),
        cached=money.percent(sums["cached_input_tokens"], sums["input_tokens"]),
        share=money.percent(sums["BilledCost"], whole),
        change=_change(rows, sums),
    )


def _change(rows: Sequence[Row], sums: Mapping[str, Decimal]) -> Decimal | None:
    days, days_before = rows[0]["days_covered"], rows[0]["previous_days"]
    if days_before is None:
        return None
    return daily_change(sums["covered_BilledCost"], days, sums["previous_BilledCost"], days_before)


_SUMMED = (
    *("BilledCost", "token_BilledCost", "tokens", "input_tokens", "cached_input_tokens", "images", "seconds"),
    *("failed_calls", "x_ChargeCount", "covered_BilledCost", "previous_BilledCost"),
)
