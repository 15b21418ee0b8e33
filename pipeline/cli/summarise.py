"""`costmill summarise`: bring the summaries up to date, and show one."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.converted import one_currency
from pipeline.cli.published import Copy, published
from pipeline.errors import UsageError
from pipeline.periods import month

TABLES = {
    "category": "category_summary",
    "resource": "resource_summary",
    "tag": "tag_summary",
    "trend": "trend_summary",
    "movers": "mover_summary",
    "reasons": "mover_reasons",
    "fiscal": "fiscal_summary",
    "models": "model_summary",
    "commitments": "commitment_summary",
}
ORDER = {
    "category": "BillingCurrency, BilledCost DESC, ServiceCategory, ServiceName",
    "resource": "BillingCurrency, BilledCost DESC, x_Provider, ResourceId, SubAccountId, RegionId, ResourceName",
    "trend": "grain, bucket_start, BillingCurrency",
    "tag": "BillingCurrency, TagKey, BilledCost DESC, TagValue",
    "movers": "BillingCurrency, dimension, abs(change) DESC, key",
    "reasons": "BillingCurrency, ServiceName, abs(change) DESC, reason",
    "fiscal": "first_period, grain, BillingCurrency",
    "models": "x_Origin DESC, BillingCurrency, BilledCost DESC, previous_BilledCost DESC, x_Provider, ServiceName, model, operation",
    "commitments": "x_Origin, BillingCurrency, unused_EffectiveCost DESC, used_EffectiveCost DESC, x_Provider, CommitmentDiscountId",
}
#: Fiscal quarters and years hold several billing periods: those through the wanted one are shown.
WHERE = {"fiscal": "first_period <= $1"}


@click.command()
@click.argument("name", required=False, type=click.Choice(list(TABLES)))
@options.period
@click.option("--all", "everything", is_flag=True, help="Make the summaries of all periods anew.")
@click.option("--currency", metavar="CODE", help="All currencies as one, currency.report, at the configured rates.")
@options.format_
@options.place_options
def summarise(
    name: str | None,
    period: str | None,
    everything: bool,
    currency: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    verbose: bool,
) -> int:
    """Make the summaries that are due; with a NAME, print that summary of a billing period.

    For an actor of a tenant it makes none, and prints the tenant's.

    \b
    Example:
      costmill summarise category --period 2026-03 --format csv
      costmill summarise tag --currency USD
      costmill summarise models --period 2026-03 --format json
      costmill summarise commitments
    """
    from pipeline import jobs

    settings = options.settings(config, warehouse, verbose)
    if currency and not name:
        raise UsageError("--currency needs the name of a summary to print, such as category")
    if period:
        month(period)
    if settings.actor.own_tenant is None or not name or everything:
        with (
            output.narration(verbose) as listen,
            jobs.night(settings, "summarise", listen=listen) as night,
        ):
            if period and name != "models":
                jobs.require_loaded(night.warehouse, [period])
            night.summarise(night.loaded if everything else None)
    if name:
        with published(settings) as copy:
            wanted = (period or _latest_usage(copy)) if name == "models" else copy.period(period)
            if currency:
                return one_currency(copy, TABLES[name], wanted, currency, format_)
            where = WHERE.get(name, "x_BillingPeriod = $1")
            query = f"FROM {TABLES[name]} WHERE {where} ORDER BY {ORDER[name]}"
            copy.warehouse_rows(query, [wanted], format_)
    return 0


def _latest_usage(copy: Copy) -> str:
    """Return the latest billing period with AI usage: it may be recorded long before anything is billed.

    Raises:
        UsageError: when there is none.
    """
    found = copy.warehouse.value("SELECT max(x_BillingPeriod) FROM model_summary")
    if found is None:
        raise UsageError("no AI usage is loaded yet")
    return str(found)
