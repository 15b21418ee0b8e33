"""`costmill forecast`: what the billing period will have cost, and what that rests on."""

from __future__ import annotations

from dataclasses import astuple, fields
from pathlib import Path

import click

from pipeline.cli import options, output
from pipeline.cli.published import published
from pipeline.periods import label, month


@click.command()
@click.option("--period", metavar="YYYY-MM", help="The billing period; else the one that holds --as-of.")
@options.format_
@options.settings_options
def forecast(
    period: str | None, format_: str, config: Path | None, warehouse: Path | None, as_of: str | None, verbose: bool
) -> int:
    """Forecast the billing period in total, and each budget and policy in its window, with the assumptions.

    Policies are those that the actor may see, by what they are of. The method, the complete days that it carries forward, the last of them, late_data_days; and where there is no
    forecast, why. Writes nothing.

    \b
    Example:
      costmill forecast --format json
    """
    from pipeline import asking, jobs
    from pipeline.night.forecasting import Projected

    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    wanted = period or label(moment)
    month(wanted)
    with published(settings) as copy:
        if wanted != label(moment):
            jobs.require_loaded(copy.warehouse, [wanted])
        found = asking.ask_forecast(copy.warehouse, copy.settings, wanted, as_of=moment)
    output.rows([each.name for each in fields(Projected)], [astuple(each) for each in found], format_)
    return 0
