"""The channels of ``notify``: what each of them is told, as a digest for people or as documents for programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline.config.notify import ChannelSettings
from pipeline.deliver import digest, payloads, webhook
from pipeline.deliver.channel import AlertNews, Desk, Edition, News, Telling
from pipeline.deliver.chat import Room, quiet
from pipeline.deliver.ledger import Kind, Notice, message_id
from pipeline.deliver.patience import patiently
from pipeline.deliver.smtp import DeliveryError, UnansweredError, first_line
from pipeline.reports.figures import Figures
from pipeline.reports.model.document import Document
from pipeline.reports.render import STATUS
from pipeline.reports.shown import shown_facts

#: Facts of a report that a message tells; the report has them all.
MOST_FACTS = 6
MOST_CAUTIONS = 5
_LONGEST_LINE = 300
_LONGEST_TITLE = 200


@dataclass(frozen=True)
class Message:
    """What goes out at once: the notices that it tells, a title, and the text or document."""

    notices: tuple[Notice, ...]
    title: str
    body: str | bytes

    @property
    def id(self) -> str:
        """The same whenever the same is told."""
        return identity(self.notices)


def identity(notices: Sequence[Notice]) -> str:
    """Return the id of a message that tells these notices."""
    return message_id(notices, "costmill").strip("<>").partition("@")[0]


@dataclass
class NotifyChannel:
    """One entry of ``notify``.

    Args:
        link: what a report's page is called on the web; None: there is none.
        pause: waits between attempts, for so many seconds.
    """

    settings: ChannelSettings
    link: Callable[[Document], str | None] = field(default=lambda _: None)
    pause: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name

    def tellings(self, news: News, desk: Desk) -> list[Telling]:
        """Return what this channel is to be told, told already or not."""
        own = self.settings
        alerts = [Telling(self._notice("alert", each.subject), each) for each in news.alerts if self._wants(each)]
        editions = [news.editions(each.report, each.edition, None) for each in own.reports]
        reports = [Telling(self._notice("report", each.subject()), each) for each in editions if each is not None]
        return [*reports, *alerts]

    def send(self, tellings: Sequence[Telling], news: News, desk: Desk) -> None:
        """Send what is due: one message for each report, and one for all alerts."""
        for message in self._messages(tellings, news, desk):
            self._send(message, desk)

    def write(self, tellings: Sequence[Telling], news: News, desk: Desk, folder: Path) -> list[Path]:
        """Write the messages as they would be sent, as text or JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, message in enumerate(self._messages(tellings, news, desk), 1):
            body = message.body
            path = folder / f"{self.name}-{number:03d}.{'json' if isinstance(body, bytes) else 'txt'}"
            path.write_bytes(body if isinstance(body, bytes) else f"{message.title}\n\n{body}\n".encode())
            paths.append(path)
        return paths

    def _wants(self, own: AlertNews) -> bool:
        settings, severities = self.settings, digest.SEVERITIES
        if severities.index(own.alert.severity) < severities.index(settings.min_severity):
            return False
        is_chosen = settings.budgets is None or own.alert.budget_id in settings.budgets
        return ("alerts" in settings.on and is_chosen) or self.name in own.notify

    def _notice(self, kind: Kind, subject: str) -> Notice:
        return Notice(kind, subject, self.name, self.name)

    # --- On the wire --------------------------------------------------------------------------

    def _send(self, message: Message, desk: Desk) -> None:
        words, delivered = self._words(message), desk.delivered
        desk.ledger.sending(message.notices, message.id)
        try:
            self.carry(message)
        except UnansweredError as error:
            desk.ledger.unknown(message.notices, str(error))
            delivered.unknown.append(f"{words}: {error}")
        except DeliveryError as error:
            desk.ledger.failed(message.notices, str(error))
            delivered.failed.append(f"{words}: {error}")
        else:
            desk.ledger.sent(message.notices)
            delivered.sent.append(words)

    def _words(self, message: Message) -> str:
        first = message.notices[0]
        what = f"{len(message.notices)} alert(s)" if first.kind == "alert" else first.subject
        return f"{what} to {self.name}"

    def carry(self, message: Message) -> None:
        """Have the channel take a message, with some patience.

        Raises:
            UnansweredError: when nobody can say whether it did.
            DeliveryError: when it did not.
        """
        own = self.settings
        url = own.url.reveal() if own.url else first_line(own.url_file, f"{self.name}: url_file")
        if isinstance(message.body, bytes):
            secret = own.secret.reveal() if own.secret else first_line(own.secret_file, f"{self.name}: secret_file")
            webhook.post(self.name, url, secret, message.body, delivery=message.id, pause=self.pause)
            return
        room, body = Room(self.name, url), message.body
        longest = room.body_length()
        patiently(lambda: room.write(message.title, shortened(body, longest)), self.pause)

    # --- What is in them ----------------------------------------------------------------------

    def _messages(self, tellings: Sequence[Telling], news: News, desk: Desk) -> Iterator[Message]:
        for each in tellings:
            if isinstance(each.about, Edition):
                for document in desk.documents(each.about):
                    yield self._of_report(each.notice, document, desk)
        alerts = [(each.notice, each.about) for each in tellings if isinstance(each.about, AlertNews)]
        size = payloads.MOST_ALERTS if self.settings.type == "webhook" else len(alerts) or 1
        for start in range(0, len(alerts), size):
            notices, told = zip(*alerts[start : start + size], strict=True)
            yield self._of_alerts(notices, told, news, desk)

    def _of_alerts(self, notices: tuple[Notice, ...], told: Sequence[AlertNews], news: News, desk: Desk) -> Message:
        document = digest.document(told, as_of=news.as_of, made_at=desk.made_at, locale=desk.locale, stale=news.stale)
        title = quiet(document.title, _LONGEST_TITLE)
        if self.settings.type == "webhook":
            return Message(notices, title, payloads.alerts(identity(notices), desk.made_at, told))
        figures, shown = Figures.of(desk.locale), digest.highest(told)
        lines = [f"Data is stale. {quiet(line, _LONGEST_LINE)}" for line in news.stale]
        lines += [
            f"{' '.join(STATUS[own.alert.severity])}: {quiet(digest.words(own, figures), _LONGEST_LINE)}"
            for own in shown
        ]
        if len(told) > len(shown):
            lines.append(f"{len(told) - len(shown)} lower thresholds of these were reached as well.")
        lines.append("Acknowledge: costmill alerts ack ID; all of them: costmill alerts list")
        return Message(notices, title, "\n".join(lines))

    def _of_report(self, notice: Notice, document: Document, desk: Desk) -> Message:
        link = self.link(document)
        if self.settings.type == "webhook":
            body = payloads.report(identity([notice]), desk.made_at, document, link)
            return Message((notice,), document.title, body)
        facts = [own for group in shown_facts(document.facts, Figures.of(desk.locale)) for own in group]
        lines = [quiet(own.text, _LONGEST_LINE) for own in document.cautions[:MOST_CAUTIONS]]
        left = len(document.cautions) - MOST_CAUTIONS
        lines += [f"and {left} more to know before you use these figures"] if left > 0 else []
        lines += [quiet(document.headline, _LONGEST_LINE)]
        lines += [f"{quiet(own.fact.title)}: {quiet(own.cell.text)}" for own in facts[:MOST_FACTS]]
        lines += [link] if link else []
        return Message((notice,), quiet(document.title, _LONGEST_TITLE), "\n".join(lines))


def tell_failure(
    channels: Sequence[NotifyChannel], *, run_id: str, exit_code: int, lines: Sequence[str], made_at: datetime
) -> list[str]:
    """Tell the channels that ask for ``failures`` that a run failed; returns a line for each that could not be told.

    The ledger does not take part: a run fails once, and often because the warehouse cannot be had.
    """
    said = []
    for channel in channels:
        if "failures" not in channel.settings.on:
            continue
        notice = Notice("failure", run_id, channel.name, channel.name)
        title = f"Costmill: the run failed with {exit_code}"
        text = "\n".join([*(quiet(line, _LONGEST_LINE) for line in lines), f"Run: {run_id}"])
        is_webhook = channel.settings.type == "webhook"
        body = payloads.failure(identity([notice]), made_at, exit_code, lines) if is_webhook else text
        try:
            channel.carry(Message((notice,), title, body))
        except DeliveryError as error:
            said.append(f"the failure to {channel.name}: {error}")
    return said


def shortened(body: str, longest: int) -> str:
    """Cut a text to what a channel takes, by whole lines; the last one says how many are left out."""
    if len(body) <= longest:
        return body
    lines, kept, used = body.split("\n"), [], 0
    for line in lines[:-1]:
        if used + len(line) + 1 > longest - len(lines[-1]) - 40:
            break
        kept.append(line)
        used += len(line) + 1
    left = len(lines) - 1 - len(kept)
    return "\n".join([*kept, f"… and {left} more", lines[-1]])[:longest]
