"""What usage came to: answers over what is stored and what is not yet loaded, every sum exact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pipeline import money
from pipeline.periods import Window
from pipeline.store.base import one_currency
from pipeline.usage.pending import Used
from pipeline.usage.record import QUANTITIES

#: What has no provider, model or operation, such as entries of ``CostTracker.record``.
NONE = "(none)"
#: By how much the second half of a trend must differ from the first to be no longer stable.
STABLE = Decimal("0.1")

Direction = Literal["up", "down", "stable"]


@dataclass(frozen=True)
class Cell:
    """Records that are alike, summed: what answers are made of."""

    window_start: datetime
    category: str
    provider: str | None
    model: str | None
    operation: str | None
    currency: str
    success: bool
    records: int
    cost: Decimal
    quantities: tuple[Decimal, ...]
    is_pending: bool = False


def stored_cells(rows: Iterable[Sequence[Any]]) -> list[Cell]:
    """Return the rows of sql/usage/recorded.sql as cells."""
    cells = []
    for start, category, provider, model, operation, currency, success, records, cost, *quantities in rows:
        facts = (category, provider, model, operation, currency, success)
        cells.append(Cell(start, *facts, records, cost, tuple(quantities)))
    return cells


def pending_cells(records: Iterable[Used], windows: Sequence[Window]) -> list[Cell]:
    """Return records as cells of the windows that they lie in."""
    return [
        Cell(
            window.start,
            each.category,
            each.provider,
            each.model,
            each.operation,
            each.currency,
            each.success,
            1,
            each.cost,
            each.quantities,
            is_pending=True,
        )
        for each in records
        for window in windows
        if each.time in window
    ]


@dataclass(frozen=True)
class UsageSummary:
    """What was recorded in a window for a scope, in one currency. Recorded, not billed: the provider bills it later.

    Attributes:
        record_count: of which ``failed_count`` were no success, and ``pending_count`` are not yet loaded.
    """

    scope: str
    period_start: datetime
    period_end: datetime
    currency: str | None
    total: Decimal
    record_count: int
    failed_count: int
    pending_count: int
    input_tokens: Decimal
    output_tokens: Decimal
    cached_input_tokens: Decimal
    images: Decimal
    seconds: Decimal
    by_category: Mapping[str, Decimal]
    by_provider: Mapping[str, Decimal]
    by_model: Mapping[str, Decimal]
    by_operation: Mapping[str, Decimal]
    origin: str = "recorded"


@dataclass(frozen=True)
class SpendPoint:
    """What one window of a trend came to."""

    period_start: datetime
    period_end: datetime
    total: Decimal


@dataclass(frozen=True)
class SpendTrend:
    """Windows that follow one another, oldest first.

    Attributes:
        average: the total by the number of windows.
        direction: the second half of the windows against the first: ``stable`` within 10 %. The middle one of an odd
            number is in neither half.
        change: by how much the second half differs, in percent of the first; None when the first came to nothing.
    """

    scope: str
    currency: str | None
    points: tuple[SpendPoint, ...]
    total: Decimal
    average: Decimal
    direction: Direction
    change: Decimal | None
    origin: str = "recorded"


def summary(scope: str, window: Window, cells: Iterable[Cell], currency: str | None) -> UsageSummary:
    """Sum cells.

    Raises:
        UsageError: when they are in several currencies and none is asked for.
    """
    code, chosen = _of_currency(cells, currency)
    inputs, outputs, cached, images, seconds = (
        money.total(each.quantities[number] for each in chosen) for number in range(len(QUANTITIES))
    )
    return UsageSummary(
        scope=scope,
        period_start=window.start,
        period_end=window.end,
        currency=code,
        total=money.total(each.cost for each in chosen),
        record_count=sum(each.records for each in chosen),
        failed_count=sum(each.records for each in chosen if not each.success),
        pending_count=sum(each.records for each in chosen if each.is_pending),
        input_tokens=inputs,
        output_tokens=outputs,
        cached_input_tokens=cached,
        images=images,
        seconds=seconds,
        by_category=_by(chosen, lambda each: each.category),
        by_provider=_by(chosen, lambda each: each.provider),
        by_model=_by(chosen, lambda each: each.model),
        by_operation=_by(chosen, lambda each: each.operation),
    )


def trend(scope: str, windows: Sequence[Window], cells: Iterable[Cell], currency: str | None) -> SpendTrend:
    """Sum cells by window, and hold the second half against the first.

    Raises:
        UsageError: when they are in several currencies and none is asked for.
    """
    code, chosen = _of_currency(cells, currency)
    totals = [money.total(each.cost for each in chosen if each.window_start == window.start) for window in windows]
    half = len(totals) // 2
    first, second = money.total(totals[:half]), money.total(totals[len(totals) - half :])
    direction: Direction = "stable"
    if abs(second - first) > money.product(first, STABLE):
        direction = "up" if second > first else "down"
    total = money.total(totals)
    return SpendTrend(
        scope,
        code,
        tuple(SpendPoint(own.start, own.end, sum_) for own, sum_ in zip(windows, totals, strict=True)),
        total,
        money.ratio(total, Decimal(len(totals)), money.SCALE) or money.ZERO,
        direction,
        money.percent(second - first, first),
    )


def _of_currency(cells: Iterable[Cell], currency: str | None) -> tuple[str | None, list[Cell]]:
    given = list(cells)
    code = one_currency({each.currency for each in given}, currency)
    return code, [each for each in given if each.currency == code]


def _by(cells: Iterable[Cell], key: Callable[[Cell], str | None]) -> dict[str, Decimal]:
    groups: dict[str, list[Decimal]] = defaultdict(list)
    for each in cells:
        groups[key(each) or NONE].append(each.cost)
    return {name: money.total(groups[name]) for name in sorted(groups)}
