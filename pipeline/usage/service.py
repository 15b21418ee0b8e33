"""``BudgetTrackingService``: record usage, and ask what it came to. The actor comes first in every operation."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from pipeline import resources
from pipeline.actors import Actor, Permission
from pipeline.budgets.events import BUS, UsageRecorded
from pipeline.config import Settings, settings_of
from pipeline.errors import UsageError, WarehouseError, near
from pipeline.periods import BudgetPeriod, Window, label, parse_as_of, utc_now, window
from pipeline.rules import TENANT
from pipeline.store import rule_sql
from pipeline.store.base import logged
from pipeline.store.tagging import stored_rules
from pipeline.usage import answers
from pipeline.usage.answers import Cell, SpendTrend, UsageSummary
from pipeline.usage.log import shared
from pipeline.usage.pending import Pending, Used, used
from pipeline.usage.prices import RegisteredPrices
from pipeline.usage.record import Number, Pricer, UsageRecord, checked
from pipeline.usage.recording import Recording
from pipeline.usage.scopes import UsageScope

if TYPE_CHECKING:
    from pipeline.store.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: An answer may be this old (seconds), unless this process has recorded something that it counts.
CACHED_SECONDS = 60
#: How often the published copy may be renewed while one answer is made.
_TRIES = 20

_Answer = TypeVar("_Answer")


class More(TypedDict, total=False):
    """The fields of a record that ``record_llm_usage`` and ``record_image_usage`` take as they are."""

    cost: Number | None
    currency: str
    attribution: Mapping[str, str | None]
    tenant: str | None
    request_id: str | None
    parent_id: str | None
    variant: str | None
    success: bool
    time: datetime | None
    metadata: Mapping[str, Any]
    id: str | None


@dataclass(frozen=True)
class _Question:
    """All that an answer depends on: two askers who may see the same get the same."""

    all_tenants: bool
    tenant: str | None
    scope: UsageScope
    windows: tuple[Window, ...]

    def counts(self, record: Used) -> bool:
        """Whether a record is in the answer."""
        is_seen = self.all_tenants or record.tenant == self.tenant
        return is_seen and record.is_of(self.scope) and any(record.time in window for window in self.windows)

    @property
    def months(self) -> dict[str, str]:
        """The billing periods that its windows lie in."""
        last = max(window.end for window in self.windows) - timedelta(microseconds=1)
        return {"first": label(min(window.start for window in self.windows)), "last": label(last)}

    @property
    def parameters(self) -> dict[str, Any]:
        """What sql/usage/recorded.sql and records.sql are asked with."""
        return {
            **self.months,
            "starts": [window.start for window in self.windows],
            "ends": [window.end for window in self.windows],
            "kind": self.scope.kind,
            "id": self.scope.id,
            "tenant": self.tenant,
            "all_tenants": self.all_tenants,
        }


class BudgetTrackingService:
    """Records usage into the warehouse's usage log, and answers from the published copy and what is not yet loaded.

    Nothing here waits for the writer of the warehouse, nor for another process. Threads may share it.

    Args:
        settings: a configuration's, or the path of a warehouse: its configuration is found (``settings_of``).
        pricer: prices what is recorded without a cost; None: the prices of the configuration do.
    """

    def __init__(self, settings: Settings | Path | str, *, pricer: Pricer | None = None) -> None:
        self.settings = settings_of(settings)
        self._log = shared(self.settings.own_usage_log)
        self._pricer = pricer or RegisteredPrices(self.settings.prices)
        self._pending = Pending(self.settings.own_usage_log.path)
        self._cache: dict[_Question, tuple[float, list[Cell]]] = {}
        self._making: list[_Question] = []
        self._lock = threading.Lock()

    def record_usage(self, actor: Actor, usage: UsageRecord) -> UsageRecord:
        """Record one call and return it as it was kept; the operating system has it then.

        A record without a tenant is the actor's.

        Raises:
            NotPermittedError: when the actor may not write, or not for that tenant.
            EntryError: naming the field that cannot be taken.
            PriceError: when there is no cost, and no price for what was used.
            UsageLogError: when the log cannot be written; nothing was recorded.
        """
        return self.record_many(actor, [usage])[0]

    def record_many(self, actor: Actor, usages: Iterable[UsageRecord]) -> list[UsageRecord]:
        """Record many calls in one go: all of them, or none. Raises what ``record_usage`` does."""
        with logged("record_usage"):
            actor.require(Permission.WRITE, "record usage")
            kept = [self._kept(actor, usage) for usage in usages]
            self._log.append(kept)
            self._drop(kept)
        self._tell(actor, kept)
        return kept

    def record_llm_usage(
        self,
        actor: Actor,
        provider: str,
        model: str,
        *,
        input_tokens: Number | None = None,
        output_tokens: Number | None = None,
        cached_input_tokens: Number | None = None,
        operation: str = "chat_completion",
        **more: Unpack[More],
    ) -> UsageRecord:
        """Record a call of a language model, by its tokens. Raises what ``record_usage`` does."""
        tokens = {"input_tokens": input_tokens, "output_tokens": output_tokens}
        usage = UsageRecord(provider, operation, model, cached_input_tokens=cached_input_tokens, **tokens, **more)
        return self.record_usage(actor, usage)

    def record_image_usage(
        self,
        actor: Actor,
        provider: str,
        model: str,
        *,
        images: Number = 1,
        operation: str = "image_generation",
        **more: Unpack[More],
    ) -> UsageRecord:
        """Record images that were made. Raises what ``record_usage`` does."""
        return self.record_usage(actor, UsageRecord(provider, operation, model, images=images, **more))

    def recording(self, actor: Actor, provider: str, operation: str, **fields: Any) -> Recording:
        """Return what records a call around it: a context manager, or a decorator of a function; sync or async.

        Args:
            fields: of ``UsageRecord``, as far as they are known before the call, and ``usage``: what returns the
                others, given what a decorated function returned.
        """
        take = fields.pop("usage", None)
        return Recording(lambda usage: self.record_usage(actor, usage), provider, operation, fields, take)

    def get_usage_summary(
        self,
        actor: Actor,
        scope: UsageScope | str = "global",
        period: BudgetPeriod | Window | str = BudgetPeriod.MONTHLY,
        *,
        as_of: datetime | date | str | None = None,
        currency: str | None = None,
    ) -> UsageSummary:
        """Sum what was recorded in a window, as far as the actor sees it.

        Args:
            scope: ``global``, or one such as ``provider:openai``, ``model:gpt-4o``, ``team:search``.
            period: its window around ``as_of``, or a window of one's own.
            as_of: a UTC time, or a date as its end; default now. Records after that day are left out.
            currency: records in it only. Needed when there are several.

        Raises:
            NotPermittedError: when the actor may not read.
            UsageError: for an unknown scope or period, or records in several currencies.
            WarehouseError: when the published copy cannot be read.
        """
        with logged("get_usage_summary"):
            own, cut = _windows(period, 1, as_of)
            question = _question(actor, scope, cut)
            return answers.summary(str(question.scope), own[0], self._cells(question), currency)

    def list_usage(
        self,
        actor: Actor,
        scope: UsageScope | str = "global",
        period: BudgetPeriod | Window | str = BudgetPeriod.MONTHLY,
        *,
        as_of: datetime | date | str | None = None,
        limit: int = 100,
    ) -> list[Used]:
        """Return the newest records of a window, newest first; asked and raises as ``get_usage_summary``. Never cached."""
        with logged("list_usage"):
            if isinstance(limit, bool) or not 1 <= limit <= 100_000:
                raise UsageError(f"the limit is a number from 1 to 100000, not {limit!r}")
            question = _question(actor, scope, _windows(period, 1, as_of)[1])
            return self._at_once(partial(_newest, question, self._pending, limit))

    def get_spend_by_category(self, actor: Actor, *asked: Any, **how: Any) -> Mapping[str, Decimal]:
        """Return category -> cost; asked and raises as ``get_usage_summary``."""
        return self.get_usage_summary(actor, *asked, **how).by_category

    def get_spend_by_provider(self, actor: Actor, *asked: Any, **how: Any) -> Mapping[str, Decimal]:
        """Return provider -> cost; asked and raises as ``get_usage_summary``."""
        return self.get_usage_summary(actor, *asked, **how).by_provider

    def get_spend_by_model(self, actor: Actor, *asked: Any, **how: Any) -> Mapping[str, Decimal]:
        """Return model -> cost; asked and raises as ``get_usage_summary``."""
        return self.get_usage_summary(actor, *asked, **how).by_model

    def get_spend_by_operation(self, actor: Actor, *asked: Any, **how: Any) -> Mapping[str, Decimal]:
        """Return operation -> cost; asked and raises as ``get_usage_summary``."""
        return self.get_usage_summary(actor, *asked, **how).by_operation

    def get_spend_trend(
        self,
        actor: Actor,
        scope: UsageScope | str = "global",
        periods: int = 6,
        *,
        period: BudgetPeriod | str = BudgetPeriod.MONTHLY,
        as_of: datetime | date | str | None = None,
        currency: str | None = None,
    ) -> SpendTrend:
        """Return what the last ``periods`` windows came to, and whether that goes up.

        The last one holds ``as_of`` and goes as far as that day: ask with the end of a window to compare whole ones.
        Raises what ``get_usage_summary`` does, and UsageError for fewer than 2 periods or more than 1000.
        """
        with logged("get_spend_trend"):
            if isinstance(periods, bool) or not 2 <= periods <= 1000:
                raise UsageError(f"a trend is of 2 to 1000 periods, not of {periods!r}")
            own, cut = _windows(period, periods, as_of)
            question = _question(actor, scope, cut)
            return answers.trend(str(question.scope), own, self._cells(question), currency)

    def _kept(self, actor: Actor, usage: UsageRecord) -> UsageRecord:
        kept = checked(usage, self._log.new_id, self._pricer, tenant=actor.tenant)
        actor.require_sight(kept.tenant, "record usage of")
        return kept

    def _tell(self, actor: Actor, kept: Sequence[UsageRecord]) -> None:
        """Tell the subscribers of this process, after the records are safe and never in their way."""
        if BUS.is_heard(UsageRecorded.name):
            BUS.deliver(_recorded(actor, usage) for usage in kept)

    def _drop(self, kept: Sequence[UsageRecord]) -> None:
        """Drop the answers that count what was recorded, and those that are being made without it; waits for none."""
        with self._lock:
            if not self._cache and not self._making:
                return
            records = [used(each) for each in kept]
            for question in [each for each in self._cache if any(map(each.counts, records))]:
                del self._cache[question]
            self._making = [each for each in self._making if not any(map(each.counts, records))]

    def _cells(self, question: _Question) -> list[Cell]:
        """Return what an answer is made of, from the cache where that is young enough."""
        now = time.monotonic()
        with self._lock:
            self._cache = {each: held for each, held in self._cache.items() if held[0] > now}
            if question in self._cache:
                return self._cache[question][1]
            making = replace(question)
            self._making.append(making)
        found: list[Cell] | None = None
        try:
            found = self._read(question)
            return found
        finally:
            with self._lock:
                is_whole = any(each is making for each in self._making)
                self._making = [each for each in self._making if each is not making]
                if found is not None and is_whole:
                    self._cache[question] = (now + CACHED_SECONDS, found)

    def _read(self, question: _Question) -> list[Cell]:
        return self._at_once(partial(_cells, question, self._pending))

    def _at_once(self, read: Callable[[_Ask], _Answer]) -> _Answer:
        """Read what is stored, then what is not: a record that is loaded meanwhile is in exactly one of them."""
        from pipeline.store.readable import stored

        stable = self.settings.publish.path
        for _ in range(_TRIES):
            copy = os.path.realpath(stable)
            try:
                with stored(Path(copy), self.settings.warehouse) as warehouse:
                    found = read(partial(_rows, warehouse))
            except WarehouseError:
                if os.path.realpath(stable) == copy:
                    raise
                continue
            if os.path.realpath(stable) == copy:
                return found
        raise WarehouseError(f"{stable}: published anew again and again while it was read; try again")


def _recorded(actor: Actor, usage: UsageRecord) -> UsageRecorded:
    assert usage.time is not None
    assert usage.id is not None
    return UsageRecorded(
        at=usage.time,
        actor=actor.id,
        tenant=usage.tenant,
        record_id=usage.id,
        provider=usage.provider,
        model=usage.model,
        operation=usage.operation,
        cost=Decimal(str(usage.cost)),
        currency=usage.currency,
    )


_Ask = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]


def _rows(warehouse: Warehouse | None, name: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    if warehouse is None:
        return []
    tenant = rule_sql.effective_tag(stored_rules(warehouse))(TENANT)
    asked = resources.sql(f"usage/{name}").replace("/* x_TenantId */ NULL", tenant)
    return warehouse.rows(asked, dict(values) or None)


def _cells(question: _Question, pending: Pending, ask: _Ask) -> list[Cell]:
    cells = answers.stored_cells(ask("recorded", question.parameters))
    return [*cells, *answers.pending_cells(_not_stored(question, pending, ask), question.windows)]


def _newest(question: _Question, pending: Pending, limit: int, ask: _Ask) -> list[Used]:
    rows = ask("records", {**question.parameters, "limit": limit})
    found = [_used(*row) for row in rows]
    found += _not_stored(question, pending, ask)
    return sorted(found, key=lambda each: (each.time, each.id), reverse=True)[:limit]


def _used(
    id: str,
    time: datetime,
    cost: Decimal,
    currency: str,
    provider: str,
    operation: str,
    model: str | None,
    success: bool,
    tags: str,
    *quantities: Decimal,
) -> Used:
    """Return a row of sql/usage/records.sql as a record."""
    return Used(id, time, cost, currency, provider, operation, model, success, json.loads(tags), quantities)


def _not_stored(question: _Question, pending: Pending, ask: _Ask) -> list[Used]:
    """Return the records that an answer counts and that are not stored, told by the ledger and by their ids."""
    found = [each for each in pending.records(dict(ask("taken", {}))) if question.counts(each)]
    if not found:
        return []
    known = {row[0] for row in ask("known", {**question.months, "ids": [each.id for each in found]})}
    return [each for each in found if each.id not in known]


def _question(actor: Actor, scope: UsageScope | str, windows: Sequence[Window]) -> _Question:
    actor.require(Permission.READ, "read usage")
    tenant = None if actor.crosses_tenants else actor.tenant
    return _Question(actor.crosses_tenants, tenant, UsageScope.of(scope), tuple(windows))


def _windows(
    period: BudgetPeriod | Window | str, count: int, as_of: datetime | date | str | None
) -> tuple[list[Window], list[Window]]:
    """Return the windows up to the one that holds ``as_of``, and the same without what lies after its day."""
    moment = utc_now() if as_of is None else parse_as_of(as_of)
    if isinstance(period, Window):
        found = [period]
    else:
        kind = _period(period)
        found = [window(kind, moment)]
        while len(found) < count:
            found.insert(0, window(kind, found[0].start - timedelta(microseconds=1)))
    if any(each.end <= each.start for each in found):
        raise UsageError(f"the window ends ({found[0].end}) before it starts ({found[0].start})")
    until = moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return found, [Window(each.start, max(min(each.end, until), each.start)) for each in found]


def _period(value: BudgetPeriod | str) -> BudgetPeriod:
    try:
        return BudgetPeriod(value)
    except ValueError:
        raise UsageError(f"{value!r} is no period{near(str(value), [each.value for each in BudgetPeriod])}") from None
