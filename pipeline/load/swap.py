"""Swap one billing period of a delivery in: delete, insert, roll up, write the ledger, prove. All or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pipeline import money, resources
from pipeline.engines import staging
from pipeline.engines.mapping import Counts, Mapper
from pipeline.engines.staged import Staged
from pipeline.errors import LawError
from pipeline.load import drift, gate, measures, restatements
from pipeline.load.gate import Judgement
from pipeline.load.measures import Measures
from pipeline.load.outcome import Job
from pipeline.store import loads, rollups, schema, states
from pipeline.store.loads import Current, Load
from pipeline.store.warehouse import Warehouse

#: Rejected rows kept per load; all are counted.
REJECTS_KEPT = 10_000
CHECKS = (
    *("rollups_match_charges", "commitments_match_charges", "charges_have_dimensions", "dimensions_are_unique"),
    "invoices_match_charges",
)

#: Says whether a delivery may replace what is loaded, from what both were measured at; raises when it may not.
Judge = Callable[[Current | None, Measures | None, Measures], Judgement]


class Swap:
    """Writes deliveries into the warehouse, inside the caller's transaction."""

    def __init__(self, warehouse: Warehouse, mapper: Mapper, keys: Sequence[str]) -> None:
        self.warehouse = warehouse
        self.mapper = mapper
        self.keys = keys

    def swap_in(self, job: Job, load: Load, counts: Counts, judge: Judge) -> tuple[Load, Judgement]:
        """Delete, insert, roll up, judge, write the ledger, prove. Returns the ledger row and what the gate said.

        Raises:
            LawError: when rows or money do not add up.
            HeldBackError: when the gate lets it not pass; both leave it to the caller to roll back.
        """
        source, period = job.source.name, job.period
        replaced = loads.current(self.warehouse, source, period)
        before = restatements.by_service(self.warehouse, source, period) if replaced else {}
        loaded = measures.of_rollups(self.warehouse, source, period, replaced.rows_mapped) if replaced else None
        done = self._replace_charges(job, load, counts)
        judgement = judge(replaced, loaded, measures.of_rollups(self.warehouse, source, period, done.rows_mapped))
        self._settle(job, replaced, done, judgement, loaded)
        self.write_ledger(job, done)
        measures.write(
            self.warehouse,
            done.load_id,
            judgement.measured,
            judgement.comparison,
            replaced.load_id if replaced else None,
        )
        self.write_rejects(job, done.load_id)
        self.prove_money(job, done.load_id)
        self.keep_columns(job.staged)
        note_source_period(self.warehouse, job, done)
        drop_orphans(self.warehouse)
        if replaced and not judgement.takes_over:
            after = restatements.by_service(self.warehouse, source, period)
            restatements.write(self.warehouse, before, after, done, replaced.load_id)
        states.note_load(self.warehouse, done)
        rollups.mark_dirty(self.warehouse, period, *([] if replaced else completed(self.warehouse, source, period)))
        run_checks(self.warehouse, source, period)
        return done, judgement

    def _replace_charges(self, job: Job, load: Load, counts: Counts) -> Load:
        """Put the charges of a billing period and their rollups in the place of what was there."""
        source, period = job.source.name, job.period
        remember_keys(self.warehouse, source, period)
        self.warehouse.execute(
            "DELETE FROM charges WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = ?",
            [source, period, job.origin],
        )
        mapped, generated = self.mapper.insert(
            job.staged, counts, load_id=load.load_id, source=source, period=period, origin=job.origin
        )
        done = replace(load, rows_mapped=mapped, rows_generated=generated, charges=mapped + generated)
        require_row_law(job, counts, done)
        rollups.refresh(self.warehouse, source, period, self.keys)
        return done

    def _settle(
        self, job: Job, replaced: Current | None, done: Load, judgement: Judgement, loaded: Measures | None
    ) -> None:
        """Note in the ledger what became of what was loaded before."""
        if replaced and loaded and judgement.takes_over:
            self._send_back(job, replaced, done, judgement, loaded)
        elif replaced:
            self.warehouse.execute(
                "UPDATE loads SET status = 'replaced', replaced_by = ? WHERE load_id = ?",
                [done.load_id, replaced.load_id],
            )

    def write_ledger(self, job: Job, load: Load) -> None:
        """Write a load, its files, and how its columns differ from those of the delivery before."""
        loads.write(self.warehouse, load, self.files(job))
        if not job.is_log:  # a record has the keys that it has something for
            drift.write(self.warehouse, load)

    def _send_back(self, job: Job, newer: Current, older: Load, judgement: Judgement, loaded: Measures) -> None:
        """Quarantine a newer delivery that is loaded: it would not have passed over an older one, found after it."""
        comparison = measures.compare(judgement.measured, loaded, job.source)
        less = gate.words(comparison, job.period, job.source) or "less than a delivery after that one"
        reason = f"the delivery before it was found after it, and beside that one: {less}; {gate.advice(newer.load_id)}"
        self.warehouse.execute(
            "UPDATE loads SET status = 'quarantined', reason = ?, charges = 0, rows_generated = 0, rows_mapped = 0 "
            "WHERE load_id = ?",
            [reason, newer.load_id],
        )
        measures.forget(self.warehouse, newer.load_id)
        measures.write(self.warehouse, newer.load_id, loaded, comparison, older.load_id)
        self.warehouse.execute("DELETE FROM load_controls WHERE load_id = ?", [newer.load_id])

    def prove_money(self, job: Job, load_id: str) -> None:
        """Write each money law of a load into the ledger.

        Raises:
            LawError: when the file's sum is not that of charges, rejected and repeated rows.
        """
        rows: list[dict[str, Any]] = []
        charges = self.mapper.charges_totals(load_id, job.staged.header.format.controls)
        for total in self.mapper.control_totals(job.staged, job.period, job.unread):
            charged = charges.get((total.control.column, total.control.only, total.currency), money.ZERO)
            row: dict[str, Any] = {"load_id": load_id, "BillingCurrency": total.currency}
            row |= {"column_name": total.control.column}
            row |= {"source_expression": total.control.expression, "rounding": money.text(total.rounding)}
            row |= {"file_total": total.file_total, "charges_total": charged}
            rows.append(row | {"rejected_total": total.rejected_total, "repeated_total": total.repeated_total})
            if total.file_total != money.total([charged, total.rejected_total, total.repeated_total]):
                raise LawError(
                    f"{job.delivery.name}: {total.control.column} in {total.currency} is {money.text(total.file_total)} in the file, "
                    f"but {money.text(charged)} in charges, {money.text(total.rejected_total)} rejected and "
                    f"{money.text(total.repeated_total)} repeated; "
                    "nothing was changed, please report this"
                )
        loads.insert(self.warehouse, "load_controls", *rows)

    def write_rejects(self, job: Job, load_id: str) -> None:
        """Write the first rejected rows of a load."""
        rows = []
        for number, record, line, problem in self.mapper.rejects(job.period, job.unread, REJECTS_KEPT):
            column, value, reason = problem.split(staging.UNIT, 2)
            row = {"load_id": load_id, "path": job.name_of(job.delivery.files[number]), "record": record, "line": line}
            rows.append(row | {"column_name": column or None, "value": value or None, "reason": reason})
        loads.insert(self.warehouse, "rejected_rows", *rows)

    def keep_columns(self, staged: Staged) -> None:
        """Show the columns that the source keeps in the analysts' view."""
        if not staged.header.kept:
            return
        known = {name for (name,) in self.warehouse.rows("SELECT column_name FROM kept_columns")}
        new = [{"column_name": name} for name in sorted({*staged.header.kept.values()} - known)]
        if new:
            loads.insert(self.warehouse, "kept_columns", *new)
            schema.refresh_columns(self.warehouse)

    def files(self, job: Job) -> list[tuple[str, str, int, int]]:
        """Return a job's files as the ledger holds them: path, sha256, bytes, rows of the period."""
        rows = self.mapper.file_rows(job.period, job.unread)
        return [(job.name_of(f), f.sha256, f.bytes, rows.get(n, 0)) for n, f in enumerate(job.delivery.files)]


def require_row_law(job: Job, counts: Counts, done: Load) -> None:
    """Check that each row read has become a charge or is accounted for.

    Raises:
        LawError: when it is not.
    """
    if done.rows_mapped != counts.mapped:
        raise LawError(
            f"{job.delivery.name}: {counts.read} rows read, of which {counts.rejected} rejected, {counts.folded} folded and "
            f"{counts.repeated} repeated, but {done.rows_mapped} became charges; nothing was changed, please report this"
        )


def remember_keys(warehouse: Warehouse, source: str, period: str) -> None:
    """Note the dimension rows that a source and billing period uses now: some may be orphans afterwards."""
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE leaving AS SELECT DISTINCT x_ResourceKey, x_TagSetId FROM resource_costs "
        "WHERE x_Source = ? AND x_BillingPeriod = ?",
        [source, period],
    )


def drop_orphans(warehouse: Warehouse) -> None:
    """Drop dimension rows that only the replaced charges used."""
    if not warehouse.value("SELECT 1 FROM leaving LIMIT 1"):
        return
    for table, key in (("resources", "x_ResourceKey"), ("tag_sets", "x_TagSetId"), ("tags", "x_TagSetId")):
        warehouse.execute(f"""
            DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM leaving WHERE {key} IS NOT NULL)
            AND {key} NOT IN (SELECT {key} FROM charges WHERE {key} IS NOT NULL)""")


def note_source_period(warehouse: Warehouse, job: Job, load: Load) -> None:
    """Note what is loaded now of a source and billing period, and through when its usage goes.

    A day without a recorded charge is no day without data: recorded ones say nothing of which days are complete.
    """
    source, period = job.source.name, job.period
    [(charges, through)] = warehouse.rows(
        """
        SELECT count(*), max(ChargePeriodEnd) FILTER (
            WHERE x_Origin = 'billed' AND x_RecordId IS NULL AND ChargeCategory = 'Usage'
            AND ChargePeriodEnd - ChargePeriodStart <= INTERVAL 24 HOUR)
        FROM charges WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = ?""",
        [source, period, job.origin],
    )
    warehouse.execute(
        "INSERT OR REPLACE INTO source_periods VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [source, period, job.origin, load.load_id, load.delivered_at, load.modified_at, charges, through],
    )


def completed(warehouse: Warehouse, source: str, period: str) -> list[str]:
    """The billing period that a source has completed by going on to a new one: its answers are due again."""
    earlier = warehouse.value(
        "SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Source = ? AND x_BillingPeriod < ? AND charges > 0",
        [source, period],
    )
    return [earlier] if earlier else []


def run_checks(warehouse: Warehouse, source: str, period: str) -> None:
    """Run the checks over what was loaded."""
    for check in CHECKS:
        text = resources.sql(f"checks/{check}")
        given = {"source": source, "period": period} if "$source" in text else None
        bad = warehouse.rows(text, given)
        if bad:
            raise LawError(
                f"{source} {period}: check {check} found {len(bad)} bad row(s), first {bad[0]}; "
                "nothing was changed, please report this"
            )
