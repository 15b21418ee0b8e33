"""A resource's key: the md5 of its columns, the same from Python, from SQL and on every engine."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from uuid import UUID

from pipeline import focus

#: Columns of the dimension resources besides its key, in the order in which the key hashes them.
COLUMNS = ("x_Provider", *focus.RESOURCE_COLUMNS, "x_ResourceType")


def resource_key(values: Mapping[str, str | None]) -> UUID:
    """Return the key of a resource as billed: absent and None columns are one, and told from empty ones."""
    parts = ["-" if (value := values.get(name)) is None else f"{len(value.encode())}:{value}" for name in COLUMNS]
    return UUID(hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest())


def resource_key_sql(alias: str, names: Collection[str]) -> str:
    """Return the SQL for the same key over a relation that has the columns ``names``."""
    each = "coalesce(strlen({0}) || ':' || {0}, '-')"
    parts = ", ".join(each.format(f"{alias}.{name}") if name in names else "'-'" for name in COLUMNS)
    return f"CAST(md5(concat({parts})) AS UUID)"
