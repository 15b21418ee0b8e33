"""A report's files: replaced in one step, and only when more than the time of rendering would change."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def _whole(content: bytes) -> object:
    return content


@dataclass(frozen=True)
class File:
    """A file to be: how its name ends, such as ``.services.csv``, and what makes its bytes.

    Args:
        without_stamp: what of a file's bytes does not depend on when they were rendered.
        known: the same of the bytes to be, where it can be told without making them.
    """

    ending: str
    make: Callable[[], bytes]
    without_stamp: Callable[[bytes], object] = _whole
    known: object = None

    def put(self, path: Path) -> None:
        """Write the file, unless what is there says the same."""
        if self.known is None or not path.exists() or self.without_stamp(path.read_bytes()) != self.known:
            put(path, self.make(), without_stamp=self.without_stamp)


def put(path: Path, content: bytes, *, without_stamp: Callable[[bytes], object] = _whole) -> None:
    """Replace a file in one step, unless it differs from what is there in nothing that ``without_stamp`` returns."""
    if path.exists() and without_stamp(path.read_bytes()) == without_stamp(content):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
