"""Rules of the configuration as values: conditions on a charge, tag rules, split rules; and their JSON.

The warehouse keeps the JSON of the rules that its rollups were made with, so that a run sees that they changed and
whoever opens the file without the configuration applies the same ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pipeline import focus, money
from pipeline.focus import Kind

Operator = Literal["equals", "in", "prefix", "contains", "present", "absent"]
SplitBy = Literal["even", "fixed", "proportional"]

#: The words that compare a column or tag, in the order in which the documentation has them.
OPERATORS: tuple[Operator, ...] = ("equals", "in", "prefix", "contains", "present", "absent")
JOINS = ("all", "any", "not")
SPLITS: tuple[SplitBy, ...] = ("even", "fixed", "proportional")

#: The column that says whose a charge is: no tag, though ``tags.virtual`` gives it as if it were one.
TENANT = "x_TenantId"

#: Columns of this project that a rule may ask of a charge, beside those of FOCUS and the kept ones.
OWN_COLUMNS = (
    "x_BillingPeriod",
    "x_CostCategory",
    "x_LineItemType",
    "x_Origin",
    "x_Provider",
    "x_RecordId",
    "x_ResourceType",
    "x_Source",
)


def column_kinds() -> dict[str, Kind]:
    """Return the columns that a rule may ask of a charge, with their kinds; Tags are asked by key instead."""
    kinds: dict[str, Kind] = {column.name: column.kind for column in focus.COLUMNS if column.name != "Tags"}
    return kinds | dict.fromkeys(OWN_COLUMNS, "text")


@dataclass(frozen=True)
class Operand:
    """What of a charge is asked: a column by its name, or a tag by its key."""

    kind: Literal["column", "tag"]
    name: str


@dataclass(frozen=True)
class Comparison:
    """One question to a charge; case-sensitive. ``values`` is empty for present and absent."""

    operand: Operand
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Joined:
    """Conditions joined by ``all``, ``any`` or ``not`` (of exactly one)."""

    join: Literal["all", "any", "not"]
    parts: tuple[Condition, ...]


Condition = Comparison | Joined


@dataclass(frozen=True)
class VirtualRule:
    """A value for the charges that match: a text, or what a column or tag of the charge says (NULL: no match)."""

    when: Condition
    value: str | None = None
    value_from: Operand | None = None


@dataclass(frozen=True)
class VirtualTag:
    """A tag by rules: the first that matches gives the value, else the bill does, else ``default``."""

    key: str
    rules: tuple[VirtualRule, ...]
    default: str | None = None


@dataclass(frozen=True)
class TagRules:
    """What makes the tags of answers out of those of the bill.

    Attributes:
        aliases: (key, its other spellings in the order in which they count) pairs, by key.
        virtual: tags by rules, in the file's order.
        tenant: the rules that give ``TENANT``; its default is for charges that nothing else gives one.
        tenants: (source, whose its charges are) pairs, by source.
    """

    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    virtual: tuple[VirtualTag, ...] = ()
    tenant: VirtualTag | None = None
    tenants: tuple[tuple[str, str], ...] = ()

    @property
    def virtual_keys(self) -> tuple[str, ...]:
        """The keys of the tags by rules, in the file's order."""
        return tuple(tag.key for tag in self.virtual)

    def spellings(self, key: str) -> tuple[str, ...]:
        """All spellings of a key, itself first."""
        return (key, *dict(self.aliases).get(key, ()))

    def merged(self, billed: Mapping[str, str]) -> dict[str, str]:
        """Return a tag set with every alias brought to its key: the first spelling that is there gives the value."""
        pairs = dict(billed)
        for key, aliases in self.aliases:
            values = [pairs.pop(name) for name in (key, *aliases) if name in pairs]
            if values:
                pairs[key] = values[0]
        return pairs


@dataclass(frozen=True)
class Split:
    """How shared charges are divided among the values of a tag key.

    Attributes:
        to: (value of ``key``, weight) pairs; empty: every value that the bill has (even, proportional).
        basis: the cost column that a proportional split goes by.
        basis_where: the charges whose cost counts there; None: all that are not shared.
    """

    name: str
    key: str
    match: Condition
    by: SplitBy
    to: tuple[tuple[str, Decimal], ...] = ()
    basis: str = "EffectiveCost"
    basis_where: Condition | None = None


def tag_rules_json(rules: TagRules) -> str:
    """Return tag rules as JSON, the same text for the same rules."""
    given: dict[str, Any] = {
        "aliases": [[key, list(names)] for key, names in rules.aliases],
        "virtual": [_virtual_tag(tag) for tag in rules.virtual],
    }
    if rules.tenant:
        given["tenant"] = _virtual_tag(rules.tenant)
    if rules.tenants:
        given["tenants"] = [list(pair) for pair in rules.tenants]
    return _json(given)


def read_tag_rules(text: str | None) -> TagRules:
    """Read what ``tag_rules_json`` wrote; None: no rules."""
    if not text:
        return TagRules()
    given = json.loads(text)
    return TagRules(
        tuple((key, tuple(names)) for key, names in given["aliases"]),
        tuple(_read_virtual_tag(tag) for tag in given["virtual"]),
        _read_virtual_tag(given["tenant"]) if "tenant" in given else None,
        tuple((source, tenant) for source, tenant in given.get("tenants", ())),
    )


def splits_json(splits: Sequence[Split]) -> str:
    """Return split rules as JSON, the same text for the same rules."""
    return _json(
        [
            {
                "name": split.name,
                "key": split.key,
                "match": plain(split.match),
                "by": split.by,
                "to": [[target, money.text(weight)] for target, weight in split.to],
                "basis": split.basis,
                "basis_where": split.basis_where and plain(split.basis_where),
            }
            for split in splits
        ]
    )


def read_splits(text: str | None) -> tuple[Split, ...]:
    """Read what ``splits_json`` wrote; None: no rules."""
    return tuple(
        Split(
            name=given["name"],
            key=given["key"],
            match=read_condition(given["match"]),
            by=given["by"],
            to=tuple((target, Decimal(weight)) for target, weight in given["to"]),
            basis=given["basis"],
            basis_where=read_condition(given["basis_where"]) if given["basis_where"] else None,
        )
        for given in json.loads(text or "[]")
    )


def plain(condition: Condition) -> dict[str, Any]:
    """Return a condition as the configuration writes it: ``{"column": "ServiceName", "prefix": "Amazon"}``."""
    if isinstance(condition, Joined):
        parts = [plain(part) for part in condition.parts]
        return {condition.join: parts[0] if condition.join == "not" else parts}
    value: Any = list(condition.values) if condition.operator == "in" else next(iter(condition.values), True)
    return {condition.operand.kind: condition.operand.name, condition.operator: value}


def read_condition(given: Mapping[str, Any]) -> Condition:
    """Read what ``plain`` wrote."""
    for join in JOINS:
        if join in given:
            parts = [given[join]] if join == "not" else given[join]
            return Joined(join, tuple(read_condition(part) for part in parts))  # type: ignore[arg-type]  # of JOINS
    [operator] = [each for each in OPERATORS if each in given]
    value = given[operator]
    values = () if operator in ("present", "absent") else tuple(value) if operator == "in" else (value,)
    return Comparison(_operand(given), operator, values)


def _operand(given: Mapping[str, Any]) -> Operand:
    return Operand("column", given["column"]) if "column" in given else Operand("tag", given["tag"])


def _virtual_tag(tag: VirtualTag) -> dict[str, Any]:
    return {"key": tag.key, "rules": [_virtual_rule(rule) for rule in tag.rules], "default": tag.default}


def _read_virtual_tag(given: Mapping[str, Any]) -> VirtualTag:
    return VirtualTag(given["key"], tuple(_read_virtual_rule(rule) for rule in given["rules"]), given["default"])


def _virtual_rule(rule: VirtualRule) -> dict[str, Any]:
    value_from = {rule.value_from.kind: rule.value_from.name} if rule.value_from else None
    return {"when": plain(rule.when), "value": rule.value, "value_from": value_from}


def _read_virtual_rule(given: Mapping[str, Any]) -> VirtualRule:
    value_from = _operand(given["value_from"]) if given["value_from"] else None
    return VirtualRule(read_condition(given["when"]), given["value"], value_from)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
