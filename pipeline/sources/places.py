"""Where a source's files are: a folder of this machine, or a bucket. Deliveries are grouped alike in both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from pipeline import addresses
from pipeline.errors import ExportError
from pipeline.sources import find, probe
from pipeline.sources.find import ExportFile, HashCache


class Place(Protocol):
    """The files of a source's path as they were found.

    Attributes:
        root: what they all lie below.
        paths: where each stands there, sorted. In a bucket these are paths in name only: ``local`` has the bytes.
        bucket: ``scheme://name`` of the bucket; None on this machine.
    """

    root: Path
    paths: Sequence[Path]
    bucket: str | None

    def has(self, path: Path) -> bool:
        """Whether a path, which may be outside ``paths``, is a file below ``root``."""

    def name(self, path: Path) -> str:
        """What people call it: its path, or its address."""

    def is_json(self, path: Path) -> bool:
        """Whether its bytes look like JSON.

        Raises:
            UnreadableFileError: when it cannot be read.
        """

    def local(self, path: Path) -> Path:
        """Where its bytes are; asked of JSON only."""

    def fingerprint(self, path: Path, cache: HashCache) -> ExportFile:
        """Return the file with its hash.

        Raises:
            UnreadableFileError: when it changes meanwhile, or cannot be read.
        """

    def is_ahead(self, path: Path, manifest: Path) -> bool:
        """Whether a file was written so recently, after the manifest, that a new manifest may be on its way."""


def lies_in(given: str, source: str) -> bool:
    """Whether all that a path, folder, glob or address means is part of a source's.

    Of buckets nothing is asked: there it must be the source's own address, or at or below its folder.
    """
    if addresses.is_address(given) or addresses.is_address(source):
        return given == source or _lies_below(given, source)
    try:
        return set(_resolved(given)) <= set(_resolved(source))
    except ExportError:  # nothing there
        return False


def _resolved(pattern: str) -> Iterator[Path]:
    return (path.resolve() for path in find.paths(pattern))


def _lies_below(given: str, source: str) -> bool:
    if not (addresses.is_address(given) and addresses.is_address(source)):
        return False
    inner, outer = addresses.parse(given), addresses.parse(source)
    if (inner.scheme, inner.bucket) != (outer.scheme, outer.bucket) or outer.is_pattern:
        return False
    return outer.root in ("", inner.root) or inner.root.startswith(f"{outer.root}/")


#: Opens the place of a source's path.
Opener = Callable[[str], Place]


class Folder:
    """The files of a path, folder or glob on this machine."""

    bucket: str | None = None

    def __init__(self, pattern: str) -> None:
        self.paths: Sequence[Path] = find.paths(pattern)
        self.root = find.root(pattern)

    def has(self, path: Path) -> bool:
        """Whether it is a file, and no link leads out of the root."""
        try:
            return path.is_file() and path.resolve().is_relative_to(self.root.resolve())
        except (OSError, ValueError):  # such as a name that is too long, or holds a NUL
            return False

    def name(self, path: Path) -> str:
        """Its path."""
        return str(path)

    def is_json(self, path: Path) -> bool:
        """Whether its bytes look like JSON."""
        return probe.is_document(path)

    def local(self, path: Path) -> Path:
        """The path itself."""
        return path

    def fingerprint(self, path: Path, cache: HashCache) -> ExportFile:
        """Return the file with its hash, from the cache when it is untouched."""
        return find.fingerprint_file(path, cache)

    def is_ahead(self, path: Path, manifest: Path) -> bool:
        """False: a copied file's time of change is the copy's, and says nothing about the provider."""
        return False
