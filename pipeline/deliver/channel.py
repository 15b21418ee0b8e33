"""What can be told, and the ways of telling it: mail is one, chat and webhooks are others.

A channel says who is to be told what (``tellings``), the ledger which of it is still due, and the channel sends that
(``send``), noting each message in the ledger before and after. Failing to send is no exception: it is noted and goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal, Protocol

from pipeline.budgets.alert_table import Alert
from pipeline.deliver.ledger import Ledger, Notice, alert_subject, report_subject
from pipeline.periods import utc_now
from pipeline.reports.model.document import Document

EditionName = Literal["daily", "weekly", "monthly"]


@dataclass(frozen=True)
class AlertNews:
    """An open alert that people are to be told of.

    Args:
        tellings: how often it was told anew before: reopened, or woken from a snooze.
        told_at: when it fired, or was reopened or woken last.
        budget: the budget's name.
        owner: who answers for the budget; None: nobody is named.
        notify: addresses and channels that the budget itself names.
    """

    alert: Alert
    tellings: int
    told_at: datetime
    budget: str
    owner: str | None = None
    notify: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What the ledger calls this telling of it."""
        return alert_subject(self.alert.alert_id, self.tellings)


@dataclass(frozen=True)
class Edition:
    """The newest ended window of an edition of a report: the span, half-open, in UTC days.

    Args:
        by: of the report ``teams``: ``owner`` or ``tag:KEY``.
        is_covered: all sources cover it whole; else it is told because nobody is to wait any longer.
    """

    report: str
    edition: EditionName
    period: str
    start: date
    end: date
    by: str | None = None
    is_covered: bool = True

    def subject(self, team: str | None = None) -> str:
        """What the ledger calls it."""
        return report_subject(self.report, self.edition, self.period, team)

    def is_stale(self, document: Document) -> bool:
        """Whether people must be told before any figure that the document lacks some of its data."""
        return not self.is_covered or any(own.name == "stale" for own in document.cautions)


@dataclass(frozen=True)
class Trouble:
    """What a run ends badly for; it is told once, however many nights it stands.

    Args:
        exit_code: what a run ends with for it, if nothing worse is the matter.
        subject: what the ledger calls it: the same as long as it stands.
        line: what the run says of it.
        channel: whose message it is about: that channel is not told of itself; None: it is about no message.
    """

    exit_code: int
    subject: str
    line: str
    channel: str | None = None


@dataclass(frozen=True)
class News:
    """What could be told now.

    Args:
        editions: which window of a report's edition is due, by report, edition and what teams are told apart by; None:
            none has ended, or is covered.
        stale: sources that are older than the configuration allows, a line each; told before any figure.
        troubles: what the run ends badly for.
    """

    as_of: datetime
    alerts: tuple[AlertNews, ...] = ()
    editions: Callable[[str, EditionName, str | None], Edition | None] = field(default=lambda *_: None)
    stale: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True)
class Telling:
    """One notice and what it is about; ``team`` says whose of an edition's documents."""

    notice: Notice
    about: AlertNews | Edition | Trouble
    team: str | None = None


@dataclass
class Delivered:
    """What became of the notices of a delivery, a line for each message.

    Args:
        warnings: what went out with something missing, such as a file that cannot be made.
        unheard: an edition -> who gets nothing of it, nor ever will as things are configured.
    """

    sent: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unheard: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Desk:
    """What channels work with: the ledger, the documents (each made once, when first asked for), and where results go.

    Args:
        made_at: when messages are made, naive UTC: shown, nothing depends on it.
        locale: of figures and dates.
    """

    ledger: Ledger
    documents: Callable[[Edition], Sequence[Document]]
    delivered: Delivered = field(default_factory=Delivered)
    made_at: datetime = field(default_factory=utc_now)
    locale: str = "en_US"


class Channel(Protocol):
    """A way of telling."""

    @property
    def name(self) -> str:
        """What the ledger and people call it."""

    def tellings(self, news: News, desk: Desk) -> list[Telling]:
        """Return who is to be told what, told already or not; writes nothing."""

    def send(self, tellings: Sequence[Telling], news: News, desk: Desk) -> None:
        """Send what is due, in as few messages as it takes, each noted in the ledger and in ``desk.delivered``."""

    def write(self, tellings: Sequence[Telling], news: News, desk: Desk, folder: Path) -> list[Path]:
        """Write what ``send`` would send as files, and send and note nothing; returns the files."""
