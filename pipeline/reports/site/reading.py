"""The facts of a billing period: from its report, and its teams from the daily rollup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipeline import money, periods
from pipeline.reports.documents.grouping import grouping
from pipeline.reports.documents.reading import Group, SpanReader, by_currency, together
from pipeline.reports.model import CurrencySection, Data, ReportContext
from pipeline.reports.site.facts import Bill, PeriodFacts, ServiceCost, TeamBill, TeamFacts
from pipeline.store.warehouse import Warehouse

#: Of each billing period the site keeps so many: teams by what tells them apart, services of a team, resources to be found.
MOST_TEAMS = 200
TOP_SERVICES = 15
MOST_RESOURCES = 1000
#: A name is found by its beginning; a bill may hold one of any length.
LONGEST = 200


def read_facts(warehouse: Warehouse, report: ReportContext, divisions: Sequence[str]) -> PeriodFacts:
    """Return what a site keeps of a billing period.

    Args:
        divisions: what teams are told by: ``owner``, ``tag:KEY``.
    """
    names = [*_resources(report.sections)]
    teams, left = _teams(warehouse, report.period, divisions)
    return PeriodFacts(
        period=report.period,
        state=_state(report.data),
        last_day=report.last_day,
        days_covered=(report.last_day - report.start).days + 1 if report.last_day else 0,
        days=report.days,
        delivered_at=report.data.delivered_at,
        bills=tuple(_bill(own) for own in report.sections),
        cautions=tuple(_cautions(report.data)),
        standing=report.standing,
        teams=teams,
        teams_left=left,
        services=tuple(
            dict.fromkeys(
                ((own.category or "")[:LONGEST], (own.name or "")[:LONGEST])
                for section in report.sections
                for own in section.drill.services
            )
        ),
        resources=tuple(names[:MOST_RESOURCES]),
        resources_left=len(names[MOST_RESOURCES:]) + sum(own.drill.left_count for own in report.sections),
    )


def _state(data: Data) -> str:
    states = {own.state for own in data.sources}
    return "restated" if "restated" in states else "final" if states == {"final"} else "open"


def _bill(section: CurrencySection) -> Bill:
    head = section.headline
    return Bill(section.currency, head.billed, head.effective, head.change, head.forecast)


def _cautions(data: Data) -> Iterator[str]:
    if data.stale:
        yield "stale data"
    if not data.agrees:
        yield "does not reconcile"
    if data.waiting:
        yield "deliveries wait"
    if data.missing_sources:
        yield "sources are missing"
    if data.rejected_count:
        yield "rows rejected"


def _resources(sections: Iterable[CurrencySection]) -> Iterator[tuple[str, ...]]:
    for section in sections:
        names, lines, services = section.drill.resources, section.drill.lines, section.drill.services
        service = dict(zip(reversed(lines.resource), reversed(lines.service), strict=True))  # the first one of each
        for place, (own, name, kind) in enumerate(zip(names.id, names.name, names.type, strict=True)):
            of = services[service[place]].name if place in service else None
            yield ((name or own)[:LONGEST], own[:LONGEST], (kind or "")[:LONGEST], (of or "")[:LONGEST])


def _teams(
    warehouse: Warehouse, period: str, divisions: Sequence[str]
) -> tuple[tuple[TeamFacts, ...], tuple[tuple[str, int], ...]]:
    reader = SpanReader(warehouse, periods.parse_span(period))
    teams: list[TeamFacts] = []
    left: list[tuple[str, int]] = []
    for by in divisions:
        asked = grouping(warehouse, [by])
        columns = {**asked.expressions, "ServiceCategory": '"ServiceCategory"', "ServiceName": '"ServiceName"'}
        groups: dict[str, list[Group]] = {}
        for own in reader.groups(columns, asked.rows):
            if own.keys[0] is not None:
                groups.setdefault(str(own.keys[0]), []).append(own)
        found = [(name, own) for name, own in groups.items() if any(each.costs.charges for each in own)]
        found.sort(key=lambda pair: (-sum(each.costs.billed.copy_abs() for each in pair[1]), pair[0]))
        teams += [TeamFacts(by, name, tuple(_team_bills(reader, own))) for name, own in found[:MOST_TEAMS]]
        left += [(by, len(found) - MOST_TEAMS)] if len(found) > MOST_TEAMS else []
    return tuple(teams), tuple(left)


def _team_bills(reader: SpanReader, groups: Sequence[Group]) -> Iterator[TeamBill]:
    for currency, own in by_currency(groups).items():
        billed = [each for each in own if each.costs.charges]
        if not billed:
            continue
        whole = together(own)
        ordered = sorted(billed, key=lambda each: (-each.costs.billed, str(each.keys[1:])))
        cut = TOP_SERVICES if len(ordered) > TOP_SERVICES + 1 else len(ordered)
        hidden = ordered[cut:]
        yield TeamBill(
            currency,
            whole.costs.billed,
            whole.costs.effective,
            whole.costs.list,
            reader.change(whole),
            tuple(_service(each) for each in ordered[:cut]),
            len(hidden),
            money.total(each.costs.billed for each in hidden),
            money.total(each.costs.effective for each in hidden),
        )


def _service(own: Group) -> ServiceCost:
    _, category, name = own.keys
    return ServiceCost(
        None if category is None else str(category)[:LONGEST],
        None if name is None else str(name)[:LONGEST],
        own.costs.billed,
        own.costs.effective,
    )
