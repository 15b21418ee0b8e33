"""The steps of a night as a table, and each of them as a task of its own, for a scheduler.

`costmill run` takes the steps one after the other in one process; a scheduler such as Airflow takes them as tasks, each in
a process that opens the warehouse, waits for who writes it, does its step and closes it again. Both go by ``STEPS``.
Nothing heavy is imported before a task is performed: schedulers read the plan every few seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.config import Settings
from pipeline.config.fields import USAGE_LOG
from pipeline.errors import UsageError, near, worst

if TYPE_CHECKING:
    from pipeline.jobs import Listener, Night, RunResult
    from pipeline.store.warehouse import Warehouse


@dataclass(frozen=True)
class NightStep:
    """A step of the night after loading. ``do`` does it on an open night; None: what closing the night does anyway."""

    name: str
    says: str
    do: Callable[[Night], object] | None


#: In their order. A step is added by a line here: `costmill run` and schedulers then take it.
STEPS = (
    NightStep("summarise", "Makes the summaries of the billing periods that are due.", lambda night: night.summarise()),
    NightStep(
        "budgets", "Judges the budgets that are due, writes status and alerts.", lambda night: night.check_budgets()
    ),
    NightStep("reports", "Renders the reports that are due, and the site.", lambda night: night.report_all()),
    NightStep("publish", "Publishes the copy that analysts open, and the tenants' files.", None),
    NightStep("deliver", "Tells people what is due, by mail and the other channels.", lambda night: night.deliver()),
)
#: The name of the step that publishes; those before it leave the published copy alone, those after it bring it up to date.
PUBLISH = "publish"
#: The name of the step that tells people.
DELIVER = "deliver"
#: What is no step of the table: a source's load, which comes first, and what the night came to, which comes last.
LOAD, VERDICT = "load", "verdict"


@dataclass(frozen=True)
class Task:
    """One task of a night.

    Attributes:
        id: unique in its night, of letters, digits, dots, dashes and underscores.
        step: ``load``, ``verdict`` or the name of a step of the table.
        source: what a ``load`` loads.
        after: the ids of the tasks that come before it.
        in_any_case: it begins once these have ended, however they ended; else only when all of them have succeeded.
    """

    id: str
    step: str
    says: str
    source: str | None = None
    after: tuple[str, ...] = ()
    in_any_case: bool = False


def plan(settings: Settings) -> tuple[Task, ...]:
    """Return the tasks of a night: a load for each source and the usage log, the steps, the verdict.

    A source that fails stops no other, nor the steps after it; a step that fails stops those after it, as in a run. The
    verdict comes last in any case.
    """
    names = [*(source.name for source in settings.sources), USAGE_LOG]
    tasks = [Task(f"{LOAD}_{name}", LOAD, f"Loads what is new of {name}.", source=name) for name in names]
    after, in_any_case = tuple(task.id for task in tasks), True
    for step in STEPS:
        tasks.append(Task(step.name, step.name, step.says, after=after, in_any_case=in_any_case))
        after, in_any_case = (step.name,), False
    every = tuple(task.id for task in tasks)
    says = "Says what the night came to, and fails when it is to end with another code than 0."
    return (*tasks, Task(VERDICT, VERDICT, says, after=every, in_any_case=True))


def find(settings: Settings, task_id: str) -> Task:
    """Return the task of that id.

    Raises:
        UsageError: when the night has none: its source left the configuration since the night was planned.
    """
    tasks = {task.id: task for task in plan(settings)}
    if task_id not in tasks:
        raise UsageError(f"{settings.file}: the night has no task {task_id!r}{near(task_id, tasks)}")
    return tasks[task_id]


def perform(
    settings: Settings, task: Task, *, as_of: datetime | None = None, listen: Listener | None = None
) -> RunResult:
    """Do one task; its result has the code that the night would end with for it alone.

    Raises:
        UsageError: when nothing is configured to load, or there is no warehouse yet.
        ConfigurationError: when people are to be told and the environment lacks a secret.
        WarehouseBusyError: when another writer did not finish within the configured time.
        CostmillError: when the warehouse cannot be used.
    """
    from pipeline import jobs
    from pipeline.config.secrets import require_secrets
    from pipeline.night import usage_log

    if task.step == VERDICT:
        return _verdict(settings, as_of)
    order = [step.name for step in STEPS]
    is_load = task.step == LOAD
    publishes = not is_load and order.index(task.step) >= order.index(PUBLISH)
    if is_load:
        jobs.require_source(settings)
    if task.step == DELIVER:
        require_secrets(settings)
    command = f"run {task.step} {task.source}" if is_load else f"run {task.step}"
    with jobs.night(settings, command, as_of=as_of, listen=listen, create=is_load, publishes=publishes) as tonight:
        if is_load:
            tonight.load_configured(task.source)
            tonight.finish_load()
        elif do := STEPS[order.index(task.step)].do:
            do(tonight)
        if task.step == DELIVER:
            tonight.finish_delivery()
    if publishes:
        usage_log.clean_up(settings)
    return tonight.result


def tell_break(settings: Settings, codes: Sequence[int], lines: Sequence[str]) -> None:
    """Tell the channels that ask for failures that tasks of a night broke off, with these exit codes.

    Called once a night: the ledger takes no part. What a night came to by itself, such as a delivery that waits, is told by
    the step ``deliver``.
    """
    from pipeline.night import failing

    failing.tell_break(settings, worst(codes), lines)


def _verdict(settings: Settings, as_of: datetime | None) -> RunResult:
    """Say what the night came to, from the published copy alone: nothing is written, and nobody waited for."""
    from pipeline.jobs import Night
    from pipeline.night import failing
    from pipeline.periods import label, utc_now
    from pipeline.store import publish

    settings.actor.require_operator("ask what a night came to")
    moment = as_of or settings.as_of or utc_now()
    with publish.opened(settings.publish.path) as copy:
        asking = Night(copy, settings, as_of=moment, run_id="")
        waiting = [failing.waiting_line(own) for own in failing.waiting(copy, settings, moment)]
        asking.result.warnings += settings.warnings
        asking.result.notes += waiting
        asking.result.budgets = asking.evaluate(label(moment))
        asking.result.missing_rates = _lacks_rates(copy)
        return asking.finish(waits=bool(waiting))


def _lacks_rates(copy: Warehouse) -> bool:
    from pipeline.budgets import status_table

    return status_table.lacks_rates(copy)
