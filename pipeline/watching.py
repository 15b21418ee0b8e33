"""Budgets between nights: judged every few minutes as the night's step does it, with nothing held in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from threading import Event

from pipeline import asking, jobs
from pipeline.config import Settings
from pipeline.errors import CostmillError, UsageError, WarehouseBusyError
from pipeline.jobs import Listener, RunResult
from pipeline.store.warehouse import Warehouse

#: Seconds until a warehouse that was in use is tried again.
PATIENCE = 1.0


def check(settings: Settings, *, as_of: datetime | None = None, listen: Listener | None = None) -> RunResult:
    """Judge the budgets that are due and the current ones, write status and alerts, publish what changed, close.

    A check that changes nothing leaves no row in the ledger of runs.

    Raises:
        UsageError: when there is no warehouse, it was made with other tags or rules than the configuration has, or it has
            budgets of a configuration file and none was given.
        WarehouseBusyError: when another writer did not finish within the configured time.
    """
    with jobs.night(settings, "alerts watch", as_of=as_of, listen=listen) as tonight:
        _require_configuration(tonight.warehouse, settings)
        asking.require_same_tags(tonight)
        tonight.check_budgets()
    tonight.result.exit_code = jobs.CONFIGURATION if tonight.result.missing_rates else 0
    return tonight.result


def _require_configuration(warehouse: Warehouse, settings: Settings) -> None:
    """A check ends the file's budgets that the configuration does not name: without one it would end all."""
    if settings.file is not None:
        return
    found = warehouse.value(
        "SELECT budget_id FROM budgets WHERE origin = 'file' AND ended_at IS NULL ORDER BY 1 LIMIT 1"
    )
    if found:
        raise UsageError(
            f"{settings.warehouse} has budgets of a configuration file, such as {found}, and none was given; name it by "
            "--config, or in Python make the service with load_settings(find_config(...)) of pipeline.config"
        )


def watch(
    settings: Settings,
    *,
    every: float,
    stop: Event,
    now: Callable[[], datetime],
    tell: Callable[[RunResult], None],
    warn: Callable[[str], None],
    listen: Listener | None = None,
) -> None:
    """Check every so many seconds until ``stop`` is set; a check that has begun is finished first.

    A warehouse in use is waited for. Other errors end the first check; later ones are told, each once until a check
    succeeds, and the next check tries again.

    Raises:
        CostmillError: when the first check cannot be made.
    """
    impatient = replace(settings, writer_wait_seconds=0)
    is_first, told = True, ""
    while not stop.is_set():
        pause = every
        try:
            tell(check(impatient, as_of=now(), listen=listen))
            is_first, trouble = False, ""
        except WarehouseBusyError:
            trouble = f"{settings.warehouse} is in use; waiting for it"
            pause = min(every, PATIENCE)
        except CostmillError as error:
            if is_first:
                raise
            trouble = f"{error}; trying again in {every:g} s"
        if trouble and trouble != told:
            warn(trouble)
        told = trouble
        stop.wait(pause)
