"""Divide the shared costs of one billing period: charges in, the tables of splits out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.focus import COSTS
from pipeline.rules import Split, read_splits, splits_json
from pipeline.store import rollups, rule_sql, schema, tagging
from pipeline.store.warehouse import Warehouse
from pipeline.summaries.splits import Divided, Group, Shared, split_costs, tag_keys, warnings

if TYPE_CHECKING:
    import polars as pl

_SETTING = "split_rules"
_IDENTITY = ("x_Source", "x_ResourceKey", "ServiceName", "x_TagSetId")


def keep_rules(warehouse: Warehouse, splits: Sequence[Split]) -> bool:
    """Keep the split rules in the warehouse; others make all periods' summaries due. True when there are such periods."""
    kept = warehouse.value("SELECT value FROM settings WHERE name = ?", [_SETTING])
    if read_splits(kept) == tuple(splits):
        return False
    with warehouse.transaction():
        warehouse.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", [_SETTING, splits_json(splits)])
        schema.refresh_views(warehouse)
        return rollups.mark_summaries(warehouse)


def split_tables(warehouse: Warehouse, period: str) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Return the rows of cost_splits, split_rules and split_summary of a billing period, and what must be told."""
    splits = read_splits(warehouse.value("SELECT value FROM settings WHERE name = ?", [_SETTING]))
    divided = _divided(warehouse, period, splits) if splits else Divided()
    tables = {
        "cost_splits": _frame(warehouse, "cost_splits", _part_rows(period, splits, divided)),
        "split_rules": _frame(warehouse, "split_rules", _rule_rows(period, splits, divided)),
        "split_summary": _frame(warehouse, "split_summary", _value_rows(period, divided)),
    }
    return tables, [line for result in divided.rules for line in warnings(result, splits, period)]


def _divided(warehouse: Warehouse, period: str, splits: Sequence[Split]) -> Divided:
    keys = tag_keys(splits)
    _gather(warehouse, period, splits, keys)
    sums = ", ".join(f"sum({cost})" for cost in COSTS)
    identity = ", ".join(f"CAST({name} AS VARCHAR)" for name in _IDENTITY)
    shared = warehouse.rows(f"""
        SELECT BillingCurrency, rule, {identity}, {sums}, CAST(sum(charges) AS BIGINT), CAST(sum(overlapping) AS BIGINT)
        FROM split_charges WHERE rule IS NOT NULL GROUP BY ALL ORDER BY ALL""")
    asked = ", ".join([*(f"key_{at}" for at in range(len(keys))), *(f"basis_{at}" for at in range(len(splits)))])
    groups = warehouse.rows(
        f"SELECT BillingCurrency, rule, {asked}, {sums} FROM split_charges GROUP BY ALL ORDER BY ALL"
    )
    return split_costs(
        splits,
        keys,
        [_shared(row) for row in shared],
        [_group(row, len(keys), len(splits)) for row in groups],
    )


def _shared(row: tuple[Any, ...]) -> Shared:
    currency, rule, source, resource_key, service, tag_set_id, *rest = row
    *costs, charges, overlapping = rest
    return Shared(currency, rule, source, resource_key, service, tag_set_id, tuple(costs), charges, overlapping)


def _group(row: tuple[Any, ...], keys: int, rules: int) -> Group:
    currency, rule, *rest = row
    return Group(currency, rule, tuple(rest[:keys]), tuple(rest[keys : keys + rules]), tuple(rest[keys + rules :]))


def _gather(warehouse: Warehouse, period: str, splits: Sequence[Split], keys: Sequence[str]) -> None:
    """Make ``split_charges``: the billed charges of a period by all that splits ask, in one pass.

    A row is a rule (NULL for none), currency, the values of the keys and whether each rule counts it in its basis;
    shared ones also by source, resource, service and tag set.
    """
    tag = rule_sql.effective_tag(tagging.stored_rules(warehouse))
    columns = [f"{rule_sql.condition(split.match, tag)} AS match_{at}" for at, split in enumerate(splits)]
    columns += [f"{tag(key)} AS key_{at}" for at, key in enumerate(keys)]
    columns += [
        f"{rule_sql.condition(split.basis_where, tag) if split.basis_where else 'true'} AS basis_{at}"
        for at, split in enumerate(splits)
    ]
    matches = [f"match_{at}" for at in range(len(splits))]
    first = " ".join(f"WHEN {name} THEN {at}" for at, name in enumerate(matches))
    named = ", ".join(f"CASE WHEN {' OR '.join(matches)} THEN {name} END AS {name}" for name in _IDENTITY)
    asked = ", ".join([*(f"key_{at}" for at in range(len(keys))), *(f"basis_{at}" for at in range(len(splits)))])
    count = " + ".join(f"CAST({name} AS INTEGER)" for name in matches)
    sums = ", ".join(f"coalesce(sum({cost}), 0) AS {cost}" for cost in COSTS)
    warehouse.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE split_charges AS
        SELECT BillingCurrency, CASE {first} END AS rule, {named}, {asked}, {sums},
            count(*) AS charges, count(*) FILTER (WHERE {count} > 1) AS overlapping
        FROM (
            SELECT c.BillingCurrency, c.x_Source, c.x_ResourceKey, c.ServiceName, c.x_TagSetId,
                {", ".join(f"c.{cost}" for cost in COSTS)}, {", ".join(columns)}
            FROM {rule_sql.RELATIONS}
            WHERE c.x_BillingPeriod = $1 AND c.x_Origin = 'billed')
        GROUP BY ALL""",
        [period],
    )


def _part_rows(period: str, splits: Sequence[Split], divided: Divided) -> list[tuple[Any, ...]]:
    return [
        (period, own.currency, splits[own.rule].name, splits[own.rule].key, own.source, own.resource_key, own.service,
         own.tag_set_id, part.target, part.weight, part.weights, *part.costs)
        for part in divided.parts
        for own in (part.shared,)
    ]  # fmt: skip


def _rule_rows(period: str, splits: Sequence[Split], divided: Divided) -> list[tuple[Any, ...]]:
    return [
        (period, own.currency, splits[own.rule].name, splits[own.rule].key, splits[own.rule].by, own.targets, *own.costs,
         own.charges, own.overlapping, own.unsplit)
        for own in divided.rules
    ]  # fmt: skip


def _value_rows(period: str, divided: Divided) -> list[tuple[Any, ...]]:
    rows = []
    for value in divided.values:
        both = [own + received for own, received in zip(value.own, value.received, strict=True)]
        billed, effective = ((value.own[at], value.received[at], both[at]) for at in (0, 1))
        rows.append((period, value.currency, value.key, value.value, *billed, *effective, both[2], both[3]))
    return rows


def _frame(warehouse: Warehouse, table: str, rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Rows as a frame with the table's own columns and types."""
    import polars as pl

    schema = warehouse.frame(f"SELECT * FROM {table} LIMIT 0").schema
    return pl.DataFrame(rows, schema=schema, orient="row")
