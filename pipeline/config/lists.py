"""The CSV files that ``costmill.yaml`` names: accounts, and invoices as accounting has them.

They are read with the configuration, so that a wrong row is told at once, with its line and column.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from pipeline import money
from pipeline.config import fields
from pipeline.config.model import Account, ExpectedInvoice
from pipeline.config.paths import Resolver
from pipeline.config.section import Section
from pipeline.errors import near

#: A list beyond this many bytes is something else.
MAX_BYTES = 50_000_000
#: Problems told of one file; the rest is counted.
MOST_TOLD = 20

T = TypeVar("T")
Told = Callable[[str], None]


class Record:
    """One row of a list: its line, and its fields by column."""

    def __init__(self, line: int, values: Mapping[str, str], told: Told) -> None:
        self.line = line
        self.values = values
        self.told = told

    def value(self, column: str, parse: Callable[[str], T], *, needed: bool = False) -> T | None:
        """Return a field's parsed text; None when it is empty or wrong, which is told."""
        text = self.values.get(column, "").strip()
        if not text:
            if needed:
                self.told(f"line {self.line}: column {column} is empty; write a value")
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.told(f"line {self.line}: column {column}: {error}")
            return None


def read_accounts(root: Section, resolver: Resolver) -> tuple[Account, ...]:
    """Read the file under ``accounts``: id, name, owner; an id stands once."""
    lines: dict[str, int] = {}
    found = []
    for record in _records(root, "accounts", resolver, ("id",), ("name", "owner")):
        account = record.value("id", fields.line_of_text, needed=True)
        name = record.value("name", fields.line_of_text)
        owner = record.value("owner", fields.line_of_text)
        if account is None:
            continue
        if account in lines:
            record.told(f"line {record.line}: column id: {account!r} stands on line {lines[account]} as well; keep one")
        lines.setdefault(account, record.line)
        found.append(Account(account, name, owner))
    return tuple(found)


def read_invoices(root: Section, resolver: Resolver) -> tuple[ExpectedInvoice, ...]:
    """Read the file under ``invoices``: InvoiceId, amount, currency, and period and issuer where they are given."""
    lines: dict[tuple[str, str, str | None, str | None], int] = {}
    found = []
    for record in _records(root, "invoices", resolver, ("InvoiceId", "amount", "currency"), ("period", "issuer")):
        number = record.value("InvoiceId", fields.line_of_text, needed=True)
        amount = record.value("amount", _amount, needed=True)
        currency = record.value("currency", fields.currency_code, needed=True)
        period = record.value("period", fields.billing_period)
        issuer = record.value("issuer", fields.line_of_text)
        if number is None or amount is None or currency is None:
            continue
        key = (number, currency, period, issuer and issuer.lower())
        if key in lines:
            record.told(
                f"line {record.line}: column InvoiceId: {number!r} stands on line {lines[key]} as well, with the same "
                "currency, period and issuer; keep one"
            )
        lines.setdefault(key, record.line)
        found.append(ExpectedInvoice(number, amount, currency, period, issuer))
    return tuple(found)


def _amount(value: str) -> Decimal:
    """Read an invoice's amount: exact, negative for a credit note."""
    parsed = fields.number(value)
    if parsed.copy_abs() >= money.LIMIT or money.stored(parsed) != parsed:
        raise ValueError(f"{value!r} has more than 20 digits before the point or {money.SCALE} after it")
    return parsed


def _records(
    root: Section, key: str, resolver: Resolver, needed: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[Record]:
    path = root.value(key, resolver.path, None)
    if path is None:
        return
    told = teller(root, key, path)
    text = text_of(path, told)
    if text is not None:
        yield from records(text, needed, optional, told)


def records(text: str, needed: tuple[str, ...], optional: tuple[str, ...], told: Told) -> Iterator[Record]:
    """Read the rows of a list's text; what is wrong with header or shape is told."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = _header(next(reader, []), needed, optional, told)
        while header:
            line = reader.line_num + 1
            row = next(reader, None)
            if row is None:
                return
            if len(row) > 1 and len(row) != len(header):
                told(f"line {line}: has {len(row)} fields, the header has {len(header)}; quote what holds a comma")
            elif any(row):
                yield Record(line, dict(zip(header, row, strict=False)), told)
    except csv.Error as error:
        told(f"line {reader.line_num}: {error}; save it as CSV with commas and double quotes")


def teller(root: Section, key: str, path: Path) -> Told:
    """Return what notes the problems of a file at the key that names it: the first ones, and that there are more."""
    count = 0

    def tell(message: str) -> None:
        nonlocal count
        count += 1
        if count <= MOST_TOLD:
            root.problem(key, f"{path}: {message}")
        elif count == MOST_TOLD + 1:
            root.problem(key, f"{path}: and more; mend these first")

    return tell


def text_of(path: Path, told: Told) -> str | None:
    """Return a list's text; None when it cannot be read, which is told."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        told(f"cannot be read: {error.strerror or error}")
        return None
    if len(data) > MAX_BYTES:
        told(f"is longer than {MAX_BYTES:,} bytes; a list is not")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        told(f"line {data.count(bytes([10]), 0, error.start) + 1}: is not UTF-8 text; save the file as UTF-8")
        return None


def _header(row: list[str], needed: tuple[str, ...], optional: tuple[str, ...], told: Told) -> list[str]:
    """Return the columns in the file's order, spelled as ours; none when the header cannot be used."""
    known = {name.lower(): name for name in (*needed, *optional)}
    names = [known.get(cell.strip().lower(), cell.strip()) for cell in row]
    problems = [
        f"line 1: no column {name}; the columns are {', '.join(known.values())}" for name in needed if name not in names
    ]
    problems += [
        f"line 1: unknown column {name!r}{near(name, known.values())}" for name in names if name not in known.values()
    ]
    problems += [f"line 1: the column {name} stands twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    if problems and len(row) == 1 and any(char in row[0] for char in ";\t"):
        problems = ["line 1: its columns are not separated by commas; save it as CSV with commas and double quotes"]
    for problem in problems:
        told(problem)
    if problems:
        told("its rows are checked when the header is right")
    return [] if problems else names
