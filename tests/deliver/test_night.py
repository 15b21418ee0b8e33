"""Nights that end by mail, against a real server: each message once, whatever happens on the way."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs
from pipeline.config import load_settings
from pipeline.deliver.ledger import DIED
from pipeline.store import publish
from tests.deliver.conftest import BOB, KIM, TEAM, Say
from tests.deliver.server import PASSWORD, Mailbox, Server, free_port
from tests.jobs.nights import Ended, budgets, command, environment, write_bill, write_config

ANN, OPS = "ann@example.com", "ops@example.com"
DAILY = {"report": "costs", "edition": "daily", "to": [ANN]}
WEEKLY = {"report": "costs", "edition": "weekly", "to": [ANN]}
MONTHLY = {"report": "costs", "edition": "monthly", "to": [ANN]}


TOLD = budgets(150, tags=[{**TEAM, "notify": [KIM, "owner"]}])


def rows(say: Say, config: Path) -> list[dict[str, str]]:
    told = say("notifications", "--config", config, "--format", "csv")
    return list(csv.DictReader(io.StringIO(told.stdout)))


def states(say: Say, config: Path) -> dict[tuple[str, str], str]:
    return {(row["subject"], row["recipient"]): row["status"] for row in rows(say, config)}


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_a_night_mails_what_has_ended_and_is_covered_and_the_next_one_changes_nothing(
    tmp_path: Path, server: Server, mailbox: Mailbox, say: Say
) -> None:
    write_bill(tmp_path / "exports" / "march.csv")
    mail = server.section(reports=[DAILY, WEEKLY, MONTHLY], alerts={"to": [OPS]})
    config = write_config(tmp_path, mail=mail, cost=budgets(150))
    told = say("run", "--config", config)
    assert (told.code, "not delivered" in told.stderr) == (0, False)
    assert dict(zip([str(each["Subject"]) for each in mailbox.messages()], mailbox.recipients, strict=True)) == {
        "Cloud costs, Mar 21, 2026: $10.00; 0.0% against the average of the 7 days before; used up: All spend": ANN,
        "Cloud costs, week 11 of 2026: $70.00; 0.0% against the week before; used up: All spend": ANN,
        "1 budget alert: All spend is at 140.0% of $150.00 (March 2026)": OPS,
    }
    assert [row["status"] for row in rows(say, config)] == ["sent"] * 5
    copy = (tmp_path / "published" / "costs.duckdb").resolve()
    assert say("run", "--config", config).code == 0
    assert len(mailbox.taken) == 3
    assert (tmp_path / "published" / "costs.duckdb").resolve() == copy


def test_all_that_is_new_for_an_address_is_one_mail_of_the_highest_thresholds(
    company: Callable[..., Path], server: Server, mailbox: Mailbox, say: Say
) -> None:
    config = company(server.section(alerts={"to": [OPS], "min_severity": "info"}), cost=TOLD)
    assert say("deliver", "--config", config).code == 0
    assert sorted(mailbox.recipients) == [BOB, KIM, OPS]
    found = dict(zip(mailbox.recipients, mailbox.messages(), strict=True))
    assert str(found[OPS]["Subject"]).startswith("2 budget alerts: All spend is at 140.0%")
    assert str(found[KIM]["Subject"]).startswith("1 budget alert: team:ml is at 84.0%")
    assert "3 lower ones were reached as well" in body(found[OPS], "plain")
    listed = [row for row in rows(say, config) if row["recipient"] == KIM]
    assert {row["message_id"] for row in listed} == {str(found[KIM]["Message-ID"])}
    alerts = [row["subject"][:8] for row in listed]
    assert any(f"costmill alerts ack {each}" in body(found[KIM], "plain") for each in alerts)


def test_who_is_added_later_gets_what_is_open_in_one_mail(
    company: Callable[..., Path], server: Server, mailbox: Mailbox, say: Say
) -> None:
    config = company(server.section(alerts={"to": [OPS]}))
    say("deliver", "--config", config)
    mailbox.clear()
    company(server.section(alerts={"to": [OPS, ANN]}))
    say("deliver", "--config", config)
    assert mailbox.recipients == [ANN]


def test_an_alert_that_somebody_has_acknowledged_is_not_told(
    company: Callable[..., Path], server: Server, mailbox: Mailbox, say: Say
) -> None:
    config = company(server.section(alerts={"to": [OPS]}))
    for line in say("alerts", "list", "--config", config, "--format", "csv").stdout.splitlines()[1:]:
        say("alerts", "ack", line.partition(",")[0], "--config", config)
    assert say("deliver", "--config", config).code == 0
    assert mailbox.taken == []
    told = say("deliver", "--config", config, "--dry-run", config.parent / "mails")
    assert (told.stdout, told.stderr) == ("", "costmill: nothing is due, so no message was written\n")


def test_a_server_that_is_down_ends_with_69_and_what_was_due_goes_out_once_it_is_back(
    company: Callable[..., Path], server: Server, mailbox: Mailbox, say: Say
) -> None:
    config = company(server.section(reports=[DAILY], port=free_port()))
    down = say("deliver", "--config", config)
    assert down.code == 69
    assert f"not delivered: costs/daily/2026-03-21 to {ANN}: 127.0.0.1:" in down.stderr
    assert [(row["status"], row["attempts"]) for row in rows(say, config)] == [("failed", "1")]
    company(server.section(reports=[DAILY]))
    assert say("deliver", "--config", config).code == 0
    assert mailbox.recipients == [ANN]
    assert say("deliver", "--config", config).code == 0
    assert mailbox.recipients == [ANN]


def test_an_address_that_is_refused_stops_no_other_and_alone_is_tried_again(
    company: Callable[..., Path], server: Server, mailbox: Mailbox, say: Say
) -> None:
    config = company(server.section(reports=[{**DAILY, "to": [ANN, BOB, KIM]}]))
    mailbox.refused[BOB] = ["550 no such user"]
    assert say("deliver", "--config", config).code == 69
    assert mailbox.recipients == [ANN, KIM]
    ids = [str(message["Message-ID"]) for message in mailbox.messages()]
    assert len(set(ids)) == 2
    assert say("deliver", "--config", config).code == 0
    assert mailbox.recipients == [ANN, KIM, BOB]


def test_a_process_that_is_killed_while_it_sends_has_sent_once_and_says_that_nobody_knows(
    company: Callable[..., Path], server: Server, mailbox: Mailbox, say: Say
) -> None:
    config = company(server.section(reports=[{**DAILY, "to": [ANN, BOB]}]))
    child = subprocess.Popen(command("deliver", "--config", config), env=environment(), stderr=subprocess.DEVNULL)
    mailbox.on_data = lambda: os.kill(child.pid, signal.SIGKILL)
    assert child.wait(60) == -signal.SIGKILL
    mailbox.on_data = None
    assert mailbox.recipients == [ANN]
    after = say("deliver", "--config", config)
    assert (after.code, mailbox.recipients) == (69, [ANN, BOB])
    assert DIED in after.stderr
    subject = "costs/daily/2026-03-21"
    assert states(say, config) == {(subject, ANN): "unknown", (subject, BOB): "sent"}
    assert say("deliver", "--config", config).code == 0
    assert mailbox.recipients == [ANN, BOB]


def test_a_wrong_password_is_in_no_output_and_no_table(
    tmp_path: Path, company: Callable[..., Path], server: Server, say: Say
) -> None:
    section = server.section(reports=[DAILY], password="wrong-" + PASSWORD)
    config = company(section)
    told = say("deliver", "--config", config, "-v")
    assert told.code == 69
    assert "refused the login of costs: 535" in told.stderr
    listed = say("notifications", "--config", config, "--format", "json")
    assert PASSWORD not in told.stdout + told.stderr + listed.stdout
    for file in (tmp_path / "warehouse").rglob("*"):
        assert PASSWORD.encode() not in (file.read_bytes() if file.is_file() else b"")


def test_a_dry_run_writes_the_message_to_the_byte_and_nothing_else(
    tmp_path: Path,
    company: Callable[..., Path],
    server: Server,
    mailbox: Mailbox,
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = company(server.section(reports=[DAILY], alerts={"to": [OPS]}))
    copy = (tmp_path / "published" / "costs.duckdb").resolve()
    told = say("deliver", "--config", config, "--dry-run", tmp_path / "mails")
    paths = [Path(line) for line in told.stdout.splitlines()]
    assert told.code == 0
    assert (tmp_path / "published" / "costs.duckdb").resolve() == copy
    assert mailbox.taken == []
    assert rows(say, config) == []
    say("deliver", "--config", config)
    undated = [written(path.read_bytes()) for path in paths]
    assert [written(content) for _, content in mailbox.taken] == undated
    assert {path.suffix for path in paths} == {".eml"}


def written(content: bytes) -> list[tuple[str, str]]:
    """A message without the moment that it was made at."""
    message = BytesParser(policy=policy.default).parsebytes(content)
    del message["Date"]
    made = "made "
    text = [line for line in body(message, "plain").splitlines() if made not in line]
    return [*message.items(), ("text", "\n".join(text))]


@pytest.mark.parametrize("stale", ["banner", "withhold"])
def test_stale_data_is_said_in_the_subject_or_withheld(
    tmp_path: Path, company: Callable[..., Path], server: Server, mailbox: Mailbox, say: Say, stale: str
) -> None:
    keys: dict[str, Any] = {"as_of": "2026-03-28", "freshness": {"max_age_days": 3, "stale": stale}}
    config = company(server.section(reports=[DAILY]), **keys)
    told = say("deliver", "--config", config)
    assert told.code == (66 if stale == "withhold" else 0)
    if stale == "withhold":
        assert "the report of costs 2026-03-24 is withheld" in told.stderr
        assert mailbox.taken == []
        return
    [message] = mailbox.messages()
    assert str(message["Subject"]).startswith("[stale data] Cloud costs, Mar 24, 2026")
    assert "Data is stale" in body(message, "html")
    assert "Data is stale" in body(message, "plain")


def test_each_owner_gets_only_its_own_team_and_the_files_beside_it(
    tmp_path: Path, company: Callable[..., Path], server: Server, mailbox: Mailbox, say: Say
) -> None:
    report = {"report": "teams", "edition": "weekly", "to": "owners", "by": "tag:team", "attach": ["csv", "xlsx"]}
    owners = {"ml": [KIM], "web": [BOB]}
    config = company(server.section(reports=[report], owners=owners), tags={"report_keys": ["team"]})
    told = say("deliver", "--config", config)
    assert told.code == 0
    assert "warning: teams/weekly/2026-W11: 'web' of mail.owners: no charge is of tag:team by this name" in told.stderr
    assert say("deliver", "--config", config).stderr == ""
    assert mailbox.recipients == [KIM]
    [message] = mailbox.messages()
    files = {str(each.get_filename()): each.get_payload(decode=True) for each in message.iter_attachments()}
    assert "teams-2026-W11.xlsx" in files
    assert any(b"Virtual Machines" in content for content in files.values() if isinstance(content, bytes))
    assert list(states(say, config)) == [("teams/weekly/2026-W11/ml", KIM)]


def test_a_file_that_cannot_be_made_and_a_team_that_nobody_hears_of_are_told_to_the_operator(
    tmp_path: Path, company: Callable[..., Path], server: Server, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    teams = {"report": "teams", "edition": "weekly", "to": "owners", "by": "tag:team"}
    section = server.section(reports=[{**DAILY, "attach": ["pdf"]}, teams], owners={"web": [BOB]})
    told = say("deliver", "--config", company(section, tags={"report_keys": ["team"]}), "--dry-run", tmp_path / "mails")
    assert told.code == 0
    assert f"warning: mail.reports attaches pdf to costs daily to {ANN}, and these go without it: " in told.stderr
    assert 'pip install "costmill[pdf]"' in told.stderr
    assert "the mail costs/daily/2026-03-21 goes without its file: pdf: " in told.stderr
    assert "'ml': no address in mail.owners, so nobody gets theirs; 'web' of mail.owners: no charge" in told.stderr


def test_a_secret_that_is_missing_stops_only_who_tells_people(
    company: Callable[..., Path], server: Server, mailbox: Mailbox, say: Say, tmp_path: Path
) -> None:
    hook = {"name": "hook", "type": "webhook", "url": "https://hooks.example.com", "secret": "${NO_SUCH_SECRET}"}
    config = company(server.section(password="${NO_SUCH_PASSWORD}", reports=[DAILY]), notify=[hook])
    assert say("sql", "SELECT 1", "--config", config).code == 0
    assert say("deliver", "--config", config, "--dry-run", tmp_path / "mails").code == 0
    for asked in ("deliver", "run"):
        told = say(asked, "--config", config)
        assert told.code == 78
        assert re.search(
            r"costmill.yaml: line \d+: mail.password: the environment has no NO_SUCH_PASSWORD", told.stderr
        )
        assert re.search(r"line \d+: notify\[0\].secret: the environment has no NO_SUCH_SECRET; set it", told.stderr)
    assert (rows(say, config), mailbox.taken) == ([], [])


def test_what_could_not_be_told_comes_before_stale_data_and_after_a_missing_rate(loaded: Path) -> None:
    settings = load_settings(loaded / "costmill.yaml")
    with publish.opened(settings.publish.path) as copy:
        night = jobs.Night(copy, settings, as_of=datetime(2026, 3, 28), run_id="")
        assert night.finish().exit_code == jobs.STALE
        night.result.undelivered.append("costs/daily/2026-03-21")
        assert night.finish().exit_code == jobs.UNDELIVERED == 69
        night.result.missing_rates = True
        assert night.finish().exit_code == jobs.CONFIGURATION


def test_without_the_section_nobody_is_told(company: Callable[..., Path], say: Say, tmp_path: Path) -> None:
    told: Ended = say("deliver", "--config", write_config(tmp_path))
    assert told.code == 64
    assert "neither mail nor notify" in told.stderr
