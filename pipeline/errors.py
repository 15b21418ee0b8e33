"""Everything that Costmill raises on purpose.

::

    CostmillError                      code 70 unless a class below says otherwise
    ├── UsageError                64   the call itself is wrong
    │   ├── ChangedMeanwhileError      it is not any more as the caller saw it; nothing was written over it
    │   └── OwnPartError               a template or query of the user's own cannot be used in a report
    ├── ConfigurationError        78   costmill.yaml or the environment; lists every problem at once
    ├── ExportError               65   an export cannot become charges
    │   ├── UnknownFormatError         no signature fits the header
    │   ├── UnreadableFileError        not the file it claims to be, torn or empty
    │   │   ├── FileChangedError       written while it was read; retry
    │   │   └── UnreachableError       an object store does not answer; retry
    │   ├── MappingError               too many rows could not be mapped
    │   │   └── UnpricedError          for want of prices, which may be there by then; retry
    │   ├── LawError                   rows or money do not add up: a load that must not commit
    │   └── UndecidedError             files that may be parts or re-deliveries of each other
    ├── StaleDataError            66   data older than the configured freshness
    ├── WarehouseError            70
    │   ├── WarehouseBusyError    75   another process is writing; try again
    │   └── SchemaError           78   the file is newer than the program, or is no warehouse
    ├── EntryError                64   a recorded entry cannot be taken
    ├── NotPermittedError         64   the actor has not the word that an operation needs
    ├── PriceError                64   what a model costs cannot be said
    │   └── UnknownModelError          no list of prices has it
    └── UsageLogError             75   the usage log cannot be written now; nothing of it was recorded

``retry`` says whether the same call may succeed later without anybody changing anything.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

_Found = TypeVar("_Found")
#: Exit codes, the worst first.
_WORST = (70, 64, 78, 75, 65, 69, 66)
#: A path that cannot be read or written: the configuration's fault or the system's, none of ours.
_PATHS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)


class CostmillError(Exception):
    """Base of all errors raised on purpose. The message says what, where, the state now and what to do."""

    exit_code = 70
    retry = False


class UsageError(CostmillError):
    """The call is wrong: an unknown name, a value out of range."""

    exit_code = 64


class ChangedMeanwhileError(UsageError):
    """Somebody else changed what the caller is about to change; nothing was written over it."""


class OwnPartError(UsageError):
    """A template or a query of the user's own cannot be used in a report; the message says its file and line."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a configuration: its line (1-based, None when it has none), the key's path, what would be right."""

    line: int | None
    path: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        return f"{where}{self.path}: {self.message}" if self.path else f"{where}{self.message}"


class ConfigurationError(CostmillError):
    """The configuration is wrong. ``problems`` holds all of them, in file order."""

    exit_code = 78

    def __init__(self, problems: Sequence[Problem] | str, file: str | None = None) -> None:
        self.problems = [Problem(None, "", problems)] if isinstance(problems, str) else list(problems)
        self.file = file
        head = f"{file}: " if file else ""
        super().__init__("\n".join(f"{head}{problem}" for problem in self.problems))


class ExportError(CostmillError):
    """An export cannot become charges; nothing of it was loaded."""

    exit_code = 65


class UnknownFormatError(ExportError):
    """No known signature fits the header."""


class UnreadableFileError(ExportError):
    """The file is torn, empty or not what its bytes claim."""


class FileChangedError(UnreadableFileError):
    """The file was written while it was read: the next run reads it again."""

    retry = True


class UnreachableError(UnreadableFileError):
    """An object store did not answer, however often it was asked: the next run asks again."""

    retry = True


class OriginError(ExportError):
    """Recorded charges where a source has billed ones, or the other way round: the next run looks again."""

    retry = True


class MappingError(ExportError):
    """More rows could not be mapped than the source allows."""


class UnpricedError(MappingError):
    """Records that do not say what they cost have no price: the next run looks again, as prices may be known by then."""

    retry = True


class LawError(ExportError):
    """Rows or money of a load do not add up. The transaction was rolled back."""


class UndecidedError(ExportError):
    """Files that overlap in part: neither parts of one delivery nor deliveries of one month."""


class StaleDataError(CostmillError):
    """The data is older than the configured freshness."""

    exit_code = 66


class WarehouseError(CostmillError):
    """The warehouse file cannot be used."""


class WarehouseBusyError(WarehouseError):
    """Another process is writing and did not finish in time."""

    exit_code = 75
    retry = True


class SchemaError(WarehouseError):
    """The file was written by a newer program or is no Costmill warehouse."""

    exit_code = 78


class EntryError(CostmillError):
    """A recorded entry cannot be taken: no number, or its id stands for other values."""

    exit_code = 64


class UsageLogError(CostmillError):
    """The usage log cannot be written: the disk is full, or the folder is nobody's. Nothing of the call was recorded."""

    exit_code = 75
    retry = True


class NotPermittedError(CostmillError):
    """The actor has not the word that an operation needs; nothing was read or changed."""

    exit_code = 64


class PriceError(CostmillError):
    """What a call of a model costs cannot be said: quantities that are none, or no price for them."""

    exit_code = 64


class UnknownModelError(PriceError):
    """No list of prices has the model. ``near`` holds the names that come close."""

    def __init__(self, message: str, near: Sequence[str] = ()) -> None:
        self.near = tuple(near)
        super().__init__(message)


def near(name: str, known: Iterable[str]) -> str:
    """Return a hint ``; did you mean 'x'?`` for the nearest known name, or the known names when none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def only(found: Mapping[str, _Found], start: str, one: str, many: str, hint: str) -> _Found:
    """Return what was found, by its id, with an id that begins with ``start``.

    Raises:
        UsageError: when it is none, with ``hint`` where all are listed, or more than one.
    """
    if not found:
        raise UsageError(f"no {one} has an id that begins with {start!r}; `{hint}` has them all")
    if len(found) > 1:
        names = ", ".join(list(found)[:5])
        raise UsageError(f"{len(found)} {many} have an id that begins with {start!r}: {names}; write more of it")
    return next(iter(found.values()))


def is_interrupt(error: BaseException) -> bool:
    """Whether somebody pressed Ctrl-C; DuckDB tells it in its own words when a query was running."""
    return isinstance(error, KeyboardInterrupt) or (
        isinstance(error, RuntimeError) and str(error) == "Query interrupted"
    )


def path_problem(error: BaseException) -> str | None:
    """Say which path cannot be read or written, and why (exit code 78); None: the error is of something else."""
    if not isinstance(error, OSError) or error.errno not in _PATHS or not error.filename:
        return None
    return f"{error.filename}: {error.strerror}; check this path and who may write there"


def worst(codes: Iterable[int]) -> int:
    """Return the exit code that a run ends with where several meet."""
    return min(codes, key=lambda code: _WORST.index(code) if code in _WORST else len(_WORST))
