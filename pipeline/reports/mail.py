"""A document as a mail: HTML that mail programs show, the same figures as plain text, and its charts as PNG.

Mail programs know tables and styles on elements, no script and no SVG, and Gmail cuts a message at 102 KB: rows are
left out until the HTML is shorter than ``LONGEST``, first of what matters least, and what they come to is said where they
stood. The plain text has no such limit and is not cut for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jinja2

from pipeline import resources
from pipeline.reports import raster
from pipeline.reports.documents import REPORTS
from pipeline.reports.figures import NOTHING, Figures, clean
from pipeline.reports.model.document import Caution, Document, Picture, Table
from pipeline.reports.shown import (
    NUMBERS,
    ROUNDING,
    ShownDocument,
    ShownFact,
    ShownPart,
    ShownRow,
    ShownTable,
    cut,
    shown_document,
)

#: Bytes of the HTML, so that Gmail does not clip it (at 102 KB).
LONGEST = 100_000
#: Rows that a table shows at most.
ROWS = 15
#: Those of tables that matter most, of others, and of those that matter least, tried until the mail is short enough. None
#: is below 5: a short table is whole, or left to the full report.
CUTS = (
    (ROWS, ROWS, ROWS), (ROWS, ROWS, 5), (ROWS, 10, 5), (ROWS, 7, 5), (ROWS, 5, 5), (10, 5, 5), (7, 5, 5), (5, 5, 5),
)  # fmt: skip
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
#: Tables that a mail is read for, and those that only prove its figures or list what others sum up.
_MOST = frozenset({"budgets", "alerts", "services", "movers_by_service", "movers_by_account"})
_LEAST = frozenset(
    {"tags", "coverage", "splits", "sources", "deliveries", "rejected", "drift", "reconciliation", "invoices"}
)
#: What stands for a colour of a picture where only text can: lines as they are drawn, else a square.
_MARKS = {"": "━━", "ahead": "╍╍", "limit": "━━", "pace": "┅┅"}
#: Columns that say less of a row than the text beside them: they stand under it.
_MINOR = frozenset({"ServiceCategory", "SubAccountId"})
#: What mail programs make links of, wherever it stands.
_LINKS = re.compile(r"(?i)\b(https?|ftp|mailto)(?=:)|\b(www)(?=\.)")
_JOINER = "\N{WORD JOINER}"


@dataclass(frozen=True)
class Image:
    """A chart: its bytes, its Content-ID without brackets, what it shows in words, and what its colours mean.

    ``key``: for each its name in mail.css, what stands for it, and its words.
    """

    cid: str
    title: str
    alt: str
    png: bytes
    key: tuple[tuple[str, str, str], ...] = ()
    width: int = CHART_WIDTH


@dataclass(frozen=True)
class MailRow:
    """A row: what it is of, what more is said of that, and its figures. ``mark`` is the class of its role."""

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
    every = _mail(document, figures, images, subject, brand, link, notes)
    shorter = (
        _mail(document, figures, images, subject, brand, link, notes, longest, kept)
        for longest, kept in _lengths(document)
    )
    page = next(page for mail in shorter if len((page := _html(document, mail, templates)).encode()) < LONGEST)
    return Letter(subject, page, _text(document, every, templates), tuple(image for own in images for image in own))


def _lengths(document: Document) -> Iterable[tuple[tuple[int, int, int], int]]:
    """How many rows tables have, and how many tables the mail, from what is wanted to what always fits."""
    every = len(document.tables)
    yield from ((rows, every) for rows in CUTS)
    while every:
        every = every * 3 // 4
        yield CUTS[-1], every


def _rank(table: Table) -> int:
    """0: it matters most; 2: least."""
    if table.name in _MOST:
        return 0
    return 2 if table.name in _LEAST or table.columns[0].kind == "date" else 1


def _mail(
    document: Document,
    figures: Figures,
    images: Sequence[tuple[Image, ...]],
    subject: str,
    brand: str,
    link: str | None,
    notes: Sequence[str],
    longest: tuple[int, int, int] = CUTS[0],
    most: int | None = None,
) -> Mail:
    """All that is laid out, with at most ``longest`` rows of tables by their rank, and the ``most`` tables of the lowest."""
    cut_parts = [
        replace(part, tables=tuple(cut(each, longest[_rank(each)]) for each in part.tables)) for part in document.parts
    ]
    shown = shown_document(replace(document, parts=tuple(cut_parts)), figures)
    told = [[each for each in own.tables if not _is_picture(own, each)] for own in shown.parts]
    ordered = sorted((each for own in told for each in own), key=lambda each: _rank(each.table))
    left_out = ordered[most:] if most is not None else []
    gone = set(map(id, left_out))
    parts = []
    for own, pictures, tables in zip(shown.parts, images, told, strict=True):
        kept = tuple(_table(each) for each in tables if id(each) not in gone)
        empty = own.part.empty if not own.tables and not own.part.pictures else ""
        if tables and not kept and not pictures:
            empty = f"Left out for length{'; the full report has it' if document.report in REPORTS else ''}."
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
        foot=tuple(_foot(document, shown, left_out, notes)),
        link=link,
        is_of_report=document.report in REPORTS,
    )


def _is_picture(part: ShownPart, table: ShownTable) -> bool:
    """Whether the part's picture shows it already: the days."""
    return bool(part.pictures) and table.columns[0].kind == "date"


def _foot(
    document: Document, shown: ShownDocument, left_out: Sequence[ShownTable], notes: Sequence[str]
) -> Iterable[str]:
    yield from notes
    more = len(shown.cautions) - CAUTIONS_SHOWN
    if more > 0:
        yield f"{more} more warnings are in the full report."
    if left_out:
        names = {id(each): own.part.title for own in shown.parts for each in own.tables}
        said = dict.fromkeys(each.heading or names[id(each)] for each in left_out)
        many = "1 table" if len(left_out) == 1 else f"{len(left_out)} tables"
        yield f"Left out for length: {many} ({clean(', '.join(said), 300)})."
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
    kept = tuple(own for own in rows if own.mark != "q" or any(own.numbers) or own.name != "Rounding")
    return MailTable(shown.heading, heads, kept, shown.table.notes)


def _row(row: ShownRow, words: Sequence[int], numbers: Sequence[int]) -> MailRow:
    said = [own for own in (row.cells[place].text for place in words) if own and own != NOTHING] or [NOTHING]
    name, *under = said
    mark = {"row": "", "rest": "q", "rounding": "q", "total": "t"}[row.role]
    more = " · ".join(_short(own, _LONGEST_NAME) for own in under[:WORDS_SHOWN])
    figures = tuple(row.cells[place].text for place in numbers)
    return MailRow(_plain(_short(name, _LONGEST_NAME)), _plain(clean(more, 2 * _LONGEST_NAME)), figures, mark)


def _images(pictures: Sequence[Picture], part: int) -> tuple[Image, ...]:
    """The narrow drawings: their text is still readable on a phone."""
    return tuple(
        Image(
            f"{own.name}-{part}-{number}@costmill",
            own.title,
            f"{own.title}. {own.words}",
            raster.png(own.narrow or own.svg),
            tuple((name, _MARKS.get(name, "■"), words) for name, words in own.key),
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
    return css_inline.CSSInliner(load_remote_stylesheets=False, minify_css=True).inline(re.sub(r"\n+", "\n", page))


def _text(document: Document, mail: Mail, templates: Path | None) -> str:
    page = _template("mail/report.txt.j2", Figures.of(document.locale), templates).render(document=document, mail=mail)
    return re.sub(r"\n{4,}", "\n\n\n", page).strip() + "\n"


def _columns(table: MailTable) -> str:
    """A table in plain text: names to the left, figures in columns to the right."""
    if not table.rows:
        return "None."
    lines = [(table.heads[0], "", table.heads[1:]), *((own.name, own.under, own.numbers) for own in table.rows)]
    wide = max(len(_short(name, _TEXT_NAME)) for name, _, _ in lines)
    widths = [max(len(numbers[place]) for _, _, numbers in lines) for place in range(len(table.heads) - 1)]
    said = []
    for name, under, numbers in lines:
        figures = (own.rjust(width) for own, width in zip(numbers, widths, strict=True))
        named = _short(name, _TEXT_NAME).ljust(wide) if widths else name
        said += ["  ".join([named, *figures]).rstrip(), *([f"    {under}"] if under else [])]
    return "\n".join(said)


def _short(text: str, longest: int) -> str:
    """One line of at most ``longest`` characters: sentences lose their end, an identifier what it says least in, its middle."""
    line = clean(text, len(text))
    if len(line) <= longest or " " in line:
        return clean(line, longest)
    end = longest * 2 // 3
    return f"{line[: longest - end - 1]}…{line[-end:]}"


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
