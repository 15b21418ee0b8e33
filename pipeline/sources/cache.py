"""The local cache of objects: each version of an object is one file that never changes.

A file's name is made of the object's address and version. Downloads go to a ``.part`` file that is locked while it is
written, goes on where it ended (same version only, since the version is in its name), and is renamed when it is whole:
several processes may share a cache.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pipeline.errors import FileChangedError
from pipeline.sources.stores import Listed

#: Bytes that are asked for at a time: what a break costs, and with the connections what downloads hold in memory.
CHUNK = 8 << 20
#: A download that broke off so many seconds ago is not gone on with.
PART_KEPT = 7 * 86_400


class Cache:
    """The folder of the cache and how many bytes it may keep between runs.

    Open it before use: that holds off the pruning of other processes until ``close``.
    """

    def __init__(self, folder: Path, max_bytes: int, chunk: int = CHUNK) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.chunk = chunk
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folder, and hold off pruning."""
        if self._lock is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def close(self) -> None:
        """Let go."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def path(self, item: Listed) -> Path:
        """Where a version of an object is, or would be."""
        name = hashlib.sha256(f"{item.url}\x1f{item.version}\x1f{item.bytes}".encode()).hexdigest()[:32]
        last = re.sub(r"[^0-9A-Za-z._-]+", "_", item.key.rpartition("/")[2])[-80:]
        return self.folder / name[:2] / f"{name}-{last}"

    def has(self, item: Listed) -> bool:
        """Whether the version is here."""
        try:
            found = self.path(item).stat()
        except OSError:
            return False
        return found.st_size == item.bytes

    def bring(self, item: Listed, read: Callable[[int, int], bytes], confirm: Callable[[], bool]) -> Path:
        """Return the file of a version, downloading what is not here yet.

        Args:
            item: the object as it was listed.
            read: returns a range of the object, all of it or an error.
            confirm: says, at the end, whether the object still is this version.

        Raises:
            FileChangedError: when it is not.
            OSError: when the disk is full, or ``read`` fails.
        """
        target = self.path(item)
        if not self.has(item):
            target.parent.mkdir(exist_ok=True)
            with _claimed(target.with_name(target.name + ".part")) as part:
                if not self.has(item):  # somebody else may have finished it meanwhile
                    self._download(item, part, read)
                    if not confirm():
                        part.truncate(0)
                        raise changed(item.url)
                    Path(part.name).replace(target)
        os.utime(target, ns=(time.time_ns(), item.modified_ns))
        return target

    def _download(self, item: Listed, part: IO[bytes], read: Callable[[int, int], bytes]) -> None:
        if part.seek(0, os.SEEK_END) > item.bytes:
            part.truncate(0)
        while (start := part.seek(0, os.SEEK_END)) < item.bytes:
            part.write(read(start, min(start + self.chunk, item.bytes)))
            part.flush()
        os.fsync(part.fileno())

    def prune(self, keep: Collection[Path] = ()) -> None:
        """Remove what was used longest ago until the cache is as small as it may be; ``keep`` stays.

        Does nothing while another process uses the cache.
        """
        if self._lock is None:
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fcntl.flock(self._lock, fcntl.LOCK_SH)  # a failed change of the lock may have dropped it
            return
        try:
            self._remove(set(keep))
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def _remove(self, keep: Collection[Path]) -> None:
        files = [(path.stat().st_atime_ns, path.stat().st_size, path) for path in self.folder.glob("??/*")]
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            is_stale = path.suffix == ".part" and path.stat().st_mtime < time.time() - PART_KEPT
            if is_stale or (total > self.max_bytes and path not in keep):
                total -= size
                with suppress(FileNotFoundError):
                    path.unlink()


@contextmanager
def _claimed(path: Path) -> Iterator[IO[bytes]]:
    """Open a part file for appending, alone among all processes and threads."""
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_same(file, path):
                yield file
                return
            if not path.exists() and _finished(path).exists():  # whole by now: nothing is written any more
                yield file
                return
        finally:
            file.close()


def _is_same(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _finished(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".part"))


def changed(url: str) -> FileChangedError:
    """Return the error for an object that is no longer what was listed."""
    return FileChangedError(f"{url}: changed after it was listed; nothing of it was loaded, the next run looks again")
