"""Days that cost far from the usual: judged and told by nights on a real warehouse, and which days a night judges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs
from pipeline.config import Settings, load_settings
from pipeline.night.judging import judge_days
from pipeline.store.warehouse import Warehouse
from tests.jobs.conftest import Say
from tests.jobs.nights import Charge, ask, dump, lent, write_bill, write_config

RULES: dict[str, Any] = {"sensitivity": 3}
TOTAL, MACHINES = "anomaly:USD", "anomaly:USD:azure:Virtual Machines"
BUDGET = {"budgets": {"global": {"amount": 1_000_000, "exit_on_threshold": True}}}


def bill(folder: Path, through: int, spike: int, at: str) -> None:
    """March: 100 a day, and 400 more on one day."""
    charges = [Charge(cost="100", days=through), Charge(cost="400", first=spike, days=spike, resource="vm-2")]
    write_bill(folder / "exports" / "march.csv", charges, at=at)


def config(folder: Path, day: int, rules: dict[str, Any] | None = RULES, **sections: Any) -> Settings:
    sources = [{"name": "azure", "path": "exports", "gate": {"cost": "100%"}}]
    path = write_config(folder, as_of=f"2026-03-{day:02}", sources=sources, anomalies=rules, cost=BUDGET, **sections)
    return load_settings(path, environ={})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """February and March to the 17th, loaded on the 18th; the 3rd was a spike."""
    folder = tmp_path_factory.mktemp("anomalies")
    write_bill(folder / "exports" / "feb.csv", [Charge(cost="100", days=28)], period="2026-02")
    bill(folder, 17, 3, at="2026-03-18T04:00:00")
    jobs.run(config(folder, 18))
    return folder


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    with lent(made) as folder:
        yield folder


def test_a_spike_is_told_once_and_is_no_budget_s_alert(folder: Path, say: Say) -> None:
    bill(folder, 21, 20, at="2026-03-22T04:00:00")
    path = config(folder, 22).file
    assert path is not None
    told = say("run", "--config", path)
    assert (told.code, told.stderr.splitlines()) == (0, [
        f"costmill: alert fired: {scope} of 2026-03-20: 500 USD, 100 expected (warning)" for scope in (TOTAL, MACHINES)
    ])  # fmt: skip
    copy = folder / "published" / "costs.duckdb"
    query = "SELECT budget_id, day(period_start), status, x_BillingPeriod FROM budget_alerts ORDER BY period_start, 1"
    assert ask(copy, query) == [
        (TOTAL, 3, "resolved", "2026-03"), (MACHINES, 3, "resolved", "2026-03"),
        (TOTAL, 20, "open", "2026-03"), (MACHINES, 20, "open", "2026-03"),
    ]  # fmt: skip
    assert ask(copy, "SELECT DISTINCT health FROM budget_status") == [("OK",)]
    events = json.loads(say("events", "--config", path, "--format", "json").stdout)
    assert [(each["event"], each["type"], each["spend"], each["limit"]) for each in events] == [
        ("budget.alert_triggered", "anomaly", "500", "100")] * 2  # fmt: skip
    report = (folder / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[:5] for line in report.splitlines() if line.startswith("| Virtual Machines (azure) (")]
    assert [(row[0][-11:-1], *row[2:]) for row in rows] == [
        ("2026-03-20", "$100.00 expected", "$500.00", "500.0%"), ("2026-03-03", "$100.00 expected", "$500.00", "500.0%"),
    ]  # fmt: skip
    listed = json.loads(say("alerts", "list", "--scope", "anomaly", "--config", path, "--format", "json").stdout)
    assert [(each["budget"], each["window"]) for each in listed] == [(TOTAL, "2026-03-20"), (MACHINES, "2026-03-20")]
    before = dump(folder / "warehouse" / "costs.duckdb")
    assert say("run", "--config", path).stderr == ""
    assert dump(folder / "warehouse" / "costs.duckdb") == before


def test_days_of_before_the_first_load_tell_nothing(made: Path) -> None:
    rows = ask(made / "published" / "costs.duckdb", "SELECT DISTINCT status, day(period_start) FROM budget_alerts")
    assert rows == [("suppressed", 3)]
    assert ask(made / "published" / "costs.duckdb", "FROM budget_events") == []


def days(folder: Path, due: list[str], day: int, **sections: Any) -> tuple[date, date] | None:
    """The first and the last day that a night judges."""
    settings = config(folder, day, **sections)
    with Warehouse.open(folder / "warehouse" / "costs.duckdb") as warehouse:
        found = judge_days(warehouse, settings, due, datetime(2026, 3, day, 12))
    if found is None or not found.days:
        return None
    assert [*found.days] == [found.days[0] + timedelta(days=number) for number in range(len(found.days))]
    return found.days[0], found.days[-1]


def test_a_night_judges_what_loads_touched_and_the_latest_days_that_are_complete(folder: Path) -> None:
    complete = date(2026, 3, 17)
    assert days(folder, [], 18) == (date(2026, 3, 10), complete)
    assert days(folder, ["2026-03"], 18) == (date(2026, 2, 1), complete)
    assert days(folder, ["2026-01"], 18, rules={"weeks": 4}) == (date(2026, 2, 17), complete)
    assert days(folder, [], 18, forecast={"late_data_days": 3}) == (date(2026, 3, 5), date(2026, 3, 15))
    assert days(folder, [], 12) == (date(2026, 3, 5), date(2026, 3, 12))
    assert days(folder, [], 18, rules={"enabled": False}) is None


def test_where_less_is_an_anomaly_too_a_source_that_has_nothing_of_the_month_yet_is_waited_for(folder: Path) -> None:
    both = {"direction": "both"}
    assert days(folder, [], 18, rules=both) == (date(2026, 3, 10), date(2026, 3, 17))
    with Warehouse.open(folder / "warehouse" / "costs.duckdb") as warehouse:
        for table in ("source_periods", "daily_costs"):
            warehouse.execute(f"UPDATE {table} SET x_Source = 'gcp' WHERE x_BillingPeriod = '2026-02'")
    assert days(folder, [], 18) == (date(2026, 3, 10), date(2026, 3, 17))
    assert days(folder, [], 18, rules=both) is None
