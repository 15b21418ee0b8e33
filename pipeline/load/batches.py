"""Incremental exports: each batch of a source and billing period counts once, whole, whatever deliveries bring it.

A delivery's batches are judged one by one: new, repeated (loaded already, or a part of what is loaded), or fuller
than what is loaded, which it then replaces. What is none of these waits in quarantine: two halves of a batch cannot
be told from two versions of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.engines.mapping import Counts, Mapper
from pipeline.load import restatements, swap
from pipeline.load.outcome import Job
from pipeline.load.swap import Swap
from pipeline.sources import loose
from pipeline.store import rollups, states
from pipeline.store.loads import Load, Status
from pipeline.store.warehouse import Warehouse

#: What tells a charge within its batch, when two forms of a batch are compared.
_CHARGE = (
    *("x_Batch", "ChargePeriodStart", "ChargePeriodEnd", "SkuId", "ChargeCategory", "BillingCurrency"),
    *("BilledCost", "ListCost", "ConsumedQuantity"),
)


@dataclass(frozen=True)
class Judged:
    """What a delivery brings of one billing period: batches that are taken, rows of those that are not, a verdict if none is."""

    taken: int
    replaced: int
    repeated_rows: int
    verdict: tuple[Status, str] | None = None


def judge(warehouse: Warehouse, mapper: Mapper, job: Job, mapping: str, *, accept: bool, anew: bool = False) -> Judged:
    """Decide on each batch of a staged delivery, into the temporary table ``judged_batches``.

    ``accept`` takes batches that hold other rows than the loaded ones in their place, ``anew`` also those that hold the
    same.
    """
    mapper.find_batches(job.staged)
    given = {"source": job.source.name, "period": job.period, "mapping": mapping, "anew": anew}
    warehouse.execute(_JUDGE, given)
    mapper.taken = "true"
    _compare(warehouse, mapper, job, accept=accept)
    mapper.taken = (
        "x_Batch IS NULL OR x_Batch IN (SELECT batch FROM judged_batches WHERE verdict IN ('new', 'replaces'))"
    )
    found = {verdict: (count, rows) for verdict, count, rows in warehouse.rows(_VERDICTS)}
    replaced, _ = found.get("replaces", (0, 0))
    taken = found.get("new", (0, 0))[0] + replaced
    _, repeated = found.get("repeated", (0, 0))
    known = repeated + mapper.counts(job.period, job.unread).repeated
    return Judged(taken, replaced, repeated, _verdict(warehouse, job, taken, known))


def _compare(warehouse: Warehouse, mapper: Mapper, job: Job, *, accept: bool) -> None:
    """Settle the batches that hold other rows than the loaded ones: a part of them, all of them and more, or neither."""
    if not warehouse.value("SELECT 1 FROM judged_batches WHERE verdict = 'differs' LIMIT 1"):
        return
    mapper.show_rows(job.staged)
    columns = ", ".join(_CHARGE)
    given = {"source": job.source.name, "period": job.period}
    new = (
        f"SELECT {columns} FROM mapped_rows WHERE x_BillingPeriod = $period AND x_Batch IN (SELECT batch FROM judged_batches "
        "WHERE verdict = 'differs')"
    )
    loaded = (
        f"SELECT {columns} FROM charges WHERE x_Source = $source AND x_BillingPeriod = $period AND x_Batch IN "
        "(SELECT batch FROM judged_batches WHERE verdict = 'differs')"
    )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE extra_batches AS SELECT DISTINCT x_Batch FROM ({new} EXCEPT ALL {loaded})", given
    )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE lost_batches AS SELECT DISTINCT x_Batch FROM ({loaded} EXCEPT ALL {new})", given
    )
    warehouse.execute(
        """
        UPDATE judged_batches SET verdict = CASE
            WHEN batch NOT IN (SELECT x_Batch FROM lost_batches) THEN 'replaces'
            WHEN batch NOT IN (SELECT x_Batch FROM extra_batches) THEN 'repeated'
            WHEN $accept THEN 'replaces' ELSE 'unclear' END
        WHERE verdict = 'differs'""",
        {"accept": accept},
    )


def _verdict(warehouse: Warehouse, job: Job, taken: int, repeated: int) -> tuple[Status, str] | None:
    unclear = warehouse.rows("SELECT batch, rows FROM judged_batches WHERE verdict = 'unclear' ORDER BY batch")
    if unclear:
        batch, rows = unclear[0]
        return "quarantined", (
            f"{job.delivery.name}: {len(unclear)} batch(es) of {job.period}, first {batch} with {rows} rows, hold other rows "
            "than those loaded: halves of a batch or another version of it; what is loaded stays. If they are parts of one "
            f"extraction, `{loose.BY_HAND} one` loads them together; if they are to replace it, "
            f"`costmill load --source {job.source.name} --accept`"
        )
    if not taken and repeated:
        return "superseded", "all of it is loaded already"
    return None


class BatchSwap(Swap):
    """Adds the batches of a delivery that are taken; those that it replaces go in the same transaction."""

    def add(self, job: Job, load: Load, counts: Counts, judged: Judged) -> Load:
        """Delete what is replaced, insert, roll up, write the ledger, prove. Returns the ledger row.

        Raises:
            LawError: when rows or money do not add up.
        """
        source, period = job.source.name, job.period
        given = {"source": source, "period": period}
        is_first = not self.warehouse.value(
            "SELECT 1 FROM source_periods WHERE x_Source = $source AND x_BillingPeriod = $period", given
        )
        swap.remember_keys(self.warehouse, source, period)
        if judged.replaced:
            self._take_out(job, load)
        mapped, generated = self.mapper.insert(
            job.staged, counts, load_id=load.load_id, source=source, period=period, origin=job.origin
        )
        done = replace(load, rows_mapped=mapped, rows_generated=generated, charges=mapped + generated)
        self.write_ledger(job, done)
        self.write_rejects(job, done.load_id)
        swap.require_row_law(job, counts, done)
        self.prove_money(job, done.load_id)
        self.keep_columns(job.staged)
        self.warehouse.execute(_KEEP, {**given, "load_id": done.load_id, "mapping": load.mapping})
        if judged.replaced and not job.is_log:  # a log that goes on restates nothing
            self._write_restatement(job, done)
        rollups.refresh(self.warehouse, source, period, self.keys)
        swap.note_source_period(self.warehouse, job, done)
        swap.drop_orphans(self.warehouse)
        if job.origin == "billed":
            self._note_bill(done, is_first=is_first)
        else:
            rollups.mark_budgets(self.warehouse, period)
        swap.run_checks(self.warehouse, source, period)
        return done

    def _note_bill(self, load: Load, *, is_first: bool) -> None:
        """Note what a bill leaves due; what is recorded is only in the summary of AI usage, which the rollups note."""
        source, period = load.x_Source, str(load.x_BillingPeriod)
        states.note_load(self.warehouse, load)
        rollups.mark_dirty(
            self.warehouse, period, *(swap.completed(self.warehouse, source, period) if is_first else [])
        )

    def _take_out(self, job: Job, load: Load) -> None:
        """Take the replaced batches out of the charges, and out of what the loads that brought them answer for."""
        given = {"source": job.source.name, "period": job.period}
        self.warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE leaving_charges AS SELECT * FROM charges WHERE {_REPLACED}", given
        )
        self.warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE services_before AS {_SERVICES.format('leaving_charges', 'true')}"
        )
        for control in job.staged.header.format.controls:
            self.warehouse.execute(
                _REPLACED_TOTAL.format(control.column, control.only or "true"),
                {"column": control.column, "expression": control.expression},
            )
        self.warehouse.execute(f"DELETE FROM charges WHERE {_REPLACED}", given)
        self.warehouse.execute(f"DELETE FROM load_batches WHERE {_REPLACED.replace('x_Batch', 'batch')}", given)
        self.warehouse.execute(_EMPTIED, {**given, "by": load.load_id})

    def _write_restatement(self, job: Job, load: Load) -> None:
        given = {"source": job.source.name, "period": job.period}
        before = self.warehouse.rows("FROM services_before")
        after = self.warehouse.rows(_SERVICES.format("charges", _REPLACED), given)
        replaced = self.warehouse.value("SELECT max(x_LoadId) FROM leaving_charges")
        restatements.write(self.warehouse, restatements.sums_of(before), restatements.sums_of(after), load, replaced)


_JUDGE = """
CREATE OR REPLACE TEMP TABLE judged_batches AS
SELECT s.batch, s.rows, s.content, CASE
        WHEN l.batch IS NULL THEN 'new'
        WHEN $anew AND s.rows = l.rows AND s.content = l.content THEN 'replaces'
        WHEN l.mapping <> $mapping THEN CASE WHEN s.rows >= l.rows THEN 'replaces' ELSE 'repeated' END
        WHEN s.rows = l.rows AND s.content = l.content THEN 'repeated'
        ELSE 'differs'
    END AS verdict
FROM staged_batches AS s
LEFT JOIN load_batches AS l ON l.batch = s.batch AND l.x_Source = $source AND l.x_BillingPeriod = s.x_BillingPeriod
WHERE s.x_BillingPeriod = $period"""

_VERDICTS = "SELECT verdict, count(*), CAST(sum(rows) AS BIGINT) FROM judged_batches GROUP BY ALL"

_REPLACED = """x_Source = $source AND x_BillingPeriod = $period
    AND x_Batch IN (SELECT batch FROM judged_batches WHERE verdict = 'replaces')"""

_SERVICES = """
SELECT c.BillingCurrency, r.SubAccountId, c.ServiceName, count(*), coalesce(sum(c.BilledCost), 0),
    coalesce(sum(c.EffectiveCost), 0)
FROM {} AS c INNER JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey WHERE {} GROUP BY ALL"""

_REPLACED_TOTAL = """
UPDATE load_controls SET replaced_total = replaced_total + gone.total
FROM (SELECT x_LoadId, BillingCurrency, coalesce(sum({0}), 0) AS total FROM leaving_charges WHERE {1} GROUP BY ALL) AS gone
WHERE load_controls.load_id = gone.x_LoadId AND load_controls.column_name = $column
    AND load_controls.source_expression = $expression
    AND load_controls.BillingCurrency IS NOT DISTINCT FROM gone.BillingCurrency"""

_EMPTIED = """
UPDATE loads SET status = 'replaced', replaced_by = $by
WHERE x_Source = $source AND x_BillingPeriod = $period AND status = 'loaded'
    AND load_id NOT IN (SELECT load_id FROM load_batches WHERE x_Source = $source)
    AND load_id IN (SELECT x_LoadId FROM leaving_charges)"""

_KEEP = """
INSERT INTO load_batches
SELECT $source, $period, batch, $load_id, $mapping, rows, content FROM judged_batches
WHERE verdict IN ('new', 'replaces')"""
