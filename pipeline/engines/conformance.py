"""Does a bill keep to FOCUS? One finding for each rule that is broken, with how often and where first.

The rules of single columns are data (sql/lookups/focus_rules.csv), those between columns are SQL files that return the
bad rows (sql/conformance/). They are asked of the relation ``checked``: a FOCUS file as it is written, any other format as
it is mapped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline import focus, money, resources
from pipeline.config.fields import currency_code
from pipeline.engines import staging
from pipeline.engines.staged import Staged

if TYPE_CHECKING:
    from pipeline.store.warehouse import Warehouse

#: The version that formats other than FOCUS are held against when none is asked for.
AS_MAPPED = "1.2"
#: Allowed values that a finding lists.
_LISTED = 6

_TYPES = {"text": "VARCHAR", "json": "VARCHAR", "decimal": "DECIMAL(38, 18)", "datetime": "TIMESTAMP"}
_REMARKS = {
    "number": "is a number: digits, sign, point and exponent",
    "time": "is an ISO 8601 time",
    "format": "is written YYYY-MM-DDThh:mm:ssZ",
}
#: What a row without a line is known by.
_KNOWN_BY = ("ChargePeriodStart", "ServiceName", "ResourceId", "ChargeDescription")


@dataclass(frozen=True)
class Rule:
    """What a version of FOCUS says of one column; ``allowed`` is empty where any value is."""

    column: str
    is_mandatory: bool
    allows_nulls: bool
    kind: str
    is_not_negative: bool
    allowed: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A rule that is broken.

    Attributes:
        rule: what the column should be, to be read after its name.
        rows: how many rows break it; None for a column that is not there.
        file, line, example: the first such row: index of the file, line (None where it is not known), its values.
    """

    column: str
    rule: str
    rows: int | None = None
    file: int | None = None
    line: int | None = None
    example: str | None = None


@dataclass(frozen=True)
class _Check:
    """A rule as SQL: ``broken`` is the condition of the rows that break it, ``shown`` what an example shows."""

    column: str
    rule: str
    broken: str
    shown: tuple[str, ...]


def rules(version: str) -> list[Rule]:
    """Return what a version says of each of its columns."""
    return [rule for since, until, rule in _all_rules() if since <= version <= until]


@cache
def _all_rules() -> tuple[tuple[str, str, Rule], ...]:
    path = resources.folder("sql") / "lookups" / "focus_rules.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple((row["Since"], row["Until"], _rule(row)) for row in csv.DictReader(file))


def _rule(row: Mapping[str, str]) -> Rule:
    mandatory, nulls, negative = (row[name] == "yes" for name in ("Mandatory", "AllowsNulls", "NonNegative"))
    allowed = tuple(row["AllowedValues"].split("; ")) if row["AllowedValues"] else ()
    return Rule(row["ColumnName"], mandatory, nulls, row["Kind"], negative, allowed)


class Conformance:
    """Holds what is staged against a version of FOCUS; a Mapper must have prepared and shown it where it is no FOCUS file."""

    def __init__(self, warehouse: Warehouse, staged: Staged, version: str | None = None) -> None:
        self.warehouse = warehouse
        self.is_as_written = staged.header.format.name == "focus"
        self.version = version or (staged.header.version if self.is_as_written else AS_MAPPED)
        self.given = self._show(staged)

    def findings(self) -> list[Finding]:
        """Return what is broken, in the order of the columns' names."""
        known = rules(self.version)
        missing = [
            Finding(rule.column, f"is mandatory in FOCUS {self.version}, and is not there")
            for rule in known
            if rule.is_mandatory and rule.column not in self.given
        ]
        checks = [check for rule in known if rule.column in self.given for check in self._of_a_column(rule)]
        checks += [check for check in _between_columns() if self.given.issuperset(check.shown)]
        found = [*missing, *self._ask(checks), *self._remarked()]
        return sorted(found, key=lambda each: (each.column, each.rule))

    def _show(self, staged: Staged) -> frozenset[str]:
        """Define ``checked`` with every FOCUS column; returns those that are given."""
        if self.is_as_written:
            given = {name for header in (file.header for file in staged.files) for name in header.fields}
            given |= {"Tags"} if staged.header.tags else set()
            place, source = "x_File, x_Record, x_Line, x_Remarks", "staged WHERE x_Problem IS NULL"
        else:
            given = {row[0] for row in self.warehouse.rows("DESCRIBE mapped_rows")}
            nowhere = ("x_File", "x_Record", "x_Line", "x_Remarks")  # a charge does not know its row
            place, source = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in nowhere), "mapped_rows"
        given &= set(focus.BY_NAME)
        columns = ", ".join(_column(column, given) for column in focus.COLUMNS)
        self.warehouse.execute(f"CREATE OR REPLACE TEMP VIEW checked AS SELECT {columns}, {place} FROM {source}")
        return frozenset(given)

    def _of_a_column(self, rule: Rule) -> Iterator[_Check]:
        name = f"c.{rule.column}"
        if not rule.allows_nulls:
            # What could not be read is NULL where it is staged, and has its own finding.
            unread = f"contains(coalesce(c.x_Remarks, ''), {staging.literal(rule.column + staging.UNIT)})"
            yield _check(rule, "is never null", f"{name} IS NULL AND NOT {unread}")
        if rule.allowed:
            more = f" and {len(rule.allowed) - _LISTED} more" if len(rule.allowed) > _LISTED else ""
            values = ", ".join(staging.literal(value) for value in rule.allowed)
            yield _check(rule, f"is one of {', '.join(rule.allowed[:_LISTED])}{more}", f"{name} NOT IN ({values})")
        if rule.is_not_negative:
            yield _check(rule, "is not negative", f"{name} < 0")
        if rule.kind == "json":
            is_object = f"CASE WHEN json_valid({name}) THEN json_type({name}) = 'OBJECT' ELSE false END"
            yield _check(rule, "is a JSON object", f"{name} IS NOT NULL AND NOT {is_object}")
        if rule.kind == "currency":
            values = ", ".join(staging.literal(value) for value in self._no_currencies(rule.column)) or "NULL"
            yield _check(rule, "is an ISO 4217 code", f"{name} IN ({values})")

    def _no_currencies(self, column: str) -> list[str]:
        given = self.warehouse.rows(f"SELECT DISTINCT {column} FROM checked WHERE {column} IS NOT NULL ORDER BY 1")
        return [value for (value,) in given if not _is_currency(value)]

    def _ask(self, checks: Sequence[_Check]) -> Iterator[Finding]:
        """Ask all checks in one pass: how many rows break each, and the first of them."""
        shown = [check.shown if self.is_as_written else (*check.shown, *_KNOWN_BY) for check in checks]
        asked = [
            f"count(*) FILTER (WHERE {check.broken}), "
            f"min(row(x_File, x_Record, x_Line, {', '.join(names)})) FILTER (WHERE {check.broken})"
            for check, names in zip(checks, shown, strict=True)
        ]
        [answers] = self.warehouse.rows(f"SELECT {', '.join(asked)} FROM checked AS c")
        for check, names, count, first in zip(checks, shown, answers[::2], answers[1::2], strict=True):
            if count:
                file, _, line, *values = _values(first)
                yield Finding(check.column, check.rule, count, file, line, _told(names, values))

    def _remarked(self) -> Iterator[Finding]:
        """What staging remarked on values of columns: no number, no time, not FOCUS's way to write a time."""
        if not self.is_as_written:
            return
        rows = self.warehouse.rows("""
            WITH remarks AS (
                SELECT x_File, x_Line, x_Record, string_split(unnest(string_split(x_Remarks, chr(30))), chr(31)) AS parts
                FROM staged WHERE x_Problem IS NULL AND x_Remarks <> ''
            )
            SELECT parts[1], parts[3], count(*), min((x_File, x_Record, x_Line, parts[2]))
            FROM remarks GROUP BY ALL""")
        for column, kind, count, (file, _, line, value) in ((*row[:3], tuple(_values(row[3]))) for row in rows):
            yield Finding(column, _REMARKS[kind], count, file, line, f"{column} {value}")


def _values(struct: Any) -> Sequence[Any]:
    return list(struct.values()) if isinstance(struct, dict) else list(struct)


def _column(column: focus.Column, given: set[str]) -> str:
    if column.name not in given:
        return f"CAST(NULL AS {_TYPES[column.kind]}) AS {column.name}"
    return "nullif(x_TagText, '') AS Tags" if column.name == "Tags" else column.name


def _check(rule: Rule, says: str, condition: str) -> _Check:
    return _Check(rule.column, says, condition, (rule.column,))


def _between_columns() -> Iterator[_Check]:
    """The checks of sql/conformance/, in the order of their names.

    Each file opens with its name, its column and its rule, and selects the bad rows by one condition.
    """
    for path in sorted((resources.folder("sql") / "conformance").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        _, column, rule = text.split("\n", 1)[0].split(": ", 2)
        used = tuple(name for name in dict.fromkeys(re.findall(r"\bc\.(\w+)", text)) if name in focus.BY_NAME)
        condition = text.split("WHERE\n", 1)[1].strip()
        yield _Check(column, rule.rstrip("."), condition, (column, *(name for name in used if name != column)))


def _is_currency(value: str) -> bool:
    try:
        currency_code(value)
    except ValueError:
        return False
    return True


def _told(names: Sequence[str], values: Sequence[Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in zip(names, values, strict=True))


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    return money.text(value) if isinstance(value, Decimal) else str(value)
