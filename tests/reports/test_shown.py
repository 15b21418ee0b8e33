"""A document as texts: what is shown adds up, and what is cut is summed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.reports.figures import Figures
from pipeline.reports.model.document import Column, Fact, Kind, Table, Value
from pipeline.reports.shown import ShownTable, shown_facts, shown_table

US = Figures.of("en_US")


def table(kind: Kind, *values: str | None, currency: str | None = "USD", top: int | None = None) -> Table:
    rows = tuple((f"row {number}", Decimal(own) if own else None) for number, own in enumerate(values))
    columns = (Column("ServiceName", "Service"), Column("BilledCost", "Billed", kind, sums=True))
    return Table("services", "", columns, rows, currency, top, "services")


def texts(shown: ShownTable) -> list[tuple[str, ...]]:
    return [row.texts for row in shown.all_rows]


def test_rows_that_do_not_add_up_as_shown_have_a_row_of_the_difference() -> None:
    assert texts(shown_table(table("money", "0.335", "0.335", "0.335"), US)) == [
        ("row 0", "$0.34"),
        ("row 1", "$0.34"),
        ("row 2", "$0.34"),
        ("Rounding", "−$0.01"),
        ("Total", "$1.01"),
    ]


@pytest.mark.parametrize(
    ("kind", "currency", "values", "difference"),
    [
        ("money", "JPY", ("0.4", "0.4"), "+¥1"),  # shown as less than one yen each: nothing to add up
        ("money", None, ("0.004", "0.004"), "+0.01"),
        ("money", "USD", ("-0.005", "-0.005"), "+$0.01"),
        ("percent", None, ("33.333333", "33.333333", "33.333334"), "+0.1%"),
        ("percent", None, ("9999.94", "0.3"), "−0.2%"),
        ("used", None, ("0.08", "0.08"), "0.1%"),
        ("price", "USD", ("0.00005", "0.00005"), "−$0.0001"),
        ("count", None, ("0.5", "0.5"), "1"),
        ("quantity", None, ("0.0000004", "0.0000004"), "0.000001"),
    ],
)
def test_every_kind_is_added_up_as_it_is_shown(
    kind: Kind, currency: str | None, values: tuple[str, ...], difference: str
) -> None:
    shown = shown_table(table(kind, *values, currency=currency), US)
    assert shown.rounding is not None
    assert shown.rounding.texts == ("Rounding", difference)


def test_a_table_that_adds_up_has_no_row_of_rounding() -> None:
    assert shown_table(table("money", "1.1", "-2.25", None, "0"), US).rounding is None


def test_what_is_cut_is_one_row_and_counts_in_what_adds_up() -> None:
    shown = shown_table(table("money", "3", "0.005", "0.004", "0.004", None, top=1), US)
    assert texts(shown) == [("row 0", "$3.00"), ("4 other services", "$0.01"), ("Total", "$3.01")]


def test_huge_amounts_add_up_too() -> None:
    shown = shown_table(table("money", "99999999999999999998.99", "0.006", "0.004"), US)
    assert shown.rounding is None
    assert shown.total is not None
    assert shown.total.texts[1] == "$99,999,999,999,999,999,999.00"


def test_a_table_without_rows_or_sums_has_no_total() -> None:
    plain = Table("names", "", (Column("Name", "Name"),), (("a",),))
    assert shown_table(plain, US).total is None
    assert shown_table(table("money"), US).all_rows == ()


def test_facts_of_another_currency_are_a_block_of_their_own() -> None:
    def fact(value: Value, kind: Kind = "money", currency: str | None = None) -> Fact:
        return Fact("billed", "Billed", value, kind, currency)

    blocks = shown_facts([fact(Decimal(1), currency="USD"), fact(2, "count"), fact(Decimal(3), currency="EUR")], US)
    assert [[own.cell.text for own in block] for block in blocks] == [["$1.00", "2"], ["€3.00"]]


@pytest.mark.parametrize(("kind", "value"), [("money", 1.5), ("money", True), ("date", "2026-03-21"), ("text", 1)])
def test_a_value_of_another_kind_is_refused(kind: Kind, value: Value) -> None:
    with pytest.raises(ValueError, match="no value of the kind"):
        Fact("billed", "Billed", value, kind)


def test_only_words_before_the_first_figure_may_stand_beneath_a_name() -> None:
    kinds: list[Kind] = ["text", "text", "status", "text", "money", "text"]
    columns = tuple(Column(f"column {number}", "", kind) for number, kind in enumerate(kinds))
    shown = shown_table(Table("t", "", columns, (("a", "b", "OK", None, Decimal(1), "c"),)), US)
    assert shown.asides == (1, 3)
    assert shown.beneath(shown.rows[0]) == "b"
    assert shown_table(Table("t", "", columns[:2], (("a", "b"),)), US).asides == ()
