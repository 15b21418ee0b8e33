"""Which resources the money went to."""

from __future__ import annotations

import polars as pl

from pipeline.summaries.measures import CURRENCY, MEASURES, PERIOD, is_billed, sums

#: What tells one resource of the summary from another, in the table's order.
RESOURCE = (
    "x_Provider",
    "SubAccountId",
    "SubAccountName",
    "RegionId",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "x_ResourceType",
)
KEYS = (PERIOD, CURRENCY, *RESOURCE)


def resource_summary(resource_costs: pl.LazyFrame, resources: pl.LazyFrame) -> pl.LazyFrame:
    """Sum each bill by resource as it was billed. Grain: billing period, currency, all columns of ``RESOURCE``.

    A resource that changed its name, account or region within the period has one row for each. Charges of no
    resource (tax, fees, support) have ResourceId NULL, by provider, account, region and type.

    Args:
        resource_costs: rows of the table ``resource_costs``, any number of billing periods.
        resources: rows of the table ``resources``; x_ResourceKey text as in ``resource_costs``, each key once.

    Returns:
        The columns of ``resource_summary``, sorted by the grain with NULL last. Costs are Decimal(38,18) in the
        row's BillingCurrency. Per billing period and currency the rows sum to the bill. Only billed charges count.
    """
    return (
        resource_costs.filter(is_billed())
        .group_by(PERIOD, CURRENCY, "x_ResourceKey")
        .agg(sums())
        .join(resources.select("x_ResourceKey", *RESOURCE), on="x_ResourceKey", how="left")
        .group_by(KEYS)
        .agg(sums())
        .select(*KEYS, *MEASURES)
        .sort(KEYS, nulls_last=True)
    )
