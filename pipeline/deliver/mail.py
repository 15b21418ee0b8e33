"""The channel ``mail``: who gets which edition and which alerts, a message for each recipient and document."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config.mail import OWNER, OWNERS, MailReport, MailSettings
from pipeline.deliver import digest, ledger
from pipeline.deliver.attempt import attempt
from pipeline.deliver.channel import AlertNews, Desk, Edition, News, Telling
from pipeline.deliver.compose import Attachment, compose
from pipeline.deliver.ledger import Notice
from pipeline.deliver.page import link
from pipeline.deliver.smtp import Postman
from pipeline.errors import CostmillError
from pipeline.reports.mail import Letter, letter
from pipeline.reports.model.document import Document

NAME = "mail"
#: Bytes of all files of a message together; many servers take no more than 10 to 25 MB, encoded a third more.
MOST_ATTACHED = 7_000_000
#: Names of teams in a warning.
MOST_NAMED = 10


@dataclass(frozen=True)
class Outgoing:
    """One message to one recipient, and the notices that it tells."""

    to: str
    notices: tuple[Notice, ...]
    letter: Letter
    attachments: tuple[Attachment, ...]

    @property
    def words(self) -> str:
        """It as a line names it."""
        first = self.notices[0]
        what = first.subject if first.kind == "report" else f"{len(self.notices)} alert(s)"
        return f"{what} to {self.to}"


@dataclass
class MailChannel:
    """Mail by the configuration; ``out`` is the folder of the reports, of which what is there is linked to;
    ``templates`` a user's own, which stand before ours.

    ``postman``: makes what carries messages; tests give one that does not wait.
    """

    settings: MailSettings
    out: Path
    templates: Path | None = None
    postman: Callable[[MailSettings], Postman] = Postman
    name: str = NAME
    _letters: dict[tuple[Edition, str | None], tuple[Letter, tuple[Attachment, ...]]] = field(default_factory=dict)

    def tellings(self, news: News, desk: Desk) -> list[Telling]:
        """Return who is to be mailed what, told already or not."""
        return [
            *(each for report in self.settings.reports for each in self._of_report(report, news, desk)),
            *(each for own in news.alerts for each in self._of_alert(own)),
        ]

    def _of_report(self, report: MailReport, news: News, desk: Desk) -> Iterator[Telling]:
        edition = news.editions(report.report, report.edition, report.by if not report.to else None)
        if edition is None:
            return
        for address in report.to:
            yield Telling(Notice("report", edition.subject(), NAME, address), edition)
        if report.to:
            return
        found = [
            Telling(Notice("report", edition.subject(owner), NAME, address), edition, owner)
            for owner, addresses in self.settings.owners.items()
            for address in addresses
        ]
        if desk.ledger.due(each.notice for each in found):
            teams = {document.subject or "" for document in desk.documents(edition)}
            if line := _unheard(report, edition, teams, self.settings.owners):
                desk.delivered.unheard[f"{report.report}/{report.edition}/{report.by}"] = line
            yield from (each for each in found if each.team in teams)

    def _of_alert(self, own: AlertNews) -> Iterator[Telling]:
        severities = digest.SEVERITIES
        if severities.index(own.alert.severity) < severities.index(self.settings.alerts.min_severity):
            return
        told = [*self.settings.alerts.to, *(each for each in own.notify if "@" in each or each == OWNER)]
        owner = self.settings.owners.get(own.owner or "", ())
        addresses = [address for each in told for address in (owner if each == OWNER else (each,))]
        for address in dict.fromkeys(addresses):
            yield Telling(Notice("alert", own.subject, NAME, address), own)

    def send(self, tellings: Sequence[Telling], news: News, desk: Desk) -> None:
        """Send what is due, a message for each recipient and document, and one for all of a recipient's alerts."""
        with self.postman(self.settings) as postman:
            for outgoing in self._outgoing(tellings, news, desk):
                self._send(postman, outgoing, desk)

    def _send(self, postman: Postman, outgoing: Outgoing, desk: Desk) -> None:
        content = self._bytes(outgoing, desk)
        attempt(
            desk,
            outgoing.notices,
            self._id(outgoing),
            outgoing.words,
            lambda begin: postman.deliver(content, outgoing.to, before_data=begin),
        )

    def write(self, tellings: Sequence[Telling], news: News, desk: Desk, folder: Path) -> list[Path]:
        """Write the messages as ``.eml`` files, as they would be sent."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, outgoing in enumerate(self._outgoing(tellings, news, desk), 1):
            first = outgoing.notices[0]
            path = folder / f"mail-{number:03d}-{first.kind}-{first.id[:8]}.eml"
            path.write_bytes(self._bytes(outgoing, desk))
            paths.append(path)
        return paths

    def _bytes(self, outgoing: Outgoing, desk: Desk) -> bytes:
        return compose(
            outgoing.letter,
            sender=self.settings.sender,
            to=outgoing.to,
            reply_to=self.settings.reply_to,
            message_id=self._id(outgoing),
            made_at=desk.made_at,
            attachments=outgoing.attachments,
        )

    def _id(self, outgoing: Outgoing) -> str:
        return ledger.message_id(outgoing.notices, self.settings.sender.domain)

    # --- What is in them ----------------------------------------------------------------------

    def _outgoing(self, tellings: Sequence[Telling], news: News, desk: Desk) -> Iterator[Outgoing]:
        alerts: dict[str, list[tuple[Notice, AlertNews]]] = {}
        for each in tellings:
            if isinstance(each.about, AlertNews):
                alerts.setdefault(each.notice.recipient, []).append((each.notice, each.about))
            elif isinstance(each.about, Edition):
                found = self._of_edition(each.about, each.team, news, desk)
                yield Outgoing(each.notice.recipient, (each.notice,), *found)
        for address, own in alerts.items():
            notices, told = zip(*own, strict=True)
            yield Outgoing(address, notices, self._of_alerts(told, news, desk), ())

    def _of_alerts(self, alerts: Sequence[AlertNews], news: News, desk: Desk) -> Letter:
        document = digest.document(alerts, as_of=news.as_of, made_at=desk.made_at, locale=desk.locale, stale=news.stale)
        notes = ["You get this because mail.alerts or a budget's notify names your address in costmill.yaml."]
        brand = f"Costmill · alerts · {document.period}"
        return letter(
            document,
            is_stale=bool(news.stale),
            link=self.settings.link,
            notes=notes,
            brand=brand,
            templates=self.templates,
        )

    def _of_edition(
        self, edition: Edition, team: str | None, news: News, desk: Desk
    ) -> tuple[Letter, tuple[Attachment, ...]]:
        """Make an edition's letter once for all that get it."""
        if (edition, team) not in self._letters:
            document = next(own for own in desk.documents(edition) if team is None or own.subject == team)
            self._letters[edition, team] = self._made(document, edition, desk)
        return self._letters[edition, team]

    def _made(self, document: Document, edition: Edition, desk: Desk) -> tuple[Letter, tuple[Attachment, ...]]:
        formats = next(
            own.attach for own in self.settings.reports if (own.report, own.edition) == (edition.report, edition.edition)
            and (edition.by is None or own.by == edition.by)
        )  # fmt: skip
        attachments, notes, left_out = _attached(document, formats, self.templates)
        lines = [f"the mail {edition.subject()} goes without its file: {reason}" for reason in left_out]
        desk.delivered.warnings += [line for line in lines if line not in desk.delivered.warnings]
        notes += [f"Not attached: {reason}" for reason in left_out]
        notes.append("You get this because mail.reports names your address in costmill.yaml.")
        address = link(self.settings.link, self.out, document)
        return letter(
            document, is_stale=edition.is_stale(document), link=address, notes=notes, templates=self.templates
        ), attachments


def _attached(
    document: Document, formats: Iterable[str], templates: Path | None
) -> tuple[tuple[Attachment, ...], list[str], list[str]]:
    """Return the files, what is said of them, and which cannot be made or sent: the mail goes without those."""
    from pipeline.reports import writers

    found: list[Attachment] = []
    left_out = []
    name = f"{document.report}-{document.period}"
    for format in formats:
        with tempfile.TemporaryDirectory() as folder:
            try:
                paths = writers.write(document, format, Path(folder), name=name, templates=templates)
            except CostmillError as error:
                left_out.append(f"{format}: {error}")
                continue
            made = [Attachment(path.name, path.read_bytes()) for path in paths]
        if sum(len(own.content) for own in (*found, *made)) > MOST_ATTACHED:
            left_out.append(f"{format}: too large for a mail; the full report has it.")
            continue
        found += made
    notes = [f"Attached: {', '.join(own.name for own in found)}."] if found else []
    return tuple(found), notes, left_out


def lacking_pdf(settings: MailSettings) -> list[str]:
    """Say which mails go out without their PDF, since nothing here can make one, and what to install."""
    concerned = [own for own in settings.reports if "pdf" in own.attach]
    if not concerned:
        return []
    from pipeline.reports.writers import as_pdf

    if as_pdf.is_installed():
        return []
    named = [f"{own.report} {own.edition} to {', '.join(own.to) or OWNERS}" for own in concerned]
    return [f"mail.reports attaches pdf to {'; '.join(named)}, and these go without it: {as_pdf.INSTALL}"]


def _unheard(
    report: MailReport, edition: Edition, teams: Collection[str], owners: Mapping[str, tuple[str, ...]]
) -> str | None:
    """Say which teams of an edition have no address, and which of ``mail.owners`` are no team of it; None: nobody is."""
    others = sorted(own for own in owners if own not in teams)
    silent = sorted(own for own in teams if not owners.get(own))
    said = [f"{_named(silent)}: no address in mail.owners, so nobody gets theirs"] if silent else []
    said += [f"{_named(others)} of mail.owners: no charge is of {report.by} by this name"] if others else []
    return f"{edition.subject()}: {'; '.join(said)}" if said else None


def _named(names: Sequence[str]) -> str:
    """The names, no more of them than a line takes."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(map(repr, names[:MOST_NAMED])) + more
