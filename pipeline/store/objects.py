"""What the warehouse knows of the objects of buckets: their versions and content hashes, between runs."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.sources.remote import KnownObject
from pipeline.store.warehouse import Warehouse


def read(warehouse: Warehouse) -> dict[str, KnownObject]:
    """Return what former runs saw, by address."""
    rows = warehouse.rows("SELECT url, version, bytes, sha256, is_json FROM remote_objects")
    return {url: KnownObject(*facts) for url, *facts in rows}


def write(warehouse: Warehouse, before: Mapping[str, KnownObject], after: Mapping[str, KnownObject]) -> None:
    """Bring the table from what it was ``before`` to what is known ``after``; writes nothing when they are equal."""
    fresh = [(url, known) for url, known in after.items() if before.get(url) != known]
    stale = [url for url, known in before.items() if after.get(url) != known]
    if not fresh and not stale:
        return
    columns = [
        [url for url, _ in fresh],
        [known.version for _, known in fresh],
        [known.bytes for _, known in fresh],
        [known.sha256 for _, known in fresh],
        [known.is_json for _, known in fresh],
    ]
    with warehouse.transaction():
        warehouse.execute("DELETE FROM remote_objects WHERE list_contains(?, url)", [stale])
        warehouse.execute(
            "INSERT INTO remote_objects SELECT unnest(CAST(? AS VARCHAR[])), unnest(CAST(? AS VARCHAR[])), "
            "unnest(CAST(? AS BIGINT[])), unnest(CAST(? AS VARCHAR[])), unnest(CAST(? AS BOOLEAN[]))",
            columns,
        )
