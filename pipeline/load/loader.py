"""Load a source: plan its deliveries, skip the known ones, and let each new one in, or refuse it and go on."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from pipeline import addresses
from pipeline.config import CacheSettings, SourceSettings
from pipeline.engines.failures import as_export_errors
from pipeline.engines.mapping import Counts, Mapper
from pipeline.engines.reading import Reader, Staged
from pipeline.errors import CostmillError, ExportError, UndecidedError, UnreadableFileError, UsageError
from pipeline.load import batches, decisions, gate, measures, quarantine, roles, unload, views, waiting
from pipeline.load.gate import Judgement
from pipeline.load.limits import NO_LIMITS, Limits
from pipeline.load.measures import Measures
from pipeline.load.notes import ledger_notes
from pipeline.load.outcome import Job, Outcome, fingerprint, outcome
from pipeline.load.swap import Swap
from pipeline.periods import utc_now
from pipeline.sources import delivery as deliveries
from pipeline.sources import find, formats
from pipeline.sources.cache import Cache
from pipeline.sources.delivery import Delivery, Mode, Plan, Profile
from pipeline.sources.find import ExportFile
from pipeline.sources.places import Folder, Place
from pipeline.sources.remote import Buckets
from pipeline.store import loads, objects, rollups
from pipeline.store.loads import Load
from pipeline.store.warehouse import Warehouse

logger = logging.getLogger(__name__)


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
    ) -> None:
        self.warehouse = warehouse
        self.run_id = run_id
        self.keys = tuple(reported_keys)
        self.accept = accept
        self.note = note
        self._revives = False
        self.limits = limits
        self._mappings: dict[str | None, str] = {each.name: each.mapping_version() for each in formats.FORMATS}
        self._mappings[None] = formats.all_mappings()
        self._tools: tuple[Reader, Mapper] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._cache = cache or CacheSettings(warehouse.path.parent / "cache")
        self._buckets: Buckets | None = None

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            quarantine.sweep(self.warehouse)
        if self._tools:
            self._tools[0].clear()
        if self._folder:
            self._folder.cleanup()
        if self._buckets:
            self._buckets.close()

    def load(
        self, source: SourceSettings, patterns: Sequence[str], mode: Mode = "auto", *, whole: bool = False
    ) -> Iterator[Outcome]:
        """Load what is new of a source, oldest delivery first; yields one outcome per delivery and billing period.

        ``whole`` says that the patterns are all of the source: verdicts on deliveries that are gone are then closed, and
        to accept what waits is not to accept what was rejected.
        """
        self._revives = self.accept and not whole
        try:
            plan = self._views(source).join(self._plan(patterns, mode))
        except CostmillError as error:
            if isinstance(error, UndecidedError) and self._all_taken(source, patterns):
                waiting.close_whole(self.warehouse, "x_Source = ?", source.name, "decided with --delivery")
                return
            yield self._refuse_source(source, patterns, error)
            return
        seen = list(plan.deliveries)
        for file, broken in plan.refused:
            lost = Delivery((file,), None, file.modified_at, problem=str(broken))
            seen.append(lost)
            yield from self._known(source, lost) or [self._refuse(source, lost, broken, 0.0)]
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
            waiting.close_gone(self.warehouse, source.name, present)
            yield from waiting.kept(self.warehouse, source.name, present)

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
        return self._plan(patterns, mode)

    def tools(self) -> tuple[Reader, Mapper]:
        """The reader and the mapper of this run."""
        return self._heavy()

    def _load_once(self, source: SourceSettings, delivery: Delivery, plan: Plan) -> Iterator[Outcome]:
        known = self._known(source, delivery)
        anew = self._anew(source, delivery)
        if anew:
            unload.release(self.warehouse, source.name, anew)
            yield from (former for former in known if former.x_BillingPeriod not in anew)
            yield from self._load_new(source, delivery, plan, {former.x_BillingPeriod for former in known} - anew)
        elif known and self._is_unfinished(source, delivery):
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
        former = loads.known(self.warehouse, source.name, fingerprint(delivery, source), self._mappings)
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
            reader, mapper = self._heavy()
            with find.called_by_name(delivery.files), as_export_errors(delivery.name):
                self._bring(delivery.files)
                staged = reader.stage(delivery.files, source.keep_columns)
                _require_format(source, staged)
                roles.settle(reader, mapper, staged, delivery)
                mapper.measure(staged)
                periods = mapper.period_rows()
                mapper.prepare(staged)
        except ExportError as error:
            yield self._refuse(source, delivery, error, time.monotonic() - started)
            return
        main = next(iter(periods), None)
        if not periods and delivery.period:
            periods = {delivery.period: 0}
        if not periods:
            yield self._nothing(source, delivery, staged)
        self._note_unfinished(source, delivery, is_unfinished=len(periods) > 1 and only is None)
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
        self._note_unfinished(source, delivery, is_unfinished=bool(outside))
        for each in told if only is None else ():
            if each.status == "loaded" and each.x_BillingPeriod is not None:
                yield from self._release(source, each.x_BillingPeriod)

    def _release(self, source: SourceSettings, period: str) -> Iterator[Outcome]:
        """Load what waits for a billing period, is newer than what has just been loaded, and passes the gate over it."""
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

    def _is_unfinished(self, source: SourceSettings, delivery: Delivery) -> bool:
        """Whether a run ended between two billing periods of a delivery: each goes in by a transaction of its own."""
        return bool(self.warehouse.value("SELECT 1 FROM settings WHERE name = ?", [_unfinished(source, delivery)]))

    def _note_unfinished(self, source: SourceSettings, delivery: Delivery, *, is_unfinished: bool) -> None:
        name = _unfinished(source, delivery)
        if is_unfinished:
            self.warehouse.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", [name, self.run_id])
        elif self._is_unfinished(source, delivery):
            self.warehouse.execute("DELETE FROM settings WHERE name = ?", [name])

    def _load_period(self, job: Job, plan: Plan, started: float) -> Outcome:
        _, mapper = self._heavy()
        counts = mapper.counts(job.period, job.unread)
        load = self._ledger_row(job, counts)
        if self._is_rejected(job):
            return self._decide(job, replace(load, status="rejected", reason="rejected before"), started)
        if job.period in self._held_back(job.source, job.delivery):
            return self._decide(job, replace(load, status="superseded", reason=loads.UNLOADED), started)
        if job.staged.header.format.batch:
            return self._load_batches(job, load, counts, started)
        loaded = loads.current(self.warehouse, job.source.name, job.period)
        judge = partial(self._judge, job, plan, load.load_id)
        try:
            if overruled := views.verdict(job):
                return self._decide(job, replace(load, status=overruled[0], reason=overruled[1]), started)
            gate.require_mapped(job, counts, is_older=loaded is not None and gate.is_older(job, loaded, plan))
            load = replace(load, reason=self._views(job.source).reason(job, loaded))
            names = find.called_by_name(job.delivery.files)
            with names, as_export_errors(job.delivery.name), self.warehouse.transaction():
                done, judgement = self._swap().swap_in(job, load, counts, judge)
                if judgement.accepted:
                    decisions.record(self.warehouse, done.load_id, "accepted", self.note, self.run_id)
                roles.note(self.warehouse, job, done)
                for file in job.delivery.files:
                    find.check_unchanged(file)
        except gate.HeldBackError as held:
            return self._hold_back(job, load, held, started)
        except UnreadableFileError as error:
            return self._refuse(job.source, replace(job.delivery, period=job.period), error, time.monotonic() - started)
        except ExportError as error:
            return self._decide(job, replace(load, status="refused", reason=str(error)), started)
        return self._loaded(job, done, started)

    def _judge(
        self, job: Job, plan: Plan, load_id: str, loaded: loads.Current | None, before: Measures | None, after: Measures
    ) -> Judgement:
        before = self._views(job.source).comparable(job, loaded, before, after)
        return gate.judge(self.warehouse, job, plan, load_id, loaded, before, after, accept=self.accept)

    def _load_batches(self, job: Job, load: Load, counts: Counts, started: float) -> Outcome:
        """Take what is new of an incremental export's billing period."""
        _, mapper = self._heavy()
        try:
            gate.require_mapped(job, counts, is_older=False)
            anew = bool(self.limits.again)
            judged = batches.judge(self.warehouse, mapper, job, load.mapping, accept=self.accept, anew=anew)
            load = replace(load, rows_repeated=judged.repeated_rows)
            if judged.verdict:
                raise gate.HeldBackError(*judged.verdict, None)
            names = find.called_by_name(job.delivery.files)
            with names, as_export_errors(job.delivery.name), self.warehouse.transaction():
                adding = batches.BatchSwap(self.warehouse, mapper, self.keys)
                done = adding.add(job, load, replace(counts, repeated=judged.repeated_rows), judged)
                for file in job.delivery.files:
                    find.check_unchanged(file)
        except gate.HeldBackError as held:
            return self._hold_back(job, load, held, started)
        except UnreadableFileError as error:
            return self._refuse(job.source, replace(job.delivery, period=job.period), error, time.monotonic() - started)
        except ExportError as error:
            return self._decide(job, replace(load, status="refused", reason=str(error)), started)
        finally:
            mapper.taken = "true"
        return self._loaded(job, done, started)

    def _loaded(self, job: Job, load: Load, started: float) -> Outcome:
        totals: dict[str | None, Decimal] = dict(self.warehouse.rows(_TOTALS, [job.source.name, job.period]))
        return outcome(job, load, totals, time.monotonic() - started, ledger_notes(self.warehouse, load.load_id))

    def _hold_back(self, job: Job, load: Load, held: gate.HeldBackError, started: float) -> Outcome:
        """Keep what was judged, then write the verdict: a crash in between leaves copies that the next run sweeps."""
        if held.status == "quarantined":
            try:
                quarantine.keep(self.warehouse, load.load_id, job.source, job.delivery)
            except quarantine.CannotKeepError as error:
                return self._refuse(job.source, replace(job.delivery, period=job.period), error, 0.0)
        return self._decide(job, replace(load, status=held.status, reason=held.reason), started, held.judgement)

    def _decide(self, job: Job, load: Load, started: float, judgement: Judgement | None = None) -> Outcome:
        """Write a verdict that loads nothing, in a transaction of its own."""
        loaded = loads.current(self.warehouse, job.source.name, job.period)
        with self.warehouse.transaction():
            self._swap().write_ledger(job, load)
            if judgement and loaded:
                compared = judgement.comparison
                measures.write(self.warehouse, load.load_id, judgement.measured, compared, loaded.load_id)
            if load.status == "refused":
                self._swap().write_rejects(job, load.load_id)
            rollups.mark_reports(self.warehouse, load.x_BillingPeriod)
        return outcome(job, load, {}, time.monotonic() - started)

    def _is_rejected(self, job: Job) -> bool:
        """Whether somebody has rejected these files; who loads and accepts them by hand decides anew."""
        if self._revives:
            return False
        hashes = [file.sha256 for file in job.delivery.files]
        return job.period in loads.rejected_periods(self.warehouse, job.source.name, hashes)

    def _refuse(self, source: SourceSettings, delivery: Delivery, error: CostmillError, seconds: float) -> Outcome:
        if error.retry:  # no verdict on its contents: the next run looks again
            return Outcome(source.name, delivery.period, delivery.name, "refused", str(error), is_new=True)
        load = Load(
            self.run_id,
            source.name,
            delivery.period,
            fingerprint(delivery, source),
            self._mappings[None],
            "refused",
            delivery.modified_at,
            utc_now(),
            delivery.delivered_at,
            reason=str(error),
        )
        with self.warehouse.transaction():
            loads.write(self.warehouse, load, [(f.name, f.sha256, f.bytes, 0) for f in delivery.files])
            rollups.mark_reports(self.warehouse, delivery.period)
        return Outcome(source.name, delivery.period, delivery.name, "refused", str(error), is_new=True, seconds=seconds)

    def _refuse_source(self, source: SourceSettings, patterns: Sequence[str], error: CostmillError) -> Outcome:
        """Refuse a source whose files cannot be found or grouped; the same refusal is written once."""
        name, mark = ", ".join(patterns), hashlib.sha256(str(error).encode()).hexdigest()
        former = loads.known(self.warehouse, source.name, mark, self._mappings)
        is_new = not any(each.status == "refused" for each in former)
        if is_new:
            now = utc_now()
            load = Load(
                self.run_id, source.name, None, mark, self._mappings[None], "refused", now, now, reason=str(error)
            )
            with self.warehouse.transaction():
                loads.write(self.warehouse, load)
                rollups.mark_reports(self.warehouse, None)
        return Outcome(source.name, None, name, "refused", str(error), is_new=is_new)

    def close_sources_but(self, names: Sequence[str]) -> None:
        """Close the refusals of whole sources (nothing found there) that are not among ``names``: nobody looks any more."""
        waiting.close_whole(
            self.warehouse, "NOT list_contains(?, x_Source)", list(names), "no longer in the configuration"
        )

    def _nothing(self, source: SourceSettings, delivery: Delivery, staged: Staged) -> Outcome:
        reason = "a header and no rows, and no manifest says of which billing period: nothing to load"
        job = Job(source, delivery, staged, "", unread=True, fringe=False)
        load = replace(self._ledger_row(job, Counts(0, 0, 0)), x_BillingPeriod=None, reason=reason)
        with self.warehouse.transaction():
            loads.write(self.warehouse, load, self._swap().files(job))
        return Outcome(source.name, None, delivery.name, "loaded", reason, is_new=True)

    def _ledger_row(self, job: Job, counts: Counts) -> Load:
        header = job.staged.header
        return Load(
            self.run_id,
            job.source.name,
            job.period or None,
            fingerprint(job.delivery, job.source),
            self._mappings[header.format.name],
            "loaded",
            job.delivery.modified_at,
            utc_now(),
            job.delivery.delivered_at,
            header.format.name,
            header.version,
            rows_read=counts.read,
            rows_rejected=counts.rejected,
            rows_folded=counts.folded,
            columns=job.staged.columns,
            dropped_columns=job.staged.dropped,
            column_types=job.staged.column_types,
        )

    def _known(self, source: SourceSettings, delivery: Delivery) -> list[Outcome]:
        """Return the former verdicts on a delivery; none when it must be looked at (again)."""
        former = loads.known(self.warehouse, source.name, fingerprint(delivery, source), self._mappings)
        if self.accept and any(each.status == "quarantined" for each in former):
            return []
        if self._revives and any(each.status == "rejected" for each in former):
            return []
        if any(_is_now_allowed(each, source) for each in former):
            return []
        return [_former(source, delivery, each) for each in former]

    def _plan(self, patterns: Sequence[str], mode: Mode) -> Plan:
        rows = self.warehouse.rows("SELECT path, bytes, modified_ns, sha256 FROM file_profiles")
        cache: dict[str, tuple[int, int, str]] = {path: (size, changed, sha) for path, size, changed, sha in rows}
        before = dict(cache)
        try:
            plan = deliveries.plan(patterns, cache, self._profile, mode, self._place)
        finally:
            self._remember_objects()
        fresh = [(path, *facts) for path, facts in cache.items() if before.get(path) != facts]
        if fresh:
            with self.warehouse.transaction():
                self.warehouse.connection.executemany("INSERT OR REPLACE INTO file_profiles VALUES (?, ?, ?, ?)", fresh)
        return plan

    def _profile(self, file: ExportFile) -> Profile:
        stored = self.warehouse.value(
            "SELECT profile FROM profiles WHERE sha256 = ? AND mapping = ?", [file.sha256, self._mappings[None]]
        )
        if stored:
            return Profile.from_json(stored)
        reader, mapper = self._heavy()
        with find.called_by_name([file]):
            self._bring([file])
            profile = mapper.profile(reader.stage([file]))
        with self.warehouse.transaction():
            self.warehouse.execute(
                "INSERT OR REPLACE INTO profiles VALUES (?, ?, ?)",
                [file.sha256, self._mappings[None], profile.to_json()],
            )
        return profile

    def _all_taken(self, source: SourceSettings, patterns: Sequence[str]) -> bool:
        """Whether each file of a source has gone into a load before, unchanged."""
        cache: dict[str, tuple[int, int, str]] = {}
        places = [self._place(pattern) for pattern in patterns]
        files = [place.fingerprint(path, cache) for place in places for path in place.paths]
        taken = self.warehouse.rows(
            "SELECT DISTINCT f.sha256 FROM load_files AS f INNER JOIN loads AS l ON l.load_id = f.load_id "
            "WHERE l.x_Source = ? AND l.status IN ('loaded', 'replaced', 'superseded')",
            [source.name],
        )
        return {file.sha256 for file in files} <= {row[0] for row in taken}

    def _place(self, pattern: str) -> Place:
        if not addresses.is_address(pattern):
            return Folder(pattern)
        if self._buckets is None:
            cache = Cache(self._cache.path, self._cache.max_bytes)
            self._buckets = Buckets(cache, objects.read(self.warehouse))
        return self._buckets.open(pattern)

    def _bring(self, files: Sequence[ExportFile]) -> None:
        if self._buckets is not None:
            self._buckets.bring(files)

    def _remember_objects(self) -> None:
        if self._buckets is not None:
            objects.write(self.warehouse, objects.read(self.warehouse), self._buckets.taken)

    def _heavy(self) -> tuple[Reader, Mapper]:
        """Reader and mapper, made when the first delivery needs them: a night without news loads no lookups."""
        if self._tools is None:
            self._folder = tempfile.TemporaryDirectory(prefix="costmill-")
            self._tools = (Reader(self.warehouse.connection, Path(self._folder.name)), Mapper(self.warehouse))
        return self._tools

    def _views(self, source: SourceSettings) -> views.Views:
        return views.Views(self.warehouse, source, self._profile)

    def _swap(self) -> Swap:
        return Swap(self.warehouse, self._heavy()[1], self.keys)


def _require_format(source: SourceSettings, staged: Staged) -> None:
    found = staged.header.format
    if source.format not in ("auto", found.name):
        raise ExportError(
            f"{staged.files[0].file.name}: {found.title}, but the source {source.name} says format: {source.format}; "
            "nothing was loaded"
        )


def _is_now_allowed(verdict: loads.Known, source: SourceSettings) -> bool:
    """Whether a delivery was refused for its rejected rows and the source's max_rejected has been raised since."""
    rejected = verdict.rows_rejected if verdict.status == "refused" else 0
    return 0 < rejected <= source.max_rejected * verdict.rows_read


def _former(source: SourceSettings, delivery: Delivery, each: loads.Known) -> Outcome:
    return Outcome(
        source.name,
        each.x_BillingPeriod,
        delivery.name,
        each.status,
        each.reason,
        is_new=False,
        load_id=each.load_id,
    )


def _unfinished(source: SourceSettings, delivery: Delivery) -> str:
    return f"unfinished:{source.name}:{fingerprint(delivery, source)}"


_TOTALS = """
SELECT BillingCurrency, sum(BilledCost) FROM daily_costs
WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = 'billed' GROUP BY ALL ORDER BY ALL"""
