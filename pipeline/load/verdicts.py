"""Verdicts on deliveries: the former ones, and those that load nothing, each written in a transaction of its own."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace

from pipeline.config import SourceSettings
from pipeline.engines.mapping import Counts
from pipeline.engines.staged import Staged
from pipeline.errors import CostmillError
from pipeline.load import gate, measures, quarantine
from pipeline.load.gate import Judgement
from pipeline.load.outcome import Job, Outcome, fingerprint, outcome
from pipeline.load.tools import Tools
from pipeline.periods import utc_now
from pipeline.sources.delivery import Delivery
from pipeline.store import loads, rollups
from pipeline.store.loads import Load
from pipeline.store.warehouse import Warehouse


class Verdicts:
    """Reads and writes the verdicts of one run in the ledger."""

    def __init__(self, warehouse: Warehouse, tools: Tools, run_id: str) -> None:
        self.warehouse = warehouse
        self.tools = tools
        self.run_id = run_id

    def known(self, source: SourceSettings, delivery: Delivery, *, accept: bool, revives: bool) -> list[Outcome]:
        """Return the former verdicts on a delivery; none when it must be looked at (again).

        ``accept`` looks again at what is in quarantine, ``revives`` at what somebody has rejected.
        """
        former = loads.known(self.warehouse, source.name, fingerprint(delivery, source), self.tools.mappings)
        if accept and any(each.status == "quarantined" for each in former):
            return []
        if revives and any(each.status == "rejected" for each in former):
            return []
        if any(_is_now_allowed(each, source) for each in former):
            return []
        return [_former(source, delivery, each) for each in former]

    def is_rejected(self, job: Job) -> bool:
        """Whether somebody has rejected these files."""
        hashes = [file.sha256 for file in job.delivery.files]
        return job.period in loads.rejected_periods(self.warehouse, job.source.name, hashes)

    def ledger_row(self, job: Job, counts: Counts) -> Load:
        """Return the row that the ledger gets when a billing period of a delivery is loaded."""
        header = job.staged.header
        return Load(
            self.run_id,
            job.source.name,
            job.period or None,
            fingerprint(job.delivery, job.source),
            self.tools.mappings[header.format.name],
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

    def decide(self, job: Job, load: Load, started: float, judgement: Judgement | None = None) -> Outcome:
        """Write a verdict that loads nothing, in a transaction of its own."""
        loaded = loads.current(self.warehouse, job.source.name, job.period)
        with self.warehouse.transaction():
            self.tools.swap().write_ledger(job, load)
            if judgement and loaded:
                compared = judgement.comparison
                measures.write(self.warehouse, load.load_id, judgement.measured, compared, loaded.load_id)
            if load.status == "refused":
                self.tools.swap().write_rejects(job, load.load_id)
            rollups.mark_reports(self.warehouse, load.x_BillingPeriod)
        return outcome(job, load, {}, time.monotonic() - started)

    def hold_back(self, job: Job, load: Load, held: gate.HeldBackError, started: float) -> Outcome:
        """Keep what was judged, then write the verdict: a crash in between leaves copies that the next run sweeps."""
        if held.status == "quarantined":
            try:
                quarantine.keep(self.warehouse, load.load_id, job.source, job.delivery)
            except quarantine.CannotKeepError as error:
                return self.refuse(job.source, replace(job.delivery, period=job.period), error, 0.0)
        return self.decide(job, replace(load, status=held.status, reason=held.reason), started, held.judgement)

    def refuse(self, source: SourceSettings, delivery: Delivery, error: CostmillError, seconds: float) -> Outcome:
        """Refuse a delivery whole, or one billing period of it; an error that may pass by itself is no verdict."""
        if error.retry:  # no verdict on its contents: the next run looks again
            return Outcome(source.name, delivery.period, delivery.name, "refused", str(error), is_new=True, retry=True)
        load = Load(
            self.run_id,
            source.name,
            delivery.period,
            fingerprint(delivery, source),
            self.tools.mappings[None],
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

    def refuse_source(self, source: SourceSettings, patterns: Sequence[str], error: CostmillError) -> Outcome:
        """Refuse a source whose files cannot be found or grouped; the same refusal is written once."""
        name, mark = ", ".join(patterns), hashlib.sha256(str(error).encode()).hexdigest()
        former = loads.known(self.warehouse, source.name, mark, self.tools.mappings)
        is_new = not any(each.status == "refused" for each in former)
        if is_new:
            now = utc_now()
            load = Load(
                self.run_id, source.name, None, mark, self.tools.mappings[None], "refused", now, now, reason=str(error)
            )
            with self.warehouse.transaction():
                loads.write(self.warehouse, load)
                rollups.mark_reports(self.warehouse, None)
        return Outcome(source.name, None, name, "refused", str(error), is_new=is_new, retry=error.retry)

    def nothing(self, source: SourceSettings, delivery: Delivery, staged: Staged) -> Outcome:
        """Note a delivery that holds nothing, and say what stays as it was."""
        kept = self._untouched(source, delivery)
        reason = "a header and no rows, and no manifest says of which billing period: nothing to load"
        if kept:
            reason = f"{reason}; what is loaded stays as it was: {kept}"
        job = Job(source, delivery, staged, "", unread=True, fringe=False)
        load = replace(self.ledger_row(job, Counts(0, 0, 0)), x_BillingPeriod=None, reason=reason)
        with self.warehouse.transaction():
            loads.write(self.warehouse, load, self.tools.swap().files(job))
            rollups.touch(self.warehouse)
        notes = (f"{delivery.name}: {reason}",) if kept else ()
        return Outcome(source.name, None, delivery.name, "empty", reason, is_new=True, notes=notes)

    def _untouched(self, source: SourceSettings, delivery: Delivery) -> str:
        """The billing periods that these files held before, else all that are loaded of the source."""
        held = self.warehouse.rows(
            "SELECT DISTINCT l.x_BillingPeriod FROM loads AS l INNER JOIN load_files AS f ON f.load_id = l.load_id "
            "WHERE l.x_Source = ? AND l.status = 'loaded' AND l.x_BillingPeriod IS NOT NULL AND list_contains(?, f.path) "
            "ORDER BY 1",
            [source.name, [file.name for file in delivery.files]],
        )
        if held:
            return f"{', '.join(row[0] for row in held)}, which the same file held before"
        every = self.warehouse.rows(
            "SELECT x_BillingPeriod FROM source_periods WHERE x_Source = ? AND charges > 0 ORDER BY 1", [source.name]
        )
        return ", ".join(row[0] for row in every)

    def is_unfinished(self, source: SourceSettings, delivery: Delivery) -> bool:
        """Whether a run ended between two billing periods of a delivery: each goes in by a transaction of its own."""
        return bool(self.warehouse.value("SELECT 1 FROM settings WHERE name = ?", [_unfinished(source, delivery)]))

    def note_unfinished(self, source: SourceSettings, delivery: Delivery, *, is_unfinished: bool) -> None:
        """Note that billing periods of a delivery are still to come, or that none is."""
        name = _unfinished(source, delivery)
        if is_unfinished:
            self.warehouse.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", [name, self.run_id])
        elif self.is_unfinished(source, delivery):
            self.warehouse.execute("DELETE FROM settings WHERE name = ?", [name])


def _is_now_allowed(verdict: loads.Known, source: SourceSettings) -> bool:
    """Whether a delivery was refused for its rejected rows and the source's max_rejected has been raised since."""
    rejected = verdict.rows_rejected if verdict.status == "refused" else 0
    return 0 < rejected <= source.max_rejected * verdict.rows_read


def _former(source: SourceSettings, delivery: Delivery, each: loads.Known) -> Outcome:
    return Outcome(
        source.name,
        each.x_BillingPeriod,
        delivery.name,
        "empty" if each.status == "loaded" and each.x_BillingPeriod is None else each.status,
        each.reason,
        is_new=False,
        load_id=each.load_id,
    )


def _unfinished(source: SourceSettings, delivery: Delivery) -> str:
    return f"unfinished:{source.name}:{fingerprint(delivery, source)}"
