"""Rules as values: their JSON gives them back, and aliases bring a tag set to its keys."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given

from pipeline.rules import (
    OPERATORS,
    Comparison,
    Condition,
    Joined,
    Operand,
    Split,
    TagRules,
    VirtualRule,
    VirtualTag,
    plain,
    read_condition,
    read_splits,
    read_tag_rules,
    splits_json,
    tag_rules_json,
)
from tests.conditions import conditions

WHEN = Comparison(Operand("column", "ServiceName"), "in", ("a", "b"))
VIRTUAL = VirtualTag("team", (VirtualRule(WHEN, "x"), VirtualRule(WHEN, None, Operand("tag", "owner"))), "rest")


@given(conditions())
def test_a_condition_comes_back_from_its_plain_form(condition: Condition) -> None:
    assert read_condition(plain(condition)) == condition


def test_tag_rules_come_back_from_their_json() -> None:
    rules = TagRules((("team", ("Team", "user:team")),), (VIRTUAL, VirtualTag("é'\"", (VirtualRule(WHEN, ""),))))
    assert read_tag_rules(tag_rules_json(rules)) == rules


def test_split_rules_come_back_from_their_json() -> None:
    to = (("web", Decimal("60.5")), ("ml", Decimal("1e-18")))
    splits = (
        Split("s", "team", WHEN, "fixed", to),
        Split("t", "team", Joined("not", (WHEN,)), "even", (), "ListCost", WHEN),
    )
    assert read_splits(splits_json(splits)) == splits


def test_no_rules_are_the_same_as_none_kept() -> None:
    assert (read_tag_rules(None), read_splits(None)) == (TagRules(), ())


@pytest.mark.parametrize(
    ("billed", "merged"),
    [
        ({"Team": "a"}, {"team": "a"}),
        ({"user:team": "c", "Team": "b"}, {"team": "b"}),
        ({"user:team": "c", "Team": "b", "team": "a"}, {"team": "a"}),
        ({"team": "", "Team": "b"}, {"team": ""}),
        ({"TEAM": "x", "env": "dev"}, {"TEAM": "x", "env": "dev"}),
        ({}, {}),
    ],
    ids=str,
)
def test_the_key_itself_comes_first_then_the_aliases_in_order(billed: dict[str, str], merged: dict[str, str]) -> None:
    assert TagRules((("team", ("Team", "user:team")),)).merged(billed) == merged


def test_every_operator_has_its_word() -> None:
    assert set(OPERATORS) == {"equals", "in", "prefix", "contains", "present", "absent"}
