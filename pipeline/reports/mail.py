"""A document as a mail: HTML that mail programs show, the same figures as plain text, and its charts as PNG.

Mail programs know tables and styles on elements, no script and no SVG, and Gmail cuts a message at 102 KB: rows are
left out until the HTML is shorter than ``LONGEST``, and what they come to is said where they stood.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from pipeline import resources
from pipeline.reports import raster
from pipeline.reports.documents import REPORTS
from pipeline.reports.figures import NOTHING, Figures, clean
from pipeline.reports.model.document import Caution, Document, Picture
from pipeline.reports.shown import NUMBERS, ROUNDING, ShownDocument, ShownFact, ShownRow, ShownTable, shown_document

#: Bytes of the HTML, so that Gmail does not clip it (at 102 KB).
LONGEST = 100_000
#: Rows that a table shows at most, tried until the mail is short enough.
ROWS = (15, 10, 7, 5, 3, 1)
#: Figures beside a row's name that a phone has room for.
NUMBERS_SHOWN = 3
#: Words under a row's name.
WORDS_SHOWN = 3
PICTURES_SHOWN = 4
CAUTIONS_SHOWN = 8
CHART_WIDTH = 552
_LONGEST_NAME = 80
_TEXT_NAME = 44
_LONGEST_SUBJECT = 180
#: Columns that say less of a row than the text beside them: they stand under it.
_MINOR = frozenset({"ServiceCategory", "SubAccountId"})
#: What mail programs make links of, wherever it stands.
_LINKS = re.compile(r"(?i)\b(https?|ftp|mailto)(?=:)|\b(www)(?=\.)")
_JOINER = "\N{WORD JOINER}"


@dataclass(frozen=True)
class Image:
    """A chart: its bytes, its Content-ID without brackets, and what it shows in words."""

    cid: str
    title: str
    alt: str
    png: bytes
    width: int = CHART_WIDTH


@dataclass(frozen=True)
class MailRow:
    """A row: what it is of, what more is said of that, and its figures. ``mark`` is the style of its role."""

    name: str
    under: str
    numbers: tuple[str, ...]
    mark: str


@dataclass(frozen=True)
class MailTable:
    """A table with one column of words and few of figures."""

    heading: str
    heads: tuple[str, ...]
    rows: tuple[MailRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class MailPart:
    """One section."""

    title: str
    lead: str
    images: tuple[Image, ...]
    tables: tuple[MailTable, ...]
    empty: str


@dataclass(frozen=True)
class Mail:
    """All that the templates lay out."""

    subject: str
    brand: str
    lead: str
    peek: str
    cautions: tuple[Caution, ...]
    facts: tuple[tuple[ShownFact, ...], ...]
    parts: tuple[MailPart, ...]
    foot: tuple[str, ...]
    link: str | None
    is_of_report: bool

    @property
    def link_words(self) -> str:
        """What the link says."""
        return "Open the full report" if self.is_of_report else "Open the reports"

    @property
    def is_serious(self) -> bool:
        """Whether a caution must not be overlooked."""
        return any(own.serious for own in self.cautions)


@dataclass(frozen=True)
class Letter:
    """A mail as its parts."""

    subject: str
    html: str
    text: str
    images: tuple[Image, ...]


def letter(
    document: Document,
    *,
    is_stale: bool = False,
    link: str | None = None,
    notes: Sequence[str] = (),
    brand: str = "",
    templates: Path | None = None,
) -> Letter:
    """Lay out a document as a mail.

    Args:
        is_stale: its figures are older than they may be: the subject begins with it.
        link: address of the full report; None: there is none to link to.
        notes: said at the end, such as which files are attached.
        brand: the line over the title; empty: the report, its edition and period.
        templates: a folder whose ``mail/report.html.j2``, ``mail/report.txt.j2`` and styles stand before ours.
    """
    figures = Figures.of(document.locale)
    images = [_images(own.pictures, number) for number, own in enumerate(document.parts)]
    images = _first(images, PICTURES_SHOWN)
    subject = clean(f"{'[stale data] ' if is_stale else ''}{document.headline}", _LONGEST_SUBJECT)
    brand = brand or f"Costmill · {document.report} · {document.edition} · {document.period}"
    mail, page = next(
        (mail, page)
        for longest, tables in _lengths(document)
        for mail in [
            _mail(
                document,
                shown_document(document, figures, longest=longest),
                images,
                subject,
                brand,
                link,
                notes,
                tables,
            )
        ]
        if len((page := _html(document, mail, templates)).encode()) < LONGEST
    )
    return Letter(subject, page, _text(document, mail, templates), tuple(image for own in images for image in own))


def _lengths(document: Document) -> Iterable[tuple[int, int]]:
    """How many rows a table has, and how many tables the mail, from what is wanted to what always fits."""
    every = len(document.tables)
    yield from ((rows, every) for rows in ROWS)
    while every:
        every //= 2
        yield 1, every


def _mail(
    document: Document,
    shown: ShownDocument,
    images: Sequence[tuple[Image, ...]],
    subject: str,
    brand: str,
    link: str | None,
    notes: Sequence[str],
    tables: int,
) -> Mail:
    parts, left = [], tables
    for own, pictures in zip(shown.parts, images, strict=True):
        told = [
            each for each in own.tables if not (own.pictures and each.columns[0].kind == "date")
        ]  # it is the picture
        kept = tuple(_table(each) for each in told[:left])
        left -= len(kept)
        empty = own.part.empty if not own.tables and not own.part.pictures else ""
        parts.append(MailPart(own.part.title, own.part.lead, pictures, kept, empty))
    first = shown.headlines[0][0] if shown.headlines else None
    cautions = shown.cautions[:CAUTIONS_SHOWN]
    peek = f"{first.fact.title}: {first.cell.text}. {first.fact.note or ''}" if first else document.title
    return Mail(
        subject=subject,
        brand=brand,
        lead=document.headline.removeprefix(f"{document.title}: "),
        peek=clean(peek, _LONGEST_SUBJECT),
        cautions=cautions,
        facts=shown.headlines,
        parts=tuple(parts),
        foot=tuple(_foot(document, shown, tables, notes)),
        link=link,
        is_of_report=document.report in REPORTS,
    )


def _foot(document: Document, shown: ShownDocument, tables: int, notes: Sequence[str]) -> Iterable[str]:
    yield from notes
    more = len(shown.cautions) - CAUTIONS_SHOWN
    if more > 0:
        yield f"{more} more warnings are in the full report."
    names = [own.title or own.name for own in document.tables[tables:]]
    if names:
        yield f"Left out for length: {len(names)} tables ({clean(', '.join(dict.fromkeys(names)), 300)})."
    if document.tables and document.report in REPORTS:
        yield f"Tables are cut to what reads in a mail; the full report has every row and column. {ROUNDING}"
    yield f"Costmill {document.version}, made {Figures.of(document.locale).moment(document.generated_at)}."


def _table(shown: ShownTable) -> MailTable:
    numbers = [place for place, own in enumerate(shown.columns) if own.kind in NUMBERS]
    words = [place for place in range(len(shown.columns)) if place not in numbers]
    if not words:
        words = numbers[:1]
        numbers = numbers[1:]
    words.sort(key=lambda place: (shown.columns[place].name in _MINOR, place))
    numbers = numbers[:NUMBERS_SHOWN]
    heads = tuple(_plain(clean(shown.columns[place].title, _TEXT_NAME)) for place in (words[0], *numbers))
    rows = [_row(own, words, numbers) for own in shown.all_rows]
    kept = tuple(own for own in rows if own.mark != " q" or any(own.numbers) or own.name != "Rounding")
    return MailTable(shown.heading, heads, kept, shown.table.notes)


def _row(row: ShownRow, words: Sequence[int], numbers: Sequence[int]) -> MailRow:
    said = [own for own in (row.cells[place].text for place in words) if own and own != NOTHING] or [NOTHING]
    name, *under = said
    mark = {"row": "", "rest": " q", "rounding": " q", "total": " t"}[row.role]
    more = " · ".join(clean(own, _LONGEST_NAME) for own in under[:WORDS_SHOWN])
    figures = tuple(row.cells[place].text for place in numbers)
    return MailRow(_plain(clean(name, _LONGEST_NAME)), _plain(clean(more, 2 * _LONGEST_NAME)), figures, mark)


def _images(pictures: Sequence[Picture], part: int) -> tuple[Image, ...]:
    """The narrow drawings: their text is still readable on a phone."""
    return tuple(
        Image(
            f"{own.name}-{part}-{number}@costmill",
            own.title,
            f"{own.title}. {own.words}",
            raster.png(own.narrow or own.svg),
        )
        for number, own in enumerate(pictures[:PICTURES_SHOWN])
    )


def _first(images: Sequence[tuple[Image, ...]], most: int) -> list[tuple[Image, ...]]:
    kept = []
    for own in images:
        kept.append(own[:most])
        most -= len(kept[-1])
    return kept


def _html(document: Document, mail: Mail, templates: Path | None) -> str:
    import css_inline

    page = _template("mail/report.html.j2", Figures.of(document.locale), templates).render(document=document, mail=mail)
    return css_inline.CSSInliner(load_remote_stylesheets=False).inline(re.sub(r"\n+", "\n", page))


def _text(document: Document, mail: Mail, templates: Path | None) -> str:
    page = _template("mail/report.txt.j2", Figures.of(document.locale), templates).render(document=document, mail=mail)
    return re.sub(r"\n{4,}", "\n\n\n", page).strip() + "\n"


def _columns(table: MailTable) -> str:
    """A table in plain text: names to the left, figures in columns to the right."""
    if not table.rows:
        return "None."
    lines = [(table.heads[0], "", table.heads[1:]), *((own.name, own.under, own.numbers) for own in table.rows)]
    wide = max(len(clean(name, _TEXT_NAME)) for name, _, _ in lines)
    widths = [max(len(numbers[place]) for _, _, numbers in lines) for place in range(len(table.heads) - 1)]
    said = []
    for name, under, numbers in lines:
        figures = (own.rjust(width) for own, width in zip(numbers, widths, strict=True))
        named = clean(name, _TEXT_NAME).ljust(wide) if widths else name
        said += ["  ".join([named, *figures]).rstrip(), *([f"    {under}"] if under else [])]
    return "\n".join(said)


def _plain(text: str) -> str:
    """A name that no mail program takes for an address of the web."""
    return _LINKS.sub(lambda match: f"{match[0]}{_JOINER}", text)


@cache
def _template(name: str, figures: Figures, templates: Path | None) -> jinja2.Template:
    folders = [*([templates] if templates else []), resources.folder("reports")]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([os.fspath(folder) for folder in folders]),
        autoescape=jinja2.select_autoescape(("html", "html.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["label"] = lambda *args, **kwargs: _plain(figures.label(*args, **kwargs))
    environment.filters["plain"] = _plain
    environment.filters["columns"] = _columns
    return environment.get_template(name)
