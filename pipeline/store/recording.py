"""Recorded entries as charges: rows, dimensions, rollups, inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from pipeline import resources, tags
from pipeline.config.fields import RECORDED  # also their origin
from pipeline.entries import CostEntry
from pipeline.periods import label, utc_now
from pipeline.store import loads, rollups
from pipeline.store.resource_keys import COLUMNS, resource_key
from pipeline.store.warehouse import Warehouse

_INCOMING = (
    "x_RecordId",
    "x_BillingPeriod",
    "x_CostCategory",
    "ServiceCategory",
    "amount",
    "BillingCurrency",
    "ChargeDescription",
    "moment",
    "Metadata",
    "x_ResourceKey",
    "x_TagSetId",
)


def insert(warehouse: Warehouse, entries: Sequence[CostEntry]) -> None:
    """Insert normalised entries that are not there yet, with their dimensions and rollups.

    What is published is then old, and budgets of these months are due, and their summary of AI usage where there is some; what is billed, and the summaries and reports made
    from it, are not touched.
    """
    _stage(warehouse, entries)
    warehouse.execute(f"INSERT INTO charges BY NAME {resources.sql('entries/charges')}")
    warehouse.execute(
        "INSERT INTO recorded_entries SELECT x_RecordId, x_BillingPeriod, Metadata, ? FROM incoming_entries",
        [utc_now()],
    )
    _save_resources(warehouse, {entry.resource_id or None for entry in entries})
    _save_tags(warehouse, [entry.tags for entry in entries])
    for period in sorted({label(entry.timestamp) for entry in entries}):
        _bring_up_to_date(warehouse, period)
        rollups.mark_budgets(warehouse, period)


def _stage(warehouse: Warehouse, entries: Sequence[CostEntry]) -> None:
    """Make the temporary table that sql/entries/charges.sql reads."""
    rows = [
        (
            entry.id,
            label(entry.timestamp),
            entry.category.value,
            entry.category.service_category,
            format(entry.amount, "f"),
            entry.currency,
            entry.description or None,
            entry.timestamp.isoformat(),
            json.dumps(entry.metadata, ensure_ascii=False),
            str(resource_key({"ResourceId": entry.resource_id or None})),
            str(tags.set_id(tags.canonical(entry.tags))) if entry.tags else None,
        )
        for entry in entries
    ]
    columns = dict.fromkeys(_INCOMING, "VARCHAR") | {"x_ResourceKey": "UUID", "x_TagSetId": "UUID"}
    warehouse.replace_temporary("incoming_entries", columns, rows)


def _save_resources(warehouse: Warehouse, ids: Collection[str | None]) -> None:
    """Insert the resources that are new, with the types that their ids tell, as the loader does."""
    rows = [(str(resource_key({"ResourceId": each})), each) for each in ids]
    warehouse.replace_temporary("incoming_resources", {"x_ResourceKey": "UUID", "ResourceId": "VARCHAR"}, rows)
    absent = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in COLUMNS if name != "ResourceId")
    columns = ", ".join(("x_ResourceKey", *COLUMNS))
    warehouse.execute(f"""
        INSERT INTO resources ({columns})
        WITH mapped AS (SELECT *, {absent} FROM incoming_resources)
        SELECT {columns} FROM ({resources.sql("sources/resources")})
        WHERE x_ResourceKey NOT IN (SELECT x_ResourceKey FROM resources)""")


def _save_tags(warehouse: Warehouse, given: Iterable[Mapping[str, str]]) -> None:
    """Insert the tag sets that are new, with their pairs."""
    sets = {tags.canonical(pairs): pairs for pairs in given if pairs}
    ids = {text: str(tags.set_id(text)) for text in sets}
    warehouse.replace_temporary(
        "incoming_sets", {"x_TagSetId": "UUID", "Tags": "VARCHAR"}, [(ids[text], text) for text in sets]
    )
    warehouse.replace_temporary(
        "incoming_pairs",
        {"x_TagSetId": "UUID", "TagKey": "VARCHAR", "TagValue": "VARCHAR"},
        [(ids[text], key, value) for text, pairs in sets.items() for key, value in pairs.items()],
    )
    absent = "WHERE x_TagSetId NOT IN (SELECT x_TagSetId FROM tag_sets)"
    warehouse.execute(f"INSERT INTO tags BY NAME SELECT * FROM incoming_pairs {absent}")
    warehouse.execute(f"INSERT INTO tag_sets BY NAME SELECT * FROM incoming_sets {absent}")


def _bring_up_to_date(warehouse: Warehouse, period: str) -> None:
    """Make the recorded charges' rollups of a period anew, and say what there is.

    usage_through stays NULL: a day without a recorded entry is no day without data, so recorded entries say nothing
    of which days are complete.
    """
    keys = json.loads(warehouse.value("SELECT value FROM settings WHERE name = 'reported_tags'") or "[]")
    rollups.refresh(warehouse, RECORDED, period, keys)
    charges = warehouse.value(
        "SELECT count(*) FROM charges WHERE x_Source = ? AND x_Origin = ? AND x_BillingPeriod = ?",
        [RECORDED, RECORDED, period],
    )
    row = {"x_Source": RECORDED, "x_BillingPeriod": period, "x_Origin": RECORDED}
    warehouse.execute(
        "DELETE FROM source_periods WHERE x_Source = ? AND x_BillingPeriod = ? AND x_Origin = ?",
        [RECORDED, period, RECORDED],
    )
    loads.insert(warehouse, "source_periods", {**row, "charges": charges, "modified_at": utc_now()})
