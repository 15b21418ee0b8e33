"""The DAG in a real Airflow: exports to report, what is tried again, what is not, and the night after.

One process of Airflow for all of it (tests/airflow_driver.py): `airflow db migrate` and `airflow dags test`, twice.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.store.warehouse import Warehouse
from tests.conftest import IN_CI, ROOT
from tests.deliver.web import serving
from tests.jobs.nights import Charge, ask, write_bill, write_config

PYTHON = Path(sys.prefix) / "airflow" / "bin" / "python"
DRIVER = ROOT / "tests" / "airflow_driver.py"
DONE = "DRIVER: ended with "
#: A user's file in the DAG folder, but for the clock.
DAG_FILE = """
import json, sys, time
from pathlib import Path
started = time.process_time()

from datetime import timedelta

from pipeline.airflow import costmill_dag

dag = costmill_dag({config!r}, schedule="15 6 * * *", retry_delay=timedelta(0))

heavy = [name for name in ("polars", "duckdb", "pyarrow", "altair") if name in sys.modules]
with Path({parsed!r}).open("a") as file:
    file.write(json.dumps([time.process_time() - started, heavy]) + chr(10))
"""

pytestmark = [pytest.mark.heavy, pytest.mark.airflow]


@dataclass
class Nights:
    """What two tests of the DAG came to, line by line, code by code, task by task."""

    folder: Path
    codes: list[int] = field(default_factory=list)
    nights: list[dict[str, tuple[str, int]]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Two months of a bill, and a source whose file no format fits, while somebody writes the warehouse: all loads
    begin in vain, then the warehouse is free. Before the second night the broken file is mended."""
    if not PYTHON.exists():
        reason = f"needs Airflow in {PYTHON.parent.parent}: `make test` installs it"
        pytest.fail(reason) if IN_CI else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("airflow")
    write_bill(folder / "exports" / "february.csv", [Charge(days=28)], period="2026-02", at="2026-03-02T04:00:00")
    write_bill(folder / "exports" / "march.csv")
    (folder / "other").mkdir()
    (folder / "other" / "bill.csv").write_text("a,b\n1,2\n")
    sources = [{"name": "azure", "path": "exports"}, {"name": "other", "path": "other"}]
    with serving() as web:
        channel = {"name": "ops", "url": f"json://{web.host}", "on": ["failures"]}
        found = _night_after_night(
            folder, write_config(folder, sources=sources, writer_wait_seconds=0, notify=[channel])
        )
        found.told = [json.loads(asked.body)["message"] for asked in web.requests]
    return found


def _night_after_night(folder: Path, config: Path) -> Nights:
    (folder / "dags").mkdir()
    code = DAG_FILE.format(config=str(config), parsed=str(folder / "parsed.jsonl"))
    (folder / "dags" / "night.py").write_text(code)
    found = Nights(folder)
    _test_twice(found)
    found.nights = _nights(folder / "airflow.db")
    return found


def _test_twice(found: Nights) -> None:
    in_vain = 0
    with Warehouse.open(found.folder / "warehouse" / "costs.duckdb") as held, _airflow(found.folder) as process:
        assert process.stdin is not None
        for line in process.stdout or ():
            found.lines.append(line)
            in_vain += "new_state=up_for_retry" in line
            if in_vain == 3:  # all three loads have begun
                held.close()
            if line.startswith(DONE):
                found.codes.append(int(line.removeprefix(DONE)))
                if len(found.codes) == 2:
                    write_bill(found.folder / "other" / "bill.csv")
                    process.stdin.write("the next night\n")
                    process.stdin.flush()


def _airflow(folder: Path) -> subprocess.Popen[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("COSTMILL_", "AIRFLOW"))}
    airflow = {"AIRFLOW_HOME": str(folder), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [PYTHON, DRIVER, "costmill"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=own | airflow | {"PYTHONUNBUFFERED": "1"},
    )


def _nights(database: Path) -> list[dict[str, tuple[str, int]]]:
    """Of each DAG run: the state of each task, and how often it was begun; the run's own state under its DAG's name."""
    query = (
        "SELECT r.id, t.task_id, t.state, t.try_number, r.state FROM dag_run AS r INNER JOIN task_instance AS t "
        "ON t.dag_id = r.dag_id AND t.run_id = r.run_id ORDER BY r.id"
    )
    connection = sqlite3.connect(database)
    found: dict[int, dict[str, tuple[str, int]]] = {}
    for run, task, state, tries, run_state in connection.execute(query):
        found.setdefault(run, {"costmill": (run_state, 1)})[task] = (state, tries)
    connection.close()
    return list(found.values())


STEPS = ("summarise", "budgets", "reports", "publish", "deliver")


def test_what_may_pass_is_tried_again_what_is_refused_is_not_and_the_others_go_on(tested: Nights) -> None:
    first = tested.nights[0]
    assert first["load_azure"] == first["load_usage_log"] == ("success", 2), "".join(tested.lines[-80:])
    assert first["load_other"] == ("failed", 2)  # in vain, then refused: four retries were allowed
    assert [first[name] for name in STEPS] == [("success", 1)] * len(STEPS)
    assert (first["verdict"], first["costmill"], tested.codes[1]) == (("failed", 1), ("failed", 1), 1)
    said = "".join(tested.lines)
    assert "the task load_other has failed" in said
    assert "AirflowFailException: exit code 65: refused: other: " in said


def test_who_asks_for_failures_is_told_what_waits_once_and_by_no_other_task(tested: Nights) -> None:
    (told,) = (each for each in tested.told if "refused: other: " in each)
    assert tested.told == [told]


def test_the_next_night_takes_what_was_mended_and_ends_well(tested: Nights) -> None:
    second = tested.nights[1]
    assert set(second.values()) == {("success", 1)}, "".join(tested.lines[-80:])
    assert tested.codes[2] == 0


def test_exports_have_become_reports_and_a_copy_that_analysts_open(tested: Nights) -> None:
    rendered = sorted(path.parent.name for path in (tested.folder / "reports").rglob("report.md"))
    assert rendered == ["2026-02", "2026-03"]
    copy, query = (
        tested.folder / "published" / "costs.duckdb",
        "SELECT count(*) FROM focus_data_table WHERE x_Source = ?",
    )
    assert [ask(copy, query, [name]) for name in ("azure", "other")] == [[(49,)], [(21,)]]


def test_reading_the_dags_file_takes_less_than_a_second_and_imports_nothing_heavy(tested: Nights) -> None:
    parsed = [json.loads(line) for line in (tested.folder / "parsed.jsonl").read_text().splitlines()]
    assert parsed[0][1] == []  # later ones are of the process that has done the tasks
    assert max(seconds for seconds, _ in parsed) < 1
