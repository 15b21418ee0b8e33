"""Resources, restatements and AI usage as documents: all rows, and the figures of the charges."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from pipeline import money
from pipeline.reports.documents import REPORTS
from pipeline.reports.writers import as_json
from pipeline.store.warehouse import Warehouse
from tests.reports import warehouse as fixture
from tests.reports.editions.conftest import column, fact, table, told


@pytest.mark.parametrize(
    ("period", "where"),
    [
        ("2026-02", "x_BillingPeriod = '2026-02'"),
        ("2026-W07", "ChargePeriodStart >= '2026-02-09' AND ChargePeriodStart < '2026-02-16'"),
    ],
)
def test_resources_are_what_their_charges_sum_to(sampled: Warehouse, period: str, where: str) -> None:
    [document] = told(sampled, "resources", period)
    asked = f"""SELECT ResourceId, sum(BilledCost) FROM focus_data_table
        WHERE x_Origin = 'billed' AND BillingCurrency = 'USD' AND {where} GROUP BY ALL"""
    expected = dict(sampled.rows(asked))
    found: dict[str, list[object]] = {}
    own = table(document, "resources")
    for name, billed in zip(column(own, "ResourceId"), column(own, "BilledCost"), strict=True):
        found.setdefault(name, []).append(billed)
    without = expected.pop(None, None)
    assert {name: money.total(each) for name, each in found.items()} == expected  # type: ignore[arg-type]
    unattached = [each for each in document.tables if each.name == "unattached"]
    assert [money.total(column(each, "BilledCost")) for each in unattached] == ([without] if without else [])
    assert own.searchable


def test_restatements_are_all_there(rich_warehouse: Warehouse) -> None:
    [document] = told(rich_warehouse, "restatements", fixture.PERIOD)
    own = table(document, "restatements")
    assert len(own.rows) == 3
    assert own.total is not None
    assert fact(document, "change").value == own.total[2]
    [day] = told(rich_warehouse, "restatements", "2026-03-22")
    assert day.tables == document.tables
    [before] = told(rich_warehouse, "restatements", "2026-03-21")
    assert before.headline.endswith("nothing changed")


def test_restatements_of_a_week_are_those_that_were_delivered_in_it_whenever_they_were_loaded(
    sampled: Warehouse,
) -> None:
    [week] = told(sampled, "restatements", "2026-W10")
    own = table(week, "restatements")
    assert set(column(own, "x_BillingPeriod")) == {"2026-02"}
    assert set(column(own, "delivered_at")) == {datetime(2026, 3, 5, 6, 8)}
    [month] = told(sampled, "restatements", "2026-02")
    assert own.rows == table(month, "restatements").rows


@pytest.mark.parametrize("period", ["2026-03", "2026-03-21", "2026-Q1"])
def test_every_report_s_json_is_as_its_schema_says(rich_warehouse: Warehouse, period: str) -> None:
    schema = json.loads((Path(__file__).resolve().parents[3] / "docs" / "report.schema.json").read_text())
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema)
    for report in REPORTS:
        for document in told(rich_warehouse, report, period):
            errors = validator.iter_errors(json.loads(as_json.text(document)))
            assert [(report, error.message) for error in errors] == []


def test_models_are_what_the_rollup_sums_to(sampled: Warehouse) -> None:
    [document] = told(sampled, "models", "2026-03")
    expected = sampled.rows(
        "SELECT x_Origin, sum(BilledCost), sum(tokens) FROM model_summary WHERE x_BillingPeriod = '2026-03' GROUP BY ALL"
    )
    assert expected
    for origin, billed, tokens in expected:
        own = table(document, f"models_{origin}")
        assert (money.total(column(own, "BilledCost")), money.total(column(own, "tokens"))) == (billed, tokens)


def test_a_tenant_s_file_gives_the_tenant_s_reports(rich_warehouse: Warehouse) -> None:
    rich_warehouse.execute("BEGIN TRANSACTION")
    rich_warehouse.execute("INSERT INTO settings VALUES ('tenant', 'acme')")
    try:
        found = {report: told(rich_warehouse, report, "2026-W12")[0] for report in ("costs", "budgets", "restatements")}
    finally:
        rich_warehouse.execute("ROLLBACK")
    assert {own.tenant for own in found.values()} == {"acme"}
    assert all("of acme" in own.title for own in found.values())
    assert found["restatements"].parts[0].empty == "What deliveries changed is not told apart by tenant."
    assert {own.name for own in found["budgets"].tables} == {"budgets", "alerts"}
    assert column(table(found["budgets"], "budgets"), "budget_id") == ["policy:calls", "policy:off"]


def test_a_month_s_commitments_are_its_summary_s(rich_warehouse: Warehouse) -> None:
    [document] = told(rich_warehouse, "commitments", fixture.PERIOD)
    expected = rich_warehouse.rows(
        """SELECT CommitmentDiscountId, unused_EffectiveCost, utilisation_percent FROM commitment_summary
        WHERE x_BillingPeriod = ? AND x_Origin = 'billed' AND BillingCurrency = 'USD'
        ORDER BY unused_EffectiveCost DESC, used_EffectiveCost DESC, x_Provider, CommitmentDiscountId""",
        [fixture.PERIOD],
    )
    own = table(document, "commitments")
    assert expected
    shown = ("CommitmentDiscountId", "unused_EffectiveCost", "utilisation_percent")
    assert list(zip(*(column(own, name) for name in shown), strict=True)) == expected


def test_commitments_of_days_add_up_to_those_of_the_months(sampled: Warehouse) -> None:
    [months] = told(sampled, "commitments", "2026-Q1")
    [days] = told(sampled, "commitments", "2026-01-01..2026-03-31")
    own = table(months, "commitments")
    periods = ("2026-01", "2026-02", "2026-03")
    per_month = [table(told(sampled, "commitments", each)[0], "commitments") for each in periods]
    for name in ("used_EffectiveCost", "unused_EffectiveCost", "x_ChargeCount"):
        whole = money.total(column(own, name))
        assert whole == money.total(column(table(days, "commitments"), name))
        assert whole == money.total(value for each in per_month for value in column(each, name))
