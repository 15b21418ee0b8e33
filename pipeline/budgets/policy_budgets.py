"""What the engine counts of a policy: a budget whose filter says all of it - scope, tenant, origin."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pipeline.budgets.billed import Billed
from pipeline.budgets.policies import Policy
from pipeline.config.budgets import BY_BILLING, AlertThreshold, PeriodBy, ScopeBudget
from pipeline.rules import TENANT, Comparison, Condition, Joined, Operand

_FULL = Decimal(100)
#: Scopes that are columns of the charge; a category is one of ours or of FOCUS, which share no word.
COLUMNS = {
    "provider": ("x_Provider",),
    "account": ("SubAccountId",),
    "service": ("ServiceName",),
    "category": ("x_CostCategory", "ServiceCategory"),
    "region": ("RegionId",),
    "type": ("x_ResourceType",),
    "model": ("SkuId",),
}


def as_budgets(policies: Iterable[Policy], billed: Billed) -> tuple[ScopeBudget, ...]:
    """Return policies as budgets that count each on its own, high priority first, then by scope and id.

    Args:
        billed: what is part of a bill: it decides what their origin counts.
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


def condition(policy: Policy, billed: Billed) -> Condition:
    """Return what a charge must be to count."""
    return Joined("all", (billed.condition(policy.origin), *scope_of(policy)))


def scope_of(policy: Policy) -> tuple[Condition, ...]:
    """Return what a charge must be to be of a policy's scope and tenant, whether it counts or not."""
    return (*_scope(policy), *of_tenant(policy.tenant_id))


def of_tenant(tenant: str | None) -> tuple[Condition, ...]:
    """Return whose a charge must be; None: anybody's."""
    return () if tenant is None else (Comparison(Operand("column", TENANT), "equals", (tenant,)),)


def _as_budget(policy: Policy, billed: Billed) -> ScopeBudget:
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
    columns = COLUMNS.get(policy.scope)
    if columns is None:
        return [Comparison(Operand("tag", policy.scope), "equals", (policy.scope_id,))]
    asked = tuple(Comparison(Operand("column", name), "equals", (policy.scope_id,)) for name in columns)
    return [asked[0] if len(asked) == 1 else Joined("any", asked)]
