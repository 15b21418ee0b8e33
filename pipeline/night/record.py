"""What was done when: the rows of a run in the tables ``runs`` and ``run_steps``."""

from __future__ import annotations

from typing import Any

from pipeline.periods import utc_now
from pipeline.store import loads, publish
from pipeline.store.warehouse import Warehouse
from pipeline.version import VERSION


class RunRecord:
    """The rows of one run, written as soon as it has changed something, or when it breaks off.

    A run that finds nothing new leaves the warehouse's file as it is, to the byte.
    """

    def __init__(self, warehouse: Warehouse, run_id: str, command: str) -> None:
        self.warehouse = warehouse
        self._row = {"run_id": run_id, "command": command, "version": VERSION, "started_at": utc_now()}
        self._steps: list[dict[str, Any]] = []
        self._state = publish.version(warehouse)
        self._is_written = False

    def step(self, row: dict[str, Any], *, is_news: bool) -> None:
        """Note a step of the run; one that ``is_news`` has done something, or found what a run must tell."""
        self._steps.append({"run_id": self._row["run_id"], **row})
        if is_news or self._is_written or self.has_changed:
            self.keep()

    def keep(self) -> None:
        """Write the run now."""
        if not self._is_written:
            loads.insert(self.warehouse, "runs", self._row)
            self._is_written = True
        loads.insert(self.warehouse, "run_steps", *self._steps)
        self._steps.clear()

    @property
    def has_changed(self) -> bool:
        """Whether the run has changed anything so far."""
        return publish.version(self.warehouse) != self._state

    def end(self, code: int, *, changed: bool, broke_off: bool) -> None:
        """Note the run's end."""
        if not (changed or broke_off or self._is_written):
            return
        self.keep()
        self.warehouse.execute(
            "UPDATE runs SET ended_at = ?, exit_code = ?, changed = ? WHERE run_id = ?",
            [utc_now(), code, changed, self._row["run_id"]],
        )
