"""What the engine counts of a policy: a budget whose filter says all of it - scope, tenant, origin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from pipeline.budgets.policies import Policy
from pipeline.config.budgets import BY_BILLING, AlertThreshold, PeriodBy, ScopeBudget
from pipeline.rules import TENANT, Comparison, Condition, Joined, Operand

_FULL = Decimal(100)
#: Scopes that are columns of the charge; a category is one of ours or of FOCUS, which share no word.
_COLUMNS = {
    "provider": ("x_Provider",),
    "account": ("SubAccountId",),
    "service": ("ServiceName",),
    "category": ("x_CostCategory", "ServiceCategory"),
    "region": ("RegionId",),
    "type": ("x_ResourceType",),
    "model": ("SkuId",),
}


def as_budgets(policies: Iterable[Policy], billed: Sequence[str]) -> tuple[ScopeBudget, ...]:
    """Return policies as budgets that count each on its own, high priority first, then by scope and id.

    Args:
        billed: the providers that have billed charges, for ``origin: auto``.
    """
    ordered = sorted(policies, key=lambda policy: (-policy.priority, policy.id))
    return tuple(_as_budget(policy, billed) for policy in ordered)


def alerts_of(policy: Policy) -> tuple[AlertThreshold, ...]:
    """Return the soft and the hard limit as thresholds; a policy never sets the exit code."""
    percents = dict.fromkeys((Decimal(policy.soft_limit_percent), _FULL))
    return tuple(AlertThreshold(percent, "actual", exit=False) for percent in percents)


def period_by(policy: Policy) -> PeriodBy:
    """Return what puts a charge in a window: months, quarters and years go by the bill."""
    return "billing" if policy.period in BY_BILLING else "charge"


def condition(policy: Policy, billed: Sequence[str]) -> Condition:
    """Return what a charge must be to count."""
    parts = [_origin(policy, billed), *_scope(policy)]
    if policy.tenant_id is not None:
        parts.append(Comparison(Operand("column", TENANT), "equals", (policy.tenant_id,)))
    return Joined("all", tuple(parts))


def _as_budget(policy: Policy, billed: Sequence[str]) -> ScopeBudget:
    return ScopeBudget(
        scope_type="policy",
        scope_key=policy.id,
        amount=policy.exact_limit,
        currency=policy.currency,
        period=policy.period,
        alerts=alerts_of(policy),
        name=policy.name,
        owner=policy.owner,
        priority=policy.priority,
        period_by=period_by(policy),
        rollover=None if policy.rollover is None else Decimal(policy.rollover),
        filter=condition(policy, billed),
        tenant_id=policy.tenant_id,
        switched_off=not policy.enabled,
    )


def _scope(policy: Policy) -> list[Condition]:
    if policy.scope == "global":
        return []
    columns = _COLUMNS.get(policy.scope)
    if columns is None:
        return [Comparison(Operand("tag", policy.scope), "equals", (policy.scope_id,))]
    asked = tuple(Comparison(Operand("column", name), "equals", (policy.scope_id,)) for name in columns)
    return [asked[0] if len(asked) == 1 else Joined("any", asked)]


def _origin(policy: Policy, billed: Sequence[str]) -> Condition:
    origin = Operand("column", "x_Origin")
    if policy.origin != "auto":
        return Comparison(origin, "equals", (policy.origin,))
    is_billed, is_recorded = Comparison(origin, "equals", ("billed",)), Comparison(origin, "equals", ("recorded",))
    if not billed:
        return Joined("any", (is_billed, is_recorded))
    never_billed = Joined("not", (Comparison(Operand("column", "x_Provider"), "in", tuple(sorted(billed))),))
    return Joined("any", (is_billed, Joined("all", (is_recorded, never_billed))))
