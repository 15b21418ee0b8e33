"""``teams``: a document for each owner of accounts, or each value of a tag, with nobody else's figures in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.errors import UsageError, near
from pipeline.reports.documents import budgets, costs, resources
from pipeline.reports.documents.cautions import read_cautions
from pipeline.reports.documents.grouping import OWNER, Grouping, grouping, of_charges
from pipeline.reports.documents.reading import DAY, Group, SpanReader, by_currency, together
from pipeline.reports.documents.request import Request
from pipeline.reports.documents.words import NO_CURRENCY, count, reached, spoken
from pipeline.reports.figures import Figures
from pipeline.reports.model import Budget, PolicyStatus, Standing
from pipeline.reports.model.document import Caution, Column, Document, Part, Table
from pipeline.reports.standing import HEALTH, read_span_standing
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse

#: So many spans are a trend, the report's own among them.
TREND = 6
TOP_RESOURCES = 25
_SERVICES = ("ServiceCategory", "ServiceName")


@dataclass(frozen=True)
class _Read:
    """All teams' charges of a span at once, each group with its team first; ``trend`` is of the spans before, newest first."""

    services: Sequence[Group]
    accounts: Sequence[Group]
    days: Sequence[Group]
    resources: Sequence[Group]
    trend: Sequence[tuple[SpanReader, Sequence[Group]]]


def documents(warehouse: Warehouse, request: Request) -> list[Document]:
    """Return a document for each team, A to Z; none where no charge is of one."""
    reader = SpanReader(warehouse, request.span)
    asked = grouping(warehouse, [request.by])
    found = _read(reader, request.by, asked)
    names = sorted({str(own.keys[0]) for own in found.services if own.keys[0] is not None and own.costs.charges})
    if request.only is not None and request.only not in names:
        raise UsageError(
            f"no charge of {request.span.label} is of {request.by} {request.only!r}{near(request.only, names)}"
        )
    figures, standing = Figures.of(request.locale), read_span_standing(warehouse, request.span, owner(warehouse))
    cautions = read_cautions(reader, request, figures)
    chosen = names if request.only is None else [request.only]
    return [_document(name, _of(found, name), reader, request, standing, cautions, figures) for name in chosen]


def _read(reader: SpanReader, by: str, asked: Grouping) -> _Read:
    def groups(*names: str) -> list[Group]:
        return reader.groups({**asked.expressions, **{name: f'"{name}"' for name in names}}, asked.rows)

    charged = of_charges([by])
    columns = {own.name: f'"{own.name}"' for own in resources.COLUMNS}
    columns["x_ResourceType"] = "coalesce(x_ResourceType, ResourceType)"
    return _Read(
        services=groups(*_SERVICES),
        accounts=groups("SubAccountId"),
        days=groups(DAY) if 1 < reader.span.days <= costs.MOST_DAYS else (),
        resources=reader.groups({**charged.expressions, **columns}, charged.rows),
        trend=tuple((own, own.groups(asked.expressions, asked.rows)) for own in _before(reader)),
    )


def _before(reader: SpanReader) -> Iterable[SpanReader]:
    """The span and those before it that are loaded, newest first."""
    for _ in range(TREND):
        if not reader.months:
            return
        yield reader
        try:
            reader = SpanReader(reader.warehouse, reader.span.previous)
        except UsageError:
            return


def _of(found: _Read, name: str) -> _Read:
    """What is of one team, its name taken out of the keys."""

    def own(groups: Sequence[Group]) -> list[Group]:
        return [replace(each, keys=each.keys[1:]) for each in groups if each.keys[0] == name]

    return _Read(
        own(found.services),
        own(found.accounts),
        own(found.days),
        own(found.resources),
        tuple((reader, own(groups)) for reader, groups in found.trend),
    )


def _document(
    name: str,
    found: _Read,
    reader: SpanReader,
    request: Request,
    standing: Standing,
    cautions: tuple[Caution, ...],
    figures: Figures,
) -> Document:
    span, shown = request.span, figures.label(name, "(empty)")
    told = costs.told_of(reader, found.services, found.accounts, found.days)
    own = _standing(standing, request.by, name)
    when = spoken(span, figures)
    return request.document(
        f"Cloud costs of {shown}, {when}",
        costs.headline(reader, told, own, figures),
        facts=tuple(fact for fact in costs.facts(reader, told, own, figures) if own.enabled or fact.name != "health"),
        parts=(
            Part("trend", "Trend", lead=_left_out(request.by), tables=tuple(_trend(found.trend))),
            *costs.parts(reader, told, figures),
            *resources.parts(_resources(found.resources), lead=reached(reader, figures), top=TOP_RESOURCES),
            *budgets.parts(own, figures, span.label, "Budgets of this team alone.", _without(request.by)),
        ),
        cautions=cautions,
        last_day=reader.last_day,
        subject=name,
        by=request.by,
        tenant=owner(reader.warehouse),
    )


def _without(by: str) -> str:
    tag = by.removeprefix("tag:")
    return "No budget has this owner." if by == OWNER else f"No budget is of this value of the tag {tag}."


def _left_out(by: str) -> str:
    what = (
        "Charges of accounts without an owner" if by == OWNER else f"Charges without the tag {by.removeprefix('tag:')}"
    )
    return f"{what} are left out here, and in every other team’s report."


def _trend(spans: Sequence[tuple[SpanReader, Sequence[Group]]]) -> Iterable[Table]:
    """One row for each span, the newest first."""
    columns = (
        Column("period", "Period"),
        Column("BilledCost", "Billed", "money"),
        Column("EffectiveCost", "Effective", "money"),
        Column("complete", "Complete days"),
    )
    currencies = by_currency([own for _, groups in spans for own in groups if own.costs.charges])
    for currency in currencies:
        rows = []
        for reader, groups in spans:
            total = together([own for own in groups if own.currency == currency]).costs
            days = f"{reader.covered} of {count(reader.span.days, 'day')}"
            rows.append((reader.span.label, total.billed, total.effective, days))
        title = (currency or NO_CURRENCY) if len(currencies) > 1 else ""
        yield Table("trend", title, columns, tuple(rows), currency=currency, others="periods")


def _resources(groups: Sequence[Group]) -> dict[str | None, list[resources.Found]]:
    return {
        currency: [(each.keys, each.costs) for each in own if each.costs.charges]
        for currency, own in by_currency([each for each in groups if each.costs.charges]).items()
    }


def _standing(standing: Standing, by: str, name: str) -> Standing:
    """The budgets and policies of one team, and their alerts."""
    mine = [own for own in standing.budgets if _is_of(own, by, name)]
    policies = [own for own in standing.policies if _is_policy_of(own, by, name)]
    ids = {own.id for own in (*mine, *(each.budget for each in policies))}
    found = {own.health for own in mine if own.enabled}
    return Standing(
        health=next((health for health in HEALTH if health in found), "UNSPECIFIED"),
        budgets=tuple(mine),
        alerts=tuple(own for own in standing.alerts if own.budget in ids),
        policies=tuple(policies),
    )


def _is_of(budget: Budget, by: str, name: str) -> bool:
    if by == OWNER:
        return budget.owner == name
    return budget.scope_type == "tag" and budget.scope_key == f"{by.removeprefix('tag:')}:{name}"


def _is_policy_of(policy: PolicyStatus, by: str, name: str) -> bool:
    if by == OWNER:
        return policy.budget.owner == name
    return policy.scope == f"{by.removeprefix('tag:')}:{name}"
