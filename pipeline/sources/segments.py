"""Segments of a usage log: files that programs append to while they are read.

Who writes a segment holds a lock on it, from before its first byte until it is closed or dead; the operating system
frees the lock with the process. A reader looks at the lock and waits for nobody.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.sources import find
from pipeline.sources.find import ExportFile, HashCache
from pipeline.sources.json_lines import LINE_LIMIT
from pipeline.sources.places import Folder

SUFFIX = ".jsonl"
_CHUNK = 1 << 20


def paths(folder: Path) -> list[Path]:
    """Return the segments of a folder, sorted; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.suffix == SUFFIX and path.name[0] not in "._" and path.is_file()
    )


def has_line(path: Path) -> bool:
    """Whether a segment has a whole line: one that was begun and never ended holds nothing that was recorded."""
    try:
        with path.open("rb") as file:
            return file.readline(LINE_LIMIT).endswith(b"\n")
    except OSError:  # told when it is read
        return True


@contextmanager
def held(descriptor: int) -> Iterator[bool]:
    """Keep writers away from an open segment meanwhile, and say whether that could be: False, when one writes it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class Segments(Folder):
    """The segments of a folder, each as far as it goes now: what is read is a copy, so that nobody is disturbed.

    It is taken up to its last whole line: one that breaks off is being written, or never was (``torn``).
    """

    def __init__(self, folder: str, copies: Path) -> None:
        self.root = Path(folder)
        self.paths: Sequence[Path] = [path for path in paths(self.root) if has_line(path)]
        self._copies = copies

    def is_json(self, path: Path) -> bool:
        """False: no segment is a manifest."""
        return False

    def fingerprint(self, path: Path, cache: HashCache) -> ExportFile:
        """Return a copy of the segment with its hash; the segment itself when it is as a former run saw it."""
        try:
            with path.open("rb") as file:
                now = os.fstat(file.fileno())
                known = cache.get(str(path))
                if known and known[:2] == (now.st_size, now.st_mtime_ns):
                    return ExportFile(path, *known)
                copy = self._copies / path.name
                size, sha256 = _copy(file.fileno(), copy, last_line_end(file.fileno(), now.st_size))
        except OSError as error:
            raise find.unreadable(path, error) from error
        os.utime(copy, ns=(now.st_mtime_ns, now.st_mtime_ns))
        if size == now.st_size:
            cache[str(path)] = (size, now.st_mtime_ns, sha256)
        return ExportFile(copy, size, copy.stat().st_mtime_ns, sha256, url=str(path))


def torn(path: Path) -> int:
    """Return how many bytes at its end a segment has that nobody writes any more and that are no whole line."""
    with path.open("rb") as file, held(file.fileno()) as is_closed:
        size = os.fstat(file.fileno()).st_size
        return size - last_line_end(file.fileno(), size) if is_closed else 0


def _copy(descriptor: int, target: Path, end: int) -> tuple[int, str]:
    """Copy the bytes up to ``end``; returns how many they are, and their SHA-256."""
    digest = hashlib.sha256()
    with target.open("wb") as file:
        at = 0
        while at < end:
            data = os.pread(descriptor, min(_CHUNK, end - at), at)
            if not data:
                break
            digest.update(data)
            file.write(data)
            at += len(data)
    return at, digest.hexdigest()


def last_line_end(descriptor: int, size: int) -> int:
    """Return where the last whole line of the first ``size`` bytes ends."""
    at = size
    while at > 0:
        start = max(at - _CHUNK, 0)
        found = os.pread(descriptor, at - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0
