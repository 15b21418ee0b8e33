"""A company of one small bill, the command line as a process or in process, and dumps of what a warehouse holds."""

from __future__ import annotations

import atexit
import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipeline.cli import execute
from pipeline.store.warehouse import Warehouse

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data"
AS_OF = "2026-03-22"
#: What two runs over the same exports may differ in: when they ran, and where.
OWN_TIME = {
    "runs": "*",
    "run_steps": "*",
    "file_profiles": "*",
    "schema_versions": "applied_at",
    "decisions": "decided_at, run_id",
    "load_files": "path",
    "rejected_rows": "path",
    "loads": "run_id, modified_at, loaded_at",
    "restatements": "restated_at",
    "source_periods": "modified_at",
    "period_states": "final_at",
    "period_events": "happened_at, run_id",
    "unloaded": "unloaded_at, run_id",
}
#: Settings that name the file, count its changes, or hash the folder of the reports.
OWN_SETTINGS = "name NOT IN ('warehouse_id', 'version', 'copy') AND name NOT LIKE 'report:%'"
HEADER = [
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "BilledCost",
    "EffectiveCost",
    "ListCost",
    "ContractedCost",
    "ProviderName",
    "ServiceCategory",
    "ServiceName",
    "SubAccountId",
    "ResourceId",
    "Tags",
]


@dataclass(frozen=True)
class Charge:
    """One usage row a day, from the day ``first`` of the month through ``days``."""

    service: str = "Virtual Machines"
    cost: str = "10"
    currency: str = "USD"
    tags: str = '{"team": "ml"}'
    resource: str = "vm-1"
    days: int = 21
    first: int = 1


def write_bill(
    path: Path, charges: Sequence[Charge] = (Charge(),), *, period: str = "2026-03", at: str = "2026-03-22T04:00:00"
) -> Path:
    """Write a FOCUS export of one billing period as delivered (last changed) ``at`` a UTC time."""
    first = date.fromisoformat(f"{period}-01")
    end = (first + timedelta(days=31)).replace(day=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for charge in charges:
            for number in range(charge.first - 1, min(charge.days, (end - first).days)):
                day = first + timedelta(days=number)
                writer.writerow(_row(charge, first, end, day))
    stamp(path, at)
    return path


def _row(charge: Charge, first: date, end: date, day: date) -> list[str]:
    times = [f"{moment}T00:00:00Z" for moment in (first, end, day, day + timedelta(days=1))]
    service = ["Microsoft", "Compute", charge.service, "sub-1", charge.resource, charge.tags]
    return ["account-1", charge.currency, *times, "Usage", *[charge.cost] * 4, *service]


def stamp(path: Path, at: str) -> None:
    """Set a file's time of last change (UTC)."""
    moment = datetime.fromisoformat(at + "+00:00").timestamp()
    os.utime(path, (moment, moment))


def write_config(folder: Path, **sections: Any) -> Path:
    """Write costmill.yaml: one source ``azure`` over ``exports/``, read as of 22 March 2026, changed by ``sections``."""
    keys: dict[str, Any] = {
        "as_of": AS_OF,
        "publish": {"path": "published/costs.duckdb"},
        "sources": [{"name": "azure", "path": "exports"}],
        "reports": {"out": "reports", "formats": ["md"]},
        "currency": {"report": "USD"},
        **sections,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "costmill.yaml"
    path.write_text(yaml.safe_dump({name: value for name, value in keys.items() if value is not None}))
    return path


def budgets(amount: int | str, **keys: Any) -> dict[str, Any]:
    """The section ``cost`` with a global budget; ``keys`` stand beside it."""
    return {"budgets": {"global": {"amount": amount}, **keys}}


def copy_company(target: Path) -> Path:
    """Copy the sample company's exports and configuration into a new folder; returns the configuration."""
    shutil.copytree(SAMPLE, target, ignore=shutil.ignore_patterns("out", "__pycache__", "story"))
    return target / "costmill.yaml"


@dataclass(frozen=True)
class Ended:
    """A process that ended."""

    code: int
    stdout: str
    stderr: str


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child: the checkout's code, none of the caller's settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("COSTMILL_")}
    return own | {"PYTHONPATH": str(ROOT)} | extra


def command(*arguments: str | Path) -> list[str]:
    """The command line as a process of this Python."""
    return [sys.executable, "-W", "error", "-m", "pipeline.cli", *map(str, arguments)]


def costmill(*arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ended:
    """Run the command line as a process."""
    done = subprocess.run(
        command(*arguments), cwd=cwd, env=env or environment(), capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def in_process(*arguments: str | Path) -> Ended:
    """Run the command line in this process; for fixtures that several tests share, which cannot have ``capsys``."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = execute([str(each) for each in arguments])
    return Ended(code, out.getvalue(), err.getvalue())


def first_night(config: Path, *arguments: str) -> Ended:
    """Run the night that a test begins with, in this process; over the same files it is run once, and then copied.

    Reports know their folder: at another path than the night's, the next night makes them anew.
    """
    folder = config.parent
    key = (*arguments, repr([(name, sha, at * (name != config.name)) for name, (at, sha) in facts(folder).items()]))
    if key not in _NIGHTS:
        ended = in_process("run", "--config", config, *arguments)
        kept = Path(shutil.copytree(folder, _shelf() / str(len(_NIGHTS)), symlinks=True))
        _NIGHTS[key] = kept, folder, ended
        return ended
    kept, place, ended = _NIGHTS[key]
    shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
    return replace(ended, stderr=ended.stderr.replace(str(place), str(folder)))


@contextmanager
def lent(made: Path) -> Iterator[Path]:
    """A folder for a test to change, at its own path, which reports know; afterwards it is as it was."""
    kept = Path(shutil.copytree(made, made.with_name(f"{made.name}-kept"), symlinks=True))
    try:
        yield made
    finally:
        shutil.rmtree(made)
        kept.rename(made)


#: What a folder held before its first night -> a copy of it after, where it was, and how the night ended.
_NIGHTS: dict[tuple[str, ...], tuple[Path, Path, Ended]] = {}


@cache
def _shelf() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="costmill-nights-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def dump(database: Path, leave_out: Mapping[str, str] = OWN_TIME) -> dict[str, list[tuple[Any, ...]]]:
    """All tables' rows, sorted; ``leave_out`` says which columns (or ``*``) of a table may differ."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        return {name: _rows(connection, name, leave_out.get(name)) for name in names if leave_out.get(name) != "*"}


def _rows(connection: duckdb.DuckDBPyConnection, table: str, left_out: str | None) -> list[tuple[Any, ...]]:
    columns = f"* EXCLUDE ({left_out})" if left_out else "*"
    where = f"WHERE {OWN_SETTINGS}" if table == "settings" and left_out is None else ""
    return connection.execute(f"SELECT {columns} FROM {table} {where} ORDER BY ALL").fetchall()


#: Everything but the runs themselves, to the last bit: what a run that finds nothing new must leave as it is.
UNTOUCHED = {"runs": "*", "run_steps": "*", "settings": ""}


def reports(out: Path) -> dict[str, str]:
    """Each report's text without the line that says when it was rendered, by its path below ``out``."""
    return {str(path.relative_to(out)): unstamped(path) for path in sorted(out.rglob("report.*"))}


def unstamped(path: Path) -> str:
    """A report's text without the line that says when it was rendered."""
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(('<p id="rendered">', "Rendered "))]
    assert len(kept) == len(lines) - 1, f"{path}: one line says when it was rendered"
    return "\n".join(kept)


def facts(folder: Path) -> dict[str, tuple[int, str]]:
    """Time of last change and hash of each file below a folder (not the lock)."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
    }


def ask(database: Path, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Ask a file that nobody is writing, as an analyst does: with plain DuckDB, read-only."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query, list(values)).fetchall()


def inside(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the writer's own file."""
    with Warehouse.open(warehouse, read_only=True) as opened:
        return opened.rows(query)
