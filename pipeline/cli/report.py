"""`costmill report`: write reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import options, output
from pipeline.errors import UsageError
from pipeline.periods import Span, parse_span

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.night.documents import Wanted


@click.command()
@click.argument("name", metavar="[NAME]", default="costs")
@click.option(
    "--period",
    "periods",
    multiple=True,
    metavar="PERIOD",
    help="2026-03, 2026-Q1, 2026, 2026-W12, 2026-03-21, or 2026-03-01..2026-03-15 (repeatable); else the latest month.",
)
@click.option("--all", "everything", is_flag=True, help="The reports of all loaded billing periods.")
@click.option(
    "--group-by", metavar="COLUMNS", help="Of costs: one to three columns, or tag:KEY, such as ServiceName,tag:team."
)
@click.option("--by", default="owner", show_default=True, metavar="WHAT", help="Of teams: owner, or tag:KEY.")
@click.option("--only", metavar="NAME", help="Of teams: this one.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="The folder, instead of the configured one."
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT",
    help="html, md, csv, json, xlsx, parquet or pdf (repeatable); else as configured.",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="A folder whose html/ and markdown/ templates stand before ours, instead of the configured one.",
)
@click.option("--tenant", metavar="TENANT", help="A tenant's report, from its own published file; else the operator's.")
@options.settings_options
def report(
    name: str,
    periods: tuple[str, ...],
    everything: bool,
    group_by: str | None,
    by: str,
    only: str | None,
    tenant: str | None,
    out: Path | None,
    formats: tuple[str, ...],
    templates: Path | None,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Write a report; prints the files written. NAME is costs (else), budgets, teams, resources, restatements, commitments or models.

    Months, quarters and years go by billing period, as the bill does; weeks, days and other spans by the day of the charge.

    A tenant's is made of the tenant's own file alone, as it was published last, and goes to a folder of its own,
    tenants/TENANT. An actor of a tenant gets the tenant's.

    \b
    Examples:
      costmill report --period 2026-03 --format html --format xlsx --out /tmp/reports
      costmill report --period 2026-W12 --group-by ServiceName,RegionId,tag:team --format csv
      costmill report budgets --period 2026-03
      costmill report teams --by tag:team --only platform --format pdf
      costmill report --tenant acme
    """
    from pipeline.night.documents import Wanted, check

    settings = _chosen(options.settings(config, warehouse, verbose), formats, out, templates)
    spans = tuple(map(parse_span, periods))
    wanted = Wanted(name, tuple(part.strip() for part in group_by.split(",")) if group_by else (), by, only)
    check(wanted, settings.reports.formats)
    tenant = tenant or settings.actor.own_tenant
    if tenant is not None:
        return _of_tenant(settings, tenant, wanted, spans, everything, as_of)
    return _of_operator(settings, wanted, spans, everything, as_of, verbose)


def _chosen(settings: Settings, formats: tuple[str, ...], out: Path | None, templates: Path | None) -> Settings:
    reports = settings.reports
    if formats:
        reports = replace(reports, formats=tuple(dict.fromkeys(formats)))
    if out:
        reports = replace(reports, out=out.absolute())
    if templates:
        reports = replace(reports, templates=templates.absolute())
    return replace(settings, reports=reports)


def _of_operator(
    settings: Settings, wanted: Wanted, spans: Sequence[Span], everything: bool, as_of: str | None, verbose: bool
) -> int:
    from pipeline import jobs
    from pipeline.night.documents import require_some

    with (
        output.narration(verbose) as listen,
        jobs.night(settings, "report", as_of=options.moment(as_of, settings), listen=listen) as night,
    ):
        night.summarise()
        require_some(night.warehouse, spans)
        if not night.loaded:
            raise UsageError("nothing is loaded yet, so there is nothing to report")
        chosen = spans or [parse_span(each) for each in (night.loaded if everything else night.loaded[-1:])]
        months = [span for span in chosen if wanted.is_page and span.edition == "monthly"]
        paths = night.report([span.label for span in months], strict=True)
        paths += night.write(wanted, [span for span in chosen if span not in months])
        result = night.finish()
    output.warnings(result.warnings)
    withheld = result.withheld
    if not paths and not withheld:
        labels = ", ".join(span.label for span in chosen)
        raise UsageError(f"no charge of {labels} is of any {wanted.by}, so there is no team to report on")
    return _told(paths, withheld)


def _of_tenant(
    settings: Settings, tenant: str, wanted: Wanted, spans: Sequence[Span], everything: bool, as_of: str | None
) -> int:
    from pipeline.night.tenants import write_reports
    from pipeline.store import tenants

    if settings.actor.own_tenant not in (None, tenant):
        settings.actor.require_operator(f"report on the tenant {tenant}")
    moment = options.moment(as_of, settings)
    with tenants.opened(settings.publish.path, tenant) as own:
        return _told(*write_reports(own, settings, tenant, wanted, spans, everything=everything, as_of=moment))


def _told(paths: Sequence[Path], withheld: Sequence[str]) -> int:
    from pipeline import jobs

    for path in paths:
        click.echo(path)
    for period in withheld:
        click.echo(f"costmill: the report of {period} is withheld, its data is stale (freshness.stale)", err=True)
    return jobs.STALE if withheld else 0
