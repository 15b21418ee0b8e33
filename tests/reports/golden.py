"""Golden files: what a reader sees of each format, as text whose changes people can review.

``python -m tests.reports.golden`` writes them anew; look at what git says of them. What differs from one machine to the
next is left out: the pictures' bytes, where lines and pages end on paper, and versions of libraries.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.budgets.alert_table import ANOMALY, Alert
from pipeline.config.mail import MailAlerts, Mailbox, MailReport, MailSettings
from pipeline.deliver.channel import AlertNews, Desk, Edition, News
from pipeline.deliver.ledger import Ledger
from pipeline.deliver.mail import MailChannel
from pipeline.periods import parse_span
from pipeline.reports.documents import Request, build
from pipeline.reports.model.document import Document
from pipeline.reports.render import render_report
from pipeline.reports.writers import write
from pipeline.store.warehouse import Warehouse
from pipeline.version import VERSION
from tests.reports import march, plain
from tests.reports import warehouse as fixture
from tests.reports.documents import d, small

FOLDER = Path(__file__).resolve().parent.parent / "golden"
COMMAND = "python -m tests.reports.golden"
TABLES = ("facts", "services", "alerts")
#: All of them; those that end with .txt are renderings of what is no text itself.
NAMES = (
    *("report.html", "report.md", "report.json", *(f"report.{name}.csv" for name in TABLES)),
    *("report.xlsx.txt", "report.pdf.txt", *(f"report.{name}.parquet.txt" for name in TABLES)),
    *("month.html", "month.md", "mail.costs.txt", "mail.alerts.txt"),
)


def made(name: str, folder: Path, month: Warehouse) -> str:
    """Return a golden file as it is to be now.

    Args:
        name: one of ``NAMES``.
        folder: where reports and mails may be written.
        month: what ``tests.reports.warehouse.rich`` makes.
    """
    match name.removesuffix(".txt").split("."):
        case ["mail", "costs"]:
            return plain.mail(_mail_of_costs(folder, month))
        case ["mail", _]:
            return plain.mail(_mail_of_alerts(folder, month)).replace(f"Costmill {VERSION}", "Costmill 0.1.0")
        case ["month", format]:
            [file] = render_report(
                month,
                fixture.PERIOD,
                out=folder,
                formats=(format,),
                as_of=fixture.AS_OF,
                generated_at=fixture.GENERATED_AT,
                version="0.1.0",
                max_age_days=3,
            )
            return plain.page(file)
        case [*_, format]:
            write(small(), format, folder)
            file = folder / name.removesuffix(".txt")
            match format:
                case "xlsx":
                    return plain.workbook(file)
                case "pdf":
                    return plain.paper(file)
                case "parquet":
                    return plain.parquet(file)
            return plain.page(file)
    raise ValueError(name)


def _mail_of_costs(folder: Path, month: Warehouse) -> Path:
    """The monthly edition of the costs of March, before the month has ended, with its workbook."""
    span = parse_span("2026-03")
    request = Request(
        "costs",
        span,
        fixture.AS_OF,
        fixture.GENERATED_AT,
        "0.1.0",
        max_age_days=3,
        tag_keys=("team", "env", "cost-center"),
    )
    edition = Edition("costs", "monthly", span.label, span.start, span.end)
    settings = {"reports": (MailReport("costs", "monthly", ("finance@example.com",), ("xlsx",)),)}
    page = folder / span.label / "report.html"
    page.parent.mkdir()
    page.touch()
    return _mailed(folder, month, News(fixture.AS_OF, editions=lambda *_: edition), build(month, request), settings)


def _mail_of_alerts(folder: Path, month: Warehouse) -> Path:
    """A digest: two thresholds of one budget, a forecast in another currency, an unusual day; a source is stale."""
    alerts = (
        _alert(1, "global", "All spend", threshold=d("80"), severity="warning"),
        _alert(2, "global", "All spend"),
        _alert(
            3, "tag:team:ml", "Machine <learning>", type="forecasted", currency="EUR", spend=d("412.5"),
            effective_limit=d("400"), percentage=d("103.125"),
        ),
        _alert(
            4, f"{ANOMALY}:day:aws:Amazon S3", "", type=ANOMALY, period="daily", period_start=datetime(2026, 3, 20),
            period_end=datetime(2026, 3, 21), spend=d("91.2"), effective_limit=d("12.4"), percentage=d("735.483871"),
            severity="info",
        ),
    )  # fmt: skip
    stale = ("aws-main: its last complete day is 2026-03-17, 4 days ago.",)
    settings = {"alerts": MailAlerts(("finops@example.com",), "info")}
    return _mailed(folder, month, News(fixture.AS_OF, alerts, stale=stale), [], settings)


def _alert(number: int, budget_id: str, budget: str, **facts: Any) -> AlertNews:
    values: dict[str, Any] = {
        "alert_id": str(number) * 32,
        "budget_id": budget_id,
        "x_BillingPeriod": "2026-03",
        "period": "monthly",
        "period_start": datetime(2026, 3, 1),
        "period_end": datetime(2026, 4, 1),
        "threshold": d("100"),
        "unit": "percent",
        "type": "actual",
        "occurrence": 0,
        "status": "open",
        "severity": "critical",
        "currency": "USD",
        "spend": d("1234.567"),
        "effective_limit": d("1200"),
        "percentage": d("102.880583"),
        "fired_at": fixture.AS_OF,
        "resolved_at": None,
        "reason": None,
        "history": "[]",
    }
    return AlertNews(Alert(**{**values, **facts}), 0, fixture.AS_OF, budget)


def _mailed(folder: Path, month: Warehouse, news: News, documents: list[Document], settings: dict[str, Any]) -> Path:
    sender = Mailbox("costs@example.com", "Costmill")
    own = MailSettings("smtp.example.com", sender, 587, link="https://costs.example.com", **settings)
    channel = MailChannel(own, folder)
    desk = Desk(Ledger(month, "r1"), lambda _: documents, made_at=fixture.GENERATED_AT)
    [path] = channel.write(channel.tellings(news, desk), news, desk, folder / "mails")
    return path


def _write() -> None:
    with TemporaryDirectory() as folder, march.rich(Path(folder) / "costs.duckdb") as month:
        for name in NAMES:
            own = Path(folder) / name
            own.mkdir()
            (FOLDER / name).write_text(made(name, own, month), encoding="utf-8", newline="")


if __name__ == "__main__":
    _write()
