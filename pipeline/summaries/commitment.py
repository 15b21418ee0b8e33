"""How much of each commitment was used, how much was paid for nothing, and what was saved by it."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from pipeline import money
from pipeline.summaries.measures import CURRENCY, MONEY, PERIOD, bill_day, exactly

KEYS = (PERIOD, CURRENCY, "x_Origin", "x_Provider", "CommitmentDiscountId")
_NAMES = ("CommitmentDiscountName", "CommitmentDiscountType", "CommitmentDiscountCategory")
COLUMNS = (
    *(*KEYS, *_NAMES, "purchase_BilledCost", "used_EffectiveCost", "unused_EffectiveCost", "other_EffectiveCost"),
    *("utilisation_percent", "covered_ListCost", "covered_ContractedCost", "list_savings", "contracted_savings"),
    *("CommitmentDiscountUnit", "used_quantity", "unused_quantity", "days_covered", "x_ChargeCount"),
)


def commitment_summary(costs: pl.LazyFrame) -> pl.LazyFrame:
    """Sum each commitment's charges. Grain: billing period, currency, origin, provider, commitment.

    Used is usage with the status Used, unused is usage or a fee with the status Unused; both without corrections, which
    are of earlier billing periods. All other EffectiveCost stands apart: fees that are not spread, refunds, credits.
    The three sum to the EffectiveCost of the commitment's charges.

    Args:
        costs: rows of ``commitment_costs``, any number of billing periods.

    Returns:
        The columns of ``commitment_summary``, sorted by the grain with NULL last. Costs are Decimal(38,18) in the row's
        BillingCurrency. Utilisation is percent, half-even at 6 decimals; NULL where nothing is used or unused, where one
        of them is negative, and where EffectiveCost is derived from what was billed. Savings are what the covered usage
        would have cost, less used and unused; NULL where no charge says Used or Unused, where EffectiveCost is derived,
        and where a covered charge has no such cost. Quantities are NULL where no charge states one or units differ.
    """
    is_own = ~pl.col("ChargeClass").eq_missing(pl.lit("Correction"))
    status, category = pl.col("CommitmentDiscountStatus"), pl.col("ChargeCategory")
    used = is_own & status.eq_missing(pl.lit("Used")) & category.eq_missing(pl.lit("Usage"))
    unused = is_own & status.eq_missing(pl.lit("Unused")) & category.is_in(["Usage", "Purchase"]).fill_null(False)
    in_usage = unused & category.eq_missing(pl.lit("Usage"))
    unit = pl.col("CommitmentDiscountUnit").filter(pl.col("CommitmentDiscountQuantity").is_not_null())
    return (
        costs.group_by(KEYS)
        .agg(
            pl.col(_NAMES).max(),
            pl.col("BilledCost").filter(category.eq_missing(pl.lit("Purchase"))).sum().alias("purchase_BilledCost"),
            pl.col("EffectiveCost").filter(used).sum().alias("used_EffectiveCost"),
            pl.col("EffectiveCost").filter(unused).sum().alias("unused_EffectiveCost"),
            pl.col("EffectiveCost").filter(~used & ~unused).sum().alias("other_EffectiveCost"),
            pl.col("ListCost").filter(used).sum().alias("covered_ListCost"),
            pl.col("ContractedCost").filter(used).sum().alias("covered_ContractedCost"),
            unit.max().alias("CommitmentDiscountUnit"),
            (unit.n_unique() == 1).alias("has_one_unit"),
            _stated("CommitmentDiscountQuantity", used).alias("used_quantity"),
            _stated("CommitmentDiscountQuantity", in_usage).alias("unused_quantity"),
            bill_day().filter(used | unused).n_unique().cast(pl.Int32).alias("days_covered"),
            pl.col("x_ChargeCount").sum(),
            ((used | unused).any() & (pl.col("x_DerivedCount").sum() == 0)).alias("is_spread"),
            (pl.col("x_NoListCount").filter(used).sum() == 0).alias("has_list"),
            (pl.col("x_NoContractedCount").filter(used).sum() == 0).alias("has_contracted"),
        )
        .with_columns(
            pl.when("is_spread")
            .then(exactly(_utilisation, "used_EffectiveCost", "unused_EffectiveCost"))
            .otherwise(pl.lit(None, dtype=MONEY))
            .alias("utilisation_percent"),
            pl.when(pl.col("is_spread") & pl.col("has_list"))
            .then(_less_paid("covered_ListCost"))
            .alias("list_savings"),
            pl.when(pl.col("is_spread") & pl.col("has_contracted"))
            .then(_less_paid("covered_ContractedCost"))
            .alias("contracted_savings"),
            pl.when("has_one_unit").then(pl.col("CommitmentDiscountUnit", "used_quantity", "unused_quantity")),
        )
        .select(COLUMNS)
        .sort(KEYS, nulls_last=True)
    )


def _stated(column: str, which: pl.Expr) -> pl.Expr:
    """The sum of the values, NULL without any."""
    chosen = pl.col(column).filter(which)
    return pl.when(chosen.count() > 0).then(chosen.sum())


def _less_paid(column: str) -> pl.Expr:
    return pl.col(column) - pl.col("used_EffectiveCost") - pl.col("unused_EffectiveCost")


def _utilisation(used: Decimal, unused: Decimal) -> Decimal | None:
    return None if used < 0 or unused < 0 else money.percent(used, used + unused)
