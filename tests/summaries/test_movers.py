"""mover_summary: what changed the bill."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from pipeline.summaries import mover_summary
from tests.summaries.rows import cost, daily

END = date(2026, 3, 31)


def services(*rows: dict[str, Any], last: date | None = END) -> pl.DataFrame:
    movers = mover_summary(daily(*rows), period="2026-03", last_complete_day=last)
    return movers.filter(pl.col("dimension") == "ServiceName").collect()


def test_the_month_before_is_brought_to_the_covered_days() -> None:
    rows = [cost("2026-02-20", "280", ServiceName="EC2"), cost("2026-03-02", "150", ServiceName="EC2")]
    (row,) = services(*rows, last=date(2026, 3, 10)).select("expected_BilledCost", "change", "share_of_change").rows()
    assert row == (Decimal(100), Decimal(50), Decimal(1))


def test_expected_is_rounded_half_even_at_eighteen_decimals() -> None:
    rows = [cost("2026-02-20", "0.000000000000000003"), cost("2026-02-20", "10", ServiceName="EC2")]
    expected = services(*rows, last=date(2026, 3, 14))["expected_BilledCost"].to_list()
    assert expected == [Decimal(5), Decimal("0.000000000000000002")]


def test_what_is_dated_after_the_last_complete_day_is_not_compared() -> None:
    rows = services(cost("2026-02-20", "28"), cost("2026-03-03", "4"), cost("2026-03-04", "9"), last=date(2026, 3, 3))
    assert rows.select("BilledCost", "change").rows() == [(Decimal(4), Decimal(1))]


def test_a_whole_month_compares_the_whole_bill() -> None:
    rows = services(cost("2026-02-20", "28"), cost("2026-04-02", "9", x_BillingPeriod="2026-03"))
    assert rows["BilledCost"].to_list() == [Decimal(9)]


def test_what_is_new_and_what_is_gone_are_movers() -> None:
    rows = services(cost("2026-02-20", "28", ServiceName="old"), cost("2026-03-03", "5", ServiceName="new"))
    assert rows.select("key", "change").rows() == [("old", Decimal(-31)), ("new", Decimal(5))]


def test_the_largest_change_comes_first_whichever_way_it_went() -> None:
    before = [cost("2026-02-20", "28", ServiceName=name) for name in ("a", "b", "c")]
    after = [cost("2026-03-03", amount, ServiceName=name) for name, amount in (("a", "32"), ("b", "1"), ("c", "41"))]
    assert services(*before, *after)["key"].to_list() == ["b", "c", "a"]


def test_shares_of_a_dimension_add_up_to_the_whole_change() -> None:
    rows = [cost("2026-02-20", "28"), cost("2026-03-03", "38", ServiceName="a"), cost("2026-03-03", "33")]
    movers = mover_summary(daily(*rows), period="2026-03", last_complete_day=END).collect()
    sums = movers.group_by("dimension").agg(pl.col("share_of_change").sum()).sort("dimension").rows()
    assert sums == [(name, Decimal(1)) for name in ("ServiceName", "SubAccountId", "x_ResourceType")]


def test_changes_that_cancel_out_have_no_share() -> None:
    before = [cost("2026-02-20", "28", ServiceName=name) for name in ("a", "b")]
    rows = services(*before, cost("2026-03-03", "32", ServiceName="a"), cost("2026-03-03", "30", ServiceName="b"))
    assert rows["share_of_change"].to_list() == [None, None]


def test_currencies_are_compared_apart() -> None:
    rows = services(cost("2026-02-20", "28"), cost("2026-03-03", "31"), cost("2026-03-03", "5", BillingCurrency="EUR"))
    assert rows.select("BillingCurrency", "change").rows() == [("EUR", Decimal(5)), ("USD", Decimal(0))]


def test_without_a_month_before_there_are_no_movers() -> None:
    assert services(cost("2026-03-03", "5"), cost("2026-02-03", "5", x_Origin="recorded")).is_empty()


def test_without_a_complete_day_there_are_no_movers() -> None:
    rows = [cost("2026-03-03", "5"), cost("2026-02-03", "5")]
    assert [services(*rows, last=last).height for last in (None, date(2026, 2, 28))] == [0, 0]
