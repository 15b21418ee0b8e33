"""The reader's macros, each made on a connection when SQL first names it: most bills need a few of them.

To make all of them takes as long as to stage a small bill.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from pipeline import resources
from pipeline.sources.formats import Format

if TYPE_CHECKING:
    import duckdb

_FILE = "staging/macros"
_HEAD = re.compile(r"^CREATE OR REPLACE TEMP MACRO (\w+)\(", re.MULTILINE)
_CALL = re.compile(r"\b(\w+)\(")


class Macros:
    """The macros of one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._made: set[str] = set()

    def provide(self, sql: str) -> None:
        """Make what ``sql`` names and is not there yet, each macro after those that it names itself."""
        self._make(needed(sql))

    def provide_for(self, fmt: Format) -> None:
        """Make what the SQL of a format names: its mapping, and what is asked of its staged rows."""
        self._make(_needed_by(fmt.described, tuple(fmt.files)))

    def _make(self, names: Sequence[str]) -> None:
        missing = [name for name in names if name not in self._made]
        if missing:
            self.connection.execute(";\n".join(statements()[name] for name in missing))
            self._made.update(missing)


@cache
def statements() -> dict[str, str]:
    """Each macro's statement by its name, in the order of the file: one names only those before it."""
    text = resources.sql(_FILE)
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {head[1]: text[head.start() : end].partition(";\n")[0] for head, end in zip(heads, ends, strict=True)}


def needed(sql: str) -> list[str]:
    """Return the macros that ``sql`` names, with those that they name, in the order of the file."""
    every = statements()
    found: set[str] = set()
    new = every.keys() & set(_CALL.findall(sql))
    while new:
        found |= new
        new = {name for each in new for name in _CALL.findall(every[each]) if name in every} - found
    return [name for name in every if name in found]


@cache
def _needed_by(described: str, files: Sequence[str]) -> list[str]:
    return needed("\n".join([described, *(resources.sql(name) for name in files if name != _FILE)]))
