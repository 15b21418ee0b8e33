"""A run that kills itself: `kill_driver.py POINT CONFIG` sends SIGKILL at its POINT-th step, POINT 0 counts the steps.

A step is a call of the warehouse's connection, once before and once after it, and whatever changes a file's name,
mode or existence. Run as a process by tests/test_kill.py.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

#: Audit events of the file system's doors.
FILE_STEPS = ("os.rename", "os.remove", "os.symlink", "os.chmod", "os.mkdir", "os.link")


class Steps:
    """Counts the steps; at the chosen one the process dies as it would by a power cut to it alone."""

    def __init__(self, point: int) -> None:
        self.point = point
        self.count = 0

    def step(self) -> None:
        """Count one step."""
        self.count += 1
        if self.count == self.point:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count what changes files; what Python itself caches is no step."""
        if event in FILE_STEPS and "__pycache__" not in str(arguments[0]):
            self.step()


class Watched:
    """A DuckDB connection whose calls are steps."""

    def __init__(self, connection: Any, steps: Steps) -> None:
        self._connection = connection
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._connection, name)
        return self._watched(value) if callable(value) else value

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self._steps.step()
            result = call(*arguments, **named)
            self._steps.step()
            return result

        return watched


def main(point: int, config: str) -> None:
    """Run the night; with point 0, print the number of steps."""
    from pipeline.cli import execute
    from pipeline.store import warehouse

    steps = Steps(point)
    connect = warehouse._connect
    warehouse._connect = lambda path, *, read_only: Watched(connect(path, read_only=read_only), steps)  # type: ignore[assignment,return-value]
    sys.addaudithook(steps.on_audit)
    code = execute(["run", "--config", config])
    if point == 0:
        sys.stdout.write(f"{steps.count}\n")
    sys.exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
