"""The folder of a site: every file is ours or free, replaced in one step, and only when more than its time would change.

Each file that the site writes says so at its end; what does not is somebody else's, and stays as it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.reports.render import unstamped
from pipeline.reports.site.facts import PeriodFacts, compact, from_json, to_json
from pipeline.reports.site.names import ALERTS, BUDGETS, INDEX, SEARCH, SEARCH_DATA, TEAMS, period_page
from pipeline.reports.writers.files import put

#: The last line of each file, by how its name ends.
_MARKS: Mapping[str, bytes] = {
    ".html": b"<!-- a page of a Costmill site -->\n",
    ".js": b"/* a file of a Costmill site */\n",
    ".json": b',"made_by":"a Costmill site"}\n',
}
_STATE = "facts/site.json"
_LOCK = ".costmill-site.lock"
_FOLDERS = ("budgets", "facts", "periods", "teams")
_FILES = (INDEX, BUDGETS, ALERTS, TEAMS, SEARCH, SEARCH_DATA, _STATE)
_PERIOD = re.compile(r"\d{4}-\d\d")
#: What a run that was killed leaves beside a file of ours.
_LEFTOVER = re.compile(r"\.[a-z0-9_~-]+\.(html|js|json)\.\d+\.tmp")
#: The line of a billing period's page that says why it is not of today.
_NOTE = re.compile(rb'^<p id="kept".*$', re.MULTILINE)


class Folder:
    """An open site. ``made`` has for each page what it was made of, ``notes`` what pages that are kept say of it."""

    def __init__(self, root: Path, whose: str | None) -> None:
        self.root = root
        self.written: list[Path] = []
        self._check()
        state = self._json(_STATE) or {}
        if state and state.get("of") != whose:
            raise ConfigurationError(
                f"{root}: this is the site of {_name(state.get('of'))}, not of {_name(whose)}, and it was left alone; "
                "name another folder"
            )
        self.whose = whose
        self.made: dict[str, str] = dict(state.get("pages") or {})
        self.notes: dict[str, str] = dict(state.get("notes") or {})
        self._sweep()

    def put(self, path: str, text: str) -> None:
        """Write a file, unless what is there differs in nothing but when it was rendered.

        Raises:
            ConfigurationError: when somebody else's file, or a folder, is there.
        """
        target, content = self.root / path, text.encode("utf-8", "replace")
        self._require_ours(target)
        before = target.stat() if target.exists() else None
        put(target, content + _MARKS[target.suffix], without_stamp=unstamped)
        after = target.stat()
        if before is None or (before.st_ino, before.st_mtime_ns) != (after.st_ino, after.st_mtime_ns):
            self.written.append(target)

    def is_made(self, path: str, of: object) -> bool:
        """Return whether a page is there, and was made of just that."""
        return self.made.get(path) == digest(of) and (self.root / path).is_file()

    def facts(self) -> dict[str, PeriodFacts]:
        """Return what is kept of each billing period, oldest first; what cannot be read is made anew where it is loaded."""
        found = {}
        for path in sorted((self.root / "facts").glob("*.json")):
            if _PERIOD.fullmatch(path.stem) and (value := self._json(f"facts/{path.name}")):
                try:
                    found[path.stem] = from_json(value["facts"])
                except (KeyError, ValueError):
                    continue
        return found

    def keys(self) -> dict[str, str]:
        """Return what each billing period's page and facts were made of, of those where both are there."""
        return {
            path.removeprefix("periods/").removesuffix(".html"): key
            for path, key in self.made.items()
            if path.startswith("periods/") and (self.root / path).is_file()
        }

    def put_period(self, facts: PeriodFacts, page: str, key: str) -> None:
        """Write a billing period's page, then what is kept of it."""
        self.notes.pop(facts.period, None)
        self.put(period_page(facts.period), page)
        self.put(f"facts/{facts.period}.json", f'{{"facts":{compact(to_json(facts))}'.rstrip("\n"))
        self.made[period_page(facts.period)] = key
        self._save()

    def note(self, period: str, words: str) -> None:
        """Say on a page that is kept why it is; without words, nothing more."""
        target = self.root / period_page(period)
        if self.notes.get(period, "") == words or not target.is_file():
            return
        self._require_ours(target)
        line = f'<p id="kept" class="banner serious">{words}</p>' if words else '<p id="kept" hidden></p>'
        before = target.read_bytes()
        content = _NOTE.sub(lambda _: line.encode(), before, count=1)
        if content != before:
            put(target, content)
            self.written.append(target)
        self.notes = {**self.notes, period: words} if words else {k: v for k, v in self.notes.items() if k != period}
        self._save()

    def put_page(self, path: str, of: object, text: str) -> None:
        """Write a page, and note what it was made of."""
        self.put(path, text)
        self.made[path] = digest(of)

    def close(self) -> None:
        """Note what all pages were made of."""
        self._save()

    def _save(self) -> None:
        state = {"of": self.whose, "pages": self.made, "notes": self.notes}
        put(self.root / _STATE, compact(state).removesuffix("}").encode() + _MARKS[".json"])

    def _json(self, path: str) -> dict[str, Any] | None:
        """A file of ours; None where there is none, or it cannot be read."""
        target = self.root / path
        if not target.is_file() or not _is_ours(target):
            return None
        try:
            value = json.loads(target.read_bytes())
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def _check(self) -> None:
        """Look before anything is written."""
        if self.root.exists() and not self.root.is_dir():
            raise ConfigurationError(f"{self.root}: a site is a folder, and this is a file; name another place")
        for name in _FOLDERS:
            place = self.root / name
            if place.exists() and not place.is_dir():
                raise ConfigurationError(_taken(place))
        for name in _FILES:
            self._require_ours(self.root / name)

    def _require_ours(self, target: Path) -> None:
        if (target.exists() or target.is_symlink()) and not _is_ours(target):
            raise ConfigurationError(_taken(target))

    def _sweep(self) -> None:
        for folder in (self.root, *(self.root / name for name in _FOLDERS), *(self.root / "teams").glob("*/")):
            for path in folder.iterdir() if folder.is_dir() else ():
                if _LEFTOVER.fullmatch(path.name) and path.is_file():
                    path.unlink()


@contextmanager
def opened(root: Path, whose: str | None, *, wait_seconds: float) -> Iterator[Folder]:
    """Open a site for one writer at a time.

    Args:
        whose: the tenant's that it is; None: the operator's.

    Raises:
        ConfigurationError: when a path of it is taken, it is somebody else's site, or another writer does not finish.
    """
    if root.exists() and not root.is_dir():
        raise ConfigurationError(f"{root}: a site is a folder, and this is a file; name another place")
    root.mkdir(parents=True, exist_ok=True)
    with (root / _LOCK).open("ab") as lock:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ConfigurationError(
                        f"{root}: another costmill is writing this site and did not finish within {wait_seconds:g} s; "
                        "nothing was changed, try again"
                    ) from None
                time.sleep(0.05)
        folder = Folder(root, whose)
        yield folder
        folder.close()


def digest(of: object) -> str:
    """Return a short name for what something is made of."""
    return hashlib.sha256(repr(of).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _is_ours(target: Path) -> bool:
    mark = _MARKS.get(target.suffix)
    if mark is None or target.is_symlink() or not target.is_file():
        return False
    with target.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - len(mark)))
        return file.read() == mark


def _taken(target: Path) -> str:
    return (
        f"{target}: the site needs this path, and what is there is none of its files; it was left alone: move it away, or "
        "name another folder"
    )


def _name(whose: object) -> str:
    return "the operator" if whose is None else f"the tenant {whose}"
