"""Budgets that programs make with ``BudgetManager``, as values, and what the engine counts of them.

Thresholds and utilization are ratios here (0.8), as programs have them; the engine speaks percent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipeline.budgets.alert_configs import six
from pipeline.budgets.alert_table import Severity
from pipeline.budgets.billed import Billed
from pipeline.budgets.policies import ORIGINS, PERIODS, CountedOrigin
from pipeline.budgets.policy_budgets import of_tenant
from pipeline.config.budgets import BY_BILLING, AlertThreshold, PeriodName, ScopeBudget
from pipeline.config.fields import currency_code
from pipeline.entries import CostCategory
from pipeline.errors import EntryError, UsageError, near
from pipeline.money import EXACT, amount, text
from pipeline.rules import Comparison, Condition, Joined, Operand
from pipeline.usage.pending import Used

#: Ratios of a budget that names none (SPEC 3.5).
DEFAULT_THRESHOLDS = (0.5, 0.8, 1.0)
#: The largest ratio: what is above was meant as percent.
MAX_THRESHOLD = 10
PREFIX = "managed:"

_HUNDRED = Decimal(100)
_ID_LENGTH = 200


@dataclass(frozen=True)
class Budget:
    """A budget that a program made.

    Attributes:
        id: of its tenant's budgets: the name in lower case with underscores for blanks.
        amount: above 0, per window, in ``currency``.
        period: any but ``custom``.
        category: the charges that it counts; None: of every category.
        tags_filter: tags that a charge must have, all of them.
        alert_thresholds: ratios of the amount, ascending, from 0 to 10.
        origin: the charges that it counts; ``auto``: billed ones, and recorded ones of providers that have no billed
            source.
        tenant_id: whose charges it counts; None: everybody's.
        created_at, created_by, updated_at, updated_by: set by the manager; UTC.
    """

    id: str
    name: str
    amount: Decimal
    period: PeriodName = "monthly"
    category: CostCategory | None = None
    tags_filter: Mapping[str, str] = field(default_factory=dict)
    alert_thresholds: tuple[float, ...] = DEFAULT_THRESHOLDS
    currency: str = "USD"
    origin: CountedOrigin = "auto"
    enabled: bool = True
    tenant_id: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    updated_at: datetime | None = None
    updated_by: str | None = None

    @property
    def budget_id(self) -> str:
        """Its id among all budgets: ``managed:ID``, of a tenant's ``managed:TENANT:ID``."""
        return f"{PREFIX}{self.scope_key}"

    @property
    def scope_key(self) -> str:
        """``ID``, or ``TENANT:ID``."""
        return self.id if self.tenant_id is None else f"{self.tenant_id}:{self.id}"

    @property
    def is_whole(self) -> bool:
        """Whether it counts every charge of its tenant."""
        return self.category is None and not self.tags_filter

    def to_json_dict(self) -> dict[str, Any]:
        """Return all of it: the amount as text, times in ISO 8601."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}


@dataclass(frozen=True)
class BudgetAlert:
    """A threshold that a budget has reached, and that no run has written an alert of yet.

    Attributes:
        threshold, utilization: ratios; ``utilization`` is the spend's, and may be above 1.
        severity: that the alert will have.
        period_start, period_end: of the window, half-open, UTC.
    """

    budget: Budget
    threshold: float
    utilization: float
    spend: Decimal
    limit: Decimal
    currency: str
    severity: Severity
    period_start: datetime
    period_end: datetime

    @property
    def budget_id(self) -> str:
        """The budget's id, as ``BudgetManager`` takes it."""
        return self.budget.id


def id_of(name: str) -> str:
    """Return the id of a budget of this name."""
    return name.lower().replace(" ", "_")


def checked(budget: Budget) -> Budget:
    """Return a budget with exact numbers, its category as one, and its thresholds ascending, each once.

    Raises:
        UsageError: with everything that is wrong about it.
    """
    problems: list[str] = []
    _check_words(budget, problems)
    found: dict[str, Any] = {"tags_filter": _tags(budget.tags_filter, problems)}
    try:
        found["amount"] = amount(budget.amount)
        if found["amount"] <= 0:
            problems.append(f"amount {text(found['amount'])} must be above 0")
    except EntryError as error:
        problems.append(f"amount: {error}")
    if budget.category is not None:
        try:
            found["category"] = CostCategory(budget.category)
        except ValueError:
            known = near(str(budget.category), [each.value for each in CostCategory])
            problems.append(f"category {budget.category!r} is none{known}")
    ratios = [_threshold(each, problems) for each in _listed(budget.alert_thresholds, problems)]
    found["alert_thresholds"] = tuple(sorted({each for each in ratios if each is not None}))
    if problems:
        raise UsageError(f"budget {budget.name!r}: {'; '.join(problems)}")
    return replace(budget, **found)


def as_budget(budget: Budget, billed: Billed) -> ScopeBudget:
    """Return what the engine counts and judges.

    Args:
        billed: what is part of a bill: it decides what its origin counts.
    """
    return ScopeBudget(
        scope_type="managed",
        scope_key=budget.scope_key,
        amount=budget.amount,
        currency=budget.currency,
        period=budget.period,
        alerts=tuple(AlertThreshold(percent_of(each), "actual", exit=False) for each in budget.alert_thresholds),
        name=budget.name,
        period_by="billing" if budget.period in BY_BILLING else "charge",
        filter=Joined("all", (billed.condition(budget.origin), *scope_of(budget))),
        tenant_id=budget.tenant_id,
        switched_off=not budget.enabled,
    )


def counts(budget: Budget, used: Used, billed: Billed) -> bool:
    """Whether the next run would count a record that is not loaded: the same as the condition says of its charge."""
    return (
        billed.counts(budget.origin, used.provider)
        and budget.tenant_id in (None, used.tenant)
        and budget.category in (None, used.category)
        and all(used.attribution.get(key) == value for key, value in budget.tags_filter.items())
    )


def percent_of(ratio: float) -> Decimal:
    """Return a ratio as percent, as the tables keep it."""
    return six(EXACT.multiply(Decimal(repr(ratio)), _HUNDRED))


def ratio_of(percent: Decimal) -> float:
    """Return percent as a ratio."""
    return float(EXACT.divide(percent, _HUNDRED))


def scope_of(budget: Budget) -> tuple[Condition, ...]:
    """Return what a charge must be to be of a budget's scope and tenant, whether it counts or not."""
    parts: list[Condition] = []
    if budget.category is not None:
        asked = Operand("column", "x_CostCategory")
        own: Condition = Comparison(asked, "equals", (budget.category.value,))
        is_other = budget.category is CostCategory.OTHER  # which a charge without a category is, too
        parts.append(Joined("any", (own, Comparison(asked, "absent"))) if is_other else own)
    tags = dict(sorted(budget.tags_filter.items()))
    parts += [Comparison(Operand("tag", key), "equals", (value,)) for key, value in tags.items()]
    return (*parts, *of_tenant(budget.tenant_id))


def _check_words(budget: Budget, problems: list[str]) -> None:
    if not budget.name.isprintable():
        problems.append("the name is no line of text")
    elif not budget.name.strip():
        problems.append("the name is blank")
    elif ":" in budget.name or len(budget.id) > _ID_LENGTH:
        problems.append(f"the name has a colon or more than {_ID_LENGTH} characters; the id is made of it")
    for name, known in (("period", PERIODS), ("origin", ORIGINS)):
        value = getattr(budget, name)
        if value not in known:
            problems.append(f"{name} {value!r} is none{near(str(value), known)}")
    try:
        currency_code(budget.currency)
    except (ValueError, AttributeError):
        problems.append(f"currency {budget.currency!r} is no ISO 4217 code; write one such as USD")


def _tags(given: Any, problems: list[str]) -> dict[str, str]:
    tags = dict(given) if isinstance(given, Mapping) else None
    if tags is None or not all(isinstance(each, str) for pair in tags.items() for each in pair) or "" in tags:
        problems.append(f"tags_filter {given!r} must be of text to text, such as {{'team': 'ml'}}")
        return {}
    return tags


def _listed(given: Any, problems: list[str]) -> Sequence[Any]:
    if isinstance(given, Iterable) and not isinstance(given, (str, Mapping)):
        return list(given)
    problems.append(f"alert_thresholds {given!r} is no list of ratios such as [0.8, 1.0]")
    return ()


def _threshold(given: Any, problems: list[str]) -> float | None:
    try:
        ratio = amount(given)
    except EntryError as error:
        problems.append(f"alert_thresholds: {error}")
        return None
    if not 0 <= ratio <= MAX_THRESHOLD:
        hint = f"; for {text(ratio)} % write {text(EXACT.divide(ratio, _HUNDRED))}" if ratio > 0 else ""
        problems.append(f"alert_thresholds: {text(ratio)} is no ratio from 0 to {MAX_THRESHOLD}{hint}")
        return None
    return ratio_of(six(EXACT.multiply(ratio, _HUNDRED)))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, CostCategory):
        return value.value
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
