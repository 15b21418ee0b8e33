"""Signed requests to a real server on this machine: what it gets, and what is done when it says no."""

from __future__ import annotations

import hashlib
import hmac
import socket

import pytest

from pipeline.deliver import webhook
from pipeline.deliver.patience import MOST_ATTEMPTS
from pipeline.deliver.smtp import DeliveryError
from tests.deliver.web import Answer, Web, serving

SECRET = "0123456789abcdef-4711"
BODY = '{"headline": "Köln ≤ 5 €"}'.encode()


def post(web: Web, *answers: Answer) -> list[float]:
    """Post to the server; returns the pauses that were made."""
    web.answers[:] = answers or [Answer()]
    pauses: list[float] = []
    address = f"{web.address}/hooks/key-4711"
    webhook.post("ops", address, SECRET, BODY, delivery="d1", pause=pauses.append, clock=lambda: 1_774_137_600.9)
    return pauses


def test_the_receiver_can_tell_that_the_document_is_ours_and_untouched(web: Web) -> None:
    post(web)
    (asked,) = web.requests
    moment, signed = (part.partition("=")[2] for part in asked.headers["X-Costmill-Signature"].split(","))
    assert moment == "1774137600"
    assert signed == hmac.new(SECRET.encode(), b"1774137600." + asked.body, hashlib.sha256).hexdigest()
    assert asked.body == BODY
    assert asked.headers["X-Costmill-Delivery"] == "d1"
    assert asked.path == "/hooks/key-4711"


@pytest.mark.parametrize("first", [Answer(503), Answer(429), Answer(0)])
def test_what_was_not_answered_by_yes_or_no_is_sent_again_under_the_same_id(web: Web, first: Answer) -> None:
    assert post(web, first, Answer(204, b"")) == [1.0]
    assert [asked.headers["X-Costmill-Delivery"] for asked in web.requests] == ["d1", "d1"]


@pytest.mark.parametrize(("asked", "pause"), [("3", 3.0), ("99999", 20.0), ("soon", 1.0), ("²", 1.0)])
def test_a_receiver_may_ask_for_a_pause_within_bounds(web: Web, asked: str, pause: float) -> None:
    # An HTTP header is Latin-1: the superscript arrives as it is.
    assert post(web, Answer(429, headers=(("Retry-After", asked),)), Answer()) == [pause]


def test_patience_ends(web: Web) -> None:
    with pytest.raises(DeliveryError, match="ops: answered 500 ok"):
        post(web, Answer(500))
    assert len(web.requests) == MOST_ATTEMPTS


@pytest.mark.parametrize("code", [400, 401, 404, 410])
def test_a_no_is_a_no(web: Web, code: int) -> None:
    with pytest.raises(DeliveryError, match=f"ops: answered {code}"):
        post(web, Answer(code))
    assert len(web.requests) == 1


def test_the_document_follows_no_redirect(web: Web) -> None:
    with serving() as other, pytest.raises(DeliveryError, match="redirect"):
        post(web, Answer(307, headers=(("Location", other.address),)))
    assert other.requests == []


def test_no_message_has_the_address_or_the_secret(web: Web) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # nobody accepts: the connection is there, no answer comes
        port = taken.getsockname()[1]
    said = []
    for address in (f"http://127.0.0.1:{port}/key-4711", "http://nobody.invalid/key-4711"):
        with pytest.raises(DeliveryError) as caught:
            webhook.post("ops", address, SECRET, BODY, delivery="d1", pause=lambda _: None)
        said.append(str(caught.value))
    web.answers[:] = [Answer(400, b"\x1b[31mwhat?\n" + b"x" * 5000)]
    with pytest.raises(DeliveryError) as caught:
        webhook.post("ops", f"{web.address}/key-4711", SECRET, BODY, delivery="d1")
    assert said == ["ops: its server cannot be reached", "ops: its server's name is not known"]
    assert len(str(caught.value)) < 250
    assert "\x1b" not in str(caught.value)
    assert "4711" not in "".join([*said, str(caught.value)])
