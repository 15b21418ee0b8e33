"""What the site's search knows: a script that gives its page the names, for from disk no page may read another file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from pipeline.reports.figures import Figures
from pipeline.reports.site import reading
from pipeline.reports.site.facts import compact
from pipeline.reports.site.names import OWNER, SEARCH, Links
from pipeline.reports.site.values import Site

#: Resources that can be found: those of the newest billing periods first.
MOST_RESOURCES = 5000
Entry = tuple[str, str, str, str]


def search_data(site: Site, links: Links, figures: Figures) -> tuple[str, str]:
    """Return the script, and in words what cannot be found."""
    resources = [*islice(_resources(site, links, figures), MOST_RESOURCES)]
    entries = [*_periods(site, links, figures), *_budgets(site, links, figures), *_teams(site, links, figures)]
    entries += [*_services(site, links, figures), *resources]
    return f"globalThis.siteEntries = {compact(entries)};\n", _left_out(site, figures)


def _periods(site: Site, links: Links, figures: Figures) -> Iterator[Entry]:
    for facts in site.newest_first:
        billed = ", ".join(figures.money(own.billed, own.currency) for own in facts.bills)
        yield "Billing period", figures.month(facts.period), f"{facts.period} {billed}", links.period(facts.period)


def _budgets(site: Site, links: Links, figures: Figures) -> Iterator[Entry]:
    for name, history in site.budgets.items():
        own, href = history.last.budget, links.budget(name)
        if href:
            kind = "Policy" if history.last.policy else "Budget"
            detail = " ".join(figures.label(each, "") for each in (own.scope_type, own.scope_key, own.owner) if each)
            yield kind, figures.label(own.name, own.scope_key or "All spend"), detail, href


def _teams(site: Site, links: Links, figures: Figures) -> Iterator[Entry]:
    for by, name in site.teams:
        if href := links.team(by, name):
            kind = "owner" if by == OWNER else figures.label(by.removeprefix("tag:"))
            yield "Team", figures.label(name, "(empty)"), kind, href


def _services(site: Site, links: Links, figures: Figures) -> Iterator[Entry]:
    """Each service once, in the newest billing period that has it."""
    known = set()
    for facts in site.newest_first:
        for category, name in facts.services:
            if name not in known:
                known.add(name)
                where = f"{figures.label(category, '')} {figures.month(facts.period)}".strip()
                yield "Service", figures.label(name, "(no service)"), where, links.period(facts.period)


def _resources(site: Site, links: Links, figures: Figures) -> Iterator[Entry]:
    known = set()
    for facts in site.newest_first:
        month, href = figures.month(facts.period), links.period(facts.period)
        for name, own, kind, service in facts.resources:
            if own not in known:
                known.add(own)
                parts = (own if own != name else "", kind, service, month)
                yield "Resource", figures.label(name), " ".join(figures.label(each) for each in parts if each), href


def _left_out(site: Site, figures: Figures) -> str:
    words = (
        f"Of resources, the {figures.count(reading.MOST_RESOURCES)} that cost most in each billing period can be found, the "
        f"newest first, up to {figures.count(MOST_RESOURCES)} in all."
    )
    left = [(own.period, own.resources_left) for own in site.newest_first if own.resources_left]
    if not left:
        return words
    period, number = left[0]
    return f"{words} Not found here are {figures.count(number)} others of {figures.month(period)}: its page has them."


def links_of(site: Site, page: str = SEARCH) -> Links:
    """Return the links of a page to all budgets and teams."""
    return Links(page, frozenset(site.budgets), frozenset(site.teams))
