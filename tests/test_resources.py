"""Where sql/ and reports/ are."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import resources


@pytest.mark.parametrize("name", ["sql", "reports"])
def test_a_checkout_has_its_folders_at_the_top(project_root: Path, name: str) -> None:
    assert resources.folder(name) == project_root / name


def test_a_wheel_has_its_folders_beside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "pipeline" / "_resources" / "sql"
    inside.mkdir(parents=True)
    (tmp_path / "sql").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "pipeline")
    assert resources.folder("sql") == inside


def test_an_installation_without_the_folder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path)
    with pytest.raises(FileNotFoundError, match="this installation of costmill has no folder 'sql'"):
        resources.folder("sql")


def test_a_sql_file_is_found_by_folder_and_name() -> None:
    assert resources.sql("rollups/daily_costs").startswith("-- daily_costs: ")
    with pytest.raises(FileNotFoundError):
        resources.sql("rollups/nothing")
