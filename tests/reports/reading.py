"""What a reader of a report sees: its words and its figures, whatever the format."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

_UNSEEN = {"style", "svg", "title", "script"}
_FIGURE = re.compile(r"[+−]?[$€¥]?\d[\d.,]*%?")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.unseen += tag in _UNSEEN

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in _UNSEEN

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.words.append(data)


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[tuple[str, str]]]] = []
        self.cell: list[str] | None = None
        self.exact = ""
        self.beneath = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.cell, self.exact = [], dict(attrs).get("data-v") or ""
        elif tag == "span" and "beneath" in (dict(attrs).get("class") or ""):
            self.beneath = True
        elif tag == "i" and self.cell:
            self.cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "span":
            self.beneath = False
        if tag in ("td", "th") and self.cell is not None:
            self.tables[-1][-1].append((" ".join("".join(self.cell).split()), self.exact))
            self.cell = None
        elif tag == "i" and self.cell:
            self.cell.append(" ")

    def handle_data(self, data: str) -> None:
        if self.cell is not None and not self.beneath:
            self.cell.append(data)


def tables(html: str) -> list[list[list[tuple[str, str]]]]:
    """The tables of a page: rows of cells, each its text and the exact value beside it (empty: none).

    What only a phone shows is left out: a row's words beneath its name, which have columns of their own.
    """
    parser = _Tables()
    parser.feed(html)
    return parser.tables


def as_html(markdown: str) -> str:
    """Markdown as a wiki shows it: CommonMark with tables."""
    return str(MarkdownIt("commonmark").enable("table").render(markdown))


def words(html: str) -> str:
    """The visible text of a page, without its pictures."""
    parser = _Words()
    parser.feed(html)
    return " ".join(parser.words)


def tags(html: str) -> set[str]:
    """The names of all elements of a page."""
    parser = _Words()
    parser.feed(html)
    return set(parser.tags)


def attributes(html: str) -> set[str]:
    """The names of all attributes of a page."""
    parser = _Words()
    parser.feed(html)
    return set(parser.attributes)


def figures(html: str) -> list[str]:
    """Every figure of a page's visible text, sorted."""
    return sorted(_FIGURE.findall(words(html)))
