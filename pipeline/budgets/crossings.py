"""Where budgets stand against their thresholds now: those of the budget itself, and those that people set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pipeline.budgets import alert_configs, windows
from pipeline.budgets.alert_configs import AlertConfig, ThresholdKey, six
from pipeline.budgets.alert_table import AlertKey, Severity
from pipeline.budgets.evaluate import meets, reaches
from pipeline.budgets.model import BudgetStatus, ThresholdStatus
from pipeline.config.budgets import AlertThreshold, AlertType, Unit
from pipeline.store.warehouse import Warehouse

#: From this percentage at firing on (80: the soft limit of SPEC 3.6).
_SEVERITIES: tuple[tuple[Decimal, Severity], ...] = (
    (Decimal(125), "emergency"),
    (Decimal(100), "critical"),
    (Decimal(80), "warning"),
)


#: Thresholds that people set, by budget.
Configs = Mapping[str, Mapping[ThresholdKey, AlertConfig]]


@dataclass(frozen=True)
class Crossing:
    """Where a budget stands against one threshold now."""

    status: BudgetStatus
    threshold: Decimal
    unit: Unit
    type: AlertType
    figure: Decimal
    percentage: Decimal
    config: AlertConfig | None = None

    @property
    def key(self) -> AlertKey:
        """What tells its alerts from others."""
        budget = self.status.budget
        start = windows.alert_start(budget, self.status.window)
        return (budget.budget_id, budget.period, start, self.threshold, self.unit, self.type)

    @property
    def crossed(self) -> bool:
        """Whether the figure is at or over it."""
        return self.crosses(self.status.effective_limit)

    def crosses(self, limit: Decimal) -> bool:
        """Whether it would be crossed under another limit."""
        return meets(self.figure, limit, self.threshold, self.unit)

    @property
    def severity(self) -> Severity:
        """As people set it, else by the percentage."""
        if self.config and self.config.severity:
            return self.config.severity
        limit = self.status.effective_limit
        return next((name for percent, name in _SEVERITIES if reaches(self.figure, limit, percent)), "info")


def read_configs(warehouse: Warehouse) -> Configs:
    """Return the thresholds that people set, by budget."""
    found: dict[str, dict[ThresholdKey, AlertConfig]] = {}
    for config in alert_configs.read(warehouse):
        found.setdefault(config.budget_id, {})[config.key] = config
    return found


def crossings(status: BudgetStatus, configs: Configs) -> Iterator[Crossing]:
    """Give each threshold that can be judged, the budget's own and those that people set, once."""
    if status.current_spend is None or status.percentage is None:
        return
    own = configs.get(status.budget_id, {})
    for key in thresholds(status.alerts, own):
        threshold, unit, kind = key
        if kind == "actual":
            yield Crossing(status, threshold, unit, kind, status.current_spend, status.percentage, own.get(key))
        elif status.forecasted_spend is not None and status.forecast_percentage is not None:
            yield Crossing(
                status, threshold, unit, kind, status.forecasted_spend, status.forecast_percentage, own.get(key)
            )


def thresholds(
    stated: Iterable[AlertThreshold | ThresholdStatus], own: Mapping[ThresholdKey, AlertConfig]
) -> dict[ThresholdKey, None]:
    """Return a budget's own thresholds and those that people set, in this order, each once."""
    return dict.fromkeys([*((six(each.threshold), each.unit, each.type) for each in stated), *own])
