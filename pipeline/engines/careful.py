"""CSV the careful way, by Python, record by record: each row knows where it stands and what is wrong with it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.engines import staging
from pipeline.errors import UnreadableFileError
from pipeline.sources import packed

if TYPE_CHECKING:
    import pyarrow as pa

#: Records that the careful reader hands over at a time.
BATCH = 50_000


def batches(path: Path, width: int) -> Iterator[pa.Table]:
    """Read a CSV of ``width`` columns: its cells, and record, line and problem of each row.

    Raises:
        UnreadableFileError: when its compression breaks off.
    """
    rows: list[list[str | None]] = []
    record, start = 0, 1
    with packed.text(path, errors="surrogateescape") as lines:
        limited = packed.Lines(lines, path)
        reader = csv.reader(limited, strict=True)
        try:
            for position, row in enumerate(reader):
                limited.start_record()
                line, start = start, reader.line_num + 1
                if position == 0 or not row:
                    continue
                record += 1
                rows.append(_row(row, width, record, line))
                if len(rows) >= BATCH:
                    yield _arrow(rows, width)
                    rows = []
        except packed.CODECS as error:
            raise UnreadableFileError(f"{path}: line {reader.line_num}: {error}; deliver the file again") from error
    yield _arrow(rows, width)


def _row(row: list[str], width: int, record: int, line: int) -> list[Any]:
    problem = None
    if len(row) == width + 1 and row[-1] == "":
        row = row[:-1]  # a comma after the last field: the fast reader takes it, too
    if len(row) != width:
        problem = f"{staging.UNIT}{staging.UNIT}has {len(row)} fields, the header has {width}"
    elif not _is_utf8(row):
        problem = f"{staging.UNIT}{staging.UNIT}is not UTF-8 text"
    cells: list[Any] = [None] * width if problem else list(row)
    return [*cells, record, line, problem]


def _is_utf8(row: list[str]) -> bool:
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True


def _arrow(rows: list[list[Any]], width: int) -> pa.Table:
    import pyarrow as pa

    names = [*(f"c{index}" for index in range(width)), "x_Record", "x_Line", "x_Ragged"]
    types = [*([pa.string()] * width), pa.int64(), pa.int64(), pa.string()]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table([pa.array(list(values), kind) for values, kind in zip(columns, types, strict=True)], names=names)
