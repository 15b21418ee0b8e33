"""The step of a night that tells people: what could be told, what of it is due, and each channel with its part."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.budgets import alert_table, status_table
from pipeline.budgets.alert_table import Alert
from pipeline.config import Settings
from pipeline.deliver.channel import AlertNews, Channel, Desk, Edition, News, Telling, Trouble
from pipeline.deliver.ledger import Ledger, Notice, Notification
from pipeline.errors import CostmillError
from pipeline.night import failing
from pipeline.night.documents import Wanted, reaches_open, request_of
from pipeline.night.editions import Editions
from pipeline.night.loaded import Staleness
from pipeline.periods import Span, utc_now
from pipeline.reports.documents import build
from pipeline.reports.model.document import Document
from pipeline.store.warehouse import Warehouse

#: An alert of a window that has ended is told for so long after it fired: who is added later gets no history.
TOLD_FOR = timedelta(days=31)
_TOLD = ("fired", "reopened", "woken")


def channels(settings: Settings) -> list[Channel]:
    """Return the configured ways of telling."""
    found: list[Channel] = []
    if settings.mail is not None:
        from pipeline.deliver.mail import MailChannel

        found.append(MailChannel(settings.mail, settings.reports.out, settings.reports.templates))
    if settings.notify:
        from pipeline.deliver import page
        from pipeline.deliver.notify import NotifyChannel

        base = settings.mail.link if settings.mail else None
        link = partial(page.link, base, settings.reports.out)
        found += [NotifyChannel(own, link) for own in settings.notify]
    return found


class Delivery:
    """One delivery from an open warehouse as of a moment; ``keys`` are the reported tag keys.

    Attributes:
        warnings: what the operator should know, once something was sent or written.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        settings: Settings,
        *,
        as_of: datetime,
        run_id: str,
        keys: Sequence[str],
        staleness: Staleness,
        channels: Sequence[Channel],
    ) -> None:
        self.warehouse = warehouse
        self.settings = settings
        self.as_of = as_of
        self.keys = tuple(keys)
        self.channels = channels
        self.editions = Editions(
            today=as_of.date(),
            first_day=warehouse.value("SELECT min(ChargeDay) FROM daily_costs WHERE x_Origin = 'billed'"),
            last_day=staleness.last_complete_day,
            max_age_days=settings.freshness.max_age_days,
            withholds=self._withholds,
        )
        self._is_stale = staleness.is_stale
        self.news = News(as_of, _alerts(warehouse, settings, as_of), self.editions, staleness.lines)
        self._troubles: tuple[Trouble, ...] = ()
        if any("failures" in own.on for own in settings.notify):
            lacking = status_table.lacks_rates(warehouse)
            self._troubles = failing.standing(warehouse, settings, as_of, staleness, lacks_rates=lacking)
        ledger = Ledger(warehouse, run_id)
        self.desk = Desk(ledger, self._documents, made_at=utc_now(), locale=settings.reports.locale)
        self._made: dict[Edition, list[Document]] = {}
        self.warnings: list[str] = []
        if settings.mail is not None:
            from pipeline.deliver.mail import lacking_pdf

            self.warnings += lacking_pdf(settings.mail)

    def send(self) -> list[Notification]:
        """Tell what is due, each channel in its turn, and note it; returns what a dead process left unsaid.

        What went wrong comes last: what could not be told is part of it. A channel that cannot even make its messages has
        failed, and the others go on.
        """
        ledger = self.desk.ledger
        left = ledger.recover()
        self._send(self.news)
        if any("failures" in own.on for own in self.settings.notify):
            undelivered = failing.undelivered(self.warehouse, ledger.run_id)
            self._send(News(self.as_of, troubles=(*self._troubles, *undelivered)))
        self._warn(ledger.says_first)
        return left

    def _send(self, news: News) -> None:
        for channel in self.channels:
            try:
                if due := self._due(channel, news, self.desk.ledger.open_for):
                    channel.send(due, news, self.desk)
            except CostmillError as error:
                self.desk.delivered.failed.append(f"{channel.name}: {error}")

    def write(self, folder: Path) -> list[Path]:
        """Write what would be sent as files; nothing is sent or noted."""
        paths = []
        news = replace(self.news, troubles=self._troubles)
        for channel in self.channels:
            if due := self._due(channel, news, self.desk.ledger.due):
                paths += channel.write(due, news, self.desk, folder)
        self._warn(lambda *_: True)
        return paths

    def _warn(self, is_news: Callable[[str, str], bool]) -> None:
        """Gather what the operator should know; who gets nothing of an edition is said once, not every night."""
        told = self.desk.delivered
        self.warnings += told.warnings
        self.warnings += [line for about, line in told.unheard.items() if is_news(about, line)]

    def _withholds(self, span: Span) -> bool:
        """As pages of stale data are, and what is told only because nobody is to wait any longer."""
        if self.settings.freshness.stale != "withhold":
            return False
        return not self.editions.covers(span) or (self._is_stale and reaches_open(self.warehouse, span))

    def _due(self, channel: Channel, news: News, opened: Callable[[Iterable[Notice]], list[Notice]]) -> list[Telling]:
        wanted = {telling.notice.id: telling for telling in channel.tellings(news, self.desk)}
        return [wanted[notice.id] for notice in opened(telling.notice for telling in wanted.values())]

    def _documents(self, edition: Edition) -> list[Document]:
        if edition not in self._made:
            span = Span(edition.period, edition.start, edition.end, edition.edition)
            wanted = Wanted(edition.report, by=edition.by or "owner")
            request = request_of(self.settings, wanted, span, self.as_of, self.keys)
            self._made[edition] = build(self.warehouse, replace(request, generated_at=self.desk.made_at))
        return self._made[edition]


def _alerts(warehouse: Warehouse, settings: Settings, as_of: datetime) -> tuple[AlertNews, ...]:
    """Return the open alerts that people are to be told of, be it again."""
    budgets = {row[0]: row[1:] for row in warehouse.rows("SELECT budget_id, name, scope_key, owner FROM budgets")}
    notify = {scope.budget_id: scope.notify for scope in settings.budgets.scopes} if settings.budgets else {}
    found = []
    for alert in alert_table.read(warehouse, "WHERE status = 'open'", []):
        told = _told(alert)
        if not told or alert_table.is_quiet(told[-1]) or alert.is_snoozed(as_of):
            continue
        told_at = datetime.fromisoformat(told[-1]["at"].removesuffix("Z"))
        if alert.period_end <= as_of and told_at < as_of - TOLD_FOR:
            continue
        name, scope, owner = budgets.get(alert.budget_id, (None, alert.budget_id, None))
        tellings = sum(not alert_table.is_quiet(each) for each in told) - 1
        found.append(
            AlertNews(alert, tellings, told_at, name or scope or "All spend", owner, notify.get(alert.budget_id, ()))
        )
    return tuple(found)


def _told(alert: Alert) -> list[dict[str, Any]]:
    return [entry for entry in json.loads(alert.history) if entry["event"] in _TOLD]
