"""One measured run, in a process of its own so that its peak memory is its own: prints one JSON object.

`python -m bench.runs costmill|plain|summaries EXPORT DATABASE`
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from bench.generate import Export, exports
from pipeline.config import SourceSettings
from pipeline.config.model import MEMORY_LIMIT
from pipeline.load import Loader
from pipeline.store.warehouse import Warehouse

#: Both sides get as many; costmill's own default is DuckDB's, one per core.
THREADS = 2
REPORTED = ("team", "env", "app")
PERIOD = "2026-03"


def costmill(export: Path, database: Path) -> None:
    """`costmill load` from hash to checkpoint, over a new warehouse."""
    with Warehouse.open(database, memory_limit=MEMORY_LIMIT) as warehouse:
        warehouse.execute(f"SET threads = {THREADS}")
        source = SourceSettings("bench", str(export))
        with Loader(warehouse, run_id="bench", reported_keys=REPORTED) as loader:
            [outcome] = loader.load(source, [str(export)])
        if outcome.status != "loaded":
            raise SystemExit(f"not loaded: {outcome.reason}")
        warehouse.execute("CHECKPOINT")


def plain(export: Path, database: Path) -> None:
    """DuckDB alone: the file's columns as they are, money as DECIMAL(38,18), nothing proven, nothing rolled up."""
    form = next(
        each for each in exports(export.parent.parent, int(export.parent.name.split("-")[0])) if each.path == export
    )
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"SET threads = {THREADS}")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"CREATE TABLE charges AS {_flat(connection, form)}")
        connection.execute("CHECKPOINT")


def summaries(_: Path, database: Path) -> None:
    """The light half over a loaded warehouse: all five summaries from the rollups, into their tables."""
    from pipeline.summaries import category_summary, mover_summary, resource_summary, tag_summary, trend_summary

    with Warehouse.open(database) as warehouse:
        daily = warehouse.frame("SELECT * FROM daily_costs").lazy()
        costs = warehouse.frame("SELECT * FROM resource_costs").lazy()
        resources = warehouse.frame("SELECT * FROM resources").lazy()
        tags = warehouse.frame("SELECT * FROM tags").lazy()
        through = warehouse.value("SELECT CAST(max(usage_through) - INTERVAL 1 DAY AS DATE) FROM source_periods")
        warehouse.insert("category_summary", category_summary(daily).collect())
        warehouse.insert("resource_summary", resource_summary(costs, resources).collect())
        warehouse.insert("tag_summary", tag_summary(costs, tags, REPORTED).collect())
        warehouse.insert("trend_summary", trend_summary(daily, period=PERIOD, last_complete_day=through).collect())
        warehouse.insert("mover_summary", mover_summary(daily, period=PERIOD, last_complete_day=through).collect())
        warehouse.execute("CHECKPOINT")


def _flat(connection: duckdb.DuckDBPyConnection, export: Export) -> str:
    if export.path.name.endswith(".jsonl.gz"):
        return f"FROM read_json('{export.path}', format = 'newline_delimited')"
    if export.path.suffix == ".parquet":
        money = ", ".join(f"CAST({name} AS DECIMAL(38, 18)) AS {name}" for name in export.money)
        return f"SELECT *{f' REPLACE ({money})' if money else ''} FROM read_parquet('{export.path}')"
    header = connection.sql(f"FROM read_csv('{export.path}', all_varchar = true) LIMIT 0").columns
    kinds = dict.fromkeys(header, "VARCHAR") | dict.fromkeys(export.money, "DECIMAL(38, 18)")
    types = ", ".join(
        f"'{name}': '{kind}'" for name, kind in (kinds | dict.fromkeys(export.times, "TIMESTAMP")).items()
    )
    return f"FROM read_csv('{export.path}', header = true, delim = ',', quote = '\"', escape = '\"', columns = {{{types}}})"


RUNS: dict[str, Callable[[Path, Path], None]] = {"costmill": costmill, "plain": plain, "summaries": summaries}


def main(name: str, export: str, database: str) -> None:
    """Run one and print what it took: seconds by the wall and of CPU, peak resident bytes, bytes of the database."""
    started, used = time.perf_counter(), time.process_time()
    RUNS[name](Path(export), Path(database))
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - used}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({**took, "peak": peak, "size": Path(database).stat().st_size}))


if __name__ == "__main__":
    main(*sys.argv[1:])
