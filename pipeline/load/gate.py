"""The gate: which deliveries must not replace what is loaded.

Each delivery is compared with the one before it that held: over time, the first one holds, and each later one that the
gate lets through (or somebody has accepted) takes its place. Whatever the order in which deliveries are found, what is
loaded is where that course ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cmp_to_key, partial
from itertools import groupby

from pipeline import money
from pipeline.config import SourceSettings
from pipeline.engines import staging
from pipeline.engines.mapping import Counts, Mapper
from pipeline.errors import MappingError
from pipeline.load import measures
from pipeline.load.measures import Compared, Measures
from pipeline.load.outcome import Job, fingerprint
from pipeline.sources.delivery import Delivery, Plan
from pipeline.store.loads import Current, Status
from pipeline.store.warehouse import Warehouse

#: Another billing period with fewer rows than this share of what is loaded for it is a file's fringe.
FRINGE = Decimal("0.05")
#: Days and accounts that a reason names; `costmill deliveries show` names all.
NAMED = 3


@dataclass(frozen=True)
class Judgement:
    """What the gate says of a delivery that goes in.

    Attributes:
        measured: what it was measured at.
        comparison: beside what is loaded.
        takes_over: it is the older one, and what is loaded would not have passed over it.
        accepted: it goes in only because somebody has said so now.
    """

    measured: Measures
    comparison: tuple[Compared, ...]
    takes_over: bool = False
    accepted: bool = False


class HeldBackError(Exception):
    """A delivery must not replace what is loaded: the transaction that has swapped it in is rolled back.

    ``repeated`` are its rows in batches that are loaded already.
    """

    def __init__(self, status: Status, reason: str, judgement: Judgement | None, repeated: int = 0) -> None:
        super().__init__(reason)
        self.status, self.reason, self.judgement, self.repeated = status, reason, judgement, repeated


def judge(
    warehouse: Warehouse,
    job: Job,
    plan: Plan,
    load_id: str,
    loaded: Current | None,
    before: Measures | None,
    after: Measures,
    *,
    accept: bool,
) -> Judgement:
    """Judge a delivery that stands in the rollups (``after``) against what it would replace (``before``).

    ``accept`` lets through what would be quarantined, never what is older.

    Raises:
        HeldBackError: when it must not replace it.
    """
    judgement = Judgement(after, measures.compare(before, after, job.source))
    if loaded is None or before is None or loaded.fingerprint == fingerprint(job.delivery, job.source):
        return judgement
    if is_older(job, loaded, plan):
        if accept or not _takes_over(warehouse, job, plan, loaded, before, after):
            raise HeldBackError("superseded", "older than what is loaded", judgement)
        return Judgement(after, judgement.comparison, takes_over=True)
    if not measures.shrunken(judgement.comparison) or _is_accepted(
        warehouse, job, fingerprint(job.delivery, job.source)
    ):
        return judgement
    if accept:
        return Judgement(after, judgement.comparison, accepted=True)
    what = words(judgement.comparison, job.period, job.source, fringe=job.fringe)
    reason = f"{job.delivery.name}: {what}; what is loaded stays; {advice(load_id)}"
    raise HeldBackError("quarantined", reason, judgement)


def advice(load_id: str) -> str:
    """Say what to do about a delivery that waits."""
    short = load_id[:8]
    return f"`costmill deliveries show {short}` compares the two, `costmill deliveries accept {short}` loads it"


def words(comparison: Sequence[Compared], period: str, source: SourceSettings, *, fringe: bool = False) -> str:
    """Say by what a delivery is less than what is loaded; the cost columns of a currency in one."""
    said = []
    for currency, group in groupby(measures.shrunken(comparison), lambda each: each.currency):
        costs = []
        for each in group:
            if each.measure == "rows":
                said.append(_words_of_rows(int(each.delivered), int(each.loaded or 0), period, source, fringe))
            elif each.gone:
                names = ", ".join(each.gone[:NAMED]) + (", …" if len(each.gone) > NAMED else "")
                said.append(f"{len(each.gone)} of {each.loaded} {each.measure} are gone ({names})")
            else:
                costs.append(each)
        said += [_words_of_costs(costs, currency)] if costs else []
    return "; ".join(said)


def _words_of_costs(costs: Sequence[Compared], currency: str | None) -> str:
    first, *others = costs
    new, old = money.text(first.delivered), money.text(first.loaded or money.ZERO)
    also = f", so {'are' if len(others) > 1 else 'is'} {', '.join(each.measure for each in others)}" if others else ""
    what = f"{first.measure} is {new} {currency or '(no currency)'}, {old} is loaded"
    return f"{what}: less by more than {first.allowed}{also}"


def _words_of_rows(new: int, old: int, period: str, source: SourceSettings, fringe: bool) -> str:
    what = f"{new} rows for {period}, {old} are loaded"
    if not new:
        return f"{what}: an empty delivery over a full one"
    if fringe and new < FRINGE * old:
        return f"{what}: the fringe of another billing period's file"
    return f"{what}: shrunken by more than {money.text(source.gate_rows * 100)}%"


def rejects_advice(source: str) -> str:
    """Say where the rejected rows of a source are told."""
    return f"`costmill status --rejected {source}` lists file, line, column and reason of each"


def require_mapped(job: Job, counts: Counts, mapper: Mapper, *, is_older: bool) -> None:
    """Check that no more rows are rejected than the source allows.

    Raises:
        MappingError: when there are more, or none has a billing period.
        HeldBackError: instead, when it is older than what is loaded: then nobody needs it.
    """
    try:
        _require_mapped(job, counts, mapper)
    except MappingError as error:
        if not is_older:
            raise
        raise HeldBackError("superseded", "older than what is loaded", None) from error


def _require_mapped(job: Job, counts: Counts, mapper: Mapper) -> None:
    advice = rejects_advice(job.source.name)
    if counts.read and not job.period:
        raise MappingError(
            f"{job.delivery.name}: none of its {counts.read} rows has a billing period that can be read"
            f"{_first_reject(job, mapper)}; nothing of them was loaded. {advice}"
        )
    rejected = counts.rejected - counts.torn  # a file that is being written is no worse for it
    if rejected > job.source.max_rejected * counts.read:
        raise MappingError(
            f"{job.delivery.name}: {rejected} of {counts.read} rows cannot be read, more than the source's "
            f"max_rejected ({job.source.max_rejected:%}) allows; nothing of them was loaded. {advice}"
        )


def _first_reject(job: Job, mapper: Mapper) -> str:
    """The first rejected row in words: its file where there are several, line (else record), column, value, reason."""
    for number, record, line, problem in mapper.rejects(job.period, job.unread, 1):
        column, value, reason = problem.split(staging.UNIT, 2)
        of = f" of {job.name_of(job.delivery.files[number])}" if len(job.delivery.files) > 1 else ""
        place = f"line {line}" if line else f"record {record}"
        return f"; the first, {place}{of}: {' '.join(part for part in (column, value and repr(value), reason) if part)}"
    return ""


# --- The course of a billing period's deliveries ---------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A delivery of a source and billing period in the ledger, with what it was measured at."""

    load_id: str
    fingerprint: str
    at: datetime
    status: Status
    measured: Measures
    accepted: bool


def entries(warehouse: Warehouse, source: str, period: str, *, after: datetime | None = None) -> list[Entry]:
    """Read the deliveries of a source and billing period that were measured (those later than ``after``), oldest first.

    A delivery that was mapped twice stands as it was mapped last; those that somebody has rejected stand not at all.
    """
    rows = warehouse.rows(
        """
        SELECT load_id, fingerprint, coalesce(delivered_at, modified_at) AS delivered, status,
            EXISTS (SELECT 1 FROM decisions AS d INNER JOIN loads AS same ON same.load_id = d.load_id
                WHERE d.decision = 'accepted' AND same.fingerprint = own.fingerprint
                AND same.x_Source = own.x_Source AND same.x_BillingPeriod = own.x_BillingPeriod)
        FROM loads AS own
        WHERE x_Source = $source AND x_BillingPeriod = $period AND status NOT IN ('refused', 'rejected')
            AND ($after IS NULL OR delivered > $after)
        QUALIFY row_number() OVER (PARTITION BY fingerprint ORDER BY loaded_at DESC) = 1
        ORDER BY delivered, loaded_at""",
        {"source": source, "period": period, "after": after},
    )
    found = [(row, measures.of_ledger(warehouse, row[0])) for row in rows]
    return [
        Entry(load_id, name, at, status, measured, accepted)
        for (load_id, name, at, status, accepted), measured in found
        if measured is not None
    ]


def passes(loaded: Measures, entry: Entry, source: SourceSettings) -> bool:
    """Whether a delivery of the ledger may replace what was measured at ``loaded``."""
    return entry.accepted or not measures.shrunken(measures.compare(loaded, entry.measured, source))


def _takes_over(warehouse: Warehouse, job: Job, plan: Plan, loaded: Current, before: Measures, after: Measures) -> bool:
    """Whether an older delivery goes in over what is loaded: the course with it does not end there any more.

    Not when what is loaded has replaced it once: then somebody has accepted that.
    """
    mine = fingerprint(job.delivery, job.source)
    if warehouse.value(
        "SELECT 1 FROM loads WHERE x_Source = ? AND x_BillingPeriod = ? AND fingerprint = ? AND status = 'replaced'",
        [job.source.name, job.period, mine],
    ):
        return False
    known = entries(warehouse, job.source.name, job.period)
    accepted = {each.fingerprint for each in known if each.accepted}
    at, held_at = job.delivery.delivered_at or job.delivery.modified_at, loaded.delivered_at or loaded.modified_at
    own = Entry("", mine, at, "superseded", after, mine in accepted)
    held = Entry(loaded.load_id, loaded.fingerprint, held_at, "loaded", before, loaded.fingerprint in accepted)
    known = [each for each in known if each.fingerprint not in (mine, loaded.fingerprint)]
    places = {fingerprint(each, job.source): place for place, each in enumerate(plan.deliveries)}
    course = sorted([*known, own, held], key=cmp_to_key(partial(_order, places)))
    ends, is_in = _course(course, own, job.source)
    return is_in and ends is not held


def _course(course: Sequence[Entry], own: Entry, source: SourceSettings) -> tuple[Entry, bool]:
    """Follow the deliveries in time: the one that holds at the end, and whether ``own`` held once."""
    holds, is_in = course[0], course[0] is own
    for entry in course[1:]:
        if passes(holds.measured, entry, source):
            holds, is_in = entry, is_in or entry is own
    return holds, is_in


def _is_accepted(warehouse: Warehouse, job: Job, mine: str) -> bool:
    return bool(
        warehouse.value(
            "SELECT 1 FROM decisions AS d INNER JOIN loads AS l ON l.load_id = d.load_id "
            "WHERE d.decision = 'accepted' AND l.x_Source = ? AND l.x_BillingPeriod = ? AND l.fingerprint = ?",
            [job.source.name, job.period, mine],
        )
    )


# --- Which is the newer one ------------------------------------------------------------------


def last(order: Sequence[str], name: str) -> int:
    """Return the last place of a fingerprint: contents may come back."""
    return len(order) - 1 - list(reversed(order)).index(name)


def is_older(job: Job, loaded: Current, plan: Plan) -> bool:
    """Whether what is loaded is the newer delivery: by the plan's order, else by the deliveries' times.

    A view that stands alone has been weighed against the other one already.
    """
    return (
        not job.delivery.alone
        and loaded.fingerprint != fingerprint(job.delivery, job.source)
        and _after(job.delivery, job.source, loaded, plan) < 0
    )


def is_newer(delivery: Delivery, source: SourceSettings, loaded: Current, plan: Plan) -> bool:
    """Whether a delivery is newer than what is loaded, by the same order."""
    return _after(delivery, source, loaded, plan) > 0


def _after(delivery: Delivery, source: SourceSettings, loaded: Current, plan: Plan) -> int:
    """-1 before what is loaded, 1 after it, 0 at the same time."""
    mine = fingerprint(delivery, source)
    order = [fingerprint(each, source) for each in plan.deliveries]
    if loaded.fingerprint in order:
        ours, theirs = last(order, mine), last(order, loaded.fingerprint)
        return (ours > theirs) - (ours < theirs)
    made = delivery.delivered_at or delivery.modified_at
    held = loaded.delivered_at or loaded.modified_at
    return (made > held) - (made < held)


def _order(places: Mapping[str, int], left: Entry, right: Entry) -> int:
    """Compare two deliveries in time: by their places in the plan, else by the deliveries' times."""
    if left.fingerprint in places and right.fingerprint in places:
        return places[left.fingerprint] - places[right.fingerprint]
    return (left.at > right.at) - (left.at < right.at)
