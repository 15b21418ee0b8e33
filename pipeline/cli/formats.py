"""`costmill formats`: which exports are known, how they are told, and what each column is made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli import options, output
from pipeline.errors import UsageError, near

if TYPE_CHECKING:
    from pipeline.sources.formats import Format

#: Columns of the staging relation that are told as facts of the format, not as columns of a charge.
_STAGING = ("x_BillingPeriod", "x_Kept", "x_TagText")


@click.command()
@click.argument("name", required=False)
@options.format_
def formats(name: str | None, format_: str) -> int:
    """List the known export formats, or tell one: its signature, its money laws, and its mapping, column by column.

    All of it is read out of the definitions and the SQL that loads use.

    \b
    Examples:
      costmill formats
      costmill formats oci_cost --format json
    """
    from pipeline.sources.formats import FORMATS

    known = {each.name: each for each in FORMATS}
    if name is None:
        rows = [(each.name, each.title, _versions(each), _signature(each)) for each in FORMATS]
        output.rows(("name", "title", "versions", "told by"), rows, format_)
        return 0
    if name not in known:
        raise UsageError(f"no format {name!r}{near(name, known)}")
    _tell(known[name], format_)
    return 0


def _tell(chosen: Format, format_: str) -> None:
    mapping = _mapping(chosen)
    if format_ == "json":
        columns = ("column", "fields", "lookups", "expression")
        told = facts(chosen) | {"mapping": [dict(zip(columns, row, strict=True)) for row in mapping]}
        click.echo(json.dumps(output.plain(told), indent=2, ensure_ascii=False))
        return
    if format_ == "table":
        lines = [(name, _line(value)) for name, value in facts(chosen).items() if value not in (None, [], {}, "")]
        output.rows(("fact", "value"), lines, format_)
        click.echo()
    joined = [(column, ", ".join(fields), ", ".join(lookups), sql) for column, fields, lookups, sql in mapping]
    output.rows(("column", "made of", "lookups", "SQL"), joined, format_)


def facts(chosen: Format) -> dict[str, Any]:
    """Return what a format's definition says, as JSON can hold it."""
    from pipeline.sources.probe import READABLE

    return {
        "name": chosen.name,
        "title": chosen.title,
        "versions": list(chosen.versions),
        "containers": list(READABLE),
        "signature": [[part] if isinstance(part, str) else list(part) for part in chosen.signature],
        "needed": [field.name for field in chosen.fields if field.needed],
        "aliases": {field.name: list(field.aliases) for field in chosen.fields if field.aliases},
        "billing_period": chosen.billing_period,
        "currency": chosen.currency,
        "money_laws": [{"column": each.column, "file": each.expression} for each in chosen.controls],
        "row_key": list(chosen.row_key),
        "batch": chosen.batch,
        "tags": [f"{name}*" for name in chosen.tag_columns] + list(chosen.tag_fields),
        "null_words": list(chosen.null_words),
        "kept": dict(chosen.keeps),
        "folded": None if chosen.folded == "false" else chosen.folded,
        "generated": chosen.generated,
        "lookups": list(chosen.lookups),
    }


def _mapping(chosen: Format) -> list[tuple[str, tuple[str, ...], tuple[str, ...], str]]:
    from pipeline.engines.lineage import origins

    return [
        (each.column, each.fields, each.lookups, each.expression)
        for each in origins(chosen)
        if each.column not in _STAGING
    ]


def _versions(chosen: Format) -> str:
    return ", ".join(chosen.versions) if len(chosen.versions) > 1 else "one layout"


def _signature(chosen: Format) -> str:
    return ", ".join(part if isinstance(part, str) else " or ".join(part) for part in chosen.signature)


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_line(each)}" for key, each in value.items())
    if isinstance(value, list):
        plain = not any(isinstance(each, (dict, list)) for each in value)
        return ", ".join(map(str, value)) if plain else "; ".join(_alternatives(each) for each in value)
    return str(value)


def _alternatives(value: Any) -> str:
    return " or ".join(value) if isinstance(value, list) else " = ".join(value.values())
