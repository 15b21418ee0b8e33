"""A message over a real server: taken once, refused for certain, or unknown."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from pipeline.config.mail import MailSettings
from pipeline.deliver.smtp import MOST_ATTEMPTS, DeliveryError, Postman, UnansweredError
from tests.config.files import settings as read
from tests.deliver.server import PASSWORD, Mailbox, Server, free_port

MESSAGE = b"Subject: x\r\n\r\n.a line with a dot\r\n..\r\nthe end\r\n"
ANN, BOB, KIM = "ann@example.com", "bob@example.com", "kim@example.com"


def mail(tmp_path: Path, server: Server, **keys: object) -> MailSettings:
    section = {name: value for name, value in server.section(**keys).items() if value is not None}
    found = read(tmp_path, json.dumps({"mail": section})).mail
    assert found is not None
    return found


def never(seconds: float) -> None:
    """For tests in which nothing is tried again."""
    pytest.fail(f"it waits {seconds} s")


def deliver(postman: Postman, to: str = ANN, begun: list[str] | None = None) -> None:
    postman.deliver(MESSAGE, to, before_data=lambda: begun.append(to) if begun is not None else None)


def test_messages_go_over_one_encrypted_connection_as_they_are(tmp_path: Path, server: Server) -> None:
    with Postman(mail(tmp_path, server)) as postman:
        deliver(postman, ANN)
        deliver(postman, BOB)
    assert server.mailbox.taken == [(ANN, MESSAGE), (BOB, MESSAGE)]
    assert server.mailbox.logins == 1


def test_what_is_refused_for_now_is_tried_again_and_noted_each_time(tmp_path: Path, server: Server) -> None:
    server.mailbox.refused[ANN] = ["450 greylisted"]
    server.mailbox.answers = ["451 busy", "250 OK"]
    pauses: list[float] = []
    begun: list[str] = []
    with Postman(mail(tmp_path, server, retry_seconds=60), pause=pauses.append) as postman:
        deliver(postman, begun=begun)
    assert server.mailbox.recipients == [ANN]
    assert pauses == [1, 2]
    assert begun == [ANN, ANN]


def test_what_is_refused_for_good_is_not_tried_again_and_stops_nobody_else(tmp_path: Path, server: Server) -> None:
    server.mailbox.refused[BOB] = ["550 no such user"] * 9
    with Postman(mail(tmp_path, server, retry_seconds=60), pause=never) as postman:
        deliver(postman, ANN)
        with pytest.raises(DeliveryError, match=r"refused bob@example.com: 550 no such user"):
            deliver(postman, BOB)
        deliver(postman, KIM)
    assert server.mailbox.recipients == [ANN, KIM]
    assert server.mailbox.logins == 1


def test_a_server_that_never_takes_it_is_asked_few_times_within_the_time(tmp_path: Path, server: Server) -> None:
    server.mailbox.answers = ["451 busy"] * 99
    pauses: list[float] = []
    with Postman(mail(tmp_path, server, retry_seconds=5), pause=pauses.append) as postman:
        with pytest.raises(DeliveryError, match="451 busy"):
            deliver(postman)
        assert sum(pauses) <= 5
        asked = len(server.mailbox.answers)
        with pytest.raises(DeliveryError):
            deliver(postman, BOB)
        assert len(server.mailbox.answers) == asked - 1
    assert len(pauses) < MOST_ATTEMPTS


def test_a_connection_that_breaks_after_the_message_leaves_it_unknown_and_the_next_has_another(
    tmp_path: Path, server: Server
) -> None:
    server.mailbox.hangs_up = True
    with Postman(mail(tmp_path, server, retry_seconds=60), pause=never) as postman:
        with pytest.raises(UnansweredError, match="may have taken the message"):
            deliver(postman)
        server.mailbox.hangs_up = False
        deliver(postman, BOB)
    assert server.mailbox.recipients == [ANN, BOB]


def test_a_server_that_answers_nothing_gets_no_third_message(tmp_path: Path, server: Server) -> None:
    server.mailbox.hangs_up = True
    with Postman(mail(tmp_path, server), pause=never) as postman:
        for to in (ANN, BOB):
            with pytest.raises(UnansweredError):
                deliver(postman, to)
        with pytest.raises(DeliveryError, match="not tried, after 2 messages went unanswered"):
            deliver(postman, KIM)
    assert server.mailbox.recipients == [ANN, BOB]


def test_a_server_that_is_down_is_waited_for_once_for_all_messages(tmp_path: Path, server: Server) -> None:
    pauses: list[float] = []
    own = mail(tmp_path, server, port=free_port(), retry_seconds=2)
    with Postman(own, pause=pauses.append) as postman:
        with pytest.raises(DeliveryError, match="cannot be reached"):
            deliver(postman)
        waited = len(pauses)
        with pytest.raises(DeliveryError, match="cannot be reached"):
            deliver(postman, BOB)
    assert waited == len(pauses) > 0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"password": "wrong-4711"}, "refused the login of costs: 535"),
        ({"password": ""}, "mail.password is empty or missing: costs cannot log in"),
        ({"password": "wröng"}, "characters beyond ASCII"),
        ({"password": None, "password_file": "nowhere"}, "mail.password_file: "),
        ({"ca_file": None}, "has a certificate that is not trusted"),
        ({"ca_file": "nowhere.pem"}, "it must hold certificates as PEM"),
        ({"host": "localhost"}, "has a certificate that is not trusted"),
        ({"security": "tls"}, "cannot be reached"),
        ({"security": "none", "username": None, "password": None, "ca_file": None}, "refused the sender: 530"),
    ],
)
def test_a_connection_that_is_not_safe_or_not_ours_sends_nothing_and_no_password_is_told(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture, keys: dict[str, object], said: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with Postman(mail(tmp_path, server, **keys), pause=never) as postman, pytest.raises(DeliveryError) as caught:
        deliver(postman)
    assert said in str(caught.value)
    told = f"{caught.value!r} {caught.value.__cause__!r} {caplog.text}"
    assert PASSWORD not in told
    assert "4711" not in told
    assert server.mailbox.taken == []


def test_a_password_file_is_read_to_the_end_of_its_first_line(tmp_path: Path, server: Server) -> None:
    (tmp_path / "secret").write_text(f"{PASSWORD}\nmore\n")
    with Postman(mail(tmp_path, server, password=None, password_file="secret")) as postman:
        deliver(postman)
    assert server.mailbox.recipients == [ANN]


def test_a_server_that_says_the_password_back_is_quoted_without_it(
    tmp_path: Path, mailbox: Mailbox, server: Server
) -> None:
    mailbox.answers = [f"554 {PASSWORD} is what you said"]
    with Postman(mail(tmp_path, server)) as postman, pytest.raises(DeliveryError, match="554 … is what you said"):
        deliver(postman)
