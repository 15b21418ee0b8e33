"""What a reader adds up on the month's page: rows as they are shown make the total that is shown, groups too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import pytest

from pipeline.reports.figures import Figures
from pipeline.reports.model import Amounts, ReportContext
from tests.reports.conftest import TAG_KEYS
from tests.reports.reading import as_html, tables

#: How the last row of a table that adds up begins.
TOTALS = {"Total", "All", "All that differs", "This month", "Billed", "Converted"}
#: Heads of tables whose rows stand in groups, the first of each with what the others make.
GROUPED = {"Category and service", "Tag and value"}
US = Figures.of("en_US")
Rows = list[list[str]]


def amount(text: str) -> Decimal:
    """The number that a reader sees of an amount: of ``< $0.01`` it is 0, as of what is no amount."""
    found = re.fullmatch(r"([+−]?)\$([\d,]+\.\d\d)", text)
    return Decimal(found[1].replace("−", "-") + found[2].replace(",", "")) if found else Decimal(0)


def misfits(rows: Rows, total: Sequence[str]) -> list[str]:
    """What rows, without the head of their columns, do not make of a total's amounts."""
    head, *rows = rows
    columns = [place for place, text in enumerate(total) if "$" in text and not head[place].startswith("Per million")]
    sums = {place: sum((amount(own[place]) for own in rows), Decimal(0)) for place in columns}
    return [f"{total[0]}: {own} is not {total[place]}" for place, own in sums.items() if own != amount(total[place])]


def checked(html: str, groups: set[str]) -> tuple[list[str], int, list[str]]:
    """The heads of the tables that have sums, the rows of rounding in them, and the sums that their rows do not make.

    ``groups`` are the names of rows that are the sum of those after them. Tables of two columns have no head.
    """
    heads, roundings, wrong = [], 0, []
    for table in tables(html):
        rows = [[text for text, _ in row] for row in table]
        head = rows.pop(0) if len(rows[0]) > 2 else [""] * 2
        end = rows.pop() if rows[-1][0].partition(",")[0] in TOTALS else None
        starts = [place for place, own in enumerate(rows) if head[0] in GROUPED and own[0] in groups]
        if not starts and end is None:
            continue
        heads.append(head[0])
        roundings += sum(own[0].startswith("Rounding") for own in rows)
        outer = rows if not starts else [rows[start] for start in starts]
        for start, stop in zip(starts, [*starts[1:], len(rows)], strict=False):
            inner = [own for own in rows[start + 1 : stop] if own[0] != "Untagged" or len(own) > 3]
            if (
                end
                and stop == len(rows)
                and inner[-1][0].startswith("Rounding")
                and misfits([head, *inner], rows[start])
            ):
                outer.append(inner.pop())
            wrong += misfits([head, *inner], rows[start])
        wrong += misfits([head, *outer], end) if end else []
    return heads, roundings, wrong


@pytest.fixture(scope="module")
def groups(rich: ReportContext) -> set[str]:
    """The rich month's categories and tags, as they are shown."""
    names = [own.line.name for section in rich.sections for own in section.categories]
    return {US.label(own, "(no category)") for own in names} | set(TAG_KEYS)


def test_every_table_of_the_month_adds_up_as_it_is_shown(rich_html: str, rich_markdown: str, groups: set[str]) -> None:
    of_html, of_markdown = checked(rich_html, groups), checked(as_html(rich_markdown), groups)
    assert of_html[2] == of_markdown[2] == []
    assert of_html[1] == of_markdown[1] > 5
    assert len(of_html[0]) == len(of_markdown[0]) > 9


def test_rounding_is_told_only_where_something_is_left() -> None:
    assert US.left(map(Decimal, ["0.004", "0.004", "1"]), Decimal("1.008"), "USD") == Decimal("0.01")
    assert US.left(map(Decimal, ["0.004", "1"]), Decimal("1.004"), "USD") == 0
    assert US.left(map(Decimal, ["0.4", "0.4"]), Decimal("0.8"), "JPY") == 1
    assert US.left([None, Decimal(1)], None, "USD") == 0
    rows, total = (
        [Amounts(Decimal("0.005"), Decimal(1), Decimal(1))] * 2,
        Amounts(Decimal("0.01"), Decimal(2), Decimal(2)),
    )
    assert US.roundings(rows, total, "- billed effective", "USD") == [None, Decimal("-0.01"), None]
    assert US.roundings(rows, total, "effective list", "USD") == []
    assert US.roundings(rows[:1], total, "billed", "USD", None, rows[0]) == [Decimal("-0.01")]
