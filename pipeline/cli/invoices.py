"""`costmill invoices`: the bills held against the invoices that accounting expects."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.exit_codes import ExitCode
from pipeline.cli.published import published
from pipeline.periods import month


@click.command()
@click.option(
    "--period", metavar="YYYY-MM", help="Only invoices with charges of, or expected for, this billing period."
)
@click.option("--strict", is_flag=True, help="End with 65 when an invoice differs, is not seen or not expected.")
@options.format_
@options.place_options
def invoices(
    period: str | None, strict: bool, format_: str, config: Path | None, warehouse: Path | None, verbose: bool
) -> int:
    """Show what is billed by InvoiceId beside the amounts of the file under `invoices` in the configuration.

    \b
    Example:
      costmill invoices --period 2026-02 --strict
    """
    from pipeline.store import invoices as store

    settings = options.settings(config, warehouse, verbose)
    if period:
        month(period)
    with published(settings, for_operator="ask for invoices") as copy:
        found = store.compare(copy.warehouse, period)
    output.rows(store.COLUMNS, [each.row for each in found], format_)
    counts = Counter(each.state for each in found if each.state in store.DIFFERENCES)
    if counts:
        told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        click.echo(f"costmill: invoices: {told}", err=True)
    return ExitCode.EXPORTS if strict and counts else ExitCode.OK
