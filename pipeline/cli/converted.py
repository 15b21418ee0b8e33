"""A summary in one currency: what ``--currency`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline import money
from pipeline.cli import output
from pipeline.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from pipeline.cli.published import Copy
    from pipeline.store.rates import Rates

#: Summaries that are sums; the others compare months, each of which has rates of its own, or are of one bill each.
SUMS = ("category_summary", "resource_summary", "tag_summary")


def one_currency(copy: Copy, table: str, period: str, currency: str, format_: str) -> int:
    """Print a summary in the reporting currency; what has no rate is told on stderr, and the exit code is then 78.

    Raises:
        UsageError: when the summary is no sum, or the currency is not the configuration's.
    """
    from pipeline.store.rates import read_rates, why_unconverted
    from pipeline.summaries.converted import converted

    rates = _require(read_rates(copy.warehouse, period), table, currency)
    summary = copy.warehouse.frame(f"SELECT * FROM {table} WHERE x_BillingPeriod = ?", [period])
    rows, missing = converted(summary, currency, rates.convert)
    output.rows(rows.columns, rows.rows(), format_)
    for code, amount in missing.items():
        billed = f"{money.text(amount)} {code or '(no currency)'}"
        line = f"costmill: not converted to {currency}, so not in these rows: {billed}; {why_unconverted(period, code)}"
        click.echo(output.printable(line), err=True)
    return ConfigurationError.exit_code if missing else 0


def _require(rates: Rates | None, table: str, currency: str) -> Rates:
    if table not in SUMS:
        raise UsageError("--currency converts the summaries category, resource and tag alone")
    if rates is None or rates.currency != currency:
        known = "there is none" if rates is None else f"it is {rates.currency}"
        raise UsageError(f"--currency {currency}: the configured rates convert to currency.report only, and {known}")
    return rates
