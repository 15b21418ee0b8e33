"""Generated conditions and charges, and what a condition means in plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from pipeline.rules import Comparison, Condition, Joined, Operand, TagRules

TEXT_COLUMNS = ("ServiceName", "ResourceId", "SubAccountId", "x_ResourceType", "ChargeDescription", "InvoiceId")
#: Values that a careless quote, path or pattern would trip over.
HOSTILE = (
    "",
    "a",
    "A",
    "ab",
    "it's",
    "''; DROP TABLE charges; --",
    'say "x"',
    "$.team",
    "*",
    "%_",
    "back\\slash",
    "a/b~c",
    "🦆",
    "NULL",
    "{}",
)
KEYS = ("team", "Team", "it's", 'a"b', "a/b~c", "*", "🦆", "$.x", "0")
OPERANDS = [Operand("column", name) for name in TEXT_COLUMNS] + [Operand("tag", key) for key in KEYS]


def comparisons() -> st.SearchStrategy[Comparison]:
    """One question with hostile values."""
    text, operand = st.sampled_from(HOSTILE), st.sampled_from(OPERANDS)
    one = st.builds(
        lambda asked, operator, value: Comparison(asked, operator, (value,)),
        operand,
        st.sampled_from(["equals", "prefix", "contains"]),
        text,
    )
    many = st.builds(
        lambda asked, values: Comparison(asked, "in", tuple(values)),
        operand,
        st.lists(text, min_size=1, max_size=4, unique=True),
    )
    return one | many | st.builds(Comparison, operand, st.sampled_from(["present", "absent"]))


def conditions() -> st.SearchStrategy[Condition]:
    """Questions joined by all, any and not."""
    return st.recursive(
        comparisons(),
        lambda below: (
            st.builds(
                lambda join, parts: Joined(join, tuple(parts)),
                st.sampled_from(["all", "any"]),
                st.lists(below, min_size=1, max_size=3),
            )
            | st.builds(lambda part: Joined("not", (part,)), below)
        ),
        max_leaves=6,
    )


def tag_sets() -> st.SearchStrategy[dict[str, str]]:
    """Small tag sets of hostile keys and values."""
    return st.dictionaries(st.sampled_from(KEYS), st.sampled_from(HOSTILE), max_size=4)


def holds(condition: Condition, columns: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    """What a condition says of a charge; ``tags`` are those that rules see."""
    if isinstance(condition, Joined):
        parts = [holds(part, columns, tags) for part in condition.parts]
        return {"all": all(parts), "any": any(parts), "not": not parts[0]}[condition.join]
    value = asked(condition.operand, columns, tags)
    match condition.operator:
        case "equals" | "in":
            return value in condition.values
        case "prefix":
            return value is not None and value.startswith(condition.values[0])
        case "contains":
            return value is not None and condition.values[0] in value
        case "present":
            return value is not None
        case "absent":
            return value is None


def asked(operand: Operand, columns: Mapping[str, Any], tags: Mapping[str, str]) -> str | None:
    """The value that an operand names."""
    return columns.get(operand.name) if operand.kind == "column" else tags.get(operand.name)


def answer_tags(rules: TagRules, columns: Mapping[str, Any], billed: Mapping[str, str]) -> dict[str, str]:
    """The tags of a charge with aliases and virtual tags applied."""
    merged = rules.merged(billed)
    found = dict(merged)
    for tag in rules.virtual:
        for rule in tag.rules:
            value = rule.value if rule.value_from is None else asked(rule.value_from, columns, merged)
            if value is not None and holds(rule.when, columns, merged):
                found[tag.key] = value
                break
        else:
            if tag.default is not None:
                found.setdefault(tag.key, tag.default)
    return found
