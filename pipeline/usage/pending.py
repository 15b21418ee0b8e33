"""What is recorded and not yet loaded: the segments' tails, read as they grow.

A record is one line. What the next load would reject is left out here as well, as far as a look at the line tells.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import money
from pipeline.entries import CostCategory
from pipeline.errors import EntryError
from pipeline.focus import canonical_provider
from pipeline.periods import to_utc
from pipeline.sources import segments
from pipeline.usage.record import QUANTITIES, TENANT, UsageRecord
from pipeline.usage.scopes import UsageScope

#: As sql/sources/usage_log.sql has them: a test compares what both say.
_CATEGORIES = {
    **dict.fromkeys(
        ("chat_completion", "text_completion", "completion", "responses", "rerank"), CostCategory.LLM_INFERENCE
    ),
    **dict.fromkeys(("embedding", "embeddings"), CostCategory.EMBEDDING),
    **dict.fromkeys(("transcription", "translation", "speech", "text_to_speech", "speech_to_text"), CostCategory.AUDIO),
    **dict.fromkeys(("vision", "ocr"), CostCategory.VISION),
}
_BEGINNINGS = {"audio": CostCategory.AUDIO, "image": CostCategory.VISION, "video": CostCategory.VISION}


#: What a record has of a quantity that it does not name.
_NONE = money.amount(0)
#: A folder whose time is older than this cannot change any more and keep that time: nanoseconds.
_TICK = 2_000_000_000
#: So long a listing holds at most, whatever the folder's time says: nanoseconds.
_LISTED = 500_000_000


@dataclass(frozen=True, slots=True)
class Used:
    """A record as answers see it; ``quantities`` are those of ``QUANTITIES``, 0 where there is none."""

    id: str
    time: datetime
    cost: Decimal
    currency: str
    provider: str
    operation: str
    model: str | None
    success: bool
    attribution: Mapping[str, str]
    quantities: tuple[Decimal, ...]

    @property
    def category(self) -> str:
        """The category of its operation."""
        known = _CATEGORIES.get(self.operation)
        found = known or next((kind for start, kind in _BEGINNINGS.items() if self.operation.startswith(start)), None)
        return (found or CostCategory.AI_ML).value

    @property
    def service(self) -> str:
        """The service of its charge."""
        return self.model or self.provider

    @property
    def tenant(self) -> str | None:
        """Whose it is."""
        return self.attribution.get(TENANT)

    def is_of(self, scope: UsageScope) -> bool:
        """Whether a scope counts it."""
        if scope.kind == "global":
            return True
        if scope.kind in ("provider", "service", "model", "category", "operation"):
            return bool(getattr(self, scope.kind) == scope.id)
        return self.attribution.get(scope.kind) == scope.id


def used(record: UsageRecord) -> Used:
    """Return a checked record as answers see it."""
    assert record.id is not None
    assert record.time is not None
    assert isinstance(record.cost, Decimal)
    return Used(
        record.id,
        record.time,
        record.cost,
        record.currency,
        canonical_provider(record.provider),
        record.operation,
        record.model,
        record.success,
        {key: value for key, value in record.attribution.items() if value is not None},
        tuple(Decimal(getattr(record, name) or 0) for name in QUANTITIES),
    )


@dataclass
class _Tail:
    """What was read of a segment: from ``start`` up to ``at``; each record with where its line ends."""

    start: int = 0
    at: int = 0
    records: list[tuple[int, Used]] = field(default_factory=list)

    def settle(self, taken: int) -> None:
        """Forget what is stored; what is no longer stored is read again."""
        if taken < self.start:
            self.start, self.at, self.records = taken, taken, []
        elif taken > self.start:
            self.start, self.at = taken, max(self.at, taken)
            self.records = [(end, record) for end, record in self.records if end > taken]


class Pending:
    """The tails of a folder's segments. Each call reads what has been written since; threads may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listing = _Listing(folder)
        self._paths: Sequence[Path] = ()
        self._taken: Mapping[str, int] = {}
        self._tails: dict[Path, _Tail] = {}
        self._ids: dict[str, Used] = {}
        self._found: list[Used] = []
        self._epoch = 0
        self._lock = threading.Lock()

    def records(self, taken: Mapping[str, int]) -> list[Used]:
        """Return the records beyond what is ``taken``: path -> bytes that are stored. Of equal ids the first counts."""
        return list(self.recent(taken)[1])

    def recent(self, taken: Mapping[str, int]) -> tuple[int, Sequence[Used]]:
        """Return the same as a list that others share and that only grows while the number before it is the same."""
        with self._lock:
            paths = self._listing.paths()
            is_new = paths is not self._paths or (taken is not self._taken and taken != self._taken)
            if is_new:
                self._tails = {path: self._tails.get(path, _Tail()) for path in paths}
                for path, tail in self._tails.items():
                    tail.settle(taken.get(str(path), 0))
            self._paths, self._taken = paths, taken
            fresh: list[Used] = []
            for path, tail in self._tails.items():
                before = len(tail.records)
                is_new |= not _read_on(path, tail)
                fresh += [record for _, record in tail.records[before:]]
            # An id that comes again otherwise: which one is first depends on where it stands, not on when it was read.
            if is_new or any(self._ids.get(record.id, record) != record for record in fresh):
                self._count_anew()
            else:
                self._found += [record for record in fresh if self._ids.setdefault(record.id, record) is record]
            return self._epoch, self._found

    def _count_anew(self) -> None:
        self._ids = {}
        for tail in self._tails.values():
            for _, record in tail.records:
                self._ids.setdefault(record.id, record)
        self._found, self._epoch = list(self._ids.values()), self._epoch + 1


class _Listing:
    """The segments of a folder, listed again once the folder has changed, or may have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: Sequence[Path] = ()
        self._changed: int | None = None
        self._until = 0

    def paths(self) -> Sequence[Path]:
        """Return the same object as before when nothing can have come or gone."""
        now, changed = time.time_ns(), self._last_change()
        if changed is None or changed != self._changed or not 0 <= self._until - now <= _LISTED:
            # What is made in the same tick of the file system's clock leaves the folder's time as it is.
            self._until = now + _LISTED if changed is not None and now - changed > _TICK else 0
            self._changed, found = changed, segments.paths(self.folder)
            self._paths = self._paths if found == self._paths else found
        return self._paths

    def _last_change(self) -> int | None:
        try:
            return self.folder.stat().st_mtime_ns
        except OSError:
            return None


def _read_on(path: Path, tail: _Tail) -> bool:
    """Read what was written since; False when the segment is gone, and what was read of it with it."""
    try:
        if path.stat().st_size <= tail.at:
            return True
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            end = segments.last_line_end(file.fileno(), size) if size > tail.at else tail.at
            file.seek(tail.at)
            while tail.at < end:
                line = file.readline()
                tail.at += len(line)
                record = _parsed(line)
                if record is not None:
                    tail.records.append((tail.at, record))
    except FileNotFoundError:  # loaded, published and cleaned up since: whoever asks looks at the copy again
        is_lost, tail.records = bool(tail.records), []
        return not is_lost
    return True


def _parsed(line: bytes) -> Used | None:
    try:
        row: dict[str, Any] = json.loads(line, parse_float=str)
        cost = money.amount(row["cost"])
        quantities = tuple(money.amount(row[name]) if row.get(name) else _NONE for name in QUANTITIES)
        if min(cost, *quantities) < 0 or not row["id"] or not row["segment"]:
            return None
        return Used(
            str(row["id"]),
            to_utc(datetime.fromisoformat(row["time"])),
            cost,
            row["currency"],
            canonical_provider(row["provider"]),
            row["operation"],
            row.get("model") or None,
            row.get("success") is not False,
            {key: str(value) for key, value in (row.get("attribution") or {}).items() if value is not None},
            quantities,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, EntryError):
        return None
