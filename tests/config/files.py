"""Writes configuration files for the tests and reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from pipeline.config import BudgetOverrides, BudgetsConfig, Settings, load_settings
from pipeline.errors import ConfigurationError


def write(folder: Path, text: str) -> Path:
    """Write a costmill.yaml and return its path."""
    file = folder / "costmill.yaml"
    file.write_text(dedent(text), encoding="utf-8", newline="")
    return file


def settings(folder: Path, text: str, overrides: BudgetOverrides | None = None, **environ: str) -> Settings:
    """Read a configuration's text."""
    return load_settings(write(folder, text), environ=environ, overrides=overrides)


def budgets(folder: Path, text: str, overrides: BudgetOverrides | None = None, **environ: str) -> BudgetsConfig:
    """Read the budgets of a configuration that has some."""
    found = settings(folder, text, overrides, **environ).budgets
    assert found is not None
    return found


def problems(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Read a wrong configuration; its problems as ``line N: path: message``."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(write(folder, text), environ=environ or {})
    return [str(problem) for problem in caught.value.problems]


def problem(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    """Read a configuration with exactly one problem, which is returned."""
    found = problems(folder, text, environ)
    assert len(found) == 1, found
    return found[0]
