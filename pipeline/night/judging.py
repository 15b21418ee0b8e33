"""Days held against the same weekday of the weeks before: which are due, and how they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from pipeline import periods, resources
from pipeline.budgets.anomalies import JudgedDay, Judgement
from pipeline.config import Settings
from pipeline.night.summarising import last_days
from pipeline.store.warehouse import Warehouse

#: So many of the latest days are judged whatever was loaded: those that became complete by time alone are among them.
LATEST = 7


def judge_days(warehouse: Warehouse, settings: Settings, due: Sequence[str], as_of: datetime) -> Judgement | None:
    """Judge the latest days and those from the earliest touched one on, no further back than the weeks looked at.

    A changed day changes what is expected of the days after it. A billing period that grows completes the one before.

    Args:
        due: the billing periods that loads touched.

    Returns:
        What was found; None where the configuration has no days judged.
    """
    if settings.anomalies is None:
        return None
    days = _days(warehouse, settings, due, as_of)
    if not days:
        return Judgement()

    from pipeline.summaries import cost_anomalies

    span = {"first": days[0] - timedelta(weeks=settings.anomalies.weeks), "last": days[-1]}
    usage = warehouse.frame(resources.sql("night/usage_by_day"), span).lazy()
    found = cost_anomalies(usage, days=days, rules=settings.anomalies).collect()
    return Judgement(days, [JudgedDay(*row) for row in found.drop("deviation").rows()])


def _days(warehouse: Warehouse, settings: Settings, due: Sequence[str], as_of: datetime) -> list[date]:
    """Return the due days whose data is complete, oldest first."""
    if settings.anomalies is None:
        return []
    end = as_of.date() - timedelta(days=settings.late_data_days)
    newest = warehouse.value(
        "SELECT max(ChargeDay) FROM daily_costs WHERE x_Origin = 'billed' AND ChargeDay <= ?", [end]
    )
    if newest is None:
        return []
    first = newest - timedelta(days=LATEST + settings.late_data_days)
    if due:
        touched = periods.month(periods.previous(min(due))).start.date()
        first = min(first, max(touched, newest - timedelta(weeks=settings.anomalies.weeks)))
    days = [first + timedelta(days=number) for number in range((newest - first).days + 1)]
    through = {
        period: _complete(warehouse, period, settings.anomalies.direction == "both")
        for period in {periods.label(day) for day in days}
    }
    return [day for day in days if (last := through[periods.label(day)]) is not None and day <= last]


def _complete(warehouse: Warehouse, period: str, and_former: bool) -> date | None:
    """Return the last day of a month that all sources with charges in it cover.

    Where less is an anomaly too, a source of the month before that has delivered nothing yet is waited for.
    """
    own = last_days(warehouse, period)
    known = [day for day in own.values() if day is not None]
    if and_former and own and {*last_days(warehouse, periods.previous(period))} - {*own}:
        return None
    return min(known, default=None)
