"""What a run would load, told without doing it: the load as it is, on a private copy that is thrown away."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import money
from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.jobs import Listener, Night, RunResult
from pipeline.load import Limits, Outcome
from pipeline.load.limits import NO_LIMITS
from pipeline.load.rehearsed import rehearsed
from pipeline.night import usage_log
from pipeline.periods import utc_now
from pipeline.store import lists, private, rollups
from pipeline.store.warehouse import Warehouse

COLUMNS = (
    *("source", "period", "status", "rows", "rejected", "charges", "BilledCost_now", "BilledCost", "currency"),
    *("controls", "reason"),
)
#: The id under which the private copy notes what it does.
RUN_ID = "rehearsal"

_BILLED = """
SELECT x_Source, x_BillingPeriod, BillingCurrency, sum(BilledCost) FROM daily_costs WHERE x_Origin = 'billed' GROUP BY ALL"""
_CONTROLS = """
SELECT column_name, source_expression, file_total, charges_total, rejected_total FROM load_controls
WHERE load_id = ? AND BillingCurrency IS NOT DISTINCT FROM ? ORDER BY column_name, source_expression"""

_Key = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class Rehearsal:
    """What a run would do.

    Attributes:
        rows: the values of ``COLUMNS``, one row per delivery, billing period and currency.
        due: the billing periods whose summaries, budgets and reports would then be made anew.
        result: notes, warnings and the exit code (65 when a delivery would wait).
    """

    rows: tuple[tuple[object, ...], ...]
    due: tuple[str, ...]
    result: RunResult


def rehearse(
    settings: Settings,
    *,
    as_of: datetime | None = None,
    accept: bool = False,
    limits: Limits = NO_LIMITS,
    listen: Listener | None = None,
) -> Rehearsal:
    """Find, tell, group, stage, judge and prove what a run would load; writes nothing but a folder of its own.

    Raises:
        UsageError: when the configuration has no source.
        CostmillError: when the warehouse cannot be used.
    """
    settings.actor.require_operator("use `costmill run`")
    sources = usage_log.with_own(settings)
    if not settings.sources and not settings.own_usage_log.path.is_dir():
        raise UsageError("no source is configured; add one under `sources:` in costmill.yaml")
    moment = as_of or settings.as_of or utc_now()
    with tempfile.TemporaryDirectory(prefix="costmill-") as folder:
        path = Path(folder) / "costs.duckdb"
        private.copy(settings.warehouse, path, wait_seconds=settings.writer_wait_seconds)
        own = replace(settings, warehouse=path)
        with Warehouse.open(path, memory_limit=settings.memory_limit) as warehouse:
            lists.sync(warehouse, own)
            before = set(rollups.due(warehouse, "budgets"))
            billed = {row[:3]: row[3] for row in warehouse.rows(_BILLED)}
            night = _Night(warehouse, own, as_of=moment, run_id=RUN_ID, listen=listen)
            night.load(sources, accept=accept, whole=True, limits=limits)
            due = tuple(sorted(set(rollups.due(warehouse, "budgets")) - before))
            rows = tuple(row for outcome in night.result.outcomes for row in _rows(warehouse, outcome, billed))
            return Rehearsal(rows, due, night.finish_load())


class _Night(Night):
    """A night that says nothing of what would be found in its warehouse afterwards."""

    def tell_load(self, outcome: Outcome) -> None:
        """Note what would become of a delivery."""
        super().tell_load(rehearsed(outcome, by="a run", rejects="`costmill validate` shows the rows"))


def _rows(warehouse: Warehouse, outcome: Outcome, billed: Mapping[_Key, Decimal]) -> list[tuple[object, ...]]:
    key = (outcome.x_Source, outcome.x_BillingPeriod)
    status = outcome.status if outcome.is_new else f"{outcome.status} (known)"
    counts = (outcome.rows_read, outcome.rows_rejected, outcome.charges) if outcome.is_new else (None, None, None)
    totals: Mapping[str | None, Any] = (
        outcome.totals
        or _held_back(warehouse, outcome)
        or {currency: None for source, period, currency in billed if (source, period) == key}
    )
    return [
        (
            *(*key, status, *counts, billed.get((*key, currency)), total, currency),
            *(_controls(warehouse, outcome, currency), outcome.reason),
        )
        for currency, total in (totals or {None: None}).items()
    ]


def _held_back(warehouse: Warehouse, outcome: Outcome) -> dict[str | None, Decimal]:
    """BilledCost by currency of a delivery that the gate has measured and does not let in."""
    if outcome.status != "quarantined" or not outcome.is_new:
        return {}
    measured = (
        "SELECT BillingCurrency, delivered FROM load_measures WHERE load_id = ? AND measure = 'BilledCost' ORDER BY 1"
    )
    return dict(warehouse.rows(measured, [outcome.load_id]))


def _controls(warehouse: Warehouse, outcome: Outcome, currency: str | None) -> str | None:
    """Each money law as words: what the file says, what became charges, what was rejected."""
    if outcome.load_id is None or not outcome.is_new:
        return None
    rows = [row for row in warehouse.rows(_CONTROLS, [outcome.load_id, currency]) if row[2] is not None]
    laws_of = Counter(column for column, *_ in rows)
    laws = [
        f"{column}{f' ({of})' if laws_of[column] > 1 else ''} {money.text(total)} = {money.text(charged)} + "
        f"{money.text(rejected)} rejected"
        for column, of, total, charged, rejected in rows
    ]
    return "; ".join(laws) or None
