"""Where the configuration is, and where the paths it names lead."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import addresses
from pipeline.config.fields import line_of_text
from pipeline.errors import ConfigurationError

FILE_NAME = "costmill.yaml"
VARIABLE = "COSTMILL_CONFIG"


def find_config(
    explicit: str | Path | None = None, environ: Mapping[str, str] | None = None, start: Path | None = None
) -> Path | None:
    """Return the configuration's absolute path: ``explicit``, COSTMILL_CONFIG, or costmill.yaml upwards from ``start``.

    None when nothing names one and no folder from ``start`` up has one. An empty variable names none. Without
    ``environ`` and ``start`` it looks in the process's own environment and folder.

    Raises:
        ConfigurationError: when the named file is not there.
    """
    environ = os.environ if environ is None else environ
    start = Path.cwd() if start is None else start
    if explicit is not None:
        return _existing(start / explicit, "--config")
    if environ.get(VARIABLE):
        return _existing(start / environ[VARIABLE], VARIABLE)
    start = start.absolute()
    return next((folder / FILE_NAME for folder in (start, *start.parents) if _is_file(folder / FILE_NAME)), None)


def _existing(path: Path, named_by: str) -> Path:
    if not _is_file(path):
        raise ConfigurationError(f"{named_by} names {path}, which is no file; `costmill init` writes one to start from")
    return path.absolute()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder on the way up that may not be looked into has no file for us
        return False


@dataclass(frozen=True)
class Resolver:
    """Turns the paths of a file into absolute ones: ``~/`` is HOME, a relative one starts at the file's folder."""

    base: Path
    environ: Mapping[str, str]

    def path(self, value: str) -> Path:
        """Read a path of this machine."""
        line_of_text(value)
        if addresses.is_address(value):
            raise ValueError(f"{value!r} is no path of this machine; write a folder or a file")
        return self._absolute(value)

    def pattern(self, value: str) -> str:
        """Read a folder, file, glob pattern or address; the file's folder before a relative pattern is escaped."""
        line_of_text(value)
        if addresses.is_address(value):
            return str(addresses.parse(value))
        if not glob.has_magic(value):
            return str(self._absolute(value))
        escaped = Resolver(Path(glob.escape(str(self.base))), {"HOME": glob.escape(str(self._home()))})
        return str(escaped._absolute(value))

    def _absolute(self, value: str) -> Path:
        if value == "~" or value.startswith("~/"):
            return self._home() / value[2:]
        return self.base / value

    def _home(self) -> Path:
        return Path(self.environ.get("HOME") or Path.home())
