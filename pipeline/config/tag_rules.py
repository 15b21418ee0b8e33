"""``tags`` and ``splits``: aliases, tags by rules, and how shared costs are divided."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import cast

from pipeline.config import fields
from pipeline.config.budgets import BudgetsConfig
from pipeline.config.conditions import Askable, read_condition, read_value_from, read_when
from pipeline.config.keys import CONDITION, SECTIONS
from pipeline.config.model import SourceSettings, TagSettings
from pipeline.config.section import Section
from pipeline.config.yaml import Items, Table
from pipeline.focus import COSTS, kept_name
from pipeline.rules import SPLITS, TENANT, Split, SplitBy, TagRules, VirtualRule, VirtualTag, column_kinds

_WHEN = "{column: ServiceName, equals: Amazon S3}"
#: A weight of a fixed split stays below it, so that any number of them sums to what the store holds.
_WEIGHT_LIMIT = Decimal(10) ** 12


def askable(
    sources: Iterable[SourceSettings], aliases: Iterable[tuple[str, tuple[str, ...]]], *, after_tags: bool = True
) -> Askable:
    """Return what rules may ask: FOCUS columns, ours, those that sources keep; and the aliases of tag keys.

    Args:
        after_tags: whether they are applied after the tag rules, of which one gives ``TENANT``.
    """
    kept = {kept_name(column): "text" for source in sources for column in source.keep_columns}
    spellings = {spelling: key for key, names in aliases for spelling in names}
    own = [*kept, TENANT] if after_tags else kept
    return Askable({**dict.fromkeys(own, "text"), **column_kinds()}, spellings)


def read_tags(root: Section, sources: Iterable[SourceSettings]) -> TagSettings:
    """Read ``tags``, and whose the charges of ``sources`` are; keys that are reported or virtual must be no aliases."""
    section = root.section("tags", SECTIONS["tags"])
    aliases = _read_aliases(section)
    asked = askable(sources, aliases, after_tags=False)
    keys = section.values("report_keys", lambda key: asked.tag(fields.line_of_text(key)), ())
    if TENANT in keys:
        section.problem("report_keys", f"{TENANT} is a column that every roll-up has; leave it out")
    virtual = _read_virtual(section, asked)
    by_rules = next((tag for tag in virtual if tag.key == TENANT), None)
    others = tuple(tag for tag in virtual if tag.key != TENANT)
    tenants = tuple(sorted((source.name, source.tenant) for source in sources if source.tenant))
    return TagSettings(keys, TagRules(aliases, others, by_rules, tenants))


def check_selectors(root: Section, budgets: BudgetsConfig | None, tags: TagSettings) -> None:
    """Note budgets by a tag that is an alias: they would never receive a charge."""
    spellings = {name: key for key, names in tags.rules.aliases for name in names}
    section = root.section("cost", None).section("budgets", None)
    for key in budgets.tag_keys if budgets else ():
        if key == TENANT:
            section.problem("tags", f"{TENANT} is a column and no tag; give a budget a filter that asks for it")
        if key in spellings:
            section.problem(
                "tags", f"a selector asks for {key!r}, an alias of {spellings[key]!r}; write {spellings[key]}"
            )


def read_splits(root: Section, asked: Askable) -> tuple[Split, ...]:
    """Read ``splits``: names are unique."""
    splits: dict[str, Split] = {}
    for section in root.sections("splits", SECTIONS["splits[]"]):
        split = _read_split(section, asked)
        if split is None:
            continue
        if split.name in splits:
            section.problem("name", f"{split.name!r} stands twice; each rule has a name of its own")
        splits[split.name] = split
    return tuple(splits.values())


def _read_aliases(tags: Section) -> tuple[tuple[str, tuple[str, ...]], ...]:
    section = tags.section("aliases", None)
    found: dict[str, tuple[str, ...]] = {}
    taken: dict[str, str] = {}
    for key in section.table.entries:
        section.check_key(key, fields.line_of_text)
        names = section.values(key, fields.line_of_text, ())
        if section.is_empty(key):
            section.problem(key, "is empty; list the other spellings of the key, such as [Team]")
        for name in names:
            if name in section.table.entries:
                section.problem(key, f"{name!r} is a key of aliases itself; a spelling stands for one key")
            elif name in taken:
                section.problem(key, f"{name!r} is an alias of {taken[name]!r} already")
            taken.setdefault(name, key)
        if names:
            found[key] = names
    return tuple(sorted(found.items()))


def _read_virtual(tags: Section, asked: Askable) -> tuple[VirtualTag, ...]:
    found: dict[str, VirtualTag] = {}
    for section in tags.sections("virtual", SECTIONS["tags.virtual[]"]):
        key = section.required("key", asked.tag, "the tag key that the rules give a value")
        rules = [_read_rule(own, asked) for own in section.sections("rules", SECTIONS["tags.virtual[].rules[]"])]
        default = section.value("default", fields.plain_text, None)
        if not section.has("rules") or section.is_empty("rules"):
            message = f"rules is missing; write at least one, such as {{value: storage, when: {_WHEN}}}"
            section.findings.problem(section.line, section.path, message)
        if key in found:
            section.problem("key", f"{key!r} stands twice; put the rules together, the first that matches wins")
        elif key is not None:
            found[key] = VirtualTag(key, tuple(rule for rule in rules if rule), default)
    return tuple(found.values())


def _read_rule(section: Section, asked: Askable) -> VirtualRule | None:
    when = read_when(section, "when", asked, _WHEN)
    value = section.value("value", fields.plain_text, None)
    value_from = read_value_from(section, asked)
    if section.has("value") == section.has("value_from"):
        section.findings.problem(section.line, section.path, "needs one of value and value_from")
        return None
    return VirtualRule(when, value, value_from) if when else None


def _read_split(section: Section, asked: Askable) -> Split | None:
    name = section.required("name", fields.line_of_text, "one such as shared-cluster")
    key = section.required("key", asked.tag, "the tag key whose values receive the parts")
    match = read_when(section, "match", asked, _WHEN)
    by = section.required("by", fields.choice(SPLITS), f"one of {', '.join(SPLITS)}")
    to = _read_targets(section, by)
    basis = section.section("basis", SECTIONS["splits[].basis"])
    cost = basis.value("cost", fields.choice(COSTS), "EffectiveCost")
    where = basis.section("where", CONDITION)
    counted = read_condition(where, asked) if where.line is not None else None
    if section.has("basis") and by in ("even", "fixed"):
        section.problem("basis", f"belongs to a proportional split; {by} has none")
    if name is None or key is None or match is None or by is None:
        return None
    return Split(name, key, match, cast(SplitBy, by), to, cost, counted)


def _read_targets(section: Section, by: str | None) -> tuple[tuple[str, Decimal], ...]:
    """Read ``to``: a list of values, or for a fixed split a mapping of values to weights."""
    node = section.table.entries.get("to")
    if by == "fixed" and not (isinstance(node, Table) and node.entries):
        section.problem("to", "needs target: weight pairs for a fixed split, such as {web: 60, ml: 40}")
        return ()
    if isinstance(node, Table) and by == "fixed":
        weights = section.section("to", None)
        for target in node.entries:
            weights.check_key(target, fields.plain_text)
        given = [(target, weights.required(target, _weight, "a weight above 0")) for target in node.entries]
        return tuple((target, weight) for target, weight in given if weight is not None)
    if isinstance(node, Items) and not node.items:
        section.problem("to", "is empty; list the targets, or leave it out for every value of the key")
    return tuple((target, Decimal(1)) for target in section.values("to", fields.plain_text, ()))


def _weight(value: str) -> Decimal:
    weight = fields.amount(value)
    if not 0 < weight < _WEIGHT_LIMIT:
        raise ValueError(f"{value!r} is no weight; write a number above 0, below a million million")
    return weight
