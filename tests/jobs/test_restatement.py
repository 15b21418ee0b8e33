"""A month delivered again: the ledger says what changed, and alerts follow it down and up again."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.nights import Charge, ask, in_process, write_bill, write_config

ALERT = {"budgets": {"global": {"amount": 220, "alerts": [{"threshold": 100, "type": "actual"}]}}}
ALERTS = "SELECT alert_id, status, reason, history FROM budget_alerts WHERE x_BillingPeriod = '2026-03'"
#: 21 USD of March that no delivery changes.
STORAGE = Charge("Storage", "1", resource="disk")


class Nights:
    """A company whose March is delivered again and again, at another price a day; 21 days each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = write_config(folder, cost=ALERT)
        self.hour = 0

    def deliver(self, cost: str) -> None:
        """Deliver at a price a day."""
        self.hour += 1
        charges = [Charge(cost=cost), STORAGE]
        write_bill(self.folder / "exports" / "march.csv", charges, at=f"2026-03-22T{self.hour:02}:00:00")

    def run(self) -> str:
        """Return what a run says."""
        ended = in_process("run", "--config", self.config)
        assert ended.code == 0, ended
        return ended.stderr

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        return ask(self.folder / "published" / "costs.duckdb", query)


@dataclass(frozen=True)
class After:
    """What a delivery's night and the one after it said, and the company in between."""

    said: str
    again: str
    nights: Nights
    rows: tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> list[After]:
    """February once, and March at 10, 9.25 and 13 a day: 231, 215.25 and 294 of 220 USD."""
    folder, found = tmp_path_factory.mktemp("restatement"), []
    nights = Nights(folder / "run")
    february = nights.folder / "exports" / "february.csv"
    write_bill(february, [Charge(days=28)], period="2026-02", at="2026-03-01T04:00:00")
    for cost in ("10", "9.25", "13"):
        nights.deliver(cost)
        said, before = nights.run(), nights.ask(ALERTS)
        kept = Nights(Path(shutil.copytree(nights.folder, folder / cost, symlinks=True)))
        found.append(After(said, nights.run(), kept, (before, nights.ask(ALERTS))))
    return found


def test_an_alert_falls_with_a_restatement_and_reopens_in_the_same_row(deliveries: list[After]) -> None:
    assert [each.said for each in deliveries] == [
        "costmill: alert fired: global of 2026-03: actual 100 %, now 105 % (critical)\n",
        "",
        "costmill: alert reopened: global of 2026-03: actual 100 %, now 133.6 % (emergency)\n",
    ]
    (first, fell, again) = (each.nights.ask(ALERTS)[0] for each in deliveries)
    assert fell[:3] == (first[0], "resolved", "spend fell to 215.25 USD, 97.840909 % of 220")
    assert again[:3] == (first[0], "open", None)
    assert [entry["event"] for entry in json.loads(again[3])] == ["fired", "resolved", "reopened"]


def test_runs_between_the_deliveries_tell_and_write_nothing(deliveries: list[After]) -> None:
    assert [each.again for each in deliveries] == ["", "", ""]
    for each in deliveries:
        before, after = each.rows
        assert after == before != []


def test_the_ledger_keeps_each_delivery_and_what_replaced_it(deliveries: list[After]) -> None:
    query = "SELECT status, replaced_by IS NULL, charges FROM loads WHERE x_BillingPeriod = '2026-03' ORDER BY status"
    assert deliveries[1].nights.ask(query) == [("loaded", True, 42), ("replaced", False, 42)]


def test_a_restatement_says_rows_and_money_before_and_after_of_what_changed_alone(deliveries: list[After]) -> None:
    rows = deliveries[1].nights.ask(
        "SELECT ServiceName, charges_before, charges_after, BilledCost_before, BilledCost_after FROM restatements"
    )
    assert rows == [("Virtual Machines", 21, 21, Decimal(210), Decimal("194.25"))]


def test_the_report_shows_the_restatement(deliveries: list[After]) -> None:
    text = (deliveries[1].nights.folder / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")
    assert "−$15.75" in text
    assert "$215.25" in text


def test_a_restated_month_renders_the_next_one_too_which_compares_with_it(
    deliveries: list[After], tmp_path: Path
) -> None:
    shutil.copytree(deliveries[0].nights.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    nights = Nights(tmp_path)
    february = nights.folder / "exports" / "february.csv"
    write_bill(february, [Charge(cost="8", days=28)], period="2026-02", at="2026-03-05T04:00:00")
    nights.run()
    rows = nights.ask(
        "SELECT previous_BilledCost FROM trend_summary WHERE x_BillingPeriod = '2026-03' AND grain = 'month'"
    )
    assert rows == [(Decimal(224),)]


def test_an_alert_follows_a_delivery_that_waits_only_when_it_is_accepted(
    deliveries: list[After], tmp_path: Path
) -> None:
    shutil.copytree(deliveries[0].nights.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    nights = Nights(tmp_path)
    nights.hour = 7
    nights.deliver("5")
    status = "SELECT status FROM budget_alerts WHERE x_BillingPeriod = '2026-03'"
    assert in_process("run", "--config", nights.config).code == 65
    assert nights.ask(status) == [("open",)]
    [(load_id,)] = nights.ask("SELECT load_id FROM loads WHERE status = 'quarantined'")
    assert in_process("deliveries", "accept", load_id, "--config", nights.config).code == 0
    nights.run()
    assert nights.ask(status) == [("resolved",)]
    nights.deliver("11")
    assert "alert reopened" in nights.run()
