"""One currency's part of a report: categories, days, resources and tags from the summaries.

Every table shows its largest rows and the sum of the rest, so that what is shown adds up to the bill.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

import polars as pl

from pipeline import forecast, money, periods
from pipeline.reports.attribution import fiscal_year_to_date, read_coverage, read_splits
from pipeline.reports.drill import read_drills
from pipeline.reports.model import (
    Budget,
    Category,
    Costs,
    CurrencySection,
    Daily,
    Day,
    Drill,
    Headline,
    Line,
    Owners,
    Resource,
    Resources,
    Rest,
    Standing,
    TagKey,
    TagValue,
)
from pipeline.reports.movers import cut, read_movers
from pipeline.reports.owners import read_owners, read_tenants
from pipeline.store.warehouse import Warehouse

TOP_SERVICES = 5  # of each category
TOP_RESOURCES = 10
TOP_TAG_KEYS = 6  # where the configuration names none
TOP_TAG_VALUES = 6  # of each key

_MEASURES = {
    "billed": "BilledCost",
    "effective": "EffectiveCost",
    "list": "ListCost",
    "contracted": "ContractedCost",
    "credits": "x_CreditCost",
    "refunds": "x_RefundCost",
    "tax": "x_TaxCost",
}
_DAYS = """
SELECT ChargeDay, BillingCurrency, sum(BilledCost) AS billed,
    coalesce(sum(BilledCost) FILTER (
        WHERE ChargeCategory = 'Usage' AND ChargeClass IS DISTINCT FROM 'Correction'
    ), 0) AS usage
FROM daily_costs
WHERE x_BillingPeriod = ? AND x_Origin = 'billed'
GROUP BY ALL
ORDER BY ALL
"""

Row = Mapping[str, Any]


def read_sections(
    warehouse: Warehouse,
    period: str,
    last_day: date | None,
    standing: Standing,
    tag_keys: Sequence[str],
    fiscal_year_start: int = 1,
) -> tuple[CurrencySection, ...]:
    """One section per billing currency, A to Z, charges without one last; none when nothing was billed."""
    tables = {
        name: warehouse.frame(f"SELECT * FROM {name} WHERE x_BillingPeriod = ?", [period])
        for name in (
            "category_summary",
            "resource_summary",
            "tag_summary",
            "trend_summary",
            "mover_summary",
            "mover_reasons",
        )
    }
    tables["days"] = warehouse.frame(_DAYS, [period])
    accounts = _account_names(warehouse, period)
    owners, tenants = read_owners(warehouse, period), read_tenants(warehouse, period)
    drills = read_drills(warehouse, period, tables["category_summary"])
    found = tables["category_summary"]["BillingCurrency"].unique().to_list()
    currencies = sorted(found, key=lambda code: (code is None, code or ""))
    budget = _whole_bill_budget(standing, currencies)
    year, to_date = fiscal_year_to_date(warehouse, period, fiscal_year_start)
    found_sections = []
    for currency in currencies:
        own = _section(
            currency,
            period,
            last_day,
            _of_currency(tables, currency),
            accounts,
            budget,
            tag_keys,
            owners,
            drills[currency],
        )
        billed = to_date.get(currency, own.total.billed)
        keys = [key.key for key in own.tags]
        found_sections.append(
            replace(
                own,
                headline=replace(own.headline, year=year, year_to_date=billed),
                coverage=read_coverage(warehouse, period, currency, keys),
                splits=read_splits(warehouse, period, currency),
                tenants=tenants.get(currency),
            )
        )
    return tuple(found_sections)


def _section(
    currency: str | None,
    period: str,
    last_day: date | None,
    tables: Mapping[str, pl.DataFrame],
    accounts: Mapping[str, str],
    budget: Budget | None,
    tag_keys: Sequence[str],
    owners: Mapping[str | None, Owners],
    drill: Drill,
) -> CurrencySection:
    services = tables["category_summary"].to_dicts()
    total = _costs(services)
    daily = _daily(tables["days"].to_dicts(), period, last_day, budget)
    return CurrencySection(
        currency=currency,
        total=total,
        headline=_headline(tables["trend_summary"], total, daily, budget),
        daily=daily,
        categories=_categories(services, total.billed),
        movers=read_movers(tables["mover_summary"], tables["mover_reasons"], accounts),
        resources=_resources(tables["resource_summary"], total.billed),
        tags=_tags(tables["tag_summary"].to_dicts(), total.billed, tag_keys),
        owners=owners.get(currency),
        coverage=(),
        splits=(),
        drill=drill,
    )


def read_month(
    warehouse: Warehouse, period: str, last_day: date | None, standing: Standing
) -> dict[str | None, tuple[Daily, Decimal | None, str | None]]:
    """Read a billing period's days by currency, each with the forecast of its whole, or why there is none."""
    days = warehouse.frame(_DAYS, [period])
    currencies = days["BillingCurrency"].unique().to_list()
    budget = _whole_bill_budget(standing, currencies)
    found = {}
    for currency in currencies:
        own = _of_currency({"days": days}, currency)["days"].to_dicts()
        daily = _daily(own, period, last_day, budget)
        found[currency] = (daily, *_forecast(daily, budget))
    return found


def _whole_bill_budget(standing: Standing, currencies: Sequence[str | None]) -> Budget | None:
    """The global budget, where it counts exactly what the one section shows."""
    for budget in standing.enabled:
        is_bill = budget.scope_type == "global" and budget.window is None and budget.is_billed
        if is_bill and currencies == [budget.currency] and not budget.unconverted:
            return budget
    return None


def _of_currency(tables: Mapping[str, pl.DataFrame], currency: str | None) -> dict[str, pl.DataFrame]:
    return {
        name: frame.filter(pl.col("BillingCurrency").eq_missing(pl.lit(currency, dtype=pl.String)))
        for name, frame in tables.items()
    }


def _account_names(warehouse: Warehouse, period: str) -> dict[str, str]:
    pairs = warehouse.rows(
        """SELECT d.SubAccountId, coalesce(min(d.SubAccountName), min(a.name)) AS name
        FROM daily_costs AS d LEFT JOIN accounts AS a ON a.account_id = d.SubAccountId
        WHERE d.x_BillingPeriod IN (?, ?) AND d.SubAccountId IS NOT NULL
        GROUP BY d.SubAccountId HAVING coalesce(min(d.SubAccountName), min(a.name)) IS NOT NULL""",
        [period, periods.previous(period)],
    )
    return {account: name for account, name in pairs if name != account}


# --- Headline and days ----------------------------------------------------------------------


def _headline(trend: pl.DataFrame, total: Costs, daily: Daily, budget: Budget | None) -> Headline:
    months = trend.filter(pl.col("grain") == "month").to_dicts()
    row: Row = months[0] if months else {}
    covered = int(row.get("days_covered") or 0)
    before, before_days = row.get("previous_BilledCost"), row.get("previous_days")
    is_open = len(daily.complete_days) < len(daily.days)
    expected, note = _forecast(daily, budget) if is_open else (None, None)
    return Headline(
        billed=total.billed,
        effective=total.effective,
        days_covered=covered,
        per_day=_per_day(row.get("covered_BilledCost", money.ZERO), covered),
        previous_per_day=_per_day(before, before_days) if before is not None else None,
        change=row.get("daily_change_percent"),
        forecast=expected,
        forecast_note=note,
        limit=budget.limit if budget else None,
        used=budget.percentage if budget else None,
        forecast_used=budget.forecast_percentage if budget and is_open else None,
        year="",
        year_to_date=total.billed,
    )


def _per_day(amount: Decimal, days: int | None) -> Decimal | None:
    return money.ratio(amount, Decimal(days), places=money.SCALE) if days else None


def _forecast(daily: Daily, budget: Budget | None) -> tuple[Decimal | None, str | None]:
    """The global budget's forecast, else the last day's projection (SPEC section 4: the same formula)."""
    if budget:
        return budget.forecast, budget.forecast_note
    projected = daily.days[-1].projected
    return projected, forecast.NO_COMPLETE_DAY.format(period=periods.label(daily.start)) if projected is None else None


def _daily(rows: Iterable[Row], period: str, last_day: date | None, budget: Budget | None) -> Daily:
    """All days of the period; charges dated outside of it count on its nearest day."""
    window = periods.month(period)
    usage: dict[date, Decimal] = {}
    other: dict[date, Decimal] = {}
    for row in rows:
        usage[row["ChargeDay"]] = row["usage"]
        other[row["ChargeDay"]] = row["billed"] - row["usage"]
    limit = budget.limit if budget else None
    projected = forecast.daily_projection(usage, other, window=window, last_complete_day=last_day, limit=limit)
    days = [entry.day for entry in projected]
    usage_by_day, other_by_day = _within(usage, days), _within(other, days)
    running = accumulate(usage_by_day[day] + other_by_day[day] for day in days)
    return Daily(
        days=tuple(
            Day(
                own.day,
                usage_by_day[own.day],
                other_by_day[own.day],
                so_far,
                own.pace,
                own.projected,
                own.spend is not None,
            )
            for own, so_far in zip(projected, running, strict=True)
        ),
        outside=money.total(v for sums in (usage, other) for day, v in sums.items() if not days[0] <= day <= days[-1]),
        limit=limit,
        pace_per_day=_per_day(limit, window.days) if limit is not None else None,
    )


def _within(sums: Mapping[date, Decimal], days: Sequence[date]) -> dict[date, Decimal]:
    by_day = dict.fromkeys(days, money.ZERO)
    for day, amount in sums.items():
        by_day[min(max(day, days[0]), days[-1])] += amount
    return by_day


# --- Categories -----------------------------------------------------------------------------


def _categories(services: Sequence[Row], billed: Decimal) -> tuple[Category, ...]:
    groups: dict[str | None, list[Row]] = defaultdict(list)
    for row in services:
        groups[row["ServiceCategory"]].append(row)
    categories = [_category(name, rows, billed) for name, rows in groups.items()]
    return tuple(sorted(categories, key=lambda category: _by_cost(category.line)))


def _category(name: str | None, rows: Sequence[Row], billed: Decimal) -> Category:
    services = sorted((_line(row["ServiceName"], [row], billed) for row in rows), key=_by_cost)
    shown, hidden = cut(services, TOP_SERVICES)
    return Category(_line(name, rows, billed), tuple(shown), _rest([line.costs for line in hidden], billed))


def _by_cost(line: Line) -> tuple[Decimal, str]:
    return -line.costs.billed, line.name or ""


def _line(name: str | None, rows: Iterable[Row], billed: Decimal) -> Line:
    costs = _costs(rows)
    return Line(name, costs, money.percent(costs.billed, billed))


def _rest(hidden: Sequence[Costs], billed: Decimal, count: int | None = None) -> Rest | None:
    if not hidden:
        return None
    costs = _sum(hidden)
    return Rest(len(hidden) if count is None else count, costs, money.percent(costs.billed, billed))


def _costs(rows: Iterable[Row]) -> Costs:
    rows = list(rows)
    sums = {name: money.total(row[column] for row in rows) for name, column in _MEASURES.items()}
    return Costs(**sums, charges=sum(row["x_ChargeCount"] for row in rows))


def _sum(costs: Sequence[Costs]) -> Costs:
    sums = {name: money.total(getattr(cost, name) for cost in costs) for name in _MEASURES}
    return Costs(**sums, charges=sum(cost.charges for cost in costs))


# --- Resources ------------------------------------------------------------------------------


def _resources(frame: pl.DataFrame, billed: Decimal) -> Resources:
    """The most expensive by BilledCost; the sums of the others are taken by Polars, there may be 100,000."""
    order = ["BilledCost", "ResourceId", "SubAccountId", "RegionId", "ResourceName"]
    named = frame.filter(pl.col("ResourceId").is_not_null()).sort(
        order, descending=[True, False, False, False, False], nulls_last=True
    )
    cut = TOP_RESOURCES if named.height > TOP_RESOURCES + 1 else named.height
    unattached = frame.filter(pl.col("ResourceId").is_null())
    return Resources(
        rows=tuple(_resource(row, billed) for row in named.head(cut).to_dicts()),
        rest=_rest_of(named.slice(cut), billed),
        unattached=_rest_of(unattached, billed),
    )


def _resource(row: Row, billed: Decimal) -> Resource:
    costs = _costs([row])
    return Resource(
        id=row["ResourceId"],
        name=row["ResourceName"] if row["ResourceName"] != row["ResourceId"] else None,
        type=row["x_ResourceType"] or row["ResourceType"],
        account=row["SubAccountName"] or row["SubAccountId"],
        region=row["RegionId"],
        costs=costs,
        share=money.percent(costs.billed, billed),
    )


def _rest_of(frame: pl.DataFrame, billed: Decimal) -> Rest | None:
    if frame.is_empty():
        return None
    sums = frame.select(*_MEASURES.values(), "x_ChargeCount").sum().to_dicts()
    return _rest([_costs(sums)], billed, count=frame.height)


# --- Tags -----------------------------------------------------------------------------------


def _tags(rows: Sequence[Row], billed: Decimal, tag_keys: Sequence[str]) -> tuple[TagKey, ...]:
    """The configured keys in their order, else those that cover most; a key nobody uses is all untagged."""
    by_key: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[row["TagKey"]].append(row)
    keys = [_tag_key(key, by_key.get(key, []), billed) for key in (tag_keys or by_key)]
    return tuple(keys if tag_keys else sorted(keys, key=lambda key: (-key.tagged, key.key))[:TOP_TAG_KEYS])


def _tag_key(key: str, rows: Sequence[Row], billed: Decimal) -> TagKey:
    tagged = [row for row in rows if row["TagValue"] is not None]
    covered = money.total(row["BilledCost"] for row in tagged)
    tagged = sorted(tagged, key=lambda row: (-row["BilledCost"], row["TagValue"]))
    shown, hidden = cut(tagged, TOP_TAG_VALUES)
    rest = money.total(row["BilledCost"] for row in hidden)
    return TagKey(
        key=key,
        tagged=covered,
        tagged_share=money.percent(covered, billed),
        untagged=billed - covered,
        untagged_share=money.percent(billed - covered, billed),
        values=tuple(
            TagValue(row["TagValue"], row["BilledCost"], money.percent(row["BilledCost"], billed)) for row in shown
        ),
        rest_count=len(hidden),
        rest=rest,
        rest_share=money.percent(rest, billed),
    )
