"""Several currencies in one warehouse: never summed, converted at the configured rates, told where there is none."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs
from pipeline.config import load_settings
from tests.jobs.conftest import Say
from tests.jobs.nights import UNTOUCHED, Charge, ask, budgets, dump, facts, write_bill, write_config

BILL = [
    Charge(service="VM", cost="10", currency="USD"),
    Charge(service="VM", cost="5", currency="EUR", resource="vm-2"),
    Charge(service="DB", cost="2", currency="EUR", resource="db-1"),
    Charge(service="DB", cost="1", currency="MC", resource="db-2"),
]
#: 21 days of each, and EUR at 1.08: 210 + 147 x 1.08 = 368.76 USD, and 21 MC that are no money.
MISSING = "not converted to USD, so not in these rows: 21 MC; it is no ISO 4217 currency, which no rate converts"


def rates(eur: str = "1.08", period: str = "2026-03") -> dict[str, Any]:
    return {"report": "USD", "rates": {period: {"EUR": eur}}}


def report(folder: Path, period: str = "2026-03") -> str:
    return (folder / "reports" / period / "report.md").read_text(encoding="utf-8")


def published(folder: Path) -> Path:
    return folder / "published" / "costs.duckdb"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after the run over March in three currencies."""
    folder = tmp_path_factory.mktemp("night")
    write_bill(folder / "exports" / "march.csv", BILL)
    config = write_config(folder, currency=rates())
    assert jobs.run(load_settings(config, environ={})).exit_code == 0
    return folder


def test_every_summary_keeps_currencies_apart(night: Path) -> None:
    for table, only in (
        ("category_summary", "true"),
        ("resource_summary", "true"),
        ("tag_summary", "TagKey = 'team'"),
        ("trend_summary", "grain = 'day'"),
    ):
        query = f"SELECT BillingCurrency, sum(BilledCost) FROM {table} WHERE {only} GROUP BY ALL ORDER BY 1"
        found = ask(published(night), query)
        assert found == [("EUR", Decimal(147)), ("MC", Decimal(21)), ("USD", Decimal(210))], table


def test_the_report_says_what_all_is_worth_and_what_is_not_converted(night: Path) -> None:
    text = report(night)
    section = text[text.index("## All in USD at the configured rates") :]
    assert "Billed $368.76, effective cost $368.76, without what has no rate." in section
    assert "**Not converted:** MC 21.00; it is no ISO 4217 currency, which no rate converts." in section
    assert "| EUR | €147.00 | 1.08 | $158.76 | $158.76 |" in section
    assert "| MC | MC 21.00 | – | – | – |" in section


def test_a_report_has_nothing_to_convert_without_a_currency_or_with_the_bill_s(tmp_path: Path, say: Say) -> None:
    write_bill(tmp_path / "exports" / "march.csv")
    for currency in (None, {"report": "USD"}):
        say("run", "--config", write_config(tmp_path, currency=currency))
        (tmp_path / "reports" / "2026-03" / "report.md").rename(written := tmp_path / "report.md")
        assert "configured rates" not in written.read_text(encoding="utf-8")


def test_a_restated_rate_makes_an_old_months_answers_anew_and_no_charge(tmp_path: Path, say: Say) -> None:
    write_bill(tmp_path / "exports" / "feb.csv", BILL[:3], period="2026-02")
    cost, query = budgets(1000), "SELECT current_spend FROM budget_status WHERE x_BillingPeriod = '2026-02'"
    say("run", "--config", write_config(tmp_path, currency=rates(period="2026-02"), cost=cost))
    before = ask(published(tmp_path), "SELECT load_id FROM loads"), ask(published(tmp_path), query)
    asked = say("summarise", "resource", "--currency", "USD", "--config", tmp_path / "costmill.yaml")
    assert (asked.code, asked.stderr) == (0, "")  # everything is converted
    restated = write_config(tmp_path, currency=rates("1.10", period="2026-02"), cost=cost)
    told = say("run", "--config", restated, "-v").stderr
    assert "(changed in the configuration)" in told
    assert "Billed $371.70" in report(tmp_path, "2026-02")
    after = ask(published(tmp_path), "SELECT load_id FROM loads"), ask(published(tmp_path), query)
    assert (before[1], after[1]) == ([(Decimal("368.76"),)], [(Decimal("371.7"),)])
    assert before[0] == after[0]


def test_unchanged_rates_write_nothing(night: Path, say: Say) -> None:
    config, folder = night / "costmill.yaml", night
    warehouse = folder / "warehouse" / "costs.duckdb"
    tables, files = dump(warehouse, UNTOUCHED), (facts(folder / "published"), facts(folder / "reports"))
    assert say("run", "--config", config).code == 0
    assert dump(warehouse, UNTOUCHED) == tables
    assert (facts(folder / "published"), facts(folder / "reports")) == files


class TestSummarise:
    """`costmill summarise NAME --currency CODE`."""

    def test_it_adds_what_the_rates_convert_and_tells_the_rest(self, night: Path, say: Say) -> None:
        config = night / "costmill.yaml"
        ended = say("summarise", "category", "--currency", "USD", "--format", "csv", "--config", config)
        rows = {row["ServiceName"]: row for row in csv.DictReader(io.StringIO(ended.stdout))}
        assert {name: row["BilledCost"] for name, row in rows.items()} == {"VM": "323.4", "DB": "45.36"}
        assert {row["BillingCurrency"] for row in rows.values()} == {"USD"}
        assert (ended.code, ended.stderr) == (78, f"costmill: {MISSING}\n")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("category", "--currency", "EUR"), "convert to currency.report only, and it is USD"),
            (("trend", "--currency", "USD"), "category, resource and tag alone"),
            (("--currency", "USD"), "--currency needs the name of a summary"),
        ],
        ids=["other_currency", "no_sum", "no_name"],
    )
    def test_it_refuses_what_it_cannot_convert(
        self, night: Path, say: Say, arguments: tuple[str, ...], message: str
    ) -> None:
        ended = say("summarise", *arguments, "--config", night / "costmill.yaml")
        assert ended.code == 64
        assert message in ended.stderr


def test_the_view_gives_analysts_the_same_money(night: Path) -> None:
    query = "SELECT x_ReportCurrency, sum(BilledCost), count(*) FILTER (WHERE x_Rate IS NULL) FROM converted_costs GROUP BY 1"
    assert ask(published(night), query) == [("USD", Decimal("368.76"), 21)]
