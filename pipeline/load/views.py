"""Actual and amortized exports of one month: two views of the same money, loaded as one delivery.

For each billing period the newest delivery of each view is paired. When both end on the same day and agree on the money
that is not of commitments, they are one joint delivery; else the one that goes further (the actual one on a tie) stands
alone, and the ledger says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from pipeline.config import SourceSettings
from pipeline.errors import CostmillError, UnreadableFileError
from pipeline.load.measures import Measures
from pipeline.load.outcome import Job, fingerprint
from pipeline.sources import find, formats, probe, views
from pipeline.sources.delivery import Delivery, Plan
from pipeline.sources.find import ExportFile
from pipeline.sources.profiles import Profile
from pipeline.sources.views import Kind
from pipeline.store import loads
from pipeline.store.loads import Current, Status
from pipeline.store.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: JSON lines that are read to tell their format; each may have its own columns.
_TELLING = 1000

_ARRIVED = {
    "amortized": "the amortized view has arrived: EffectiveCost is amortized now, before it was the actual cost",
    "actual": "the actual view has arrived: BilledCost is what was billed, before it was worked out from the amortized view",
}


@dataclass(frozen=True)
class _Side:
    """One billing period of a delivery: its view and what is known of its rows."""

    delivery: Delivery
    view: str
    kinds: tuple[Kind, ...]

    @property
    def last_day(self) -> str:
        return views.last_day(self.kinds)


#: A side with its delivery's place in the plan.
_Place = tuple[int, _Side]


@dataclass
class _Turn:
    """What a delivery of the plan gives way to, by its place: joint deliveries, and itself alone or not at all."""

    periods: set[str]
    given: set[str] = field(default_factory=set)
    joint: dict[Delivery, set[str]] = field(default_factory=dict)
    alone: str | None = None
    overruled: str | None = None

    def deliveries(self, own: Delivery) -> list[Delivery]:
        """What stands in the delivery's place, in order."""
        left = self.periods - self.given
        made = []
        if not self.given or left:
            made = [replace(own, alone=self.alone, only=frozenset(left) if self.given else own.only)]
        elif self.overruled:
            made = [replace(own, overruled=self.overruled)]
        return [*made, *(replace(both, only=frozenset(periods)) for both, periods in self.joint.items())]


class Views:
    """Pairs the views of one source's deliveries with each other, and with what is loaded."""

    def __init__(self, warehouse: Warehouse, source: SourceSettings, profiler: Callable[[ExportFile], Profile]) -> None:
        self.warehouse = warehouse
        self.source = source
        self.profiler = profiler

    def join(self, plan: Plan) -> Plan:
        """Return the plan with joint deliveries in place of those that are two views of a billing period."""
        parts = [number for number, each in enumerate(plan.deliveries) if not each.problem and self._has_views(each)]
        if not self._is_worth_it([plan.deliveries[number] for number in parts]):
            return plan
        sides = {number: self._sides(plan.deliveries[number]) for number in parts}
        turns = {number: _Turn(set(of_period)) for number, of_period in sides.items()}
        for period in sorted({period for of_period in sides.values() for period in of_period}):
            here = {number: of_period[period] for number, of_period in sides.items() if period in of_period}
            self._pair(period, here, turns)
        return replace(plan, deliveries=_in_order(plan.deliveries, turns))

    def reason(self, job: Job, loaded: Current | None) -> str | None:
        """Say why the charges of a billing period change though its bill may not: the other view has arrived, or left."""
        if job.delivery.alone or not job.delivery.views or loaded is None:
            return job.delivery.alone
        before = set(self._loaded_files(loaded).values())
        return _ARRIVED["actual" if before == {"amortized"} else "amortized"] if len(before) == 1 else None

    def comparable(self, job: Job, loaded: Current | None, before: Measures | None, after: Measures) -> Measures | None:
        """Return what the gate compares a delivery with: of the money, only the view that both state.

        A view that stands alone is compared with the rows of the same view; None where there are none.
        """
        files = self._loaded_files(loaded) if loaded else {}
        held = {"actual" if view == "both" else view for view in files.values()}
        if loaded is None or before is None or not held:
            return before
        if job.delivery.views:
            return before if len(held) > 1 else _of_view(next(iter(held)), before, after)
        view = self._view_of(job)
        if held == {view}:
            return before
        rows = self.warehouse.value(
            "SELECT CAST(sum(rows) AS BIGINT) FROM load_files WHERE load_id = ? AND x_View = ?", [loaded.load_id, view]
        )
        return None if rows is None else _of_view(view, replace(before, rows=rows), after)

    def _view_of(self, job: Job) -> str:
        """The view of a delivery that is not a joint one; without commitments it is the actual one."""
        view = self.warehouse.value("SELECT min(x_View) FROM staged WHERE x_BillingPeriod = ?", [job.period])
        return "actual" if view == "both" else str(view)

    def _has_views(self, delivery: Delivery) -> bool:
        if self.source.format not in ("auto", *(each.name for each in formats.FORMATS if each.views)):
            return False
        known = self.warehouse.value(
            "SELECT format FROM loads WHERE x_Source = ? AND fingerprint = ? AND format IS NOT NULL LIMIT 1",
            [self.source.name, fingerprint(delivery, self.source)],
        )
        try:
            path = delivery.files[0].path
            name = known or formats.detect(probe.probe(path, most=_TELLING).columns, str(path)).name
        except (CostmillError, IndexError):  # told when it is loaded
            return False
        return any(each.views for each in formats.FORMATS if each.name == name)

    def _is_worth_it(self, parts: Sequence[Delivery]) -> bool:
        """Whether there can be two views: looking into files that are known costs what reading them costs."""
        stated = {each.view for each in parts}
        if len(parts) > 1 and (None in stated or len(stated) > 1):
            return True
        loaded = self.warehouse.rows(
            "SELECT DISTINCT fingerprint FROM loads WHERE x_Source = ? AND status = 'loaded' "
            "AND load_id IN (SELECT load_id FROM load_files WHERE x_View IS NOT NULL)",
            [self.source.name],
        )
        return bool(parts) and bool({row[0] for row in loaded} - {fingerprint(each, self.source) for each in parts})

    def _sides(self, delivery: Delivery) -> dict[str, _Side]:
        """The views of a delivery by billing period; none where it cannot be read or has rows of both."""
        try:
            kinds = [kind for file in delivery.files for kind in self.profiler(file).kinds]
        except CostmillError as error:
            logger.debug("%s: no view told: %s", delivery.name, error)
            return {}
        sides = {}
        for period in {kind.period for kind in kinds if kind.period}:
            of_period = tuple(kind for kind in kinds if kind.period == period)
            view = delivery.view or views.told(of_period)
            if view != "mixed":
                sides[period] = _Side(delivery, "actual" if view == "both" else view, of_period)
        return sides

    def _pair(self, period: str, here: dict[int, _Side], turns: dict[int, _Turn]) -> None:
        """Pair a billing period's views as time went by: each delivery with the newest one of the other view."""
        newest: dict[str, tuple[int, _Side]] = {}
        joined: set[int] = set()
        for number, side in here.items():
            newest[side.view] = (number, side)
            if len(newest) == 2:
                places = {place for place, _ in newest.values()}
                for place in places:
                    turns[place].given.add(period)
                if _settle_pair(period, newest["actual"], newest["amortized"], turns):
                    joined |= places
                elif number == max(here):
                    _settle_apart(period, newest["actual"], newest["amortized"], turns, joined)
        if len(newest) == 1:
            [(number, side)] = newest.values()
            self._pair_with_loaded(period, number, side, turns)

    def _pair_with_loaded(self, period: str, number: int, side: _Side, turns: dict[int, _Turn]) -> None:
        loaded = loads.current(self.warehouse, self.source.name, period)
        if loaded is None or loaded.fingerprint == fingerprint(side.delivery, self.source):
            return
        files = self._loaded_files(loaded)
        other = [file for file, view in files.items() if (view == "amortized") == (side.view == "actual")]
        same = {file.sha256: file for file in files if file not in other}
        if not other or _is_older(side.delivery, same.values()):
            return
        turns[number].given.add(period)
        known = Delivery(tuple(other), loaded.delivered_at, max(file.modified_at for file in other))
        both = _joint(*((side.delivery, known) if side.view == "actual" else (known, side.delivery)))
        if (
            fingerprint(both, self.source) == loaded.fingerprint
        ):  # it is loaded already, with files that have gone since
            turns[number].joint.setdefault(both, set()).add(period)
        elif all(_is_there(file) for file in other):
            partner = _Side(known, _other(side.view), tuple(k for k in self._kinds(other) if k.period == period))
            self._settle_loaded(period, (number, side), partner, turns)
        else:
            apart = f"the {_other(side.view)} view's files are gone; deliver them again to join both"
            self._weigh(period, (number, side), self._loaded_through(period), turns, apart)

    def _settle_loaded(self, period: str, own: _Place, partner: _Side, turns: dict[int, _Turn]) -> None:
        number, side = own
        actual, amortized = (side, partner) if side.view == "actual" else (partner, side)
        apart = _apart(actual, amortized)
        if apart is None:
            turns[number].joint.setdefault(_joint(actual.delivery, amortized.delivery), set()).add(period)
        else:
            self._weigh(period, own, partner.last_day, turns, apart)

    def _weigh(self, period: str, own: _Place, through: str, turns: dict[int, _Turn], apart: str) -> None:
        """Let a delivery in alone over the other view that is loaded, or not: the later last day counts."""
        number, side = own
        if side.last_day > through or (side.last_day == through and side.view == "actual"):
            _stand_alone(period, own, turns, f"{side.view} view alone: {apart}")
        else:
            turns[number].overruled = f"the {_other(side.view)} view stays: {apart}"

    def _kinds(self, files: Iterable[ExportFile]) -> list[Kind]:
        return [kind for file in files for kind in self.profiler(file).kinds]

    def _loaded_files(self, loaded: Current) -> dict[ExportFile, str]:
        rows = self.warehouse.rows(
            "SELECT f.path, f.bytes, coalesce(p.modified_ns, 0), f.sha256, f.x_View FROM load_files AS f "
            "LEFT JOIN file_profiles AS p ON p.path = f.path WHERE f.load_id = ? AND f.x_View IS NOT NULL",
            [loaded.load_id],
        )
        return {ExportFile(Path(row[0]), *row[1:4]): row[4] for row in rows}

    def _loaded_through(self, period: str) -> str:
        through = self.warehouse.value(
            "SELECT usage_through FROM source_periods WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = 'billed'",
            [self.source.name, period],
        )
        return "" if through is None else f"{through - timedelta(days=1):%Y-%m-%d}"


def taken(delivery: Delivery, periods: Collection[str]) -> set[str]:
    """Return the billing periods of a delivery that are loaded from it."""
    return set(periods) if delivery.only is None else set(periods) & delivery.only


def verdict(job: Job) -> tuple[Status, str] | None:
    """Say why a view gives way to the other one, or None."""
    return ("superseded", job.delivery.overruled) if job.delivery.overruled else None


def _of_view(view: str, before: Measures, after: Measures) -> Measures:
    """Measures of which only the view's own cost column can differ: the others were worked out, not stated."""
    stated = "EffectiveCost" if view == "amortized" else "BilledCost"
    return replace(
        before, costs={**after.costs, **{key: cost for key, cost in before.costs.items() if key[1] == stated}}
    )


def _apart(actual: _Side, amortized: _Side) -> str | None:
    if actual.last_day != amortized.last_day:
        return (
            f"not joined, since the actual view goes to {actual.last_day} and the amortized one to {amortized.last_day}"
        )
    differs = views.disagreement(actual.kinds, amortized.kinds)
    return f"not joined, since {differs}" if differs else None


def _settle_pair(period: str, actual: _Place, amortized: _Place, turns: dict[int, _Turn]) -> bool:
    """Make a joint delivery of two views where they go together."""
    if _apart(actual[1], amortized[1]):
        return False
    both = _joint(actual[1].delivery, amortized[1].delivery)
    turns[max(actual[0], amortized[0])].joint.setdefault(both, set()).add(period)
    return True


def _settle_apart(
    period: str, actual: _Place, amortized: _Place, turns: dict[int, _Turn], joined: Collection[int]
) -> None:
    """Let one of two views stand alone; one that is joined with an older delivery of the other stays so."""
    apart = _apart(actual[1], amortized[1])
    wins, gives_way = (amortized, actual) if amortized[1].last_day > actual[1].last_day else (actual, amortized)
    if wins[0] not in joined:
        _stand_alone(period, wins, turns, f"{wins[1].view} view alone: {apart}")
    turns[gives_way[0]].overruled = f"the {wins[1].view} view stays: {apart}"


def _joint(actual: Delivery, amortized: Delivery) -> Delivery:
    stated = [each.delivered_at or each.modified_at for each in (actual, amortized)]
    return Delivery(
        (*amortized.files, *actual.files),
        max(stated) if actual.delivered_at or amortized.delivered_at else None,
        max(actual.modified_at, amortized.modified_at),
        views=(*("amortized" for _ in amortized.files), *("actual" for _ in actual.files)),
    )


def _stand_alone(period: str, own: _Place, turns: dict[int, _Turn], why: str) -> None:
    turn = turns[own[0]]
    turn.given.discard(period)
    turn.alone = why


def _in_order(planned: Sequence[Delivery], turns: dict[int, _Turn]) -> tuple[Delivery, ...]:
    """Put each delivery's turn in its place; what is overruled goes before all that stands alone over it."""
    made: list[Delivery] = []
    for number, each in enumerate(planned):
        made += turns[number].deliveries(each) if number in turns else [each]
    return tuple(sorted(made, key=lambda each: each.overruled is None))


def _is_older(delivery: Delivery, loaded: Iterable[ExportFile]) -> bool:
    """Whether what is loaded of the same view is newer than a delivery."""
    return any(file.modified_at > delivery.modified_at for file in loaded)


def _is_there(file: ExportFile) -> bool:
    try:
        return find.fingerprint_file(file.path, {}).sha256 == file.sha256
    except UnreadableFileError:
        return False


def _other(view: str) -> str:
    return "amortized" if view == "actual" else "actual"
