"""The pages of a site: a billing period's report, and those that are made of what is kept of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import localcontext
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipeline import money
from pipeline.reports import charts, render
from pipeline.reports.figures import STATUS, Figures
from pipeline.reports.model import ReportContext
from pipeline.reports.model.document import Part
from pipeline.reports.site.facts import PeriodFacts
from pipeline.reports.site.folder import Folder, digest
from pipeline.reports.site.names import (
    ALERTS,
    BUDGETS,
    INDEX,
    OWNER,
    SEARCH,
    SEARCH_DATA,
    TEAMS,
    Links,
    budget_page,
    period_page,
    team_page,
)
from pipeline.reports.site.searching import links_of, search_data
from pipeline.reports.site.values import ALERT_STATES, MOST_ALERTS, BudgetHistory, Site, TeamHistory

Values = dict[str, Any]
#: Words of a state of a billing period, and the colour that they have.
STATES = {"open": "Open", "final": "Final", "restated": "Restated after final"}
#: So many billing periods are in a picture, and on a team's page with their services.
SHOWN = 24
SERVICES_OF = 6


def period_text(
    report: ReportContext,
    facts: PeriodFacts,
    *,
    locale: str,
    templates: Path | None = None,
    sections: Sequence[Part] = (),
) -> str:
    """Return the page of a billing period: its report, with the way to the other pages.

    Raises:
        OwnPartError: when a template of the user's cannot be used.
    """
    budgets = {own.id for own in facts.standing.budgets} | {own.budget.id for own in facts.standing.policies}
    teams = {(own.by, own.name) for own in facts.teams}
    links = Links(period_page(facts.period), frozenset(budgets), frozenset(teams))
    return render.render(report, "html", locale=locale, templates=templates, sections=sections, site=links)


def write_pages(folder: Folder, site: Site, *, locale: str, version: str, generated_at: datetime) -> None:
    """Write the pages over several billing periods that say something new."""
    figures = Figures.of(locale)
    common = (version, locale, sorted(site.notes.items()), site.whose, site.periods)
    of_all = (common, digest([*site.facts.values()]))
    with localcontext(money.EXACT):
        for path, template, of, values in _pages(site, figures, of_all, common):
            if not folder.is_made(path, of):
                given = values()
                text = render.fill(
                    f"html/site/{template}.html.j2",
                    "html",
                    figures,
                    None,
                    site=links_of(site, path),
                    all=site,
                    status=STATUS,
                    scopes=render.SCOPES,
                    origins=render.ORIGINS,
                    severities=render.SEVERITIES,
                    states=STATES,
                    version=version,
                    generated_at=generated_at,
                    **given,
                )
                if path == SEARCH:
                    folder.put(SEARCH_DATA, given["data"])
                folder.put_page(path, of, text)


def _pages(
    site: Site, figures: Figures, of_all: object, common: object
) -> Iterator[tuple[str, str, object, Callable[[], Values]]]:
    """Each page: its path, its template, all that it depends on, and what it says."""
    yield INDEX, "index", of_all, lambda: _index(site, figures)
    yield BUDGETS, "budgets", of_all, dict
    yield ALERTS, "alerts", of_all, lambda: {"told": site.alerts[:MOST_ALERTS], "alert_states": ALERT_STATES}
    yield TEAMS, "teams", of_all, lambda: _teams(site)
    yield SEARCH, "search", of_all, lambda: _search(site, figures)
    for name, budget in site.budgets.items():
        has_team = budget.team in site.teams
        yield budget_page(name), "budget", (common, budget, has_team), lambda own=budget: _budget(own, figures)  # type: ignore[misc]
    for key, team in site.teams.items():
        own = [each for each in site.budgets.values() if each.is_of(key)]
        yield team_page(*key), "team", (common, team, own), lambda team=team, own=own: _team(team, own, figures)  # type: ignore[misc]


def _index(site: Site, figures: Figures) -> Values:
    pictures = []
    for number, currency in enumerate(site.currencies):
        months = [
            charts.Month(facts.period, bill.billed, bill.forecast if facts.days_covered < facts.days else None)
            for facts in site.newest_first[:SHOWN]
            for bill in facts.bills
            if bill.currency == currency
        ]
        if len(months) > 1:
            pictures.append(
                (currency, _drawn(months, currency, figures, f"bills-{number}", "Billed by billing period"))
            )
    open_alerts = [row for row in site.alerts if row[1].status in ("open", "acknowledged")]
    return {"pictures": pictures, "newest": next(iter(site.newest_first), None), "open_alerts": open_alerts}


def _budget(history: BudgetHistory, figures: Figures) -> Values:
    own = history.last.budget
    windows = [each for each in history.windows[:SHOWN] if each.budget.currency == own.currency]
    months = [
        charts.Month(each.period, each.budget.spend, each.budget.forecast, each.budget.limit)
        for each in windows
        if each.budget.enabled and each.budget.spend is not None
    ]
    picture = _drawn(months, own.currency, figures, "spend", "Spend and limit by billing period") if months else None
    return {"history": history, "own": own, "policy": history.last.policy, "picture": picture}


def _teams(site: Site) -> Values:
    divisions = list(dict.fromkeys(by for by, _ in site.teams))
    newest = next(iter(site.newest_first), None)
    left = dict(newest.teams_left) if newest else {}
    told = [(by, [own for own in site.teams.values() if own.by == by], left.get(by, 0)) for by in divisions]
    return {"divisions": told, "newest": newest}


def _team(team: TeamHistory, budgets: list[BudgetHistory], figures: Figures) -> Values:
    pictures = []
    for number, currency in enumerate(team.currencies):
        months = [charts.Month(facts.period, own.billed) for facts, own in team.of_currency(currency)[:SHOWN]]
        if len(months) > 1:
            pictures.append((currency, _drawn(months, currency, figures, f"team-{number}", "Billed by billing period")))
    alerts = [row for own in budgets for row in own.alerts]
    alerts.sort(key=lambda row: row[0], reverse=True)
    what = "Owner" if team.by == OWNER else figures.label(team.by.removeprefix("tag:"))
    shown = [row for row in team.rows if row[0] in [facts for facts, _ in team.periods[:SERVICES_OF]]]
    return {"team": team, "what": what, "pictures": pictures, "budgets": budgets, "told": alerts, "services": shown}


def _search(site: Site, figures: Figures) -> Values:
    data, left_out = search_data(site, links_of(site), figures)
    return {"data": data, "left_out": left_out}


def _drawn(months: list[charts.Month], currency: str | None, figures: Figures, ident: str, title: str) -> Markup:
    ordered = months[::-1]
    wide = charts.by_month(ordered, currency, figures, f"{ident}-wide", charts.WIDE, title)
    narrow = charts.by_month(ordered, currency, figures, f"{ident}-narrow", charts.NARROW, title)
    return Markup(f'<div class="wide">{wide}</div>\n<div class="narrow">{narrow}</div>')
