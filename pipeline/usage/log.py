"""The usage log's writer: append-only JSON lines, a file per process, handed to the operating system at once.

Nothing here waits for DuckDB, for another process, or, with ``durability: batch``, for the disk.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import itertools
import logging
import os
import re
import secrets
import socket
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pipeline.config.model import UsageLogSettings
from pipeline.errors import UsageLogError
from pipeline.sources import segments
from pipeline.usage.record import UsageRecord, line

logger = logging.getLogger(__name__)

#: A segment is begun anew after a day, so that what is old can be cleaned up.
ROTATE_SECONDS = 86_400
#: How many segments that nobody writes a new process looks at before it begins one of its own.
_LOOKED_AT = 8
_NAME = re.compile(r"(?P<start>[0-9]{8}T[0-9]{6})-(?P<machine>.+)-[0-9a-f]{16}\.jsonl")


class UsageLog:
    """Appends records to this process's segment of a folder. Threads share it; a forked child begins a segment of its own.

    A process that starts goes on with a segment that nobody writes, of the same machine since it was started, where
    there is one: many short-lived processes share a few files.
    """

    _unsynced: int
    _is_new: bool

    def __init__(self, settings: UsageLogSettings) -> None:
        self.settings = settings
        self._begin()
        _LOGS.add(self)

    def append(self, records: Sequence[UsageRecord]) -> None:
        """Write checked records in one go.

        When it returns, the operating system has them.

        Raises:
            EntryError: when a record is longer than a line may be; nothing of the call was written.
            UsageLogError: when the log cannot be written; nothing of the call was recorded.
        """
        lines = [line(each) for each in records]
        if lines:
            with self._lock:
                self._write(lines)

    def new_id(self) -> str:
        """Return an id that no other record of any process has."""
        return f"{self._prefix}-{next(self._numbers):x}"

    def sync(self) -> None:
        """Put what was written on the disk; recording goes on meanwhile."""
        with self._lock:
            self._due.clear()
            self._full.clear()
            if self._descriptor is None or not self._unsynced:
                return
            copy = os.dup(self._descriptor)
            self._unsynced = 0
            is_new = self._is_new
            self._is_new = False
        try:
            os.fsync(copy)
            if is_new:
                _sync_folder(self.settings.path)
        finally:
            os.close(copy)

    def close(self) -> None:
        """Put everything on the disk and close the segment. The next record begins another one."""
        with self._lock:
            self._close()

    def _begin(self) -> None:
        """Start with nothing: a new log, or the child of a fork, whose parent has the segment."""
        self._lock = threading.Lock()
        self._due, self._full = threading.Event(), threading.Event()
        self._descriptor: int | None = None
        self._path: Path | None = None
        self._head = b""
        self._size = 0
        self._unsynced = 0
        self._is_new = False
        self._ends = 0.0
        self._flusher: threading.Thread | None = None
        self._prefix = secrets.token_hex(12)
        self._numbers = itertools.count()

    def _after_fork(self) -> None:
        """In the child: the descriptor is the parent's, and so is the lock on it; closing this copy frees neither."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._begin()

    def _write(self, lines: Sequence[bytes]) -> None:
        if self._descriptor is None or time.monotonic() >= self._ends:
            self._close()
            self._open()
        assert self._descriptor is not None
        head = self._head
        data = b"".join([part for each in lines for part in (head, each, b"\n")])
        try:
            _write_all(self._descriptor, data)
            if self.settings.durability == "record":
                self._sync()
        except OSError as error:
            self._take_back()
            raise UsageLogError(
                f"{self._path}: cannot be written: {error.strerror or error}; nothing of the call was recorded, "
                "make room there and record it again"
            ) from error
        self._size += len(data)
        if self.settings.durability == "batch":
            self._note_unsynced(len(lines))
        if self._size >= self.settings.rotate_size:
            self._close()

    def _sync(self) -> None:
        """Put the segment on the disk, and its name, before anything else happens."""
        assert self._descriptor is not None
        os.fsync(self._descriptor)
        if self._is_new:
            _sync_folder(self.settings.path)
            self._is_new = False

    def _note_unsynced(self, records: int) -> None:
        self._unsynced += records
        if self._flusher is None:
            self._flusher = threading.Thread(
                target=_flush, args=(weakref.ref(self), self._due, self._full), name="costmill-usage", daemon=True
            )
            self._flusher.start()
        self._due.set()
        if self._unsynced >= self.settings.batch_size:
            self._full.set()

    def _take_back(self) -> None:
        """Take a half-written record out again; where that fails, too, leave the segment as it is and begin another."""
        assert self._descriptor is not None
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self._close()

    def _open(self) -> None:
        folder = self.settings.path
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor, self._path = self._resumed(folder) or self._created(folder)
            self._size = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise UsageLogError(
                f"{folder}: no segment of the usage log can be written there: {error.strerror or error}; "
                "nothing was recorded, check the folder (usage_log.path) and who may write there"
            ) from error
        self._head = b'{"segment":"' + self._path.stem.encode() + b'",'
        self._ends = time.monotonic() + ROTATE_SECONDS

    def _created(self, folder: Path) -> tuple[int, Path]:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{_machine()}-{secrets.token_hex(8)}{segments.SUFFIX}"
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(folder / name, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before its first byte: see segments
        except OSError:
            os.close(descriptor)
            raise
        self._is_new = True
        return descriptor, folder / name

    def _resumed(self, folder: Path) -> tuple[int, Path] | None:
        """Return a segment that nobody writes, opened; None when there is none to go on with."""
        since = time.time() - ROTATE_SECONDS
        names = sorted((name for name in os.listdir(folder) if _is_young(name, since)), reverse=True)  # noqa: PTH208
        for name in names[:_LOOKED_AT]:
            with contextlib.suppress(OSError):
                descriptor = os.open(folder / name, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
                if self._can_go_on(descriptor, folder / name):
                    return descriptor, folder / name
                os.close(descriptor)
        return None

    def _can_go_on(self, descriptor: int, path: Path) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            here, there = os.fstat(descriptor), path.stat()
        except OSError:
            return False
        is_whole = here.st_size > 0 and os.pread(descriptor, 1, here.st_size - 1) == b"\n"
        return is_whole and here.st_size < self.settings.rotate_size and here.st_ino == there.st_ino

    def _close(self) -> None:
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            if self._unsynced:
                os.fsync(descriptor)
            if self._is_new:
                _sync_folder(self.settings.path)
        except OSError as error:
            logger.error("%s: a batch could not be put on the disk: %s", self._path, error)
        finally:
            self._unsynced = 0
            self._is_new = False
            os.close(descriptor)


#: Every log of this process, so that forks and the end of the process can be told to them.
_LOGS: weakref.WeakSet[UsageLog] = weakref.WeakSet()
_SHARED: dict[UsageLogSettings, UsageLog] = {}
_SHARING = threading.Lock()


def shared(settings: UsageLogSettings) -> UsageLog:
    """Return this process's log of these settings: one file per process, however many ask."""
    with _SHARING:
        if settings not in _SHARED:
            _SHARED[settings] = UsageLog(settings)
        return _SHARED[settings]


def _flush(log: weakref.ref[UsageLog], due: threading.Event, full: threading.Event) -> None:
    """Put each batch on the disk when it is full, or as old as it may get."""
    while True:
        due.wait()
        found = log()
        if found is None:
            return
        seconds = float(found.settings.batch_seconds)
        del found
        full.wait(seconds)
        found = log()
        if found is None:
            return
        try:
            found.sync()
        except OSError as error:
            logger.error("%s: a batch could not be put on the disk: %s", found.settings.path, error)
        del found


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):  # a disk that fills up, or a signal
        more = os.write(descriptor, data[written:])
        if not more:
            raise OSError(errno.EIO, "nothing was written")
        written += more


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_young(name: str, since: float) -> bool:
    found = _NAME.fullmatch(name)
    if not found or found["machine"] != _machine():
        return False
    started = datetime.strptime(found["start"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return started.timestamp() > since


@cache
def _machine() -> str:
    """The machine since it was started: what a power loss took from a segment must not be missed by who goes on."""
    host = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname())[:40].strip("-") or "host"
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")[:12]
    except OSError:
        boot = secrets.token_hex(6)  # unknown: nobody goes on
    return f"{host}-{boot}"


def _each(doing: str, logs: Iterable[UsageLog]) -> None:
    for log in list(logs):
        getattr(log, doing)()


def _in_child() -> None:
    global _SHARING  # noqa: PLW0603 - another thread of the parent may hold it
    _SHARING = threading.Lock()
    _each("_after_fork", _LOGS)


os.register_at_fork(after_in_child=_in_child)
atexit.register(lambda: _each("close", _LOGS))
