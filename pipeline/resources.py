"""Where sql/ and reports/ are: beside the package in a wheel, at the project's top in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder ``sql`` or ``reports`` of this installation.

    Raises:
        FileNotFoundError: when the installation is incomplete.
    """
    for candidate in (_PACKAGE / "_resources" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"this installation of costmill has no folder {name!r} beside {_PACKAGE}")


@cache
def sql(name: str) -> str:
    """Return the text of ``sql/<name>.sql``, such as ``rollups/daily_costs``."""
    return (folder("sql") / f"{name}.sql").read_text(encoding="utf-8")


@cache
def lookup(name: str) -> str:
    """Return the text of ``sql/lookups/<name>.csv``, such as ``spellings``."""
    return (folder("sql") / "lookups" / f"{name}.csv").read_text(encoding="utf-8")
