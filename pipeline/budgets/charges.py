"""Budgets over the charges themselves, in SQL: what roll-ups cannot answer, and which budgets received a resource's cost.

``budget_usage`` holds, of each such budget, what it received by hour or day and resource. It is made anew where a load
changed a billing period, for all of them where the budget counts something else than before, and deleted when nobody
needs it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline.budgets import windows
from pipeline.budgets.filters import from_charges
from pipeline.budgets.spend import Row
from pipeline.config.budgets import COSTS, ScopeBudget
from pipeline.money import NO_CURRENCY
from pipeline.periods import Window, label
from pipeline.rules import TENANT, Comparison, Condition, Operand
from pipeline.store import rollups, rule_sql
from pipeline.store.tagging import stored_rules
from pipeline.store.warehouse import Warehouse

_SETTING = "budget_usage"
_BILLED = "c.x_Origin = 'billed'"
#: Budgets that one statement asks of.
_AT_ONCE = 50
_USAGE = "c.ChargeCategory IS NOT DISTINCT FROM 'Usage' AND c.ChargeClass IS DISTINCT FROM 'Correction'"


@dataclass(frozen=True)
class _Question:
    """What a budget counts, as the SELECT that answers it for the billing periods of the list $1."""

    budget_id: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def refresh_usage(
    warehouse: Warehouse, budgets: Sequence[ScopeBudget], keys: Collection[str], due: Sequence[str]
) -> bool:
    """Bring ``budget_usage`` up to date, in a transaction of its own; True when it had something to do.

    Args:
        keys: the tag keys that the roll-up reports.
        due: billing periods whose charges changed.
    """
    made, wanted = _made(warehouse), _questions(warehouse, budgets, keys)
    gone = sorted(set(made) - set(wanted))
    anew = [each for each in wanted.values() if made.get(each.budget_id) != each.sha256]
    again = [each for each in wanted.values() if each not in anew] if due else []
    if not (gone or anew or again):
        return False
    every = [row[0] for row in warehouse.rows("SELECT DISTINCT x_BillingPeriod FROM source_periods ORDER BY 1")]
    with warehouse.transaction():
        for budget_id in (*gone, *(each.budget_id for each in anew)):
            warehouse.execute("DELETE FROM budget_usage WHERE budget_id = ?", [budget_id])
        for question in again:
            warehouse.execute(
                "DELETE FROM budget_usage WHERE budget_id = ? AND list_contains(?, x_BillingPeriod)",
                [question.budget_id, list(due)],
            )
        for question, months in (*((each, every) for each in anew), *((each, list(due)) for each in again)):
            warehouse.execute(f"INSERT INTO budget_usage BY NAME {question.sql}", [months])
        hashes = {each.budget_id: each.sha256 for each in wanted.values()}
        warehouse.execute("DELETE FROM settings WHERE name = ?", [_SETTING])
        if hashes:
            warehouse.execute("INSERT INTO settings VALUES (?, ?)", [_SETTING, json.dumps(hashes, sort_keys=True)])
        rollups.touch(warehouse)
    return True


def lacking_usage(warehouse: Warehouse, budgets: Sequence[ScopeBudget], keys: Collection[str]) -> tuple[str, ...]:
    """Return the budgets that need the charges and whose usage was not made for what they count."""
    made = _made(warehouse)
    questions = _questions(warehouse, budgets, keys).values()
    return tuple(each.budget_id for each in questions if made.get(each.budget_id) != each.sha256)


def read_usage(
    warehouse: Warehouse, judged: Iterable[tuple[ScopeBudget, Window]], as_of: datetime
) -> dict[str, list[Row]]:
    """Return what budgets received in the spans of their windows, up to ``as_of``'s day, by budget id."""
    asked = [*judged]
    budgets = {budget.budget_id: budget for budget, _ in asked}
    return {
        budget_id: warehouse.rows(
            f"""SELECT x_BillingPeriod, coalesce(BillingCurrency, '{NO_CURRENCY}'), x_Source, x_UsageStart, x_Usage,
                sum(x_Cost)
            FROM budget_usage WHERE budget_id = $1 AND CAST(x_UsageStart AS DATE) <= $2 AND {_within(budgets[budget_id])}
            GROUP BY ALL""",
            [budget_id, as_of.date(), *_bounds(budgets[budget_id], span.start, span.end)],
        )
        for budget_id, span in windows.spans(asked).items()
    }


def count_resources(warehouse: Warehouse, budget: ScopeBudget, window: Window, as_of: datetime) -> int:
    """Count the distinct resources of a budget whose usage is kept, in one window."""
    found: int = warehouse.value(
        f"""SELECT count(DISTINCT (r.x_Provider, r.ResourceId)) FROM budget_usage AS u
        INNER JOIN resources AS r ON r.x_ResourceKey = u.x_ResourceKey
        WHERE r.ResourceId IS NOT NULL AND u.budget_id = $1 AND CAST(x_UsageStart AS DATE) <= $2 AND {_within(budget)}""",
        [budget.budget_id, as_of.date(), *_bounds(budget, window.start, window.end)],
    )
    return found


def hours(warehouse: Warehouse, due: Sequence[str], as_of: datetime) -> dict[str, list[tuple[str, datetime]]]:
    """Return the billing periods and times of what budgets received of the ``due`` billing periods, by budget."""
    found: dict[str, list[tuple[str, datetime]]] = {}
    rows = warehouse.rows(
        """SELECT DISTINCT budget_id, x_BillingPeriod, x_UsageStart FROM budget_usage
        WHERE list_contains(?, x_BillingPeriod) AND CAST(x_UsageStart AS DATE) <= ?""",
        [list(due), as_of.date()],
    )
    for budget_id, period, at in rows:
        found.setdefault(budget_id, []).append((period, at))
    return found


def received(
    warehouse: Warehouse, budgets: Sequence[ScopeBudget], shown: Mapping[str, Window], period: str
) -> Sequence[Mapping[str, Any]]:
    """Return what each resource cost in a billing period, by the budgets that count it in the windows ``shown``.

    Args:
        budgets: the enabled ones in report order: those of the file count billed charges, policies what their filter says.

    Returns:
        x_Origin, x_Provider, x_ResourceType, ResourceId, ResourceName, BillingCurrency; the costs of ``COSTS``;
        ``matches``: selectors of the tag budgets that count it, the winner first; ``received``: ids of the budgets
        that received it. Recorded charges are there as far as a policy counts them.
    """
    tag = rule_sql.effective_tag(stored_rules(warehouse))
    counts = {budget.budget_id: counted(budget, tag) for budget in budgets}
    rivals = [budget for budget in budgets if budget.scope_type == "tag"]
    won = winner([(budget.budget_id, counts[budget.budget_id]) for budget in rivals])
    matches = _list(f"{_BILLED} AND {counts[own.budget_id]} THEN {rule_sql.literal(own.scope_key)}" for own in rivals)
    cases = []
    for budget in budgets:
        if window := shown.get(budget.budget_id):
            name = rule_sql.literal(budget.budget_id)
            is_its = f"{won} = {name}" if budget in rivals else counts[budget.budget_id]
            billed = _BILLED if budget.is_of_file else "true"
            cases.append(f"{billed} AND {is_its} AND {span(budget, window.start, window.end)} THEN {name}")
    costs = ", ".join(f"coalesce(sum(c.{cost}), 0) AS {cost}" for cost in COSTS.values())
    return warehouse.frame(
        f"""SELECT c.x_Origin, r.x_Provider, r.x_ResourceType, r.ResourceId, max(r.ResourceName) AS ResourceName,
            coalesce(c.BillingCurrency, '{NO_CURRENCY}') AS BillingCurrency,
            {matches} AS matches, {_list(cases)} AS received, {costs}
        FROM {rule_sql.RELATIONS}
        WHERE c.x_BillingPeriod = $1
        GROUP BY 1, 2, 3, 4, 6, 7, 8
        HAVING c.x_Origin = 'billed' OR len(received) > 0
        ORDER BY 1, 2 NULLS LAST, 3 NULLS LAST, 4 NULLS LAST, 6, 7, 8""",
        [period],
    ).to_dicts()


def spent(warehouse: Warehouse, judged: Sequence[tuple[ScopeBudget, Window]], day: date) -> dict[str, list[Row]]:
    """Return what budgets that are not of the file have of their windows, up to a day, by budget id: from the charges, so that it is told of a budget that no run has seen."""
    tag = rule_sql.effective_tag(stored_rules(warehouse))
    found: dict[str, list[Row]] = {budget.budget_id: [] for budget, _ in judged}
    selects = [
        f"""SELECT {rule_sql.literal(budget.budget_id)}, c.x_BillingPeriod, coalesce(c.BillingCurrency, '{NO_CURRENCY}'),
            c.x_Source, date_trunc('{"hour" if budget.period == "hourly" else "day"}', c.ChargePeriodStart), {_USAGE},
            coalesce(sum(c.{COSTS[budget.basis]}), 0)
        FROM {rule_sql.RELATIONS}
        WHERE {span(budget, window.start, window.end)} AND CAST(c.ChargePeriodStart AS DATE) <= $1
            AND {counted(budget, tag)}
        GROUP BY ALL"""
        for budget, window in judged
    ]
    for start in range(0, len(selects), _AT_ONCE):
        together = " UNION ALL ".join(selects[start : start + _AT_ONCE])
        for budget_id, *row in warehouse.rows(together, [day]):
            found[budget_id].append(tuple(row))
    return found


def _made(warehouse: Warehouse) -> dict[str, str]:
    text = warehouse.value("SELECT value FROM settings WHERE name = ?", [_SETTING])
    found: dict[str, str] = json.loads(text or "{}")
    return found


def _questions(warehouse: Warehouse, budgets: Sequence[ScopeBudget], keys: Collection[str]) -> dict[str, _Question]:
    asking = from_charges(budgets, keys)
    if not asking:
        return {}
    tag = rule_sql.effective_tag(stored_rules(warehouse))
    rivals = sorted(
        (budget for budget in budgets if budget.enabled and budget.scope_type == "tag"),
        key=lambda budget: (-budget.priority, budget.scope_key),
    )
    won = winner([(budget.budget_id, counted(budget, tag)) for budget in rivals])
    return {budget.budget_id: _Question(budget.budget_id, _select(budget, won, tag)) for budget in asking}


def _select(budget: ScopeBudget, won: str, tag: rule_sql.TagSql) -> str:
    name = rule_sql.literal(budget.budget_id)
    where = f"{won} = {name}" if budget.scope_type == "tag" else counted(budget, tag)
    origin = f"{_BILLED} AND " if budget.is_of_file else ""  # else its filter says it
    return f"""SELECT {name} AS budget_id, c.x_BillingPeriod, c.x_Source, c.BillingCurrency,
        date_trunc('{"hour" if budget.period == "hourly" else "day"}', c.ChargePeriodStart) AS x_UsageStart,
        {_USAGE} AS x_Usage, c.x_ResourceKey, {tag(TENANT)} AS x_TenantId, coalesce(sum(c.{COSTS[budget.basis]}), 0) AS x_Cost
    FROM {rule_sql.RELATIONS}
    WHERE {origin}list_contains($1, c.x_BillingPeriod) AND {where}
    GROUP BY ALL"""


def winner(rivals: Sequence[tuple[str, str]]) -> str:
    """The tag budget that receives a charge: the first that counts it, in the order of ``rivals``."""
    cases = " ".join(f"WHEN {counts} THEN {rule_sql.literal(budget_id)}" for budget_id, counts in rivals)
    return f"CASE {cases} END" if cases else "CAST(NULL AS VARCHAR)"


def _list(cases: Iterable[str]) -> str:
    """A list of texts, those of the cases that hold."""
    texts = ", ".join(f"CASE WHEN {case} END" for case in cases)
    return f"list_filter(CAST([{texts}] AS VARCHAR[]), lambda each: each IS NOT NULL)"


def counted(budget: ScopeBudget, tag: rule_sql.TagSql) -> str:
    """Whether a charge is in a budget's scope, its filter and its dates."""
    asked = [each for each in (file_scope(budget), budget.filter) if each is not None]
    start, end = windows.counted_span(budget)
    dates = [span(budget, start, end)] if budget.has_dates else []
    return "(" + " AND ".join([*(rule_sql.condition(each, tag) for each in asked), *dates, "true"]) + ")"


def file_scope(budget: ScopeBudget) -> Condition | None:
    """What a charge must be to be in the scope of a budget of the file; of others their filter says it."""
    if budget.scope_type == "global" or not budget.is_of_file:
        return None
    if budget.scope_type == "tag":
        key, _, value = budget.scope_key.partition(":")
        asked = Operand("tag", key)
        return Comparison(asked, "present") if value == "*" else Comparison(asked, "equals", (value,))
    column = "x_Provider" if budget.scope_type == "provider" else "x_ResourceType"
    return Comparison(Operand("column", column), "equals", (budget.scope_key,))


def span(budget: ScopeBudget, start: datetime, end: datetime) -> str:
    """Whether a charge lies between two moments, by what puts it in the budget's windows."""
    if budget.period_by == "billing":
        return f"c.x_BillingPeriod >= '{label(start)}' AND c.x_BillingPeriod < '{label(end)}'"
    return f"c.ChargePeriodStart >= TIMESTAMP '{start}' AND c.ChargePeriodStart < TIMESTAMP '{end}'"


def _within(budget: ScopeBudget) -> str:
    column = "x_BillingPeriod" if budget.period_by == "billing" else "x_UsageStart"
    return f"{column} >= $3 AND {column} < $4"


def _bounds(budget: ScopeBudget, start: datetime, end: datetime) -> list[Any]:
    return [label(start), label(end)] if budget.period_by == "billing" else [start, end]
