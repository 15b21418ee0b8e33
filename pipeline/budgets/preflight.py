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
from pipeline.budgets import policy_table, windows
from pipeline.budgets.evaluate import reaches
from pipeline.budgets.policies import ACTIONS, ATTRIBUTION, SCOPES, HardLimitAction, Policy
from pipeline.budgets.policy_budgets import as_budgets
from pipeline.config.budgets import ROLLING, ScopeBudget
from pipeline.entries import CostCategory
from pipeline.errors import UsageError
from pipeline.money import EXACT, ZERO, percent, percent_text, text
from pipeline.periods import Window, label
from pipeline.store.warehouse import Warehouse
from pipeline.usage.pending import Pending, Used

#: Billing period -> currency -> units of ``currency.report``.
Rates = Mapping[str, Mapping[str, Decimal]]

_STATUS = """
SELECT budget_id, period, period_start, period_end, current_spend, rollover, currency FROM budget_status
WHERE scope_type = 'policy' AND health <> 'DISABLED'"""
_BILLED = "SELECT DISTINCT x_Provider FROM daily_costs WHERE x_Origin = 'billed' AND x_Provider IS NOT NULL"


@dataclass(frozen=True)
class PolicyCheck:
    """What one policy says: ``spend`` without the call, ``limit`` with what was carried into the window."""

    policy: Policy
    spend: Decimal
    limit: Decimal
    remaining: Decimal
    is_exceeded: bool


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
        operator_action: the strictest of the exceeded policies that are no tenant's and that the actor does not see:
            all that it is told of them, as their figures are of all tenants.
    """

    allowed: bool
    action: HardLimitAction | None
    policies: tuple[PolicyCheck, ...]
    warnings: tuple[str, ...]
    alternative: str | None
    counted_at: datetime | None
    operator_action: HardLimitAction | None = None


@dataclass(frozen=True)
class Kept:
    """What a published copy knows: policies, what they came to, how far each segment of the usage log is stored, and
    which records beyond that are stored nevertheless: their folder was moved, or they were written twice."""

    policies: tuple[Policy, ...]
    statuses: Mapping[str, Sequence[tuple[str, Window, Decimal | None, Decimal, str]]]
    billed: frozenset[str]
    taken: Mapping[str, int]
    stored: frozenset[str]
    counted_at: datetime | None


def read_kept(warehouse: Warehouse, pending: Pending) -> Kept:
    """Read what answers need of a published copy, once: what is recorded later cannot be in it."""
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
        frozenset(row[0] for row in warehouse.rows(_BILLED)),
        taken,
        frozenset(row[0] for row in stored),
        warehouse.value("SELECT max(ended_at) FROM runs"),
    )


def matching(kept: Kept, actor: Actor, call: Used) -> list[Policy]:
    """Return the policies that count a call, in scope order: those that the actor may see, and those of no tenant."""
    asked = (each for each in kept.policies if actor.sees(each.tenant_id) or each.tenant_id is None)
    found = [each for each in asked if _counts(each, call)]
    return sorted(found, key=lambda policy: (SCOPES.index(policy.scope), -policy.priority, policy.id))


def decide(
    kept: Kept, actor: Actor, call: Used, pending: Iterable[Used], rates: Rates, rates_into: str | None, override: bool
) -> BudgetCheck:
    """Decide about a call.

    Args:
        pending: what is recorded beyond ``kept.taken``.
        override: the caller says that a ``soft_block`` is to be passed; only an admin can.

    Raises:
        UsageError: when money of a policy cannot be told, for want of a rate.
    """
    own: list[PolicyCheck] = []
    unseen: list[PolicyCheck] = []
    warnings: list[str] = []
    recent = [each for each in pending if each.id not in kept.stored]
    for policy in matching(kept, actor, call):
        sees = actor.sees(policy.tenant_id)
        try:
            found, told = _checked(kept, policy, call, recent, rates, rates_into)
        except UsageError:
            if sees:
                raise
            raise UsageError("what a policy of the operator came to is not known; ask the operator") from None
        (own if sees else unseen).append(found)
        warnings += told if sees else []
    strictest, of_operator = _strictest([*own, *unseen]), _strictest(unseen)
    passes = override and actor.may(Permission.ADMIN) and strictest == "soft_block" != of_operator
    allowed = strictest in (None, "warn", "throttle", "degrade") or passes
    return BudgetCheck(allowed, strictest, tuple(own), tuple(warnings), None, kept.counted_at, of_operator)


def _checked(
    kept: Kept, policy: Policy, call: Used, recent: Sequence[Used], rates: Rates, rates_into: str | None
) -> tuple[PolicyCheck, list[str]]:
    """Return what one policy says to a call, and its warnings."""
    [budget] = as_budgets([policy], sorted(kept.billed))
    window = windows.around(budget, call.time)
    spend, carried, is_counted = _kept_spend(kept, policy, budget, window)
    for used in (each for each in recent if each.time in window and _is_new_money(kept, policy, each)):
        spend = EXACT.add(spend, _converted(policy, used, rates, rates_into))
    limit, cost = EXACT.add(policy.exact_limit, carried), _converted(policy, call, rates, rates_into)
    warnings = []
    if reaches(spend, limit, Decimal(policy.soft_limit_percent)):
        warnings.append(_soft(policy, spend, limit))
    if not is_counted:
        warnings.append(f"{policy.name}: not counted yet, only what is not loaded is; the next run does")
    remaining = max(EXACT.subtract(limit, spend), ZERO)
    return PolicyCheck(policy, spend, limit, remaining, EXACT.add(spend, cost) > limit), warnings


def _strictest(checks: Iterable[PolicyCheck]) -> HardLimitAction | None:
    actions = [each.policy.hard_limit_action for each in checks if each.is_exceeded]
    return max(actions, key=ACTIONS.index, default=None)


def _counts(policy: Policy, call: Used) -> bool:
    """Whether a policy's tenant and scope are those of a call; accounts, regions and resource types are none of it."""
    if policy.tenant_id not in (None, call.tenant):
        return False
    facts: dict[str, tuple[Any, ...]] = {
        "global": ("",),
        "provider": (call.provider,),
        "service": (call.model or call.provider,),
        "category": (call.category, CostCategory(call.category).service_category),
        "model": (call.model,),
        **{key: (call.attribution.get(key),) for key in ATTRIBUTION},
    }
    return policy.scope_id in facts.get(policy.scope, ())


def _is_new_money(kept: Kept, policy: Policy, used: Used) -> bool:
    """Whether the next run would count a record that is not loaded."""
    is_recorded = policy.origin == "recorded" or (policy.origin == "auto" and used.provider not in kept.billed)
    return is_recorded and _counts(policy, used)


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


def _converted(policy: Policy, used: Used, rates: Rates, rates_into: str | None) -> Decimal:
    if used.currency == policy.currency:
        return used.cost
    rate = rates.get(label(used.time), {}).get(used.currency) if policy.currency == rates_into else None
    if rate is None:
        raise UsageError(
            f"policy {policy.id} ({policy.name}) is in {policy.currency}, and no rate converts {used.currency} of "
            f'{label(used.time)} into it; give currency.rates."{label(used.time)}".{used.currency}'
        )
    return EXACT.multiply(used.cost, rate)


def _soft(policy: Policy, spend: Decimal, limit: Decimal) -> str:
    used = percent(spend, limit)
    share = "100.0" if used is None else percent_text(used)
    whole = share if "." in share else f"{share}.0"
    return f"{policy.name}: {whole}% used ({text(spend)} {policy.currency} of {text(limit)})"
