"""Whose money carries no tag: coverage of each reported key by the owner of the charges."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from pipeline import money
from pipeline.summaries.measures import CURRENCY, MONEY, PERIOD, exactly, is_billed

KEYS = (PERIOD, CURRENCY, "TagKey", "dimension", "owner")
_OWNER = (PERIOD, CURRENCY, "owner")
_SUMMED = ("BilledCost", "EffectiveCost", "x_ChargeCount")
_COLUMNS = (
    "tagged_BilledCost",
    "untagged_BilledCost",
    "tagged_EffectiveCost",
    "untagged_EffectiveCost",
    "untagged_charges",
    "x_ChargeCount",
    "tagged_share",
)


def tag_coverage(
    resource_costs: pl.LazyFrame,
    tags: pl.LazyFrame,
    owners: pl.LazyFrame,
    keys: Sequence[str],
    *,
    dimension: str = "SubAccountId",
    owner: str = "SubAccountId",
    owner_name: str = "SubAccountName",
) -> pl.LazyFrame:
    """Sum what each owner's charges cost with and without each tag key. Grain: bill, TagKey, owner.

    Args:
        resource_costs: rows of the table ``resource_costs``, any number of billing periods.
        tags: rows of the table ``tags``; x_TagSetId text as in ``resource_costs``, each key once per set.
        owners: x_ResourceKey with the columns ``owner`` and ``owner_name``, such as the table ``resources``.
        keys: the tag keys to report. Empty: every key that a charge of the billing period has.
        dimension: what the owner is, as the table says it.

    Returns:
        The columns of ``tag_coverage``, sorted by the grain with NULL last. Per billing period, currency and key the rows
        sum to the bill. tagged_share is of BilledCost, half-even at 6 decimals, NULL when the owner's is 0. Only
        billed charges count.
    """
    named = owners.select("x_ResourceKey", owner=pl.col(owner), owner_name=pl.col(owner_name))
    chosen = tags.filter(pl.col("TagKey").is_in(list(keys))) if keys else tags
    costs = (
        resource_costs.filter(is_billed())
        .join(named, on="x_ResourceKey", how="left")
        .group_by(*_OWNER, "x_TagSetId")
        .agg(*(pl.col(name).sum() for name in _SUMMED), pl.col("owner_name").min())
    )
    tagged = (
        costs.join(chosen.select("x_TagSetId", "TagKey"), on="x_TagSetId")
        .group_by(*_OWNER, "TagKey")
        .agg(pl.col(name).sum().alias(f"tagged_{name}") for name in _SUMMED)
    )
    totals = costs.group_by(_OWNER).agg(*(pl.col(name).sum() for name in _SUMMED), pl.col("owner_name").min())
    if keys:
        asked = totals.join(pl.LazyFrame({"TagKey": sorted(set(keys))}), how="cross")
    else:
        asked = totals.join(tagged.select(PERIOD, "TagKey").unique(), on=PERIOD)
    return (
        asked.join(tagged, on=[*_OWNER, "TagKey"], how="left", nulls_equal=True)
        .with_columns(_or_zero(f"tagged_{name}") for name in _SUMMED)
        .with_columns((pl.col(name) - pl.col(f"tagged_{name}")).alias(f"untagged_{name}") for name in _SUMMED)
        .with_columns(
            dimension=pl.lit(dimension),
            untagged_charges=pl.col("untagged_x_ChargeCount"),
            tagged_share=exactly(money.ratio, "tagged_BilledCost", "BilledCost"),
        )
        .select(*KEYS, "owner_name", *_COLUMNS)
        .sort(KEYS, nulls_last=True)
    )


def _or_zero(name: str) -> pl.Expr:
    zero: pl.Expr = pl.lit(0) if name.endswith("x_ChargeCount") else pl.lit(Decimal(0), dtype=MONEY)
    return pl.col(name).fill_null(zero)
