"""Drift: how the columns of a delivery differ from those of its source's delivery before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.store import loads
from pipeline.store.loads import Load
from pipeline.store.warehouse import Warehouse

Change = Literal["new", "missing", "retyped", "version"]

#: The delivery before, in time, that is or was loaded in the same format, of this billing period or an earlier one: what
#: was delivered of later months tells nothing of how an older one should be.
_BEFORE = """
SELECT columns, coalesce(column_types, '{}'), format_version FROM loads
WHERE x_Source = $source AND format = $format AND status IN ('loaded', 'replaced') AND x_BillingPeriod IS NOT NULL
    AND x_BillingPeriod <= $period AND coalesce(delivered_at, modified_at) < $at AND fingerprint <> $fingerprint
ORDER BY coalesce(delivered_at, modified_at) DESC, loaded_at DESC, x_BillingPeriod DESC LIMIT 1"""


@dataclass(frozen=True)
class Drift:
    """One difference; ``column`` is None for the format's version, ``before`` and ``after`` are types where known."""

    column: str | None
    change: Change
    before: str | None
    after: str | None


def write(warehouse: Warehouse, load: Load) -> None:
    """Compare a delivery's columns with those of the one before and write what differs."""
    given = {
        "source": load.x_Source,
        "period": load.x_BillingPeriod,
        "format": load.format,
        "fingerprint": load.fingerprint,
    }
    found = warehouse.rows(_BEFORE, given | {"at": load.delivered_at or load.modified_at})
    rows = []
    for columns, types, version in found:
        for each in _differences(load, json.loads(columns), json.loads(types), version):
            row = {"load_id": load.load_id, "column_name": each.column, "change": each.change}
            rows.append(row | {"before": each.before, "after": each.after})
    loads.insert(warehouse, "load_drift", *rows)


def _differences(load: Load, columns: list[str], types: dict[str, str], version: str | None) -> Iterator[Drift]:
    if version != load.format_version:
        yield Drift(None, "version", version, load.format_version)
    own = load.column_types
    for name in load.columns:
        if name not in columns:
            yield Drift(name, "new", None, own.get(name))
        elif name in types and name in own and types[name] != own[name]:
            yield Drift(name, "retyped", types[name], own[name])
    for name in columns:
        if name not in load.columns:
            yield Drift(name, "missing", types.get(name), None)
