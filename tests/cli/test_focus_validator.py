"""The FinOps Foundation's focus-validator is asked as the program that it is, in the environment that `make` gives it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.load import focus_validator
from tests import soak
from tests.cli.conftest import Say
from tests.load.bills import cur, focus, write

PROGRAM = Path(sys.prefix) / "focus-validator" / "bin" / focus_validator.COMMAND
REAL = pytest.mark.skipif(sys.version_info >= (3, 13), reason="its numpy knows no Python 3.13")


@pytest.fixture
def asked(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Validate rows with the program at hand; returns what is said of the one delivery."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(focus_validator.VARIABLE, str(PROGRAM))

    def ask(name: str, rows: list[dict[str, Any]], *more: str) -> tuple[int, dict[str, Any]]:
        ended = say("validate", write(tmp_path / name, rows), "--focus-validator", "--format", "json", *more)
        [checked] = json.loads(ended.stdout)
        return ended.code, checked["focus_validator"]

    return ask


@REAL
@pytest.mark.heavy
def test_its_rules_are_told_beside_ours(asked: Any) -> None:
    code, opinion = asked("bill.csv.gz", [focus(ChargeFrequency="Sometimes")], "--strict")
    rules = {failed["rule"]: failed for failed in opinion["failed"]}
    assert (code, opinion["version"], opinion["why_not"]) == (65, "1.0", None)
    assert opinion["asked"] > 100
    assert rules["ChargeFrequency_Enum"]["column"] == "ChargeFrequency"
    assert "One-Time" in rules["ChargeFrequency_Enum"]["says"]
    assert "BilledCost_NotNull" not in rules


@REAL
@soak.long
@pytest.mark.heavy
def test_what_ends_it_is_told_as_its_own_failure(tmp_path: Path) -> None:
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(b"PAR1 and no more")
    with pytest.raises(UsageError, match="focus-validator: it failed itself: "):
        focus_validator.ask(str(PROGRAM), [torn], "1.0")


def test_it_is_not_asked_of_other_formats_or_versions(asked: Any) -> None:
    if not PROGRAM.exists():
        pytest.skip("`make test` installs it")
    assert asked("cur.csv", [cur()])[1]["why_not"] == "it reads files of FOCUS only"
    why = asked("newer.csv", [focus()], "--focus", "1.2")[1]["why_not"]
    assert why == "it has no rules for FOCUS 1.2, only for 0.5, 1.0-preview, 1.0"


def test_a_program_that_is_not_there_is_said(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(focus_validator.VARIABLE, "/nowhere/focus-validator")
    ended = say("validate", write(tmp_path / "bill.csv", [focus()]), "--focus-validator")
    assert ended.code == 64
    assert "/nowhere/focus-validator: no such program; install costmill[focus-validator]" in ended.stderr
