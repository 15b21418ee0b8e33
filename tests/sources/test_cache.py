"""The cache of objects: one file for each version, whole or not there, and no larger than it may be."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import FileChangedError
from pipeline.sources.cache import PART_KEPT, Cache
from pipeline.sources.stores import Listed

DATA = bytes(range(250))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    made = Cache(tmp_path / "cache", 1000, chunk=100)
    made.open()
    yield made
    made.close()


def item(name: str = "a.csv", version: str = "1", size: int = len(DATA)) -> Listed:
    return Listed(f"s3://bills/{name}", name, size, 10**18, version)


def bring(cache: Cache, wanted: Listed) -> Path:
    return cache.bring(wanted, lambda start, end: DATA[start:end], lambda: True)


def test_an_object_is_brought_in_pieces_and_keeps_its_time_of_change(cache: Cache) -> None:
    asked = []

    def read(start: int, end: int) -> bytes:
        asked.append((start, end))
        return DATA[start:end]

    path = cache.bring(item(), read, lambda: True)
    assert asked == [(0, 100), (100, 200), (200, 250)]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (DATA, 10**18)


def test_a_broken_download_goes_on_where_it_ended_in_the_same_version_alone(cache: Cache) -> None:
    def breaks(start: int, end: int) -> bytes:
        if start >= 100:
            raise ConnectionResetError
        return DATA[start:end]

    with pytest.raises(ConnectionResetError):
        cache.bring(item(), breaks, lambda: True)
    assert not cache.has(item())
    asked = []

    def read(start: int, end: int) -> bytes:
        asked.append(start)
        return DATA[start:end]

    for version in ("1", "2"):
        cache.bring(item(version=version), read, lambda: True)
    assert asked == [100, 200, 0, 100, 200]


def test_an_object_that_changed_at_the_end_is_no_object(cache: Cache) -> None:
    with pytest.raises(FileChangedError, match=r"s3://bills/a\.csv: changed after it was listed"):
        cache.bring(item(), lambda start, end: DATA[start:end], lambda: False)
    assert not cache.has(item())


def test_two_that_want_one_object_download_it_once(cache: Cache) -> None:
    asked: list[int] = []
    first_piece, go = threading.Event(), threading.Event()

    def read(start: int, end: int) -> bytes:
        asked.append(start)
        first_piece.set()
        go.wait(10)
        return DATA[start:end]

    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(cache.bring(item(), read, lambda: True))) for _ in range(3)]
    for thread in threads:
        thread.start()
    first_piece.wait(10)
    go.set()
    for thread in threads:
        thread.join()
    assert (asked, len(set(paths))) == ([0, 100, 200], 1)


def test_what_was_used_longest_ago_goes_first_and_what_is_kept_stays(cache: Cache) -> None:
    paths = [bring(cache, item(f"{n}.csv")) for n in range(6)]
    for age, path in enumerate([paths[3], paths[0], paths[1], paths[2], paths[4], paths[5]]):
        os.utime(path, ns=(10**18 + age, 10**18))
    cache.prune({paths[3]})
    assert [path.exists() for path in paths] == [False, False, True, True, True, True]


def test_a_cache_that_another_uses_is_not_pruned(cache: Cache) -> None:
    paths = [bring(cache, item(f"{n}.csv")) for n in range(6)]
    other = Cache(cache.folder, 0)
    other.open()
    cache.prune()
    assert all(path.exists() for path in paths)
    other.close()
    cache.prune()
    assert sum(path.exists() for path in paths) == 4


def test_an_old_part_is_removed(cache: Cache) -> None:
    target = cache.path(item())
    target.parent.mkdir()
    part = target.with_name(target.name + ".part")
    part.write_bytes(b"x")
    cache.prune()
    assert part.exists()
    os.utime(part, (0, part.stat().st_mtime - PART_KEPT - 1))
    cache.prune()
    assert not part.exists()


@pytest.mark.parametrize("key", ["a b/ü?.csv", "x" * 500, "..", "a/\n"])
def test_an_object_of_any_name_has_a_file_name(cache: Cache, key: str) -> None:
    assert bring(cache, item(key)).read_bytes() == DATA
