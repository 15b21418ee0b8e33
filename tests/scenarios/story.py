"""A company whose story is told night by night: bills that come, a clock that the story sets, and what was told."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline import jobs
from pipeline.budgets.alerts import AlertChange
from pipeline.config import Settings, load_settings
from pipeline.money import text
from pipeline.night import usage_log
from pipeline.periods import parse_as_of
from pipeline.store.warehouse import Warehouse
from tests import soak
from tests.jobs.nights import Charge, environment, stamp, write_bill, write_config

FIRST_DELIVERY = datetime(2026, 3, 22)


class Company:
    """One source ``azure`` of FOCUS bills, and the budgets that a story gives it."""

    def __init__(self, folder: Path, budgets: dict[str, Any] | None = None, **sections: Any) -> None:
        self.folder = folder
        self._sections = sections
        self._deliveries = 0
        self.settings = self.budget(budgets or {})

    def budget(self, budgets: dict[str, Any]) -> Settings:
        """Write what stands under `cost.budgets` from now on."""
        path = write_config(self.folder, cost={"budgets": budgets} if budgets else {}, **self._sections)
        self.settings = load_settings(path, environ={})
        return self.settings

    def deliver(self, period: str, *charges: Charge, provider: str = "Microsoft") -> None:
        """Deliver the bill of a month, again if it was there already; each delivery is newer than the ones before."""
        self._deliveries += 1
        at = (FIRST_DELIVERY + timedelta(hours=self._deliveries)).isoformat()
        path = write_bill(self.folder / "exports" / f"{period}.csv", charges, period=period)
        path.write_text(path.read_text(encoding="utf-8").replace("Microsoft", provider), encoding="utf-8")
        stamp(path, at)

    def night(self, as_of: str, *, whole: bool = soak.IS_ON, published: bool = False) -> list[str]:
        """Run a night at a moment as `--as-of` has it; returns what became of alerts.

        What answers no question of a budget is left to ``whole`` nights, which are processes of their own: summaries,
        reports, and, unless it is asked for, the published copy.
        """
        moment = parse_as_of(as_of)
        if whole:
            command = [sys.executable, "-m", "tests.scenarios.story", str(self.folder / "costmill.yaml"), as_of]
            done = subprocess.run(command, env=environment(), check=True, stdout=subprocess.PIPE, text=True)
            return done.stdout.splitlines()
        with ExitStack() as stack:
            if published:
                tonight = stack.enter_context(jobs.night(self.settings, "run", as_of=moment, create=True))
            else:
                warehouse = stack.enter_context(Warehouse.open(self.settings.warehouse))
                tonight = jobs.Night(warehouse, self.settings, as_of=moment, run_id="night")
            tonight.load(usage_log.with_own(self.settings), whole=True)
            return lines(tonight.check_budgets())

    def check(self, *moments: str) -> list[list[str]]:
        """Judge the budgets at one moment after the other, as `costmill alerts watch` does; a list for each moment."""
        with Warehouse.open(self.settings.warehouse) as warehouse:
            return [
                lines(jobs.Night(warehouse, self.settings, as_of=parse_as_of(at), run_id="watch").check_budgets())
                for at in moments
            ]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with Warehouse.open(self.settings.warehouse, read_only=True) as warehouse:
            return warehouse.rows(query)

    def limits(self, budget_id: str = "global") -> dict[str, tuple[str, str]]:
        """Effective limit and spend of a budget's windows that were judged, by the day that they begin."""
        asked = f"""SELECT period_start, effective_limit, current_spend FROM budget_status
            WHERE budget_id = '{budget_id}' ORDER BY ALL"""
        return {f"{start:%Y-%m-%d}": (text(limit), text(spend)) for start, limit, spend in self.rows(asked)}

    def copy(self, folder: Path) -> Company:
        """The same company at another path, so that its story can go on in several ways."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return Company(folder, **self._sections)


def lines(changes: Sequence[AlertChange]) -> list[str]:
    """What became of alerts, such as ``fired global of 2026-03: actual 80 %, now 83.4 %``, with the reason."""
    return [
        f"{each.kind} {each.budget_id} of {each.window}: {each.words}{f' ({each.reason})' if each.reason else ''}"
        for each in changes
    ]


if __name__ == "__main__":
    own = load_settings(Path(sys.argv[1]), environ={})
    sys.stdout.write("\n".join(lines(jobs.run(own, as_of=parse_as_of(sys.argv[2])).alerts)))
