"""One warehouse, run after run killed while bills come, are restated and programs record: nothing is lost or told twice.

What `tests/test_kill.py` proves of one kill from a known state, this proves of many on top of each other.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from pipeline import Actor, BudgetPolicyService, Policy, jobs
from pipeline.config import Settings, load_settings
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.jobs.nights import Charge, ask, budgets, environment, write_bill, write_config
from tests.kills import SEED, drawn, driven, months_are_whole
from tests.soak import long
from tests.usage import recorder

pytestmark = pytest.mark.heavy

JOB = Actor("cron", "job", permissions=frozenset(["*"]))
CREATED = datetime(2026, 3, 1)
#: A night that loads a month has about so many steps, with the usage log a third more; a run with fewer ends by itself.
STEPS = 1500
#: A price a day: 21 days of it lie on both sides of each threshold, and no delivery shrinks past the gate.
PRICES = ("7.7", "8.5", "9.4", "9.8", "10.2")
DAYS = {"2026-02": 28, "2026-03": 21}


def company(folder: Path) -> Settings:
    """A budget and a policy that March's prices carry over their thresholds and back; a usage log; no bill yet."""
    thresholds = [{"threshold": 80}, {"threshold": 100}, {"threshold": 100, "type": "forecasted"}]
    cost = budgets(200, **{"global": {"amount": 200, "alerts": thresholds, "rollover": {"max_percent": 10}}})
    path = write_config(folder, cost=cost, usage_log={"keep_days": 0}, freshness={"max_age_days": 90})
    settings = load_settings(path, environ={})
    empty.put(settings.warehouse)
    policy = Policy("Cap", 190, "provider", "azure", id="cap")
    BudgetPolicyService(settings).create_policy(JOB, policy, as_of=CREATED)
    return settings


@long
def test_runs_and_recorders_killed_again_and_again_lose_and_double_nothing(tmp_path: Path) -> None:
    draw, settings, returned, killed = random.Random(SEED), company(tmp_path / "run"), set[str](), 0
    kills = 100
    for number in range(10 * kills):
        if killed == kills:
            break
        period, price, point = draw.choice(list(DAYS)), draw.choice(PRICES), draw.randint(1, STEPS)
        with drawn(f"kill {number}: {period} at {price} a day, at step {point}"):
            deliver(tmp_path / "run", period, price, number)
            command = driven(tmp_path / "run" / "costmill.yaml", point)
            with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as run:
                for _ in range(2):
                    time.sleep(draw.uniform(0, 1))
                    returned |= recorded_until_killed(settings, draw)
                _, said = run.communicate()
            assert run.returncode in (0, -signal.SIGKILL), said
            killed += run.returncode != 0
            what_a_kill_left_is_whole(settings)
    with drawn(f"{killed} runs killed, {len(returned)} records returned"):
        assert (killed, len(returned) >= 2 * kills) == (kills, True)
        jobs.run(settings)
        again = jobs.run(settings)
        assert (again.exit_code, again.alerts, again.reports, again.published) == (0, [], [], None)
        each_record_counts_once(settings, returned)
        each_alert_is_written_and_told_once(settings)


def recorded_until_killed(settings: Settings, draw: random.Random) -> set[str]:
    """Start a process that records on and on, kill it; returns the ids of the calls that returned."""
    child = recorder.start(settings.own_usage_log.path, 1_000_000, draw.choice([1, 7]), rotate_size=2_000_000)
    first = child.first()
    time.sleep(draw.uniform(0, 0.01))
    status, told = child.end(signal.SIGKILL)
    assert os.WTERMSIG(status) == signal.SIGKILL
    return {*recorder.ids(first + told)}


def deliver(folder: Path, period: str, price: str, number: int) -> None:
    """Deliver a month at a price a day; each delivery is newer than the one before."""
    at = f"2026-03-22T{number // 60:02}:{number % 60:02}:00"
    write_bill(folder / "exports" / f"{period}.csv", [Charge(cost=price, days=DAYS[period])], period=period, at=at)


def what_a_kill_left_is_whole(settings: Settings) -> None:
    """Look at the warehouse, which replays its log, and at what analysts have open."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        months_are_whole(connection)
    with duckdb.connect(str(settings.publish.path), read_only=True) as connection:
        months_are_whole(connection)


def each_record_counts_once(settings: Settings, returned: set[str]) -> None:
    """Every record whose call returned is one charge; what was written and not told may be one, too."""
    loaded = Counter(
        row[0] for row in ask(settings.publish.path, "SELECT x_RecordId FROM charges WHERE x_RecordId <> ''")
    )
    assert returned - set(loaded) == set()
    assert {name: times for name, times in loaded.items() if times > 1} == {}


def each_alert_is_written_and_told_once(settings: Settings) -> None:
    """Each threshold has one row (a forecast one per occurrence), live when it is crossed; each firing is one event."""
    with Warehouse.open(settings.warehouse, read_only=True) as warehouse:
        alerts = warehouse.rows(
            """SELECT a.budget_id, a.period_start, a.threshold, a.type, a.occurrence, a.status, a.history,
                CASE a.type WHEN 'actual' THEN s.percentage ELSE s.forecast_percentage END >= a.threshold
            FROM budget_alerts AS a JOIN budget_status AS s USING (budget_id, period_start, period_end) ORDER BY ALL"""
        )
        told = warehouse.rows("SELECT payload FROM budget_events WHERE event = 'budget.alert_triggered'")
    assert len(alerts) >= 2
    expected = 0
    for *key, kind, occurrence, status, history, crossed in alerts:
        events = [entry["event"] for entry in json.loads(history)]
        expected += sum(event in ("fired", "reopened") for event in events)
        assert events[0] in ("fired", "suppressed"), history
        assert all((one == "resolved") != (other == "resolved") for one, other in pairwise(events)), history
        newest = max(row[4] for row in alerts if list(row[:4]) == [*key, kind])
        assert (status != "resolved") == (crossed and occurrence == newest)
        assert kind == "forecasted" or occurrence == 1
    assert len(told) == expected
