"""The night as an Airflow DAG: a task for each source and each step.

A file in the DAG folder is all it takes::

    from pipeline.airflow import costmill_dag

    dag = costmill_dag("/srv/costmill/costmill.yaml", schedule="15 6 * * *")

Airflow reads that file every few seconds, so nothing is done here but to read the configuration: what loads exports is
imported by the task that does it. docs/operations.md says which task fails for what.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import steps
from pipeline.config import load_settings
from pipeline.errors import CostmillError, ExportError

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from pipeline.jobs import RunResult

logger = logging.getLogger(__name__)

RETRIES = 4
RETRY_DELAY = timedelta(minutes=2)
MAX_RETRY_DELAY = timedelta(minutes=30)
#: How a task has ended that did not do its work.
_FAILED = ("failed", "upstream_failed")
#: What a task leaves of what broke it off: exit code and lines; nothing where it ended by itself.
BROKE_OFF = "broke_off"


def costmill_dag(
    config: str | Path,
    *,
    schedule: Any = "15 6 * * *",
    dag_id: str = "costmill",
    retries: int = RETRIES,
    retry_delay: timedelta = RETRY_DELAY,
    **more: Any,
) -> DAG:
    """Return the DAG of a configuration's nights.

    One run at a time, and one task at a time: the warehouse has one writer. A night that was missed is not made up for by a
    run of its own (``catchup`` is off), since the next one loads all that is new.

    Args:
        config: the path of costmill.yaml, best an absolute one: Airflow's processes start anywhere.
        schedule: as Airflow takes it; cron expressions are in UTC.
        dag_id: unique among the DAGs; two configurations need two.
        retries: how often a task is tried again when its error may pass by itself.
        retry_delay: before the first retry; each later one waits twice as long, at most half an hour.
        more: whatever else Airflow's ``DAG`` takes, such as ``tags``, ``default_args`` or ``on_failure_callback``.

    Raises:
        ConfigurationError: with every problem of the file; Airflow shows it as the import error of the DAG's file.
    """
    config = Path(config).absolute()
    tasks = steps.plan(load_settings(config))
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.sdk import DAG

    again = {"retries": retries, "retry_delay": retry_delay, "max_retry_delay": MAX_RETRY_DELAY}
    given = more.pop("default_args", None) or {}
    settings = {"catchup": False, "max_active_runs": 1, "max_active_tasks": 1, "doc_md": __doc__, **more}
    dag = DAG(dag_id, schedule=schedule, default_args={**again, "retry_exponential_backoff": 2, **given}, **settings)
    made = {
        task.id: PythonOperator(
            dag=dag,
            task_id=task.id,
            doc=task.says,
            python_callable=conclude if task.step == steps.VERDICT else perform,
            op_kwargs={"config": str(config), "step": task.id},
            trigger_rule="all_done" if task.in_any_case else "all_success",
        )
        for task in tasks
    }
    for task in tasks:
        made[task.id].set_upstream([made[before] for before in task.after])
    return dag


def perform(config: str, step: str, ti: Any) -> None:
    """Do one task of the night, and log what it told; what it raises tells Airflow whether to try again.

    What broke it off stays with the task, for the verdict; nothing where it ended by itself.
    """
    try:
        result = _attempt(config, step)
    except Exception as error:
        ti.xcom_push(key=BROKE_OFF, value=_words(error))
        raise
    ti.xcom_push(key=BROKE_OFF, value={})
    _tell(result)


def conclude(config: str, step: str, ti: Any) -> None:
    """Say what the night came to, and fail when a task of it failed or a run would end with another code than 0."""
    from airflow.sdk.exceptions import AirflowFailException

    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    ended = {name: str(state) for name, state in states.items() if name != step and str(state) in _FAILED}
    failed = sorted(ended)
    for name in failed:
        logger.error("the task %s has failed", name)
    broken = {name: _left_by(ti, name) for name in failed if ended[name] == _FAILED[0]}
    try:
        result = _attempt(config, step)
    except Exception as error:
        if isinstance(error, AirflowFailException) or ti.try_number > ti.max_tries:  # else Airflow tries again
            tell_broken(config, broken or {step: _words(error)})
        raise
    tell_broken(config, broken)
    _tell(result)
    if failed:
        raise _stop(f"the night is incomplete, tasks have failed: {', '.join(failed)}; their logs say why")


def tell_broken(config: str, broken: Mapping[str, Mapping[str, Any]]) -> None:
    """Tell the channels that ask for failures which tasks broke off; what others ended with is told by ``deliver``.

    Args:
        broken: of each task what it left; nothing when it ended by itself.
    """
    lines = [f"{name}: {line}" for name, said in broken.items() for line in said.get("lines", ())]
    if not lines:
        return
    try:
        settings = load_settings(config)
    except CostmillError:  # nobody can say whom to tell; Airflow shows why, as the import error of the DAG's file
        return
    steps.tell_break(settings, [said["code"] for said in broken.values() if said], lines)


def _left_by(ti: Any, name: str) -> Mapping[str, Any]:
    left: Mapping[str, Any] | None = ti.xcom_pull(task_ids=name, key=BROKE_OFF)
    defect = {"code": CostmillError.exit_code, "lines": ["its process ended before it could say why"]}
    return defect if left is None else left


def _words(error: Exception) -> dict[str, Any]:
    from pipeline.night import failing

    cause = error.__cause__ if isinstance(error.__cause__, CostmillError) else error
    code, lines = failing.words(cause)
    return {"code": code, "lines": lines}


def _attempt(config: str, step: str) -> RunResult:
    """Do a task; an error that may pass by itself goes on as it is, and Airflow tries again."""
    try:
        settings = load_settings(config)
        return steps.perform(settings, steps.find(settings, step), listen=_listener())
    except CostmillError as error:
        if error.retry:
            raise
        raise _stop(str(error)) from error


def _listener() -> Callable[[Any], None]:
    from pipeline.night import words

    return lambda step: logger.info("%s", words.step_line(step))


def _tell(result: RunResult) -> None:
    """Log what a task's reader must know; fail for what a run would end with another code than 0 for."""
    from pipeline.night import words

    lines = words.result_lines(result)
    for line in lines:
        logger.warning("%s", line)
    if not result.exit_code:
        return
    told = f"exit code {result.exit_code}: {'; '.join(lines)}"
    if any(outcome.waits and outcome.retry for outcome in result.outcomes):
        raise ExportError(told)  # Airflow tries again
    if result.undelivered:
        from pipeline.deliver.smtp import DeliveryError

        raise DeliveryError(told, retry=True)  # likewise: what arrived is not sent twice
    raise _stop(told)


def _stop(message: str) -> Exception:
    """Return the error after which Airflow does not try again."""
    from airflow.sdk.exceptions import AirflowFailException

    error: Exception = AirflowFailException(message)
    return error
