"""The warehouse's own usage log in the night: a source that nobody has to configure, and what becomes of its segments."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from pipeline import resources
from pipeline.config import Settings, SourceSettings
from pipeline.config.fields import USAGE_LOG
from pipeline.periods import utc_now
from pipeline.sources import find, segments
from pipeline.store.warehouse import Warehouse
from pipeline.usage.own_log import own_source

logger = logging.getLogger(__name__)

Sources = list[tuple[SourceSettings, Sequence[str]]]


def with_own(settings: Settings) -> Sources:
    """Return the configured sources with their paths, and the usage log, without one where nothing is in it.

    Where a configured source has the log's folder, it is that source's.
    """
    found: Sources = [(source, [source.path]) for source in settings.sources]
    own = own_source(settings)
    if own is None:
        return found
    folder = settings.own_usage_log.path
    is_there = any(segments.has_line(path) for path in segments.paths(folder))
    return [*found, (own, [str(folder)] if is_there else [])]


def clean_up(settings: Settings, *, now: datetime | None = None) -> list[Path]:
    """Remove the segments that nobody writes and that are kept long enough, once the published copy has all of them.

    Whoever asks reads the published copy first and the segments after it: nothing is ever in neither of them.
    """
    log, copy = settings.own_usage_log, settings.publish.path
    before = (now or utc_now()) - timedelta(days=log.keep_days)
    old = [path for path in segments.paths(log.path) if _closed_at(path) <= before]
    if not old or not copy.exists():
        return []
    with Warehouse.open(copy, read_only=True) as warehouse:
        loaded: dict[str, int] = dict(warehouse.rows(resources.sql("usage/loaded_segments"), {"source": USAGE_LOG}))
    return [path for path in old if _remove(path, loaded)]


def _closed_at(path: Path) -> datetime:
    return find.ExportFile(path, 0, path.stat().st_mtime_ns, "").modified_at


def _remove(path: Path, loaded: dict[str, int]) -> bool:
    """Remove a segment when all of its lines are loaded; ``loaded``: SHA-256 -> rows. Nobody can go on with it meanwhile."""
    with contextlib.suppress(OSError), path.open("rb+") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        digest, lines = hashlib.sha256(), 0
        for line in file:
            if line.endswith(b"\n"):
                digest.update(line)
                lines += bool(line.strip())
        if lines and loaded.get(digest.hexdigest()) == lines:
            os.unlink(path)  # noqa: PTH108 - the path that was opened
            logger.info("%s: all of it is loaded and published, removed", path)
            return True
    return False


def torn_lines(warehouse: Warehouse, settings: Settings) -> list[str]:
    """Tell once of each segment whose last line breaks off: what a crash tore never returned, and no record is lost."""
    told = []
    for path in segments.paths(settings.own_usage_log.path):
        name = f"torn:{path.name}"
        with contextlib.suppress(OSError):
            size = segments.torn(path)
            if size and warehouse.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", [name, str(size)]):
                told.append(
                    f"{USAGE_LOG}: {path}: the last line breaks off after {size} bytes and was left out: its writer was "
                    "killed before the record was written"
                )
    return told
