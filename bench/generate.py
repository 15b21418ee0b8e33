"""Write a month of made-up FOCUS charges in the three forms that exports come in; kept until the generator changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

SEED = 20260301
RESOURCES = 20_000
SCRIPT = Path(__file__).with_name("charges.sql")
MONEY = (
    "BilledCost", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "ListCost",
    "ListUnitPrice", "PricingQuantity",
)  # fmt: skip
TIMES = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")


@dataclass(frozen=True)
class Export:
    """One file of charges. ``form`` says how it is written, ``path`` where it is."""

    form: str
    path: Path


def exports(folder: Path, rows: int) -> list[Export]:
    """Write what is not there yet: Parquet with DOUBLE costs (AWS), with DECIMAL costs, and CSV.gz, of the same rows."""
    version = hashlib.sha256(SCRIPT.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:8]
    home = folder / f"{rows}-{version}"
    made = [
        Export("Parquet, DOUBLE", home / "double.parquet"),
        Export("Parquet, DECIMAL", home / "decimal.parquet"),
        Export("CSV.gz", home / "charges.csv.gz"),
    ]
    if not all(each.path.exists() for each in made):
        home.mkdir(parents=True, exist_ok=True)
        _write(home, rows)
    return made


def _write(home: Path, rows: int) -> None:
    with duckdb.connect() as connection:
        for statement in SCRIPT.read_text(encoding="utf-8").split(";\n"):
            text = statement.replace("$seed", str(SEED)).replace("$resources", str(RESOURCES))
            if text.strip():
                connection.execute(text.replace("$rows", str(rows)))
        _copy(connection, _as("DOUBLE"), home / "double.parquet", "FORMAT parquet, COMPRESSION snappy")
        _copy(connection, _as("DECIMAL(38, 18)"), home / "decimal.parquet", "FORMAT parquet, COMPRESSION snappy")
        _copy(connection, _as_text(), home / "charges.csv.gz", "FORMAT csv, HEADER, COMPRESSION gzip")


def _as(kind: str) -> str:
    return "* REPLACE (" + ", ".join(f"CAST({name} AS {kind}) AS {name}" for name in MONEY) + ")"


def _as_text() -> str:
    # Money without the zeros at its end, as providers write it.
    money = [f"regexp_replace(CAST({name} AS VARCHAR), '\\.?0+$', '') AS {name}" for name in MONEY]
    times = [f"strftime({name}, '%Y-%m-%dT%H:%M:%SZ') AS {name}" for name in TIMES]
    return "* REPLACE (" + ", ".join([*money, *times, "to_json(Tags) AS Tags"]) + ")"


def _copy(connection: duckdb.DuckDBPyConnection, columns: str, path: Path, options: str) -> None:
    unfinished = path.with_name(path.name + ".part")
    connection.execute(f"COPY (SELECT {columns} FROM charges) TO '{unfinished}' ({options})")
    unfinished.replace(path)
