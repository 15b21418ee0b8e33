"""Find the files of a source on this machine: a file, a folder or a glob; hash them once."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import CostmillError, ExportError, FileChangedError, UnreadableFileError

_MAGIC = "*?["


@dataclass(frozen=True, order=True)
class ExportFile:
    """A file of a source: its path, size, time of last change (nanoseconds since 1970, UTC) and SHA-256.

    ``url`` is the address of an object, whose bytes ``path`` holds in the cache, or the path of a segment that grows, of
    which ``path`` is a copy; None for a file that is read where it stands.
    """

    path: Path
    bytes: int
    modified_ns: int
    sha256: str
    url: str | None = None

    @property
    def name(self) -> str:
        """What people call it: its address, or its path."""
        return self.url or str(self.path)

    @property
    def modified_at(self) -> datetime:
        """Time of last change, naive UTC."""
        return moment(self.modified_ns)


def moment(nanoseconds: int) -> datetime:
    """Return nanoseconds since 1970 as naive UTC."""
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC).replace(tzinfo=None)


#: path -> (bytes, modified_ns, sha256), as a former run saw it.
HashCache = MutableMapping[str, tuple[int, int, str]]


def root(pattern: str) -> Path:
    """Return the folder that a source's path or glob stays within."""
    base = fixed(pattern)
    return base if base.is_dir() else base.parent


def fixed(pattern: str) -> Path:
    """Return the part of a path or glob before its first pattern."""
    parts = Path(pattern).parts
    number = next((index for index, part in enumerate(parts) if any(char in part for char in _MAGIC)), len(parts))
    return Path(*parts[:number])


def paths(pattern: str) -> list[Path]:
    """Return the files of a path, folder (all below it) or glob, sorted; hidden ones and ``_`` markers are left out.

    Raises:
        ExportError: when there is no such path or nothing matches.
    """
    given = Path(pattern)
    if given.is_file():
        return [given]
    if given.is_dir():
        found: Iterable[Path] = given.rglob("*")
    elif any(char in pattern for char in _MAGIC):
        found = (Path(name) for name in glob.iglob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns
    else:
        raise ExportError(f"{pattern}: no such file or folder; check the source's path")
    base = root(pattern)
    files = sorted({path for path in found if path.is_file() and not _ignored(path, base)})
    if not files:
        what = "the folder holds no files" if given.is_dir() else "no file fits the pattern"
        raise ExportError(f"{pattern}: {what}; has the provider delivered, and is the path right?")
    return files


def _ignored(path: Path, base: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.relative_to(base).parts)


def fingerprint_file(path: Path, cache: HashCache) -> ExportFile:
    """Return a file with its hash, from the cache when size and time of change are as they were.

    Raises:
        UnreadableFileError: when the file changes while it is read, or cannot be read.
    """
    try:
        before = path.stat()
        known = cache.get(str(path))
        if known and known[:2] == (before.st_size, before.st_mtime_ns):
            return ExportFile(path, before.st_size, before.st_mtime_ns, known[2])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error
    check_unchanged(ExportFile(path, before.st_size, before.st_mtime_ns, digest))
    cache[str(path)] = (before.st_size, before.st_mtime_ns, digest)
    return ExportFile(path, before.st_size, before.st_mtime_ns, digest)


def unhashed(path: Path, error: CostmillError, url: str | None = None) -> ExportFile:
    """Return a file that cannot be read, as a refusal names it: the error stands for its contents."""
    return ExportFile(path, 0, 0, hashlib.sha256(str(error).encode("utf-8", "surrogateescape")).hexdigest(), url)


def unreadable(path: Path, error: OSError) -> UnreadableFileError:
    """Return the error for a file that the system does not let be read."""
    return UnreadableFileError(f"{path}: cannot be read: {error.strerror or error}; nothing of it was loaded")


@contextmanager
def called_by_name(files: Iterable[ExportFile]) -> Iterator[None]:
    """Let errors name objects by their addresses instead of their files in the cache."""
    try:
        yield
    except CostmillError as error:
        text = str(error)
        for file in files:
            text = text.replace(str(file.path), file.name)
        error.args = (text,)
        raise


def check_unchanged(file: ExportFile) -> None:
    """Check that a file is still what was hashed.

    Raises:
        UnreadableFileError: when it grew, shrank, was written or went away meanwhile.
    """
    try:
        now = file.path.stat()
    except OSError as error:
        raise unreadable(file.path, error) from error
    if (now.st_size, now.st_mtime_ns) != (file.bytes, file.modified_ns):
        raise FileChangedError(
            f"{file.path}: changed while it was read; nothing was loaded, run again when it is whole"
        )
