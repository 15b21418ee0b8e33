"""Tag coverage by owner, and the fiscal summary over months."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from pipeline.summaries import fiscal_summary, tag_coverage, trend_summary
from tests.summaries.rows import column, cost, daily, resource_costs, resources, tags

TAGS = tags({"web": {"team": "web"}, "lab": {"team": "", "env": "dev"}})
OWNERS = resources(
    {"x_ResourceKey": "r1", "SubAccountId": "a", "SubAccountName": "Shop"},
    {"x_ResourceKey": "r2", "SubAccountId": "b"},
    {"x_ResourceKey": "r3"},
)


def billed(resource: str, tag_set: str | None, amount: str, **columns: Any) -> dict[str, Any]:
    return {"x_ResourceKey": resource, "x_TagSetId": tag_set, "BilledCost": Decimal(amount), **columns}


def test_each_owner_has_its_tagged_and_untagged_cost_per_key() -> None:
    costs = resource_costs(billed("r1", "web", "3"), billed("r1", None, "1"), billed("r2", "lab", "5"))
    rows = tag_coverage(costs, TAGS, OWNERS, ["team"])
    assert column(rows, "owner") == ["a", "b"]
    assert column(rows, "tagged_BilledCost") == [3, 5]
    assert column(rows, "untagged_BilledCost") == [1, 0]
    assert column(rows, "tagged_share") == [Decimal("0.75"), 1]


def test_charges_of_no_owner_have_a_row_of_their_own() -> None:
    rows = tag_coverage(resource_costs(billed("r3", None, "7")), TAGS, OWNERS, ["team"])
    assert (column(rows, "owner"), column(rows, "untagged_charges")) == ([None], [1])


def test_an_owner_whose_cost_is_zero_has_no_share() -> None:
    rows = tag_coverage(resource_costs(billed("r1", "web", "3"), billed("r1", None, "-3")), TAGS, OWNERS, ["team"])
    assert (column(rows, "tagged_share"), column(rows, "tagged_BilledCost")) == ([None], [3])


def test_any_column_can_be_the_owner() -> None:
    owners = pl.LazyFrame({"x_ResourceKey": ["r1", "r2"], "who": ["ann", "ann"], "mail": [None, None]})
    costs = resource_costs(billed("r1", "web", "3"), billed("r2", None, "1"))
    rows = tag_coverage(costs, TAGS, owners, ["team"], dimension="owner", owner="who", owner_name="mail")
    assert (column(rows, "dimension"), column(rows, "owner"), column(rows, "tagged_share")) == (
        ["owner"],
        ["ann"],
        [Decimal("0.75")],
    )


def test_without_keys_every_key_of_the_bill_is_covered_and_recorded_calls_are_not() -> None:
    costs = resource_costs(billed("r1", "lab", "3"), billed("r1", "web", "9", x_Origin="recorded"))
    assert column(tag_coverage(costs, TAGS, OWNERS, []), "TagKey") == ["env", "team"]
    assert column(tag_coverage(costs, TAGS, OWNERS, ["team"]), "tagged_BilledCost") == [3]


def months(*bills: tuple[str, str]) -> pl.LazyFrame:
    """The month rows of trend_summary of complete billing periods."""
    rows = []
    for period, amount in bills:
        own = daily(cost(f"{period}-01", amount))
        frame = trend_summary(own, period=period, last_complete_day=date(2030, 1, 1)).collect()
        rows.append(frame.filter(grain="month"))
    return pl.concat(rows).lazy()


def test_quarters_and_years_sum_their_billing_periods() -> None:
    rows = fiscal_summary(months(("2026-01", "1"), ("2026-02", "2"), ("2026-04", "4")), year_start=2)
    assert list(
        zip(column(rows, "fiscal_period"), column(rows, "BilledCost"), column(rows, "months_loaded"), strict=True)
    ) == [
        ("FY2026", Decimal(1), 1),
        ("FY2026-Q4", Decimal(1), 1),
        ("FY2027-Q1", Decimal(6), 2),
        ("FY2027", Decimal(6), 2),
    ]


def test_a_quarter_is_compared_by_the_day_with_the_one_before() -> None:
    rows = fiscal_summary(months(("2026-01", "31"), ("2026-02", "56"), ("2026-04", "90")), year_start=1)
    found = dict(zip(column(rows, "fiscal_period"), column(rows, "daily_change_percent"), strict=True))
    before = Decimal(87) / 59
    assert found["FY2026-Q2"] == round((3 - before) / before * 100, 6)
    assert found["FY2026"] is None
