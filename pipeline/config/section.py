"""One mapping of the file, read key by key: a wrong value is noted, its default returned, and reading goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pipeline.config.findings import Findings, item, member
from pipeline.config.keys import Keys
from pipeline.config.secrets import Secret
from pipeline.config.yaml import Items, Lacking, Node, Table, Text, Unreadable
from pipeline.errors import Problem, near

T = TypeVar("T")
D = TypeVar("D")


class Section:
    """A mapping with its path; unknown keys are noted when it is made.

    Attributes:
        table: the mapping, empty where the file has none.
        path: the path of its key, as problems show it.
        keys: the keys it may have; None where keys are free.
    """

    def __init__(self, table: Table | None, path: str, keys: Keys | None, findings: Findings) -> None:
        self.table = table or Table({}, {}, 0)
        self.path = path
        self.keys = keys
        self.findings = findings
        if keys is not None:
            self._note_unknown(keys)

    @property
    def line(self) -> int | None:
        """The line on which it begins; None where the file has no such mapping."""
        return self.table.line or None

    def key_path(self, key: str) -> str:
        """The path of one of its keys."""
        return member(self.path, key)

    def key_line(self, key: str) -> int | None:
        """The line of one of its keys; the section's own where the key is absent."""
        return self.table.key_lines.get(key, self.line)

    def problem(self, key: str, message: str) -> None:
        """Note a problem at a key."""
        self.findings.problem(self.key_line(key), self.key_path(key), message)

    def has(self, key: str) -> bool:
        """True when the key has a value, be it a wrong one."""
        return self._node(key) is not None

    def is_empty(self, key: str) -> bool:
        """True when the key's value is ``[]`` or ``{}``."""
        node = self._node(key)
        return (isinstance(node, Items) and not node.items) or (isinstance(node, Table) and not node.entries)

    def check_key(self, key: str, parse: Callable[[str], object]) -> None:
        """Note a key, of those that are free, whose own text is wrong."""
        try:
            parse(key)
        except ValueError as error:
            self.problem(key, str(error))

    def value(self, key: str, parse: Callable[[str], T], default: D) -> T | D:
        """Return a key's parsed text; ``default`` when absent, null or wrong."""
        node = self._node(key)
        return default if node is None else self._parsed(node, self.key_path(key), parse, default)

    def required(self, key: str, parse: Callable[[str], T], example: str) -> T | None:
        """Return a key's parsed text; None when wrong, and noted when absent."""
        if not self.has(key):
            self.findings.problem(self.key_line(key), self.path, f"{key} is missing; write {example}")
        return self.value(key, parse, None)

    def secret(self, key: str, parse: Callable[[str], Secret]) -> Secret | None:
        """Return a secret; None when absent, null or wrong. One that the environment lacks says so when it is needed."""
        node = self._node(key)
        if isinstance(node, Lacking):
            return Secret("", lacks=Problem(node.line, self.key_path(key), node.message))
        return self.value(key, parse, None)

    def values(self, key: str, parse: Callable[[str], T], default: tuple[T, ...]) -> tuple[T, ...]:
        """Return a list's parsed texts, each once; ``default`` when absent."""
        node = self._node(key)
        if node is None or isinstance(node, Unreadable):
            return default
        if not isinstance(node, Items):
            self.problem(key, "must be a list, such as [a, b]")
            return default
        found: list[T] = []
        for index, part in enumerate(node.items):
            path = item(self.key_path(key), index)
            parsed = self._parsed(part, path, parse, None)
            if parsed is not None and parsed in found:
                self.findings.problem(part.line, path, f"{parsed!r} stands twice")
            elif parsed is not None:
                found.append(parsed)
        return tuple(found)

    def section(self, key: str, keys: Keys | None, findings: Findings | None = None) -> Section:
        """Return the mapping under a key, empty when absent, null or wrong; it notes in ``findings`` if given."""
        table = self._table(self._node(key), self.key_path(key))
        return Section(table, self.key_path(key), keys, findings or self.findings)

    def sections(self, key: str, keys: Keys | None) -> list[Section]:
        """Return the mappings of the list under a key; those that are none are noted and left out."""
        node = self._node(key)
        if node is None or isinstance(node, Unreadable):
            return []
        if not isinstance(node, Items):
            self.problem(key, "must be a list: one `- ` for each item")
            return []
        found = []
        for index, part in enumerate(node.items):
            path = item(self.key_path(key), index)
            table = self._table(part, path)
            if table is not None:
                found.append(Section(table, path, keys, self.findings))
        return found

    def members(self, keys: Keys | None) -> list[tuple[str, Section]]:
        """Return all entries of a section with free keys, each of which must be a mapping."""
        found = []
        for key, node in self.table.entries.items():
            table = self._table(node, self.key_path(key))
            if table is not None:
                found.append((key, Section(table, self.key_path(key), keys, self.findings)))
        return found

    def _node(self, key: str) -> Node | None:
        if self.keys is not None and key not in self.keys.known:
            raise KeyError(f"{self.path} is read for {key!r}, which its table of keys does not have")
        node = self.table.entries.get(key)
        return None if isinstance(node, Text) and node.is_null else node

    def _parsed(self, node: Node, path: str, parse: Callable[[str], T], default: D) -> T | D:
        if isinstance(node, Unreadable):
            return default
        if not isinstance(node, Text):
            self.findings.problem(node.line, path, "must be a single value, not a list or a mapping")
            return default
        if node.is_null:
            self.findings.problem(node.line, path, "is empty; write a value, in quotes if it is meant as text")
            return default
        try:
            return parse(node.text)
        except ValueError as error:
            self.findings.problem(node.line, path, str(error))
            return default

    def _table(self, node: Node | None, path: str) -> Table | None:
        if node is None or isinstance(node, Unreadable):
            return None
        if isinstance(node, Table):
            return node
        self.findings.problem(node.line, path, "must be a mapping of keys to values")
        return None

    def _note_unknown(self, keys: Keys) -> None:
        for key, line in self.table.key_lines.items():
            if key in keys.known:
                continue
            self.findings.problem(line, self.key_path(key), f"unknown key {key!r}{near(key, keys.known)}")
