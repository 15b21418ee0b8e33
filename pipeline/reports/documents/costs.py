"""``costs``: what a span of time cost, against the time before it, by service, account and day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import accumulate

from pipeline import money
from pipeline.periods import month, parse_span
from pipeline.reports import charts
from pipeline.reports.documents import budgets, tables
from pipeline.reports.documents.cautions import read_cautions
from pipeline.reports.documents.days import day_facts
from pipeline.reports.documents.grouping import grouping
from pipeline.reports.documents.pictures import over_time
from pipeline.reports.documents.reading import DAY, Group, SpanReader, by_currency, together
from pipeline.reports.documents.request import Request
from pipeline.reports.documents.words import (
    NO_CURRENCY,
    amounts,
    before_words,
    compared,
    count,
    reached,
    spoken,
    standing_note,
)
from pipeline.reports.figures import Figures
from pipeline.reports.model import Daily, Day, Standing
from pipeline.reports.model.document import Column, Document, Fact, Part, Row, Table
from pipeline.reports.standing import read_span_standing
from pipeline.store.tenants import owner
from pipeline.store.warehouse import Warehouse

_SERVICES = {"ServiceCategory": "ServiceCategory", "ServiceName": "ServiceName"}
#: So many days are a picture and a table; of longer spans months are.
MOST_DAYS = 100
#: A day is shown among so many.
SHOWN_DAYS = 14
TOP_GROUPS = 25
_MORE = (tables.EFFECTIVE, tables.LIST, tables.CONTRACTED, tables.CHARGES)


@dataclass(frozen=True)
class Told:
    """All that a span's document says of one currency."""

    currency: str | None
    total: Group
    services: Sequence[Group]
    accounts: Sequence[Group]
    daily: Daily | None


def documents(warehouse: Warehouse, request: Request) -> list[Document]:
    """Return the one document of a span."""
    figures, span = Figures.of(request.locale), request.span
    reader, tenant = SpanReader(warehouse, span), owner(warehouse)
    standing = read_span_standing(warehouse, span, tenant)
    told = read(reader)
    shape = parts(reader, told, figures)
    if request.group_by:
        shape = (*shape[:1], grouped(reader, request.group_by, figures), *shape[1:])
    name = spoken(span, figures)
    whose = f" of {figures.label(tenant)}" if tenant else ""
    document = request.document(
        f"Cloud costs{whose}, {name}",
        headline(reader, told, standing, figures),
        facts=(*facts(reader, told, standing, figures), *day_facts(reader, told, figures)),
        parts=(*shape, *budgets.parts(standing, figures, span.label, "")),
        cautions=read_cautions(reader, request, figures),
        last_day=reader.last_day,
        tenant=tenant,
        by=",".join(request.group_by) or None,
    )
    return [document]


def grouped(reader: SpanReader, names: Sequence[str], figures: Figures) -> Part:
    """What it came to by columns that somebody chose, each group beside what it came to before."""
    asked = grouping(reader.warehouse, names)
    found = by_currency(reader.groups(asked.expressions, asked.rows))
    whole = {currency: together(own).costs.billed for currency, own in found.items()}
    keys = tuple(Column(name, name, missing="(none)") for name in names)
    compares = reader.before is not None
    columns = (*keys, tables.BILLED, tables.SHARE, *((tables.EXPECTED, tables.CHANGE) if compares else ()), *_MORE)
    made = []
    for currency, groups in found.items():
        ordered = sorted(groups, key=lambda own: (-own.costs.billed, [(key is None, str(key)) for key in own.keys]))
        rows = tuple(_grouped(reader, own, whole[currency], compares) for own in ordered)
        made.append(Table("groups", "", columns, rows, currency, top=TOP_GROUPS, others="groups", searchable=True))
    by = ", ".join(names)
    return Part(
        "groups", f"Cost by {by}", lead=compared(reader, figures), tables=tuple(made), empty="Nothing was billed."
    )


def _grouped(reader: SpanReader, own: Group, whole: Decimal, compares: bool) -> Row:
    costs = own.costs
    before: Row = ()
    if compares:
        expected = reader.expected(own)
        before = (expected, money.total((own.covered, expected.copy_negate())))
    rest = (costs.effective, costs.list, costs.contracted, costs.charges)
    return (*own.keys, costs.billed, money.percent(costs.billed, whole), *before, *rest)


def read(reader: SpanReader) -> list[Told]:
    """Read a span by currency, A to Z; nothing where nothing was billed in it."""
    days = reader.groups({DAY: ""}) if 1 < reader.span.days <= MOST_DAYS else []
    if reader.span.edition == "daily" and reader.months:
        days = around(reader).groups({DAY: ""})
    return told_of(reader, reader.groups(_SERVICES), reader.groups({"SubAccountId": "SubAccountId"}), days)


def around(reader: SpanReader) -> SpanReader:
    """The days that a day is shown among: it and those before it, as far as they are loaded."""
    day, first = reader.span.start, month(reader.loaded[0]).start.date()
    start = max(day - timedelta(days=SHOWN_DAYS - 1), first)
    return SpanReader(reader.warehouse, parse_span(f"{start}..{day}"))


def told_of(
    reader: SpanReader, services: Sequence[Group], accounts: Sequence[Group], days: Sequence[Group]
) -> list[Told]:
    """Return what is told of some charges of a span, by currency."""
    by_account, by_day = by_currency(accounts), by_currency(days)
    shown = around(reader) if days and reader.span.edition == "daily" else reader
    found = [
        Told(code, together(own), own, by_account[code], _daily(shown, by_day.get(code, ())) if days else None)
        for code, own in by_currency(services).items()
    ]
    return [own for own in found if own.total.costs.charges]


def headline(reader: SpanReader, told: Sequence[Told], standing: Standing, figures: Figures) -> str:
    """What it came to, how it changed, and whether budgets are fine."""
    if not told:
        return "nothing was billed"
    billed = amounts([(own.currency, own.total.costs.billed) for own in told], figures)
    parts = [f"{billed} so far" if reader.is_open else billed]
    changes = [change for own in told if (change := reader.change(own.total)) is not None]
    if reader.before and len(changes) == len(told):
        parts.append(
            f"{' and '.join(figures.change(each) for each in changes)} against {before_words(reader, figures)}"
        )
    if standing.enabled and (standing.over or standing.heading_over):
        parts.append(standing_note(standing, figures))
    return "; ".join(parts)


def parts(reader: SpanReader, told: Sequence[Told], figures: Figures) -> tuple[Part, ...]:
    """What it came to by day, service and account."""
    lead = reached(reader, figures)
    if not told:
        name = spoken(reader.span, figures)
        return (Part("nothing", "Nothing was billed", lead=lead, empty=f"No charges of {name} are loaded."),)
    several = len(told) > 1
    found = [
        Part(
            "movers",
            "Biggest movers",
            lead=compared(reader, figures),
            tables=tuple(_movers(reader, told, several)),
            empty="Nothing moved." if reader.before else "There is nothing to compare with.",
        ),
        Part("services", "Cost by service", lead=lead, tables=tuple(_services(own, several) for own in told)),
        Part("accounts", "Cost by account", tables=tuple(_accounts(reader, own, several) for own in told)),
    ]
    if any(own.daily for own in told):
        found.insert(0, _day_part(told, figures, several))
    return tuple(found)


def facts(reader: SpanReader, told: Sequence[Told], standing: Standing, figures: Figures) -> Iterable[Fact]:
    """The figures that come first."""
    for own in told:
        costs, currency = own.total.costs, own.currency
        so_far = "Billed so far" if reader.is_open else "Billed"
        title = f"{so_far} in {currency or NO_CURRENCY.lower()}" if len(told) > 1 else so_far
        days = f"{reader.covered} of {count(reader.span.days, 'day')}" if reader.span.days > 1 else None
        yield Fact("billed", title, costs.billed, "money", currency, days)
        yield Fact("effective", "Effective cost", costs.effective, "money", currency)
        if reader.before:
            expected, change = reader.expected(own.total), reader.change(own.total)
            words = before_words(reader, figures)
            brought = "" if words.startswith("the ") else ", brought to the same number of days"
            title = "Usual" if reader.span.edition == "daily" else "Before"
            yield Fact("expected", title, expected, "money", currency, f"{words}{brought}")
            moved = figures.signed(own.total.covered - expected, currency)
            yield Fact("change", "Change", change, "change", currency, f"{moved} against {words}")
    health = standing.health if standing.enabled else "DISABLED"
    yield Fact("health", "Budgets", health, "status", note=standing_note(standing, figures))


def _services(own: Told, several: bool) -> Table:
    return tables.cost_table(
        "services",
        (tables.SERVICE, tables.CATEGORY),
        [(group.keys[::-1], group.costs) for group in own.services if group.costs.charges],
        own.currency,
        title=tables.title_of(own.currency, several),
        top=tables.TOP_SERVICES,
        others="services",
    )


def _accounts(reader: SpanReader, own: Told, several: bool) -> Table:
    names = reader.account_names
    return tables.cost_table(
        "accounts",
        (tables.ACCOUNT, tables.ACCOUNT_NAME),
        [((key := group.keys[0], names.get(str(key))), group.costs) for group in own.accounts if group.costs.charges],
        own.currency,
        title=tables.title_of(own.currency, several),
        top=tables.TOP_ACCOUNTS,
        others="accounts",
    )


def _movers(reader: SpanReader, told: Sequence[Told], several: bool) -> Iterable[Table]:
    if reader.before is None:
        return
    for own in told:
        of = f", {own.currency or NO_CURRENCY.lower()}" if several else ""
        services = _by_first_key([(group.keys[1:], group) for group in own.services])
        yield tables.mover_table(
            "movers_by_service", (tables.SERVICE,), _moved(reader, services), own.currency,
            title=f"By service{of}", others="services",
        )  # fmt: skip
        if len(own.accounts) > 1:
            names = reader.account_names
            accounts = [((key := group.keys[0], names.get(str(key))), group) for group in own.accounts]
            yield tables.mover_table(
                "movers_by_account", (tables.ACCOUNT, tables.ACCOUNT_NAME), _moved(reader, accounts), own.currency,
                title=f"By account{of}", others="accounts",
            )  # fmt: skip


_Keyed = tuple[Row, Group]


def _by_first_key(groups: Iterable[_Keyed]) -> list[_Keyed]:
    """Services by name alone: one may be in several categories."""
    found: dict[Row, list[Group]] = {}
    for keys, group in groups:
        found.setdefault(keys, []).append(group)
    return [(keys, together(own)) for keys, own in found.items()]


def _moved(reader: SpanReader, groups: Iterable[_Keyed]) -> list[tuple[Row, Decimal, Decimal]]:
    return [(keys, group.covered, reader.expected(group)) for keys, group in groups]


# --- Days -----------------------------------------------------------------------------------


def _daily(reader: SpanReader, groups: Sequence[Group]) -> Daily:
    span = reader.span
    by_day = {own.keys[0]: own for own in groups}
    days = [span.start + timedelta(days=number) for number in range(span.days)]
    usage = [by_day[day].usage if day in by_day else money.ZERO for day in days]
    billed = [by_day[day].costs.billed if day in by_day else money.ZERO for day in days]
    made = zip(days, usage, billed, accumulate(billed), strict=True)
    return Daily(
        tuple(Day(day, used, all_ - used, so_far, None, None, _done(day, reader)) for day, used, all_, so_far in made),
        outside=money.ZERO,
        limit=None,
        pace_per_day=None,
    )


def _done(day: date, reader: SpanReader) -> bool:
    return reader.last_day is not None and day <= reader.last_day


def day_key(daily: Daily) -> tuple[tuple[str, str], ...]:
    """What the marks of a picture of days mean, as ``Picture.key`` says it: of those that are in it."""
    key = [("usage", "Usage"), ("other", "Purchases, tax, credits, refunds")]
    if daily.pace_per_day:
        key.append(("pace", "The budget’s even pace"))
    if len(daily.complete_days) < len(daily.shown_days):
        key.append(("partial", "Not yet complete"))
    return tuple(key)


def _day_part(told: Sequence[Told], figures: Figures, several: bool) -> Part:
    pictures, found = [], []
    for number, own in enumerate(told, 1):
        assert own.daily is not None
        title = tables.title_of(own.currency, several)
        found.append(tables.day_table(own.daily, own.currency, title=title))
        if own.daily.shown_days:
            drawing = partial(charts.days_cost, own.daily, own.currency, figures)
            top = max(own.daily.shown_days, key=lambda day: day.billed)
            words = f"Highest on {figures.day(top.day)}: {figures.money(top.billed, own.currency)}."
            name = f"Cost of each day{f', {title}' if title else ''}"
            pictures.append(over_time(f"days-{number}", name, words, drawing, day_key(own.daily)))
    return Part("days", "Cost by day", pictures=tuple(pictures), tables=tuple(found))
