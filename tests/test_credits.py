"""A row's credits are read exactly, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline import credits
from pipeline.literals import LiteralError


def test_a_credit_keeps_its_amount_as_written_and_as_stored() -> None:
    text = "[{'name': 'Sustained use', 'amount': -1.23456789012345678e-05, 'full_name': '', 'id': 'x', 'type': 'SUD'}]"
    [credit] = credits.decode(text)
    assert (credit.name, credit.full_name, credit.id, credit.type) == ("Sustained use", None, "x", "SUD")
    assert (credit.written, credit.amount) == ("-1.23456789012345678e-05", Decimal("-0.000012345678901235"))


@pytest.mark.parametrize("text", ["", "[]", "null", "None", "{}", ' {"list": []} '])
def test_nothing_is_no_credit(text: str) -> None:
    assert credits.decode(text) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a word", "is neither JSON nor a Python literal"),
        ('{"amount": 1}', "is no list"),
        ("[1]", "is no list of objects"),
        ('[{"name": "a"}]', "has a credit whose amount is no number"),
        ('[{"amount": "1,5"}]', "has a credit whose amount is no number"),
        ('[{"amount": true}]', "has a credit whose amount is no number"),
        ('[{"amount": 1e20}]', "has a credit of more than 20 digits before the point"),
        ('[{"amount": 6e19}, {"amount": 6e19}]', "sums to more than 20 digits before the point"),
        ('[{"amount": 1, "amount": 2}]', "has the key 'amount' twice"),
    ],
)
def test_credits_that_cannot_be_read_say_why(text: str, reason: str) -> None:
    with pytest.raises(LiteralError, match=f"^{reason}$"):
        credits.decode(text)


def test_half_a_character_does_not_reach_the_store() -> None:
    [credit] = credits.decode('[{"name": "\\ud83d", "amount": -1}]')
    assert credit.name == "?"
