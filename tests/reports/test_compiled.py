"""Compiled templates: kept beside ours alone, never older than their text, never in the way."""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2
import pytest

from pipeline.reports.compiled import AsWritten, Compiled


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of ours with one template, where Python writes what it compiles."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "a.html").write_text("{{ 'a' | said }} {{ said }}")
    return tmp_path / "ours"


def rendered(folder: Path, said: str, *, user: Path | None = None) -> str:
    loader = jinja2.FileSystemLoader([own for own in (user, folder) if own])
    environment = jinja2.Environment(loader=loader, bytecode_cache=Compiled(folder, "html"), optimized=False)
    environment.code_generator_class = AsWritten
    environment.filters["said"] = lambda text: f"{text}{said}"
    return environment.get_template("a.html").render(said=said)


def kept(folder: Path) -> list[Path]:
    return list(folder.rglob("*.j2c*"))


def test_what_is_kept_asks_the_filters_of_the_day(folder: Path) -> None:
    assert rendered(folder, "1") == "a1 1"
    (file,) = kept(folder)
    before = file.stat().st_mtime_ns
    assert rendered(folder, "2") == "a2 2"
    assert file.stat().st_mtime_ns == before


def test_a_template_that_was_changed_is_compiled_anew(folder: Path) -> None:
    rendered(folder, "1")
    (folder / "a.html").write_text("other {{ said }}")
    assert rendered(folder, "1") == "other 1"


def test_nothing_is_kept_of_a_user_s_templates(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.html").write_text("own {{ said }}")
    assert rendered(folder, "1", user=tmp_path / "own") == "own 1"
    assert kept(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", b"x", "header"])
def test_a_damaged_file_is_as_none(folder: Path, damage: bytes | str) -> None:
    rendered(folder, "1")
    (file,) = kept(folder)
    whole = file.read_bytes()
    file.write_bytes(whole[:30] if isinstance(damage, str) else damage)
    assert rendered(folder, "1") == "a1 1"
    assert file.read_bytes() == whole


def test_a_folder_that_takes_no_files_is_no_matter(folder: Path) -> None:
    (folder / "__pycache__").write_text("in the way")
    assert rendered(folder, "1") == "a1 1"
