"""Records of a file, as other programs wrote them: JSON lines without a segment, all of them or none."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import fields
from datetime import datetime
from typing import Any

from pipeline.errors import EntryError, near
from pipeline.usage.record import UsageRecord, checked

_KNOWN = tuple(field.name for field in fields(UsageRecord))
#: A line of a log may be imported, too: this is not the record's.
_LEFT_OUT = ("segment",)
_SHOWN = 20


def read(data: bytes, where: str) -> list[UsageRecord]:
    """Return the records of JSON lines. One without an id gets one made of its line: the same line of a file again, or of
    the file that has grown, counts once; a line that stands twice in a file is two records.

    Raises:
        EntryError: with every line that cannot be taken (the first 20) and why.
    """
    seen: Counter[bytes] = Counter()
    found: list[UsageRecord] = []
    wrong: list[str] = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        seen[line] += 1
        mark = hashlib.sha256(line.strip()).hexdigest()[:32]
        try:
            found.append(_record(line, f"import-{mark}-{seen[line]}"))
        except (EntryError, ValueError) as error:
            wrong.append(f"{where}: line {number}: {error}")
    if wrong:
        more = [f"{len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise EntryError("\n".join([*wrong[:_SHOWN], *more, f"{where}: nothing was imported"]))
    return found


def _record(line: bytes, id: str) -> UsageRecord:
    try:
        row: Any = json.loads(line, parse_float=str)
    except RecursionError:
        raise EntryError("is nested too deep") from None
    if not isinstance(row, dict):
        raise EntryError("is no JSON object")
    row = {key: value for key, value in row.items() if key not in _LEFT_OUT and value is not None}
    for key in row:
        if key not in _KNOWN:
            raise EntryError(f"{key!r} is no field of a record{near(key, _KNOWN)}")
    for key in ("provider", "operation", "time"):
        if key not in row:
            raise EntryError(f"{key} is missing")
    try:
        row["time"] = datetime.fromisoformat(row["time"])
    except (TypeError, ValueError):
        raise EntryError(f"time {row['time']!r} is no time; write 2026-03-05T10:00:00Z") from None
    if "metadata" in row:
        row["metadata"] = json.loads(line)["metadata"]  # numbers stay numbers
    record = UsageRecord(**{"id": id, **row})
    if record.cost is not None:
        checked(record, lambda: id)
    return record
