"""JSON lines: one object a line, UTF-8. Numbers are the text that was written, never a float.

Nested objects become columns with dotted names (``project.id``); lists stay one column, as JSON text. So does an object
that a known format takes as one, such as ``Tags``. A key that is missing is NULL. A line that is no record
says why, and the others go on.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, Any

from pipeline import literals
from pipeline.errors import UnreadableFileError
from pipeline.literals import LiteralError
from pipeline.sources import formats

#: A record may be this long (bytes), its objects may stand this deep in each other to become columns of their own, and
#: a file may have this many columns.
LINE_LIMIT = 1 << 24
MOST_LEVELS = 8
MOST_COLUMNS = 10_000
#: How the reason ends when the last line of a file breaks off: it has no end, and is no record.
TORN = "; the file may be cut off here"
#: What a column holds as it is; anything else is written as JSON.
_SCALARS = frozenset((str, literals.Number, type(None)))


@dataclass(frozen=True)
class Record:
    """A line: its record number (1 is the first), its line in the file, and its values by dotted name.

    ``problem`` says why it is no record, as column, value and reason; its values are then to be left alone.
    """

    number: int
    line: int
    values: dict[str, str | None] = field(default_factory=dict)
    problem: tuple[str, str, str] | None = None


class _UnusableError(Exception):
    def __init__(self, column: str, value: str, reason: str) -> None:
        self.problem = (column, value, reason)


def is_json_lines(file: IO[bytes]) -> bool:
    """Whether a text that starts with a brace is JSON lines, not one JSON document: by its first two lines.

    A single object is a document, unless it has the columns of a known format.
    """
    lines = (line for _, line in _lines(file) if line is None or line.strip())
    first, second = next(lines, None), next(lines, None)
    if second is not None and _is_object(second):
        return True
    if first is None or not _is_object(first):
        return False
    return second is not None or formats.is_signed(tuple(_flattened(literals.decode_json(_text(first)))))


def columns(file: IO[bytes], where: str, most: int | None = None) -> tuple[str, ...]:
    """Return the column names over all records (or the first ``most``), in order of first sight.

    Raises:
        UnreadableFileError: when there are too many.
    """
    found: dict[str, None] = {}
    for record in itertools.islice(records(file), most):
        note_columns(found, record, where)
    return tuple(found)


def note_columns(found: dict[str, None], record: Record, where: str) -> None:
    """Add the columns of a record to those found so far.

    Raises:
        UnreadableFileError: when there are too many.
    """
    if record.values.keys() <= found.keys():
        return
    found.update(dict.fromkeys(record.values))
    if len(found) > MOST_COLUMNS:
        raise UnreadableFileError(f"{where}: more than {MOST_COLUMNS} columns by line {record.line}; that is no export")


def records(file: IO[bytes]) -> Iterator[Record]:
    """Read the records; blank lines are none."""
    number = 0
    for line_number, line in _lines(file):
        if line is not None and not line.strip():
            continue
        number += 1
        try:
            if line is None:
                raise _UnusableError("", "", f"is longer than {LINE_LIMIT} bytes")
            yield Record(number, line_number, _values(line))
        except _UnusableError as error:
            yield Record(number, line_number, problem=error.problem)


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """The lines with their numbers; None for one that is too long."""
    buffered = io.BufferedReader(file, 1 << 20)  # type: ignore[type-var]  # any binary stream is a raw one to it
    try:
        number = 0
        while line := buffered.readline(LINE_LIMIT):
            number += 1
            whole = line.endswith(b"\n") or len(line) < LINE_LIMIT
            rest = line
            while not whole and rest and not rest.endswith(b"\n"):
                rest = buffered.readline(LINE_LIMIT)
            yield number, (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line) if whole else None
    finally:
        buffered.detach()


def _values(line: bytes) -> dict[str, str | None]:
    cut_off = "" if line.endswith(b"\n") else TORN
    text = _text(line, cut_off)
    try:
        loaded = literals.decode_json(text)
        if not isinstance(loaded, tuple):
            raise _UnusableError("", text[:200], "is no JSON object")
        found = _flattened(loaded)
    except LiteralError as error:
        raise _UnusableError("", text[:200], f"{error}{cut_off}") from None
    if "\\u" in text:
        _require_whole_characters(found)
    return found


def _text(line: bytes, cut_off: str = "") -> str:
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise _UnusableError("", "", f"is not UTF-8 text{cut_off}") from None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(literals.decode_json(_text(line)), tuple)
    except (LiteralError, _UnusableError):
        return False


def _flattened(loaded: tuple[tuple[str, Any], ...]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    _flatten(loaded, "", found, 1)
    return found


def _flatten(loaded: tuple[tuple[str, Any], ...], prefix: str, into: dict[str, str | None], level: int) -> None:
    for key, value in loaded:
        name = prefix + key
        kind = type(value)
        if kind is tuple and level < MOST_LEVELS and not _is_whole(name):
            _flatten(value, name + ".", into, level + 1)
            continue
        if name in into:
            raise _UnusableError(name, "", "stands twice")
        into[name] = value if kind in _SCALARS else literals.encode(value)


@lru_cache(maxsize=4096)
def _is_whole(name: str) -> bool:
    return formats.holds_objects(name)


def _require_whole_characters(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        try:
            (name + (value or "")).encode()
        except UnicodeEncodeError:
            shown = (value or "").encode("utf-8", "backslashreplace").decode()[:200]
            column = name.encode("utf-8", "backslashreplace").decode()
            raise _UnusableError(column, shown, "holds half a character (a lone surrogate)") from None
