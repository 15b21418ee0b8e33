"""`costmill budgets create | show | list | update | delete`, and that the status stays what it was."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests import empty
from tests.cli.conftest import Say
from tests.jobs.nights import write_config


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_config(tmp_path, actor={"id": "ann", "tenant": "acme", "permissions": ["budget:write"]})
    empty.put(tmp_path / "warehouse" / "costs.duckdb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_policy_is_created_shown_changed_listed_and_deleted(ready: Path, say: Say) -> None:
    more = [
        "--scope",
        "team:ml",
        "--owner",
        "kim",
        "--metadata",
        '{"ticket": 7}',
        "--rollover",
        "25",
        "--format",
        "json",
    ]
    made = json.loads(say("budgets", "create", "ML team", "--limit", "500.50", "--id", "ml", *more).stdout)
    assert (made["limit"], made["scope_id"], made["metadata"]) == ("500.5", "ml", {"ticket": 7})
    assert (made["tenant_id"], made["created_by"], made["created_at"]) == ("acme", "ann", "2026-03-22T23:59:59.999999Z")
    assert json.loads(say("budgets", "show", "ml", "--format", "json").stdout) == made
    assert say("budgets", "update", "ml", "--limit", "600", "--owner", "", "--rollover", "", "--disabled").code == 0
    [row] = json.loads(say("budgets", "list", "--scope", "team", "--tenant", "acme", "--format", "json").stdout)
    assert (row["id"], row["limit"], row["owner"], row["enabled"]) == ("ml", "600", None, False)
    assert "rollover" not in say("budgets", "show", "ml").stdout
    assert say("budgets", "delete", "policy:ml").code == 0
    assert say("budgets", "list", "--format", "json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "All", "--limit", "5"], "ann may not create a global policy: it needs budget:admin"),
        (["create", "ML", "--limit", "5", "--scope", "teem:ml"], "scope 'teem' is none; did you mean 'team'"),
        (["create", "ML", "--limit", "5", "--scope", "team:ml", "--metadata", "{"], "--metadata is no JSON"),
        (["--format", "json", "delete", "ml"], "--format stands before the command; write it after: costmill budgets delete"),
    ],
)  # fmt: skip
def test_a_refusal_says_why_with_the_code_of_usage(ready: Path, say: Say, arguments: list[str], said: str) -> None:
    ended = say("budgets", *arguments)
    assert (ended.code, ended.stdout) == (64, "")
    assert said in ended.stderr


def test_the_commands_of_the_page_work(ready: Path, say: Say, project_root: Path) -> None:
    page = (project_root / "docs" / "budgets.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\$ costmill (budgets (?:create|update|list|delete) .*)$", page, re.MULTILINE)
    ended = [say(*shlex.split(line)) for line in lines]
    assert [(each.code, each.stderr) for each in ended] == [(0, "")] * 4
    assert [row["limit"] for row in json.loads(ended[2].stdout)] == ["450.5"]
