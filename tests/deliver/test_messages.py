"""What channels are told of many alerts, and of names that mean harm, as a real server gets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.budgets.alert_table import Alert
from pipeline.config.notify import ChannelSettings
from pipeline.config.secrets import Secret
from pipeline.deliver import digest, payloads
from pipeline.deliver.channel import AlertNews, Desk, News, Trouble
from pipeline.deliver.ledger import Ledger
from pipeline.deliver.notify import NotifyChannel
from pipeline.reports.figures import Figures
from pipeline.store.warehouse import Warehouse
from tests.deliver.web import Web

NOW = datetime(2026, 3, 22)
HOSTILE = (
    "<!channel> <!here> <@U1> @everyone @here <https://evil.example|pay> [pay](https://evil.example) www.evil.example "
    "*b* _i_ `c` ~s~ <b>x</b>\r\nInjected: 1 \x1b[31m \u202e\x00 \u200b" + "x" * 10_000
)
Send = Callable[..., None]


def news(number: int, budget: str, **changes: Any) -> AlertNews:
    """An alert that has fired: the second of each ten is critical, the others warnings."""
    alert = Alert(
        alert_id=f"{number:032x}",
        budget_id=f"tag:team:{number}",
        x_BillingPeriod="2026-03",
        period="monthly",
        period_start=datetime(2026, 3, 1),
        period_end=datetime(2026, 4, 1),
        threshold=Decimal(80),
        unit="percent",
        type="actual",
        occurrence=0,
        status="open",
        severity="critical" if number % 10 == 1 else "warning",
        currency="USD",
        spend=Decimal("123.456789"),
        effective_limit=Decimal(100),
        percentage=Decimal("123.456789"),
        fired_at=NOW,
        resolved_at=None,
        reason=None,
        history="[]",
    )
    return AlertNews(replace(alert, **changes), 0, NOW, budget)


@pytest.fixture
def send(tmp_path: Path, web: Web) -> Send:
    """Send all that is due by a channel: apprise's of Mattermost, or a webhook."""

    def run(given: News, **settings: Any) -> None:
        own = {"name": "ops", "url": Secret(f"mmost://{web.host}/{'a' * 32}"), **settings}
        channel = NotifyChannel(ChannelSettings(**own), pause=lambda _: None)
        with Warehouse.open(tmp_path / "costs.duckdb") as warehouse:
            desk = Desk(Ledger(warehouse, "r1"), lambda _: [])
            wanted = channel.tellings(given, desk)
            assert len(desk.ledger.open_for(each.notice for each in wanted)) == len(wanted)
            channel.send(wanted, given, desk)
            assert (desk.delivered.failed, desk.delivered.unknown) == ([], [])

    return run


def body(told: Any) -> list[str]:
    """The lines of a message without its title, and who wrote it."""
    assert told["username"] == "Costmill"
    assert "icon_url" not in told
    return str(told["text"]).splitlines()[1:]


def hook(web: Web) -> dict[str, Any]:
    return {"type": "webhook", "url": Secret(web.address), "secret": Secret("0123456789abcdef")}


def test_two_hundred_alerts_are_one_message_that_fits_the_worst_first(send: Send, web: Web) -> None:
    send(News(NOW, tuple(news(number, f"team {number}") for number in range(200))))
    (asked,) = web.requests
    told = json.loads(asked.body)
    assert told["text"].splitlines()[0] == "200 budget alerts"
    *lines, left, last = body(told)
    assert len(told["text"]) <= 4000
    assert [line.startswith("▲ Critical") for line in lines] == [True] * 20 + [False] * (len(lines) - 20)
    assert left == f"… and {200 - len(lines)} more"
    assert last.startswith("Acknowledge: costmill alerts ack ID")


def test_programs_get_every_alert_in_documents_of_bounded_size(
    send: Send, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "MOST_ALERTS", 80)
    send(News(NOW, tuple(news(number, f"team {number}") for number in range(200))), **hook(web))
    documents = [json.loads(asked.body) for asked in web.requests]
    assert [len(each["alerts"]) for each in documents] == [80, 80, 40]
    assert len({own["alert_id"] for each in documents for own in each["alerts"]}) == 200
    assert len({each["id"] for each in documents}) == 3


def test_a_name_that_means_harm_mentions_links_and_marks_up_nothing(send: Send, web: Web) -> None:
    trouble = Trouble(65, "65/a/b", f"refused: {HOSTILE}")
    send(News(NOW, (news(1, HOSTILE),), stale=(HOSTILE,), troubles=(trouble,)), on=("alerts", "failures"))
    alerts, failure = (json.loads(asked.body)["text"] for asked in web.requests)
    for text in (alerts, failure):
        assert all(char.isprintable() or char in "\r\n\N{WORD JOINER}" for char in text)
        assert not set("<>*`~|[]") & set(text.removeprefix("[stale data]"))
        assert not [word for word in ("@e", "@h", "@U", "https:", "www.", " _i_", "\nInjected") if word in text]
        assert len(text) < 1500
    assert "‹!channel›" in alerts


def test_programs_get_names_as_they_are(send: Send, web: Web) -> None:
    send(News(NOW, (news(1, HOSTILE, reason=HOSTILE),)), **hook(web))
    (asked,) = web.requests
    (own,) = json.loads(asked.body)["alerts"]
    assert own["budget"] == own["reason"] == HOSTILE
    assert (own["spend"], own["percentage"]) == ("123.456789", "123.456789")


@pytest.mark.parametrize(
    ("period", "start", "end", "said"),
    [
        ("hourly", datetime(2026, 3, 22, 5), datetime(2026, 3, 22, 6), "Mar 22, 2026, 05:00 UTC"),
        ("daily", datetime(2026, 3, 22), datetime(2026, 3, 23), "Mar 22, 2026"),
        ("weekly", datetime(2026, 3, 16), datetime(2026, 3, 23), "week 12 of 2026"),
        ("quarterly", datetime(2026, 1, 1), datetime(2026, 4, 1), "Q1 2026"),
        ("rolling_7d", datetime(2026, 3, 15), datetime(2026, 3, 22), "7 days to Mar 21, 2026"),
        ("custom", datetime(2026, 3, 5), datetime(2026, 4, 5), "Mar 5, 2026 to Apr 4, 2026"),
        ("lifetime", datetime(1, 1, 1), datetime(9999, 1, 1), "lifetime"),
    ],
)
def test_a_window_is_told_as_reports_call_it(period: str, start: datetime, end: datetime, said: str) -> None:
    alert = news(1, "All", period=period, period_start=start, period_end=end).alert
    assert digest.when(alert, Figures.of("en_US")) == said
