"""Limits of budgets as the file states them: ``planned``, ``rollover``, ``parent``, and the rule of the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline import money
from pipeline.config import fields
from pipeline.config.budgets import CALENDAR, ScopeBudget
from pipeline.config.findings import Findings
from pipeline.config.keys import SECTIONS
from pipeline.config.section import Section
from pipeline.errors import near

_LABELS: Mapping[str, Callable[[str], str]] = {"monthly": fields.billing_period, "quarterly": fields.quarter}


@dataclass(frozen=True)
class Limits:
    """What of a scope says its limits beside ``amount``."""

    planned: tuple[tuple[str, Decimal], ...] = ()
    rollover: Decimal | None = None
    parent: str | None = None


NO_LIMITS = Limits()


def read_limits(section: Section, period: str, *, has_parent: bool) -> Limits:
    """Read the limits of a scope with that period; what does not fit it is noted."""
    rollover = section.section("rollover", SECTIONS["cost.budgets.*.rollover"])
    share = None
    if rollover.line is not None:
        share = rollover.required("max_percent", fields.percent_of_limit, "percent of the limit, such as 25")
        if period not in CALENDAR:
            section.problem("rollover", f"the period {period} has none before it; leave it out")
    parent = section.value("parent", fields.line_of_text, None) if has_parent else None
    return Limits(_read_planned(section, period), share, parent)


def _read_planned(section: Section, period: str) -> tuple[tuple[str, Decimal], ...]:
    planned = section.section("planned", None)
    if planned.line is None:
        return ()
    if period not in _LABELS:
        section.problem("planned", f"is an amount per month or quarter, and the period is {period}; leave it out")
        return ()
    found = {}
    for label in planned.table.entries:
        planned.check_key(label, _LABELS[period])
        found[label] = planned.required(label, fields.amount, "an amount such as 1500")
    return tuple(sorted((label, amount) for label, amount in found.items() if amount is not None))


def check_parents(
    scopes: Sequence[ScopeBudget], places: Mapping[str, tuple[int | None, str]], findings: Findings
) -> None:
    """Note children without a fitting parent, and parents whose children's limits together pass their own.

    Args:
        places: line and path of each budget by its id.
    """
    known = {scope.budget_id: scope for scope in scopes}
    for scope in scopes:
        if scope.parent is not None and (problem := _misfit(scope, known)):
            findings.problem(*places[scope.budget_id], f"parent {scope.parent!r} {problem}")
    for scope in scopes:
        children = [child for child in scopes if child.parent == scope.budget_id and not _misfit(child, known)]
        if scope.enabled and children and (passed := _overfull(scope, children)):
            findings.problem(*places[scope.budget_id], f"{passed}; raise it or lower theirs")


def _misfit(scope: ScopeBudget, known: Mapping[str, ScopeBudget]) -> str | None:
    parent = known.get(scope.parent or "")
    if parent is None:
        return f"is no budget of this file{near(scope.parent or '', known)}"
    above, seen = parent, {scope.budget_id}
    while above.budget_id not in seen:
        seen.add(above.budget_id)
        above = known.get(above.parent or "", above)
    if above.budget_id == scope.budget_id:
        return "is below this budget itself; a budget has no parent among its children"
    if parent.period != scope.period:
        return f"is {parent.period}, and this budget {scope.period}: their limits cannot be compared"
    return None


def _overfull(parent: ScopeBudget, children: Sequence[ScopeBudget]) -> str | None:
    """Say where the children's limits together pass their parent's; None where they never do."""
    for start in sorted({"", *(label for budget in (parent, *children) for label, _ in budget.planned)}):
        limit, total = _limit(parent, start), money.total(_limit(child, start) for child in children)
        if total > limit:
            since = f" from {start} on" if start else ""
            return f"the limits of its children are {money.text(total)} together{since}, its own is {money.text(limit)}"
    return None


def _limit(budget: ScopeBudget, start: str) -> Decimal:
    """The plain limit from a month or quarter on; the empty label is before all."""
    if not budget.enabled:
        return money.ZERO
    return next((amount for label, amount in reversed(budget.planned) if label <= start), budget.amount)
