"""A report as what every format shows: facts, tables and pictures, with exact values.

Pages and mails round for reading and cut long tables; files for machines have every row in full precision. Both are
made of one ``Document``, so they cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Literal

from pipeline import money

#: How a value reads: a name, an amount (in the table's currency), the price of a unit, a change as an amount or in percent,
#: a share in percent, a budget's percent (cut, never rounded up), a number of things, a quantity with its decimals, a day,
#: a moment, or a word of ``figures.STATUS``.
Kind = Literal[
    "text", "money", "price", "signed", "change", "percent", "used", "count", "quantity", "date", "moment", "status"
]
Value = str | int | Decimal | date | datetime | None
Row = tuple[Value, ...]

_NUMBERS = (Decimal, int)
_TYPES: Mapping[Kind, tuple[type, ...]] = {
    "text": (str,), "status": (str,), "date": (date,), "moment": (datetime,),
    **dict.fromkeys(("money", "price", "signed", "change", "percent", "used", "count", "quantity"), _NUMBERS),
}  # fmt: skip
#: Begins the names of a user's own parts and their tables.
OWN = "own_"
#: Names of tables and columns are those of files and keys.
_FILE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Column:
    """A column: ``name`` heads it in files (a FOCUS or snake_case name), ``title`` on pages.

    ``sums``: its values add up to a total. ``missing``: what stands on pages for None. ``on_pages``: files for machines have
    it either way.
    """

    name: str
    title: str
    kind: Kind = "text"
    sums: bool = False
    missing: str = "–"
    on_pages: bool = True


@dataclass(frozen=True)
class Table:
    """Rows of one kind and one currency, in the order in which they are told; ``rows`` has all of them.

    Args:
        name: of its file and JSON key, in words of its sheet, such as ``services``: letters, digits, - and _. Tables of
            one name are one file, one after the other, such as those of several currencies: they have the same columns.
        title: its heading on pages; empty: the part's is enough.
        currency: of its amounts; None: it has none, or the bill states none.
        top: how many rows a page shows, the others summed in one; None: all.
        others: what the others are, such as ``services``.
        notes: sentences under it.
        searchable: whether pages offer to filter it.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    currency: str | None = None
    top: int | None = None
    others: str = "rows"
    notes: tuple[str, ...] = ()
    searchable: bool = False

    def __post_init__(self) -> None:
        """Check that the name is one of a file, no two columns share one, and each row has a value of each column's kind."""
        if not _FILE_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a table: letters, digits, - and _, at most 63")
        if len({column.name.casefold() for column in self.columns}) != len(self.columns):
            raise ValueError(f"{self.name}: two columns have one name")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.name}: each row has {len(self.columns)} values")
        for place, column in enumerate(self.columns):
            _check_kind(f"{self.name}.{column.name}", column.kind, (row[place] for row in self.rows))

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows of a page: the first ``top``, or all where only one would be left."""
        return self.rows if self.top is None or len(self.rows) <= self.top + 1 else self.rows[: self.top]

    @property
    def hidden(self) -> tuple[Row, ...]:
        """The rows that a page sums up in one."""
        return self.rows[len(self.shown) :]

    @cached_property
    def rest(self) -> Row | None:
        """The sum of what a page does not show; None where it shows all."""
        return self.sum_of(self.hidden) if self.hidden else None

    @cached_property
    def total(self) -> Row | None:
        """The sum of all rows in the columns that have one; None where no column has, or there are no rows."""
        has_sums = any(column.sums for column in self.columns)
        return self.sum_of(self.rows) if has_sums and self.rows else None

    def sum_of(self, rows: tuple[Row, ...]) -> Row:
        """Sum rows: a Decimal or int in each column that ``sums`` (None where no row has a value), else None."""
        return tuple(
            self._sum([row[place] for row in rows]) if column.sums else None
            for place, column in enumerate(self.columns)
        )

    @staticmethod
    def _sum(values: list[Value]) -> Value:
        counts = [value for value in values if isinstance(value, int)]
        amounts = [value for value in values if isinstance(value, Decimal)]
        if amounts:
            return money.total([*amounts, *map(Decimal, counts)])
        return sum(counts) if counts else None


@dataclass(frozen=True)
class Fact:
    """A figure of the headline, such as what was billed; ``note`` is a short sentence under it."""

    name: str
    title: str
    value: Value
    kind: Kind
    currency: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        """Check that the value is one of its kind."""
        _check_kind(self.name, self.kind, (self.value,))


@dataclass(frozen=True)
class Picture:
    """A chart as SVG in the page's colours (CSS variables of reports/html/report.css), and in words what it shows.

    ``narrow``: another drawing of it for a phone, where text would get too small; without one the picture is small and
    stands beside the part's first table. ``key``: what its colours mean, each with its name under ``.key`` in report.css.
    """

    name: str
    title: str
    words: str
    draw: Callable[[], str] = field(compare=False)
    draw_narrow: Callable[[], str] | None = field(default=None, compare=False)
    key: tuple[tuple[str, str], ...] = ()

    @cached_property
    def svg(self) -> str:
        """The drawing, made when a format first shows it."""
        return self.draw()

    @cached_property
    def narrow(self) -> str | None:
        """The narrow drawing, made so too."""
        return self.draw_narrow() if self.draw_narrow else None


@dataclass(frozen=True)
class Part:
    """One section: a heading, a sentence or two, pictures and tables. ``empty`` stands where it has neither."""

    name: str
    title: str
    lead: str = ""
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    empty: str = ""


@dataclass(frozen=True)
class Caution:
    """What the figures lack, said before any of them; ``serious`` ones must not be overlooked."""

    name: str
    text: str
    serious: bool = False


@dataclass(frozen=True)
class Document:
    """A report of a span of time, decided and worded, not laid out.

    Args:
        report: which one: ``costs``, ``budgets``, ``teams`` …
        edition: ``daily``, ``weekly``, ``monthly``, ``quarterly``, ``yearly`` or ``custom``.
        period: the span's label, such as ``2026-03``, ``2026-W12`` or ``2026-03-21``.
        start, end: the span, half-open, UTC days.
        title: the page's heading and the file's title.
        headline: the one line that a subject or a link says: what it came to, and whether that is fine.
        subject: the team or owner that it is of; None: everybody's.
        by: what it is divided or grouped by, as it was asked for: ``owner``, ``tag:team``, ``ServiceName,RegionId``.
        last_day: the last day that all its sources cover whole.
        locale: that its sentences are worded in, and its figures are to read in.
    """

    report: str
    edition: str
    period: str
    start: date
    end: date
    title: str
    headline: str
    facts: tuple[Fact, ...]
    parts: tuple[Part, ...]
    cautions: tuple[Caution, ...]
    last_day: date | None
    generated_at: datetime
    version: str
    locale: str = "en_US"
    subject: str | None = None
    tenant: str | None = None
    by: str | None = None

    def __post_init__(self) -> None:
        """Check that tables of one name have the same columns: they are one file."""
        columns: dict[str, tuple[Column, ...]] = {}
        for table in self.tables:
            known = columns.setdefault(table.name.casefold(), table.columns)
            if [(own.name, own.kind) for own in known] != [(own.name, own.kind) for own in table.columns]:
                raise ValueError(f"{table.name}: two tables of this name differ in their columns")

    @property
    def summary(self) -> str:
        """The headline without the title, for where that stands over it."""
        return self.headline.removeprefix(f"{self.title}: ")

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in their order."""
        return tuple(table for part in self.parts for table in part.tables)


def exact(value: Value) -> str:
    """A value in full precision, as machines read it: ``-12.5``, ``2026-03-21``, ``2026-03-21T06:10:00Z``; None is empty."""
    match value:
        case None:
            return ""
        case Decimal():
            return money.text(value if value else money.ZERO)
        case datetime():
            return f"{value.isoformat()}Z"
        case date():
            return value.isoformat()
    return str(value)


def _check_kind(name: str, kind: Kind, values: Iterable[Value]) -> None:
    """No float is money, and no time of day is a day."""
    for own in set(map(type, values)) - {type(None)}:
        is_time = kind == "date" and issubclass(own, datetime)
        if own is bool or is_time or not issubclass(own, _TYPES[kind]):
            raise ValueError(f"{name}: {own.__name__} is no value of the kind {kind}")
