"""The section ``notify``: what is read, what is refused, and that nobody is shown an address."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.secrets import require_secrets
from pipeline.errors import ConfigurationError
from tests.config.files import problem, problems, settings

HOOK = "{name: hook, type: webhook, url: 'https://hooks.example.com/key-4711', secret: 0123456789abcdef-4711%s}"


def test_channels_are_read_in_their_order_and_a_budget_may_name_one(tmp_path: Path) -> None:
    text = "notify: [%s, {name: ops, url_file: slack, on: [alerts, failures]}]\ncost: {budgets: {global: %s}}\n"
    found = settings(tmp_path, text % (HOOK % "", "{amount: 9, notify: [ops]}"))
    assert [(own.name, own.type, own.on) for own in found.notify] == [
        ("hook", "webhook", ("alerts",)),
        ("ops", "apprise", ("alerts", "failures")),
    ]
    assert found.notify[1].url_file == tmp_path / "slack"
    assert found.budgets is not None
    assert found.budgets.scopes[0].notify == ("ops",)
    assert "4711" not in repr(found)


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ("{name: mail, url: 'json://a/key-4711'}", "neither mail nor owner"),
        ("{name: a@b, url: 'json://a/key-4711'}", "is no channel's name"),
        ("{name: ops}", "url is missing"),
        ("{name: ops, url: 'json://a/key-4711', url_file: x}", "stands beside url; keep one"),
        ("{name: ops, url: 'key-4711 no address'}", "is no address of apprise"),
        ("{name: ops, url: 'json://a/key-4711', secret: 0123456789abcdef}", "signs a webhook's requests"),
        ("{name: ops, type: webhook, url: 'https://a/key-4711'}", "secret is missing"),
        ("{name: ops, type: webhook, url: 'ftp://a/key-4711', secret: 0123456789abcdef}", "is no web address"),
        ("{name: ops, type: webhook, url: 'https://k:4711@a', secret: 0123456789abcdef}", "is no web address"),
        (HOOK.replace("0123456789abcdef-4711", "short-4711") % "", "shorter than 16 characters"),
        (HOOK % ", on: [reports]", "reports: is missing"),
        (HOOK % ", reports: [{report: costs, edition: daily}]", "on does not have reports"),
        (HOOK % ", on: [reports], reports: [{report: teams, edition: daily}]", "goes to that team, by mail"),
        (HOOK % ", on: [failures], min_severity: info", "on does not have alerts"),
    ],
)
def test_what_is_wrong_is_said_without_the_address(tmp_path: Path, channel: str, said: str) -> None:
    told = problem(tmp_path, f"notify: [{channel}]\n")
    assert said in told
    assert "4711" not in told


def test_only_a_secrets_variable_may_be_missing_and_is_missed_when_it_is_needed(tmp_path: Path) -> None:
    channel = "notify: [{name: hook, type: webhook, url: 'https://${NO_SUCH_HOST}/', secret: '${NO_SUCH}'}]\n"
    found = settings(tmp_path, channel)
    with pytest.raises(ConfigurationError, match=r"line 1: notify\[0\].url: .* no NO_SUCH_HOST;[^\n]*\n.*NO_SUCH;"):
        require_secrets(found)
    assert "the environment has no NO_SUCH;" in problem(tmp_path, channel.replace("name: hook", "name: '${NO_SUCH}'"))


def test_two_channels_have_two_names(tmp_path: Path) -> None:
    assert any("'hook' stands twice" in each for each in problems(tmp_path, f"notify: [{HOOK % ''}, {HOOK % ''}]\n"))


BUDGETS = (
    "cost: {budgets: {global: {amount: 9}, providers: {AWS: {amount: 5}}, tags: [{selector: 'team:*', amount: 1}]}}\n"
)


def test_a_channel_names_budgets_that_there_are(tmp_path: Path) -> None:
    ids = ["global", "provider:aws", "tag:team:*", "policy:p1", "managed:m1", "anomaly:USD"]
    found = settings(tmp_path, f"notify: [{HOOK % f', budgets: {ids}'}]\n{BUDGETS}")
    assert found.notify[0].budgets == tuple(ids)
    assert not found.warnings
    said = problem(tmp_path, f"notify:\n- {HOOK % ', budgets: [global, provider:AWS]'}\n{BUDGETS}")
    assert said.startswith(
        "line 2: notify[0].budgets[1]: 'provider:AWS' is no budget's id, as `costmill budgets` lists"
    )
    assert said.endswith("did you mean 'provider:aws'?")


def test_a_global_budget_that_only_some_runs_have_is_a_warning(tmp_path: Path) -> None:
    text = f"notify: [{HOOK % ', budgets: [global]'}]\n"
    [said] = settings(tmp_path, text).warnings
    assert said.startswith("line 1: notify[0].budgets: names global, and there is no global budget; add")
    assert not settings(tmp_path, text, COSTMILL_BUDGET_AMOUNT="9").warnings


def test_what_is_wrong_with_a_channel_s_budgets_is_said_once(tmp_path: Path) -> None:
    assert "must be a list" in problem(tmp_path, f"notify: [{HOOK % ', budgets: global'}]\n{BUDGETS}")
