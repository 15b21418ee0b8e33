"""How far the usage of each source reaches: its last complete day, by billing period and over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pipeline import periods, resources
from pipeline.store.warehouse import Warehouse


@dataclass(frozen=True)
class Reach:
    """How far usage reaches in a source's billing period.

    Attributes:
        usage_through: the latest end of usage charges of at most 24 hours, naive UTC; None without any. In a month of which
            records alone tell, it is the start of the day of the newest one (not where all months are asked for, which
            tells how fresh sources are).
        usage_from: the first day with usage.
        moved_on: the source has charges of a later billing period.
    """

    x_Source: str
    x_BillingPeriod: str
    usage_through: datetime | None
    usage_from: date | None
    moved_on: bool

    @property
    def last_day(self) -> date | None:
        """The last complete day of the billing period; None when usage covers none whole."""
        day = periods.complete_day(self.x_BillingPeriod, self.usage_through, moved_on=self.moved_on)
        return day if self._covers(day) else None

    @property
    def figures_end(self) -> date | None:
        """Where figures of the billing period end: with it once the source has gone on, else with the last complete day.

        A month that a source has left behind is over, however early its usage ended: there is nothing to forecast.
        """
        return periods.last_day(self.x_BillingPeriod) if self.moved_on else self.last_day

    @property
    def usage_day(self) -> date | None:
        """The last day that usage covers whole, wherever the bill dates it: some bill a month's usage in the next."""
        day = periods.last_complete_day(self.usage_through) if self.usage_through else None
        return max((each for each in (day, self.last_day) if each and self._covers(each)), default=None)

    def _covers(self, day: date | None) -> bool:
        """Whether usage had begun by then."""
        return day is not None and (self.usage_from is None or self.usage_from <= day)


def of_period(warehouse: Warehouse, period: str) -> dict[str, Reach]:
    """Return how far each source with charges of a billing period reaches."""
    return {each.x_Source: each for each in _read(warehouse, period)}


def of_all(warehouse: Warehouse) -> dict[tuple[str, str], Reach]:
    """Return how far each source reaches in each of its billing periods."""
    return {(each.x_Source, each.x_BillingPeriod): each for each in _read(warehouse, None)}


def source_days(warehouse: Warehouse) -> dict[str, date | None]:
    """Return the last complete day of each source over all of its billing periods."""
    found: dict[str, date | None] = {}
    for each in _read(warehouse, None):
        days = [day for day in (found.get(each.x_Source), each.usage_day) if day is not None]
        found[each.x_Source] = max(days, default=None)
    return found


def _read(warehouse: Warehouse, period: str | None) -> list[Reach]:
    rows = warehouse.rows(resources.sql("status/reach"), {"period": period})
    newest: dict[str, str] = {}
    for source, label, *_ in rows:
        newest[source] = max(label, newest.get(source, label))
    asked = [row for row in rows if period in (None, row[1])]
    records: dict[str, datetime] = {}
    if period is not None and asked and all(through is None for _, _, through, _ in asked):
        records = dict(warehouse.rows(resources.sql("status/newest_records"), [period]))
    return [
        Reach(source, label, records.get(source, through), first, moved_on=label < newest[source])
        for source, label, through, first in asked
    ]
