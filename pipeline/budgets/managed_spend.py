"""What managed budgets have spent: the charges that are stored, and the usage log's tails that are not.

Entries that ``CostTracker`` records are in the warehouse at once and in the published copy after the next run, so the
warehouse itself is read where nobody writes it, and the copy else. Nothing waits for the writer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pipeline import resources
from pipeline.budgets import alerts, billed, charges, evaluate, managed, managed_table, windows
from pipeline.budgets.alert_table import Alert, AlertKey
from pipeline.budgets.billed import Billed
from pipeline.budgets.crossings import Configs, read_configs
from pipeline.budgets.managed import Budget
from pipeline.budgets.model import BudgetStatus
from pipeline.budgets.spend import Books, Row
from pipeline.config import Settings
from pipeline.config.budgets import ScopeBudget
from pipeline.errors import UsageError, WarehouseError
from pipeline.money import text
from pipeline.periods import Window, label
from pipeline.store import publish
from pipeline.store.readable import if_free
from pipeline.store.warehouse import Warehouse
from pipeline.usage.own_log import is_bill
from pipeline.usage.pending import Pending, Used

#: So often a copy may be published anew while it is read.
_TRIES = 5
#: Name of the source of what the usage log has.
_LOG = "usage_log"


@dataclass(frozen=True)
class _State:
    """Which published copy there is, and how the warehouse's files stand: any write changes it."""

    copy: str
    files: tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True)
class _Held:
    """What was read of a state.

    Attributes:
        place: the hour whose windows are read, and the day up to which charges count.
        asked: ids of records that were looked for, beside those of the log's tails.
    """

    state: _State
    place: tuple[datetime, date]
    asked: frozenset[str]
    budgets: tuple[Budget, ...]
    counted: Mapping[str, tuple[ScopeBudget, Window]]
    rows: Mapping[str, Sequence[Row]]
    billed: Billed
    taken: Mapping[str, int]
    stored: frozenset[str]
    newest: Mapping[AlertKey, Alert]
    configs: Configs


@dataclass(frozen=True)
class Standing:
    """How managed budgets stand at a moment.

    Attributes:
        recent: usage that is recorded and not stored.
        is_recorded: whether the call that was asked for is.
    """

    held: _Held
    recent: Sequence[Used]
    settings: Settings
    moment: datetime
    is_recorded: bool = False

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """All of them, by tenant and id, disabled ones too."""
        return self.held.budgets

    def status(self, budget: Budget, and_used: Sequence[Used] = ()) -> BudgetStatus:
        """Judge a budget in its window, as a run would; a disabled one as if it were not.

        Args:
            and_used: calls that are not recorded, counted with it.
        """
        counted, window = self.held.counted[budget.budget_id]
        own = [each for each in (*self.recent, *and_used) if managed.counts(budget, each, self.held.billed)]
        recent = [(label(each.time), each.currency, _LOG, each.time, True, each.cost) for each in own]
        dated = [row for row in recent if row[3].date() <= self.moment.date()]
        currency = self.settings.currency
        books = Books(
            {budget.budget_id: [*self.held.rows[budget.budget_id], *dated]},
            self.moment,
            days={},
            rates=currency.rates if currency.report else {},
            rates_into=currency.report,
        )
        return evaluate.status(counted, window, books, None)

    def counting(self, call: Used) -> list[Budget]:
        """Return the enabled budgets that count a call."""
        return [each for each in self.budgets if each.enabled and managed.counts(each, call, self.held.billed)]

    def unfired(self, status: BudgetStatus) -> list[Alert]:
        """Return the alerts that the next evaluation would fire or reopen."""
        return alerts.unfired(self.held.newest, self.held.configs, status, self.moment)


class SpendReader:
    """Reads how managed budgets stand; what is stored is read once per state of the warehouse. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pending = Pending(settings.own_usage_log.path)
        self._held: _Held | None = None
        self._lock = threading.Lock()

    def read(self, moment: datetime, *, at: datetime | None = None, asked: str | None = None) -> Standing:
        """Return how the budgets stand at a moment.

        Args:
            at: the windows that hold it; None: the moment.
            asked: id of a record; whether it is recorded is looked for.

        Raises:
            UsageError: when the warehouse is not there or in use, and nothing is published.
            WarehouseError: when what is published cannot be read.
        """
        hour, stable = (at or moment).replace(minute=0, second=0, microsecond=0), self._settings.publish.path
        place, ids = (hour, moment.date()), frozenset([asked] if asked else [])
        with self._lock:
            for _ in range(_TRIES):
                copy, state = os.path.realpath(stable), self._state()
                held = self._held
                if held is None or (held.state, held.place) != (state, place) or not ids <= held.asked:
                    self._held = held = self._renewed(state, place, ids)
                recent = self._pending.records(held.taken)
                if os.path.realpath(stable) == copy:  # else segments may have been loaded and removed meanwhile
                    is_recorded = asked in held.stored or any(each.id == asked for each in recent)
                    fresh = [each for each in recent if each.id not in held.stored]
                    return Standing(held, fresh, self._settings, moment, is_recorded)
        raise WarehouseError(f"{stable}: published anew again and again while it was read; try again")

    def _state(self) -> _State:
        warehouse = self._settings.warehouse
        paths = (warehouse, warehouse.with_name(f"{warehouse.name}.wal"))
        return _State(os.path.realpath(self._settings.publish.path), tuple(map(_stamp, paths)))

    def _renewed(self, state: _State, place: tuple[datetime, date], ids: frozenset[str]) -> _Held:
        warehouse = if_free(self._settings.warehouse)
        if warehouse is not None:
            with warehouse:
                return _read(warehouse, state, place, ids, self._pending, is_bill=is_bill(self._settings))
        known = self._held  # somebody writes: what was read of the warehouse is as new as the copy, or newer
        if known is not None and (known.state.copy, known.place) == (state.copy, place) and ids <= known.asked:
            return known
        with publish.opened(self._settings.publish.path) as copy:
            return _read(copy, state, place, ids, self._pending, is_bill=is_bill(self._settings))


def lacking(budget: Budget, status: BudgetStatus) -> str:
    """Return which money keeps a budget from being counted, and what to do."""
    period, currency, cost = status.without_rate[0]
    return (
        f"budget {budget.id} is in {budget.currency}, and no rate converts {text(cost)} {currency} of {period} into it; "
        f'give currency.rates."{period}".{currency}'
    )


def require_known(budget: Budget, status: BudgetStatus) -> Decimal:
    """Return what a budget has spent.

    Raises:
        UsageError: when it is not known for want of a rate.
    """
    if status.current_spend is None:
        raise UsageError(lacking(budget, status))
    return status.current_spend


def _read(
    warehouse: Warehouse,
    state: _State,
    place: tuple[datetime, date],
    ids: frozenset[str],
    pending: Pending,
    *,
    is_bill: bool,
) -> _Held:
    hour, day = place
    budgets = tuple(managed_table.read(warehouse))
    known = billed.read(warehouse, pending=is_bill)
    counted = {}
    for budget in budgets:
        own = managed.as_budget(replace(budget, enabled=True), known)
        counted[budget.budget_id] = (own, windows.around(own, hour))
    taken: dict[str, int] = dict(warehouse.rows(resources.sql("usage/taken")))
    return _Held(
        state,
        place,
        ids,
        budgets,
        counted,
        charges.spent(warehouse, list(counted.values()), day),
        known,
        taken,
        _stored(warehouse, pending.records(taken), ids),
        alerts.newest_rows(warehouse, counted.values()),
        read_configs(warehouse),
    )


def _stored(warehouse: Warehouse, recent: Iterable[Used], ids: frozenset[str]) -> frozenset[str]:
    """Return the records of ``ids`` that are stored, and those beyond what is taken: moved, or written twice."""
    asked = [*ids, *(each.id for each in recent)]
    months = sorted(label(each.time) for each in recent)
    first, last = ("", "9999-12") if ids or not months else (months[0], months[-1])
    if not asked:
        return frozenset()
    rows = warehouse.rows(resources.sql("usage/known"), {"first": first, "last": last, "ids": asked})
    return frozenset(row[0] for row in rows)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
