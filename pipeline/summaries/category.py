"""Which services the money went to."""

from __future__ import annotations

import polars as pl

from pipeline.summaries.measures import CURRENCY, MEASURES, PERIOD, is_billed, sums, with_parts

KEYS = (PERIOD, CURRENCY, "ServiceCategory", "ServiceName")


def category_summary(daily: pl.LazyFrame) -> pl.LazyFrame:
    """Sum each bill by ServiceCategory and ServiceName. Grain: billing period, currency, category, service.

    Args:
        daily: rows of ``daily_costs``, any number of billing periods.

    Returns:
        The columns of ``category_summary``, sorted by the grain with NULL last. Costs are Decimal(38,18) in the
        row's BillingCurrency. Per billing period and currency the rows sum to the bill. Only billed charges count.
    """
    return (
        daily.filter(is_billed())
        .pipe(with_parts)
        .group_by(KEYS)
        .agg(sums())
        .select(*KEYS, *MEASURES)
        .sort(KEYS, nulls_last=True)
    )
