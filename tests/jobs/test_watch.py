"""Alerts between nights: a watcher that is a process of its own, and this one, which writes in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from pipeline import jobs, watching
from pipeline.config import Settings, load_settings
from pipeline.errors import UsageError
from pipeline.store.warehouse import Warehouse
from tests.jobs.conftest import Say
from tests.jobs.nights import (
    Charge,
    ask,
    budgets,
    command,
    dump,
    environment,
    facts,
    inside,
    lent,
    write_bill,
    write_config,
)

FIRED = "costmill: alert fired: global of 2026-03: actual 50 %, now 63 % (info)\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watch")
    write_bill(folder / "exports" / "march.csv", [Charge(cost="4")])
    jobs.run(load_settings(write_config(folder, cost=budgets(200)), environ={}))
    return folder


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    """March has come to 84 of 200: no alert so far."""
    with lent(made) as folder:
        yield folder


def settings(folder: Path) -> Settings:
    return load_settings(folder / "costmill.yaml", environ={})


def warehouse(folder: Path) -> Path:
    return folder / "warehouse" / "costs.duckdb"


def deliver(folder: Path) -> Path:
    """A later delivery, of 126."""
    return write_bill(folder / "exports" / "march.csv", [Charge(cost="6")], at="2026-03-22T05:00:00")


@contextmanager
def watcher(folder: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = command("alerts", "watch", "--every", "1s", "-v", "--config", folder / "costmill.yaml")
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=environment()) as child:
        yield child
        child.kill()


def told(child: subprocess.Popen[str], beginning: str) -> str:
    assert child.stderr is not None
    return next(line for line in child.stderr if line.startswith(beginning))


def test_a_watcher_tells_what_another_process_wrote_and_stops_cleanly(folder: Path, say: Say) -> None:
    with watcher(folder) as child:
        told(child, "budgets")
        deliver(folder)
        assert say("load", "--config", folder / "costmill.yaml").code == 0
        assert told(child, "costmill: alert") == FIRED
        child.send_signal(signal.SIGTERM)
        rest = child.communicate()[1]
        assert (child.returncode, "costmill: alert" in rest) == (0, False)
    copy = folder / "published" / "costs.duckdb"
    assert ask(copy, "SELECT status, threshold FROM budget_alerts") == [("open", 50)]
    assert ask(copy, "SELECT command FROM runs ORDER BY started_at") == [("run",), ("load",), ("alerts watch",)]


def test_ctrl_c_in_a_pause_ends_it_with_0_and_puts_the_handlers_back(folder: Path, say: Say) -> None:
    before = signal.getsignal(signal.SIGINT)

    def press() -> None:
        while signal.getsignal(signal.SIGINT) is before:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    ended = say("alerts", "watch", "--every", "1h", "--config", folder / "costmill.yaml")
    assert (ended.code, ended.stderr) == (0, "")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_warehouse_in_use_is_told_once_and_waited_for(folder: Path) -> None:
    stop, said = threading.Event(), list[str]()

    def free(text: str) -> None:
        said.append(text)
        held.close()

    def tell(result: jobs.RunResult) -> None:
        said.append("checked")
        stop.set()

    held = Warehouse.open(warehouse(folder))
    watching.watch(settings(folder), every=0.1, stop=stop, now=lambda: datetime(2026, 3, 22), tell=tell, warn=free)
    assert said == [f"{warehouse(folder)} is in use; waiting for it", "checked"]


def test_nothing_is_held_while_it_pauses(folder: Path) -> None:
    checks = list[int]()

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            with Warehouse.open(warehouse(folder)) as opened:  # with no patience at all
                checks.append(opened.value("SELECT count(*) FROM runs"))
            self.set()
            return True

    now = datetime(2026, 3, 22)
    watching.watch(settings(folder), every=300, stop=Stop(), now=lambda: now, tell=lambda _: None, warn=pytest.fail)
    assert checks == [1]


def test_a_check_that_finds_nothing_leaves_everything_as_it_is(folder: Path, say: Say) -> None:
    before = dump(warehouse(folder), {}), facts(folder / "published")
    ended = say("alerts", "watch", "--once", "--config", folder / "costmill.yaml")
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")
    assert (dump(warehouse(folder), {}), facts(folder / "published")) == before


def test_a_check_does_what_the_night_would_have_done(folder: Path, say: Say) -> None:
    deliver(folder)
    config = folder / "costmill.yaml"
    say("load", "--config", config)
    ended = say("alerts", "watch", "--once", "--format", "json", "--config", config)
    assert ended.stderr == FIRED
    fired = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(each["kind"], each["budget_id"]) for each in fired] == [("fired", "global")] * len(FIRED.splitlines())
    alerts = "SELECT * EXCLUDE (alert_id) FROM budget_alerts"
    watched = inside(warehouse(folder), alerts), inside(warehouse(folder), "SELECT * FROM budget_status")
    assert inside(warehouse(folder), "SELECT DISTINCT stage FROM dirty") == [("reports",)]
    assert say("run", "--config", config).stderr == ""
    assert (inside(warehouse(folder), alerts), inside(warehouse(folder), "SELECT * FROM budget_status")) == watched


def test_a_warehouse_of_other_tags_is_an_error_first_and_told_later(folder: Path) -> None:
    stop, said = threading.Event(), list[str]()

    def spoil(result: jobs.RunResult) -> None:
        with Warehouse.open(warehouse(folder)) as opened:
            opened.execute("UPDATE settings SET value = '[]' WHERE name = 'reported_tags'")

    def warn(text: str) -> None:
        said.append(text)
        stop.set()

    tagged = load_settings(write_config(folder, cost=budgets(200), tags={"report_keys": ["team"]}), environ={})
    with pytest.raises(UsageError, match="made without the tag key 'team'"):
        watching.check(tagged)
    jobs.run(tagged)
    now = datetime(2026, 3, 22)
    watching.watch(tagged, every=0.01, stop=stop, now=lambda: now, tell=spoil, warn=warn)
    assert len(said) == 1
    assert said[0].endswith("run `costmill run`; trying again in 0.01 s")


def test_checking_once_with_the_warehouse_in_use_ends_with_75(folder: Path, say: Say) -> None:
    write_config(folder, cost=budgets(200), writer_wait_seconds=0)
    with Warehouse.open(warehouse(folder)):
        assert say("alerts", "watch", "--once", "--config", folder / "costmill.yaml").code == 75


@pytest.mark.parametrize("pause", ["5", "0m", "-1s", "1d", "m"])
def test_a_pause_is_a_number_with_its_unit(say: Say, pause: str) -> None:
    ended = say("alerts", "watch", "--every", pause)
    assert ended.code == 64
    assert f"{pause!r} is no length of time; write it like 30s, 5m or 1h" in ended.stderr
