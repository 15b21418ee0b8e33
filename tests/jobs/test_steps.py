"""The night as tasks: the same steps as a run, each by itself, in processes that wait for each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs, steps
from pipeline.airflow import costmill_dag
from pipeline.config import Settings, load_settings
from pipeline.errors import ConfigurationError, UsageError
from pipeline.store.warehouse import Warehouse
from tests.jobs.conftest import Say
from tests.jobs.nights import (
    Charge,
    ask,
    budgets,
    dump,
    environment,
    facts,
    first_night,
    inside,
    reports,
    write_bill,
    write_config,
)

SOURCES = [{"name": "azure", "path": "exports"}, {"name": "aws.eu", "path": "more"}]
#: One task in a process of its own, as a scheduler has it.
ONE_TASK = """
import sys
from pipeline import steps
from pipeline.config import load_settings
settings = load_settings(sys.argv[1])
print("here", flush=True)
sys.exit(steps.perform(settings, steps.find(settings, sys.argv[2])).exit_code)
"""
#: What a scheduler does every few seconds, and what it must not import then.
PARSED = """
import json, sys, time
before = time.process_time()
from pipeline import airflow, steps
from pipeline.config import load_settings
tasks = steps.plan(load_settings(sys.argv[1]))
seconds = time.process_time() - before
heavy = [name for name in ("polars", "duckdb", "pyarrow", "jinja2", "altair", "click") if name in sys.modules]
print(json.dumps([len(tasks), seconds, heavy]))
"""


def config_of(folder: Path, **sections: Any) -> Path:
    """Two sources, one bill each, and a budget that is over a threshold."""
    write_bill(folder / "exports" / "march.csv")
    write_bill(folder / "more" / "march.csv", [Charge("Storage", "7", resource="disk")])
    keys: dict[str, Any] = {"sources": SOURCES, "cost": budgets(300), "tags": {"report_keys": ["team"]}} | sections
    return write_config(folder, **keys)


def settings_of(folder: Path, **sections: Any) -> Settings:
    return load_settings(config_of(folder, **sections), environ={})


def test_the_plan_loads_each_source_then_takes_the_steps_and_ends_with_the_verdict(tmp_path: Path) -> None:
    tasks = {task.id: task for task in steps.plan(settings_of(tmp_path))}
    loads = ("load_azure", "load_aws.eu", "load_usage_log")
    assert list(tasks) == [*loads, "summarise", "budgets", "reports", "publish", "deliver", "verdict"]
    assert [tasks[name].after for name in ("load_azure", "summarise", "budgets")] == [(), loads, ("summarise",)]
    assert tasks["verdict"].after == tuple(tasks)[:-1]
    assert [task.id for task in tasks.values() if task.in_any_case] == ["summarise", "verdict"]


def test_the_tasks_come_to_what_a_run_does_are_in_the_ledger_if_they_did_something_and_no_news_changes_nothing(
    tmp_path: Path,
) -> None:
    whole, single = tmp_path / "whole", tmp_path / "single"
    first_night(config_of(whole))
    settings = settings_of(single)
    published = []
    for task in steps.plan(settings):
        assert steps.perform(settings, task).exit_code == 0
        published.append(settings.publish.path.exists())
    assert published == [False] * 6 + [True] * 3  # the copy waits for its step
    assert dump(single / "warehouse" / "costs.duckdb") == dump(whole / "warehouse" / "costs.duckdb")
    assert reports(single / "reports") == reports(whole / "reports")
    total = "SELECT sum(BilledCost) FROM focus_data_table"
    assert ask(single / "published" / "costs.duckdb", total) == ask(whole / "published" / "costs.duckdb", total)
    commands = [row[0] for row in inside(settings.warehouse, "SELECT command FROM runs ORDER BY started_at")]
    did = ("load azure", "load aws.eu", "summarise", "budgets", "reports", "publish")
    assert commands == [f"run {name}" for name in did]
    before = facts(single)
    assert {steps.perform(settings, task).exit_code for task in steps.plan(settings)} == {0}
    assert facts(single) == before


@pytest.mark.parametrize(
    ("code", "sections"),
    [
        (65, {"sources": [*SOURCES, {"name": "gone", "path": "nowhere"}]}),
        (66, {"as_of": "2026-03-29"}),
        (70, {"cost": budgets(100, exit_on_threshold=True, exit_code=70)}),  # which the configuration warns of
        (78, {"cost": {"budgets": {"global": {"amount": 100, "currency": "EUR"}}}, "currency": None}),
    ],
)
def test_the_verdict_is_the_code_that_a_run_ends_with(tmp_path: Path, code: int, sections: dict[str, Any]) -> None:
    first_night(config_of(tmp_path))
    settings = settings_of(tmp_path, **sections)
    assert jobs.run(settings).exit_code == code
    told = steps.perform(settings, steps.find(settings, "verdict"))
    assert told.exit_code == code
    assert (told.warnings == [*settings.warnings], bool(told.warnings)) == (True, code == 70)
    assert any(note.startswith("refused: gone: ") for note in told.notes) == (code == 65)


def test_only_what_may_pass_by_itself_is_tried_again(tmp_path: Path) -> None:
    sources = [{"name": "log", "path": "log"}, {"name": "gone", "path": "nowhere"}]
    settings = settings_of(tmp_path, sources=sources)
    call = {"id": "r1", "segment": "a", "time": "2026-03-05T10:00:00Z", "provider": "house", "model": "unpriced"}
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "a.jsonl").write_text(
        json.dumps({**call, "operation": "chat_completion", "currency": "USD"}) + "\n"
    )
    found = [steps.perform(settings, steps.find(settings, f"load_{name}")) for name in ("log", "gone")]
    assert [(each.exit_code, [outcome.retry for outcome in each.outcomes]) for each in found] == [
        (65, [True]),
        (65, [False]),
    ]


def test_what_somebody_restated_since_the_last_load_is_told_by_the_next_one_alone(tmp_path: Path, say: Say) -> None:
    write_bill(tmp_path / "exports" / "february.csv", period="2026-02", at="2026-03-01T04:00:00")
    config = write_config(tmp_path)
    settings = load_settings(config, environ={})
    load, publish = (steps.find(settings, name) for name in ("load_azure", "publish"))
    for task in (load, publish):
        steps.perform(settings, task)
    say("close", "2026-02", "--note", "booked", "--config", config)
    write_bill(tmp_path / "exports" / "february.csv", [Charge(cost="5")], period="2026-02", at="2026-03-02T04:00:00")
    assert steps.perform(settings, load).exit_code == 65
    [(load_id,)] = inside(settings.warehouse, "SELECT load_id FROM loads WHERE status = 'quarantined'")
    assert say("deliveries", "accept", load_id, "--config", config).code == 0
    told = [steps.perform(settings, load).notes for _ in range(2)]
    assert ["restated" in " ".join(notes) for notes in told] == [True, False]


def test_a_task_of_a_source_that_left_the_configuration_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the night has no task 'load_azur'; did you mean 'load_azure'"):
        steps.find(settings_of(tmp_path), "load_azur")


def test_a_task_of_another_process_waits_for_the_writer_and_for_this_one_s(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    command = [sys.executable, "-W", "error", "-c", ONE_TASK, str(settings.file), "load_azure"]
    with Warehouse.open(settings.warehouse):
        child = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
    assert steps.perform(settings, steps.find(settings, "load_aws.eu")).exit_code == 0
    assert (child.communicate()[1], child.returncode) == ("", 0)
    query = "SELECT x_Source, count(*) FROM charges GROUP BY ALL ORDER BY ALL"
    assert inside(settings.warehouse, query) == [("aws.eu", 21), ("azure", 21)]


def test_planning_thirty_sources_takes_less_than_a_second_and_imports_nothing_heavy(tmp_path: Path) -> None:
    sources = [{"name": f"source-{number}", "path": f"exports/{number}/**"} for number in range(30)]
    config = write_config(tmp_path, sources=sources, cost=budgets(300))
    done = subprocess.run(
        [sys.executable, "-c", PARSED, str(config)], env=environment(), capture_output=True, text=True, check=True
    )
    tasks, seconds, heavy = json.loads(done.stdout)
    assert (tasks, heavy) == (37, [])
    assert seconds < 1


def test_a_broken_configuration_is_the_import_error_of_the_dags_file(tmp_path: Path) -> None:
    config = write_config(tmp_path, freshness={"max_age_day": 3})
    with pytest.raises(ConfigurationError, match=r"line \d+: freshness.max_age_day: .*max_age_days"):
        costmill_dag(config)
