"""Read the published copy: commands that only ask never meet the writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.cli import output
from pipeline.errors import UsageError, near
from pipeline.periods import month

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.store.warehouse import Warehouse


class Copy:
    """An open published copy, and the settings that go with it: without the operator's, where it is a tenant's file."""

    def __init__(self, warehouse: Warehouse, settings: Settings) -> None:
        self.warehouse = warehouse
        self.settings = settings

    def warehouse_rows(self, query: str, values: Sequence[Any], format_: str) -> None:
        """Print a query's rows."""
        columns, data = self.warehouse.select(query, values)
        output.rows(columns, data, format_)

    def require_source(self, name: str | None) -> None:
        """Check that the ledger knows a source, where one is named.

        Raises:
            UsageError: when nothing of it ever came.
        """
        known = [row[0] for row in self.warehouse.rows("SELECT DISTINCT x_Source FROM loads ORDER BY 1")]
        if name is not None and name not in known:
            raise UsageError(f"no source {name!r} in the warehouse{near(name, known)}")

    def period(self, named: str | None) -> str:
        """Return the billing period that is named, else the latest that has charges.

        Raises:
            UsageError: when it is none, or nothing is loaded for it.
        """
        from pipeline.night.loaded import require_loaded

        if named is None:
            return latest_period(self)
        month(named)
        require_loaded(self.warehouse, [named])
        return named


@contextmanager
def published(settings: Settings, *, for_operator: str | None = None) -> Iterator[Copy]:
    """Open the published copy; for an actor of a tenant, the tenant's own file.

    Args:
        for_operator: what only the operator may do with it, such as ``list deliveries``: there is nothing of it in a
            tenant's file.

    Raises:
        NotPermittedError: when the actor is of a tenant, and it is the operator's.
        UsageError: when nothing has been published yet.
    """
    from pipeline.night.tenants import own_settings
    from pipeline.store import publish, tenants

    path, tenant = settings.publish.path, settings.actor.own_tenant
    if for_operator is not None:
        settings.actor.require_operator(for_operator)
    if tenant is None:
        with publish.opened(path) as warehouse:
            yield Copy(warehouse, settings)
    else:
        with tenants.opened(path, tenant) as warehouse:
            yield Copy(warehouse, own_settings(settings, warehouse))


@contextmanager
def published_whole(settings: Settings) -> Iterator[Copy]:
    """Open the operator's published copy for a question that asks itself what the actor may see.

    Raises:
        UsageError: when nothing has been published yet.
    """
    from pipeline.store import publish

    with publish.opened(settings.publish.path) as warehouse:
        yield Copy(warehouse, settings)


def latest_period(copy: Copy) -> str:
    """Return the latest billing period that has charges.

    Raises:
        UsageError: when there is none.
    """
    found = copy.warehouse.value(
        "SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0"
    )
    if found is None:
        raise UsageError("nothing is loaded yet")
    return str(found)
