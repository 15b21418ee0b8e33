"""What is loaded, and how fresh it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pipeline import periods
from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.store.warehouse import Warehouse


@dataclass(frozen=True)
class Staleness:
    """The last complete day of all sources, and whether it is older than the configured freshness."""

    last_complete_day: date | None
    age_days: int | None
    is_stale: bool


def loaded_periods(warehouse: Warehouse) -> list[str]:
    """Return the billing periods that something is loaded for, oldest first."""
    return [
        row[0]
        for row in warehouse.rows(
            "SELECT DISTINCT x_BillingPeriod FROM source_periods WHERE x_Origin = 'billed' ORDER BY 1"
        )
    ]


def require_loaded(warehouse: Warehouse, wanted: Sequence[str]) -> None:
    """Check that something is loaded for each of the ``wanted`` billing periods.

    Raises:
        UsageError: naming those that are not, and what is loaded.
    """
    known = loaded_periods(warehouse)
    unknown = [period for period in wanted if period not in known]
    if unknown:
        raise UsageError(f"nothing is loaded for {', '.join(unknown)}; loaded: {', '.join(known) or 'nothing yet'}")


def latest_period(warehouse: Warehouse) -> str | None:
    """Return the last billing period that has charges."""
    latest: str | None = warehouse.value(
        "SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0"
    )
    return latest


def staleness(warehouse: Warehouse, settings: Settings, as_of: datetime) -> Staleness:
    """Compare the last complete day, the earliest of the configured sources', with the configured freshness."""
    names = [source.name for source in settings.sources]
    rows = warehouse.rows(
        "SELECT x_Source, max(usage_through) FROM source_periods WHERE x_Origin = 'billed' GROUP BY ALL"
    )
    days = [periods.last_complete_day(through) for name, through in rows if through and (not names or name in names)]
    if not days:
        return Staleness(None, None, is_stale=False)
    age = (as_of.date() - min(days)).days
    return Staleness(min(days), age, is_stale=age > settings.freshness.max_age_days)
