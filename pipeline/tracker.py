"""Record costs as they happen, and ask what they came to."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipeline.entries import CostCategory, CostEntry, CostSummary
from pipeline.errors import EntryError, UsageError, near
from pipeline.periods import BudgetPeriod, parse_as_of, utc_now, window
from pipeline.store.base import CostStore, Selection, category_of, logged, normalised

logger = logging.getLogger(__name__)


class CostTracker:
    """Records entries into a store and sums them. Threads may share it as far as they may share the store."""

    def __init__(self, store: CostStore) -> None:
        self.store = store

    def record(
        self,
        amount: Decimal | int | str | float,
        category: CostCategory | str,
        description: str = "",
        resource_id: str = "",
        tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        currency: str = "USD",
        timestamp: datetime | None = None,
        id: str | None = None,
    ) -> CostEntry:
        """Keep a cost and return it as it was kept.

        Args:
            amount: negative for a credit; a float by its shortest text (0.1 is exactly 0.1).
            category: or its value, such as ``"compute"``.
            tags: text to text.
            metadata: what JSON can hold.
            timestamp: default now; a naive one is UTC, an aware one is converted.
            id: default a new one. The same values under the same id again are kept once: give the timestamp with it.

        Raises:
            EntryError: when something of it cannot be taken, or the id stands for other values.
        """
        with logged("record"):
            entry = normalised(
                CostEntry(
                    amount=amount,  # type: ignore[arg-type] # normalised() makes it a Decimal
                    category=category_of(category, EntryError),
                    description=description,
                    resource_id=resource_id,
                    timestamp=utc_now() if timestamp is None else timestamp,
                    tags=tags or {},
                    metadata=metadata or {},
                    currency=currency,
                    id=uuid.uuid4().hex if id is None else id,
                )
            )
            self.store.save_entry(entry)
            return entry

    def get_summary(
        self,
        period: BudgetPeriod | str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        as_of: datetime | date | str | None = None,
        currency: str | None = None,
    ) -> CostSummary:
        """Sum what was recorded (and, on a warehouse, billed) in a window; everything when none is given.

        Args:
            period: its window around ``as_of``. Monthly, quarterly and yearly ones go by billing period.
            start, end: instead of a period: start inclusive, end exclusive, either may be left open.
            as_of: a UTC time, or a date as its end; default now. Entries after that day are left out, also by a period
                alone; with neither ``period`` nor ``as_of`` those dated in the future count.
            currency: entries in it only. Needed when there are several.

        Raises:
            UsageError: for a period together with start or end, a window that ends before it starts, an unknown period,
                or entries in several currencies.
        """
        with logged("get_summary"):
            return self.store.summarise(_selection(period, start, end, None, as_of, currency))

    def get_total(
        self,
        period: BudgetPeriod | str | None = None,
        category: CostCategory | str | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        as_of: datetime | date | str | None = None,
        currency: str | None = None,
    ) -> Decimal:
        """Return the total alone, of one category if given; otherwise as ``get_summary``."""
        with logged("get_total"):
            return self.store.summarise(_selection(period, start, end, category, as_of, currency)).total


def _selection(
    period: BudgetPeriod | str | None,
    start: datetime | None,
    end: datetime | None,
    category: CostCategory | str | None,
    as_of: datetime | date | str | None,
    currency: str | None,
) -> Selection:
    if period is not None and (start is not None or end is not None):
        raise UsageError("give a period, or start and end, not both")
    given = Selection.of(start, end, category)
    if given.start is not None and given.end is not None and given.end < given.start:
        raise UsageError(f"the window ends ({given.end}) before it starts ({given.start})")
    moment = utc_now() if as_of is None else parse_as_of(as_of)
    until = None if as_of is None and period is None else _end_of_day(moment)
    if period is None:
        return Selection(given.start, given.end, given.category, currency, until)
    kind = _period(period)
    bounds = window(kind, moment)
    return Selection(bounds.start, bounds.end, given.category, currency, until, kind.by_billing_period)


def _period(value: BudgetPeriod | str) -> BudgetPeriod:
    try:
        return BudgetPeriod(value)
    except ValueError:
        raise UsageError(f"{value!r} is no period{near(str(value), [each.value for each in BudgetPeriod])}") from None


def _end_of_day(moment: datetime) -> datetime:
    try:
        return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    except OverflowError:
        raise UsageError(f"{moment:%Y-%m-%d} is the calendar's last day; take an earlier as_of") from None
