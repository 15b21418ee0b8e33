"""The published copy: what analysts open, without ever meeting the writer's lock.

A run that changed something copies the warehouse to a versioned, read-only file and swaps a symlink under the stable
name. Who has the old copy open goes on reading it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigurationError, UsageError
from pipeline.store.warehouse import Warehouse

if TYPE_CHECKING:
    from pipeline.config import Settings

#: Free share of the file's blocks from which on the copy is written anew instead of byte by byte.
COMPACT_FROM = 0.25
#: Free bytes from which on that is worth it: less is copied sooner than it is sorted out.
COMPACT_LEAST = 16 << 20
#: Linux: share a file's blocks instead of copying them, where the file system can.
FICLONE = 0x40049409


def version(warehouse: Warehouse) -> str:
    """Return the state that a copy would show, as ``<warehouse>.<number>``; every change raises the number."""
    kept = dict(warehouse.rows("SELECT name, value FROM settings WHERE name IN ('warehouse_id', 'version')"))
    return f"{kept['warehouse_id']}.{kept['version']:>08}"


def is_published(warehouse: Warehouse, path: Path) -> bool:
    """Return whether the stable name shows the warehouse's state."""
    name = _last_name(warehouse, path)
    return name is not None and path.is_symlink() and path.exists() and path.readlink().name == name


def opened(path: Path) -> Warehouse:
    """Open the published copy for reading.

    Raises:
        UsageError: when nothing has been published yet.
    """
    if not path.exists():
        raise UsageError(f"{path}: nothing is published yet; `costmill run` or `costmill load` does it")
    return Warehouse.open(path, read_only=True)


@contextlib.contextmanager
def changing(settings: Settings) -> Iterator[Warehouse]:
    """Open the warehouse for one act of somebody's, and publish what it changed. What raises publishes nothing.

    Raises:
        UsageError: when there is no warehouse.
        ConfigurationError: when the published copy's path is taken by somebody else's file.
        WarehouseBusyError: when another writer did not finish in time.
    """
    if not settings.warehouse.exists():
        raise UsageError(f"{settings.warehouse}: no warehouse there; `costmill run` or `costmill load` makes it")
    target = settings.publish
    require_ours(target.path)
    with Warehouse.open(
        settings.warehouse, wait_seconds=settings.writer_wait_seconds, memory_limit=settings.memory_limit
    ) as warehouse:
        yield warehouse
        if not is_published(warehouse, target.path):
            publish(warehouse, target.path, mode=target.mode, keep=target.keep)


def require_ours(path: Path) -> None:
    """Check that the stable name is free or a link of ours.

    Raises:
        ConfigurationError: when it is somebody else's file or link.
    """
    is_ours = path.is_symlink() and _copies(path).fullmatch(path.readlink().name)
    if not is_ours and (path.exists() or path.is_symlink()):
        raise ConfigurationError(
            f"{path}: publish.path names a file that Costmill did not publish, and it was left alone; "
            "move it away or choose another path"
        )


def publish(warehouse: Warehouse, path: Path, *, mode: int = 0o444, keep: int = 2) -> Path:
    """Copy the warehouse, make the copy read-only, and let the stable name ``path`` show it; returns the copy.

    The last ``keep`` copies stay.

    Raises:
        ConfigurationError: when ``path`` is a file or link that this did not make.
    """
    require_ours(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.with_name(_last_name(warehouse, path) or _new_name(warehouse, path))
    if not target.exists():
        _copy(warehouse, target, mode)
    _show(path, target, keep)
    return target


def shows(path: Path, state: str) -> bool:
    """Return whether the stable name shows a file that was placed for a ``version``."""
    return path.is_symlink() and path.exists() and path.readlink().name.startswith(f"{path.stem}.{state}.")


def place(built: Path, path: Path, state: str, *, mode: int = 0o444, keep: int = 2) -> Path:
    """Let the stable name ``path`` show a file that was made beside it for a ``version``; returns where it is now.

    The last ``keep`` of them stay.

    Raises:
        ConfigurationError: when ``path`` is a file or link that this did not make.
    """
    require_ours(path)
    target = path.with_name(f"{path.stem}.{state}.{secrets.token_hex(4)}{path.suffix}")
    _finish(built, target, mode)
    _show(path, target, keep)
    return target


def _show(path: Path, target: Path, keep: int) -> None:
    link = path.with_name(f".{path.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    link.replace(path)
    _prune(path, keep)


def _copy(warehouse: Warehouse, target: Path, mode: int) -> None:
    partial = target.with_name(f".{target.name}.partial")
    for leftover in (partial, partial.with_name(f"{partial.name}.wal")):  # of a run that was killed here
        leftover.unlink(missing_ok=True)
    warehouse.execute("CHECKPOINT")
    if _is_worth_compacting(warehouse):
        _compact(warehouse, partial)
    else:
        clone(warehouse.path, partial)
    _finish(partial, target, mode)


def _finish(partial: Path, target: Path, mode: int) -> None:
    """Give a whole file its name, once it is on the disk."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.chmod(mode)
    partial.replace(target)


def _is_worth_compacting(warehouse: Warehouse) -> bool:
    query = "SELECT block_size, total_blocks, free_blocks FROM pragma_database_size() LIMIT 1"
    [(size, total, free)] = warehouse.rows(query)
    return bool(free * size >= COMPACT_LEAST and free >= COMPACT_FROM * total)


def _compact(warehouse: Warehouse, partial: Path) -> None:
    name = warehouse.value("SELECT current_database()")
    warehouse.execute(f"ATTACH '{str(partial).replace(chr(39), chr(39) * 2)}' AS compacted")
    try:
        warehouse.execute(f'COPY FROM DATABASE "{name}" TO compacted')
    finally:
        warehouse.execute("DETACH compacted")


def clone(source: Path, partial: Path) -> None:
    """Copy a file; where the file system can, both share their blocks until one of them is written."""
    with source.open("rb") as read, partial.open("wb") as write:
        with contextlib.suppress(OSError):
            fcntl.ioctl(write.fileno(), FICLONE, read.fileno())
            return
        shutil.copyfileobj(read, write, 1 << 20)


def _last_name(warehouse: Warehouse, path: Path) -> str | None:
    """The name of the copy of this state; None when none was begun.

    A number is used again after a backup was restored, so each copy's name ends in a token of its own, noted inside.
    """
    value: str = warehouse.value("SELECT value FROM settings WHERE name = 'copy'") or ""
    state, _, token = value.partition(" ")
    return f"{path.stem}.{state}.{token}{path.suffix}" if state == version(warehouse) else None


def _new_name(warehouse: Warehouse, path: Path) -> str:
    state, token = version(warehouse), secrets.token_hex(4)
    warehouse.execute("INSERT OR REPLACE INTO settings VALUES ('copy', ?)", [f"{state} {token}"])
    return f"{path.stem}.{state}.{token}{path.suffix}"


def _copies(path: Path) -> re.Pattern[str]:
    """What the copies of a stable name are called; those of older versions have no token."""
    state = r"[0-9a-f]{8}\.\d{8,}(\.[0-9a-f]{8})?"
    return re.compile(rf"{re.escape(path.stem)}\.{state}{re.escape(path.suffix)}")


def _prune(path: Path, keep: int) -> None:
    """Delete all but the newest copies, and what a killed run left half-copied."""
    current = path.readlink().name
    pattern = _copies(path)
    copies = [each for each in path.parent.iterdir() if pattern.fullmatch(each.name) and each.name != current]
    copies.sort(key=lambda each: each.stat().st_mtime_ns, reverse=True)
    for old in copies[max(keep - 1, 0) :]:
        old.unlink(missing_ok=True)
    for leftover in path.parent.glob(f".{path.stem}.*.partial*"):
        leftover.unlink(missing_ok=True)
