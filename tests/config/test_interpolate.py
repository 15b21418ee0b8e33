"""Variables in values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.interpolate import interpolate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "one"),
        ("x${A}y${A}", "xoneyone"),
        ("${A:-other}", "one"),
        ("${MISSING:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${MISSING:-}", ""),
        ("${MISSING:-a:-b}", "a:-b"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A $ {A} }", "$A $ {A} }"),
        ("100$", "100$"),
    ],
)
def test_a_variable_is_replaced_by_its_value(text: str, value: str) -> None:
    assert interpolate(text, {"A": "one", "EMPTY": ""}) == value


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(ValueError, match="the environment has no HOST_2"):
        interpolate("${HOST_2}", {})


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A", "${A-b}", "${A B}", "${A:?no}"])
def test_what_begins_no_variable_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="begins no variable"):
        interpolate(text, {"A": "one"})


@given(st.text())
def test_a_value_is_not_looked_at_again(value: str) -> None:
    assert interpolate("<${A}>", {"A": value}) == f"<{value}>"


@given(st.text())
def test_escaping_every_brace_gives_the_text_back(text: str) -> None:
    if "$$" not in text:
        assert interpolate(text.replace("${", "$${"), {}) == text
