"""`costmill splits`: the bill after shared costs."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options
from pipeline.cli.published import published

QUERIES = {
    "summary": "SELECT * EXCLUDE (x_BillingPeriod) FROM split_summary WHERE x_BillingPeriod = $1 "
    "ORDER BY BillingCurrency, TagKey, TagValue IS NULL, BilledCost DESC, TagValue",
    "rules": "SELECT * EXCLUDE (x_BillingPeriod) FROM split_rules WHERE x_BillingPeriod = $1 "
    "ORDER BY BillingCurrency, rule",
    "parts": "SELECT s.* EXCLUDE (x_BillingPeriod), r.SubAccountId, r.ResourceId FROM cost_splits AS s "
    "LEFT JOIN resources AS r ON r.x_ResourceKey = s.x_ResourceKey WHERE s.x_BillingPeriod = $1 "
    "ORDER BY s.BillingCurrency, s.rule, s.x_Source, s.x_ResourceKey, s.ServiceName, s.x_TagSetId, s.target",
}


@click.command()
@click.argument("name", type=click.Choice(list(QUERIES)), default="summary")
@options.period
@options.format_
@options.place_options
def splits(
    name: str, period: str | None, format_: str, config: Path | None, warehouse: Path | None, verbose: bool
) -> int:
    """Show the bill after shared costs: each tag value's own and received cost, the rules, or every part.

    \b
    Examples:
      costmill splits --period 2026-03
      costmill splits parts --format csv
    """
    settings = options.settings(config, warehouse, verbose)
    with published(settings, for_operator="ask for shared costs") as copy:
        copy.warehouse_rows(QUERIES[name], [copy.period(period)], format_)
    return 0
