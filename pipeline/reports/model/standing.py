"""Budgets and alerts as a report says them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Threshold:
    """A threshold of a budget, in percent or an amount, and whether it is reached (state EXCEEDED, APPROACHING, OK)."""

    threshold: Decimal
    type: str
    state: str
    unit: str = "percent"


@dataclass(frozen=True)
class Budget:
    """A budget and what it came to.

    Attributes:
        unconverted: (currency, amount) pairs that no rate converts.
        window: its name; None for the report's own month.
        is_billed: it counts all of its scope's charges, by the bill and at BilledCost.
    """

    id: str
    scope_type: str
    scope_key: str
    name: str | None
    owner: str | None
    currency: str
    enabled: bool
    limit: Decimal
    spend: Decimal | None
    percentage: Decimal | None
    forecast: Decimal | None
    forecast_percentage: Decimal | None
    forecast_note: str | None
    health: str
    thresholds: tuple[Threshold, ...]
    unconverted: tuple[tuple[str, Decimal], ...]
    window: str | None = None
    is_billed: bool = True

    @property
    def over_by_forecast(self) -> bool:
        """Whether the forecast ends at the limit or above it."""
        return self.forecast_percentage is not None and self.forecast_percentage >= 100


@dataclass(frozen=True)
class PolicyStatus:
    """A policy and what it came to.

    Attributes:
        scope: ``global``, or what of which, such as ``team:ml``.
        tenant: whose charges it counts; None: everybody's.
        action: what it asks for at its limit.
        counts: charges that it counts: billed, recorded or auto.
    """

    budget: Budget
    scope: str
    tenant: str | None
    action: str
    counts: str


#: The status of an alert that nobody is told of.
SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class Alert:
    """An alert of this period; ``spend`` is the forecasted spend where ``type`` is forecasted, ``window`` as a budget's.

    Of type anomaly, ``spend`` is a day's usage, ``limit`` what was expected of it.

    ``snoozed_until`` is None for alerts that are resolved or suppressed: nobody would be told of them anyway.
    """

    budget: str
    name: str
    threshold: Decimal
    type: str
    status: str
    severity: str
    currency: str
    spend: Decimal
    limit: Decimal
    percentage: Decimal
    fired_at: datetime
    resolved_at: datetime | None
    reopened_at: datetime | None
    reason: str | None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    snoozed_until: datetime | None = None
    window: str | None = None
    unit: str = "percent"


@dataclass(frozen=True)
class Standing:
    """All budgets of the file in report order, their worst health (UNSPECIFIED without any), their alerts, and policies."""

    health: str
    budgets: tuple[Budget, ...]
    alerts: tuple[Alert, ...]
    policies: tuple[PolicyStatus, ...] = ()

    @property
    def told(self) -> tuple[Alert, ...]:
        """The alerts but those that were suppressed."""
        return tuple(own for own in self.alerts if own.status != SUPPRESSED)

    @property
    def suppressed(self) -> int:
        """How many alerts nobody was told of: their windows ended before the first load."""
        return len(self.alerts) - len(self.told)

    @property
    def enabled(self) -> tuple[Budget, ...]:
        """The budgets that count."""
        return tuple(budget for budget in self.budgets if budget.enabled)

    @property
    def over(self) -> tuple[Budget, ...]:
        """Those that are used up."""
        return tuple(budget for budget in self.enabled if budget.health == "EXCEEDED")

    @property
    def heading_over(self) -> tuple[Budget, ...]:
        """Those that the forecast ends at or above their limit, though they are not there yet."""
        return tuple(budget for budget in self.enabled if budget.health != "EXCEEDED" and budget.over_by_forecast)
