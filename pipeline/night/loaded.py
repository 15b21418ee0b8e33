"""What is loaded, and how fresh it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.store import reach
from pipeline.store.warehouse import Warehouse


@dataclass(frozen=True)
class Staleness:
    """The last complete day of all sources, the earliest of theirs, and which sources are older than the configuration allows.

    Attributes:
        stale: source, its last complete day and how many days ago that is; the oldest first.
    """

    last_complete_day: date | None
    age_days: int | None
    max_age_days: int
    stale: tuple[tuple[str, date, int], ...] = ()

    @property
    def is_stale(self) -> bool:
        """Whether a source is."""
        return bool(self.stale)

    @property
    def lines(self) -> tuple[str, ...]:
        """Say of each stale source how old it is, and the limit."""
        limit = f"the limit is {_days(self.max_age_days)} (freshness.max_age_days)"
        return tuple(
            f"{name}: its last complete day is {day}, {_days(age)} ago; {limit}" for name, day, age in self.stale
        )


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
    """Compare the last complete day of each configured source (without a configuration: of each) with the freshness."""
    names, limit = [source.name for source in settings.sources], settings.freshness.max_age_days
    known = reach.source_days(warehouse).items()
    days = sorted((day, name) for name, day in known if day is not None and (not names or name in names))
    if not days:
        return Staleness(None, None, limit)
    aged = [(name, day, (as_of.date() - day).days) for day, name in days]
    _, earliest, age = aged[0]
    return Staleness(earliest, age, limit, tuple(each for each in aged if each[2] > limit))


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"
