"""Nights that tell chat rooms and webhooks, against a real server: each thing once, whatever happens on the way."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pipeline.config import load_settings
from pipeline.deliver import patience
from pipeline.deliver.ledger import DIED
from pipeline.store.warehouse import Warehouse
from tests.conftest import ROOT
from tests.deliver.conftest import COST, TEAM, Say
from tests.deliver.server import Mailbox, Server, free_port
from tests.deliver.web import Answer, Web
from tests.jobs.nights import budgets, command, environment, facts, inside, write_bill, write_config

KEY, SECRET = "key-4711", "secret-0123456789-4711"
SCHEMA = json.loads((ROOT / "docs" / "webhook.schema.json").read_text(encoding="utf-8"))
DAILY = {"report": "costs", "edition": "daily"}
Tell = Callable[..., Path]


def chat(web: Web, name: str = "ops", **more: Any) -> dict[str, Any]:
    """A channel by apprise."""
    return {"name": name, "url": f"json://{web.host}/{name}/{KEY}", **more}


def hook(web: Web, name: str = "hook", **more: Any) -> dict[str, Any]:
    """A webhook."""
    return {"name": name, "type": "webhook", "url": f"{web.address}/{name}/{KEY}", "secret": SECRET, **more}


@pytest.fixture
def tell(copied: Path) -> Tell:
    """The loaded company, and which channels are told of it on the 22nd."""

    def configure(*channels: dict[str, Any], **sections: Any) -> Path:
        written = json.loads(json.dumps({"cost": COST, "notify": channels, **sections}))  # YAML without aliases
        return write_config(copied, **written)

    return configure


def heard(web: Web, name: str = "ops") -> list[dict[str, Any]]:
    """What a channel got."""
    return [json.loads(asked.body) for asked in web.requests if asked.path.startswith(f"/{name}/")]


def rows(say: Say, config: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(say("notifications", "--config", config, "--format", "csv").stdout)))


def test_a_fired_alert_and_a_report_are_told_once_to_people_and_to_programs(tell: Tell, web: Web, say: Say) -> None:
    more: dict[str, Any] = {"on": ["alerts", "reports"], "reports": [DAILY]}
    config = tell(chat(web, **more), hook(web, **more))
    told = say("run", "--config", config)
    assert (told.code, len(web.requests)) == (0, 4), told.stderr
    report, alerts = heard(web)
    assert report["title"] == "Cloud costs, Mar 21, 2026"
    assert report["message"].startswith("$10.00; 0.0% against the average of the 7 days before; used up: All spend")
    assert "Billed: $10.00" in report["message"]
    assert alerts["title"] == "2 budget alerts"
    assert alerts["message"].splitlines()[0] == "■ Emergency: All spend is at 140.0% of $150.00 (March 2026)"
    documents = heard(web, "hook")
    for document in documents:
        jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(document)
    assert [document["type"] for document in documents] == ["report", "alerts"]
    assert {own["threshold"] for own in documents[1]["alerts"] if own["budget_id"] == "global"} > {"100"}
    before = facts(config.parent)
    assert (say("run", "--config", config).code, len(web.requests)) == (0, 4)
    assert facts(config.parent) == before
    listed = say("notifications", "--config", config, "--channel", "ops", "--format", "json").stdout
    assert {(row["channel"], row["recipient"], row["status"]) for row in json.loads(listed)} == {("ops", "ops", "sent")}


def test_the_signature_is_proved_by_the_example_of_the_docs(tell: Tell, web: Web, say: Say) -> None:
    say("deliver", "--config", tell(hook(web)))
    page = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    example: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], example)
    (asked,) = web.requests
    proves, header = example["is_from_costmill"], asked.headers["X-Costmill-Signature"]
    assert proves(SECRET, header, asked.body)
    assert not proves(SECRET, header, asked.body.replace(b"emergency", b"info"))
    assert not proves(SECRET + "x", header, asked.body)
    assert not any(proves(SECRET, said, asked.body) for said in ("", "t=,v1=", "t=1,v1=é", header.replace("t=", "t=1")))
    assert asked.headers["X-Costmill-Delivery"] == json.loads(asked.body)["id"]


def test_each_channel_hears_of_its_budgets_and_severities_and_of_those_that_name_it(
    tell: Tell, web: Web, say: Say
) -> None:
    web_team = {"selector": "team:web", "amount": 10_000, "priority": 1}
    cost = budgets(150, tags=[{**TEAM, "notify": ["named"]}, web_team])
    config = tell(
        chat(web, "one", budgets=["global"]),
        chat(web, "worst", min_severity="emergency"),
        chat(web, "named", on=["failures"]),
        chat(web, "deaf", budgets=["tag:team:web"]),
        cost=cost,
    )
    assert say("deliver", "--config", config).code == 0
    lines = {name: heard(web, name)[0]["message"] for name in ("one", "worst", "named")}
    assert ["All spend" in lines[name] for name in lines] == [True, True, False]
    assert ["team:ml" in lines[name] for name in lines] == [False, False, True]
    assert heard(web, "deaf") == []


def test_a_server_that_is_down_ends_with_69_and_is_told_the_next_time(
    tell: Tell, web: Web, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0)
    down = f"127.0.0.1:{free_port()}"
    config = tell({**chat(web), "url": f"json://{down}/{KEY}"}, {**hook(web), "url": f"http://{down}/{KEY}"})
    told = say("deliver", "--config", config)
    assert told.code == 69
    assert "alert(s) to ops: ops: the service cannot be reached" in told.stderr
    assert "alert(s) to hook: hook: its server cannot be reached" in told.stderr
    assert {(row["status"], row["attempts"]) for row in rows(say, config)} == {("failed", str(patience.MOST_ATTEMPTS))}
    tell(chat(web), hook(web))
    assert (say("deliver", "--config", config).code, len(web.requests)) == (0, 2)
    assert (say("deliver", "--config", config).code, len(web.requests)) == (0, 2)


def test_a_process_that_is_killed_before_the_answer_has_told_once_and_says_that_nobody_knows(
    tell: Tell, web: Web, say: Say
) -> None:
    config = tell(hook(web), chat(web))
    child = subprocess.Popen(command("deliver", "--config", config), env=environment(), stderr=subprocess.DEVNULL)
    web.on_request = lambda: os.kill(child.pid, signal.SIGKILL)
    assert child.wait(60) == -signal.SIGKILL
    web.on_request = lambda: None
    after = say("deliver", "--config", config)
    assert (after.code, len(heard(web, "hook")), len(heard(web))) == (69, 1, 1)
    assert DIED in after.stderr
    assert {(row["channel"], row["status"]) for row in rows(say, config)} == {("hook", "unknown"), ("ops", "sent")}
    assert (say("deliver", "--config", config).code, len(web.requests)) == (0, 2)


def test_stale_data_is_said_before_any_figure(tell: Tell, web: Web, say: Say) -> None:
    config = tell(chat(web), hook(web), as_of="2026-03-28", freshness={"max_age_days": 3})
    assert say("deliver", "--config", config).code == 0
    (told,), (document,) = heard(web), heard(web, "hook")
    assert told["title"] == "[stale data] 2 budget alerts"
    assert told["message"].startswith("Data is stale. azure: its last complete day is 2026-03-21")
    (line,) = document["stale"]
    assert line.endswith("(freshness.max_age_days)")


def test_a_report_links_to_its_page_where_mail_says_where_that_is(
    copied: Path, web: Web, server: Server, say: Say
) -> None:
    page = copied / "reports" / "2026-03" / "report.html"
    page.write_text("<p>")
    told = chat(web, on=["reports"], reports=[DAILY])
    mail = server.section(link="https://costs.example.com")
    config = write_config(copied, cost=COST, mail=mail, notify=[told])
    assert say("deliver", "--config", config).code == 0
    assert heard(web)[0]["message"].splitlines()[-1] == "https://costs.example.com/2026-03/report.html"


def test_a_dry_run_writes_the_messages_and_sends_and_notes_nothing(tell: Tell, web: Web, say: Say) -> None:
    config = tell(chat(web), hook(web, on=["alerts", "failures"]), as_of="2026-03-28")
    before = facts(config.parent)
    told = say("deliver", "--config", config, "--dry-run", config.parent.parent / f"{config.parent.name}-told")
    paths = [Path(line) for line in told.stdout.splitlines()]
    assert [path.name for path in paths] == ["ops-001.txt", "hook-001.json", "hook-002.json"]
    assert paths[0].read_text().startswith("[stale data] 2 budget alerts\n\nData is stale.")
    assert [json.loads(path.read_text())["type"] for path in paths[1:]] == ["alerts", "failure"]
    assert (web.requests, facts(config.parent)) == ([], before)


def test_addresses_and_secrets_are_in_no_output_log_or_file(
    tell: Tell, web: Web, say: Say, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    web.answers[:] = [Answer(404)]
    config = tell(chat(web), hook(web), {"name": "odd", "url": f"nonsense://{KEY}"})
    told = say("deliver", "--config", config, "-v")
    assert (told.code, len(web.requests)) == (69, 2)
    assert "odd: apprise does not know this address" in told.stderr
    listed = say("notifications", "--config", config, "--format", "json")
    shown = [told.stdout, told.stderr, listed.stdout, caplog.text, repr(load_settings(config, environ={}))]
    assert not any("4711" in text for text in shown)
    files = [path for path in config.parent.rglob("*") if path.is_file() and path != config]
    assert not any(b"4711" in path.read_bytes() for path in files)


def test_a_secret_of_a_file_is_read_when_something_is_told_and_what_is_wrong_is_said_without_it(
    tell: Tell, web: Web, say: Say
) -> None:
    file = {"name": "hook", "type": "webhook", "url": f"{web.address}/hook", "secret_file": "secret"}
    config = tell(file)
    said = []
    for content in (None, "short4711\n", f"{SECRET}\n"):
        if content is not None:
            (config.parent / "secret").write_text(content)
        said.append(say("deliver", "--config", config))
    assert [each.code for each in said] == [69, 69, 0]
    assert "hook: secret_file: " in said[0].stderr
    assert "secret: its first line is shorter than 16 characters" in said[1].stderr
    assert "4711" not in said[1].stderr
    assert len(web.requests) == 1


# --- Failures ---------------------------------------------------------------------------------


def test_what_stands_is_told_once_however_many_nights_it_stands(tell: Tell, web: Web, say: Say) -> None:
    sources = [{"name": "azure", "path": "exports"}, {"name": "gone", "path": "nowhere"}]
    config = tell(chat(web, on=["failures"]), as_of="2026-03-28", sources=sources)
    assert [say("run", "--config", config).code for _ in range(2)] == [65, 65]
    (told,) = heard(web)
    assert told["title"] == "Costmill: the run ended with 65"
    *lines, hint = told["message"].splitlines()
    assert [line.split(":")[0] for line in lines] == ["refused", "stale"]
    assert hint.startswith("What to do: costmill deliveries list")
    assert {row["subject"].rsplit("/", 1)[0] for row in rows(say, config)} == {"65/gone", "66/azure"}
    tell(chat(web, on=["failures"]), as_of="2026-03-28", sources=[*sources, {"name": "torn", "path": "neither"}])
    assert say("run", "--config", config).code == 65
    assert "refused: torn" in heard(web)[1]["message"]
    assert "gone" not in heard(web)[1]["message"]


def test_what_another_channel_could_not_tell_is_told_but_never_to_itself(tell: Tell, web: Web, say: Say) -> None:
    web.answers[:] = [Answer(404), Answer()]
    config = tell(chat(web, "torn", on=["alerts", "failures"]), chat(web, on=["failures"]))
    assert say("run", "--config", config).code == 69
    assert len(heard(web, "torn")) == 1
    (told,) = heard(web)
    assert told["message"].splitlines()[0] == "not delivered: to torn: torn: the service answered 404"


def test_a_missing_rate_is_told(tmp_path: Path, web: Web, say: Say) -> None:
    write_bill(tmp_path / "exports" / "march.csv")
    cost = {"budgets": {"global": {"amount": 100, "currency": "EUR"}}}
    config = write_config(tmp_path, cost=cost, currency=None, notify=[chat(web, on=["failures"])])
    assert [say("run", "--config", config).code for _ in range(2)] == [78, 78]
    (told,) = heard(web)
    assert "a budget waits for a rate" in told["message"]


@pytest.mark.parametrize("quiet", [False, True])
def test_a_run_that_finds_the_warehouse_in_use_says_so_unless_nobody_is_to_be_told(
    tell: Tell, web: Web, say: Say, quiet: bool
) -> None:
    config = tell(chat(web, on=["failures"]), hook(web, on=["failures"]), writer_wait_seconds=0)
    with Warehouse.open(config.parent / "warehouse" / "costs.duckdb"):
        code = say("run", "--config", config, *(["--no-deliver"] if quiet else [])).code
    assert code == 75
    assert len(web.requests) == (0 if quiet else 2)
    for document in heard(web, "hook"):
        jsonschema.validate(document, SCHEMA)
        assert document["failure"]["exit_code"] == 75
        assert document["failure"]["lines"][-1] == "What to do: run it again; nothing was changed"


def test_a_path_that_cannot_be_written_is_told_and_a_wrong_call_is_not(tell: Tell, web: Web, say: Say) -> None:
    told = chat(web, on=["failures"])
    config = tell(told, reports={"out": "exports/march.csv/www", "formats": ["md"]})
    assert say("run", "--config", config).code == 78
    assert "march.csv" in heard(web)[0]["message"]
    assert say("run", "--config", tell(told, sources=[])).code == 64
    assert len(web.requests) == 1


def test_a_failure_that_cannot_be_told_hides_nothing(
    tell: Tell, web: Web, say: Say, caplog: pytest.LogCaptureFixture
) -> None:
    web.answers[:] = [Answer(404)]
    config = tell(chat(web, on=["failures"]), writer_wait_seconds=0)
    with Warehouse.open(config.parent / "warehouse" / "costs.duckdb"):
        assert say("run", "--config", config).code == 75
    assert "the failure of this run to ops: ops: the service answered 404" in caplog.text


def test_nobody_is_told_by_mail_or_chat_of_what_the_other_is_told(
    copied: Path, web: Web, server: Server, mailbox: Mailbox, say: Say
) -> None:
    mail = server.section(alerts={"to": ["ann@example.com"]})
    config = write_config(copied, cost=COST, mail=mail, notify=[chat(web, on=["failures"])])
    assert say("deliver", "--config", config).code == 0
    assert (mailbox.recipients, web.requests) == (["ann@example.com"], [])
    query = "SELECT DISTINCT channel, recipient FROM notifications"
    assert inside(copied / "warehouse" / "costs.duckdb", query) == [("mail", "ann@example.com")]
