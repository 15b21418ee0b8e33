"""What all summaries share: the measures, which charges count, and Decimal arithmetic that Polars would round.

Polars sums, compares, negates and subtracts DECIMAL(38,18) exactly, but rounds products and quotients: those go
through ``exactly``. Sums are ``group_by().agg`` of a lazy frame, which raises ``polars.exceptions.ComputeError`` past 20
digits before the point when collected by the default engine; ``sum().over(...)`` and ``engine="in-memory"`` wrap there
in silence and are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext

import polars as pl

from pipeline import money

#: The type of all money, as DECIMAL(38,18) of the store.
MONEY = pl.Decimal(38, 18)

PERIOD = "x_BillingPeriod"
CURRENCY = "BillingCurrency"

#: The columns that every summary sums, in the tables' order.
MEASURES = (
    "BilledCost",
    "EffectiveCost",
    "ListCost",
    "ContractedCost",
    "x_CreditCost",
    "x_RefundCost",
    "x_TaxCost",
    "x_ChargeCount",
)


def is_billed() -> pl.Expr:
    """Whether a rollup row is of a bill: recorded calls are billed in a later export and would count twice."""
    return pl.col("x_Origin") == "billed"


def sums() -> list[pl.Expr]:
    """The sum of each measure, exact; 0 where there is none."""
    return [pl.col(name).sum() for name in MEASURES]


def with_parts(daily: pl.LazyFrame) -> pl.LazyFrame:
    """Add credit, refund and tax, the parts of BilledCost told apart (``resource_costs`` has them already).

    A correction of a credit or of a tax is a credit or a tax, so that no part counts twice.
    """
    is_credit = pl.col("ChargeCategory").eq_missing(pl.lit("Credit"))
    is_tax = pl.col("ChargeCategory").eq_missing(pl.lit("Tax"))
    is_correction = pl.col("ChargeClass").eq_missing(pl.lit("Correction"))
    return daily.with_columns(
        x_CreditCost=_billed_cost_when(is_credit),
        x_RefundCost=_billed_cost_when(is_correction & ~is_credit & ~is_tax),
        x_TaxCost=_billed_cost_when(is_tax),
    )


def bill_day() -> pl.Expr:
    """ChargeDay brought into its billing period's month: a day before it becomes the first, one after it the last.

    An upfront fee dated before the month and a late charge dated after it are on this bill all the same, so days,
    weeks and the month of a trend each sum to the whole bill.
    """
    first_day = (pl.col(PERIOD) + "-01").str.to_date("%Y-%m-%d")
    return pl.col("ChargeDay").clip(first_day, first_day.dt.month_end())


def daily_change(current: Decimal, days: int, previous: Decimal, previous_days: int) -> Decimal | None:
    """Change per day in percent; of the absolute value, so that more cost is up also from a month of credits."""
    return money.percent(current * previous_days - previous * days, abs(previous) * days)


def with_total(frame: pl.LazyFrame, column: str, name: str, *, by: Sequence[str]) -> pl.LazyFrame:
    """Add ``name``: the exact sum of ``column`` over the rows that are equal in ``by`` (a null equals a null)."""
    totals = frame.group_by(by).agg(pl.col(column).sum().alias(name))
    return frame.join(totals, on=list(by), how="left", nulls_equal=True)


def exactly(function: Callable[..., Decimal | None], *columns: str) -> pl.Expr:
    """Apply a Decimal function to each row's values, in a context wide enough for any product of two amounts.

    The function rounds its result to at most 18 decimals; it is given as MONEY. NULL where a value is NULL, where the
    function returns None, and where its result has more than 20 digits before the point, which a ratio to the residue
    of a sum can reach.
    """

    def apply(rows: pl.Series) -> pl.Series:
        with localcontext(money.EXACT):
            values = [_storable(function, row) for row in rows.struct.unnest().iter_rows()]
        return pl.Series(values, dtype=MONEY)

    return pl.struct(*columns).map_batches(apply, return_dtype=MONEY, is_elementwise=True)


def _storable(function: Callable[..., Decimal | None], row: tuple[Decimal | int | None, ...]) -> Decimal | None:
    value = None if None in row else function(*row)
    return value if value is not None and abs(value) < money.LIMIT else None


def _billed_cost_when(condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then("BilledCost").otherwise(pl.lit(Decimal(0), dtype=MONEY))
