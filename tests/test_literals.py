"""Nested texts are read without evaluating anything, and their numbers stay the text they are."""

from __future__ import annotations

import json

import pytest

from pipeline import literals
from pipeline.literals import LiteralError, Number

#: Texts made to blow up whoever evaluates them, or to hide a second value.
BOMBS = {
    "deep lists": "[" * 10_000,
    "deep and closed": "[" * 10_000 + "]" * 10_000,
    "deep repr": "[" * 150 + "'a'" + "]" * 150,
    "deep objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "a huge number": "[" + "9" * 5_000 + ", 'x']",
    "a power": "[9**9**9]",
    "a product": "['a'*1000000000]",
    "a sum": "[" + "1-" * 50_000 + "1]",
    "many signs": "[" + "-" * 50_000 + "1]",
    "a call": "[__import__('os').getcwd()]",
    "another call": "[None('1')]",
    "a comprehension": "[x for x in ()]",
    "a name": "[amount]",
    "a formatted text": "[f'{1}']",
    "a million brackets": "[]," * 400_000,
    "digits without end": "1" * 100_000 + "x",
    "no number of JSON": "[NaN]",
    "a key twice": '{"a": 1, "a": 2}',
    "a key twice in a repr": "{'a': 1, 'a': 2}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_text_that_is_no_plain_value_is_refused(name: str) -> None:
    with pytest.raises(LiteralError):
        literals.decode(BOMBS[name])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "[{'name': 'a', 'amount': -5e-06, 'full_name': None}]",
            [{"name": "a", "amount": "-5e-06", "full_name": None}],
        ),
        ('[{"amount": 0.10000000000000000000000000001}]', [{"amount": "0.10000000000000000000000000001"}]),
        ("[0.10000000000000000000000000001, 1E+2, -.5]", ["0.10000000000000000000000000001", "1E+2", "-.5"]),
        ("{'a': Decimal('0.000000000000000001'), \"b's\": True}", {"a": "0.000000000000000001", "b's": True}),
        ("[('x', 'é[{(', '\\u20ac')]", [["x", "é[{(", "€"]]),
        ("[]", []),
        (" null ", None),
        ("None", None),
    ],
)
def test_json_and_reprs_give_their_values(text: str, value: object) -> None:
    assert literals.decode(text) == value


def test_numbers_are_told_from_texts() -> None:
    [number, text] = literals.decode("[1.50, '1.50']")
    assert (type(number), type(text)) == (Number, str)
    assert literals.encode([number, text]) == '[1.50,"1.50"]'


@pytest.mark.parametrize("value", [{"a": [1, None, True, "é\n"], "b": {}}, [], [{"k": "v"}]])
def test_what_is_written_is_what_was_read(value: object) -> None:
    assert json.loads(literals.encode(literals.decode_json(json.dumps(value)))) == value


def test_lists_are_read_through_what_parquet_writers_wrap_around_them() -> None:
    wrapped = {"list": [{"element": {"key": "a"}}, {"item": {"key": "b"}}, None]}
    assert literals.objects(wrapped) == [{"key": "a"}, {"key": "b"}]
