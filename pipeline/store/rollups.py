"""Make a source and billing period's rollups from its charges, inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pipeline import resources
from pipeline.entries import CostCategory
from pipeline.periods import following
from pipeline.rules import TagRules
from pipeline.store import tagging
from pipeline.store.warehouse import Warehouse

_OF_IT = "WHERE x_Source = $source AND x_BillingPeriod = $period"
_COMMITTED = f"SELECT 1 FROM charges {_OF_IT} AND CommitmentDiscountId IS NOT NULL LIMIT 1"
ROLLUPS = ("daily_costs", "resource_costs", "invoice_costs", "commitment_costs")
#: Whether a rollup has anything yet. An upgrade may have emptied some of them: what one has is not told by another.
_FORMER = " UNION ALL ".join(f"(SELECT 1 FROM {name} {_OF_IT} LIMIT 1)" for name in ROLLUPS)
#: The stage of ``dirty`` that AI usage leaves due: recorded usage changes no other answer.
MODELS = "models"
_AI = CostCategory.AI_ML.service_category
#: Tags as they are billed.
NO_RULES = TagRules()
#: What a changed billing period leaves due, in the order in which a run does it.
STAGES = ("summaries", "budgets", "reports")
#: Stands for budgets of a billing period that has charges dated later than the last run: they count when they come.
LATER = "later"


def refresh(warehouse: Warehouse, source: str, period: str, keys: Sequence[str]) -> None:
    """Replace the rollups of one source and billing period; ``keys`` are the reported tag keys.

    The tag rules are those that the warehouse keeps (``refresh_for_keys``), the same for all of it.
    """
    where = {"source": source, "period": period}
    former = bool(warehouse.value(_FORMER, where))
    if former:
        tagging.remember_tags(warehouse, source, period)
    tagging.tag_charges(warehouse, source, period, keys)
    for rollup in ROLLUPS:
        if former:
            warehouse.execute(f"DELETE FROM {rollup} {_OF_IT}", where)
        if rollup != "commitment_costs" or warehouse.value(_COMMITTED, where):
            warehouse.execute(f"INSERT INTO {rollup} BY NAME {resources.sql(f'rollups/{rollup}')}", where)
    _refresh_models(warehouse, where, former=former)
    if former:
        tagging.drop_orphans(warehouse)


def _refresh_models(warehouse: Warehouse, where: dict[str, str], *, former: bool) -> None:
    """Replace the rollup of AI usage. A bill that has none is told by its days: its charges are not read once more."""
    changed = warehouse.execute(f"DELETE FROM model_costs {_OF_IT}", where) if former else 0
    if warehouse.value(f"SELECT 1 FROM daily_costs {_OF_IT} AND ServiceCategory = '{_AI}' LIMIT 1", where):
        changed += warehouse.execute(f"INSERT INTO model_costs BY NAME {resources.sql('rollups/model_costs')}", where)
    if changed:
        _mark(warehouse, [(where["period"], MODELS)])


def mark_dirty(warehouse: Warehouse, *periods: str) -> None:
    """Note that billing periods' answers are due, and the next ones' summaries and reports, which compare with them."""
    marks = [(period, stage) for period in periods for stage in STAGES]
    marks += [(following(period), stage) for period in periods for stage in ("summaries", "reports")]
    _mark(warehouse, list(dict.fromkeys(marks)))


def mark_budgets(warehouse: Warehouse, period: str) -> None:
    """Note that budgets of a billing period are due: recorded charges changed, which policies and managed budgets count
    and no bill has."""
    _mark(warehouse, [(period, "budgets")])


def mark_reports(warehouse: Warehouse, period: str | None) -> None:
    """Note that reports are due though no charge changed: one period's, or those of all when ``period`` is None."""
    every = warehouse.rows("SELECT DISTINCT x_BillingPeriod FROM source_periods WHERE x_Origin = 'billed'")
    periods = [period] if period else [row[0] for row in every]
    _mark(warehouse, [(each, "reports") for each in periods])


def mark_latest_report(warehouse: Warehouse) -> None:
    """Note that the report of the latest billing period is due, which tells of policies as they are now."""
    latest = warehouse.value(
        "SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0"
    )
    _mark(warehouse, [(latest, "reports")] if latest else [])


def mark_rates(warehouse: Warehouse, periods: Sequence[str]) -> None:
    """Note that budgets and reports of the loaded among these billing periods are due: their rates changed."""
    every = warehouse.rows("SELECT DISTINCT x_BillingPeriod FROM source_periods WHERE x_Origin = 'billed'")
    loaded = [row[0] for row in every if row[0] in periods]
    _mark(warehouse, [(period, stage) for period in loaded for stage in ("budgets", "reports")])


def mark_names(warehouse: Warehouse, period: str) -> None:
    """Note that a billing period's summaries and reports are due: names or owners changed, no money did."""
    _mark(warehouse, [(period, "summaries"), (period, "reports"), (following(period), "reports")])


def mark_summaries(warehouse: Warehouse) -> bool:
    """Note that summaries and reports of all billing periods are due though no charge changed; False without any."""
    every = warehouse.rows("SELECT DISTINCT x_BillingPeriod FROM source_periods WHERE x_Origin = 'billed'")
    _mark(warehouse, [(row[0], stage) for row in every for stage in ("summaries", "reports")])
    return bool(every)


def due(warehouse: Warehouse, stage: str) -> list[str]:
    """Return the billing periods whose stage is due, oldest first."""
    rows = warehouse.rows("SELECT x_BillingPeriod FROM dirty WHERE stage = ? ORDER BY 1", [stage])
    return [row[0] for row in rows]


def done(warehouse: Warehouse, period: str, stage: str) -> None:
    """Note that a billing period's stage has been done."""
    warehouse.execute("DELETE FROM dirty WHERE x_BillingPeriod = ? AND stage = ?", [period, stage])


def put_off(warehouse: Warehouse, periods: Sequence[str], day: date) -> None:
    """Note which of these billing periods have charges dated after a day, so that budgets judge them again then.

    Runs inside the caller's transaction; nobody who reads the published copy needs to know.
    """
    rows = warehouse.rows(
        "SELECT DISTINCT x_BillingPeriod FROM daily_costs WHERE ChargeDay > ? AND list_contains(?, x_BillingPeriod)",
        [day, list(periods)],
    )
    wanted, noted = {row[0] for row in rows}, {*due(warehouse, LATER)}
    for period in sorted(noted.intersection(periods) - wanted):
        done(warehouse, period, LATER)
    for period in sorted(wanted - noted):
        warehouse.execute("INSERT INTO dirty (x_BillingPeriod, stage) VALUES (?, ?)", [period, LATER])


def touch(warehouse: Warehouse) -> None:
    """Raise the warehouse's version: what is published is no longer what is here."""
    warehouse.execute("UPDATE settings SET value = CAST(CAST(value AS BIGINT) + 1 AS VARCHAR) WHERE name = 'version'")


def _mark(warehouse: Warehouse, marks: Sequence[tuple[str, str]]) -> None:
    if marks:
        rows = ", ".join("(?, ?)" for _ in marks)
        values = [value for mark in marks for value in mark]
        warehouse.execute(f"INSERT OR IGNORE INTO dirty (x_BillingPeriod, stage) VALUES {rows}", values)
    touch(warehouse)


def refresh_for_keys(warehouse: Warehouse, keys: Sequence[str], rules: TagRules = NO_RULES) -> bool:
    """Make all rollups anew when they were made with other reported keys or tag rules; True when it did.

    Where only sources have another tenant, it is theirs.
    """
    wanted = json.dumps(sorted(keys))
    made_with = warehouse.value("SELECT value FROM settings WHERE name = 'reported_tags'")
    before = tagging.stored_rules(warehouse)
    if made_with == wanted and before == rules:
        return False
    whole = made_with != wanted or replace(before, tenants=()) != replace(rules, tenants=())
    moved = {source for source, _ in {*before.tenants} ^ {*rules.tenants}}
    with warehouse.transaction():
        if before != rules:
            tagging.store_rules(warehouse, rules)
        every = warehouse.rows("SELECT x_Source, x_BillingPeriod, x_Origin FROM source_periods ORDER BY ALL")
        loaded = [row for row in every if whole or row[0] in moved]
        for source, period, origin in loaded:
            refresh(warehouse, source, period, keys)
            if origin == "billed":
                mark_dirty(warehouse, period)
        warehouse.execute("INSERT OR REPLACE INTO settings VALUES ('reported_tags', ?)", [wanted])
    return bool(loaded)
