"""Which files a source's path means, and what is known of each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import ExportError, UnreadableFileError
from pipeline.sources import find, places
from pipeline.sources.find import HashCache


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with exports, hidden files and things that are no files."""
    for name in ("b.csv", "a/c.csv", "a/d.parquet", ".hidden/e.csv", "a/_SUCCESS", "a/.part.csv", "_tmp/f.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    return tmp_path


def names(tree: Path, pattern: str) -> list[str]:
    return [str(path.relative_to(tree)) for path in find.paths(str(tree / pattern))]


def test_a_folder_means_all_files_below_it_without_hidden_ones(tree: Path) -> None:
    assert names(tree, "") == ["a/c.csv", "a/d.parquet", "b.csv"]


def test_a_file_means_itself(tree: Path) -> None:
    assert names(tree, "a/c.csv") == ["a/c.csv"]


def test_a_glob_means_what_it_matches(tree: Path) -> None:
    assert names(tree, "a/*.csv") == ["a/c.csv"]
    assert {"a/c.csv", "b.csv"} <= set(names(tree, "**/*.csv"))


@pytest.mark.parametrize("name", ["bills[1]", "what?", "all*", "it's", 'say "x"'])
def test_a_folder_with_an_odd_name_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "x.csv").touch()
    assert find.paths(str(tmp_path / name)) == [tmp_path / name / "x.csv"]


@pytest.mark.parametrize("pattern", ["nowhere", "pipe.csv", "loop.csv"])
def test_a_path_that_is_no_file_or_folder_is_refused(tree: Path, pattern: str) -> None:
    with pytest.raises(ExportError, match="no such file or folder; check the source's path"):
        find.paths(str(tree / pattern))


@pytest.mark.parametrize(
    ("pattern", "reason"), [("*.zip", "no file fits the pattern"), ("folder.csv", "the folder holds no files")]
)
def test_a_source_without_exports_is_refused(tree: Path, pattern: str, reason: str) -> None:
    with pytest.raises(ExportError, match=f"{reason}; has the provider delivered"):
        find.paths(str(tree / pattern))


@pytest.mark.parametrize(
    ("given", "source", "is_part"),
    [
        ("a/c.csv", "", True),
        ("a", "a/*", True),
        ("a/up/a/c.csv", "a/c.csv", True),
        ("", "a", False),
        ("_tmp/f.csv", "", False),
        ("nowhere", "", False),
        ("a", "s3://bills", False),
    ],
)
def test_files_are_part_of_a_source_that_has_them_all(tree: Path, given: str, source: str, is_part: bool) -> None:
    assert places.lies_in(str(tree / given), source if "//" in source else str(tree / source)) is is_part


@pytest.mark.parametrize(
    ("given", "source", "is_part"),
    [
        ("s3://bills/aws/2026", "s3://bills/aws/", True),
        ("s3://bills/aws", "s3://bills", True),
        ("s3://bills/aws/*", "s3://bills/aws", True),
        ("s3://bills/aws/**", "s3://bills/aws/**", True),
        ("s3://bills/aws-2", "s3://bills/aws", False),
        ("s3://other/aws", "s3://bills/aws", False),
        ("gs://bills/aws", "s3://bills/aws", False),
    ],
)
def test_an_address_is_part_of_the_folder_that_it_is_below(given: str, source: str, is_part: bool) -> None:
    assert places.lies_in(given, source) is is_part


def test_an_untouched_file_is_not_hashed_again(tree: Path) -> None:
    path = tree / "b.csv"
    cache: HashCache = {}
    first = find.fingerprint_file(path, cache)
    cache[str(path)] = (*cache[str(path)][:2], "as remembered")
    assert len(first.sha256) == 64
    assert find.fingerprint_file(path, cache).sha256 == "as remembered"


def test_a_changed_file_is_hashed_again(tree: Path) -> None:
    path = tree / "b.csv"
    cache: HashCache = {}
    first = find.fingerprint_file(path, cache)
    path.write_text("y")
    os.utime(path, (1, 1))
    assert find.fingerprint_file(path, cache).sha256 != first.sha256


@pytest.mark.parametrize("change", ["grow", "touch", "remove"])
def test_a_file_that_changes_meanwhile_is_noticed(tree: Path, change: str) -> None:
    path = tree / "b.csv"
    file = find.fingerprint_file(path, {})
    if change == "remove":
        path.unlink()
    elif change == "grow":
        path.write_text("xx")
    else:
        os.utime(path, (1, 1))
    with pytest.raises(UnreadableFileError):
        find.check_unchanged(file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tree: Path) -> None:
    (tree / "b.csv").chmod(0)
    with pytest.raises(UnreadableFileError, match=r"b\.csv: cannot be read: Permission denied"):
        find.fingerprint_file(tree / "b.csv", {})


def test_a_file_that_went_away_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        UnreadableFileError, match="cannot be read: No such file or directory; nothing of it was loaded"
    ):
        find.fingerprint_file(tmp_path / "gone.csv", {})
