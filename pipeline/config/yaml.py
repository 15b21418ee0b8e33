"""YAML as text with line numbers: what a value means is for its field to say, so that ``no`` stays a name.

A configuration needs mappings, lists and text. Tags, aliases and merge keys are refused: none is needed, the first
can ask for objects and the second for a billion laughs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from pipeline.config.findings import Findings, item, member
from pipeline.config.interpolate import MissingVariableError, interpolate

#: Levels of nesting that are read; a configuration has seven.
MAX_DEPTH = 32

#: Keys of secrets. A variable that one of them lacks is a problem only for who needs the secret (``Section.secret``).
_SECRETS = re.compile(r"mail\.password|notify\[\d+\]\.(url|secret)")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TEXT_TAGS = frozenset({None, "!", "tag:yaml.org,2002:str"})


@dataclass(frozen=True)
class Text:
    """A scalar as it is written, variables filled in; ``quoted`` tells "null" from null."""

    text: str
    line: int
    quoted: bool

    @property
    def is_null(self) -> bool:
        """True for nothing, ``~`` and ``null`` without quotes."""
        return not self.quoted and self.text in _NULLS


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True)
class Table:
    """A mapping in file order; a key stands once."""

    entries: Mapping[str, Node]
    key_lines: Mapping[str, int]
    line: int


@dataclass(frozen=True)
class Unreadable:
    """Stands where a problem was noted already, so that nobody notes a second one about it."""

    line: int


@dataclass(frozen=True)
class Lacking(Unreadable):
    """A secret that the environment does not have; ``message`` says what to do."""

    message: str


Node = Text | Items | Table | Unreadable

#: One of PyYAML's events, whose attributes have no types.
Event = Any


class _TooDeepError(Exception):
    def __init__(self, line: int, path: str) -> None:
        super().__init__(path)
        self.line = line
        self.path = path


def read(text: str, environ: Mapping[str, str] | None, findings: Findings) -> Table | None:
    """Read a document whose top is a mapping, or None where there is none to go on with.

    ``${NAME}`` is filled in from ``environ``, and stays as it is where that is None.
    Notes syntax errors, duplicate keys, aliases, tags and missing variables in ``findings``, each with its line; a variable
    that a secret lacks is in its node.
    """
    try:
        root = _Composer(text, environ, findings).document()
    except _TooDeepError as error:
        findings.problem(error.line, "", f"nested deeper than {MAX_DEPTH} levels; a configuration has seven")
        return None
    except yaml.YAMLError as error:
        findings.problem(*_syntax_problem(error, text))
        return None
    if root is None or (isinstance(root, Text) and root.is_null):
        findings.problem(None, "", "the file is empty; `costmill init` writes one to start from")
        return None
    if not isinstance(root, Table):
        kind = "a list" if isinstance(root, Items) else "no mapping"
        findings.problem(root.line, "", f"the file is {kind}; write keys, such as `warehouse: costs.duckdb`")
        return None
    return root


class _Composer:
    """Builds nodes from PyYAML's events, so that nothing of PyYAML's own resolving and constructing takes place."""

    def __init__(self, text: str, environ: Mapping[str, str] | None, findings: Findings) -> None:
        self._loader = yaml.SafeLoader(text)
        self._environ = environ
        self._findings = findings

    def document(self) -> Node | None:
        """Return the only document's top, None for a stream without one."""
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        root = self._node(self._next(), "", 0)
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self._findings.problem(_line(after), "", "a second document begins here (---); a file holds one")
        return root

    def _next(self) -> Event:
        try:
            return self._loader.get_event()  # type: ignore[no-untyped-call]  # the stubs have none
        except (ValueError, OverflowError):  # PyYAML lets out what chr() says to "\UFFFFFFFF"
            mark = self._loader.get_mark()
            raise yaml.scanner.ScannerError(None, None, "found an escape that is no character", mark) from None

    def _node(self, event: Event, path: str, depth: int) -> Node:
        line = _line(event)
        if depth > MAX_DEPTH:
            raise _TooDeepError(line, path)
        if isinstance(event, yaml.AliasEvent):
            return self._refuse(line, path, f"aliases (*{event.anchor}) are not read; write the value out")
        tag = getattr(event, "tag", None)
        node: Node
        if isinstance(event, yaml.SequenceStartEvent):
            node = self._items(line, path, depth)
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._table(line, path, depth)
        else:
            node = self._text(event, path)
        if tag in _TEXT_TAGS and (tag is None or isinstance(event, yaml.ScalarEvent)):
            return node
        shown = str(tag).replace("tag:yaml.org,2002:", "!!")
        return self._refuse(line, path, f"tags such as {shown} are not read; write the plain value")

    def _text(self, event: Event, path: str) -> Node:
        line, quoted = _line(event), event.style is not None or event.tag is not None
        try:
            text = event.value if self._environ is None else interpolate(event.value, self._environ)
            text.encode()
        except MissingVariableError as error:
            return Lacking(line, str(error)) if _SECRETS.fullmatch(path) else self._refuse(line, path, str(error))
        except UnicodeEncodeError:
            return self._refuse(line, path, "holds half a character (a lone surrogate)")
        except ValueError as error:
            return self._refuse(line, path, str(error))
        return Text(text, line, quoted)

    def _items(self, line: int, path: str, depth: int) -> Items:
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, item(path, len(items)), depth + 1))
        return Items(tuple(items), line)

    def _table(self, line: int, path: str, depth: int) -> Table:
        entries: dict[str, Node] = {}
        key_lines: dict[str, int] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, path, depth)
            value = self._node(self._next(), path if key is None else member(path, key), depth + 1)
            if key is None:
                continue
            if key in entries:
                lines = f"lines {key_lines[key]} and {_line(event)}"
                self._findings.problem(_line(event), member(path, key), f"stands twice, on {lines}; keep one")
                continue
            entries[key], key_lines[key] = value, _line(event)
        return Table(entries, key_lines, line)

    def _key(self, event: Event, path: str, depth: int) -> str | None:
        """Return a key's text, or None when it was refused; variables are not filled in."""
        if not isinstance(event, yaml.ScalarEvent):
            self._node(event, path, depth + 1)
            self._findings.problem(_line(event), path, "a key must be text")
            return None
        if event.tag not in _TEXT_TAGS:
            self._findings.problem(_line(event), path, f"the key {event.value!r} has a tag; write it plain")
            return None
        if event.value == "<<" and event.style is None:
            self._findings.problem(_line(event), path, "merge keys (<<) are not read; write the keys out")
            return None
        return str(event.value)

    def _refuse(self, line: int, path: str, message: str) -> Unreadable:
        self._findings.problem(line, path, message)
        return Unreadable(line)


def _line(event: Event) -> int:
    """Return the 1-based line on which an event begins."""
    return int(event.start_mark.line) + 1


def _syntax_problem(error: yaml.YAMLError, text: str) -> tuple[int | None, str, str]:
    """Return line, path (none) and message of what PyYAML could not read."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return line, "", f"is not YAML: the character U+{ord(text[error.position]):04X} may not stand in a file"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return None, "", f"is not YAML: {error}"
    line, message = error.problem_mark.line + 1, f"is not YAML: {error.problem}"
    if "'\\t'" in str(error.problem):
        return line, "", f"{message}; indent with spaces"
    if error.context and error.context_mark and error.context_mark.line + 1 != line:
        return line, "", f"{message} {error.context} from line {error.context_mark.line + 1}"
    return line, "", f"{message} {error.context}" if error.context else message
