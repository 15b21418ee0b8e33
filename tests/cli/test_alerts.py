"""`costmill alerts` as a person uses it, on a warehouse after its night."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline import jobs
from pipeline.config import load_settings
from tests.cli.conftest import Say
from tests.jobs.nights import ask, budgets, write_bill, write_config


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alerts")
    write_bill(folder / "exports" / "march.csv")
    jobs.run(load_settings(write_config(folder, cost=budgets(200)), environ={}))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """March came to 210 of 200: three thresholds fired."""
    shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_person_takes_an_alert_and_the_history_says_so(folder: Path, say: Say) -> None:
    told = say("alerts", "list")
    assert told.stdout.splitlines()[0].split()[:6] == ["id", "status", "severity", "budget", "type", "threshold"]
    assert [line.split()[1:6] for line in told.stdout.splitlines()[1:]] == [
        ["open", "critical", "global", "actual", threshold] for threshold in ("50", "80", "100")
    ]
    start = told.stdout.splitlines()[3].split()[0]
    ended = say("alerts", "ack", start, "--note", "the migration")
    line = f"{start} global actual 100 % of 2026-03: {{}}acknowledged by operator on 2026-03-22 23:59 UTC\n"
    assert (ended.code, ended.stdout, ended.stderr) == (0, line.format(""), "")
    assert say("alerts", "ack", start, "--note", "again").stdout == line.format("already ")
    shown = json.loads(say("alerts", "show", start, "--format", "json").stdout)
    again = json.loads(say("alerts", "ack", start, "--format", "json").stdout)
    assert again == {"is_new": False, **shown}
    assert (shown["status"], shown["note"], shown["period_start"]) == (
        "acknowledged", "the migration", "2026-03-01T00:00:00Z",
    )  # fmt: skip
    assert [each["event"] for each in shown["history"]] == ["fired", "acknowledged"]
    assert "acknowledged  105.000000  operator  the migration" in say("alerts", "show", start).stdout
    copy = folder / "published" / "costs.duckdb"
    assert ask(copy, "SELECT acknowledged_by FROM budget_alerts WHERE threshold = 100") == [("operator",)]
    assert say("run").stderr == ""


def test_snoozed_and_resolved_alerts_are_listed_as_such(folder: Path, say: Say) -> None:
    ids = [alert["id"] for alert in json.loads(say("alerts", "list", "--format", "json").stdout)]
    told = say("alerts", "snooze", ids[0], "--until", "2026-03-24").stdout
    assert told.endswith(": snoozed by operator until 2026-03-24 00:00 UTC\n")
    assert say("alerts", "resolve", ids[1]).stdout.endswith(": resolved by operator on 2026-03-22 23:59 UTC\n")
    said = [json.loads(say("alerts", *asked, "--format", "json").stdout) for asked in (
        ("snooze", ids[0], "--until", "2026-03-24"), ("resolve", ids[1]),
    )]  # fmt: skip
    assert [(each["id"], each["status"]) for each in said] == [(ids[0], "open"), (ids[1], "resolved")]
    listed = {
        state: [
            line.split(",")[0] for line in say("alerts", "list", "--status", state, "--format", "csv").stdout.split()
        ]
        for state in ("active", "snoozed", "resolved", "all")
    }
    assert listed == {
        "active": ["id", ids[0], ids[2]], "snoozed": ["id", ids[0]], "resolved": ["id", ids[1]], "all": ["id", *ids],
    }  # fmt: skip
    assert say("run").stderr == ""
    assert say("run", "--as-of", "2026-03-24").stderr == (
        "costmill: alert woken: global of 2026-03: actual 50 %, now 105 % (critical)\n"
    )


def test_who_has_not_the_word_is_told_so(folder: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTMILL_ACTOR", "rea")
    monkeypatch.setenv("COSTMILL_PERMISSIONS", "budget:read")
    [first, *_] = json.loads(say("alerts", "list", "--format", "json").stdout)
    ended = say("alerts", "resolve", first["id"])
    assert (ended.code, ended.stdout) == (64, "")
    assert ended.stderr == "costmill: rea may not resolve an alert: it needs budget:write and has budget:read\n"
    monkeypatch.setenv("COSTMILL_TENANT", "acme")
    assert say("alerts", "list", "--format", "json").stdout == "[]\n"
    assert "no alert has an id" in say("alerts", "show", first["id"]).stderr


def test_a_person_sets_a_threshold_and_removes_it(folder: Path, say: Say) -> None:
    told = say("alerts", "configure", "global", "--amount", "205", "--severity", "info", "--cooldown", "60")
    start = told.stdout.split()[0]
    assert told.stdout == f"{start} global actual 205: configured by operator\n"
    fired = "global of 2026-03: actual 205 USD, now 105 % of the limit (info)"
    assert say("run").stderr == f"costmill: alert fired: {fired}\n"
    [row] = json.loads(say("alerts", "configs", "--format", "json").stdout)
    assert (row["id"][:8], row["budget"], row["threshold"], row["unit"], row["cooldown_minutes"]) == (
        start, "global", "205", "amount", 60,
    )  # fmt: skip
    assert say("alerts", "configs").stdout.splitlines()[1].split()[:2] == [start, "global"]
    same = ("configure", "global", "--amount", "205", "--severity", "info", "--cooldown", "60")
    assert json.loads(say("alerts", *same, "--format", "json").stdout) == row
    assert say("alerts", "remove", start).stdout == f"{start} global actual 205: removed by operator\n"
    resolved = json.loads(say("alerts", "list", "--status", "resolved", "--format", "json").stdout)
    assert [each["threshold"] for each in resolved] == ["205"]
    assert say("run").stderr == ""
    for wrong in ((), ("--threshold", "90", "--amount", "9"), ("--threshold", "90 %")):
        ended = say("alerts", "configure", "global", *wrong)
        assert (ended.code, ended.stdout) == (64, "")
