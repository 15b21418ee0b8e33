"""The lists that the configuration names are read with it: exactly, and with line and column of what is wrong."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.config import Account, ExpectedInvoice
from tests.config.files import problems, settings


def accounts(folder: Path, text: str | bytes) -> tuple[Account, ...]:
    (folder / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return settings(folder, "accounts: a.csv").accounts


def wrong(folder: Path, text: str | bytes, key: str = "accounts") -> list[str]:
    """What is told of a list, without the configuration's line and the list's path."""
    (folder / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    head = f"line 1: {key}: {folder}/a.csv: "
    told = problems(folder, f"{key}: a.csv")
    assert all(each.startswith(head) for each in told), told
    return [each.removeprefix(head) for each in told]


def test_accounts_keep_their_zeros_and_may_lack_name_or_owner(tmp_path: Path) -> None:
    assert accounts(tmp_path, "owner,ID,name\nweb,0099, Shop\n,7,\n\n") == (
        Account("0099", "Shop", "web"),
        Account("7", None, None),
    )


@pytest.mark.parametrize(
    "text",
    ['\ufeffid,name\r\n1,"a, b"\r\n'.encode(), b'id,name\n1,"a, b"\n', b'id,name\n1,"a, b"'],
    ids=["bom-crlf", "plain", "no-last-newline"],
)
def test_byte_order_mark_line_ends_and_quotes_are_fine(tmp_path: Path, text: bytes) -> None:
    assert accounts(tmp_path, text) == (Account("1", "a, b"),)


def test_a_list_of_no_accounts_is_one(tmp_path: Path) -> None:
    assert accounts(tmp_path, "id,name,owner\n") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: no column id; the columns are id, name, owner"),
        (
            "id;name\n1;a\n",
            "line 1: its columns are not separated by commas; save it as CSV with commas and double quotes",
        ),
        ("id,nam\n1,a\n", "line 1: unknown column 'nam'; did you mean 'name'?"),
        ("id,ID\n1,2\n", "line 1: the column id stands twice"),
        ("id,name\n1,a\n\n1,b\n", "line 4: column id: '1' stands on line 2 as well; keep one"),
        ("id,name\n,b\n", "line 2: column id is empty; write a value"),
        ("id,name\n1,a,b\n", "line 2: has 3 fields, the header has 2; quote what holds a comma"),
        ('id,name\n1,"a\nb"\n', "line 2: column name: 'a\\nb' holds a line break or another control character"),
        ('id,name\n1,"a\n', "line 2: unexpected end of data; save it as CSV with commas and double quotes"),
        (b"id,name\n1,\xff\n", "line 2: is not UTF-8 text; save the file as UTF-8"),
        ("id,name\n1,a\x00b\n", "line 2: column name: 'a\\x00b' holds a line break or another control character"),
    ],
    ids=[
        "empty",
        "semicolons",
        "unknown",
        "column-twice",
        "id-twice",
        "no-id",
        "ragged",
        "break",
        "torn",
        "latin1",
        "nul",
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert told in wrong(tmp_path, text)


def test_a_wrong_header_says_that_the_rows_are_not_checked_yet(tmp_path: Path) -> None:
    assert wrong(tmp_path, "InvoiceId,sum,currency\n1,1_000,usd\n", "invoices") == [
        "line 1: no column amount; the columns are InvoiceId, amount, currency, period, issuer",
        "line 1: unknown column 'sum'; known: InvoiceId, amount, currency, issuer, period",
        "its rows are checked when the header is right",
    ]


def test_a_list_that_is_not_there_is_told(tmp_path: Path) -> None:
    [told] = problems(tmp_path, "accounts: none.csv")
    assert told == f"line 1: accounts: {tmp_path}/none.csv: cannot be read: No such file or directory"


def test_a_thousand_problems_are_cut(tmp_path: Path) -> None:
    told = wrong(tmp_path, "id\n" + ",\n" * 1000)
    assert len(told) == 21
    assert told[-1] == "and more; mend these first"


def test_invoices_are_exact_to_the_last_digit(tmp_path: Path) -> None:
    text = "InvoiceId,amount,currency,period,issuer\n007,12.345678901234567891,USD,2026-01,aws\n008,-5,EUR,,\n"
    (tmp_path / "i.csv").write_text(text)
    assert settings(tmp_path, "invoices: i.csv").invoices == (
        ExpectedInvoice("007", Decimal("12.345678901234567891"), "USD", "2026-01", "aws"),
        ExpectedInvoice("008", Decimal(-5), "EUR"),
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("1,1_000,USD", "column amount: '1_000' is no number; write digits with a point, such as 1500 or 0.25"),
        ("1,NaN,USD", "column amount: 'NaN' is no number; write digits with a point, such as 1500 or 0.25"),
        ("1,1e400,USD", "column amount: '1e400' has more than 20 digits before the point or 18 after it"),
        (
            "1,0.1234567890123456789,USD",
            "column amount: '0.1234567890123456789' has more than 20 digits before the point or 18 after it",
        ),
        ("1,1,usd", "column currency: 'usd' is no ISO 4217 code; write USD"),
        ("1,,USD", "column amount is empty; write a value"),
    ],
    ids=["underscore", "nan", "huge", "long", "currency", "none"],
)
def test_an_invoice_that_is_none_is_told(tmp_path: Path, row: str, told: str) -> None:
    assert wrong(tmp_path, f"InvoiceId,amount,currency\n{row}\n", "invoices") == [f"line 2: {told}"]


def test_an_invoice_may_stand_once_for_each_period(tmp_path: Path) -> None:
    head = "InvoiceId,amount,currency,period\n"
    [told] = wrong(tmp_path, f"{head}1,1,USD,2026-01\n1,1,USD,2026-02\n1,2,USD,2026-01\n", "invoices")
    assert told.startswith("line 4: column InvoiceId: '1' stands on line 2 as well, with the same")
