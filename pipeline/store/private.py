"""A private copy of the warehouse: to try things on, while the warehouse stays as it is."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import WarehouseBusyError
from pipeline.store.publish import clone


def copy(path: Path, target: Path, *, wait_seconds: float) -> None:
    """Copy a warehouse and its log to ``target``; nothing is copied when there is none yet.

    The writer's lock is held for as long as the copying takes, shared with others who copy; nothing is written beside
    the warehouse, which may lie in a folder that cannot be written to.

    Raises:
        WarehouseBusyError: when a writer holds the lock for longer than ``wait_seconds``.
    """
    if not path.exists():
        return
    with _without_writer(path, wait_seconds):
        log = path.with_name(path.name + ".wal")
        clone(path, target)
        if log.exists():
            clone(log, target.with_name(target.name + ".wal"))


@contextmanager
def _without_writer(path: Path, wait_seconds: float) -> Iterator[None]:
    lock = path.with_name(path.name + ".lock")
    if not lock.exists():  # no writer of this program has been here
        yield
        return
    descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise WarehouseBusyError(
                        f"{path}: a costmill is writing and did not finish within {wait_seconds:g} s; try again"
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
