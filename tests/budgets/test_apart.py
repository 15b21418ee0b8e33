"""What policies and managed budgets receive: the same as if each asked every charge alone."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from pipeline.budgets import filters
from pipeline.budgets.apart import allocate_each
from pipeline.budgets.scopes import TagBudgets, allocate
from pipeline.config.budgets import ScopeBudget
from pipeline.money import NO_CURRENCY
from pipeline.periods import Window
from pipeline.rules import Comparison, Condition, Joined, Operand
from tests.budgets.frames import budget, charge, daily

BILLED = Comparison(Operand("column", "x_Origin"), "equals", ("billed",))
TEAM = Operand("tag", "team")
PROVIDER = Operand("column", "x_Provider")
FILTERS: tuple[Condition, ...] = (
    BILLED,
    Joined("all", (BILLED, Comparison(TEAM, "equals", ("ml",)))),
    Joined("all", (BILLED, Comparison(TEAM, "equals", ("web",)))),
    Comparison(TEAM, "absent"),
    Joined("not", (Comparison(TEAM, "present"),)),
    Joined("any", (Comparison(TEAM, "prefix", ("m",)), Comparison(PROVIDER, "absent"))),
    Comparison(Operand("column", "BillingCurrency"), "equals", ("EUR",)),
    Comparison(PROVIDER, "in", ("nobody",)),
)
CHARGES = daily(
    charge("1", 1, {"team": "ml"}),
    charge("2", 1, {"team": "ml"}, x_Provider=None),
    charge("4", 2, {"team": "web"}, x_Origin="recorded"),
    charge("8", 2, {"team": "web", "app": "shop"}),
    charge("16", 3, None, BillingCurrency="EUR"),
    charge("32", 3, {"app": "shop"}, BillingCurrency=None),
    charge("64", date(2026, 4, 1), {"team": "ml"}),  # of March's bill
)
POLICIES = tuple(ScopeBudget("policy", f"p{n}", Decimal(1), "USD", filter=each) for n, each in enumerate(FILTERS))


def sums(frame: pl.DataFrame) -> dict[str, Decimal]:
    return dict(frame.group_by("budget_id").agg(pl.col("x_Cost").sum()).iter_rows())


def test_each_receives_what_its_filter_says_of_every_charge() -> None:
    tagged = filters.with_tags(CHARGES, POLICIES).with_columns(pl.col("BillingCurrency").fill_null(NO_CURRENCY))
    alone = {own.budget_id: tagged.filter(filters.expression(own.filter or BILLED)) for own in POLICIES}
    expected = {name: frame["BilledCost"].sum() for name, frame in alone.items() if frame.height}
    assert sums(allocate_each(CHARGES, POLICIES)) == expected
    assert expected["policy:p1"] == 67
    assert "policy:p7" not in expected


def test_a_span_is_of_bills_or_of_days_and_who_has_none_receives_nothing() -> None:
    both, web, _, *_ = POLICIES
    by_day = ScopeBudget("policy", "days", Decimal(1), "USD", period="daily", period_by="charge", filter=BILLED)
    march, second = (
        Window(datetime(2026, 3, 1), datetime(2026, 4, 1)),
        Window(datetime(2026, 3, 2), datetime(2026, 3, 3)),
    )
    spans = {both.budget_id: march, by_day.budget_id: second}
    assert sums(allocate_each(CHARGES, [both, web, by_day], spans)) == {"policy:p0": 123, "policy:days": 8}
    april = {both.budget_id: Window(march.end, datetime(2026, 5, 1))}
    assert allocate_each(CHARGES, [both], april).is_empty()
    file = (budget(), budget("tag:team:ml", period="daily", period_by="charge"))
    matches = TagBudgets(file).match_all(CHARGES["x_ReportedTags"])
    found = allocate(CHARGES, file, matches, {"global": march, "tag:team:ml": Window(march.end, datetime(2026, 4, 2))})
    assert sums(found) == {"global": 127, "tag:team:ml": 64}


def test_a_sum_too_big_for_the_store_is_an_error_and_no_wrong_number() -> None:
    huge = "90000000000000000000"
    with pytest.raises(pl.exceptions.ComputeError):
        allocate_each(daily(charge(huge), charge(huge)), POLICIES)
    with pytest.raises(pl.exceptions.ComputeError):
        allocate_each(daily(charge(huge), charge(huge, x_Provider=None)), POLICIES[:1])
