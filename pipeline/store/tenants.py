"""A tenant's own file: a warehouse that only ever held that tenant's charges, policies and alerts.

It is filled from a list of tables, each with its query under ``sql/tenants/``: what no query names is not in it. Tag rules
speak of everybody, so charges have the tags that they come to, and a rule that says whose file it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipeline import resources
from pipeline.errors import UsageError
from pipeline.rules import TENANT, Comparison, Operand, TagRules, VirtualRule, VirtualTag
from pipeline.store import rule_sql, tagging
from pipeline.store.warehouse import Warehouse

#: The tables that are filled after ``charges``, which most of them go by.
TABLES = (
    *(
        "resources",
        "tag_sets",
        "tags",
        "kept_columns",
        "recorded_entries",
        "source_periods",
        "period_states",
        "accounts",
    ),
    *(
        "rates",
        "budgets",
        "budget_status",
        "budget_alerts",
        "alert_configs",
        "budget_events",
        "settings",
    ),
)
#: Names that stand for themselves as files' names; none of them has the ``~`` of the others.
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_OWNER = "SELECT value FROM settings WHERE name = 'tenant'"
_NOT_PLAIN = re.compile(r"[^a-z0-9_-]+")


def file_name(tenant: str) -> str:
    """Return a name for a tenant's files and folders: its own, or what is plain of it with a hash, never another's."""
    if _PLAIN.fullmatch(tenant):
        return tenant
    readable = _NOT_PLAIN.sub("-", tenant.lower()).strip("-")[:40]
    return f"{readable}~{hashlib.sha256(tenant.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def path_of(published: Path, tenant: str) -> Path:
    """Return the stable path of a tenant's file: in ``tenants/`` beside the operator's."""
    return published.parent / "tenants" / f"{file_name(tenant)}.duckdb"


def owner(warehouse: Warehouse) -> str | None:
    """Return whose file this is; None: the operator's."""
    found: str | None = warehouse.value(_OWNER)
    return found


def opened(published: Path, tenant: str) -> Warehouse:
    """Open a tenant's file for reading; its queries reach no other file.

    Raises:
        UsageError: when nothing is published for the tenant.
    """
    path = path_of(published, tenant)
    if not path.exists():
        raise UsageError(
            f"nothing is published for the tenant {tenant} yet: the operator does it by `costmill publish --tenant`, or "
            "each night with `publish.tenants: true`"
        )
    warehouse = Warehouse.open(path, read_only=True)
    warehouse.execute("SET enable_external_access = false")
    return warehouse


def known(warehouse: Warehouse, published: Path) -> list[str]:
    """Return everybody whom something belongs to, and who has a file of an earlier day: it is to show what is so now."""
    found = {row[0] for row in warehouse.rows(resources.sql("night/tenants"))}
    found |= {tenant for _, tenant in tagging.stored_rules(warehouse).tenants}
    for path in sorted((published.parent / "tenants").glob("*.duckdb")):
        found |= _named(path)
    return sorted(found)


def rules(tenant: str) -> TagRules:
    """Return the tag rules of a tenant's file: all charges are the tenant's."""
    everything = Comparison(Operand("column", "x_Source"), "present")
    return TagRules(tenant=VirtualTag(TENANT, (VirtualRule(everything, tenant),)))


def fill(warehouse: Warehouse, tenant: str, path: Path) -> None:
    """Fill an empty warehouse that nobody has open with what is a tenant's; roll-ups and summaries are the caller's."""
    warehouse.execute(f"ATTACH {rule_sql.literal(str(path))} AS tenant_file")
    try:
        months = "SELECT DISTINCT x_Source, x_BillingPeriod FROM daily_costs WHERE x_TenantId = ? ORDER BY ALL"
        for source, period in warehouse.rows(months, [tenant]):
            tagging.tag_charges(warehouse, source, period, ())
            _insert(warehouse, "charges", tenant)
        for table in TABLES:
            _insert(warehouse, table, tenant)
    finally:
        warehouse.execute("DETACH tenant_file")


def leave_out_commitments(own: Warehouse, shared: Sequence[tuple[str, str | None, str]]) -> None:
    """Take commitments that are shared (billing period, provider, id) out of a tenant's rollup: they are the operator's.

    The tenant's charges alone would tell of use without fees and waste, which looks like a commitment that is used up.
    """
    for commitment in shared:
        own.execute(
            "DELETE FROM commitment_costs WHERE x_BillingPeriod = ? AND x_Provider IS NOT DISTINCT FROM ? "
            "AND CommitmentDiscountId = ?",
            commitment,
        )


def _named(path: Path) -> set[str]:
    """Whose a published file is, whatever version wrote it; nobody's, where it is none of ours."""
    if not path.is_symlink():
        return set()
    with contextlib.suppress(duckdb.Error), duckdb.connect(str(path), read_only=True) as connection:
        return {row[0] for row in connection.execute(_OWNER).fetchall()}
    return set()


def _insert(warehouse: Warehouse, table: str, tenant: str) -> None:
    query = resources.sql(f"tenants/{table}")
    given = {"tenant": tenant} if "$tenant" in query else None
    warehouse.execute(f"INSERT INTO tenant_file.{table} BY NAME {query}", given)
