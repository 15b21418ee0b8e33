"""Policies: budgets that people and programs set for a tenant (SPEC 3.6), as values, checked alone and among others.

A policy limits what one scope of a tenant's charges may cost in each window. What the engine counts of it is
``pipeline.budgets.policy_budgets``; rows of it are ``pipeline.budgets.policy_table``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from pipeline.config.budgets import CALENDAR, PeriodName
from pipeline.config.fields import currency_code
from pipeline.errors import EntryError, UsageError, near
from pipeline.focus import canonical_provider
from pipeline.money import amount, text, total

HardLimitAction = Literal["warn", "throttle", "degrade", "soft_block", "block"]
CountedOrigin = Literal["auto", "billed", "recorded"]

#: Scopes that are columns of the charge, and those that are tags of it under their own name.
FACTS = ("global", "provider", "account", "service", "category", "region", "type", "model")
ATTRIBUTION = ("team", "project", "job", "task", "agent", "user", "session", "tool", "skill")
SCOPES = (*FACTS, *ATTRIBUTION)
#: From the mildest to the strictest.
ACTIONS: tuple[HardLimitAction, ...] = get_args(HardLimitAction)
ORIGINS: tuple[CountedOrigin, ...] = get_args(CountedOrigin)
#: A policy has no dates, so it has no custom window.
PERIODS = tuple(name for name in get_args(PeriodName) if name != "custom")
#: Fields that an update may change; the others are the service's.
CHANGEABLE = (
    *("name", "scope", "scope_id", "limit", "period", "currency", "soft_limit_percent", "hard_limit_action"),
    *("rollover", "priority", "enabled", "owner", "origin", "metadata"),
)
PREFIX = "policy:"

_HUNDRED = Decimal(100)
_ID_LENGTH = 64
_PRIORITY = 1_000_000


@dataclass(frozen=True)
class Policy:
    """A limit for one scope of a tenant's charges, window by window.

    Attributes:
        limit: above 0, per window, in ``currency``; exact: Decimal, int, text, or a float by its shortest text.
        scope: one of ``SCOPES``; those of the attribution are tags of the charge under that key.
        scope_id: which one: a provider, SubAccountId, ServiceName, category, RegionId, x_ResourceType, model, or the
            tag's value; '' for ``global``.
        period: any but ``custom``.
        soft_limit_percent: of the limit, 0 to 100: from here on it warns.
        hard_limit_action: what is asked for when the limit is passed.
        rollover: percent of the limit, 0 to 100, that may be carried to the next window; None: nothing is.
        priority: the order in lists, high first; nothing is taken from one policy because another matched.
        origin: the charges that it counts; ``auto``: billed ones, and recorded ones of providers that have no billed
            source.
        metadata: what JSON can hold.
        tenant_id: whose charges it counts; None: everybody's.
        id: chosen by whoever creates it, or made.
        created_at, created_by, updated_at, updated_by: set by the service; UTC.
    """

    name: str
    limit: Decimal | int | str | float
    scope: str = "global"
    scope_id: str = ""
    period: PeriodName = "monthly"
    currency: str = "USD"
    soft_limit_percent: Decimal | int | str | float = Decimal(80)
    hard_limit_action: HardLimitAction = "warn"
    rollover: Decimal | int | str | float | None = None
    priority: int = 0
    enabled: bool = True
    owner: str | None = None
    origin: CountedOrigin = "auto"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tenant_id: str | None = None
    id: str = ""
    created_at: datetime | None = None
    created_by: str | None = None
    updated_at: datetime | None = None
    updated_by: str | None = None

    @property
    def budget_id(self) -> str:
        """Its id among all budgets: ``policy:ID``."""
        return f"{PREFIX}{self.id}"

    @property
    def scope_name(self) -> str:
        """``global`` or ``team:ml``."""
        return f"{self.scope}:{self.scope_id}" if self.scope_id else self.scope

    @property
    def exact_limit(self) -> Decimal:
        """The limit of a checked policy."""
        return amount(self.limit)

    def to_json_dict(self) -> dict[str, Any]:
        """Return all of it: numbers as text, times in ISO 8601."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}


def checked(policy: Policy) -> Policy:
    """Return a policy with exact numbers, trimmed words and its provider's short name.

    Raises:
        UsageError: with everything that is wrong about it.
    """
    problems: list[str] = []
    found: dict[str, Any] = dict(_read(policy, problems))
    if problems:
        raise UsageError(f"policy {policy.name!r}: {'; '.join(problems)}")
    return replace(policy, **found)


def problems_of(policy: Policy) -> list[str]:
    """Return everything that is wrong about a policy, each beginning with the field's name."""
    problems: list[str] = []
    dict(_read(policy, problems))
    return problems


def updated(policy: Policy, updates: Mapping[str, Any]) -> Policy:
    """Return a checked policy with other values.

    Raises:
        UsageError: when a field is none, or is the service's, or the values are wrong.
    """
    for name in updates:
        if name not in CHANGEABLE:
            known = {each.name for each in fields(Policy)}
            why = "it stays as it is" if name in known else f"a policy has no such field{near(name, CHANGEABLE)}"
            raise UsageError(f"policy {policy.id}: {name} cannot be changed: {why}")
    return checked(replace(policy, **updates))


def require_room(policy: Policy, others: Iterable[Policy]) -> None:
    """Check a policy against the enabled ones of its tenant and period: one per scope, none above the global one.

    Args:
        others: policies of any tenant and period; the policy itself among them is left out.

    Raises:
        UsageError: when there is one for the same scope, or limits or currencies do not go together.
    """
    if not policy.enabled:
        return
    rivals = [
        other
        for other in others
        if other.enabled
        and other.id != policy.id
        and (other.tenant_id, other.period) == (policy.tenant_id, policy.period)
    ]
    for other in rivals:
        if (other.scope, other.scope_id) == (policy.scope, policy.scope_id):
            raise UsageError(
                f"policy {policy.name!r}: {other.budget_id} ({other.name}) is the {policy.period} policy of "
                f"{policy.scope_name} already; change that one, or disable it"
            )
    everyone = [*rivals, policy]
    ceiling = next((each for each in everyone if each.scope == "global"), None)
    if ceiling is not None:
        _require_under(ceiling, [each for each in everyone if each is not ceiling], policy)


def _require_under(ceiling: Policy, below: list[Policy], policy: Policy) -> None:
    limit = ceiling.exact_limit
    top = f"the {ceiling.period} global policy {ceiling.budget_id} of {text(limit)} {ceiling.currency}"
    for each in below:
        if each.currency != ceiling.currency:
            raise UsageError(
                f"policy {policy.name!r}: {each.scope_name} is in {each.currency}, and {top} above it is not; "
                f"limits are compared in one currency"
            )
        if each.exact_limit > limit:
            raise UsageError(
                f"policy {policy.name!r}: {each.scope_name} may spend {text(each.exact_limit)} {each.currency}, "
                f"which is above {top}"
            )
    for scope in dict.fromkeys(each.scope for each in below):
        own = total(each.exact_limit for each in below if each.scope == scope)
        if own > limit:
            raise UsageError(
                f"policy {policy.name!r}: the {policy.period} policies of scope {scope} come to {text(own)} "
                f"{ceiling.currency} together, which is above {top}"
            )


def _read(policy: Policy, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """Give each field as it is kept; what is wrong goes to ``problems``."""
    for name, known in (
        *(("scope", SCOPES), ("period", PERIODS)),
        *(("hard_limit_action", ACTIONS), ("origin", ORIGINS)),
    ):
        value = getattr(policy, name)
        if value not in known:
            problems.append(f"{name} {value!r} is none{near(str(value), known)}")
    yield from _words(policy, problems)
    limit = _number("limit", policy.limit, problems)
    if limit is not None and limit <= 0:
        problems.append(f"limit {text(limit)} must be above 0")
    yield "limit", limit
    yield "soft_limit_percent", _percent("soft_limit_percent", policy.soft_limit_percent, problems)
    if policy.rollover is not None:
        yield "rollover", _percent("rollover", policy.rollover, problems)
        if policy.period in PERIODS and policy.period not in CALENDAR:
            problems.append(f"rollover: the period {policy.period} has none before it; leave it out")
    try:
        currency_code(policy.currency)
    except (ValueError, AttributeError):
        problems.append(f"currency {policy.currency!r} is no ISO 4217 code; write one such as USD")
    for name, kind in (("priority", int), ("enabled", bool)):
        if type(getattr(policy, name)) is not kind:
            problems.append(f"{name} {getattr(policy, name)!r} is no {'number' if kind is int else 'true or false'}")
    if type(policy.priority) is int and abs(policy.priority) > _PRIORITY:
        problems.append(f"priority {policy.priority} must be from -{_PRIORITY} to {_PRIORITY}")
    try:
        kept = json.loads(json.dumps(policy.metadata, allow_nan=False))
    except (TypeError, ValueError):
        kept = None
    if isinstance(kept, dict):
        yield "metadata", kept
    else:
        problems.append("metadata must be an object of what JSON can hold")


def _words(policy: Policy, problems: list[str]) -> Iterator[tuple[str, Any]]:
    trims: dict[str, Callable[[str], str]] = {"name": str.strip, "scope_id": str.strip, "id": str.strip}
    for name in ("name", "scope_id", "id", "owner", "tenant_id"):
        value = getattr(policy, name)
        if value is None and name in ("owner", "tenant_id"):
            continue
        if not isinstance(value, str) or not value.isprintable():
            problems.append(f"{name} {value!r} is no line of text")
            return
        if name in trims:
            yield name, trims[name](value)
        elif not value.strip():
            problems.append(f"{name} is blank; leave it out")
    if not policy.name.strip():
        problems.append("name is blank")
    if len(policy.id) > _ID_LENGTH or ":" in policy.id:
        problems.append(f"id {policy.id!r} has a colon or more than {_ID_LENGTH} characters")
    if (policy.scope == "global") != (not policy.scope_id.strip()):
        said = "is of everything; leave scope_id out" if policy.scope == "global" else "needs a scope_id: which one"
        problems.append(f"scope {policy.scope} {said}")
    if policy.scope == "provider":
        yield "scope_id", canonical_provider(policy.scope_id)


def _number(name: str, value: Any, problems: list[str]) -> Decimal | None:
    try:
        return amount(value)
    except EntryError as error:
        problems.append(f"{name}: {error}")
        return None


def _percent(name: str, value: Any, problems: list[str]) -> Decimal | None:
    number = _number(name, value, problems)
    if number is not None and not 0 <= number <= _HUNDRED:
        problems.append(f"{name} {text(number)} must be from 0 to 100")
    return number


def _plain(value: Any) -> Any:
    if isinstance(value, (Decimal, float)):
        return text(amount(value))
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return dict(value) if isinstance(value, Mapping) else value
