"""What a reading of the configuration found wrong or doubtful, gathered so that all of it is told at once."""

from __future__ import annotations

import json
import re

from pipeline.errors import ConfigurationError, Problem

_PLAIN_STEP = re.compile(r"[A-Za-z0-9_-]+")


def member(path: str, key: str) -> str:
    """Return the path of a key below ``path``: ``publish.mode``, ``cost.budgets.types["aws:ec2/instance"]``."""
    if not _PLAIN_STEP.fullmatch(key):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def item(path: str, index: int) -> str:
    """Return the path of a list's item, counted from 0: ``sources[0]``."""
    return f"{path}[{index}]"


class Findings:
    """Problems and warnings, each with its line (None for what comes from the environment) and the key's path."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._parts: list[Findings] = []

    def part(self) -> Findings:
        """Return new findings that count among these, and can be asked alone."""
        self._parts.append(Findings())
        return self._parts[-1]

    def problem(self, line: int | None, path: str, message: str) -> None:
        """Note something that makes the configuration unusable."""
        self._problems.append(Problem(line, path, message))

    def warning(self, line: int | None, path: str, message: str) -> None:
        """Note something that works and is probably not meant."""
        self._warnings.append(Problem(line, path, message))

    @property
    def problems(self) -> list[Problem]:
        """All problems in file order, those without a line last."""
        parts = [problem for part in self._parts for problem in part.problems]
        return sorted([*self._problems, *parts], key=_file_order)

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings as text, in file order, those without a line last."""
        return tuple(str(warning) for warning in sorted(self._all_warnings(), key=_file_order))

    def raise_problems(self, file: str | None) -> None:
        """Raise what was found.

        Raises:
            ConfigurationError: with all problems, when there is one.
        """
        if problems := self.problems:
            raise ConfigurationError(problems, file)

    def _all_warnings(self) -> list[Problem]:
        return [*self._warnings, *(warning for part in self._parts for warning in part._all_warnings())]


def _file_order(problem: Problem) -> tuple[bool, int]:
    return problem.line is None, problem.line or 0
