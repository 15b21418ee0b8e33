"""The question before spending: what the policies say to a call that is about to be made (SPEC 3.6).

It is answered from totals that the last run kept, read once per published copy, and from the usage log's tails: neither
grows with the history, and nothing waits for the writer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipeline import resources
from pipeline.actors import Actor, Permission
from pipeline.budgets import billed, policy_table, windows
from pipeline.budgets.billed import Billed
from pipeline.budgets.evaluate import reaches
from pipeline.budgets.meter import FACTS, Meter, Money, facts_of
from pipeline.budgets.policies import ACTIONS, SCOPES, HardLimitAction, Policy
from pipeline.config.budgets import ROLLING, ScopeBudget
from pipeline.errors import UsageError
from pipeline.money import EXACT, ZERO, percent, percent_text, text, total
from pipeline.periods import Window, label
from pipeline.store.warehouse import Warehouse
from pipeline.usage.pending import Pending, Used

#: Billing period -> currency -> units of ``currency.report``.
Rates = Mapping[str, Mapping[str, Decimal]]

_STATUS = """
SELECT budget_id, period, period_start, period_end, current_spend, rollover, currency FROM budget_status
WHERE scope_type = 'policy' AND health <> 'DISABLED'"""


@dataclass(frozen=True)
class MadeOf:
    """What the numbers of a policy's check are made of; money is in the policy's currency.

    Attributes:
        window: the one that the call's time lies in.
        loaded: spend of the window as the last run judged it.
        recent: what is recorded since and not loaded, of so many records.
        plain_limit, carried: the policy's own limit, and what the window before left over.
        cost: the call's.
    """

    window: Window
    loaded: Decimal
    recent: Decimal
    recent_records: int
    plain_limit: Decimal
    carried: Decimal
    cost: Decimal


@dataclass(frozen=True)
class PolicyCheck:
    """What one policy says: ``spend`` without the call, ``limit`` with what was carried into the window."""

    policy: Policy
    spend: Decimal
    limit: Decimal
    remaining: Decimal
    is_exceeded: bool
    made_of: MadeOf

    def to_json_dict(self) -> dict[str, Any]:
        """Return the check with money as text, and its policy's id, name, scope and action."""
        own, made = self.policy, self.made_of
        return {
            "policy": own.budget_id,
            "name": own.name,
            "tenant_id": own.tenant_id,
            "scope": own.scope_name,
            "currency": own.currency,
            "spend": text(self.spend),
            "limit": text(self.limit),
            "remaining": text(self.remaining),
            "percentage": f"{percent(self.spend, self.limit):.6f}",
            "action": own.hard_limit_action,
            "is_exceeded": self.is_exceeded,
            "made_of": {
                "period_start": made.window.start.isoformat() + "Z",
                "period_end": made.window.end.isoformat() + "Z",
                "loaded": text(made.loaded),
                "recent": text(made.recent),
                "recent_records": made.recent_records,
                "plain_limit": text(made.plain_limit),
                "carried": text(made.carried),
                "cost": text(made.cost),
            },
        }


@dataclass(frozen=True)
class BudgetCheck:
    """The answer to a call that is about to be made.

    Attributes:
        allowed: False where it must not be made.
        action: the strictest of the policies that the call would exceed; None when it exceeds none.
        policies: all that count the call, in scope order: global first.
        warnings: soft limits that are reached, and policies that no run has counted since they were set.
        alternative: a cheaper model to use, where the action is ``degrade`` and there is one.
        counted_at: end of the newest run that the kept totals know, UTC; usage recorded since is counted too.
        cost, currency: what the call was held to cost: as it was given, or at the price of what it uses.
        passed_over: the other enabled policies that the actor may see, each with why it does not count the call; None
            unless asked for with ``explain``.
        operator_action: the strictest of the exceeded policies that are no tenant's and that the actor does not see:
            all that it is told of them, as their figures are of all tenants.
    """

    allowed: bool
    action: HardLimitAction | None
    policies: tuple[PolicyCheck, ...]
    warnings: tuple[str, ...]
    alternative: str | None
    counted_at: datetime | None
    cost: Decimal
    currency: str
    operator_action: HardLimitAction | None = None
    passed_over: tuple[tuple[Policy, str], ...] | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """Return the answer with money as text; ``passed_over`` only where asked for."""
        found: dict[str, Any] = {
            "allowed": self.allowed,
            "action": self.action,
            "operator_action": self.operator_action,
            "cost": text(self.cost),
            "currency": self.currency,
            "policies": [each.to_json_dict() for each in self.policies],
            "warnings": list(self.warnings),
            "alternative": self.alternative,
            "counted_at": self.counted_at.isoformat() + "Z" if self.counted_at else None,
        }
        if self.passed_over is not None:
            found["passed_over"] = [
                {"policy": own.budget_id, "name": own.name, "scope": own.scope_name, "reason": reason}
                for own, reason in self.passed_over
            ]
        return found


@dataclass(frozen=True)
class Kept:
    """What a published copy knows: policies, what they came to, how far each segment of the usage log is stored, and
    which records beyond that are stored nevertheless: their folder was moved, or they were written twice."""

    policies: tuple[Policy, ...]
    statuses: Mapping[str, Sequence[tuple[str, Window, Decimal | None, Decimal, str]]]
    billed: Billed
    taken: Mapping[str, int]
    stored: frozenset[str]
    counted_at: datetime | None


def read_kept(warehouse: Warehouse, pending: Pending, *, is_bill: bool = False) -> Kept:
    """Read what answers need of a published copy, once: what is recorded later cannot be in it.

    ``is_bill``: what is pending will be part of the bill.
    """
    taken: dict[str, int] = dict(warehouse.rows(resources.sql("usage/taken")))
    recent = pending.records(taken)
    months = sorted(label(each.time) for each in recent)
    asked = {"first": months[0], "last": months[-1], "ids": [each.id for each in recent]} if recent else None
    stored = warehouse.rows(resources.sql("usage/known"), asked) if asked else []
    statuses: dict[str, list[tuple[str, Window, Decimal | None, Decimal, str]]] = {}
    for budget_id, period, start, end, spend, rollover, currency in warehouse.rows(_STATUS):
        statuses.setdefault(budget_id, []).append((period, Window(start, end), spend, rollover, currency))
    return Kept(
        tuple(policy_table.read(warehouse, "enabled")),
        statuses,
        billed.read(warehouse, pending=is_bill),
        taken,
        frozenset(row[0] for row in stored),
        warehouse.value("SELECT max(ended_at) FROM runs"),
    )


def meter(kept: Kept) -> Meter:
    """Return what adds up the records beyond a copy."""
    return Meter(kept.policies, kept.billed, kept.stored)


def matching(counted: Meter, actor: Actor, call: Used) -> list[Policy]:
    """Return the policies that count a call, in scope order: those that the actor may see, and those of no tenant."""
    found = (each for each in counted.counting(call) if actor.sees(each.tenant_id) or each.tenant_id is None)
    return sorted(found, key=_place)


def decide(
    kept: Kept, counted: Meter, actor: Actor, call: Used, rates: Rates, rates_into: str | None, override: bool
) -> BudgetCheck:
    """Decide about a call.

    Args:
        counted: has taken what is recorded beyond ``kept.taken``.
        override: the caller says that a ``soft_block`` is to be passed; only an admin can.

    Raises:
        UsageError: when money of a policy cannot be told, for want of a rate.
    """
    own: list[PolicyCheck] = []
    unseen: list[PolicyCheck] = []
    warnings: list[str] = []
    for policy in matching(counted, actor, call):
        sees = actor.sees(policy.tenant_id)
        try:
            found, told = _checked(kept, counted, policy, call, rates, rates_into)
        except UsageError:
            if sees:
                raise
            raise UsageError("what a policy of the operator came to is not known; ask the operator") from None
        (own if sees else unseen).append(found)
        warnings += told if sees else []
    strictest, of_operator = _strictest([*own, *unseen]), _strictest(unseen)
    passes = override and actor.may(Permission.ADMIN) and strictest == "soft_block" != of_operator
    allowed = strictest in (None, "warn", "throttle", "degrade") or passes
    return BudgetCheck(
        allowed,
        strictest,
        tuple(own),
        tuple(warnings),
        None,
        kept.counted_at,
        cost=call.cost,
        currency=call.currency,
        operator_action=of_operator,
    )


def _checked(
    kept: Kept, counted: Meter, policy: Policy, call: Used, rates: Rates, rates_into: str | None
) -> tuple[PolicyCheck, list[str]]:
    """Return what one policy says to a call, and its warnings."""
    budget = counted.budget(policy)
    window = windows.around(budget, call.time)
    loaded, carried, is_counted = _kept_spend(kept, policy, budget, window)
    new = counted.spent(policy, window)
    recent = total(_converted(policy, of, amount, rates, rates_into) for of, amount, _ in new)
    cost = _converted(policy, (call.currency, label(call.time)), call.cost, rates, rates_into)
    records = sum(count for _, _, count in new)
    made_of = MadeOf(window, loaded, recent, records, policy.exact_limit, carried, cost)
    spend, limit = EXACT.add(loaded, recent), EXACT.add(policy.exact_limit, carried)
    warnings = []
    if reaches(spend, limit, Decimal(policy.soft_limit_percent)):
        warnings.append(_soft(policy, spend, limit))
    if not is_counted:
        warnings.append(f"{policy.name}: not counted yet, only what is not loaded is; the next run does")
    remaining = max(EXACT.subtract(limit, spend), ZERO)
    return PolicyCheck(policy, spend, limit, remaining, EXACT.add(spend, cost) > limit, made_of), warnings


def _strictest(checks: Iterable[PolicyCheck]) -> HardLimitAction | None:
    actions = [each.policy.hard_limit_action for each in checks if each.is_exceeded]
    return max(actions, key=ACTIONS.index, default=None)


def passed_over(counted: Meter, kept: Kept, actor: Actor, call: Used) -> tuple[tuple[Policy, str], ...]:
    """Return the enabled policies that the actor may see and that do not count a call, each with why, in scope order."""
    counting = {each.id for each in counted.counting(call)}
    found = [each for each in kept.policies if actor.sees(each.tenant_id) and each.id not in counting]
    return tuple((policy, _why_not(policy, call)) for policy in sorted(found, key=_place))


def _place(policy: Policy) -> tuple[int, int, str]:
    return SCOPES.index(policy.scope), -policy.priority, policy.id


def _why_not(policy: Policy, call: Used) -> str:
    if policy.tenant_id not in (None, call.tenant):
        return f"it counts what is of the tenant {policy.tenant_id}, and the call is of {call.tenant or 'no tenant'}"
    if policy.scope not in FACTS:
        return f"the {policy.scope} of a call is not known before it is billed"
    said = [value for scope, value in facts_of(call) if scope == policy.scope]
    return f"it counts the {policy.scope} {policy.scope_id}, and the call's is {said[0] if said else 'not said'}"


def _kept_spend(kept: Kept, policy: Policy, budget: ScopeBudget, window: Window) -> tuple[Decimal, Decimal, bool]:
    """Return what was spent and carried into a window, as a run judged it last; a window that began since is empty."""
    own = [each for each in kept.statuses.get(policy.budget_id, ()) if each[0] == policy.period]
    is_rolling = budget.period in ROLLING
    found = max((each for each in own if is_rolling or each[1] == window), key=lambda each: each[1].end, default=None)
    is_counted = bool(own) and (kept.counted_at is None or (policy.updated_at or kept.counted_at) <= kept.counted_at)
    if found is None:
        return ZERO, ZERO, is_counted
    _, _, spend, rollover, currency = found
    if spend is None or currency != policy.currency:
        raise UsageError(
            f"policy {policy.id} ({policy.name}): what it came to is not known in {policy.currency}; "
            f"give the rates that `costmill run` asks for, and run it"
        )
    return spend, rollover, is_counted


def _converted(policy: Policy, money: Money, cost: Decimal, rates: Rates, rates_into: str | None) -> Decimal:
    currency, period = money
    if currency == policy.currency:
        return cost
    rate = rates.get(period, {}).get(currency) if policy.currency == rates_into else None
    if rate is None:
        raise UsageError(
            f"policy {policy.id} ({policy.name}) is in {policy.currency}, and no rate converts {currency} of "
            f'{period} into it; give currency.rates."{period}".{currency}'
        )
    return EXACT.multiply(cost, rate)


def _soft(policy: Policy, spend: Decimal, limit: Decimal) -> str:
    share = _share(spend, limit)
    whole = share if "." in share else f"{share}.0"
    return f"{policy.name}: {whole}% used ({text(spend)} {policy.currency} of {text(limit)})"


def _share(spend: Decimal, limit: Decimal) -> str:
    used = percent(spend, limit)
    return "100.0" if used is None else percent_text(used)
