"""Which budgets receive a charge."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.budgets.model import Allocation
from pipeline.budgets.scopes import TagBudgets, allocate, explain, matched_resources, report_order
from pipeline.config.budgets import ScopeBudget
from tests.budgets.frames import budget, charge, daily, resource, resources, tag_json

TAGS = st.dictionaries(st.sampled_from(["team", "env", "Team"]), st.sampled_from(["ml", "prod", "ML", ""]), max_size=3)
CHARGES = st.builds(
    charge,
    st.decimals(-(10**6), 10**6, places=18),
    st.integers(1, 31),
    TAGS,
    x_Provider=st.sampled_from(["aws", "gcp", None]),
    x_ResourceType=st.sampled_from(["aws:ec2/instance", "AWS:EC2/instance", None]),
    BillingCurrency=st.sampled_from(["USD", "EUR"]),
)
EVERYWHERE = (
    budget(), budget("provider:aws"), budget("type:aws:ec2/instance"), budget("tag:team:ml", priority=10),
    budget("tag:env:prod", priority=10), budget("tag:team:*", priority=5), budget("tag:Team:*", priority=5),
)  # fmt: skip


def match(tags: dict[str, str] | None, *budgets: ScopeBudget) -> tuple[str, ...]:
    return TagBudgets(budgets).match(tag_json(tags)).selectors


def received(frame: pl.DataFrame, *budgets: ScopeBudget) -> dict[str, Decimal]:
    matches = TagBudgets(budgets).match_all(frame["x_ReportedTags"])
    sums = allocate(frame, budgets, matches).group_by("budget_id").agg(pl.col("x_Cost").sum())
    return dict(sums.iter_rows())


def told(used: pl.DataFrame) -> tuple[Allocation, ...]:
    return explain(used, EVERYWHERE, TagBudgets(EVERYWHERE).match_all(used["Tags"]))


def test_a_selector_matches_key_and_value_in_their_case() -> None:
    ml = budget("tag:team:ml")
    assert match({"team": "ml"}, ml) == ("team:ml",)
    assert match({"team": "ML"}, ml) == match({"Team": "ml"}, ml) == match({"team": "ml2"}, ml) == ()


@pytest.mark.parametrize("value", ["ml", "", "*", "a:b"])
def test_a_star_needs_the_key_and_takes_any_value(value: str) -> None:
    assert match({"team": value}, budget("tag:team:*")) == ("team:*",)


def test_no_tags_match_nothing() -> None:
    assert match(None, budget("tag:team:*")) == match({"env": "prod"}, budget("tag:team:*")) == ()


def test_the_highest_priority_comes_first() -> None:
    budgets = budget("tag:env:prod", priority=1), budget("tag:team:*", priority=9)
    assert match({"team": "ml", "env": "prod"}, *budgets) == ("team:*", "env:prod")


def test_a_tie_goes_to_the_first_selector_in_text_order_with_a_warning_that_names_both() -> None:
    budgets = budget("tag:team:ml", priority=5), budget("tag:env:prod", priority=5)
    found = TagBudgets(budgets).match(tag_json({"team": "ml", "env": "prod"}))
    assert found.winner == "env:prod"
    assert found.warning == (
        "tag budgets 'env:prod' and 'team:ml' match the same charges with priority 5; 'env:prod' receives them"
    )


def test_a_tie_below_the_winner_is_no_warning() -> None:
    budgets = budget("tag:a:*", priority=9), budget("tag:b:*", priority=5), budget("tag:c:*", priority=5)
    assert TagBudgets(budgets).match(tag_json({"a": "1", "b": "1", "c": "1"})).warning is None


def test_a_disabled_tag_budget_wins_nothing() -> None:
    budgets = budget("tag:team:ml", 0, priority=9), budget("tag:team:*", priority=1)
    assert match({"team": "ml"}, *budgets) == ("team:*",)


def test_every_charge_goes_in_full_to_its_four_scopes() -> None:
    frame = daily(charge("7.5", tags={"team": "ml", "env": "prod"}))
    expected = ("global", "provider:aws", "tag:env:prod", "type:aws:ec2/instance")
    assert received(frame, *EVERYWHERE) == dict.fromkeys(expected, Decimal("7.5"))


def test_a_type_matches_exactly() -> None:
    assert "type:aws:ec2/instance" not in received(daily(charge(1, x_ResourceType="aws:ec2/Instance")), *EVERYWHERE)


def test_a_charge_without_provider_type_and_tags_is_global_only() -> None:
    frame = daily(charge("3", x_Provider=None, x_ResourceType=None))
    assert received(frame, *EVERYWHERE) == {"global": Decimal(3)}


def test_no_charges_go_nowhere() -> None:
    assert received(daily(), *EVERYWHERE) == {}


@pytest.mark.parametrize(
    ("category", "kind", "usage"),
    [("Usage", None, True), ("Usage", "Correction", False), ("Tax", None, False), (None, None, False)],
)
def test_usage_is_the_category_usage_that_corrects_nothing(category: str, kind: str, usage: bool) -> None:
    frame = daily(charge(1, ChargeCategory=category, ChargeClass=kind))
    assert allocate(frame, [budget()], {})["x_Usage"].to_list() == [usage]


@given(st.lists(CHARGES, max_size=12))
def test_global_is_the_sum_of_all_charges(rows: list[dict[str, object]]) -> None:
    frame = daily(*rows)
    assert received(frame, *EVERYWHERE).get("global", Decimal(0)) == frame["BilledCost"].sum()


@given(CHARGES)
def test_a_charge_is_in_at_most_one_tag_budget(row: dict[str, object]) -> None:
    assert sum(name.startswith("tag:") for name in received(daily(row), *EVERYWHERE)) <= 1


@given(st.lists(CHARGES, max_size=8))
def test_the_order_of_charges_and_budgets_does_not_matter(rows: list[dict[str, object]]) -> None:
    assert received(daily(*rows), *EVERYWHERE) == received(daily(*reversed(rows)), *reversed(EVERYWHERE))


def test_reports_go_by_type_of_scope_then_priority_then_name() -> None:
    names = ["type:b", "type:a", "tag:b:*", "tag:a:*", "provider:gcp", "provider:aws", "global"]
    budgets = [budget(name) for name in names] + [budget("tag:z:*", priority=3)]
    assert [scope.budget_id for scope in report_order(budgets)] == [
        "global", "provider:aws", "provider:gcp", "tag:z:*", "tag:a:*", "tag:b:*", "type:a", "type:b",
    ]  # fmt: skip


def test_a_resource_is_counted_once_whatever_its_name_tags_and_source() -> None:
    used = resources(
        resource("1", "i-1", {"team": "ml"}),
        resource("1", "i-1", {"team": "web"}, ResourceName="renamed", x_Source="other"),
        resource("1", "i-2"),
        resource("1", "i-1", x_Provider="gcp"),
        resource("9", None),
    )
    scopes = budget(), budget("provider:aws"), budget("tag:team:*"), budget("tag:x:*")
    matches = TagBudgets(scopes).match_all(used["Tags"])
    assert matched_resources(used, scopes, matches) == {"global": 3, "provider:aws": 2, "tag:team:*": 1}


def test_explain_names_the_scopes_in_order() -> None:
    (one,) = told(resources(resource("7.5", "i-1", {"team": "ml", "env": "prod"})))
    assert one.allocated_scopes == ("global", "provider:aws", "tag:env:prod", "type:aws:ec2/instance")
    assert one.matched_tags == ("env:prod", "team:ml", "team:*")
    assert (one.selected_tag_budget, one.cost, one.resource_name) == ("env:prod", Decimal("7.5"), "I-1")
    assert len(one.warnings) == 1


def test_explain_keeps_currencies_and_changed_tags_apart() -> None:
    used = resources(
        resource("1", "i-1", {"team": "ml"}), resource("2", "i-1", {"team": "ml", "n": "2"}),
        resource("4", "i-1"), resource("8", "i-1", BillingCurrency="EUR"),
    )  # fmt: skip
    rows = [(one.currency, one.selected_tag_budget, one.cost) for one in told(used)]
    assert rows == [("EUR", None, Decimal(8)), ("USD", "team:ml", Decimal(3)), ("USD", None, Decimal(4))]


def test_explain_loses_no_money() -> None:
    used = resources(resource("1.1", "i-1"), resource("2.2", None, x_ResourceType=None), resource("-3.3", None))
    assert sum(one.cost for one in told(used)) == Decimal(0)


def test_a_sum_too_big_for_the_store_is_an_error_and_no_wrong_number() -> None:
    huge = "90000000000000000000"
    with pytest.raises(pl.exceptions.ComputeError):
        received(daily(charge(huge), charge(huge)), budget())
    with pytest.raises(pl.exceptions.ComputeError):
        told(resources(resource(huge, "i-1"), resource(huge, "i-1")))
