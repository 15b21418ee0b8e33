"""`costmill usage`: what is recorded by one command is answered by the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli import execute
from tests.jobs.nights import Ended, write_config

Say = Callable[..., Ended]


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    config = write_config(tmp_path, sources=[], actor={"id": "kim", "tenant": "acme"})

    def run(*arguments: str | Path) -> Ended:
        capsys.readouterr()
        code = execute(["usage", *map(str, arguments), "--config", str(config)])
        return Ended(code, *capsys.readouterr())

    return run


CALL = ("record", "--provider", "openai", "--operation", "embedding", "--time", "2026-03-05T10:00:00Z")


def test_what_is_recorded_is_listed_summed_and_in_the_trend(say: Say) -> None:
    [kept] = json.loads(say(*CALL, "--cost", "0.10", "--for", "team=search", "--format", "json").stdout)
    assert (kept["cost"], kept["time"], kept["attribution"]) == (
        *("0.1", "2026-03-05T10:00:00Z"),
        {"team": "search", "tenant": "acme"},
    )
    say(*CALL, "--cost", "1", "--failed", "--input-tokens", "7")
    listed = json.loads(say("list", "--scope", "team:search", "--format", "json").stdout)
    assert listed == [kept]
    found = json.loads(say("summary", "--format", "json").stdout)
    assert (found["total"], found["failed_count"], found["by_category"]) == ("1.1", 1, {"embedding": "1.1"})
    assert say("summary").stdout.splitlines()[1].split() == ["total", "global", "1.1", "USD"]
    ended = say("trend", "--periods", "2", "--format", "csv")
    assert ended.stdout.splitlines()[-1] == "2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,1.1,USD"
    assert ended.stderr == "costmill: global: up\n"
    assert json.loads(say("trend", "--format", "json").stdout)["direction"] == "up"


def test_what_is_recorded_without_a_time_is_of_the_moment_that_counts_as_now(say: Say) -> None:
    say("record", "--provider", "openai", "--operation", "embedding", "--cost", "2")
    shown = say("list", "--format", "csv").stdout.splitlines()[1]
    assert shown.startswith("2026-03-22T23:59:59.999999Z,openai,embedding,,2,USD,")
    assert ",true," in shown


def test_a_file_is_imported_whole_and_once(say: Say, tmp_path: Path) -> None:
    row = {"provider": "openai", "operation": "embedding", "time": "2026-03-05T10:00:00Z", "cost": 0.1}
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text(f"{json.dumps(row)}\n\n{json.dumps({**row, 'segment': 'x'})}\n")
    bad.write_text(f"{json.dumps(row)}\n{json.dumps({**row, 'cots': 1})}\n{json.dumps({**row, 'cost': -1})}\n[]\n{{")
    ended = say("import", bad)
    assert ended.code == 64
    assert "line 3: cost -1 is negative" in ended.stderr
    assert "line 2: 'cots' is no field of a record; did you mean 'cost'?" in ended.stderr
    assert ended.stderr.endswith("nothing was imported\n")
    for _ in range(2):
        assert say("import", good, "--format", "csv").stdout == f"file,records\n{good},2\n"
    assert json.loads(say("summary", "--format", "json").stdout)["total"] == "0.2"


def test_what_cannot_be_recorded_ends_with_64(say: Say) -> None:
    assert "cost is missing, and without a model there is no price; give one of the two" in say(*CALL).stderr
    assert say(*CALL, "--cost", "1", "--for", "team").code == 64
    assert say(*CALL, "--cost", "1", "--tenant", "other").code == 64
