"""The site of a night: which billing periods have to be told anew, and which may not be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import periods
from pipeline.config import Settings
from pipeline.errors import OwnPartError
from pipeline.night.loaded import loaded_periods
from pipeline.night.reporting import Reporting, without_own
from pipeline.periods import utc_now
from pipeline.store import fingerprints, reach
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse
from pipeline.version import VERSION

if TYPE_CHECKING:
    from pipeline.reports.site.facts import PeriodFacts
    from pipeline.reports.site.folder import Folder


def refresh(
    warehouse: Warehouse,
    settings: Settings,
    root: Path,
    *,
    as_of: datetime,
    keys: Sequence[str],
    withholds: bool,
    warnings: list[str] | None = None,
) -> tuple[list[Path], list[str]]:
    """Bring a site up to date; returns the files that say something new, and the billing period that is withheld.

    Args:
        keys: reported tag keys.
        withholds: whether the newest billing period's data is stale and may not be shown.
        warnings: takes a line for each billing period whose page goes without what of the user's own cannot be used.

    Raises:
        ConfigurationError: when a path of the site is taken by somebody else's file, or the site is somebody else's.
    """
    from pipeline.reports.site import folder, pages, values

    whose = owner(warehouse)
    reporting = Reporting(warehouse, settings, as_of=as_of, keys=keys)
    loaded = loaded_periods(warehouse)
    wanted = _keys(reporting, loaded)
    withheld = [reporting.latest] if withholds and reporting.latest else []
    with folder.opened(root, whose, wait_seconds=settings.writer_wait_seconds) as site:
        facts, made = site.facts(), site.keys()
        for period in loaded:
            if period not in withheld and (made.get(period) != wanted[period] or period not in facts):
                facts[period] = _write_period(site, reporting, period, wanted[period])
        there = {*facts, *made}
        for period in there:
            gone = "" if period in loaded else values.UNLOADED
            site.note(period, values.WITHHELD if period in withheld else gone)
        notes = {**site.notes, **dict.fromkeys(withheld, values.WITHHELD)}
        told = values.Site(facts, tuple(sorted({*there, *withheld})), notes, whose)
        if warnings is not None:
            warnings += [line for line in reporting.warnings if line not in warnings]
        pages.write_pages(site, told, locale=settings.reports.locale, version=VERSION, generated_at=utc_now())
        return site.written, withheld


def _keys(reporting: Reporting, loaded: Sequence[str]) -> dict[str, str]:
    """What the page and the facts of each billing period depend on, in short."""
    from pipeline.reports.site.folder import digest

    both = {*loaded, *(periods.previous(period) for period in loaded)}
    found = fingerprints.of_periods(reporting.warehouse, sorted(both))
    return {
        period: digest(
            (
                reporting.key(period),
                found[period],
                found[periods.previous(period)],
                sorted(reach.of_period(reporting.warehouse, period).items()),
                period == reporting.latest,
            )
        )
        for period in loaded
    }


def _write_period(site: Folder, reporting: Reporting, period: str, key: str) -> PeriodFacts:
    """Write a billing period's page and facts; returns the facts."""
    from pipeline.reports.context import build_context
    from pipeline.reports.documents.sections import own_parts
    from pipeline.reports.site import pages, reading
    from pipeline.reports.site.facts import kept

    settings, warehouse = reporting.settings, reporting.warehouse
    report = build_context(
        warehouse,
        period,
        as_of=reporting.as_of,
        generated_at=utc_now(),
        version=VERSION,
        max_age_days=settings.freshness.max_age_days,
        tag_keys=reporting.keys,
        fiscal_year_start=settings.fiscal_year_start,
    )
    facts = kept(reading.read_facts(warehouse, report, _divisions(warehouse, reporting.keys)))
    reports, given = settings.reports, (report, facts)
    try:
        own = own_parts(warehouse, reports.sections, "costs", periods.parse_span(period))
        text = pages.period_text(*given, locale=reports.locale, templates=reports.templates, sections=own)
    except OwnPartError as error:
        reporting.warnings.append(without_own(error, period))
        text = pages.period_text(*given, locale=reports.locale)
    site.put_period(facts, text, key)
    return facts


def _divisions(warehouse: Warehouse, keys: Sequence[str]) -> list[str]:
    """What teams are told by: owners, where an account has one, and the reported tag keys that the rollup has."""
    made_with = json.loads(warehouse.value("SELECT value FROM settings WHERE name = 'reported_tags'") or "[]")
    owners = ["owner"] if warehouse.value("SELECT count(owner) FROM accounts") else []
    return [*owners, *(f"tag:{key}" for key in keys if key in made_with)]
