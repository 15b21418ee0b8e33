"""Shared costs divided: parts sum to the whole to the last digit, whatever the weights, signs and currencies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline import money
from pipeline.rules import Comparison, Operand, Split
from pipeline.summaries.splits import Divided, Group, Shared, divide, split_costs, warnings

MATCH = Comparison(Operand("tag", "shared"), "present")
UNITS = st.integers(-(10**38), 10**38)
WEIGHTS = st.lists(st.integers(0, 10**30), min_size=1, max_size=12)
COST = st.integers(-(10**24), 10**24).map(lambda units: Decimal(units).scaleb(-18))


@given(UNITS, WEIGHTS)
def test_parts_sum_to_the_whole(amount: int, weights: list[int]) -> None:
    assume(any(weights))
    assert sum(divide(amount, weights)) == amount


@given(UNITS, WEIGHTS)
def test_a_part_is_within_one_digit_of_its_share(amount: int, weights: list[int]) -> None:
    assume(any(weights))
    whole = sum(weights)
    for part, weight in zip(divide(amount, weights), weights, strict=True):
        assert abs(part * whole - amount * weight) < whole
        assert weight or not part


@given(UNITS, WEIGHTS)
def test_a_credit_is_divided_as_its_opposite(amount: int, weights: list[int]) -> None:
    assume(any(weights))
    assert divide(-amount, weights) == [-part for part in divide(amount, weights)]


def test_what_is_left_over_goes_to_the_largest_remainders() -> None:
    assert divide(10, [1, 1, 1]) == [4, 3, 3]
    assert divide(10, [3, 3, 1]) == [4, 4, 2]
    assert divide(1, [0, 5, 5]) == [0, 1, 0]


def split(by: str, to: tuple[tuple[str, Decimal], ...] = (), **keys: Any) -> Split:
    return Split("shared", "team", MATCH, by, to, **keys)  # type: ignore[arg-type]  # one of the three


def costs(billed: str | Decimal) -> tuple[Decimal, ...]:
    return (Decimal(billed), Decimal(billed) * 2, money.ZERO, money.ZERO)


def shared(billed: str | Decimal, currency: str | None = "USD", rule: int = 0) -> Shared:
    return Shared(currency, rule, "aws", "r", "EKS", None, costs(billed), 3, 0)


def group(team: str | None, billed: str | Decimal, *, rule: int | None = None, currency: str | None = "USD") -> Group:
    return Group(currency, rule, (team,), (True, True), costs(billed))


def received(answer: Divided, currency: str | None = "USD") -> dict[str, Decimal]:
    return {own.target: own.costs[0] for own in answer.parts if own.shared.currency == currency}


BILL = (group("web", "30"), group("ml", "10"), group(None, "5"), group("old", "12", rule=0))


def test_even_gives_each_value_that_has_own_charges_the_same() -> None:
    assert received(split_costs([split("even")], ["team"], [shared("12")], BILL)) == {"web": 6, "ml": 6}


def test_even_over_named_targets_gives_to_those_without_charges_too() -> None:
    rule = split("even", (("new", Decimal(1)), ("web", Decimal(1))))
    assert received(split_costs([rule], ["team"], [shared("12")], BILL)) == {"new": 6, "web": 6}


def test_fixed_goes_by_the_weights_whatever_they_sum_to() -> None:
    rule = split("fixed", (("web", Decimal("0.5")), ("ml", Decimal("1.5"))))
    assert received(split_costs([rule], ["team"], [shared("12")], BILL)) == {"web": 3, "ml": 9}


def test_proportional_goes_by_what_the_values_cost_themselves() -> None:
    assert received(split_costs([split("proportional")], ["team"], [shared("12")], BILL)) == {"web": 9, "ml": 3}


def test_a_target_whose_basis_is_negative_receives_nothing() -> None:
    bill = (group("web", "30"), group("ml", "-10"))
    assert received(split_costs([split("proportional")], ["team"], [shared("12")], bill)) == {"web": 12}


def test_named_targets_of_a_proportional_split_are_the_only_ones() -> None:
    rule = split("proportional", (("ml", Decimal(1)),))
    assert received(split_costs([rule], ["team"], [shared("12")], BILL)) == {"ml": 12}


@pytest.mark.parametrize(
    ("by", "reason"),
    [("even", "no charge that is not shared has a value of the tag 'team'"), ("proportional", "no target has a basis")],
)
def test_without_anybody_to_share_with_the_cost_stays_and_says_why(by: str, reason: str) -> None:
    answer = split_costs([split(by)], ["team"], [shared("12")], [group(None, "5"), group("old", "12", rule=0)])
    assert answer.parts == []
    [told] = warnings(answer.rules[0], [split(by)], "2026-03")
    assert told.startswith(f"split 'shared' of 2026-03 USD: 12 billed stay where they are: {reason}")
    assert {value.value: value.own[0] for value in answer.values} == {None: 5, "old": 12}


def test_currencies_are_divided_each_by_its_own_basis() -> None:
    bill = (*BILL, group("ml", "1", currency="EUR"), group("old", "7", rule=0, currency="EUR"))
    answer = split_costs([split("proportional")], ["team"], [shared("12"), shared("7", "EUR")], bill)
    assert received(answer) == {"web": 9, "ml": 3}
    assert received(answer, "EUR") == {"ml": 7}


def test_values_after_shared_costs_sum_to_the_bill() -> None:
    answer = split_costs([split("even")], ["team"], [shared("12")], BILL)
    assert [(own.value, int(own.own[0]), int(own.received[0])) for own in answer.values] == [
        ("ml", 10, 6),
        ("web", 30, 6),
        (None, 5, 0),
    ]


@given(
    st.lists(st.tuples(st.sampled_from(["web", "ml", None]), COST, st.sampled_from(["USD", "EUR", None])), max_size=8),
    st.lists(st.tuples(COST, st.sampled_from(["USD", "EUR", None])), max_size=5),
    st.sampled_from(["even", "proportional"]),
)
def test_no_bill_changes_its_total(
    own: list[tuple[str | None, Decimal, str | None]], common: list[tuple[Decimal, str | None]], by: str
) -> None:
    groups = [group(team, cost, currency=currency) for team, cost, currency in own]
    groups += [group("old", cost, rule=0, currency=currency) for cost, currency in common]
    answer = split_costs([split(by)], ["team"], [shared(cost, currency) for cost, currency in common], groups)
    for currency in {currency for _, currency in common}:
        for at in range(4):
            after = money.total(v.own[at] + v.received[at] for v in answer.values if v.currency == currency)
            assert after == money.total(g.costs[at] for g in groups if g.currency == currency)
