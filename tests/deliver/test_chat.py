"""Messages by apprise to a real server on this machine."""

from __future__ import annotations

import json
import logging

import pytest

from pipeline.deliver.chat import Room, quiet
from pipeline.deliver.messages import shortened
from pipeline.deliver.smtp import DeliveryError, UnansweredError
from tests.deliver.web import Answer, Web, serving


def room(web: Web) -> Room:
    return Room("ops", f"json://{web.host}/key-4711")


def test_a_message_arrives_as_it_was_written(web: Web) -> None:
    room(web).write("2 budget alerts", "■ Emergency: Köln\n▲ Critical: ml")
    (asked,) = web.requests
    assert json.loads(asked.body)["title"] == "2 budget alerts"
    assert json.loads(asked.body)["message"] == "■ Emergency: Köln\n▲ Critical: ml"


def test_a_no_says_whether_it_may_become_a_yes(web: Web) -> None:
    web.answers[:] = [Answer(404), Answer(503)]
    for code, retry in ((404, False), (503, True)):
        with pytest.raises(DeliveryError, match=f"ops: the service answered {code}") as caught:
            room(web).write("t", "b")
        assert caught.value.retry == retry
        assert not isinstance(caught.value, UnansweredError)


def test_a_connection_that_breaks_leaves_it_unknown(web: Web) -> None:
    web.answers[:] = [Answer(0)]
    with pytest.raises(UnansweredError, match="did not say whether it took the message"):
        room(web).write("t", "b")


def test_a_server_that_is_not_there_has_not_taken_it() -> None:
    with serving() as gone:
        pass
    with pytest.raises(DeliveryError, match="cannot be reached") as caught:
        room(gone).write("t", "b")
    assert caught.value.retry
    assert not isinstance(caught.value, UnansweredError)


def test_an_address_that_apprise_does_not_know_is_said_without_it() -> None:
    with pytest.raises(DeliveryError, match="apprise does not know this address") as caught:
        Room("ops", "nonsense://key-4711").write("t", "b")
    assert "4711" not in str(caught.value)


def test_nobody_else_hears_the_address(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    room(web).write("t", "b")
    assert "4711" not in caplog.text
    assert len(web.requests) == 1


@pytest.mark.parametrize(
    "hostile", ["<!channel>", "@everyone", "<https://evil.example|here>", "[here](https://evil.example)", "`*_~|#"]
)
def test_a_name_mentions_nobody_and_links_nowhere(hostile: str) -> None:
    said = quiet(f"ml {hostile}")
    assert not set("<>*_`~|[]#") & set(said)
    assert "@e" not in said
    assert "https:" not in said


def test_a_text_is_cut_by_lines_and_says_so() -> None:
    lines = [f"line {number}" for number in range(200)]
    said = shortened("\n".join([*lines, "the end"]), 500)
    assert len(said) <= 500
    *kept, left, last = said.split("\n")
    assert kept == lines[: len(kept)]
    assert left == f"… and {200 - len(kept)} more"
    assert last == "the end"
