"""YAML as text with lines, hostile documents included."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.findings import Findings
from pipeline.config.yaml import Items, Node, Table, Text, read


def found(text: str, **environ: str) -> tuple[Table | None, list[str]]:
    findings = Findings()
    return read(text, environ, findings), [str(problem) for problem in findings.problems]


def table(text: str, **environ: str) -> Table:
    root, problems = found(text, **environ)
    assert root is not None
    assert problems == []
    return root


def plain(node: Node) -> Any:
    if isinstance(node, Table):
        return {key: plain(value) for key, value in node.entries.items()}
    if isinstance(node, Items):
        return [plain(value) for value in node.items]
    assert isinstance(node, Text)
    return node.text


@pytest.mark.parametrize(
    "word", ["no", "on", "yes", "off", "y", "true", "010", "1_000", "0x10", "2026-03-22", "1:30", ".nan"]
)
def test_a_word_that_yaml_would_guess_at_stays_text(word: str) -> None:
    assert plain(table(f"a: {word}")) == {"a": word}


def test_a_key_that_yaml_would_guess_at_stays_text() -> None:
    assert plain(table("no: 1\n2026-03: 2\nnull: 3\n~: 4")) == {"no": "1", "2026-03": "2", "null": "3", "~": "4"}


@pytest.mark.parametrize("nothing", ["", "~", "null", "NULL"])
def test_nothing_is_null_and_in_quotes_is_text(nothing: str) -> None:
    entries = table(f"a: {nothing}\nb: '{nothing}'").entries
    assert [isinstance(node, Text) and node.is_null for node in entries.values()] == [True, False]


def test_a_value_knows_its_line() -> None:
    entries = table("# first\na: 1\n\nb:\n  - x\n  - y\n").entries
    assert entries["a"].line == 2
    assert isinstance(entries["b"], Items)
    assert [node.line for node in entries["b"].items] == [5, 6]


def test_a_key_that_stands_twice_is_told_with_both_lines() -> None:
    _, problems = found("publish:\n  keep: 1\n  mode: 0444\n  keep: 2\n")
    assert problems == ["line 4: publish.keep: stands twice, on lines 2 and 4; keep one"]


def test_a_key_that_stands_twice_in_other_quotes_is_the_same_key() -> None:
    _, problems = found("a: 1\n'a': 2\n\"\\x61\": 3")
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1", "line 1: is not YAML: expected ',' or ']'"),
        ("a: 1\nb: 'x\n", "line 3: is not YAML: found unexpected end of stream"),
        ("a: 1\n\tb: 2\n", "line 2: is not YAML: found character '\\t' that cannot start any token; indent with spaces"),
        ("a: 1\n b: 2\n", "line 2: is not YAML: mapping values are not allowed here"),
        ("a: 1\nb: \x07\n", "line 2: is not YAML: the character U+0007 may not stand in a file"),
        ("a: 1\nb: \"\\UFFFFFFFF\"\n", "line 2: is not YAML: found an escape that is no character"),
        ('a: 1\nb: "\\ud800"\n', "line 2: b: holds half a character"),
        ("a: 1\n---\nb: 2\n", "line 2: a second document begins here (---); a file holds one"),
        ("- a\n- b\n", "line 1: the file is a list"),
        ("a", "line 1: the file is no mapping"),
        ("a: 1\n? [b]\n: 2\n", "line 2: a key must be text"),
        ("!!str a: 1\n!!int b: 2\n", "line 2: the key 'b' has a tag"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_told_with_its_line(text: str, problem: str) -> None:
    _, problems = found(text)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "~", "null"])
def test_an_empty_file_is_an_error(text: str) -> None:
    root, problems = found(text)
    assert root is None
    assert problems == ["the file is empty; `costmill init` writes one to start from"]


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system [echo]",
        "!!python/name:os.system",
        "!!binary aGk=",
        "!!set {a, b}",
        "!own x",
        "!!int 3",
        "!!map {a: b}",
    ],
)
def test_a_tag_is_refused(value: str) -> None:
    _, problems = found(f"a: 1\nb: {value}")
    assert len(problems) == 1
    assert problems[0].startswith(f"line 2: b: tags such as {value.split()[0]}")


def test_the_tag_of_text_is_read() -> None:
    assert plain(table("a: !!str no\nb: ! no")) == {"a": "no", "b": "no"}


def test_an_alias_is_refused_with_its_line() -> None:
    _, problems = found("a: &x [1]\nb: *x\n")
    assert problems == ["line 2: b: aliases (*x) are not read; write the value out"]


def test_a_merge_key_is_refused_with_its_line() -> None:
    root, problems = found("a: 1\n<<: {b: 2}\n")
    assert problems == ["line 2: merge keys (<<) are not read; write the keys out"]
    assert root is not None
    assert plain(root) == {"a": "1"}


def test_a_billion_laughs_are_over_at_once() -> None:
    levels = ["a0: &a0 [lol, lol]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    started = time.monotonic()
    _, problems = found("\n".join(levels))
    assert time.monotonic() - started < 5
    assert len(problems) == 39 * 9


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "a: " + "[" * 20_000 + "]" * 20_000])
def test_deep_nesting_is_refused_before_it_costs_anything(text: str) -> None:
    root, problems = found(text)
    assert root is None
    assert problems == ["line 1: nested deeper than 32 levels; a configuration has seven"]


def test_windows_line_ends_count_as_one_line_each() -> None:
    _, problems = found("a: 1\r\nb: 2\r\na: 3\r\n")
    assert problems == ["line 3: a: stands twice, on lines 1 and 3; keep one"]


def test_a_variable_is_filled_in_as_a_value_and_never_as_yaml() -> None:
    assert plain(table("a: ${X}\nb: 'p/${X}'", X="{c: d} # no")) == {"a": "{c: d} # no", "b": "p/{c: d} # no"}


def test_a_missing_variable_is_told_with_line_and_key() -> None:
    _, problems = found("a: 1\nb: {c: ['${NOPE}']}")
    assert problems == ["line 2: b.c[0]: the environment has no NOPE; set it, or write ${NOPE:-default}"]


def test_an_empty_variable_without_quotes_is_nothing() -> None:
    node = table("a: ${X}", X="").entries["a"]
    assert isinstance(node, Text)
    assert node.is_null


def test_a_key_has_no_variables() -> None:
    assert plain(table("${X}: 1", X="y")) == {"${X}": "1"}


@given(st.text(max_size=60) | st.text(alphabet="ab: \n-[]{}&*!<>|'\"#%@`?,$\t\\0", max_size=60))
def test_any_text_is_read_or_told_what_is_wrong(text: str) -> None:
    root, problems = found(text)
    assert root is not None or problems


@given(
    st.recursive(
        st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="$\ufeff"), max_size=12),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(alphabet="abcno ", min_size=1, max_size=4), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_what_pyyaml_writes_is_read_as_the_same_text(value: Any) -> None:
    root = table(pyyaml.safe_dump({"key": value}, allow_unicode=True, sort_keys=False))
    assert plain(root) == {"key": value}
