"""What a store of costs can do: keep entries, give them back, sum them."""

from __future__ import annotations

import json
import logging
import math
import re
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self, TypeVar

from pipeline import money
from pipeline.entries import CostCategory, CostEntry, CostSummary
from pipeline.errors import EntryError, UsageError, near
from pipeline.periods import to_utc

logger = logging.getLogger(__name__)

#: Ids of billed charges start so; nothing can be recorded under one.
BILLED_ID = "billed-"
#: Years that an entry may be of: those whose months, and the months after them, are in the calendar with room.
FIRST_YEAR, LAST_YEAR = 1900, 9990

_CURRENCY = re.compile(r"[A-Z]{3}")
_Key = TypeVar("_Key", bound=str)


@dataclass(frozen=True)
class Selection:
    """Which entries a figure counts; None takes all.

    Attributes:
        start, end: half-open, naive UTC.
        until: entries from this moment on are left out, whatever the window (data up to the end of a day).
        by_billing_period: ``start`` and ``end`` are the first days of months, and a charge counts in the month that
            bills it, though it may be dated outside of it. A recorded entry's month is that of its timestamp.
    """

    start: datetime | None = None
    end: datetime | None = None
    category: CostCategory | None = None
    currency: str | None = None
    until: datetime | None = None
    by_billing_period: bool = False

    @classmethod
    def of(cls, start: datetime | None, end: datetime | None, category: CostCategory | str | None = None) -> Selection:
        """Return the selection of a caller's window: aware datetimes are converted, a category may be its value.

        Raises:
            UsageError: when the category is none, or a datetime leaves the calendar in UTC.
        """
        try:
            window = [None if each is None else to_utc(each) for each in (start, end)]
        except OverflowError:
            raise UsageError(f"the window from {start} to {end} leaves the calendar in UTC") from None
        return cls(window[0], window[1], None if category is None else category_of(category))

    def takes(self, entry: CostEntry) -> bool:
        """Whether an entry counts, by its timestamp."""
        ends = [end for end in (self.end, self.until) if end is not None]
        return (
            (self.start is None or entry.timestamp >= self.start)
            and all(entry.timestamp < end for end in ends)
            and self.category in (None, entry.category)
            and self.currency in (None, entry.currency)
        )


class CostStore(ABC):
    """Keeps entries. A store that cannot do a thing raises NotImplementedError; none pretends.

    Subclasses give ``save_entry`` and ``get_entries``; the rest is built on them and may be made faster. Use it as a
    context manager, or call ``close``, where a store holds something open.
    """

    @abstractmethod
    def save_entry(self, entry: CostEntry) -> None:
        """Keep an entry for good. The same entry under the same id again changes nothing.

        Raises:
            EntryError: when it cannot be taken, or its id stands for other values.
        """

    @abstractmethod
    def get_entries(
        self, start: datetime | None, end: datetime | None, category: CostCategory | str | None = None
    ) -> list[CostEntry]:
        """Return the entries with ``start <= timestamp < end`` in the order of time and id.

        Args:
            start, end: UTC; a naive datetime is UTC already, None leaves that side open.
            category: only entries of it.

        Raises:
            UsageError: when ``category`` is none.
        """

    def save_entries(self, entries: Iterable[CostEntry]) -> None:
        """Keep several entries, one after the other."""
        for entry in entries:
            self.save_entry(entry)

    def summarise(self, selection: Selection) -> CostSummary:
        """Sum the selected entries.

        Raises:
            UsageError: when they are in several currencies and the selection names none.
        """
        with logged("summarise"):
            entries = self.get_entries(selection.start, selection.end, selection.category)
            return summary_of([entry for entry in entries if selection.takes(entry)], selection)

    def close(self) -> None:
        """Let go of what is open. Closing twice is fine."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def logged(doing: str) -> Iterator[None]:
    """Log an error once, where it first leaves a store or the tracker."""
    try:
        yield
    except Exception as error:
        if not vars(error).get("is_logged"):
            vars(error)["is_logged"] = True
            logger.error("%s: %s: %s", doing, type(error).__name__, error)
        raise


def normalised(entry: CostEntry) -> CostEntry:
    """Return an entry as every store keeps it: amount to 18 decimals, UTC, tags of text, metadata as JSON has it.

    Raises:
        EntryError: naming the field that cannot be kept.
    """
    for name in ("id", "description", "resource_id", "currency"):
        require_text(name, getattr(entry, name))
    if not entry.id:
        raise EntryError("id is empty; leave it out for a new one")
    if not _CURRENCY.fullmatch(entry.currency):
        raise EntryError(f"currency {entry.currency!r} is no ISO 4217 code; write it as USD or EUR")
    for key, value in dict(entry.tags).items():
        require_text("a key of tags", key)
        require_text(f"tags[{key!r}]", value)
    return replace(
        entry,
        amount=money.amount(entry.amount),
        category=category_of(entry.category, EntryError),
        timestamp=utc_timestamp(entry.timestamp),
        tags=dict(entry.tags),
        metadata=json_object(entry.metadata),
    )


def require_same(kept: CostEntry, new: CostEntry) -> None:
    """Check that a normalised entry is the one that its id already stands for.

    Raises:
        EntryError: naming the fields that differ.
    """
    names = [name for name in CostEntry.__dataclass_fields__ if _differs(getattr(kept, name), getattr(new, name))]
    if names:
        raise EntryError(
            f"id {new.id!r} is taken by an entry with another {', '.join(names)}; "
            "nothing was saved. Leave the id out for a new entry"
        )


def summary_of(entries: Iterable[CostEntry], selection: Selection) -> CostSummary:
    """Sum entries exactly; resources and tags only where an entry has them. See ``CostStore.summarise``."""
    chosen = list(entries)
    currency = one_currency({entry.currency for entry in chosen}, selection.currency)
    by_tag: dict[str, dict[str, Decimal]] = {
        key: _sums((entry.tags[key], entry.amount) for entry in chosen if key in entry.tags)
        for key in sorted({key for entry in chosen for key in entry.tags})
    }
    return CostSummary(
        total=money.total(entry.amount for entry in chosen),
        entry_count=len(chosen),
        period_start=selection.start,
        period_end=selection.end,
        by_category=_sums((entry.category, entry.amount) for entry in chosen),
        by_resource=_sums((entry.resource_id, entry.amount) for entry in chosen if entry.resource_id),
        by_tag=by_tag,
        currency=currency,
    )


def one_currency(found: Iterable[str], wanted: str | None) -> str | None:
    """Return the currency of a figure: the wanted one, else the only one found, else None.

    Raises:
        UsageError: when several were found and none is wanted.
    """
    names = sorted(found)
    if wanted is None and len(names) > 1:
        raise UsageError(f"costs in {' and '.join(names)} have no common total; ask for one: currency={names[0]!r}")
    return wanted or (names[0] if names else None)


def category_of(value: CostCategory | str, error: type[Exception] = UsageError) -> CostCategory:
    """Return the category of a value; raises ``error``, naming the nearest, when there is none."""
    try:
        return CostCategory(value)
    except ValueError:
        raise error(f"{value!r} is no category{near(str(value), [each.value for each in CostCategory])}") from None


def _sums(pairs: Iterable[tuple[_Key, Decimal]]) -> dict[_Key, Decimal]:
    groups: dict[_Key, list[Decimal]] = defaultdict(list)
    for key, amount in pairs:
        groups[key].append(amount)
    return {key: money.total(groups[key]) for key in sorted(groups)}


def require_text(name: str, value: object) -> None:
    """Check that a value is text that UTF-8 can hold.

    Raises:
        EntryError: naming it, when it is not.
    """
    if not isinstance(value, str):
        raise EntryError(f"{name} must be text, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise EntryError(f"{name} holds half a surrogate pair, which is no text: {value!r}") from None


def utc_timestamp(moment: datetime) -> datetime:
    """Return a time as naive UTC.

    Raises:
        EntryError: when it is none, or of no year that a cost can be of.
    """
    if not isinstance(moment, datetime):
        raise EntryError(f"timestamp must be a datetime, not {moment!r}")
    try:
        utc = to_utc(moment)
    except OverflowError:
        raise EntryError(f"timestamp {moment!r} leaves the calendar in UTC") from None
    if not FIRST_YEAR <= utc.year <= LAST_YEAR:
        raise EntryError(f"timestamp {moment!r} is no time of a cost; years from {FIRST_YEAR} to {LAST_YEAR} are taken")
    return utc.replace(fold=0)


def json_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as JSON holds it.

    Raises:
        EntryError: naming the key whose value JSON cannot hold.
    """
    if not isinstance(value, Mapping):
        raise EntryError(f"metadata must be a mapping, not {value!r}")
    return {key: _json(each, f"metadata[{key!r}]") for key, each in value.items() if _is_key(key, "metadata")}


def _json(value: Any, where: str) -> Any:
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str):
        require_text(where, value)
        return str(value)
    if isinstance(value, Mapping):
        return {key: _json(each, f"{where}[{key!r}]") for key, each in value.items() if _is_key(key, where)}
    if isinstance(value, (list, tuple)):
        return [_json(each, f"{where}[{number}]") for number, each in enumerate(value)]
    raise EntryError(f"{where} is {value!r}, which JSON cannot hold; give it as text")


def _is_key(key: object, where: str) -> bool:
    require_text(f"a key of {where}", key)
    return True


def _differs(kept: object, new: object) -> bool:
    """Whether two values of an entry differ; in metadata 1, 1.0 and True do."""
    if isinstance(new, dict):
        return json.dumps(kept, sort_keys=True) != json.dumps(new, sort_keys=True)
    return kept != new
