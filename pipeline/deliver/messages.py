"""What the channels of ``notify`` say: a few lines for people, or a document for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.deliver import digest, payloads
from pipeline.deliver.channel import AlertNews, Desk, News
from pipeline.deliver.chat import quiet
from pipeline.deliver.ledger import Notice, message_id
from pipeline.reports.figures import STATUS, Figures
from pipeline.reports.model.document import Document
from pipeline.reports.shown import shown_facts

#: Facts and cautions of a report that a message tells; the report has them all.
MOST_FACTS = 6
MOST_CAUTIONS = 5
#: Lines of what a run ended badly for; stderr has them all.
MOST_LINES = 10
_LONGEST_LINE = 300
_LONGEST_TITLE = 200
#: What to do about a run that ended so.
_HINTS = {
    64: "What to do: mend what the lines say, and run it again",
    65: "What to do: costmill deliveries list --status quarantined (or refused), then costmill deliveries show ID",
    66: "What to do: look whether the provider still delivers; costmill status --sources has each source",
    69: "What to do: costmill notifications --status failed has them; the next run tries them again",
    75: "What to do: run it again; nothing was changed",
    78: "What to do: mend what the lines say, and run it again",
}
_DEFECT = "What to do: report it with all lines of the run; the last good state stands"


@dataclass(frozen=True)
class Message:
    """What goes out at once: the notices that it tells, a title, and lines of text or a JSON document."""

    notices: tuple[Notice, ...]
    title: str
    body: str | bytes

    @property
    def id(self) -> str:
        """The same whenever the same is told."""
        return _identity(self.notices)


def of_alerts(
    notices: tuple[Notice, ...], told: Sequence[AlertNews], news: News, desk: Desk, *, as_json: bool
) -> Message:
    """Return some alerts as one message; of each budget and window people are told the highest threshold."""
    document = digest.document(told, as_of=news.as_of, made_at=desk.made_at, locale=desk.locale, stale=news.stale)
    title = _title(document, is_stale=bool(news.stale))
    if as_json:
        return Message(notices, title, payloads.alerts(_identity(notices), desk.made_at, told, news.stale))
    figures, shown = Figures.of(desk.locale), digest.highest(told)
    lines = [f"Data is stale. {quiet(line, _LONGEST_LINE)}" for line in news.stale]
    lines += [
        f"{' '.join(STATUS[own.alert.severity])}: {quiet(digest.words(own, figures), _LONGEST_LINE)}" for own in shown
    ]
    if len(told) > len(shown):
        lines.append(f"{len(told) - len(shown)} lower thresholds of these were reached as well.")
    lines.append("Acknowledge: costmill alerts ack ID; all of them: costmill alerts list")
    return Message(notices, title, "\n".join(lines))


def of_report(
    notice: Notice, document: Document, link: str | None, desk: Desk, *, is_stale: bool, as_json: bool
) -> Message:
    """Return what a report says first, and where it is."""
    title = _title(document, is_stale=is_stale)
    if as_json:
        return Message((notice,), title, payloads.report(_identity([notice]), desk.made_at, document, link))
    facts = [own for group in shown_facts(document.facts, Figures.of(desk.locale)) for own in group]
    lines = [quiet(own.text, _LONGEST_LINE) for own in document.cautions[:MOST_CAUTIONS]]
    left = len(document.cautions) - MOST_CAUTIONS
    lines += [f"and {left} more to know before you use these figures"] if left > 0 else []
    lines += [quiet(document.headline.removeprefix(f"{document.title}: "), _LONGEST_LINE)]
    lines += [f"{quiet(own.fact.title)}: {quiet(own.cell.text)}" for own in facts[:MOST_FACTS]]
    lines += [link] if link else []
    return Message((notice,), title, "\n".join(lines))


def of_failure(
    notices: tuple[Notice, ...], exit_code: int, lines: Sequence[str], made_at: datetime, *, as_json: bool
) -> Message:
    """Return what a run ended badly for, or broke off with, and what to do about it."""
    said = list(dict.fromkeys(lines))
    left, hint = len(said) - MOST_LINES, _HINTS.get(exit_code, _DEFECT)
    more = [f"and {left} more; the run's stderr has them all"] if left > 0 else []
    title = f"Costmill: the run ended with {exit_code}"
    if as_json:
        body = payloads.failure(_identity(notices), made_at, exit_code, [*said[:MOST_LINES], *more, hint])
        return Message(notices, title, body)
    text = [*(quiet(line, _LONGEST_LINE) for line in said[:MOST_LINES]), *more, hint]
    return Message(notices, title, "\n".join(text))


def shortened(body: str, longest: int) -> str:
    """Cut a text to what a channel takes, by whole lines; the last one stays, the one before says how many are left out."""
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


def _title(document: Document, *, is_stale: bool) -> str:
    return f"{'[stale data] ' if is_stale else ''}{quiet(document.title, _LONGEST_TITLE)}"


def _identity(notices: Sequence[Notice]) -> str:
    return message_id(notices, "costmill").strip("<>").partition("@")[0]
