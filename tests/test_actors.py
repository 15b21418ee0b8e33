"""Who may do what: stronger words include weaker ones, tenants keep apart, and nothing else opens a door."""

from __future__ import annotations

import pytest

from pipeline import Actor, NotPermittedError, Permission, UsageError
from pipeline.actors import ActorType

READ, WRITE, ADMIN = Permission.READ, Permission.WRITE, Permission.ADMIN


def actor(*words: str, type_: ActorType = "user", tenant: str | None = None) -> Actor:
    return Actor("kim", type_, tenant, frozenset(words))


@pytest.mark.parametrize(
    ("word", "may"),
    [
        ("budget:read", {READ}),
        ("budget:write", {READ, WRITE}),
        ("budget:admin", {READ, WRITE, ADMIN}),
        ("*", {READ, WRITE, ADMIN}),
        ("budget:*", set()),
        ("BUDGET:READ", set()),
        ("admin", set()),
        ("", set()),
    ],
)
def test_a_stronger_word_includes_the_weaker_ones_and_nothing_else_does(word: str, may: set[Permission]) -> None:
    assert {each for each in Permission if actor(word).may(each)} == may


def test_an_actor_without_words_may_nothing() -> None:
    with pytest.raises(NotPermittedError, match="kim may not acknowledge an alert: it needs budget:write and has none"):
        actor().require(WRITE, "acknowledge an alert")


def test_one_word_given_as_a_text_is_one_word() -> None:
    assert Actor("kim", permissions="budget:admin").may(READ)  # type: ignore[arg-type]


def test_tenants_see_their_own_alone() -> None:
    seen = [each for each in ("a", "b", None) if actor("*", tenant="a").sees(each)]
    assert seen == ["a"]
    assert actor("*").sees(None)
    assert not actor("*").sees("a")


@pytest.mark.parametrize("type_", ["system", "job", "sync"])
def test_system_actors_cross_tenants_but_need_the_words(type_: ActorType) -> None:
    crossing = actor(type_=type_, tenant="a")
    assert crossing.sees("b")
    assert not crossing.may(READ)


def test_a_blank_id_and_an_unknown_type_are_refused() -> None:
    with pytest.raises(UsageError, match="needs an id"):
        Actor(" ")
    with pytest.raises(UsageError, match="did you mean 'system'"):
        Actor("kim", "sistem")  # type: ignore[arg-type]
