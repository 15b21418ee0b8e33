"""Tag sets: what exports write, as one canonical form."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import tags

PAIRS = st.dictionaries(st.text(), st.text())


@given(PAIRS)
def test_a_canonical_text_decodes_to_its_pairs(pairs: dict[str, str]) -> None:
    assert tags.decode(tags.canonical(pairs).replace(tags.PART, "\\u001e")).pairs == pairs


@given(PAIRS)
def test_the_order_of_keys_does_not_matter(pairs: dict[str, str]) -> None:
    assert tags.canonical(pairs) == tags.canonical(dict(reversed(pairs.items())))


def test_a_set_is_named_by_the_md5_of_its_canonical_text() -> None:
    text = tags.canonical({"b": "é", "a": "1"})
    assert text == '{"a":"1","b":"é"}'
    assert tags.set_id(text).hex == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", {}),
        ("null", {}),
        ("{}", {}),
        ('{"a": null, "b": ""}', {"b": ""}),
        ('{"a": true, "b": 1.50, "c": [1, {"d": "x"}]}', {"a": "true", "b": "1.50", "c": '["1",{"d":"x"}]'}),
    ],
)
def test_values_become_text(text: str, pairs: dict[str, str]) -> None:
    assert tags.decode(text).pairs == pairs


@pytest.mark.parametrize("text", ["{", "[]", '[["a", "b"]]', '"a"', "1", "team=a", "[" * 100_000])
def test_what_is_no_object_is_kept_whole(text: str) -> None:
    assert tags.decode(text).pairs == {tags.UNREADABLE: text}


def test_of_a_key_given_twice_the_last_counts_and_is_noted() -> None:
    found = tags.decode('{"a": "1", "a": "2"}')
    assert (found.pairs, found.repeated) == ({"a": "2"}, 1)
    assert found.canonical == '{"a":"2"}'


def test_each_part_has_its_prefix() -> None:
    text = tags.PART.join(['{"a": "1"}', '{"b": "2"}'])
    assert tags.decode(text, prefixes=("", "cat:")).pairs == {"a": "1", "cat:b": "2"}


def test_aws_keys_lose_their_user_prefix_and_keep_aws() -> None:
    text = json.dumps({"user:Team": "a", "user_env": "b", "aws_created_by": "c", "plain": "d"})
    assert tags.decode(text, aws=True).pairs == {"Team": "a", "env": "b", "aws:created_by": "c", "plain": "d"}


def test_reported_tags_are_the_chosen_keys() -> None:
    text = tags.canonical({"team": "a", "host": "x", "env": ""})
    assert tags.reported(text, ["env", "team", "none"]) == '{"env":"","team":"a"}'
    assert tags.reported(text, ["none"]) is None
