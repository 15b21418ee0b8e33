"""Conditions on a charge, as rules of the configuration write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from pipeline import money
from pipeline.config import fields
from pipeline.config.keys import CONDITION, Keys
from pipeline.config.section import Section
from pipeline.errors import near
from pipeline.focus import Kind
from pipeline.rules import JOINS, OPERATORS, Comparison, Condition, Joined, Operand

_VALUE_FROM = Keys(("column", "tag"))


@dataclass(frozen=True)
class Askable:
    """What rules may ask of a charge: columns with their kinds; ``aliases`` are spellings of tag keys -> the key."""

    columns: Mapping[str, Kind]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> str:
        """Read the name of a column."""
        if name == "Tags":
            raise ValueError("'Tags' is asked by key; write `tag: KEY` instead of `column: Tags`")
        if name not in self.columns:
            raise ValueError(f"{name!r} is no column of a charge{near(name, self.columns)}")
        return name

    def tag(self, key: str) -> str:
        """Read a tag key; an alias is none, it is brought to its key before rules see it."""
        if fields.line_of_text(key) in self.aliases:
            raise ValueError(f"{key!r} is an alias of {self.aliases[key]!r}; write {self.aliases[key]}")
        return key


def read_when(parent: Section, key: str, askable: Askable, example: str) -> Condition | None:
    """Read the condition under a key that must be there; None when it is absent or wrong."""
    if not parent.has(key):
        message = f"{key} is missing; write a condition such as {example}"
        parent.findings.problem(parent.line, parent.path, message)
        return None
    section = parent.section(key, CONDITION)
    return read_condition(section, askable) if section.line is not None else None


def read_condition(section: Section, askable: Askable) -> Condition | None:
    """Read a condition; None when something of it is wrong, which is noted."""
    joins = [key for key in JOINS if section.has(key)]
    if not joins:
        return _read_comparison(section, askable)
    if len(section.table.entries) > 1:
        message = f"{joins[0]} stands alone in its mapping; nest conditions to join more"
        section.findings.problem(section.line, section.path, message)
        return None
    return _read_joined(section, joins[0], askable)


def read_value_from(section: Section, askable: Askable) -> Operand | None:
    """Read ``value_from``: the column or tag of the charge that gives the value."""
    own = section.section("value_from", _VALUE_FROM)
    return _read_operand(own, askable) if own.line is not None else None


def _read_joined(section: Section, join: str, askable: Askable) -> Condition | None:
    if join == "not":
        below = [section.section(join, CONDITION)]
        below = [own for own in below if own.line is not None]
    else:
        below = section.sections(join, CONDITION)
        if section.is_empty(join):
            section.problem(join, "is empty; give it at least one condition")
    parts = [read_condition(own, askable) for own in below]
    found = tuple(part for part in parts if part is not None)
    return Joined(join, found) if found and len(found) == len(parts) else None  # type: ignore[arg-type]  # one of JOINS


def _read_comparison(section: Section, askable: Askable) -> Condition | None:
    operand = _read_operand(section, askable)
    operators = [key for key in OPERATORS if section.has(key)]
    if len(operators) != 1:
        found = f"; it has {' and '.join(operators)}" if operators else ""
        message = f"a condition has one of {', '.join(OPERATORS)}{found}"
        section.findings.problem(section.line, section.path, message)
        return None
    [operator] = operators
    if operator in ("present", "absent"):
        return _read_presence(section, operator, operand)
    kind = askable.columns.get(operand.name) if operand and operand.kind == "column" else None
    if kind == "decimal" and operator in ("prefix", "contains"):
        section.problem(operator, "compares text, and the column holds numbers; use equals or in")
        return None
    parse = _stored_number if kind == "decimal" else fields.plain_text
    values = section.values(operator, parse, ()) if operator == "in" else (section.value(operator, parse, None),)
    if section.is_empty(operator):
        section.problem(operator, "is empty; give it at least one value")
    given = cast(tuple[str, ...], values)
    return Comparison(operand, operator, given) if operand and given and None not in values else None


def _read_presence(section: Section, operator: str, operand: Operand | None) -> Condition | None:
    said = section.value(operator, fields.boolean, None)
    if said is False:
        other = "absent" if operator == "present" else "present"
        section.problem(operator, f"is true or left out; for the opposite write {other}: true")
    return Comparison(operand, operator) if operand and said else None  # type: ignore[arg-type]  # one of the two


def _read_operand(section: Section, askable: Askable) -> Operand | None:
    if section.has("column") == section.has("tag"):
        section.findings.problem(section.line, section.path, "needs one of column and tag: what of the charge it asks")
        return None
    if section.has("column"):
        name = section.value("column", askable.column, None)
        return Operand("column", name) if name else None
    key = section.value("tag", askable.tag, None)
    return Operand("tag", key) if key else None


def _stored_number(value: str) -> str:
    number = fields.number(value)
    if abs(number) >= money.LIMIT or money.stored(number) != number:
        raise ValueError(f"{value!r} has more digits than a column holds: 20 before the point, {money.SCALE} after it")
    return money.text(number)
