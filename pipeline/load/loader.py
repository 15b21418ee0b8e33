"""Load a source: plan its deliveries, skip the known ones, and let each new one in, or refuse it and go on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from pipeline.config import CacheSettings, SourceSettings
from pipeline.engines import priced, records
from pipeline.engines.failures import as_export_errors
from pipeline.engines.mapping import Counts, Mapper
from pipeline.engines.reading import Reader
from pipeline.engines.staged import Staged
from pipeline.errors import (
    CostmillError,
    ExportError,
    MappingError,
    UnpricedError,
    UnreadableFileError,
    UsageError,
)
from pipeline.load import batches, decisions, gate, measures, origins, quarantine, roles, unload, views, waiting
from pipeline.load.gate import Judgement
from pipeline.load.limits import NO_LIMITS, Limits
from pipeline.load.measures import Measures
from pipeline.load.notes import ledger_notes
from pipeline.load.outcome import Job, Outcome, fingerprint, outcome
from pipeline.load.planning import Planner
from pipeline.load.tools import Tools
from pipeline.load.verdicts import Verdicts
from pipeline.pricing.registry import PricingRegistry
from pipeline.sources import find
from pipeline.sources.delivery import Delivery, Mode, Plan
from pipeline.store import loads
from pipeline.store.loads import Load
from pipeline.store.warehouse import Warehouse


class Loader:
    """Loads sources into an open warehouse. One per run; use as a context manager."""

    def __init__(
        self,
        warehouse: Warehouse,
        *,
        run_id: str,
        reported_keys: Sequence[str] = (),
        accept: bool = False,
        cache: CacheSettings | None = None,
        note: str | None = None,
        limits: Limits = NO_LIMITS,
        prices: PricingRegistry | None = None,
    ) -> None:
        self.warehouse = warehouse
        self._prices = prices or PricingRegistry()
        self.run_id = run_id
        self.accept = accept
        self.note = note
        self._revives = False
        self.limits = limits
        self._tools = Tools(warehouse, reported_keys)
        self._planner = Planner(warehouse, self._tools, cache)
        self._verdicts = Verdicts(warehouse, self._tools, run_id)

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            quarantine.sweep(self.warehouse)
        self._tools.close()
        self._planner.close()

    def load(
        self, source: SourceSettings, patterns: Sequence[str], mode: Mode = "auto", *, whole: bool = False
    ) -> Iterator[Outcome]:
        """Load what is new of a source, oldest delivery first; yields one outcome per delivery and billing period.

        ``whole`` says that the patterns are all of the source (none: it has nothing now): verdicts on deliveries that are
        gone are then closed, and to accept what waits is not to accept what was rejected.
        """
        self._revives = self.accept and not whole
        try:
            found = self._planner.plan(patterns, mode, grows=source.grows) if patterns else Plan((), ())
            plan = self._views(source).join(found)
        except CostmillError as error:
            yield self._verdicts.refuse_source(source, patterns, error)
            return
        plan = self._undecided(source, plan)
        seen = list(plan.deliveries)
        for file, broken in plan.refused:
            lost = Delivery((file,), None, file.modified_at, problem=str(broken))
            seen.append(lost)
            yield from self._known(source, lost) or [self._verdicts.refuse(source, lost, broken, 0.0)]
        held = []
        for each in plan.deliveries:
            for told in self._load_once(source, each, plan):
                self._keep(source, each, told)
                if told.waits:  # told last: a newer delivery of this run may follow it
                    held.append((each, told))
                else:
                    yield told
        for each, told in held:
            yield waiting.followed(self.warehouse, source, each, told, plan)
        if whole:
            present = {fingerprint(each, source): each.delivered_at or each.modified_at for each in seen}
            if waiting.close_gone(self.warehouse, source.name, present):
                yield from waiting.kept(self.warehouse, source.name, present)

    def _undecided(self, source: SourceSettings, plan: Plan) -> Plan:
        """Return the plan without what could not be told apart and somebody has loaded since, by ``--delivery``."""
        decided = [each for each in plan.deliveries if each.undecided and self._planner.all_taken(source, each.files)]
        for each in decided:
            waiting.close_refused(self.warehouse, source, each, "decided with --delivery")
        return replace(plan, deliveries=tuple(each for each in plan.deliveries if each not in decided))

    def load_kept(self, load_id: str, source: SourceSettings | None = None) -> Outcome:
        """Load a delivery that waits from the copies of what was judged, under the source's settings of today if given.

        Raises:
            UsageError: when there are no copies.
        """
        kept = quarantine.kept(self.warehouse, load_id)
        if kept is None:
            raise UsageError(f"{load_id}: its files are not in {quarantine.folder(self.warehouse)}")
        settings = kept.under(source) if source else kept.source
        period = self.warehouse.value("SELECT x_BillingPeriod FROM loads WHERE load_id = ?", [load_id])
        plan = Plan((kept.delivery,), ())
        [told] = self._load_new(settings, kept.delivery, plan, only=period, names=kept.names)
        if told.status == "loaded" and told.load_id != load_id:  # another mapping by now: another row
            waiting.close(self.warehouse, load_id, period, f"loaded as {told.load_id}")
        return told

    def _keep(self, source: SourceSettings, delivery: Delivery, told: Outcome) -> None:
        """Keep what a former run put into quarantine without copies: before there were any, or what it sent back."""
        if told.status == "quarantined" and told.load_id and not told.is_new:
            with contextlib.suppress(quarantine.CannotKeepError):
                quarantine.keep(self.warehouse, told.load_id, source, delivery)

    def plan(self, patterns: Sequence[str], mode: Mode = "auto") -> Plan:
        """Group files into deliveries as ``load`` would.

        Raises:
            CostmillError: when they cannot be found or grouped.
        """
        return self._planner.plan(patterns, mode)

    def tools(self) -> tuple[Reader, Mapper]:
        """The reader and the mapper of this run."""
        return self._tools.heavy()

    def _known(self, source: SourceSettings, delivery: Delivery) -> list[Outcome]:
        return self._verdicts.known(source, delivery, accept=self.accept, revives=self._revives)

    def _load_once(self, source: SourceSettings, delivery: Delivery, plan: Plan) -> Iterator[Outcome]:
        known = self._known(source, delivery)
        anew = self._anew(source, delivery)
        if anew:
            unload.release(self.warehouse, source.name, anew)
            yield from (former for former in known if former.x_BillingPeriod not in anew)
            yield from self._load_new(source, delivery, plan, {former.x_BillingPeriod for former in known} - anew)
        elif known and self._verdicts.is_unfinished(source, delivery):
            yield from (former for former in known if former.waits)
            yield from self._load_new(source, delivery, plan, {former.x_BillingPeriod for former in known})
        elif known and not any(self._is_back(source, delivery, former, plan) for former in known):
            yield from known
        else:
            loaded = {former.x_BillingPeriod for former in known if former.status == "loaded"}
            yield from self._load_new(source, delivery, plan, loaded)

    def _is_back(self, source: SourceSettings, delivery: Delivery, former: Outcome, plan: Plan) -> bool:
        """Whether a delivery that another one has replaced is the newest again: a file was put back as it was."""
        if delivery.overruled or former.status not in ("replaced", "superseded") or former.x_BillingPeriod is None:
            return False
        if self._has_batches(source, former.x_BillingPeriod):  # they are added up: no delivery stands for the others
            return False
        if former.x_BillingPeriod in self._held_back(source, delivery):
            return False
        loaded = loads.current(self.warehouse, source.name, former.x_BillingPeriod)
        if loaded is None or loaded.fingerprint == fingerprint(delivery, source):
            return False
        return gate.is_newer(delivery, source, loaded, plan)

    def _has_batches(self, source: SourceSettings, period: str) -> bool:
        return bool(
            self.warehouse.value(
                "SELECT 1 FROM load_batches WHERE x_Source = ? AND x_BillingPeriod = ? LIMIT 1", [source.name, period]
            )
        )

    def _anew(self, source: SourceSettings, delivery: Delivery) -> set[str | None]:
        """The billing periods of a known delivery that are asked for again."""
        if not self.limits.again:
            return set()
        former = loads.known(self.warehouse, source.name, fingerprint(delivery, source), self._tools.mappings)
        return {each.x_BillingPeriod for each in former if self.limits.reload(each)}

    def _held_back(self, source: SourceSettings, delivery: Delivery) -> set[str]:
        """The billing periods that a delivery was unloaded of by hand."""
        return unload.held_back(self.warehouse, source.name, [file.sha256 for file in delivery.files])

    def _load_new(
        self,
        source: SourceSettings,
        delivery: Delivery,
        plan: Plan,
        done: Collection[str | None] = (),
        *,
        only: str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Iterator[Outcome]:
        """Load the billing periods of a delivery that are not ``done``, or the one asked for by ``only``."""
        started = time.monotonic()
        if delivery.period and not self.limits.hold(delivery.period):
            yield self._outside(source, delivery, delivery.period, 0)
            return
        try:
            if delivery.problem:
                raise ExportError(delivery.problem)
            reader, mapper = self._tools.heavy()
            with find.called_by_name(delivery.files), as_export_errors(delivery.name):
                self._planner.bring(delivery.files)
                staged = reader.stage(delivery.files, source.keep_columns)
                _require_format(source, staged)
                origins.require(self.warehouse, source, staged)
                priced.settle(self.warehouse, staged, self._prices)
                records.settle(reader, self.warehouse, staged, source.name)
                roles.settle(reader, mapper, staged, delivery)
                mapper.measure(staged)
                periods = mapper.period_rows()
                mapper.prepare(staged)
        except ExportError as error:
            yield self._verdicts.refuse(source, delivery, error, time.monotonic() - started)
            return
        main = next(iter(periods), None)
        if not periods and delivery.period:
            periods = {delivery.period: 0}
        if not periods:
            yield self._verdicts.nothing(source, delivery, staged)
        self._verdicts.note_unfinished(source, delivery, is_unfinished=len(periods) > 1 and only is None)
        asked = {only} if only is not None else views.taken(delivery, periods) - set(done)
        outside = {period for period in asked if not self.limits.hold(period)}
        for period in sorted(outside):
            yield self._outside(source, delivery, period, periods[period])
        told = []
        for period in sorted(asked - outside):
            is_fringe = main not in (None, period)
            job = Job(source, delivery, staged, period, unread=period == main, fringe=is_fringe, names=names or {})
            told.append(self._load_period(job, plan, started))
            yield told[-1]
            started = time.monotonic()
        self._verdicts.note_unfinished(source, delivery, is_unfinished=bool(outside))
        for each in told if only is None else ():
            if each.status == "loaded" and each.x_BillingPeriod is not None:
                yield from self._release(source, each.x_BillingPeriod)

    def _release(self, source: SourceSettings, period: str) -> Iterator[Outcome]:
        """Load what waits for a billing period, is newer than what has just been loaded, and passes the gate over it."""
        if not waiting.holds_judged(self.warehouse, source.name, period):
            return
        loaded = loads.current(self.warehouse, source.name, period)
        assert loaded is not None
        after = loaded.delivered_at or loaded.modified_at
        for entry in gate.entries(self.warehouse, source.name, period, after=after):
            held = measures.of_ledger(self.warehouse, loaded.load_id)
            waits = entry.status == "quarantined" and quarantine.is_kept(self.warehouse, entry.load_id)
            if held is None or not waits or not gate.passes(held, entry, source):
                continue
            told = self.load_kept(entry.load_id, source)
            yield told
            loaded = loads.current(self.warehouse, source.name, period) or loaded

    def _outside(self, source: SourceSettings, delivery: Delivery, period: str, rows: int) -> Outcome:
        reason = f"outside of {self.limits.words}: left as it is; a run without these limits takes it"
        return Outcome(source.name, period, delivery.name, "outside", reason, is_new=True, rows_read=rows)

    def _load_period(self, job: Job, plan: Plan, started: float) -> Outcome:
        _, mapper = self._tools.heavy()
        counts = mapper.counts(job.period, job.unread)
        load = self._verdicts.ledger_row(job, counts)
        if not self._revives and self._verdicts.is_rejected(job):
            return self._verdicts.decide(job, replace(load, status="rejected", reason="rejected before"), started)
        if job.period in self._held_back(job.source, job.delivery):
            return self._verdicts.decide(job, replace(load, status="superseded", reason=loads.UNLOADED), started)
        bring = self._add_batches if job.staged.header.format.batch else partial(self._replace, plan)
        try:
            done = bring(job, load, counts)
        except gate.HeldBackError as held:
            return self._verdicts.hold_back(job, replace(load, rows_repeated=held.repeated), held, started)
        except UnreadableFileError as error:
            return self._verdicts.refuse(
                job.source, replace(job.delivery, period=job.period), error, time.monotonic() - started
            )
        except ExportError as error:
            if isinstance(error, MappingError) and (why := priced.unpriced(self.warehouse, job.staged, job.period)):
                return self._refuse_unpriced(job, why, started)
            return self._verdicts.decide(job, replace(load, status="refused", reason=str(error)), started)
        totals = dict(self.warehouse.rows(_TOTALS, [job.source.name, job.period, job.origin]))
        return outcome(job, done, totals, time.monotonic() - started, ledger_notes(self.warehouse, done.load_id))

    def _refuse_unpriced(self, job: Job, why: str, started: float) -> Outcome:
        """Refuse for want of prices: no verdict on the files, since prices may be known to the next run."""
        error = UnpricedError(f"{job.delivery.name}: {why}. Nothing of it was loaded; the next run looks again")
        delivery = replace(job.delivery, period=job.period)
        return self._verdicts.refuse(job.source, delivery, error, time.monotonic() - started)

    def _replace(self, plan: Plan, job: Job, load: Load, counts: Counts) -> Load:
        """Swap a snapshot's billing period in, whole."""
        if overruled := views.verdict(job):
            raise gate.HeldBackError(*overruled, None)
        loaded = loads.current(self.warehouse, job.source.name, job.period)
        is_older = loaded is not None and gate.is_older(job, loaded, plan)
        gate.require_mapped(job, counts, self._tools.heavy()[1], is_older=is_older)
        load = replace(load, reason=self._views(job.source).reason(job, loaded))
        with self._swapping(job):
            done, judgement = self._tools.swap().swap_in(
                job, load, counts, partial(self._judge, job, plan, load.load_id)
            )
            if judgement.accepted:
                decisions.record(self.warehouse, done.load_id, "accepted", self.note, self.run_id)
            roles.note(self.warehouse, job, done)
        return done

    def _judge(
        self, job: Job, plan: Plan, load_id: str, loaded: loads.Current | None, before: Measures | None, after: Measures
    ) -> Judgement:
        before = self._views(job.source).comparable(job, loaded, before, after)
        return gate.judge(self.warehouse, job, plan, load_id, loaded, before, after, accept=self.accept)

    def _add_batches(self, job: Job, load: Load, counts: Counts) -> Load:
        """Take what is new of an incremental export's billing period."""
        _, mapper = self._tools.heavy()
        try:
            gate.require_mapped(job, counts, mapper, is_older=False)
            anew = bool(self.limits.again)
            judged = batches.judge(self.warehouse, mapper, job, load.mapping, accept=self.accept, anew=anew)
            load = replace(load, rows_repeated=counts.repeated + judged.repeated_rows)
            if judged.verdict:
                raise gate.HeldBackError(*judged.verdict, None, load.rows_repeated)
            with self._swapping(job):
                adding = batches.BatchSwap(self.warehouse, mapper, self._tools.keys)
                return adding.add(job, load, replace(counts, repeated=load.rows_repeated), judged)
        finally:
            mapper.taken = "true"

    @contextlib.contextmanager
    def _swapping(self, job: Job) -> Iterator[None]:
        """One transaction over a delivery's files as they were hashed; what is wrong with them is told by their names."""
        names = find.called_by_name(job.delivery.files)
        with names, as_export_errors(job.delivery.name), self.warehouse.transaction():
            yield
            for file in job.delivery.files:
                find.check_unchanged(file)

    def close_sources_but(self, names: Sequence[str]) -> None:
        """Close the refusals of whole sources (nothing found there) that are not among ``names``: nobody looks any more."""
        waiting.close_whole(
            self.warehouse, "NOT list_contains(?, x_Source)", list(names), "no longer in the configuration"
        )

    def _views(self, source: SourceSettings) -> views.Views:
        return views.Views(self.warehouse, source, self._planner.profile)


def _require_format(source: SourceSettings, staged: Staged) -> None:
    found = staged.header.format
    if source.format not in ("auto", found.name):
        raise ExportError(
            f"{staged.files[0].file.name}: {found.title}, but the source {source.name} says format: {source.format}; "
            "nothing was loaded"
        )


_TOTALS = """
SELECT BillingCurrency, sum(BilledCost) FROM daily_costs
WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = ? GROUP BY ALL ORDER BY ALL"""
