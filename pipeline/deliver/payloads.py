"""The documents that webhooks post, after docs/webhook.schema.json: money as text in full precision, times in UTC."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.deliver.channel import AlertNews
from pipeline.money import text
from pipeline.reports.model.document import Document
from pipeline.reports.writers import as_json
from pipeline.version import VERSION

#: Raised when a reader of the version before could misunderstand a document.
SCHEMA_VERSION = 1
#: Alerts of one document, at most.
MOST_ALERTS = 500


def alerts(ident: str, moment: datetime, news: Sequence[AlertNews], stale: Sequence[str]) -> bytes:
    """Return the document of some alerts, as the run judged them; ``stale`` names sources whose data is old."""
    return _document("alerts", ident, moment, stale=list(stale), alerts=[_alert(own) for own in news])


def report(ident: str, moment: datetime, document: Document, link: str | None) -> bytes:
    """Return the document of a report: its headline, facts and cautions; the tables are in the report's files."""
    return _document(
        "report",
        ident,
        moment,
        report={
            "report": document.report,
            "edition": document.edition,
            "period": document.period,
            "start": document.start.isoformat(),
            "end": document.end.isoformat(),
            "title": document.title,
            "headline": document.headline,
            "last_day": document.last_day.isoformat() if document.last_day else None,
            "facts": [
                {
                    "name": own.name,
                    "title": own.title,
                    "value": as_json.value(own.value, own.kind),
                    "currency": own.currency,
                }
                for own in document.facts
            ],
            "cautions": [{"name": own.name, "text": own.text, "serious": own.serious} for own in document.cautions],
            "link": link,
        },
    )


def failure(ident: str, moment: datetime, exit_code: int, lines: Sequence[str]) -> bytes:
    """Return the document of a run that failed, or whose result somebody should look at."""
    return _document("failure", ident, moment, failure={"exit_code": exit_code, "lines": list(lines)})


def _document(kind: str, ident: str, moment: datetime, **own: Any) -> bytes:
    head = {"schema_version": SCHEMA_VERSION, "type": kind, "id": ident, "occurred_at": _time(moment)}
    return json.dumps({**head, "version": VERSION, **own}, ensure_ascii=False).encode()


def _alert(news: AlertNews) -> dict[str, Any]:
    own = news.alert
    return {
        "alert_id": own.alert_id,
        "tellings": news.tellings,
        "budget_id": own.budget_id,
        "budget": news.budget,
        "owner": news.owner,
        "tenant_id": own.tenant_id,
        "severity": own.severity,
        "status": own.status,
        "type": own.type,
        "threshold": text(own.threshold),
        "unit": own.unit,
        "window": own.window_name,
        "period_start": _time(own.period_start),
        "period_end": _time(own.period_end),
        "currency": own.currency,
        "spend": text(own.spend),
        "effective_limit": text(own.effective_limit),
        "percentage": f"{own.percentage:.6f}",
        "fired_at": _time(own.fired_at),
        "told_at": _time(news.told_at),
        "reason": own.reason,
    }


def _time(moment: datetime) -> str:
    return moment.isoformat() + "Z"
