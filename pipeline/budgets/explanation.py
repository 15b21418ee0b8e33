"""Of what a budget's spend, limit and forecast are made, as values; nothing here reads data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Any, TypeVar

from pipeline.budgets.charge_groups import DAY, Group
from pipeline.budgets.limits import PeriodEnd
from pipeline.budgets.model import BudgetStatus
from pipeline.budgets.policies import Policy
from pipeline.budgets.windows import name_of
from pipeline.config.budgets import COSTS
from pipeline.forecast import Parts
from pipeline.money import EXACT, ZERO, text

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True)
class Sum:
    """What some charges come to.

    Attributes:
        costs: as billed, by currency.
        spend: in the budget's currency, unrounded; None where a rate is missing.
    """

    charges: int
    costs: Mapping[str, Decimal]
    spend: Decimal | None

    def to_json_dict(self) -> dict[str, Any]:
        """Return the sum with money as text."""
        costs = {currency: text(cost) for currency, cost in self.costs.items()}
        return {"charges": self.charges, "costs": costs, "spend": None if self.spend is None else text(self.spend)}


@dataclass(frozen=True)
class Explanation:
    """A budget's numbers in one window, and what they are made of.

    Attributes:
        policy: where the budget is a policy's.
        by: what the charges are grouped by.
        groups: all charges of the scope in the window, counted or left out.
        rates: (billing period, currency) -> units of the budget's currency; those without one are not in it.
        through: the last day whose charges count.
        plain_limit: without rollover; ``planned_from`` is the month or quarter that plans it, None: the plain amount.
        carried: how the window before ended; None without rollover.
        forecast: what the forecast adds up; None without one.
    """

    status: BudgetStatus
    policy: Policy | None
    by: str
    groups: tuple[Group, ...]
    rates: Mapping[tuple[str, str], Decimal]
    through: date
    plain_limit: Decimal
    planned_from: str | None
    carried: PeriodEnd | None
    forecast: Parts | None

    @property
    def cost(self) -> str:
        """The cost column that the budget counts."""
        return COSTS[self.status.budget.basis]

    @property
    def window_by(self) -> str:
        """The column that puts a charge in a window."""
        return "x_BillingPeriod" if self.status.budget.period_by == "billing" else "ChargePeriodStart"

    @property
    def total(self) -> Sum:
        """All that counts."""
        return self._sum(self._counted())

    def parts(self) -> dict[str | None, Sum]:
        """Return what counts by what it is grouped by, the largest first, days in their order."""
        found = self._sums(self._counted(), lambda group: group.part)
        if self.by == DAY:
            return dict(sorted(found.items(), key=lambda each: each[0] or ""))
        return dict(sorted(found.items(), key=lambda each: (-_size(each[1]), each[0] is None, each[0] or "")))

    def as_billed(self) -> dict[tuple[str, str, str], Sum]:
        """Return what counts by billing period, currency and origin."""
        return self._sums(self._counted(), lambda own: (own.x_BillingPeriod, own.BillingCurrency, own.x_Origin))

    def left_out(self) -> dict[tuple[str, str], Sum]:
        """Return what is of the scope and does not count, by why and origin."""
        return self._sums((g for g in self.groups if g.why is not None), lambda own: (own.why or "", own.x_Origin))

    def to_json_dict(self) -> dict[str, Any]:
        """Return all of it: money as text, the status as ``costmill budgets`` has it."""
        status = self.status
        return {
            "status": status.to_json_dict(),
            "policy": self.policy.to_json_dict() if self.policy else None,
            "counts": {"cost": self.cost, "window_by": self.window_by, "through": self.through.isoformat()},
            "limit": {
                "plain": text(self.plain_limit),
                "planned_from": self.planned_from,
                "rollover": self._rollover(),
                "effective": text(status.effective_limit),
            },
            "spend": {
                "total": self.total.to_json_dict(),
                "by": self.by,
                "parts": [{"part": part, **own.to_json_dict()} for part, own in self.parts().items()],
                "as_billed": [
                    {
                        "x_BillingPeriod": period,
                        "BillingCurrency": currency,
                        "x_Origin": origin,
                        "rate": _text(self.rates.get((period, currency))),
                        **own.to_json_dict(),
                    }
                    for (period, currency, origin), own in self.as_billed().items()
                ],
                "left_out": [
                    {"why": why, "x_Origin": origin, **own.to_json_dict()}
                    for (why, origin), own in self.left_out().items()
                ],
            },
            "forecast": self._forecast(),
        }

    def _rollover(self) -> dict[str, Any] | None:
        if self.carried is None:
            return None
        return {
            "window": name_of(self.status.budget.period, self.carried.window),
            "limit": text(self.carried.limit),
            "spend": _text(self.carried.spend),
            "max_percent": _text(self.status.budget.rollover),
            "carried": text(self.carried.carried),
            "reason": self.carried.reason,
        }

    def _forecast(self) -> dict[str, Any]:
        made = self.forecast
        found: dict[str, Any] = {"amount": _text(self.status.forecasted_spend), "note": self.status.forecast_note}
        if made is None:
            return {**found, "made_of": None}
        return {
            **found,
            "made_of": {
                "complete_days": made.elapsed,
                "through": made.through.isoformat(),
                "days": self.status.window.days,
                "usage_of_complete_days": text(made.complete),
                "expected_after": text(made.rest),
                "usage_after_so_far": text(made.pending),
                "at_face_value": text(made.face),
            },
        }

    def _counted(self) -> Iterable[Group]:
        return (group for group in self.groups if group.why is None)

    def _sums(self, groups: Iterable[Group], key: Callable[[Group], _Key]) -> dict[_Key, Sum]:
        found: dict[_Key, list[Group]] = {}
        for group in groups:
            found.setdefault(key(group), []).append(group)
        return {name: self._sum(own) for name, own in found.items()}

    def _sum(self, groups: Iterable[Group]) -> Sum:
        number, costs, spend = 0, dict[str, Decimal](), ZERO
        is_known = True
        with localcontext(EXACT):
            for group in groups:
                number += group.charges
                costs[group.BillingCurrency] = costs.get(group.BillingCurrency, ZERO) + group.cost
                rate = self.rates.get((group.x_BillingPeriod, group.BillingCurrency))
                is_known = is_known and rate is not None
                spend += group.cost * (rate or ZERO)
        return Sum(number, dict(sorted(costs.items())), spend if is_known else None)


def merged(sums: Iterable[Sum]) -> Sum:
    """Return several sums as one."""
    every = list(sums)
    with localcontext(EXACT):
        costs: dict[str, Decimal] = {}
        for own in every:
            for currency, cost in own.costs.items():
                costs[currency] = costs.get(currency, ZERO) + cost
        spends = [own.spend for own in every if own.spend is not None]
        spend = sum(spends, ZERO) if len(spends) == len(every) else None
    return Sum(sum(own.charges for own in every), costs, spend)


def _size(own: Sum) -> Decimal:
    return abs(own.spend) if own.spend is not None else max(map(abs, own.costs.values()), default=ZERO)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else text(value)
