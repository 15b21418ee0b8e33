"""A month delivered again: the ledger says what changed, and alerts follow it down and up again."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.conftest import Say
from tests.jobs.nights import Charge, ask, write_bill, write_config

ALERT = {"budgets": {"global": {"amount": 200, "alerts": [{"threshold": 100, "type": "actual"}]}}}


class Nights:
    """A company whose March is delivered again and again, at another price a day; 21 days each."""

    def __init__(self, folder: Path, say: Say) -> None:
        self.folder, self.say, self.hour = folder, say, 0
        self.config = write_config(folder, cost=ALERT)

    def deliver(self, cost: str) -> str:
        """Deliver at a price a day, run, and return what the run said."""
        self.hour += 1
        write_bill(self.folder / "exports" / "march.csv", [Charge(cost=cost)], at=f"2026-03-22T{self.hour:02}:00:00")
        return self.run()

    def run(self) -> str:
        ended = self.say("run", "--config", self.config)
        assert ended.code == 0
        return ended.stderr

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        return ask(self.folder / "published" / "costs.duckdb", query)


@pytest.fixture
def nights(tmp_path: Path, say: Say) -> Nights:
    return Nights(tmp_path, say)


def test_an_alert_falls_with_a_restatement_and_reopens_in_the_same_row(nights: Nights) -> None:
    assert nights.deliver("10") == "costmill: alert fired: global of 2026-03: actual 100 %, now 105 % (critical)\n"
    [(first,)] = nights.ask("SELECT alert_id FROM budget_alerts")
    assert nights.deliver("9") == ""
    assert nights.ask("SELECT alert_id, status, reason FROM budget_alerts") == [
        (first, "resolved", "spend fell to 189 USD, 94.500000 % of 200")
    ]
    assert (
        nights.deliver("13") == "costmill: alert reopened: global of 2026-03: actual 100 %, now 136.5 % (emergency)\n"
    )
    [(again, status, reason, history)] = nights.ask("SELECT alert_id, status, reason, history FROM budget_alerts")
    assert (again, status, reason) == (first, "open", None)
    assert [entry["event"] for entry in json.loads(history)] == ["fired", "resolved", "reopened"]


def test_runs_between_the_deliveries_tell_and_write_nothing(nights: Nights) -> None:
    for cost in ("10", "9", "13"):
        nights.deliver(cost)
        before = nights.ask("SELECT * FROM budget_alerts")
        assert [nights.run(), nights.run()] == ["", ""]
        assert nights.ask("SELECT * FROM budget_alerts") == before


def test_the_ledger_keeps_each_delivery_and_what_replaced_it(nights: Nights) -> None:
    nights.deliver("10")
    nights.deliver("9")
    rows = nights.ask("SELECT status, replaced_by IS NULL, charges FROM loads ORDER BY status")
    assert rows == [("loaded", True, 21), ("replaced", False, 21)]


def test_a_restatement_says_rows_and_money_before_and_after(nights: Nights) -> None:
    nights.deliver("10")
    nights.deliver("9.5")
    rows = nights.ask(
        "SELECT ServiceName, charges_before, charges_after, BilledCost_before, BilledCost_after FROM restatements"
    )
    assert rows == [("Virtual Machines", 21, 21, Decimal(210), Decimal("199.5"))]


def test_a_service_that_did_not_change_is_no_restatement(nights: Nights) -> None:
    write_bill(nights.folder / "exports" / "march.csv", [Charge(), Charge("Storage", resource="disk")])
    nights.run()
    path = nights.folder / "exports" / "march.csv"
    write_bill(path, [Charge(), Charge("Storage", "11", resource="disk")], at="2026-03-22T05:00:00")
    nights.run()
    assert nights.ask("SELECT ServiceName FROM restatements") == [("Storage",)]


def test_the_report_shows_the_restatement(nights: Nights) -> None:
    nights.deliver("10")
    nights.deliver("9")
    text = (nights.folder / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")
    assert "−$21.00" in text
    assert "$189.00" in text


def test_a_restated_month_renders_the_next_one_too_which_compares_with_it(nights: Nights) -> None:
    exports = nights.folder / "exports"
    write_bill(exports / "february.csv", [Charge(days=28)], period="2026-02", at="2026-03-01T04:00:00")
    nights.deliver("10")
    write_bill(exports / "february.csv", [Charge(cost="8", days=28)], period="2026-02", at="2026-03-05T04:00:00")
    nights.run()
    rows = nights.ask(
        "SELECT previous_BilledCost FROM trend_summary WHERE x_BillingPeriod = '2026-03' AND grain = 'month'"
    )
    assert rows == [(Decimal(224),)]


def test_an_alert_follows_a_delivery_that_waits_only_when_it_is_accepted(nights: Nights) -> None:
    nights.deliver("10")
    write_bill(nights.folder / "exports" / "march.csv", [Charge(cost="5")], at="2026-03-22T08:00:00")
    assert nights.say("run", "--config", nights.config).code == 65
    assert nights.ask("SELECT status FROM budget_alerts") == [("open",)]
    [(load_id,)] = nights.ask("SELECT load_id FROM loads WHERE status = 'quarantined'")
    assert nights.say("deliveries", "accept", load_id, "--config", nights.config).code == 0
    nights.run()
    assert nights.ask("SELECT status FROM budget_alerts") == [("resolved",)]
    write_bill(nights.folder / "exports" / "march.csv", [Charge(cost="11")], at="2026-03-22T09:00:00")
    assert "alert reopened" in nights.run()
