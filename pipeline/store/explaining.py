"""Why a charge has the tag that it has: which rule, alias or billed tag gave the value."""

from __future__ import annotations

import json

from pipeline import rules as rules_
from pipeline.errors import UsageError, near
from pipeline.rules import TagRules
from pipeline.store import rule_sql
from pipeline.store.tagging import stored_rules
from pipeline.store.warehouse import Warehouse

#: Columns of ``explain_tag``.
COLUMNS = ("BillingCurrency", "TagValue", "given_by", "condition", "BilledCost", "x_ChargeCount")

Explained = tuple[str | None, str | None, str, str | None, object, int]


def explain_tag(warehouse: Warehouse, key: str, period: str) -> list[Explained]:
    """Sum the billed charges of a period by a tag's value and by what gave it, in the order of ``COLUMNS``.

    ``given_by`` is ``rule 2``, ``default``, ``billed as Team`` or ``nothing``; ``condition`` the rule's as JSON.

    Raises:
        UsageError: when no charge of the period has the key and no rule gives it.
    """
    rules = stored_rules(warehouse)
    _require_known(warehouse, rules, key, period)
    billed = rule_sql.billed_tag(rules)
    tag = next((own for own in rules.virtual if own.key == key), None)
    number = rule_sql.virtual_rule_number(tag, billed) if tag else "NULL"
    spelled = rules.spellings(key)
    spelling = " ".join(f"WHEN {rule_sql.billed_key(name)} IS NOT NULL THEN {at}" for at, name in enumerate(spelled))
    rows = warehouse.rows(
        f"""
        SELECT BillingCurrency, value, number, CASE WHEN number IS NULL THEN spelling END AS spelled,
            coalesce(sum(BilledCost), 0) AS cost, count(*)
        FROM (
            SELECT c.BillingCurrency, c.BilledCost, {rule_sql.effective_tag(rules)(key)} AS value,
                {number} AS number, CASE {spelling} END AS spelling
            FROM {rule_sql.RELATIONS} WHERE c.x_BillingPeriod = $1 AND c.x_Origin = 'billed')
        GROUP BY ALL ORDER BY BillingCurrency, number NULLS LAST, spelled NULLS LAST, cost DESC, value""",
        [period],
    )
    explained: list[Explained] = []
    for currency, value, at, spelling_at, cost, charges in rows:
        given_by = "nothing" if spelling_at is None else f"billed as {spelled[spelling_at]}"
        condition = None
        if at is not None and tag is not None:
            given_by = f"rule {at}" if at else "default"
            condition = json.dumps(rules_.plain(tag.rules[at - 1].when), ensure_ascii=False) if at else None
        explained.append((currency, value, given_by, condition, cost, charges))
    return explained


def _require_known(warehouse: Warehouse, rules: TagRules, key: str, period: str) -> None:
    rows = warehouse.rows(
        "SELECT DISTINCT TagKey FROM effective_tags WHERE x_EffectiveTagSetId IN "
        "(SELECT x_EffectiveTagSetId FROM resource_costs WHERE x_BillingPeriod = ?)",
        [period],
    )
    known = sorted({*(row[0] for row in rows), *rules.virtual_keys})
    if key not in known:
        raise UsageError(f"no charge of {period} has a tag {key!r}{near(key, known)}")
