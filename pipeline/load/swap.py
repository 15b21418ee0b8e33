"""Swap one billing period of a delivery in: delete, insert, roll up, write the ledger, prove. All or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pipeline import money, resources
from pipeline.engines import staging
from pipeline.engines.mapping import Counts, Mapper
from pipeline.engines.reading import Staged
from pipeline.errors import LawError
from pipeline.load.outcome import Job
from pipeline.store import loads, rollups, schema
from pipeline.store.loads import Current, Load
from pipeline.store.warehouse import Warehouse

#: Rejected rows kept per load; all are counted.
REJECTS_KEPT = 10_000
CHECKS = ("rollups_match_charges", "charges_have_dimensions", "dimensions_are_unique")

_BY_SERVICE = """
SELECT BillingCurrency, SubAccountId, ServiceName, CAST(sum(x_ChargeCount) AS BIGINT), sum(BilledCost), sum(EffectiveCost)
FROM daily_costs WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = 'billed' GROUP BY ALL"""

_Service = tuple[str | None, str | None, str | None]
_Sums = tuple[int, Decimal, Decimal]


class Swap:
    """Writes deliveries into the warehouse, inside the caller's transaction."""

    def __init__(self, warehouse: Warehouse, mapper: Mapper, keys: Sequence[str]) -> None:
        self.warehouse = warehouse
        self.mapper = mapper
        self.keys = keys

    def swap_in(self, job: Job, load: Load, counts: Counts, *, takes_over: bool = False) -> Load:
        """Delete, insert, roll up, write the ledger, prove. Returns the ledger row.

        Raises:
            LawError: when rows or money do not add up.
        """
        source, period = job.source.name, job.period
        before = _by_service(self.warehouse, source, period)
        replaced = loads.current(self.warehouse, source, period)
        _remember_keys(self.warehouse, source, period)
        self.warehouse.execute(
            "DELETE FROM charges WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = 'billed'", [source, period]
        )
        mapped, generated = self.mapper.insert(job.staged, load_id=load.load_id, source=source, period=period)
        done = replace(load, rows_mapped=mapped, rows_generated=generated, charges=mapped + generated)
        if replaced and takes_over:
            self._send_back(replaced, done)
        elif replaced:
            self.warehouse.execute(
                "UPDATE loads SET status = 'replaced', replaced_by = ? WHERE load_id = ?",
                [done.load_id, replaced.load_id],
            )
        loads.write(self.warehouse, done, self.files(job))
        self.write_rejects(job, done.load_id)
        _require_row_law(job, counts, done)
        self._prove_money(job, done.load_id)
        self._keep_columns(job.staged)
        rollups.refresh(self.warehouse, source, period, self.keys)
        _note_source_period(self.warehouse, job, done)
        _drop_orphans(self.warehouse)
        if replaced and not takes_over:
            _write_restatement(
                self.warehouse, before, _by_service(self.warehouse, source, period), done, replaced.load_id
            )
        rollups.mark_dirty(self.warehouse, period)
        if replaced is None:
            _close_earlier(self.warehouse, source, period)
        _run_checks(self.warehouse, source, period)
        return done

    def _send_back(self, newer: Current, older: Load) -> None:
        """Quarantine a newer delivery that is loaded: an older one, found after it, holds far more."""
        reason = (
            f"{newer.rows_mapped} rows for {older.x_BillingPeriod}, {older.rows_mapped} are in the delivery before it: "
            "empty, shrunken or the fringe of another file; if it is right, load it with --accept"
        )
        self.warehouse.execute(
            "UPDATE loads SET status = 'quarantined', reason = ?, charges = 0, rows_generated = 0, rows_mapped = 0 "
            "WHERE load_id = ?",
            [reason, newer.load_id],
        )
        self.warehouse.execute("DELETE FROM load_controls WHERE load_id = ?", [newer.load_id])

    def _prove_money(self, job: Job, load_id: str) -> None:
        for total in self.mapper.control_totals(job.staged, job.period, job.unread):
            charged = self.mapper.charges_total(load_id, total.control, total.currency)
            totals = (total.file_total, charged, total.rejected_total)
            loads.write_control(
                self.warehouse,
                load_id,
                currency=total.currency,
                column=total.control.column,
                expression=total.control.expression,
                totals=totals,
                rounding=total.rounding,
            )
            if total.file_total != charged + total.rejected_total:
                raise LawError(
                    f"{job.delivery.name}: {total.control.column} in {total.currency} is {money.text(total.file_total)} in the file, "
                    f"but {money.text(charged)} in charges and {money.text(total.rejected_total)} rejected; "
                    "nothing was changed, please report this"
                )

    def write_rejects(self, job: Job, load_id: str) -> None:
        """Write the first rejected rows of a load."""
        for number, record, line, problem in self.mapper.rejects(job.period, job.unread, REJECTS_KEPT):
            column, value, reason = problem.split(staging.UNIT, 2)
            row = {"load_id": load_id, "path": str(job.delivery.files[number].path), "record": record, "line": line}
            row |= {"column_name": column or None, "value": value or None, "reason": reason}
            loads.insert(self.warehouse, "rejected_rows", row)

    def _keep_columns(self, staged: Staged) -> None:
        for name in staged.header.kept.values():
            if self.warehouse.execute("INSERT OR IGNORE INTO kept_columns VALUES (?)", [name]):
                schema.refresh_views(self.warehouse)

    def files(self, job: Job) -> list[tuple[str, str, int, int]]:
        """Return a job's files as the ledger holds them: path, sha256, bytes, rows of the period."""
        rows = self.mapper.file_rows(job.period, job.unread)
        return [(str(f.path), f.sha256, f.bytes, rows.get(n, 0)) for n, f in enumerate(job.delivery.files)]


def _require_row_law(job: Job, counts: Counts, done: Load) -> None:
    if done.rows_mapped != counts.mapped:
        raise LawError(
            f"{job.delivery.name}: {counts.read} rows read, of which {counts.rejected} rejected and {counts.folded} folded, "
            f"but {done.rows_mapped} became charges; nothing was changed, please report this"
        )


def _by_service(warehouse: Warehouse, source: str, period: str) -> dict[_Service, _Sums]:
    return {row[:3]: row[3:] for row in warehouse.rows(_BY_SERVICE, [source, period])}


def _write_restatement(
    warehouse: Warehouse, before: Mapping[_Service, _Sums], after: Mapping[_Service, _Sums], load: Load, replaced: str
) -> None:
    nothing: _Sums = (0, money.ZERO, money.ZERO)
    for key in sorted({*before, *after}, key=str):
        old, new = before.get(key, nothing), after.get(key, nothing)
        if old == new:
            continue
        row = {"load_id": load.load_id, "replaced_load_id": replaced, "x_Source": load.x_Source}
        row |= {"x_BillingPeriod": str(load.x_BillingPeriod)}
        keys = dict(zip(("BillingCurrency", "SubAccountId", "ServiceName"), key, strict=True))
        names = ("charges", "BilledCost", "EffectiveCost")
        sums = {f"{name}_before": value for name, value in zip(names, old, strict=True)}
        sums |= {f"{name}_after": value for name, value in zip(names, new, strict=True)}
        loads.insert(warehouse, "restatements", {**row, **keys, **sums})


def _remember_keys(warehouse: Warehouse, source: str, period: str) -> None:
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE leaving AS SELECT DISTINCT x_ResourceKey, x_TagSetId FROM resource_costs "
        "WHERE x_Source = ? AND x_BillingPeriod = ?",
        [source, period],
    )


def _drop_orphans(warehouse: Warehouse) -> None:
    """Drop dimension rows that only the replaced charges used."""
    for table, key in (("resources", "x_ResourceKey"), ("tag_sets", "x_TagSetId"), ("tags", "x_TagSetId")):
        warehouse.execute(f"""
            DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM leaving WHERE {key} IS NOT NULL)
            AND {key} NOT IN (SELECT {key} FROM charges WHERE {key} IS NOT NULL)""")


def _note_source_period(warehouse: Warehouse, job: Job, load: Load) -> None:
    through = warehouse.value(
        """
        SELECT max(ChargePeriodEnd) FROM charges
        WHERE x_LoadId = ? AND ChargeCategory = 'Usage' AND ChargePeriodEnd - ChargePeriodStart <= INTERVAL 24 HOUR""",
        [load.load_id],
    )
    warehouse.execute(
        "INSERT OR REPLACE INTO source_periods VALUES (?, ?, 'billed', ?, ?, ?, ?, ?)",
        [
            job.source.name,
            job.period,
            load.load_id,
            load.delivered_at,
            load.modified_at,
            load.charges,
            through,
        ],
    )


def _close_earlier(warehouse: Warehouse, source: str, period: str) -> None:
    """A source that goes on to a new billing period has completed the one before: its answers are due again."""
    earlier = warehouse.value(
        "SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Source = ? AND x_BillingPeriod < ? AND charges > 0",
        [source, period],
    )
    if earlier:
        rollups.mark_dirty(warehouse, earlier)


def _run_checks(warehouse: Warehouse, source: str, period: str) -> None:
    for check in CHECKS:
        text = resources.sql(f"checks/{check}")
        given = {"source": source, "period": period} if "$source" in text else None
        bad = warehouse.rows(text, given)
        if bad:
            raise LawError(
                f"{source} {period}: check {check} found {len(bad)} bad row(s), first {bad[0]}; "
                "nothing was changed, please report this"
            )
