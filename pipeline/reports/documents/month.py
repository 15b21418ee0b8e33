"""``costs`` of a billing period: all that its page shows, of the same context, with every row where the summaries have all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from pipeline.reports import charts
from pipeline.reports.context import build_context
from pipeline.reports.documents import budgets, commitments, models, resources, restatements, tables
from pipeline.reports.documents.cautions import of_data
from pipeline.reports.documents.costs import day_key
from pipeline.reports.documents.ledger import ledger_parts
from pipeline.reports.documents.pictures import over_time
from pipeline.reports.documents.reading import SpanReader, by_currency
from pipeline.reports.documents.request import Request
from pipeline.reports.documents.shares import share_parts
from pipeline.reports.documents.words import NO_CURRENCY, amounts, count, reached, spoken, standing_note
from pipeline.reports.figures import Figures
from pipeline.reports.model import Costs, CurrencySection, Daily, ReportContext
from pipeline.reports.model.document import Column, Document, Fact, Part, Row, Table
from pipeline.store.warehouse import Warehouse

_SERVICES = "SELECT * FROM category_summary WHERE x_BillingPeriod = ?"
_MOVERS = "SELECT * FROM mover_summary WHERE x_BillingPeriod = ? AND dimension IN ('ServiceName', 'SubAccountId')"

_REASONS = """
SELECT BillingCurrency, ServiceName, reason, change, BilledCost, expected_BilledCost FROM mover_reasons
WHERE x_BillingPeriod = ?
ORDER BY sum(abs(change)) OVER (PARTITION BY BillingCurrency, ServiceName) DESC, ServiceName, abs(change) DESC, reason"""


def documents(warehouse: Warehouse, request: Request) -> list[Document]:
    """Return the one document."""
    figures, span = Figures.of(request.locale), request.span
    report = build_context(
        warehouse,
        span.label,
        as_of=request.as_of,
        generated_at=request.generated_at,
        version=request.version,
        max_age_days=request.max_age_days,
        tag_keys=request.tag_keys,
        fiscal_year_start=request.fiscal_year_start,
    )
    reader = SpanReader(warehouse, span)
    name = spoken(span, figures)
    whose = f" of {figures.label(report.tenant)}" if report.tenant else ""
    document = request.document(
        f"Cloud costs{whose}, {name}",
        _headline(report, figures),
        facts=tuple(_facts(report, figures)),
        parts=tuple(_parts(reader, report, figures)),
        cautions=of_data({span.label: report.data}, figures),
        last_day=report.last_day,
        tenant=report.tenant,
    )
    return [document]


def _headline(report: ReportContext, figures: Figures) -> str:
    if not report.sections:
        return "nothing was billed"
    billed = amounts([(own.currency, own.headline.billed) for own in report.sections], figures)
    parts = [f"{billed} so far" if report.open else billed]
    changes = [own.headline.change for own in report.sections]
    if all(each is not None for each in changes):
        before = figures.month(report.previous_period)
        parts.append(f"{' and '.join(figures.change(each) for each in changes)} per day against {before}")
    if report.standing.over or (report.open and report.standing.heading_over):
        parts.append(standing_note(report.standing, figures))
    return "; ".join(parts)


def _facts(report: ReportContext, figures: Figures) -> Iterable[Fact]:
    several, before = len(report.sections) > 1, figures.month(report.previous_period)
    for section in report.sections:
        head, code = section.headline, section.currency
        so_far = "Billed so far" if report.open else "Billed"
        title = f"{so_far} in {code or NO_CURRENCY.lower()}" if several else so_far
        note = f"{head.days_covered} of {count(report.days, 'day')}"
        yield Fact("billed", title, head.billed, "money", code, note)
        yield Fact("effective", "Effective cost", head.effective, "money", code)
        yield Fact("year_to_date", f"{head.year} to date", head.year_to_date, "money", code)
        change = f"against {figures.money(head.previous_per_day, code)} in {before}"
        loaded = head.previous_per_day is not None
        yield Fact("per_day", "Per day", head.per_day, "money", code, change if loaded else f"{before} is not loaded")
        yield Fact("change", "Change per day", head.change, "change", code, change if loaded else None)
        if report.open or head.forecast is not None:
            yield Fact("forecast", "Forecast for the month", head.forecast, "money", code, head.forecast_note)
        if head.limit is not None:
            yield Fact("limit", "Budget", head.limit, "money", code)
            yield Fact("used", "Of the budget", head.used, "used", code)
            if head.forecast_used is not None:
                yield Fact("forecast_used", "Of the budget by forecast", head.forecast_used, "used", code)
        yield Fact("list", "At list price", section.total.list, "money", code, "without any discount")
    if report.converted:
        whole = report.converted
        yield Fact(
            "converted", f"All in {whole.currency}", whole.billed, "money", whole.currency, "at the configured rates"
        )
    health = report.standing.health if report.standing.enabled else "DISABLED"
    yield Fact("health", "Budgets", health, "status", note=standing_note(report.standing, figures))


def _parts(reader: SpanReader, report: ReportContext, figures: Figures) -> Iterable[Part]:
    lead = reached(reader, figures)
    if report.sections:
        yield _daily(report.sections, figures, lead)
    else:
        yield Part("nothing", "Nothing was billed", empty=f"No charges of {figures.month(report.period)} are loaded.")
    yield from budgets.parts(report.standing, figures, report.period, lead)
    if report.sections:
        yield _movers(reader, report, figures)
        yield _services(reader)
        yield _accounts(reader)
        yield from resources.parts(resources.read(reader))
        yield _composition(report.sections)
    yield from share_parts(reader.warehouse, report)
    committed = commitments.tables(reader)
    if committed:
        yield commitments.part(committed, "")
    yield from models.parts(reader)
    yield restatements.part(reader)
    yield from ledger_parts(report)


def _daily(sections: Sequence[CurrencySection], figures: Figures, lead: str) -> Part:
    pictures, made = [], []
    for number, own in enumerate(sections, 1):
        made.append(tables.day_table(own.daily, own.currency, title=""))
        if not own.daily.shown_days:
            continue
        of = f", {own.currency or NO_CURRENCY.lower()}" if len(sections) > 1 else ""
        spent = own.daily.complete_days or own.daily.shown_days
        words = f"{figures.money(spent[-1].cumulative, own.currency)} by {figures.day(spent[-1].day)}."
        drawing = partial(charts.running_cost, own, figures)
        pictures.append(over_time(f"running-{number}", f"Running cost{of}", words, drawing, _running_key(own.daily)))
        top = max(own.daily.shown_days, key=lambda day: day.billed)
        words = f"Highest on {figures.day(top.day)}: {figures.money(top.billed, own.currency)}."
        drawing = partial(charts.daily_cost, own, figures)
        pictures.append(over_time(f"days-{number}", f"Cost of each day{of}", words, drawing, day_key(own.daily)))
    return Part("days", "Cost by day", lead=lead, pictures=tuple(pictures), tables=tuple(made))


def _running_key(daily: Daily) -> tuple[tuple[str, str], ...]:
    key = [("", "So far")]
    if sum(day.projected is not None for day in daily.days) > 1:
        key.append(("ahead", "Forecast"))
    if daily.limit:
        key += [("limit", "Budget"), ("pace", "Its even pace")]
    return tuple(key)


def _movers(reader: SpanReader, report: ReportContext, figures: Figures) -> Part:
    rows = reader.warehouse.frame(_MOVERS, [report.period]).to_dicts()
    names, made = reader.account_names, []
    for section in report.sections:
        own = [row for row in rows if row["BillingCurrency"] == section.currency]
        for dimension, name, title, others in (
            ("ServiceName", "movers_by_service", "By service", "services"),
            ("SubAccountId", "movers_by_account", "By account", "accounts"),
        ):
            moved = [
                (
                    (row["key"],) if others == "services" else tables.account_keys(row["key"], names),
                    row["BilledCost"],
                    row["expected_BilledCost"],
                )
                for row in own
                if row["dimension"] == dimension
            ]
            if moved and (others == "services" or len(moved) > 1):
                keys = (tables.SERVICE,) if others == "services" else (tables.ACCOUNT, tables.ACCOUNT_NAME)
                made.append(tables.mover_table(name, keys, moved, section.currency, title=title, others=others))
    made += _reasons(reader, report)
    before = figures.month(report.previous_period)
    lead = f"This month’s complete days against {before}, brought to the same number of days."
    empty = f"{before} is not loaded or no day is complete, so there is nothing to compare."
    return Part("movers", "Biggest movers", lead=lead if made else "", tables=tuple(made), empty=empty)


def _reasons(reader: SpanReader, report: ReportContext) -> list[Table]:
    """Why services moved: usage, price, credit, refund, tax, new, gone; a service's reasons sum to its change."""
    columns = (tables.SERVICE, Column("reason", "Because of"), tables.CHANGE, tables.BILLED, tables.EXPECTED)
    rows = reader.warehouse.rows(_REASONS, [report.period])
    made = []
    for section in report.sections:
        own = tuple(row[1:] for row in rows if row[0] == section.currency)
        if own:
            title, top = "Why services moved", 3 * tables.TOP_MOVERS
            made.append(Table("mover_reasons", title, columns, own, section.currency, top=top, others="reasons"))
    return made


def _services(reader: SpanReader) -> Part:
    rows = reader.warehouse.frame(_SERVICES, [reader.span.label]).to_dicts()
    found: dict[str | None, list[tables.Keyed]] = {}
    for row in rows:
        keys = (row["ServiceName"], row["ServiceCategory"])
        found.setdefault(row["BillingCurrency"], []).append((keys, resources.costs_of_row(row)))
    made = tuple(
        tables.cost_table(
            "services", (tables.SERVICE, tables.CATEGORY), found[code], code, top=tables.TOP_SERVICES, others="services"
        )
        for code in sorted(found, key=lambda code: (code is None, code or ""))
    )
    lead = "Billed is what the invoice says. Effective spreads what was paid upfront over its term. List is the public price."
    return Part("services", "Cost by service", lead=lead, tables=made)


def _accounts(reader: SpanReader) -> Part:
    groups, names = reader.groups({"SubAccountId": "SubAccountId"}), reader.account_names
    return Part(
        "accounts",
        "Cost by account",
        tables=tuple(
            tables.cost_table(
                "accounts",
                (tables.ACCOUNT, tables.ACCOUNT_NAME),
                [((own_id := each.keys[0], names.get(str(own_id))), each.costs) for each in own if each.costs.charges],
                code,
                top=tables.TOP_ACCOUNTS,
                others="accounts",
            )
            for code, own in by_currency(groups).items()
            if any(each.costs.charges for each in own)
        ),
    )


def _composition(sections: Sequence[CurrencySection]) -> Part:
    """Credits, refunds and tax told apart, and the same charges at four prices."""
    parts, prices = [], []
    for own in sections:
        total = own.total
        rows: tuple[Row, ...] = (
            ("Usage, purchases and adjustments", total.before_credits),
            ("Credits", total.credits),
            ("Refunds and corrections", total.refunds),
            ("Tax", total.tax),
        )
        columns = (Column("part", "What the bill is made of"), tables.BILLED)
        parts.append(Table("composition", "", columns, rows, own.currency))
        columns = (Column("price", "The same charges at four prices"), Column("Cost", "Cost", "money"))
        prices.append(Table("prices", "At four prices", columns, _prices(total), own.currency))
    return Part("composition", "Credits, refunds and tax", tables=(*parts, *prices))


def _prices(total: Costs) -> tuple[Row, ...]:
    return (
        ("List: the public price", total.list),
        ("Contracted: with negotiated discounts", total.contracted),
        ("Effective: with commitments spread over their use", total.effective),
        ("Billed: what the invoice says", total.billed),
    )
