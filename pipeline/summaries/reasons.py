"""Why a service's cost moved against the billing period before: usage, price, what is new or gone, and the rest by kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from pipeline import money, periods
from pipeline.summaries.measures import CURRENCY, MONEY, PERIOD, exactly, with_total
from pipeline.summaries.movers import brought_to
from pipeline.summaries.trend import days_covered

#: Every reason, in the order in which reports add them up and in which one of two equal ones takes what is rounded.
REASONS = ("usage", "price", "new", "gone", "purchase", "credit", "refund", "tax", "other")
SERVICE = "ServiceName"
COLUMNS = (
    *(PERIOD, CURRENCY, SERVICE, "reason"),
    *("BilledCost", "previous_BilledCost", "expected_BilledCost", "change"),
)
#: A change of usage this large says that the price before was taken from next to nothing: it explains nothing.
MOST_USAGE = Decimal(10) ** 15

_METER = ("kind", CURRENCY, SERVICE, "x_Provider", "RegionId", "SkuId", "SkuMeter")
_OF_SERVICE = (CURRENCY, SERVICE)
_ZERO = pl.lit(Decimal(0), dtype=MONEY)


def mover_reasons(metered: pl.LazyFrame, *, period: str, last_complete_day: date | None) -> pl.LazyFrame:
    """Divide each service's change of ``mover_summary`` by reason. Grain: currency, ServiceName, reason.

    Credits, taxes, refunds (corrections that are neither) and purchases are told by the kind of charge. Usage is told
    by its meter (provider, service, region, SkuId, SkuMeter): one that was charged in only one of both bills is new or
    gone. One that has a quantity in one unit on both sides moved by

        usage = (quantity - expected quantity) x unit price before,
            where expected quantity = quantity before x days covered / days before
            and unit price before = BilledCost before / quantity before
        price = its change - usage

    and the rest is other: usage of a meter without SKU, quantity or unit, or with a quantity of 0 or less on a side; and
    adjustments. A reason's expected cost is rounded half-even at 18 decimals; by what the sum of a service's then misses
    its own, that of its reason with the largest cost before is set right, so that reasons sum to the service exactly.

    Args:
        metered: rows of ``sql/night/metered_costs.sql``; those of ``period`` end with the last complete day.
        period: label of the billing period, such as ``2026-03``.
        last_complete_day: last day (UTC) that the usage of all sources covers whole; None: not one day yet.

    Returns:
        The columns of ``mover_reasons``, sorted by currency, ServiceName (both NULL last), size of the change (largest
        first) and reason. Costs are Decimal(38,18) in the row's BillingCurrency; those of ``price`` stand in ``usage``,
        which is of the same charges. A reason that has only zeros has no row. No rows where ``mover_summary`` has none.

    Raises:
        UsageError: when ``period`` is no label.
    """
    before = periods.previous(period)
    days, days_before = days_covered(period, last_complete_day), periods.month(before).days
    both = metered.filter(pl.col(PERIOD).is_in([before, period]), (pl.col(PERIOD) == before).any(), pl.lit(days > 0))
    sums = both.pipe(_meters, period).pipe(_reasons, days, days_before).pipe(_summed, brought_to(days, days_before))
    usage = pl.col("reason") == "usage"
    parts = [
        sums.with_columns(change=pl.when(usage).then("moved").otherwise(_change())),
        sums.filter(usage).with_columns(
            *(_ZERO.alias(name) for name in COLUMNS[4:7]), reason=pl.lit("price"), change=_change() - pl.col("moved")
        ),
    ]
    return (
        pl.concat([part.select(*_OF_SERVICE, *COLUMNS[3:]) for part in parts])
        .filter(pl.any_horizontal(pl.col(name) != _ZERO for name in COLUMNS[4:]))
        .sort(
            [pl.col(CURRENCY), pl.col(SERVICE), pl.col("change").abs(), pl.col("reason")],
            descending=[False, False, True, False],
            nulls_last=True,
        )
        .select(pl.lit(period).alias(PERIOD), *COLUMNS[1:])
    )


def counted_before(period: str, last_complete_day: date | None) -> date | None:
    """Return the day (UTC) that a charge of ``period`` is dated before to count; None: all count, the month is covered."""
    window = periods.month(period)
    days = days_covered(period, last_complete_day)
    return None if days == window.days else window.start.date() + timedelta(days=days)


def _change() -> pl.Expr:
    return pl.col("BilledCost") - pl.col("expected_BilledCost")


def _kind() -> pl.Expr:
    """The reason that the kind of charge alone is; ``usage`` is divided by its meters."""
    category = pl.col("ChargeCategory")
    return (
        pl.when(category.is_in(["Credit", "Tax"]))
        .then(category.str.to_lowercase())
        .when("x_IsCorrection")
        .then(pl.lit("refund"))
        .when(category.is_in(["Usage", "Purchase"]))
        .then(category.str.to_lowercase())
        .otherwise(pl.lit("other"))
    )


def _meters(both: pl.LazyFrame, period: str) -> pl.LazyFrame:
    """A row per kind, meter and unit: cost and quantity of both bills, and whether the meter was charged in each."""
    of_period = pl.col(PERIOD) == period
    charged = pl.col("x_ChargeCount") > 0
    return (
        both.with_columns(kind=_kind())
        .with_columns(
            is_used=(charged & of_period).any().over(_METER),
            was_used=(charged & ~of_period).any().over(_METER),
        )
        .group_by(*_METER, "x_Unit")
        .agg(
            pl.col("is_used", "was_used").first(),
            pl.col("BilledCost").filter(of_period).sum(),
            pl.col("BilledCost").filter(~of_period).sum().alias("previous_BilledCost"),
            pl.col("x_Quantity").filter(of_period).sum(),
            pl.col("x_Quantity").filter(~of_period).sum().alias("previous_quantity"),
        )
    )


def _reasons(meters: pl.LazyFrame, days: int, days_before: int) -> pl.LazyFrame:
    """Add each row's reason, and ``moved``: what the change of usage comes to, where it can be told from price."""

    def moved(cost: Decimal, quantity: Decimal, previous: Decimal) -> Decimal | None:
        if quantity <= 0 or previous <= 0:
            return None
        more = quantity * days_before - previous * days
        usage = money.ratio(cost * more, previous * days_before, places=money.SCALE)
        return usage if usage is not None and abs(usage) < MOST_USAGE else None

    is_metered = (
        pl.col("kind").eq("usage")
        & pl.col("x_Unit").is_not_null()
        & pl.any_horizontal(pl.col("SkuId", "SkuMeter").is_not_null())
    )
    return meters.with_columns(
        moved=exactly(moved, "previous_BilledCost", "x_Quantity", "previous_quantity"), is_metered=is_metered
    ).with_columns(
        reason=pl.when(pl.col("kind") != "usage")
        .then("kind")
        .when(~pl.col("was_used"))
        .then(pl.lit("new"))
        .when(~pl.col("is_used"))
        .then(pl.lit("gone"))
        .when(pl.col("is_metered") & pl.col("moved").is_not_null())
        .then(pl.lit("usage"))
        .otherwise(pl.lit("other"))
    )


def _summed(meters: pl.LazyFrame, expected: Callable[[Decimal], Decimal | None]) -> pl.LazyFrame:
    """A row per service and reason with its expected cost, which sum to the service's."""
    costs = ("BilledCost", "previous_BilledCost")
    place = pl.col("reason").replace_strict({reason: number for number, reason in enumerate(REASONS)})
    exact = exactly(expected, "previous_BilledCost")
    whole = meters.group_by(_OF_SERVICE).agg(pl.col("previous_BilledCost").sum()).with_columns(whole=exact)
    missed = pl.col("whole") - pl.col("parts")
    is_largest = pl.int_range(pl.len()).over(_OF_SERVICE) == 0
    return (
        meters.group_by(*_OF_SERVICE, "reason")
        .agg(pl.col(*costs).sum(), pl.col("moved").filter(pl.col("reason") == "usage").sum())
        .with_columns(expected_BilledCost=exact)
        .pipe(with_total, "expected_BilledCost", "parts", by=_OF_SERVICE)
        .join(whole.select(*_OF_SERVICE, "whole"), on=list(_OF_SERVICE), how="left", nulls_equal=True)
        .sort(pl.col("previous_BilledCost").abs(), -place, descending=True)
        .with_columns(pl.col("expected_BilledCost") + pl.when(is_largest).then(missed).otherwise(_ZERO))
    )
