"""Rules as SQL over a charge: ``c`` is the row of charges, ``r`` of resources, ``t`` of tag_sets.

Names of columns come from a fixed list, values and tag keys stand as quoted literals. Every condition is true or
false, never NULL, so that ``not`` means what it says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from pipeline import focus, money
from pipeline.rules import TENANT, Comparison, Condition, Joined, Operand, Split, TagRules, VirtualTag, column_kinds

#: The relations that the expressions are over, for a caller's FROM.
RELATIONS = """charges AS c
LEFT JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
LEFT JOIN tag_sets AS t ON t.x_TagSetId = c.x_TagSetId"""

#: Whose a record of the usage log says that it is: its own field, which no alias or rule of tags touches.
RECORDED_TENANT = "json_extract_string(t.Tags, '/tenant')"

TagSql = Callable[[str], str]
_RESOURCE = {*focus.RESOURCE_COLUMNS, "x_ResourceType"}


def literal(text: str) -> str:
    """Quote a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def billed_key(spelling: str) -> str:
    """Return the value that the bill's own tag set has under one spelling of a key."""
    return f"json_extract_string(t.Tags, {literal(pointer(spelling))})"


def billed_tag(rules: TagRules) -> TagSql:
    """Return what gives a tag's value of the bill, aliases brought to their key, out of the JSON of the tag set."""

    spellings = {name for _, names in rules.aliases for name in names}

    def value(key: str) -> str:
        if key in spellings:  # brought to its key before anybody asks
            return "CAST(NULL AS VARCHAR)"
        found = [billed_key(name) for name in rules.spellings(key)]
        return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"

    return value


def effective_tag(rules: TagRules) -> TagSql:
    """Return what gives a tag's value with the rules applied: the virtual one if it matches, else the bill's.

    ``TENANT`` is asked by the same way: like them it is made of rules and tags.
    """
    billed = billed_tag(rules)
    by_key = {tag.key: tag for tag in rules.virtual}

    def value(key: str) -> str:
        if key == TENANT:
            return tenant_id(rules, billed)
        if key not in by_key:
            return billed(key)
        return f"coalesce({virtual_value(by_key[key], billed)}, {billed(key)})"

    return value


def tenant_id(rules: TagRules, billed: TagSql, recorded: str | None = RECORDED_TENANT) -> str:
    """Return whose a charge is: by rule, else as it was recorded, else by its source, else the rules' default.

    An empty text is nobody's, as NULL is.

    Args:
        recorded: what gives the tenant of a recorded charge; None where there are none.
    """
    found = []
    if rules.tenant:
        found.append(virtual_value(replace(rules.tenant, default=None), billed))
    if recorded:
        found.append(f"CASE WHEN c.x_RecordId IS NOT NULL THEN {recorded} END")
    if rules.tenants:
        cases = " ".join(f"WHEN {literal(source)} THEN {literal(tenant)}" for source, tenant in rules.tenants)
        found.append(f"CASE c.x_Source {cases} END")
    if rules.tenant and rules.tenant.default is not None:
        found.append(literal(rules.tenant.default))
    return f"nullif(coalesce({', '.join(found)}), '')" if found else "CAST(NULL AS VARCHAR)"


def virtual_value(tag: VirtualTag, billed: TagSql) -> str:
    """Return the value that a tag's rules give a charge; NULL when none matches."""
    return _first_match(tag, billed, literal, lambda text: text)


def virtual_rule_number(tag: VirtualTag, billed: TagSql) -> str:
    """Return the number of the rule that gives a charge its value, from 1; 0 for the default, NULL for neither."""
    cases = [f"WHEN {_applies(tag, number, billed)} THEN {number + 1}" for number in range(len(tag.rules))]
    return f"CASE {' '.join([*cases, *_default(tag, billed, lambda _: '0')])} END"


def virtual_tags(rules: TagRules, billed: TagSql) -> str:
    """Return the JSON object of the virtual tags that a charge gets, keys in code-point order; NULL without any."""
    if not rules.virtual:
        return "CAST(NULL AS VARCHAR)"
    members = [_member(tag, billed) for tag in sorted(rules.virtual, key=lambda tag: tag.key)]
    return f"nullif('{{' || concat_ws(',', {', '.join(members)}) || '}}', '{{}}')"


def effective_tags(rules: TagRules) -> str:
    """Return the JSON object of a charge's tags with aliases and virtual tags applied."""
    if rules == TagRules():
        return "t.Tags"
    billed = billed_tag(rules)
    patches = ["coalesce(CAST(t.Tags AS JSON), '{}')"]
    for key, aliases in rules.aliases:
        gone = ", ".join(f"{literal(name)}, NULL" for name in aliases)
        patches.append(f"json_object({gone}, {literal(key)}, {billed(key)})")
    if rules.virtual:
        patches.append(f"coalesce(CAST({virtual_tags(rules, billed)} AS JSON), '{{}}')")
    merged = patches[0] if len(patches) == 1 else f"json_merge_patch({', '.join(patches)})"
    return f"nullif(CAST({merged} AS VARCHAR), '{{}}')"


def split_rule(splits: Sequence[Split], tag: TagSql) -> str:
    """Return the name of the first split rule that a billed charge matches, NULL for none."""
    cases = " ".join(f"WHEN {condition(split.match, tag)} THEN {literal(split.name)}" for split in splits)
    return f"CASE WHEN c.x_Origin <> 'billed' THEN NULL {cases} END" if splits else "CAST(NULL AS VARCHAR)"


def condition(asked: Condition, tag: TagSql) -> str:
    """Return a condition as SQL that is true or false."""
    if isinstance(asked, Comparison):
        return f"({_comparison(asked, tag)})"
    parts = [condition(part, tag) for part in asked.parts]
    return f"(NOT {parts[0]})" if asked.join == "not" else "(" + _joint(asked).join(parts) + ")"


def operand(asked: Operand, tag: TagSql) -> str:
    """Return what is asked of a charge as text."""
    if asked.kind == "tag" or asked.name == TENANT:
        return tag(asked.name)
    kind = column_kinds().get(asked.name, "text")
    return f"CAST({_column(asked.name)} AS VARCHAR)" if kind in ("decimal", "datetime") else _column(asked.name)


def _joint(asked: Joined) -> str:
    return " AND " if asked.join == "all" else " OR "


def _column(name: str) -> str:
    if name in _RESOURCE:
        return f"r.{name}"
    if name in column_kinds():
        return f"c.{name}"
    return f"json_extract_string(c.x_Kept, {literal(pointer(name))})"


def _comparison(asked: Comparison, tag: TagSql) -> str:
    is_number = asked.operand.kind == "column" and column_kinds().get(asked.operand.name) == "decimal"
    value = _column(asked.operand.name) if is_number else operand(asked.operand, tag)
    given = [_number(text) if is_number else literal(text) for text in asked.values]
    match asked.operator:
        case "equals" | "in":
            return f"coalesce({value} IN ({', '.join(given)}), false)"
        case "prefix":
            return f"coalesce(starts_with({value}, {given[0]}), false)"
        case "contains":
            return f"coalesce(contains({value}, {given[0]}), false)"
        case "present":
            return f"{value} IS NOT NULL"
        case "absent":
            return f"{value} IS NULL"


def _number(text: str) -> str:
    return f"CAST({literal(money.text(Decimal(text)))} AS DECIMAL(38, 18))"


def _applies(tag: VirtualTag, number: int, billed: TagSql) -> str:
    rule = tag.rules[number]
    matches = condition(rule.when, billed)
    return matches if rule.value_from is None else f"{matches} AND {operand(rule.value_from, billed)} IS NOT NULL"


def _first_match(tag: VirtualTag, billed: TagSql, given: Callable[[str], str], taken: Callable[[str], str]) -> str:
    """A CASE over a tag's rules; ``given`` makes SQL of a value that the rule names, ``taken`` of one it reads."""
    cases = []
    for number, rule in enumerate(tag.rules):
        value = taken(operand(rule.value_from, billed)) if rule.value_from else given(rule.value or "")
        cases.append(f"WHEN {_applies(tag, number, billed)} THEN {value}")
    return f"CASE {' '.join([*cases, *_default(tag, billed, given)])} END"


def _default(tag: VirtualTag, billed: TagSql, given: Callable[[str], str]) -> list[str]:
    """The default is for charges that the bill does not tag either."""
    return [] if tag.default is None else [f"WHEN {billed(tag.key)} IS NULL THEN {given(tag.default)}"]


def _member(tag: VirtualTag, billed: TagSql) -> str:
    """A member of a JSON object, ``"key":"value"``, or NULL."""
    name = json.dumps(tag.key, ensure_ascii=False) + ":"
    return _first_match(
        tag,
        billed,
        lambda text: literal(name + json.dumps(text, ensure_ascii=False)),
        lambda value: f"{literal(name)} || CAST(to_json({value}) AS VARCHAR)",
    )


def pointer(key: str) -> str:
    """The JSON pointer of a key of an object: unlike a JSON path, it has no wildcards and takes any key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
