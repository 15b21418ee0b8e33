"""Whose money it was, by tag, and how much of it nobody tagged."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline import money
from pipeline.summaries.measures import CURRENCY, MEASURES, PERIOD, exactly, is_billed, sums, with_total

BILL = (PERIOD, CURRENCY)
KEYS = (*BILL, "TagKey", "TagValue")


def tag_summary(resource_costs: pl.LazyFrame, tags: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    """Sum each bill by the value of each reported tag key. Grain: billing period, currency, TagKey, TagValue.

    TagValue NULL is what has no such tag; an empty value is a value. For each key the rows sum to the whole bill, so
    sums over several keys count a charge several times. A key that nobody set has one row, all of it untagged.

    Args:
        resource_costs: rows of the table ``resource_costs``, any number of billing periods.
        tags: rows of the table ``tags``; x_TagSetId text as in ``resource_costs``, each key once per set.
        keys: the tag keys to report, as written in ``tags``. Empty: every key that a charge of the billing period has.

    Returns:
        The columns of ``tag_summary``, sorted by the grain with NULL last. Costs are Decimal(38,18) in the row's
        BillingCurrency; x_BilledShare is BilledCost / BilledCost of the bill, half-even at 6 decimals, NULL when
        the bill is 0. It leaves 0 to 1 where credits make a part negative. Only billed charges count.
    """
    bills = resource_costs.filter(is_billed()).group_by(*BILL, "x_TagSetId").agg(sums())
    reported = tags.filter(pl.col("TagKey").is_in(list(keys))) if keys else tags
    tagged = bills.join(reported, on="x_TagSetId").group_by(KEYS).agg(sums()).select(*KEYS, *MEASURES)
    untagged = _whole_bills(bills, tagged, keys)
    return (
        # The whole bill counts as untagged once per key; what has the tag moves from there to its value.
        pl.concat([untagged, tagged, _taken_from_untagged(tagged)])
        .group_by(KEYS)
        .agg(sums())
        .filter(pl.col("x_ChargeCount") > 0)
        .pipe(with_total, "BilledCost", "bill", by=(*BILL, "TagKey"))
        .with_columns(x_BilledShare=exactly(money.ratio, "BilledCost", "bill"))
        .select(*KEYS, *MEASURES, "x_BilledShare")
        .sort(KEYS, nulls_last=True)
    )


def _whole_bills(bills: pl.LazyFrame, tagged: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    """One row per bill and reported key with all measures of the bill and TagValue NULL."""
    totals = bills.group_by(BILL).agg(sums())
    if keys:
        named = pl.LazyFrame({"TagKey": sorted(set(keys))}, schema={"TagKey": pl.String})
        with_keys = totals.join(named, how="cross")
    else:
        with_keys = totals.join(tagged.select(PERIOD, "TagKey").unique(), on=PERIOD)
    return with_keys.with_columns(TagValue=pl.lit(None, dtype=pl.String)).select(*KEYS, *MEASURES)


def _taken_from_untagged(tagged: pl.LazyFrame) -> pl.LazyFrame:
    """The tagged rows as what to subtract from the untagged ones."""
    return tagged.with_columns(-pl.col(name) for name in MEASURES).with_columns(TagValue=pl.lit(None, dtype=pl.String))
