"""The channels of ``notify``: what each of them is told, and how it is brought there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline.config.notify import ChannelSettings, apprise_url, webhook_secret, webhook_url
from pipeline.config.secrets import Secret
from pipeline.deliver import digest, messages, payloads, webhook
from pipeline.deliver.attempt import Begin, attempt
from pipeline.deliver.channel import AlertNews, Desk, Edition, News, Telling, Trouble
from pipeline.deliver.chat import Room
from pipeline.deliver.ledger import Kind, Notice
from pipeline.deliver.messages import Message, shortened
from pipeline.deliver.patience import patiently
from pipeline.deliver.smtp import DeliveryError, first_line
from pipeline.errors import worst
from pipeline.reports.model.document import Document


@dataclass
class NotifyChannel:
    """One entry of ``notify``.

    Args:
        link: where a report's page is on the web; None: there is none.
        pause: waits between attempts, for so many seconds.
    """

    settings: ChannelSettings
    link: Callable[[Document], str | None] = field(default=lambda _: None)
    pause: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name

    @property
    def hears_failures(self) -> bool:
        """Whether it is told how runs fail."""
        return "failures" in self.settings.on

    def tellings(self, news: News, desk: Desk) -> list[Telling]:
        """Return what this channel is to be told, told already or not."""
        editions = [news.editions(each.report, each.edition, None) for each in self.settings.reports]
        troubles = [each for each in news.troubles if self.hears_failures and each.channel != self.name]
        return [
            *(Telling(self._notice("report", each.subject()), each) for each in editions if each is not None),
            *(Telling(self._notice("alert", each.subject), each) for each in news.alerts if self._wants(each)),
            *(Telling(self._notice("failure", each.subject), each) for each in troubles),
        ]

    def send(self, tellings: Sequence[Telling], news: News, desk: Desk) -> None:
        """Send what is due: a message for each report, one for all alerts, one for all that went wrong."""
        for message in self._messages(tellings, news, desk):
            attempt(desk, message.notices, message.id, self._words(message), self._carrier(message))

    def write(self, tellings: Sequence[Telling], news: News, desk: Desk, folder: Path) -> list[Path]:
        """Write the messages as text or JSON; a text is whole, also where the service takes less."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, message in enumerate(self._messages(tellings, news, desk), 1):
            body = message.body
            path = folder / f"{self.name}-{number:03d}.{'json' if isinstance(body, bytes) else 'txt'}"
            path.write_bytes(body if isinstance(body, bytes) else f"{message.title}\n\n{body}\n".encode())
            paths.append(path)
        return paths

    def tell_break(self, subject: str, exit_code: int, lines: Sequence[str], made_at: datetime) -> None:
        """Tell that a run broke off; the ledger takes no part, the warehouse may be why.

        Args:
            subject: of this run alone, so that receivers can tell a repetition.

        Raises:
            DeliveryError: when it was not told, or nobody can say so.
        """
        notices = (self._notice("failure", subject),)
        self.carry(messages.of_failure(notices, exit_code, lines, made_at, as_json=self._is_webhook))

    def carry(self, message: Message, begin: Begin = lambda: None) -> None:
        """Have the channel take a message, with some patience; ``begin`` is called before each attempt.

        Raises:
            UnansweredError: when nobody can say whether it did.
            DeliveryError: when it did not.
        """
        body = message.body
        if isinstance(body, bytes):
            url, secret = self._revealed("url", webhook_url), self._revealed("secret", webhook_secret)
            webhook.post(self.name, url, secret, body, delivery=message.id, begin=begin, pause=self.pause)
            return
        room = Room(self.name, self._revealed("url", apprise_url))
        fitting = shortened(body, room.body_length())

        def write() -> None:
            begin()
            room.write(message.title, fitting)

        patiently(write, self.pause)

    # --- What is told -------------------------------------------------------------------------

    @property
    def _is_webhook(self) -> bool:
        return self.settings.type == "webhook"

    def _wants(self, own: AlertNews) -> bool:
        settings, severities = self.settings, digest.SEVERITIES
        if severities.index(own.alert.severity) < severities.index(settings.min_severity):
            return False
        is_chosen = settings.budgets is None or own.alert.budget_id in settings.budgets
        return ("alerts" in settings.on and is_chosen) or self.name in own.notify

    def _notice(self, kind: Kind, subject: str) -> Notice:
        return Notice(kind, subject, self.name, self.name)

    def _messages(self, tellings: Sequence[Telling], news: News, desk: Desk) -> Iterator[Message]:
        for each in tellings:
            if isinstance(each.about, Edition):
                yield from self._of_edition(each.notice, each.about, desk)
        alerts = [(each.notice, each.about) for each in tellings if isinstance(each.about, AlertNews)]
        size = payloads.MOST_ALERTS if self._is_webhook else len(alerts) or 1
        for start in range(0, len(alerts), size):
            notices, told = zip(*alerts[start : start + size], strict=True)
            yield messages.of_alerts(notices, told, news, desk, as_json=self._is_webhook)
        troubles = [(each.notice, each.about) for each in tellings if isinstance(each.about, Trouble)]
        if troubles:
            notices, found = zip(*troubles, strict=True)
            code, lines = worst(own.exit_code for own in found), [own.line for own in found]
            yield messages.of_failure(notices, code, lines, desk.made_at, as_json=self._is_webhook)

    def _of_edition(self, notice: Notice, edition: Edition, desk: Desk) -> Iterator[Message]:
        for document in desk.documents(edition):
            link, is_stale = self.link(document), edition.is_stale(document)
            yield messages.of_report(notice, document, link, desk, is_stale=is_stale, as_json=self._is_webhook)

    def _words(self, message: Message) -> str:
        first = message.notices[0]
        what = first.subject if first.kind == "report" else f"{len(message.notices)} {first.kind}(s)"
        return f"{what} to {self.name}"

    # --- On the wire --------------------------------------------------------------------------

    def _carrier(self, message: Message) -> Callable[[Begin], None]:
        return lambda begin: self.carry(message, begin)

    def _revealed(self, key: str, check: Callable[[str], Secret]) -> str:
        """Return what the setting ``key`` or the file of ``key_file`` says; what is wrong with it is said without it."""
        given: Secret | None = getattr(self.settings, key)
        if given is not None:
            return given.reveal()
        file: Path | None = getattr(self.settings, f"{key}_file")
        where = f"{self.name}: {key}_file"
        try:
            return check(first_line(file, where).strip()).reveal()
        except ValueError as error:
            raise DeliveryError(f"{where}: {file}: its first line {error}", retry=False) from None
