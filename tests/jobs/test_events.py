"""Events: kept with what they tell of, told to subscribers, and as docs/events.md says."""

from __future__ import annotations

import doctest
import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs, subscribe
from pipeline.actors import Actor
from pipeline.budgets import events
from pipeline.budgets.event_table import list_events
from pipeline.budgets.events import EVENTS, KEPT, AlertTriggered, Event
from pipeline.config import load_settings
from pipeline.errors import NotPermittedError, UsageError
from pipeline.store import publish, rollups
from pipeline.store.warehouse import Warehouse
from tests.jobs.conftest import Say
from tests.jobs.nights import ROOT, Charge, dump, lent, write_bill, write_config

PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
BUDGET = {"budgets": {"global": {"amount": 200, "alerts": [{"threshold": 100}]}}}
ANYBODY = Actor("rea", permissions=frozenset(["budget:read"]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """168 of 200 on the first night, 210 on the second."""
    folder = tmp_path_factory.mktemp("events")
    settings = load_settings(write_config(folder, cost=BUDGET), environ={})
    write_bill(folder / "exports" / "march.csv", [Charge(cost="8")])
    jobs.run(settings)
    write_bill(folder / "exports" / "march.csv", at="2026-03-23T04:00:00")
    jobs.run(settings, as_of=datetime(2026, 3, 23, 23, 59, 59, 999999))
    return folder


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with lent(made) as folder, monkeypatch.context() as patch:
        patch.chdir(folder)
        yield folder


def kept(folder: Path, actor: Actor = ANYBODY, **chosen: Any) -> list[dict[str, Any]]:
    with publish.opened(folder / "published" / "costs.duckdb") as copy:
        return list_events(actor, copy, **chosen)


def test_the_page_says_what_happens(folder: Path) -> None:
    examples = "\n".join(re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, "docs/events.md", None, 0)
    failures: list[str] = []
    assert doctest.DocTestRunner(verbose=False).run(test, out=failures.append).attempted > 8
    assert not failures, "".join(failures)
    found = kept(folder)
    told = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    assert [{**event, **({"alert_id": "ALERT"} if "alert_id" in event else {})} for event in found] == told
    assert {event["event"] for event in told} == set(KEPT)
    assert set(re.findall(r"^\| `(budget\.\w+)`", PAGE, re.MULTILINE)) == set(EVENTS)


def test_a_night_again_tells_nothing_and_keeps_nothing(folder: Path) -> None:
    before = dump(folder / "warehouse" / "costs.duckdb")["budget_events"]
    told: list[Event] = []
    end = subscribe(told.append)
    jobs.run(load_settings(folder / "costmill.yaml", environ={}), as_of=datetime(2026, 3, 23, 23, 59, 59, 999999))
    end()
    assert (told, dump(folder / "warehouse" / "costs.duckdb")["budget_events"]) == ([], before)
    assert len(before) == 4


def test_subscribers_are_told_after_the_commit_and_their_failures_fail_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Event] = []

    def fail(event: Event) -> None:
        raise ValueError("mine")

    write_bill(folder / "exports" / "march.csv", [Charge(cost="1")], at="2026-03-23T05:00:00")
    settings = load_settings(write_config(folder, cost=BUDGET, as_of="2026-03-23", sources=[
        {"name": "azure", "path": "exports", "gate": {"cost": "100%"}}]), environ={})  # fmt: skip
    jobs.run(settings)
    write_bill(folder / "exports" / "march.csv", [Charge(cost="11")], at="2026-03-23T06:00:00")
    ends = [subscribe(fail), subscribe(told.append, AlertTriggered.name)]
    with caplog.at_level(logging.ERROR, logger=events.__name__):
        jobs.run(settings)
    for end in (*ends, *ends):
        end()
    [event] = told
    assert isinstance(event, AlertTriggered)
    assert (event.kind, event.spend, event.at) == ("reopened", Decimal(231), datetime(2026, 3, 23, 23, 59, 59, 999999))
    assert [each["event"] for each in kept(folder)][4:] == [
        "budget.threshold_reached", "budget.alert_triggered", "budget.limit_exceeded",
    ]  # fmt: skip
    assert len(caplog.records) == 3
    assert "a subscriber failed on budget.threshold_reached" in caplog.text


def test_what_is_rolled_back_is_neither_kept_nor_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Event] = []
    end = subscribe(told.append)
    write_bill(folder / "exports" / "march.csv", [Charge(cost="20")], at="2026-03-23T05:00:00")
    with Warehouse.open(folder / "warehouse" / "costs.duckdb") as opened:
        opened.execute("UPDATE budget_alerts SET status = 'resolved'")
    done = rollups.done

    def fail(warehouse: Warehouse, period: str, stage: str) -> None:
        if stage == "budgets":
            raise ValueError("the disk is full")
        done(warehouse, period, stage)

    monkeypatch.setattr(rollups, "done", fail)
    with pytest.raises(ValueError, match="the disk is full"):
        jobs.run(load_settings(folder / "costmill.yaml", environ={}))
    end()
    assert told == []
    assert len(dump(folder / "warehouse" / "costs.duckdb")["budget_events"]) == 4


def test_events_are_chosen_by_time_and_name_and_seen_by_their_tenant_alone(folder: Path) -> None:
    assert [each["number"] for each in kept(folder, since=datetime(2026, 3, 23))] == [2, 3, 4]
    assert [each["number"] for each in kept(folder, names=["limit_exceeded", "budget.threshold_reached"])] == [2, 4]
    everything = frozenset(["*"])
    assert kept(folder, Actor("sam", tenant="acme", permissions=everything)) == []
    assert len(kept(folder, Actor("cron", type="job", tenant="acme", permissions=everything))) == 4
    with pytest.raises(NotPermittedError, match="may not list events: it needs budget:read"):
        kept(folder, Actor("nob"))
    with pytest.raises(UsageError, match="'limit_exceded' is no event that is kept; did you mean"):
        kept(folder, names=["limit_exceded"])
    with pytest.raises(UsageError, match="is no event"):
        subscribe(print, "budget.nothing")


def test_the_command_lists_them(folder: Path, say: Say) -> None:
    rows = json.loads(say("events", "--since", "2026-03-23", "--type", "alert_triggered", "--format", "json").stdout)
    assert [(row["number"], row["kind"]) for row in rows] == [(3, "fired")]
    lines = say("events").stdout.splitlines()
    assert [line.split()[2] for line in lines[1:]] == [f"budget.{name}" for name in (
        "approaching_limit", "threshold_reached", "alert_triggered", "limit_exceeded")]  # fmt: skip
    assert say("events", "--type", "x").code == 64


def test_a_rolling_window_over_its_limit_tells_it_once_however_it_moves(tmp_path: Path) -> None:
    write_bill(tmp_path / "exports" / "march.csv")
    rolling = {"budgets": {"global": {"amount": 50, "period": "rolling_7d", "alerts": [{"threshold": 100}]}}}
    settings = load_settings(write_config(tmp_path, cost=rolling), environ={})
    for day in (22, 23):
        jobs.run(settings, as_of=datetime(2026, 3, day, 12))
    found = kept(tmp_path)
    assert [each["event"] for each in found] == [
        "budget.threshold_reached", "budget.alert_triggered", "budget.limit_exceeded",
    ]  # fmt: skip
    assert {each["period_start"] for each in found} == {"1970-01-01T00:00:00Z"}
