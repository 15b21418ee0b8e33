"""What each column of a mapping is made of, read out of its SQL file: nothing here is a copy that could grow old."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline import resources
from pipeline.sources.formats import Format

_Node = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """One column of the charges that a format makes.

    Attributes:
        fields: the staged fields that decide its value, through every step of the SQL.
        lookups: the lookups that have a part in it.
        expression: the SQL of its last step, on one line.
    """

    column: str
    fields: tuple[str, ...]
    lookups: tuple[str, ...]
    expression: str


def origins(fmt: Format) -> list[Origin]:
    """Return the columns of a format's mapping in the order of its SQL file."""
    text = resources.sql(f"sources/{fmt.name}")
    tree = _parse(text)
    steps = {name: _parse(resources.sql(f"sources/{name}")) for name in fmt.steps}
    fields = {field.name for field in fmt.fields} | {"x_TagText", "x_Kept", "x_Noted", "x_BillingPeriod"}
    names = _Names(fields, tree, steps)
    found: dict[str, list[_Node]] = {}
    for select in _selects(tree):
        for item in select["select_list"]:
            found.setdefault(_name(item), []).append(item)
    return [_origin(column, items, names, text) for column, items in found.items()]


def _origin(column: str, items: list[_Node], names: _Names, text: str) -> Origin:
    reached = [one for item in items for one in names.reach(item)]
    return Origin(
        column,
        tuple(dict.fromkeys(name for table, name in reached if table is None)),
        tuple(dict.fromkeys(table for table, _ in reached if table is not None)),
        "; ".join(dict.fromkeys(_text(item, text) for item in items)),
    )


class _Names:
    """What the names in a query stand for, in its own steps and in the files that it reads as ``views``."""

    def __init__(self, fields: Collection[str], tree: _Node, views: Mapping[str, _Node]) -> None:
        self.fields = fields
        self.made: dict[str, list[_Node]] = {}  # by the name that a step gives it
        self.joined: dict[str, _Node] = {}  # a join's condition, by the alias of its right side
        self.tables: dict[str, str] = {}
        trees = [tree, *views.values()]
        steps = dict(views)
        steps |= {entry["key"]: entry["value"]["query_node"] for each in trees for entry in _ctes(each)}
        for item in (item for step in steps.values() for select in _selects(step) for item in select["select_list"]):
            self.made.setdefault(_name(item), []).append(item)
        for node in _walk(trees):
            if node.get("type") == "BASE_TABLE" and node["table_name"] not in {*steps, "staged"}:
                self.tables[node["alias"] or node["table_name"]] = node["table_name"]
            if node.get("type") == "JOIN" and node.get("condition") and node["right"].get("type") == "BASE_TABLE":
                self.joined[node["right"]["alias"] or node["right"]["table_name"]] = node["condition"]

    def reach(self, node: _Node, seen: frozenset[str] = frozenset()) -> Iterator[tuple[str | None, str]]:
        """Follow the names of an expression to fields (``None, name``) and to lookups (``table, column``)."""
        for each in _walk(node):
            if each.get("class") != "COLUMN_REF":
                continue
            *before, name = each["column_names"]
            if before and before[0] in self.tables:
                yield self.tables[before[0]], name
                if before[0] in self.joined and before[0] not in seen:
                    yield from self.reach(self.joined[before[0]], seen | {before[0]})
            elif name in self.made and name not in seen:
                for made in self.made[name]:
                    yield from self.reach(made, seen | {name})
            elif name in self.fields:
                yield None, name


def _parse(text: str) -> _Node:
    with duckdb.connect() as connection:
        [(tree,)] = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    read: _Node = json.loads(tree)
    statement: _Node = read["statements"][0]["node"]
    return statement


def _selects(node: _Node) -> Iterator[_Node]:
    """The SELECTs that a query's rows come from: one, or those of a UNION."""
    if node["type"] == "SELECT_NODE":
        yield node
    for side in (*(node.get("children") or ()), node.get("left"), node.get("right")):
        if isinstance(side, dict) and "type" in side and node["type"] == "SET_OPERATION_NODE":
            yield from _selects(side)


def _ctes(tree: _Node) -> Iterator[_Node]:
    for node in _walk(tree):
        yield from (node.get("cte_map") or {}).get("map", ())


def _walk(node: Any) -> Iterator[_Node]:
    if isinstance(node, dict):
        yield node
        for each in node.values():
            yield from _walk(each)
    elif isinstance(node, list):
        for each in node:
            yield from _walk(each)


def _name(item: _Node) -> str:
    return str(item.get("alias") or (item.get("column_names") or ["*"])[-1])


def _text(item: _Node, text: str) -> str:
    start, length = item["query_location"], item["query_location_length"]
    return " ".join(text.encode()[start : start + length].decode().split())
