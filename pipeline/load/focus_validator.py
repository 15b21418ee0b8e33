"""A second opinion on FOCUS: the FinOps Foundation's own ``focus-validator``, run as the program that it is.

It stands in another environment as a rule, since it needs older libraries than this project: so it is called, not
imported. It reads a whole file into memory.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from pipeline.errors import UsageError
from pipeline.sources import packed

COMMAND = "focus-validator"
VARIABLE = "COSTMILL_FOCUS_VALIDATOR"
#: The versions of FOCUS that its release 1.0 has rules for.
VERSIONS = ("0.5", "1.0-preview", "1.0")
#: Ends of names by which it tells what to read.
_READABLE = (".csv", ".parquet")
#: How the word for a failed check is called in its report.
_FAILED = ("failure", "error")


@dataclass(frozen=True)
class Failed:
    """One of its rules that a file does not keep.

    Attributes:
        file: the path of the file.
        rule: its own name of the rule, such as ``BilledCost_NotNull``.
        says: its own words.
    """

    file: str
    column: str
    rule: str
    says: str


@dataclass(frozen=True)
class Opinion:
    """What it says of a delivery: how many rules it asked of the files, which failed, or why it was not asked."""

    version: str
    asked: int = 0
    failed: tuple[Failed, ...] = ()
    why_not: str | None = None


def find(environ: Mapping[str, str]) -> str:
    """Return where the program is: as the variable says, beside this Python, or on the PATH.

    Raises:
        UsageError: when it is not there.
    """
    named = environ.get(VARIABLE, "").strip()
    beside = Path(sys.executable).parent / COMMAND
    found = shutil.which(named) if named else shutil.which(beside) or shutil.which(COMMAND)
    if found is None:
        raise UsageError(
            f"{named or COMMAND}: no such program; install costmill[focus-validator], best into an environment of its own, "
            f"and name its program by {VARIABLE}"
        )
    return found


def ask(program: str, files: Sequence[Path], version: str) -> Opinion:
    """Let it judge the FOCUS files of a delivery, each by itself; without any, the delivery is of another format.

    Raises:
        UsageError: when it fails itself.
    """
    if not files:
        return Opinion(version, why_not="it reads files of FOCUS only")
    if version not in VERSIONS:
        return Opinion(version, why_not=f"it has no rules for FOCUS {version}, only for {', '.join(VERSIONS)}")
    asked, failed = 0, []
    with tempfile.TemporaryDirectory(prefix="costmill-focus-") as folder:
        for number, file in enumerate(files):
            report = Path(folder) / f"{number}.xml"
            _run(program, _readable(file, Path(folder) / f"{number}.csv"), version, report)
            root = ElementTree.parse(report).getroot()
            asked += int(root.get("tests", "0"))
            failed += list(_failed(str(file), root))
    return Opinion(version, asked, tuple(failed))


def _readable(file: Path, beside: Path) -> Path:
    """Return a file that it can read: the same, or a copy that is unpacked and named for what it is."""
    kind = packed.container(file)
    if file.suffix in _READABLE and kind in ("csv", "parquet"):
        return file
    copy = beside.with_suffix(".parquet" if kind == "parquet" else ".csv")
    with packed.binary(file) as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target)
    return copy


def _run(program: str, file: Path, version: str, report: Path) -> None:
    command = [program, "--data-file", str(file), "--validate-version", version]
    command += ["--output-type", "unittest", "--output-destination", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not report.exists():
        last = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        raise UsageError(f"{program}: it failed itself: {last[0]}")


def _failed(file: str, root: ElementTree.Element) -> Iterator[Failed]:
    """Read its report: a suite is named RULE-COLUMN, a case RULE :: KIND."""
    for suite in root.iter("testsuite"):
        for case in suite.iter("testcase"):
            for verdict in (each for word in _FAILED for each in case.iter(word)):
                rule = case.get("name", "").partition(" :: ")[0]
                column = suite.get("name", "").removeprefix(f"{rule}-")
                yield Failed(file, column, rule, verdict.get("message", ""))
