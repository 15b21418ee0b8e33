"""Which file is read, and where its paths lead."""

from __future__ import annotations

import glob
from pathlib import Path

import pytest

from pipeline.config import find_config
from pipeline.config.paths import Resolver
from pipeline.errors import ConfigurationError


def file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", encoding="utf-8")
    return path


def test_the_named_file_comes_first(tmp_path: Path) -> None:
    named, variable = file(tmp_path / "a.yaml"), file(tmp_path / "b.yaml")
    file(tmp_path / "costmill.yaml")
    assert find_config(named, {"COSTMILL_CONFIG": str(variable)}, tmp_path) == named


def test_a_relative_name_starts_here(tmp_path: Path) -> None:
    named = file(tmp_path / "conf" / "a.yaml")
    assert find_config(Path("conf/a.yaml"), {}, tmp_path) == named


def test_the_variable_comes_before_the_folders(tmp_path: Path) -> None:
    variable = file(tmp_path / "b.yaml")
    file(tmp_path / "costmill.yaml")
    assert find_config(None, {"COSTMILL_CONFIG": "b.yaml"}, tmp_path) == variable


def test_the_nearest_folder_above_has_it(tmp_path: Path) -> None:
    file(tmp_path / "costmill.yaml")
    nearest = file(tmp_path / "a" / "costmill.yaml")
    here = tmp_path / "a" / "b" / "c"
    here.mkdir(parents=True)
    (here / "costmill.yaml").mkdir()
    assert find_config(None, {"COSTMILL_CONFIG": ""}, here) == nearest


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert find_config(None, {}, tmp_path) is None


@pytest.mark.parametrize(
    ("explicit", "variable", "named_by"), [(Path("no.yaml"), "", "--config"), (None, "no.yaml", "COSTMILL_CONFIG")]
)
def test_a_named_file_that_is_not_there_is_an_error(
    tmp_path: Path, explicit: Path | None, variable: str, named_by: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"{named_by} names .*no\.yaml, which is no file"):
        find_config(explicit, {"COSTMILL_CONFIG": variable}, tmp_path)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("out", "/base/out"),
        ("out/", "/base/out"),
        ("/srv/out", "/srv/out"),
        ("~/out", "/home/ann/out"),
        ("~", "/home/ann"),
        ("~backup", "/base/~backup"),
    ],
)
def test_a_path_starts_at_the_files_folder(text: str, path: str) -> None:
    assert Resolver(Path("/base"), {"HOME": "/home/ann"}).path(text) == Path(path)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("exports/aws/**", "/base/exports/aws/**"),
        ("/x/*.csv", "/x/*.csv"),
        ("~/e/[ab]*", "/home/ann/e/[ab]*"),
        ("a", "/base/a"),
    ],
)
def test_a_pattern_starts_at_the_files_folder(text: str, pattern: str) -> None:
    assert Resolver(Path("/base"), {"HOME": "/home/ann"}).pattern(text) == pattern


def test_the_files_folder_is_no_part_of_the_pattern(tmp_path: Path) -> None:
    for folder in ("[a]", "a"):
        file(tmp_path / folder / "x.csv")
    pattern = Resolver(tmp_path / "[a]", {}).pattern("*.csv")
    assert glob.glob(pattern) == [str(tmp_path / "[a]" / "x.csv")]  # noqa: PTH207 - an absolute pattern


def test_a_home_folder_is_no_part_of_the_pattern(tmp_path: Path) -> None:
    home = tmp_path / "[ann]"
    wanted = file(home / "x.csv")
    pattern = Resolver(tmp_path, {"HOME": str(home)}).pattern("~/*.csv")
    assert glob.glob(pattern) == [str(wanted)]  # noqa: PTH207 - an absolute pattern


@pytest.mark.parametrize("text", ["s3://bills/aws/**", "gs://bills", "abfs://bills@account.dfs.core.windows.net/x"])
def test_an_address_is_a_pattern_as_it_is(text: str) -> None:
    assert Resolver(Path("/base"), {}).pattern(text).rstrip("/") == text


def test_an_address_is_no_path() -> None:
    with pytest.raises(ValueError, match="is no path of this machine"):
        Resolver(Path("/base"), {}).path("https://example.org/out")
