"""A document as people read it: every value a text, long tables cut, and tables that add up as shown.

Pages, mails, Markdown and PDFs lay out what is made here, so their figures cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from itertools import groupby
from typing import Literal

from pipeline import money
from pipeline.reports.figures import NOTHING, Figures
from pipeline.reports.model.document import (
    Caution,
    Column,
    Document,
    Fact,
    Kind,
    Part,
    Picture,
    Row,
    Table,
    Value,
    exact,
)

#: What a row is: one of the table's, the sum of those that are cut, what rounding leaves between them and the total.
Role = Literal["row", "rest", "rounding", "total"]

#: Kinds that stand at the right edge of their column.
NUMBERS: frozenset[Kind] = frozenset({"money", "price", "signed", "change", "percent", "used", "count", "quantity"})
#: Columns that fit on an upright sheet of paper.
BROAD = 7
_SIGNED: Mapping[Kind, Kind] = {"money": "signed", "percent": "change"}
#: Said once on every page.
ROUNDING = (
    "Amounts are rounded one by one for reading, and totals are sums of the exact amounts: where the rows of a table do "
    "not add up to its total as shown, a row named Rounding has the difference. A budget’s percentage is cut, never "
    "rounded up. Days and times are UTC. Bills of different currencies are never added, but for what is said to be "
    "converted."
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value and its text; ``text`` is a ``figures.Figure`` where we made it from a number, else it is hostile."""

    text: str
    kind: Kind
    value: Value = None

    @property
    def is_number(self) -> bool:
        """Whether it stands at the right edge."""
        return self.kind in NUMBERS

    @property
    def exact(self) -> str:
        """The number in full precision, or a date in ISO form: what sorts, and what a tooltip says; else empty."""
        return "" if isinstance(self.value, str) else exact(self.value)


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row of a page."""

    role: Role
    cells: tuple[Cell, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """What its cells say."""
        return tuple(cell.text for cell in self.cells)


@dataclass(frozen=True)
class ShownTable:
    """A table as a page has it: ``rows`` and the sum of those cut; then, if any, what rounding leaves, and the total.

    ``heading`` is the table's title, with its currency where others of that title have another.
    """

    table: Table
    heading: str
    rows: tuple[ShownRow, ...]
    rounding: ShownRow | None
    total: ShownRow | None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""
        return self.table.columns

    @property
    def asides(self) -> tuple[int, ...]:
        """The places of columns of words before the first figure: a phone shows them beneath the row's name."""
        first = next((place for place, own in enumerate(self.columns) if own.kind in NUMBERS), 0)
        return tuple(place for place in range(1, first) if self.columns[place].kind == "text")

    def beneath(self, row: ShownRow) -> str:
        """What a phone shows beneath the name of a row."""
        said = (row.cells[place].text for place in self.asides)
        return " · ".join(own for own in said if own and own != NOTHING)

    @property
    def is_broad(self) -> bool:
        """Whether it needs a sheet that lies across."""
        return len(self.columns) > BROAD

    @property
    def all_rows(self) -> tuple[ShownRow, ...]:
        """Everything under the heads, in order."""
        return (*self.rows, *(own for own in (self.rounding, self.total) if own))


@dataclass(frozen=True)
class ShownFact:
    """A figure of the headline."""

    fact: Fact
    cell: Cell


@dataclass(frozen=True)
class ShownPart:
    """A section with its tables as texts."""

    part: Part
    tables: tuple[ShownTable, ...]

    @property
    def beside(self) -> Picture | None:
        """The small picture that stands beside the first table; None where there are several, or no table."""
        small = [own for own in self.part.pictures if own.narrow is None]
        return small[0] if len(small) == 1 and self.tables and self.tables[0].rows else None

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The other pictures, which stand above the tables."""
        return tuple(own for own in self.part.pictures if own is not self.beside)


@dataclass(frozen=True)
class ShownDocument:
    """A whole document; ``headlines`` has the facts in blocks, one for each currency."""

    document: Document
    headlines: tuple[tuple[ShownFact, ...], ...]
    parts: tuple[ShownPart, ...]

    @property
    def is_broad(self) -> bool:
        """Whether its paper lies across: for all of it, since a page that turns parts a table from its heading."""
        return any(table.is_broad for part in self.parts for table in part.tables)

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """What the figures lack, the serious first."""
        return tuple(sorted(self.document.cautions, key=lambda own: not own.serious))


def shown_document(document: Document, figures: Figures, *, longest: int | None = None) -> ShownDocument:
    """Return a document as texts; tables longer than ``longest`` rows are cut there, whatever they say themselves."""
    parts = tuple(shown_part(part, figures, longest=longest) for part in document.parts)
    return ShownDocument(document, shown_facts(document.facts, figures), parts)


def shown_part(part: Part, figures: Figures, *, longest: int | None = None) -> ShownPart:
    """Return one section with its tables as texts."""
    tables = [table if longest is None else cut(table, longest) for table in part.tables]
    headings = _headings(tables)
    shown = [shown_table(table, figures, heading) for table, heading in zip(tables, headings, strict=True)]
    return ShownPart(part, tuple(shown))


def cut(table: Table, longest: int) -> Table:
    """Return a table that shows at most ``longest`` rows, and one for the others."""
    return replace(table, top=longest if table.top is None else min(table.top, longest))


def shown_facts(facts: Sequence[Fact], figures: Figures) -> tuple[tuple[ShownFact, ...], ...]:
    """Return the headline's figures in blocks of one currency; what has none belongs to the block before it."""
    with localcontext(money.EXACT):
        shown = [ShownFact(fact, shown_cell(fact.value, fact.kind, fact.currency, figures)) for fact in facts]
    currencies: list[str | None] = []
    for fact in facts:
        currencies.append(fact.currency or (currencies[-1] if currencies else None))
    blocks = groupby(zip(shown, currencies, strict=True), key=lambda pair: pair[1])
    return tuple(tuple(own for own, _ in block) for _, block in blocks)


def shown_cell(value: Value, kind: Kind, currency: str | None, figures: Figures, missing: str = "–") -> Cell:
    """Return one value as its kind reads."""
    return Cell(figures.value(value, kind, currency, missing), kind, value)


def shown_table(table: Table, figures: Figures, heading: str | None = None) -> ShownTable:
    """Return a table's rows as texts, with the row that makes what is shown add up to the total that is shown.

    Columns that are not ``on_pages`` are left out.
    """
    table = _of_pages(table)
    with localcontext(money.EXACT):
        rows = [_row(table, row, figures) for row in table.shown]
        if table.rest:
            rows.append(
                _sums(table, table.rest, "rest", f"{figures.count(len(table.hidden))} other {table.others}", figures)
            )
        total = _sums(table, table.total, "total", "Total", figures) if table.total else None
        rounding = _rounding(table, figures) if total else None
    return ShownTable(table, table.title if heading is None else heading, tuple(rows), rounding, total)


def _of_pages(table: Table) -> Table:
    if all(own.on_pages for own in table.columns):
        return table
    places = [place for place, own in enumerate(table.columns) if own.on_pages]
    columns = tuple(table.columns[place] for place in places)
    return replace(table, columns=columns, rows=tuple(tuple(row[place] for place in places) for row in table.rows))


def _headings(tables: Sequence[Table]) -> list[str]:
    """The title of each table, with its currency where tables of others have the same."""
    titles: dict[str, set[str | None]] = {}
    for table in tables:
        titles.setdefault(table.title, set()).add(table.currency)
    return [_named_apart(table) if len(titles[table.title]) > 1 else table.title for table in tables]


def _named_apart(table: Table) -> str:
    currency = table.currency or "no stated currency"
    return f"{table.title}, {currency}" if table.title else currency[0].upper() + currency[1:]


def _row(table: Table, row: Row, figures: Figures) -> ShownRow:
    pairs = zip(table.columns, row, strict=True)
    return ShownRow(
        "row", tuple(shown_cell(value, own.kind, table.currency, figures, own.missing) for own, value in pairs)
    )


def _sums(table: Table, row: Row, role: Role, label: str, figures: Figures) -> ShownRow:
    """A row of sums: its label in the first column that has none, its other cells empty."""
    cells = [
        shown_cell(value, own.kind, table.currency, figures, own.missing if own.sums else "")
        for own, value in zip(table.columns, row, strict=True)
    ]
    place = next((place for place, own in enumerate(table.columns) if not own.sums), None)
    if place is not None:
        cells[place] = Cell(label, "text")
    return ShownRow(role, tuple(cells))


def _rounding(table: Table, figures: Figures) -> ShownRow | None:
    """What the shown total is more than the shown rows; None where they agree."""
    differences = tuple(_difference(table, place, figures) for place in range(len(table.columns)))
    if not any(differences):
        return None
    shown = _sums(table, differences, "rounding", "Rounding", figures)
    cells = zip(shown.cells, differences, table.columns, strict=True)
    return ShownRow(
        "rounding", tuple(_signed(cell, own, column, table.currency, figures) for cell, own, column in cells)
    )


def _signed(cell: Cell, difference: Value, column: Column, currency: str | None, figures: Figures) -> Cell:
    """A difference of money with its sign; nothing where there is none."""
    if not column.sums:
        return cell
    if not difference:
        return Cell("", column.kind)
    return Cell(figures.value(difference, _SIGNED.get(column.kind, column.kind), currency), column.kind, difference)


def _difference(table: Table, place: int, figures: Figures) -> Decimal | None:
    column = table.columns[place]
    if not column.sums or table.total is None or table.total[place] is None:
        return None

    rows = [*table.shown, *([table.rest] if table.rest else [])]
    return figures.left((_number(row[place]) for row in rows), _number(table.total[place]), table.currency, column.kind)


def _number(value: Value) -> Decimal | None:
    return Decimal(value) if isinstance(value, (Decimal, int)) else None
