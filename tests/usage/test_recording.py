"""Recording around a call: it sees what happened, and never gets in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.errors import UsageError, UsageLogError
from pipeline.usage.record import UsageRecord
from pipeline.usage.recording import Recording


class Kept(list[UsageRecord]):
    """What was recorded."""

    def recording(self, usage: Any = None, **fields: Any) -> Recording:
        return Recording(self.append, "openai", "chat_completion", {"cost": 1, **fields}, usage)


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_a_call_is_recorded_with_what_became_known_of_it(kept: Kept) -> None:
    with kept.recording(model="gpt-4o") as call:
        call.set(output_tokens=20, cost="0.5")
    [record] = kept
    assert (record.id, record.success, record.output_tokens, record.cost, record.parent_id) == (
        *(call.id, True, 20),
        *("0.5", None),
    )


def test_a_failure_is_recorded_and_stays_the_callers(kept: Kept) -> None:
    with pytest.raises(KeyError), kept.recording(cost=None):
        raise KeyError("the caller's")
    with pytest.raises(KeyboardInterrupt), kept.recording(cost=None, input_tokens=5):
        raise KeyboardInterrupt
    assert [(each.success, each.cost) for each in kept] == [(False, 0), (False, None)]


def test_nested_calls_know_what_caused_them(kept: Kept) -> None:
    recording = kept.recording()
    with recording as outer, recording as inner, kept.recording(parent_id="own"):
        pass
    with recording:
        pass
    assert [(each.id, each.parent_id) for each in kept[1:3]] == [(inner.id, outer.id), (outer.id, None)]
    assert [each.parent_id for each in (kept[0], kept[3])] == ["own", None]


def test_functions_are_recorded_by_what_they_return(kept: Kept) -> None:
    @kept.recording(usage=lambda answer: {"output_tokens": len(answer)})
    def ask(text: str) -> str:
        return text * 2

    @kept.recording()
    async def wait(number: int) -> int:
        await asyncio.sleep(0)
        if number:
            raise ValueError(number)
        return number

    async def both() -> list[Any]:
        async with kept.recording():
            return list(await asyncio.gather(wait(0), wait(1), return_exceptions=True))

    assert (ask("ab"), ask.__name__) == ("abab", "ask")
    assert [repr(each) for each in asyncio.run(both())] == ["0", "ValueError(1)"]
    assert [each.output_tokens for each in kept] == [4, None, None, None]
    assert sorted(each.success for each in kept[1:3]) == [False, True]
    assert {each.parent_id for each in kept[1:3]} == {kept[3].id}


def test_a_recorder_that_fails_hides_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def full(_: UsageRecord) -> None:
        raise UsageLogError("the disk is full")

    @Recording(full, "openai", "embedding", {}, lambda answer: {"cost": answer["cost"]})
    def ask() -> dict[str, int]:
        return {}

    assert ask() == {}
    with pytest.raises(KeyError), Recording(full, "openai", "embedding", {}, None):
        raise KeyError("the caller's")
    assert "could not be told from its result" in caplog.text
    assert caplog.text.count("a call of openai was not recorded") == 2


def test_what_cannot_be_recorded_around_is_refused_at_once(kept: Kept) -> None:
    def parts() -> Iterator[int]:
        yield 1

    with pytest.raises(UsageError, match="record inside of it"):
        kept.recording()(parts)
    with pytest.raises(UsageError, match="'teem' is no field"):
        kept.recording(teem="a")
