"""A policy as a text that people edit: it comes back as it was, and each mistake is told on its line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.budgets.policies import Policy, checked
from pipeline.budgets.policy_text import WRONG, difference_text, differences, edited, is_blank, marked, unmarked, write
from pipeline.config import load_settings
from pipeline.config.budget_lines import line_of
from tests import soak

ML = checked(Policy("ML", 500, "team", "ml", id="ml", metadata={"ticket": 7}))
LINES = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | LINES | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LINES, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=soak.more(25, 1000))
@given(
    name=LINES.filter(str.strip),
    key=LINES.filter(str.strip),
    owner=LINES.filter(str.strip) | st.none(),
    limit=st.decimals(Decimal("0.000000000000000001"), Decimal("1e15"), allow_nan=False),
    rollover=st.integers(0, 100) | st.none(),
    enabled=st.booleans(),
    metadata=st.dictionaries(LINES, JSON, max_size=3),
)
def test_a_policy_that_is_left_as_it_is_comes_back_the_same(key: str, **fields: Any) -> None:
    policy = checked(Policy(scope="team", scope_id=key, id="own", **fields))
    found = edited(policy, write(policy))
    assert found.problems == ()
    assert found.policy == policy


def test_what_is_left_out_stays_and_what_is_emptied_goes() -> None:
    policy = checked(Policy("ML", 500, "team", "ml", id="ml", owner="kim", rollover=25, priority=3))
    found = edited(policy, "limit: 600.50\nowner:\nrollover: ~\nmetadata: {a: [1, x, '1', true]}\n")
    assert found.policy is not None
    assert differences(policy, found.policy) == {
        "limit": ("500", "600.5"),
        "rollover": ("25", None),
        "owner": ("kim", None),
        "metadata": ({}, {"a": [1, "x", "1", True]}),
    }
    assert difference_text(differences(policy, found.policy)).splitlines()[:2] == ["limit: 500 -> 600.5", "rollover: 25 -> (nothing)"]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "line", "said"),
    [
        ("name: a\nlimit: 0\n", 2, "limit 0 must be above 0"),
        ("limit: 5\nlimit: 6\n", 2, "limit: stands twice, on lines 1 and 2; keep one"),
        ("limitt: 5\n", 1, "limitt: a policy has no such field that can be changed; did you mean 'limit'?"),
        ("id: other\n", 1, "id: a policy has no such field"),
        ("# kept\nenabled: no\n", 2, "enabled: 'no' is neither true nor false"),
        ("priority: 1.5\n", 1, "priority: '1.5' is no whole number"),
        ("name: [a]\n", 1, "name: is no single value"),
        ("name: a\n  limit: 5\n", 2, "is not YAML"),
        ("name: &a b\nowner: *a\n", 2, "owner: aliases (*a) are not read"),
        ("scope: global\n", 1, "scope global is of everything; leave scope_id out"),
        ("- a\n", 1, "the file is a list"),
    ],
)
def test_a_mistake_is_marked_above_its_line_and_the_mark_is_no_part_of_the_text(
    typed: str, line: int, said: str
) -> None:
    found = edited(ML, typed)
    assert (found.policy, [problem.line for problem in found.problems]) == (None, [line])
    shown = marked(typed, found.problems)
    assert shown.splitlines()[line - 1].startswith(WRONG + said)
    assert unmarked(shown) == typed
    assert edited(ML, shown) == found


def test_a_variable_of_the_environment_is_plain_text() -> None:
    found = edited(ML, 'name: "${HOME} $${x}"\n').policy
    assert found is not None
    assert found.name == "${HOME} $${x}"


def test_comments_alone_are_blank() -> None:
    assert is_blank("# a\n\n  # b\n")
    assert not is_blank(write(ML))


FILE = """\
warehouse: w.duckdb
cost:
  budgets:
    global:
      amount: 5
    providers:
      Amazon Web Services: {amount: 1}
    tags:
      - selector: team:a
        amount: 1
        priority: 1
      - amount: 2
        selector: team:b
    types: {'aws:ec2/instance': {amount: 1}}
"""


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (FILE, {"global": 4, "provider:aws": 7, "tag:team:a": 9, "tag:team:b": 12, "type:aws:ec2/instance": 14}),
        ("warehouse: w.duckdb\ncost:\n  budgets:\n    amount: 5\n", {"global": 3}),
    ],
)
def test_a_budget_of_the_file_is_found_on_its_line(tmp_path: Path, file: str, expected: dict[str, int]) -> None:
    (tmp_path / "costmill.yaml").write_text(file)
    own = load_settings(tmp_path / "costmill.yaml", environ={}).budgets
    assert own is not None
    found = {each.budget_id: line_of(tmp_path / "costmill.yaml", each) for each in own.scopes}
    assert found == expected
