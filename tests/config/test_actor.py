"""Who asks by the command line: the environment before the file, the operator where nobody is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.actors import Actor
from pipeline.config import load_settings
from pipeline.config.model import OPERATOR
from pipeline.errors import ConfigurationError


def actor(folder: Path, text: str, **environ: str) -> Actor:
    file = folder / "costmill.yaml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, environ=environ).actor


def test_nobody_named_is_the_operator_who_may_do_all(tmp_path: Path) -> None:
    assert actor(tmp_path, "warehouse: w.duckdb") == OPERATOR


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    text = 'actor: {id: kim, type: job, tenant: acme, permissions: ["budget:read"]}'
    assert actor(tmp_path, text) == Actor("kim", "job", "acme", frozenset(["budget:read"]))
    said = {"COSTMILL_ACTOR": "lee", "COSTMILL_TENANT": "", "COSTMILL_PERMISSIONS": "budget:write, budget:read"}
    assert actor(tmp_path, text, **said) == Actor("lee", "job", "acme", frozenset(["budget:read", "budget:write"]))


def test_wrong_words_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as told:
        actor(tmp_path, 'actor: {type: robot, permissions: ["budget:all"]}', COSTMILL_PERMISSIONS="read")
    said = str(told.value)
    assert "line 1: actor.type: 'robot'" in said
    assert "line 1: actor.permissions[0]: 'budget:all'" in said
    assert "COSTMILL_PERMISSIONS: 'read'" in said
