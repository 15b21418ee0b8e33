"""The state of a source's billing period: open, final, or restated after it was final; with its history.

A period is final when its bill is invoiced, or when somebody closes it; a later delivery that changes its money is
loaded, and marked. Nothing is guessed for providers that name no invoice: their periods stay open until closed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pipeline import money, periods
from pipeline.periods import utc_now
from pipeline.store import loads, rollups
from pipeline.store.loads import Load
from pipeline.store.warehouse import Warehouse

Event = Literal["final", "closed", "reopened", "restated", "unloaded"]

_OWN = "x_Source = ? AND x_BillingPeriod = ? AND x_Origin = 'billed'"
_SERVICES = f"""
SELECT BillingCurrency, SubAccountId, ServiceName, sum(BilledCost) AS billed, sum(EffectiveCost) AS effective
FROM daily_costs WHERE {_OWN} GROUP BY ALL HAVING sum(BilledCost) <> 0 OR sum(EffectiveCost) <> 0 ORDER BY ALL"""
_COSTS = f"SELECT BillingCurrency, sum(BilledCost) FROM daily_costs WHERE {_OWN} GROUP BY ALL ORDER BY ALL"
_INVOICED = f"""
SELECT coalesce(sum(x_InvoicedCount) FILTER (WHERE InvoiceId IS NOT NULL), 0),
    coalesce(sum(x_InvoicedCount) FILTER (WHERE InvoiceId IS NULL), 0)
FROM invoice_costs WHERE {_OWN}"""
#: Billing periods that a run restated or brought back; with ``since_last_run`` also those that commands did since the last
#: run that is noted. What happened to one after that (it was closed) has the last word.
_RESTATED = """
SELECT e.x_Source, e.x_BillingPeriod, e.event, s.final_costs, e.costs, s.final_by = 'invoice' AND NOT EXISTS (
    SELECT 1 FROM invoice_costs AS i
    WHERE i.x_Source = e.x_Source AND i.x_BillingPeriod = e.x_BillingPeriod AND i.InvoiceId IS NOT NULL)
FROM (
    SELECT * FROM period_events
    QUALIFY row_number() OVER (PARTITION BY x_Source, x_BillingPeriod ORDER BY happened_at DESC) = 1
) AS e INNER JOIN period_states AS s USING (x_Source, x_BillingPeriod)
WHERE (e.event = 'restated' OR (e.event = 'final' AND e.note = $back))
    AND (e.run_id = $run_id OR ($since_last_run AND e.happened_at > (
        SELECT max(ended_at) FROM runs
        WHERE (command = 'run' OR starts_with(command, 'run load ')) AND run_id <> $run_id)))
ORDER BY e.happened_at"""
#: The note of the event that makes a billing period final again.
BACK = "the bill is as it was when it became final"


@dataclass(frozen=True)
class PeriodState:
    """A row of ``period_states``; the column comments there say what each is."""

    x_Source: str
    x_BillingPeriod: str
    state: str
    costs_hash: str
    final_by: str | None = None
    final_at: datetime | None = None
    note: str | None = None
    final_costs: str | None = None
    final_hash: str | None = None


def note_load(warehouse: Warehouse, load: Load) -> None:
    """Judge a billing period anew after a load, inside its transaction: final by its invoice, or restated after final.

    One that comes back to what it was when it became final is final again.
    """
    source, period = load.x_Source, str(load.x_BillingPeriod)
    former = read(warehouse, source, period)
    now = PeriodState(source, period, "open", _hash(warehouse, source, period))
    if former is not None and former.state != "open":
        if former.costs_hash != now.costs_hash:
            is_back = now.costs_hash == former.final_hash
            _write(warehouse, replace(former, state="final" if is_back else "restated", costs_hash=now.costs_hash))
            event: Event = "final" if is_back else "restated"
            _record(warehouse, now, event, load.run_id, load.load_id, BACK if is_back else None)
        return
    made = load.delivered_at or load.modified_at
    if not _is_invoiced(warehouse, source, period, made):
        _write(warehouse, now, is_new=former is None)
        return
    _write(warehouse, _final(warehouse, now, "invoice", made, None), is_new=former is None)
    _record(warehouse, now, "final", load.run_id, load.load_id, None)


def catch_up(warehouse: Warehouse, run_id: str) -> None:
    """Judge the billing periods that an older version loaded; writes nothing when there are none."""
    unjudged = warehouse.rows(
        "SELECT x_Source, x_BillingPeriod, load_id, coalesce(delivered_at, modified_at) FROM source_periods AS p "
        "WHERE x_Origin = 'billed' AND load_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM period_states AS s "
        "WHERE s.x_Source = p.x_Source AND s.x_BillingPeriod = p.x_BillingPeriod) ORDER BY ALL"
    )
    if not unjudged:
        return
    with warehouse.transaction():
        for source, period, load_id, made in unjudged:
            now = PeriodState(source, period, "open", _hash(warehouse, source, period))
            if not _is_invoiced(warehouse, source, period, made):
                _write(warehouse, now)
                continue
            _write(warehouse, _final(warehouse, now, "invoice", made, None))
            _record(warehouse, now, "final", run_id, load_id, None)
            rollups.mark_reports(warehouse, period)
        rollups.touch(warehouse)


def close(
    warehouse: Warehouse, period: str, sources: Sequence[str], *, at: datetime, run_id: str, note: str | None
) -> list[str]:
    """Close a billing period of the ``sources``; returns those that it was not final of. What was restated is accepted."""
    closed = []
    with warehouse.transaction():
        for source in sources:
            former = read(warehouse, source, period)
            if former is not None and former.state == "final":
                continue
            now = PeriodState(source, period, "open", _hash(warehouse, source, period))
            _write(warehouse, _final(warehouse, now, "closed", at, note))
            _record(warehouse, now, "closed", run_id, _load_id(warehouse, source, period), note)
            closed.append(source)
        if closed:
            rollups.mark_reports(warehouse, period)
    return closed


def reopen(warehouse: Warehouse, period: str, sources: Sequence[str], *, run_id: str, note: str | None) -> list[str]:
    """Open a billing period of the ``sources`` again; returns those that it was not open of."""
    opened = []
    with warehouse.transaction():
        for source in sources:
            former = read(warehouse, source, period)
            if former is None or former.state == "open":
                continue
            now = PeriodState(source, period, "open", _hash(warehouse, source, period))
            _write(warehouse, now)
            _record(warehouse, now, "reopened", run_id, _load_id(warehouse, source, period), note)
            opened.append(source)
        if opened:
            rollups.mark_reports(warehouse, period)
    return opened


def note_unloaded(warehouse: Warehouse, source: str, period: str, run_id: str) -> None:
    """Note that a billing period was taken out, inside the caller's transaction; one that was final stays known as such."""
    former = read(warehouse, source, period)
    if former is None or former.state == "open":
        warehouse.execute("DELETE FROM period_states WHERE x_Source = ? AND x_BillingPeriod = ?", [source, period])
    _record(warehouse, PeriodState(source, period, "open", ""), "unloaded", run_id, None, None)


def read(warehouse: Warehouse, source: str, period: str) -> PeriodState | None:
    """Return the state of a source's billing period; None when it was never judged."""
    rows = warehouse.rows(
        f"SELECT {', '.join(PeriodState.__dataclass_fields__)} FROM period_states "
        "WHERE x_Source = ? AND x_BillingPeriod = ?",
        [source, period],
    )
    return PeriodState(*rows[0]) if rows else None


def sources(warehouse: Warehouse, period: str) -> list[str]:
    """Return the sources of which a billing period is loaded, A to Z."""
    rows = warehouse.rows(
        "SELECT x_Source FROM source_periods WHERE x_BillingPeriod = ? AND x_Origin = 'billed' ORDER BY 1", [period]
    )
    return [row[0] for row in rows]


def restated_lines(warehouse: Warehouse, run_id: str, *, since_last_run: bool = False) -> list[str]:
    """Say what a run changed in billing periods that were final: one line each."""
    given = {"run_id": run_id, "since_last_run": since_last_run, "back": BACK}
    return [f"{row[0]} {row[1]}: {_restated(*row)}" for row in warehouse.rows(_RESTATED, given)]


def _restated(source: str, period: str, event: Event, final: str | None, costs: str, is_left_over: bool) -> str:
    if event == "final":
        return f"final again: {BACK}, {_told(costs)}"
    now, was = _told(costs), _told(final)
    what = f"billed {now}, was {was} when it became final"
    if costs_of(costs) == costs_of(final):
        what = (
            f"billed {now} as when it became final, but by account, service or effective cost it differs "
            f"(`costmill restatements --source {source} --period {period}`)"
        )
    if is_left_over:
        what += "; no charge names an invoice now, so this may be an older copy that was left over: take its file away"
    return f"restated after final: {what}; `costmill close {period} --source {source}` takes it as it is now"


def costs_of(text: str | None) -> dict[str | None, Decimal]:
    """Read what ``final_costs`` and ``costs`` hold; charges that state no currency are under None."""
    return {code or None: Decimal(amount) for code, amount in json.loads(text or "{}").items()}


def _told(costs: str | None) -> str:
    both = costs_of(costs).items()
    return " and ".join(f"{amount:,.2f} {code or '(no currency)'}" for code, amount in both) or "nothing"


def _hash(warehouse: Warehouse, source: str, period: str) -> str:
    return hashlib.sha256(repr(warehouse.rows(_SERVICES, [source, period])).encode()).hexdigest()[:16]


def _costs(warehouse: Warehouse, source: str, period: str) -> str:
    rows = warehouse.rows(_COSTS, [source, period])
    return json.dumps({currency or "": money.text(amount) for currency, amount in rows})


def _is_invoiced(warehouse: Warehouse, source: str, period: str, made: datetime) -> bool:
    """Whether every charge that can stand on an invoice names one, in a delivery made after the period's end."""
    [(invoiced, not_yet)] = warehouse.rows(_INVOICED, [source, period])
    return bool(invoiced) and not not_yet and made >= periods.month(period).end


def _final(warehouse: Warehouse, state: PeriodState, by: str, at: datetime, note: str | None) -> PeriodState:
    costs = _costs(warehouse, state.x_Source, state.x_BillingPeriod)
    return replace(
        state, state="final", final_by=by, final_at=at, note=note, final_costs=costs, final_hash=state.costs_hash
    )


def _load_id(warehouse: Warehouse, source: str, period: str) -> str | None:
    found: str | None = warehouse.value(f"SELECT load_id FROM source_periods WHERE {_OWN}", [source, period])
    return found


def _write(warehouse: Warehouse, state: PeriodState, *, is_new: bool = False) -> None:
    """Write a billing period's state; of one that ``is_new`` none is there, and to look for it takes longer than to write."""
    names = ", ".join(state.__dataclass_fields__)
    marks = ", ".join("?" for _ in state.__dataclass_fields__)
    values = [getattr(state, name) for name in state.__dataclass_fields__]
    insert = "INSERT" if is_new else "INSERT OR REPLACE"
    warehouse.execute(f"{insert} INTO period_states ({names}) VALUES ({marks})", values)


def _record(
    warehouse: Warehouse, state: PeriodState, event: Event, run_id: str, load_id: str | None, note: str | None
) -> None:
    row = {"x_Source": state.x_Source, "x_BillingPeriod": state.x_BillingPeriod, "happened_at": utc_now()}
    row |= {"run_id": run_id, "event": event, "load_id": load_id, "note": note}
    costs = _costs(warehouse, state.x_Source, state.x_BillingPeriod)
    loads.insert(warehouse, "period_events", {**row, "costs": costs})
