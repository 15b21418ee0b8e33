"""The queries that come with Costmill: each runs on a loaded warehouse and says what sample_data/totals.json says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import resources
from pipeline.config import SourceSettings
from pipeline.money import total
from pipeline.store.warehouse import Warehouse
from tests import sample

FILES = {path.stem: path for path in sorted((resources.folder("sql") / "queries").glob("*.sql"))}
LATEST, PREVIOUS = "2026-03", "2026-02"
BROKEN = """\
BilledCost,EffectiveCost,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory
1,1,USD,2026-03-01,2026-04-01,2026-03-01,2026-03-02,Usage
one,1,USD,2026-03-01,2026-04-01,2026-03-02,2026-03-03,Usage
"""
#: Queries on what the sample's bills do not have, asked where such a bill is loaded (tests/load/test_aws_focus.py).
ELSEWHERE = {"split_costs"}

Row = dict[str, Any]
Ask = Callable[[str], list[Row]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Ask a query by name: its rows by column name. Beside the sample stands a source whose delivery is refused."""
    folder = tmp_path_factory.mktemp("queries")
    (folder / "broken.csv").write_text(BROKEN, encoding="utf-8")
    broken = SourceSettings("broken", str(folder / "broken.csv"), "auto", "billed", (), Decimal(0), Decimal("0.1"))
    with Warehouse.open(sample.with_source(tmp_path_factory, broken), read_only=True) as warehouse:
        yield lambda name: warehouse.frame(FILES[name].read_text(encoding="utf-8")).to_dicts()


def added(rows: list[Row], column: str, **where: Any) -> Decimal:
    """The exact sum of a column over the rows that have these values."""
    return total(row[column] for row in rows if all(row[name] == value for name, value in where.items()))


@pytest.mark.parametrize("name", [name for name in FILES if name not in ELSEWHERE])
def test_a_query_has_rows(name: str, ask: Ask) -> None:
    assert ask(name)


@pytest.mark.parametrize("name", FILES)
def test_money_stands_beside_its_currency(name: str, ask: Ask) -> None:
    for row in ask(name):
        has_money = any(isinstance(value, Decimal) for value in row.values())
        assert not has_money or {"BillingCurrency", "currency"} & set(row)


@pytest.mark.parametrize("name", FILES)
def test_a_query_opens_with_its_name_and_a_question_and_stays_short(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    comment = [line for line in text.splitlines() if line.startswith("--")]
    assert re.fullmatch(rf"-- {name}: [A-Z].*\?", comment[0])
    assert comment[1].startswith("-- A row is ")
    assert len(comment) > 2
    assert len(text.splitlines()) <= 80


@pytest.mark.parametrize("name", FILES)
def test_a_query_is_one_statement_without_parameters(name: str) -> None:
    code = re.sub(r"--.*", "", FILES[name].read_text(encoding="utf-8"))
    assert not re.search(r"[;$?]", code)
    assert code.strip().startswith(("SELECT", "WITH"))


@pytest.mark.parametrize("name", FILES)
def test_a_quotient_is_written_as_the_double_that_it_is(name: str) -> None:
    code = re.sub(r"--.*", "", FILES[name].read_text(encoding="utf-8"))
    assert code.count("/") == len(re.findall(r"DOUBLE\)\s*/ nullif\(CAST\(", code))
    assert "avg(" not in code


def test_the_documentation_lists_exactly_these_queries(project_root: Path) -> None:
    rows = re.findall(
        r"^\| \[`(\w+)`\]\(\.\./sql/queries/(\w+)\.sql\) \| (.+) \|$",
        (project_root / "docs" / "queries.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    first = {name: path.read_text(encoding="utf-8").split("\n", 1)[0] for name, path in FILES.items()}
    assert rows == [(name, name, line.split(": ", 1)[1]) for name, line in first.items()]


def test_top_services_compares_the_latest_month_with_the_one_before(ask: Ask) -> None:
    compute, *rest = ask("top_services")
    assert (compute["x_BillingPeriod"], compute["ServiceName"]) == (LATEST, "Amazon Elastic Compute Cloud")
    assert compute["change"] == compute["BilledCost"] - compute["previous_BilledCost"] > 2000
    assert all(row["BilledCost"] <= compute["BilledCost"] for row in rest)


def test_the_three_machines_are_new_and_the_rest_of_compute_was_used_less(ask: Ask) -> None:
    compute = ask("why_it_moved")[0]
    reasons = ("usage", "price", "new", "gone", "credits", "refunds", "tax", "fees_and_other")
    assert compute["change"] == total(compute[name] for name in reasons)
    assert (compute["ServiceName"], compute["new"]) == ("Amazon Elastic Compute Cloud", Decimal("5855.8464"))
    assert compute["usage"] < 0 == compute["gone"]


def test_untagged_money_is_what_no_team_has(ask: Ask) -> None:
    rows = ask("untagged_money")
    whole = sample.scope("global", LATEST)
    assert {row["TagKey"] for row in rows} == {"app", "env", "team"}
    assert added(rows, "untagged_BilledCost", TagKey="team") == whole - sample.scope("with a team tag", LATEST)


def test_restated_shows_what_the_second_february_changed(ask: Ask) -> None:
    rows = ask("restated")
    before = sample.file_sum("BilledCost", period=PREVIOUS, source="aws-prod", current=False)
    after = sample.file_sum("BilledCost", period=PREVIOUS, source="aws-prod")
    assert added(rows, "change", x_BillingPeriod=PREVIOUS) == after - before
    assert added(rows, "change", ServiceName="Amazon Elastic Compute Cloud", x_BillingPeriod=PREVIOUS) < 0


def test_savings_are_list_less_effective_cost_of_usage(ask: Ask) -> None:
    rows = ask("savings")
    assert all(row["saved"] == row["ListCost"] - row["EffectiveCost"] for row in rows)
    machines = next(row for row in rows if row["ServiceName"] == "Virtual Machines")
    assert 0 < machines["saved"] < machines["ListCost"]
    assert machines["saved_percent"] == pytest.approx(float(100 * machines["saved"] / machines["ListCost"]), abs=0.05)


@pytest.mark.parametrize("period", ["2026-01", PREVIOUS, LATEST])
def test_commitments_tell_used_from_unused_as_the_bill_does(period: str, ask: Ask) -> None:
    plans = [row for row in ask("commitments") if row["x_Provider"] == "aws"]
    used = sample.file_sum("savings_plan_used_commitment", period=period, source="aws-prod")
    bought = sample.file_sum("savings_plan_total_commitment_to_date", period=period, source="aws-prod")
    idle = sample.file_sum("reservation_unused_recurring_fee", period=period, source="aws-prod")
    in_period = {"x_BillingPeriod": period, "CommitmentDiscountType": "Savings Plan"}
    assert added(plans, "used", **in_period) == used
    assert added(plans, "unused", **in_period) == bought - used
    assert added(plans, "unused", x_BillingPeriod=period, CommitmentDiscountType="Reserved Instance") == idle


def test_covered_usage_is_what_commitments_cover_and_leaves_out_storage_of_the_same_service(ask: Ask) -> None:
    rows, plans = ask("covered_usage"), [row for row in ask("commitments") if row["x_BillingPeriod"] == LATEST]
    assert added(rows, "covered_ListCost") == added(plans, "covered_ListCost") > 0
    assert {row["ServiceCategory"] for row in rows} == {"Compute", "Databases"}
    for row in rows:
        share = float(row["covered_ListCost"]) / float(row["covered_ListCost"] + row["uncovered_ListCost"])
        assert row["covered_percent"] == pytest.approx(100 * share, abs=0.05)


def test_days_of_the_latest_month_sum_to_its_bill(ask: Ask) -> None:
    rows = ask("daily_by_provider")
    for provider in ("aws", "azure"):
        assert added(rows, "BilledCost", x_Provider=provider) == sample.scope(f"provider:{provider}", LATEST)
        assert added(rows, "usage_BilledCost", x_Provider=provider) == sample.scope(
            f"provider:{provider}", LATEST, "usage"
        )


def test_every_day_of_usage_is_complete(ask: Ask) -> None:
    last = max(row["ChargeDay"] for row in ask("daily_by_provider") if row["is_complete"])
    assert last.isoformat() == sample.totals()["data_through"]


def test_the_forgotten_machine_is_among_the_biggest_resources(ask: Ask) -> None:
    rows = ask("biggest_resources")
    costs = [row["BilledCost"] for row in rows]
    assert costs == sorted(costs, reverse=True)
    [machine] = [row for row in rows if row["BilledCost"] == Decimal("2883.6864")]
    assert (machine["x_ResourceType"], machine["SubAccountName"]) == ("aws:ec2/instance", "lumen-data")


@pytest.mark.parametrize("team", ["ml", "platform"])
def test_accounts_of_a_team_sum_to_its_spend(team: str, ask: Ask) -> None:
    rows = ask("account_and_team")
    assert added(rows, "BilledCost", team=team) == sample.scope(f"tag:team:{team}", LATEST)
    assert added(rows, "BilledCost") == sample.scope("global", LATEST)


def test_the_parts_of_a_bill_sum_to_it(ask: Ask) -> None:
    rows = ask("credits_refunds_tax")
    parts = ("usage", "purchases", "credits", "refunds", "tax", "other")
    assert all(total(row[part] for part in parts) == row["BilledCost"] for row in rows)
    assert added(rows, "refunds", x_BillingPeriod=PREVIOUS) == Decimal("-63.20")
    assert added(rows, "usage", x_BillingPeriod=PREVIOUS) == sample.scope("global", PREVIOUS, "usage")


def test_what_is_loaded_reconciles_with_the_files(ask: Ask) -> None:
    rows = ask("reconciliation")
    loaded = [row for row in rows if row["status"] == "loaded"]
    assert all(row["is_reconciled"] for row in loaded)
    recorded = total(Decimal(each["cost"]) for each in sample.totals()["usage"])
    wanted = total([sample.file_sum("BilledCost"), recorded])
    assert added(loaded, "file_BilledCost") == added(loaded, "charges_BilledCost") == wanted
    assert sorted(row["status"] for row in rows if row not in loaded) == ["refused", "replaced", "replaced"]


def test_rejected_rows_name_file_line_column_and_value(ask: Ask) -> None:
    [row] = ask("rejected")
    assert (row["x_Source"], row["status"]) == ("broken", "refused")
    assert (row["record"], row["line"], row["column_name"], row["value"]) == (2, 3, "BilledCost", "one")


def test_every_source_reaches_the_same_day(ask: Ask) -> None:
    rows = ask("source_freshness")
    assert {row["x_Source"] for row in rows} == {"aws-legacy", "aws-prod", "azure-focus"}
    assert {row["last_complete_day"].isoformat() for row in rows} == {sample.totals()["data_through"]}
    assert {row["days_behind"] for row in rows} == {0}


def test_budgets_stand_where_the_files_say(ask: Ask) -> None:
    rows = ask("budgets")
    assert [row["budget_id"] for row in rows][:2] == ["global", "provider:aws"]
    assert all(row["current_spend"] == sample.scope(row["budget_id"], LATEST) for row in rows)
    [exceeded] = [row for row in rows if row["health"] == "EXCEEDED"]
    assert (exceeded["budget_id"], exceeded["remaining"]) == ("tag:team:ml", Decimal("-562.032419142"))
    assert "100.0 percent actual" in exceeded["open_alerts"]


def test_three_machines_and_a_savings_plan_are_new(ask: Ask) -> None:
    rows = ask("new_and_gone")
    assert {row["what"] for row in rows} == {"new"}
    assert sorted(row["x_ResourceType"] for row in rows) == ["aws:ec2/instance"] * 3 + ["aws:savingsplans/savingsplan"]


def test_the_dearest_unit_is_priced_as_aws_prices_it(ask: Ask) -> None:
    row = ask("unit_prices")[0]
    assert (row["SkuMeter"], row["PricingUnit"]) == ("BoxUsage:p5.4xlarge", "Hours")
    assert row["BilledCost"] == row["PricingQuantity"] * Decimal("6.88")
    assert row["effective_unit_price"] == row["list_unit_price"] == 6.88


def test_models_cost_what_the_log_says_by_the_token_and_by_the_call(ask: Ask) -> None:
    recorded = [row for row in ask("ai_models") if row["x_Origin"] == "recorded"]
    wanted = {each["model"]: each for each in sample.totals()["usage"] if each["billing_period"] == LATEST}
    assert {row["model"] for row in recorded} == set(wanted)
    for row in recorded:
        own = wanted[row["model"]]
        assert (row["BilledCost"], row["tokens"]) == (Decimal(own["cost"]), Decimal(own["tokens"]))
        assert (row["calls"], row["failed_calls"]) == (own["calls"], own["failed"])
        if row["tokens"]:
            assert row["cost_per_million_tokens"] == pytest.approx(
                float(own["cost"]) * 1e6 / float(own["tokens"]), rel=1e-5
            )


def test_a_million_billed_tokens_cost_their_list_price(ask: Ask) -> None:
    billed = {
        row["operation"]: row["cost_per_million_tokens"] for row in ask("ai_models") if row["x_Origin"] == "billed"
    }
    assert (billed["USE1-Claude4Sonnet-input-tokens"], billed["USE1-Claude4Sonnet-output-tokens"]) == (3, 15)
