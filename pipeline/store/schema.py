"""Numbered schema files: each applied once, in a transaction, recorded with its hash."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import duckdb

from pipeline import resources
from pipeline.errors import SchemaError
from pipeline.periods import utc_now
from pipeline.rules import TENANT, read_splits, read_tag_rules
from pipeline.store import rule_sql

if TYPE_CHECKING:
    from pipeline.store.warehouse import Warehouse

_LEDGER = """
CREATE TABLE schema_versions (
    name VARCHAR PRIMARY KEY, sha256 VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE schema_versions IS 'Schema files of costmill that this warehouse has had, each once'"""


def files() -> dict[str, str]:
    """Return the schema files of this program in order: name without ``.sql`` -> text."""
    paths = sorted((resources.folder("sql") / "schema").glob("*.sql"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def migrate(warehouse: Warehouse) -> None:
    """Bring the warehouse to this program's schema and refresh its views.

    Raises:
        SchemaError: when the file holds a schema file that this program does not know, or an edited one.
    """
    own = files()
    applied = _applied(warehouse)
    if applied or not _is_empty(warehouse):
        _refuse_newer(warehouse, own, applied)
    if set(applied) == set(own):
        return
    missing = [name for name in own if name not in applied]
    if not applied:
        with warehouse.transaction():
            warehouse.execute(_LEDGER)
            _apply(warehouse, own)
            refresh_views(warehouse)
        return
    for name in missing:  # each in its own transaction: DuckDB alters no table that has updates outstanding
        with warehouse.transaction():
            _apply(warehouse, {name: own[name]})
            if name == missing[-1]:
                refresh_views(warehouse)


def _apply(warehouse: Warehouse, texts: Mapping[str, str]) -> None:
    for text in texts.values():
        warehouse.connection.execute(text)
    marks = ", ".join("(?, ?, ?)" for _ in texts)
    values = [value for name, text in texts.items() for value in (name, _hash(text), utc_now())]
    warehouse.execute(f"INSERT INTO schema_versions VALUES {marks}", values)


def refresh_views(warehouse: Warehouse) -> None:
    """Make the views anew, with the kept columns that charges have by now. Runs inside the caller's transaction."""
    _make_views(warehouse, every=True)


def refresh_columns(warehouse: Warehouse) -> None:
    """Make the views anew that show kept columns or go by rules: each comment of a column is a change of the catalog."""
    _make_views(warehouse, every=False)


def _make_views(warehouse: Warehouse, *, every: bool) -> None:
    kept = [row[0] for row in warehouse.rows("SELECT column_name FROM kept_columns ORDER BY column_name")]
    extra = "".join(f",\n    json_extract_string(c.x_Kept, '$.{name}') AS {name}" for name in kept)
    by_rules = "".join(f",\n    {sql} AS {name}" for name, sql in _columns_by_rules(warehouse).items())
    for view in sorted((resources.folder("sql") / "views").glob("*.sql")):
        text = view.read_text(encoding="utf-8")
        made = text.replace("\n    -- columns by rules", by_rules).replace("\n    -- kept columns", extra)
        if every or made != text:
            warehouse.connection.execute(made)
    _comment(warehouse)


def _columns_by_rules(warehouse: Warehouse) -> dict[str, str]:
    """Columns of focus_data_table that the configuration's rules make; a query that does not ask for one pays nothing."""
    settings = dict(warehouse.rows("SELECT name, value FROM settings WHERE name IN ('tag_rules', 'split_rules')"))
    rules, splits = read_tag_rules(settings.get("tag_rules")), read_splits(settings.get("split_rules"))
    virtual = rule_sql.virtual_tags(rules, rule_sql.billed_tag(rules))
    return {
        "x_EffectiveTags": f"CAST({rule_sql.effective_tags(rules)} AS JSON)",
        "x_VirtualTags": f"CAST({virtual} AS JSON)",
        "x_SplitRule": rule_sql.split_rule(splits, rule_sql.effective_tag(rules)),
        TENANT: rule_sql.effective_tag(rules)(TENANT),
    }


def _comment(warehouse: Warehouse) -> None:
    """Give each column that has no comment the one of sql/dictionary.csv, so that analysts find out what it is."""
    with (resources.folder("sql") / "dictionary.csv").open(encoding="utf-8", newline="") as file:
        words = {(row["relation"], row["column"]): row["comment"] for row in csv.DictReader(file)}
    rows = warehouse.rows("SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal")
    words |= {("focus_data_table", column): text for table, column, text in rows if table == "charges" and text}
    statements = [
        f"COMMENT ON COLUMN {table}.{column} IS '{text.replace(chr(39), chr(39) * 2)}'"
        for table, column, comment in rows
        if comment is None and (text := words.get((table, column)) or words.get(("*", column)))
    ]
    if statements:
        warehouse.connection.execute(";\n".join(statements))


def require_current(warehouse: Warehouse) -> None:
    """Check that a file opened for reading has exactly this program's schema.

    Raises:
        SchemaError: when it is older, newer, or no warehouse.
    """
    own, applied = files(), _applied(warehouse)
    _refuse_newer(warehouse, own, applied)
    missing = sorted(set(own) - set(applied))
    if missing:
        raise SchemaError(
            f"{warehouse.path}: written by an older costmill (it lacks {missing[0]}); `costmill run` upgrades it"
        )


def _is_empty(warehouse: Warehouse) -> bool:
    return bool(warehouse.value("SELECT count(*) = 0 FROM duckdb_tables() WHERE NOT internal AND NOT temporary"))


def _applied(warehouse: Warehouse) -> dict[str, str]:
    try:
        return dict(warehouse.rows("SELECT name, sha256 FROM schema_versions"))
    except duckdb.CatalogException:
        return {}


def _refuse_newer(warehouse: Warehouse, own: dict[str, str], applied: dict[str, str]) -> None:
    if not applied:
        raise SchemaError(f"{warehouse.path}: a DuckDB file, but no Costmill warehouse; choose another path")
    for name, sha256 in sorted(applied.items()):
        if name not in own:
            raise SchemaError(f"{warehouse.path}: written by a newer costmill (it has {name}); upgrade this program")
        if _hash(own[name]) != sha256:
            raise SchemaError(f"{warehouse.path}: schema {name} was applied with other contents than this program's")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
