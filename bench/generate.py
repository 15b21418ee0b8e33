"""Write a month of made-up charges in the forms that exports come in; kept until the generator changes."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

SEED = 20260301
RESOURCES = 20_000
SCRIPT = Path(__file__).with_name("charges.sql")
FORMS = Path(__file__).with_name("forms")
MONEY = (
    "BilledCost", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "ListCost",
    "ListUnitPrice", "PricingQuantity",
)  # fmt: skip
TIMES = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")

#: The columns of each provider's form that are numbers; a reader that is not told takes the rest for text.
NUMBERS = {
    "aws_cur": (
        *("lineItem/UsageAmount", "lineItem/UnblendedRate", "lineItem/UnblendedCost", "lineItem/BlendedCost"),
        *("pricing/publicOnDemandRate", "pricing/publicOnDemandCost", "savingsPlan/SavingsPlanEffectiveCost"),
    ),
    "azure_cost": ("Quantity", "EffectivePrice", "CostInBillingCurrency", "UnitPrice", "PayGPrice"),
    "gcp_billing": (),
    "oci_cost": ("usage/billedQuantity", "cost/unitPrice", "cost/myCost"),
}


@dataclass(frozen=True)
class Export:
    """One file of charges. ``form`` says how it is written, ``path`` where it is, ``money`` which columns are numbers."""

    form: str
    path: Path
    money: tuple[str, ...] = MONEY
    times: tuple[str, ...] = TIMES


def exports(folder: Path, rows: int) -> list[Export]:
    """Write what is not there yet: FOCUS in Parquet (DOUBLE as AWS writes it, DECIMAL) and CSV.gz, and each provider's own."""
    scripts = [SCRIPT, Path(__file__), *sorted(FORMS.glob("*.sql"))]
    version = hashlib.sha256(b"".join(script.read_bytes() for script in scripts)).hexdigest()[:8]
    home = folder / f"{rows}-{version}"
    made = [
        Export("FOCUS Parquet, DOUBLE", home / "double.parquet"),
        Export("FOCUS Parquet, DECIMAL", home / "decimal.parquet"),
        Export("FOCUS CSV.gz", home / "charges.csv.gz"),
        Export("AWS CUR CSV.gz", home / "aws_cur.csv.gz", NUMBERS["aws_cur"], ()),
        Export("Azure cost CSV.gz", home / "azure_cost.csv.gz", NUMBERS["azure_cost"], ()),
        Export("GCP nested Parquet", home / "gcp_billing.parquet", (), ()),
        Export("GCP JSON lines.gz", home / "gcp_billing.jsonl.gz", (), ()),
        Export("OCI cost CSV.gz", home / "oci_cost.csv.gz", NUMBERS["oci_cost"], ()),
    ]
    if not all(each.path.exists() for each in made):
        home.mkdir(parents=True, exist_ok=True)
        # In a process of its own: a process's peak memory counts in that of those it starts later.
        writing = multiprocessing.get_context("spawn").Process(target=_write, args=(home, rows))
        writing.start()
        writing.join()
        if writing.exitcode:
            raise SystemExit(writing.exitcode)
    return made


def _write(home: Path, rows: int) -> None:
    with duckdb.connect() as connection:
        for statement in SCRIPT.read_text(encoding="utf-8").split(";\n"):
            text = statement.replace("$seed", str(SEED)).replace("$resources", str(RESOURCES))
            if text.strip():
                connection.execute(text.replace("$rows", str(rows)))
        _copy(connection, _charges(_as("DOUBLE")), home / "double.parquet", PARQUET)
        _copy(connection, _charges(_as("DECIMAL(38, 18)")), home / "decimal.parquet", PARQUET)
        _copy(connection, _charges(_as_text(MONEY, TIMES)), home / "charges.csv.gz", CSV)
        for name in ("aws_cur", "azure_cost", "oci_cost"):
            select = (FORMS / f"{name}.sql").read_text(encoding="utf-8")
            times = [row[0] for row in connection.execute(f"DESCRIBE {select}").fetchall() if row[1] == "TIMESTAMP"]
            columns = _as_text(NUMBERS[name], times)
            _copy(connection, f"SELECT {columns} FROM ({select})", home / f"{name}.csv.gz", CSV)
        nested = (FORMS / "gcp_billing.sql").read_text(encoding="utf-8")
        _copy(connection, nested, home / "gcp_billing.parquet", PARQUET)
        _copy(connection, nested, home / "gcp_billing.jsonl.gz", "FORMAT json, COMPRESSION gzip")


PARQUET = "FORMAT parquet, COMPRESSION snappy"
CSV = "FORMAT csv, HEADER, COMPRESSION gzip"


def _charges(columns: str) -> str:
    return f"SELECT {columns} FROM charges"


def _as(kind: str) -> str:
    return "* REPLACE (" + ", ".join(f"CAST({name} AS {kind}) AS {name}" for name in MONEY) + ")"


def _as_text(money: Sequence[str], times: Sequence[str]) -> str:
    # Money without the zeros at its end, as providers write it.
    texts = [f"""regexp_replace(CAST("{name}" AS VARCHAR), '\\.?0+$', '') AS "{name}\"""" for name in money]
    texts += [f"""strftime("{name}", '%Y-%m-%dT%H:%M:%SZ') AS "{name}\"""" for name in times]
    texts += ["to_json(Tags) AS Tags"] if money is MONEY else []
    return "* REPLACE (" + ", ".join(texts) + ")"


def _copy(connection: duckdb.DuckDBPyConnection, select: str, path: Path, options: str) -> None:
    unfinished = path.with_name(path.name + ".part")
    connection.execute(f"COPY ({select}) TO '{unfinished}' ({options})")
    unfinished.replace(path)
