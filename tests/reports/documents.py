"""Documents written by hand: a small one for golden files, and one with everything that could go wrong in a file."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pipeline.reports import charts
from pipeline.reports.model.document import Caution, Column, Document, Fact, Part, Picture, Row, Table
from tests.reports.warehouse import HOSTILE

GENERATED_AT = datetime(2026, 3, 22, 6, 15, 30)
EVIL = (
    *HOSTILE,
    "=1+1",
    "+41 79",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    " \u3000＝1+1",
    "\ufeff=cmd|' /C calc'!A0",
    "a\x00b\x1bc\uffff",
    'quote"s, commas; and\nlines',
    "_x0041_",
    "<r><t>rich</t></r>",
    "'quoted'",
    "</style><svg onload=alert(1)>",
    "]]><!-- ",
)
COSTS = (
    Column("ServiceName", "Service", missing="(no service)"),
    Column("BilledCost", "Billed", "money", sums=True),
    Column("x_Change", "Change", "signed", sums=True),
    Column("x_ChangePercent", "Change in %", "change"),
    Column("x_Share", "Share", "percent", sums=True),
)
EVERYTHING = (
    Column("ServiceName", "Service", missing="(no service)"),
    Column("x_Money", "Money", "money", sums=True),
    Column("x_Price", "Price", "price"),
    Column("x_Signed", "Signed", "signed"),
    Column("x_Change", "Change", "change"),
    Column("x_Percent", "Percent", "percent", sums=True),
    Column("x_Used", "Used", "used"),
    Column("x_Count", "Count", "count", sums=True),
    Column("x_Quantity", "Quantity", "quantity"),
    Column("x_Day", "Day", "date"),
    Column("x_Moment", "Moment", "moment"),
    Column("x_Status", "Status", "status"),
)
AMOUNTS = (
    "0", "0.000000000000000001", "-0.004", "0.335", "-12.5", "1234567.895", "99999999999999999999.999999999999999999",
    "-99999999999999999999.999999999999999999", "0.1", "10.000000000000000000",
)  # fmt: skip


def d(text: str) -> Decimal:
    """A decimal."""
    return Decimal(text)


def bars() -> Picture:
    """A picture as the reports draw them."""
    rows = [charts.Bar("Compute", d("30.25"), "$30.25"), charts.Bar("Storage", d("-1.5"), "−$1.50")]
    words = "Compute: $30.25; Storage: −$1.50."
    return Picture("services", "By service", words, lambda: charts.bars(rows, "services", "Bars"))


def small(**facts: object) -> Document:
    """A report of two currencies as a person would write it."""
    dollars: tuple[Row, ...] = (
        ("Amazon Elastic Compute Cloud", d("30.335"), d("2.335"), d("8.339286"), d("76.000000")),
        ("Amazon S3", d("10.335"), d("0"), None, d("25.893023")),
        (None, d("0.335"), d("0.335"), None, d("0.839284")),
        ("AWS Lambda", d("0.004"), None, None, d("0.010022")),
        ("AWS Support", d("-1.095"), d("-1.095"), d("-100"), d("-2.743398")),
    )
    euros: tuple[Row, ...] = (("=Compute Engine", d("12.5"), d("-3"), d("-19.354839"), d("100")),)
    values: dict[str, object] = {
        "report": "costs",
        "edition": "daily",
        "period": "2026-03-21",
        "start": date(2026, 3, 21),
        "end": date(2026, 3, 22),
        "title": "Cloud costs, March 21, 2026",
        "headline": "$39.91 and €12.50 on March 21, 2026",
        "facts": (
            Fact("billed", "Billed", d("39.914"), "money", "USD", "the day before: $38.34"),
            Fact("services", "Services", 5, "count"),
            Fact("health", "Budgets", "WARNING", "status", None, "Forecast over the limit: Platform"),
            Fact("billed", "Billed", d("12.5"), "money", "EUR"),
        ),
        "parts": (
            Part(
                "services", "Services", "What was billed, by service.", (bars(),), (
                    Table("services", "", COSTS, dollars, "USD", 3, "services"),
                    Table("services", "", COSTS, euros, "EUR", 3, "services", ("One bill is in euros.",)),
                ),
            ),
            Part("alerts", "Alerts", tables=(
                Table("alerts", "", (
                    Column("name", "Alert"), Column("severity", "Severity", "status"), Column("used", "Of limit", "used"),
                    Column("fired_at", "Fired", "moment"), Column("window", "Window", "date"),
                ), (("Platform", "critical", d("99.96"), datetime(2026, 3, 21, 6, 10), date(2026, 3, 1)),)),
            )),
            Part("owners", "Owners", empty="No account has an owner."),
        ),
        "cautions": (
            Caution("rejected", "2 rows rejected: read, but not in these figures."),
            Caution("stale", "Data is stale: the last complete day is 4 days ago.", serious=True),
        ),
        "last_day": date(2026, 3, 21),
        "generated_at": GENERATED_AT,
        "version": "0.1.0",
    }  # fmt: skip
    return Document(**{**values, **facts})  # type: ignore[arg-type]


def rich(**facts: object) -> Document:
    """Every kind of value and every hostile text, in three currencies and in none."""
    evil = " ".join(own[:60] for own in EVIL)
    parts = (
        *(
            Part(f"everything-{currency}", evil, evil, (), (_everything(currency, number),), evil)
            for number, currency in enumerate(("USD", "JPY", None, "=<b>"))
        ),
        Part("names", "Names", tables=(Table("names", evil, (Column("=Name", evil),), tuple((own,) for own in EVIL)),)),
        Part("none", "Nothing", tables=(Table("nothing", "", COSTS, (), "USD"),)),
    )
    cautions = tuple(Caution(f"caution-{number}", own, number % 2 == 0) for number, own in enumerate(EVIL))
    figures = tuple(Fact(f"fact-{place}", own, own, "text", None, own) for place, own in enumerate(EVIL))
    amounts = tuple(Fact(f"amount-{place}", "Amount", d(own), "money", "USD") for place, own in enumerate(AMOUNTS))
    values = {"title": evil, "headline": evil, "subject": EVIL[0], "parts": parts, "cautions": cautions}
    return small(**{**values, "facts": (*figures, *amounts), **facts})


def _everything(currency: str | None, number: int) -> Table:
    rows: list[Row] = [
        (
            name, *(d(AMOUNTS[(place + number + step) % len(AMOUNTS)]) for step in range(3)),
            d("-33.333333"), d("33.333333"), d("99.999999"), place * 10**12, d("0.5"),
            date(2026, 3, 21), datetime(2026, 3, 22, 6, 15, 30, 123456), "EXCEEDED",
        )
        for place, name in enumerate(EVIL)
    ]  # fmt: skip
    nothing: Row = (None,) * len(EVERYTHING)
    return Table("everything", "", EVERYTHING, (*rows, nothing), currency, 12, "rows", EVIL)
