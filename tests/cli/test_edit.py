"""`costmill budgets edit`: real editors, which are small scripts, in this process and on a real terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import Actor, BudgetPolicyService, Policy
from pipeline.cli import edit
from pipeline.config import load_settings
from tests import empty
from tests.cli.conftest import Say
from tests.jobs.nights import budgets, command, environment, write_config

Editor = Callable[..., None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edit")
    service = BudgetPolicyService(load_settings(write_config(folder, cost=budgets(1000)), environ={}))
    empty.put(folder / "warehouse" / "costs.duckdb")
    ada = Actor("ada", permissions=frozenset(["*"]))
    service.create_policy(ada, Policy("Everything", 1000, id="all"))
    service.create_policy(ada, Policy("ML team", 500, "team", "ml", id="ml"))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse with two policies as the current folder; drafts go to ``drafts``."""
    shutil.copytree(made, tmp_path / "own", symlinks=True)
    (tmp_path / "drafts").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "drafts"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path / "own")
    return tmp_path


@pytest.fixture
def editor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Let $EDITOR be a script of these lines of shell; ``$1`` is the draft."""

    def use(*lines: str) -> None:
        path = folder / "editor"
        path.write_text("\n".join(["#!/bin/sh", "set -e", *lines, ""]))
        path.chmod(0o755)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", str(path))

    return use


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "drafts").rglob("policy.yaml"))


def limit(say: Say) -> str:
    return str(json.loads(say("budgets", "show", "ml", "--format", "json").stdout)["limit"])


def test_what_was_typed_is_applied_and_no_draft_is_left(folder: Path, say: Say, editor: Editor) -> None:
    editor('sed -i "s/^limit: .*/limit: 600.50/; s/^owner:/owner: kim/" "$1"')
    ended = say("budgets", "edit", "ML team", "--yes", "--format", "json")
    assert (ended.code, ended.stderr) == (0, "limit: 500 -> 600.5\nowner: (nothing) -> kim\n")
    told = json.loads(ended.stdout)
    assert (told["limit"], told["owner"], told["updated_by"]) == ("600.5", "kim", "operator")
    assert kept(folder) == []


@pytest.mark.parametrize("line", [":", 'printf "" > "$1"', 'sed -i "s/^limit: .*/limit: 500.00/" "$1"'])
def test_leaving_it_as_it_is_or_empty_changes_nothing(folder: Path, say: Say, editor: Editor, line: str) -> None:
    editor(line)
    ended = say("budgets", "edit", "ml", "--yes")
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "costmill: nothing was changed\n")
    assert kept(folder) == []


@pytest.mark.parametrize(
    ("lines", "arguments", "said"),
    [
        (['sed -i "s/^limit: .*/limit: 0/" "$1"'], ["--yes"], "line 14: limit 0 must be above 0"),
        (['sed -i "s/^limit: .*/limit: 9999/" "$1"'], ["--yes"], "team:ml may spend 9999 USD, which is above"),
        (['sed -i "s/^limit: .*/limit: 600/" "$1"'], [], "stdin is no terminal; --yes applies it"),
        (['sed -i "s/^limit: .*/limit: 600/" "$1"', "exit 3"], ["--yes"], "Editing failed"),
    ],
)
def test_without_a_terminal_a_refusal_says_where_the_text_is_kept(
    folder: Path, say: Say, editor: Editor, lines: list[str], arguments: list[str], said: str
) -> None:
    editor(*lines)
    ended = say("budgets", "edit", "ml", *arguments)
    assert (ended.code, ended.stdout) == (64, "")
    assert said in ended.stderr
    [draft] = kept(folder)
    assert f"what was typed is kept: {draft}" in ended.stderr
    assert re.search(r"^limit: (0|600|9999)$", draft.read_text(), re.MULTILINE)
    assert limit(say) == "500"


def test_a_kept_text_is_gone_on_with(folder: Path, say: Say, editor: Editor) -> None:
    (folder / "kept").write_text("# wrong: limit 0 must be above 0\nlimit: 0\n")
    editor('sed -i "s/^limit: .*/limit: 700/" "$1"')
    assert say("budgets", "edit", "ml", "--yes", "--from", folder / "kept").code == 0
    assert limit(say) == "700"


def test_what_somebody_else_changed_meanwhile_is_not_written_over(
    folder: Path, say: Say, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = folder / "own", folder / "changed"
    shutil.copytree(before, after, symlinks=True)
    monkeypatch.setenv("COSTMILL_ACTOR", "bob")
    assert say("budgets", "update", "ml", "--limit", "550", "--config", after / "costmill.yaml").code == 0
    editor(f"rm -r {before}/*; cp -a {after}/. {before}", 'sed -i "s/^limit: .*/limit: 600/" "$1"')
    ended = say("budgets", "edit", "ml", "--yes")
    assert (ended.code, ended.stdout) == (64, "")
    assert "policy ml was changed by bob on 2026-03-22 23:59 UTC meanwhile; nothing was written over it" in ended.stderr
    assert "\nlimit: 500 -> 550\nwhat was typed is kept: " in ended.stderr
    assert limit(say) == "550"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("global", "global is a budget of the configuration file and no policy; edit it there: {config}, line "),
        ("nobody", "no policy has the id 'nobody'"),
    ],
)
def test_what_is_no_policy_opens_no_editor(folder: Path, say: Say, editor: Editor, name: str, said: str) -> None:
    editor(f"touch {folder}/opened")
    ended = say("budgets", "edit", name)
    assert (ended.code, ended.stdout) == (64, "")
    assert said.format(config=folder / "own" / "costmill.yaml") in ended.stderr
    assert not (folder / "opened").exists()


def test_on_a_terminal_a_mistake_is_edited_again_and_the_change_is_asked_for(
    folder: Path, say: Say, editor: Editor
) -> None:
    editor(
        f'if [ -e {folder}/again ]; then cp -n "$1" {folder}/marked || true; sed -i "s/^limit: .*/limit: 600/" "$1"',
        f'else touch {folder}/again; sed -i "s/^limit: .*/limit: much/" "$1"; fi',
    )
    ours, theirs = pty.openpty()
    own = environment(EDITOR=os.environ["EDITOR"], TMPDIR=os.environ["TMPDIR"])
    run = subprocess.Popen(command("budgets", "edit", "ml"), stdin=theirs, stdout=theirs, stderr=theirs, env=own)
    os.close(theirs)
    seen = _until(ours, "Edit it again? [Y/n]")
    os.write(ours, b"y\n")
    for answer in (b"e\n", b"y\n"):
        seen += _until(ours, "(n)o:")
        os.write(ours, answer)
    seen += _until(ours, "updated_by")
    assert run.wait(30) == 0
    os.close(ours)
    assert "line 14: limit: 'much' is no amount" in seen
    assert seen.count("limit: 500 -> 600") == 2
    lines = (folder / "marked").read_text().splitlines()
    assert lines[13].startswith("# wrong: limit: 'much' is no amount")
    assert lines[14] == "limit: much"
    assert (limit(say), kept(folder)) == ("600", [])


def test_who_interrupts_an_edit_is_told_where_the_text_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        with edit._draft("limit: 5\n", "ml") as draft:
            draft.write_text("limit: 6\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    [draft] = kept(folder)
    assert draft.read_text() == "limit: 6\n"
    assert (
        f"what was typed is kept: {draft}; `costmill budgets edit ml --from {draft}` goes on" in capsys.readouterr().err
    )


def _until(terminal: int, words: str) -> str:
    """Read what a terminal shows until the words stand there."""
    seen = ""
    while words not in seen:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, f"{words!r} did not come: {seen}"
        seen += os.read(terminal, 4096).decode()
    return seen
