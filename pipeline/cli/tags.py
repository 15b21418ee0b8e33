"""`costmill tags`: how much of the bill carries tags, and what gave a charge its tag."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.published import published
from pipeline.errors import UsageError

COVERAGE = """
SELECT BillingCurrency, TagKey, owner AS SubAccountId, owner_name AS SubAccountName, untagged_BilledCost,
    tagged_BilledCost, round(100 * tagged_share, 1) AS tagged_percent, untagged_EffectiveCost, untagged_charges
FROM tag_coverage
WHERE x_BillingPeriod = $1 AND ($2 IS NULL OR TagKey = $2)
ORDER BY BillingCurrency, TagKey, untagged_BilledCost DESC, owner"""
CONFLICTS = """
SELECT * EXCLUDE (x_BillingPeriod) FROM tag_conflicts
WHERE x_BillingPeriod = $1 AND ($2 IS NULL OR TagKey = $2)
ORDER BY BillingCurrency, TagKey, BilledCost DESC, x_Source, TagValue, other_spelling, other_value"""


@click.command()
@click.argument("name", type=click.Choice(["coverage", "explain", "conflicts"]), default="coverage")
@click.option("--key", metavar="KEY", help="Only this tag key; explain needs it.")
@options.period
@options.format_
@options.place_options
def tags(
    name: str,
    key: str | None,
    period: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    verbose: bool,
) -> int:
    """Show what tags cover: by account (coverage), what gave them (explain), spellings that disagree (conflicts).

    \b
    Examples:
      costmill tags coverage --key team
      costmill tags explain --key team --period 2026-03
    """
    if name == "explain" and key is None:
        raise UsageError("explain is about one tag: name it by --key")
    settings = options.settings(config, warehouse, verbose)
    with published(settings, for_operator=None if name == "coverage" else "ask for the rules of tags") as copy:
        wanted = copy.period(period)
        if name != "explain":
            copy.warehouse_rows(COVERAGE if name == "coverage" else CONFLICTS, [wanted, key], format_)
            return 0
        from pipeline.store.explaining import COLUMNS, explain_tag

        output.rows(COLUMNS, explain_tag(copy.warehouse, str(key), wanted), format_)
    return 0
