"""``BudgetManager``: budgets that a program makes by name, and asks before it spends (SPEC 2)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pipeline.actors import Actor, Permission
from pipeline.budgets import alert_table, handling, managed_table, windows
from pipeline.budgets.alert_table import Alert
from pipeline.budgets.billed import Billed
from pipeline.budgets.managed import (
    DEFAULT_THRESHOLDS,
    PREFIX,
    Budget,
    BudgetAlert,
    as_budget,
    checked,
    id_of,
    ratio_of,
)
from pipeline.budgets.managed_spend import SpendReader, lacking, require_known
from pipeline.budgets.model import BudgetStatus
from pipeline.budgets.policies import CountedOrigin
from pipeline.config import Settings, settings_of
from pipeline.config.budgets import PeriodName
from pipeline.entries import CostCategory
from pipeline.errors import UsageError, near
from pipeline.money import EXACT, amount, text
from pipeline.periods import BudgetPeriod, parse_as_of, to_utc, utc_now
from pipeline.store import publish, rollups
from pipeline.store.base import logged
from pipeline.store.warehouse import Warehouse
from pipeline.usage.record import Number

logger = logging.getLogger(__name__)

_DEFAULT_CURRENCY = "USD"

AsOf = datetime | date | str | None


class BudgetManager:
    """Budgets by name, held against what is recorded and billed. Threads may share it.

    It asks what is stored and what is recorded and not loaded, waits for no writer, and writes no alert: runs and
    ``costmill alerts watch`` judge these budgets with all others. What it writes itself goes through the writer's lock, in
    one transaction, and is published at once. Nothing stays open between calls.

    Args:
        settings: a configuration's, or the path of a warehouse: its configuration is found (``settings_of``).
        actor: who asks: budgets are made for, and seen by, the actor's tenant. None: the configuration's ``actor``;
            where there is no configuration, the operator, who is of no tenant and may do all.
    """

    def __init__(self, settings: Settings | Path | str, actor: Actor | None = None) -> None:
        settings = settings_of(settings)
        self.settings = settings
        self.actor = actor or settings.actor
        self._reader = SpendReader(settings)

    def create(
        self,
        name: str,
        amount: Number,
        period: BudgetPeriod | PeriodName | str = "monthly",
        category: CostCategory | str | None = None,
        tags_filter: Mapping[str, str] | None = None,
        alert_thresholds: Iterable[Number] = DEFAULT_THRESHOLDS,
        *,
        currency: str | None = None,
        origin: CountedOrigin = "auto",
        enabled: bool = True,
        replace: bool = False,
        as_of: AsOf = None,
    ) -> Budget:
        """Make a budget; its id is ``name.lower().replace(" ", "_")``.

        Args:
            amount: above 0, per window; a float by its shortest text.
            period: hourly to yearly, ``rolling_24h``, ``rolling_7d``, ``rolling_30d`` or ``lifetime``.
            category: only charges of it; None: all.
            tags_filter: only charges that have all of these tags; None: all.
            alert_thresholds: ratios of the amount: 0.8 is 80 %. None is above 10.
            currency: None: ``currency.report`` of the configuration, else USD.
            origin: ``billed``, ``recorded``, or ``auto``: billed charges, and recorded ones of providers that no bill has.
            enabled: whether it counts.
            replace: take the place of the budget with this id, which keeps none of its fired alerts.
            as_of: counts as now.

        Raises:
            NotPermittedError: when the actor has not ``budget:write``, or ``budget:admin`` for a budget without category
                and tags.
            UsageError: when something of it is wrong, the id is there already, or the file has a budget of that name.
            WarehouseBusyError: when another writer did not finish in time; nothing was changed.
        """
        with logged("create"):
            now, made_of = _moment(as_of), id_of(name)
            given = Budget(
                made_of,
                name,
                amount,  # type: ignore[arg-type] # checked() makes it a Decimal
                str(period),  # type: ignore[arg-type] # checked() refuses what is none
                category,  # type: ignore[arg-type] # checked() makes it a CostCategory
                {} if tags_filter is None else tags_filter,
                alert_thresholds,  # type: ignore[arg-type] # checked() makes it a tuple
                currency=currency or self.settings.currency.report or _DEFAULT_CURRENCY,
                origin=origin,
                enabled=enabled,
                tenant_id=self.actor.tenant,
                created_at=now,
                created_by=self.actor.id,
                updated_at=now,
                updated_by=self.actor.id,
            )
            own = checked(given)
            words = f"{'replace' if replace else 'create'} the budget {own.id}"
            self.actor.require(Permission.ADMIN if own.is_whole else Permission.WRITE, words)
            with publish.changing(self.settings) as warehouse:
                return self._put(warehouse, own, now, replace)

    def get_budget(self, budget_id: str) -> Budget:
        """Return one budget by its id, or by ``managed:…`` as alerts name it.

        Raises:
            NotPermittedError: when the actor has not ``budget:read``.
            UsageError: when the actor sees no such budget, or nothing can be read.
        """
        with logged("get_budget"):
            self.actor.require(Permission.READ, "show a budget")
            return self._find(self._reader.read(utc_now()).budgets, budget_id)

    def list_budgets(self) -> list[Budget]:
        """Return the budgets that the actor sees, by tenant and id, disabled ones too. Raises what ``get_budget`` does."""
        with logged("list_budgets"):
            self.actor.require(Permission.READ, "list budgets")
            return self._seen(self._reader.read(utc_now()).budgets)

    def get_utilization(self, budget: Budget | str, *, as_of: AsOf = None) -> float:
        """Return what a budget has spent of its amount in its window, as a ratio: 0.9 is 90 %.

        Args:
            budget: or its id. What it says now counts, whatever the value given says.
            as_of: its window is the one that holds it; charges count up to the end of that day.

        Raises:
            NotPermittedError, UsageError: as ``get_budget``; UsageError also for want of a rate.
        """
        with logged("get_utilization"):
            self.actor.require(Permission.READ, "ask what a budget has spent")
            standing = self._reader.read(_moment(as_of))
            asked = budget.budget_id if isinstance(budget, Budget) else budget
            found = self._find(standing.budgets, asked)
            return float(EXACT.divide(_spend(found, standing.status(found)), found.amount))

    def check_budgets(self, *, as_of: AsOf = None) -> list[BudgetAlert]:
        """Return the thresholds that are reached and of which no run has written an alert yet, by budget and threshold.

        It is what the next run will tell. Asking writes nothing: until then each call returns them. A budget without a
        rate for what it counts is logged and left out, as a run fires nothing of it.

        Raises:
            NotPermittedError, UsageError: as ``get_budget``.
        """
        with logged("check_budgets"):
            self.actor.require(Permission.READ, "check budgets")
            standing, found = self._reader.read(_moment(as_of)), list[BudgetAlert]()
            for budget in self._seen(standing.budgets):
                status = standing.status(budget)
                if budget.enabled and status.unconverted:
                    logger.warning("%s", lacking(budget, status))
                elif budget.enabled:
                    found += [_told(budget, status, alert) for alert in standing.unfired(status)]
            return found

    def can_spend(self, amount: Number, budget_id: str | None = None, *, as_of: AsOf = None) -> bool:
        """Say whether there is room: spend + amount <= the budget's amount, in decimals.

        Args:
            amount: in the budget's currency.
            budget_id: None: every enabled budget of the actor's tenant without category and tags must have room. A
                disabled budget has, and so has one that is not there, with a warning in the log.

        Raises:
            NotPermittedError: when the actor has not ``budget:read``.
            EntryError: when the amount is none.
            UsageError: when nothing can be read, or what was spent is not known for want of a rate.
        """
        with logged("can_spend"):
            self.actor.require(Permission.READ, "ask before spending")
            wanted, standing = _amount(amount), self._reader.read(_moment(as_of))
            if budget_id is None:
                asked = [each for each in standing.budgets if each.is_whole and each.tenant_id == self.actor.tenant]
            else:
                asked = self._named(standing.budgets, budget_id)[:1]
                if not asked:
                    logger.warning("can_spend: no budget has the id %r, so nothing limits it", budget_id)
            return all(
                EXACT.add(_spend(each, standing.status(each)), wanted) <= each.amount for each in asked if each.enabled
            )

    def reset_period_alerts(self, *, as_of: AsOf = None) -> int:
        """Let the thresholds of all budgets that the actor sees fire anew in their current windows; returns how many had.

        Their alerts are resolved, with who and why. The next run fires those that are still reached, as the next
        occurrence.

        Raises:
            NotPermittedError: when the actor has not ``budget:write``.
            UsageError: when there is no warehouse.
            WarehouseBusyError: when another writer did not finish in time; nothing was changed.
        """
        with logged("reset_period_alerts"):
            self.actor.require(Permission.WRITE, "reset alerts")
            now = _moment(as_of)
            with publish.changing(self.settings) as warehouse:
                budgets = self._seen(managed_table.read(warehouse))
                with warehouse.transaction():
                    return sum(self._reset(warehouse, each, now, _reason(self.actor), now) for each in budgets)

    def _put(self, warehouse: Warehouse, own: Budget, now: datetime, replaces: bool) -> Budget:
        if own.tenant_id is None and managed_table.is_of_the_file(warehouse, own.name):
            raise UsageError(
                f"{own.name!r} is a budget of the configuration file; change it in costmill.yaml, or take another name"
            )
        known = [each for each in managed_table.read(warehouse) if each.budget_id == own.budget_id]
        if known and not replaces:
            raise UsageError(
                f"a budget {own.id!r} is there already: {text(known[0].amount)} {known[0].currency} {known[0].period}; "
                f"say replace=True to put this one in its place, or take another name"
            )
        if known:
            own = replace(own, created_at=known[0].created_at, created_by=known[0].created_by)
        with warehouse.transaction():
            managed_table.write(warehouse, own)
            if known:
                self._reset(warehouse, own, now, f"{self.actor.id} replaced the budget")
            rollups.touch(warehouse)
        return own

    def _reset(
        self, warehouse: Warehouse, budget: Budget, now: datetime, reason: str, within: datetime | None = None
    ) -> int:
        """Let a budget's thresholds fire anew, in the window that holds ``within``; None: in all."""
        rows = alert_table.read(warehouse, "WHERE budget_id = ?", [budget.budget_id])
        newest = {alert.key: alert for alert in sorted(rows, key=lambda alert: alert.occurrence)}
        if within is not None:
            own = as_budget(budget, Billed())
            start = windows.alert_start(own, windows.around(own, within))
            newest = {key: alert for key, alert in newest.items() if key[1:3] == (budget.period, start)}
        done = [handling.reset(alert, self.actor, reason, now) for alert in newest.values()]
        changed = [alert for alert in done if alert is not None]
        alert_table.write(warehouse, changed, [])
        if changed:
            rollups.touch(warehouse)
        return len(changed)

    def _seen(self, budgets: Iterable[Budget]) -> list[Budget]:
        return [each for each in budgets if self.actor.sees(each.tenant_id)]

    def _named(self, budgets: Iterable[Budget], budget_id: str) -> list[Budget]:
        """Those that an id means, the actor's tenant's own first: others are named with their tenant."""
        whole = [each for each in self._seen(budgets) if each.budget_id == budget_id]
        return [each for each in budgets if (each.id, each.tenant_id) == (budget_id, self.actor.tenant)] + whole

    def _find(self, budgets: Sequence[Budget], budget_id: str) -> Budget:
        found = self._named(budgets, budget_id)
        if not found:
            known = [each.id for each in self._seen(budgets)]
            raise UsageError(f"no budget has the id {budget_id.removeprefix(PREFIX)!r}{near(budget_id, known)}")
        return found[0]


def _told(budget: Budget, status: BudgetStatus, alert: Alert) -> BudgetAlert:
    percent = alert.threshold if alert.unit == "percent" else EXACT.divide(alert.threshold * 100, budget.amount)
    return BudgetAlert(
        budget=budget,
        threshold=ratio_of(percent),
        utilization=float(EXACT.divide(alert.spend, budget.amount)),
        spend=alert.spend,
        limit=alert.effective_limit,
        currency=alert.currency,
        severity=alert.severity,
        period_start=status.period_start,
        period_end=status.period_end,
    )


def _spend(budget: Budget, status: BudgetStatus) -> Decimal:
    return require_known(budget, status)


def _reason(actor: Actor) -> str:
    return f"{actor.id} reset the alerts of the period"


def _amount(value: Number) -> Decimal:
    return amount(value)


def _moment(as_of: AsOf) -> datetime:
    if as_of is None:
        return utc_now()
    return to_utc(as_of) if isinstance(as_of, datetime) else parse_as_of(as_of)
