"""Airflow's own command line, several commands in one process: each start of it takes seconds.

Run by the Python of .venv/airflow: ``airflow_driver.py DAG_ID`` makes Airflow's database, tests the DAG, says how it ended
and waits for a line on stdin, then tests it once more.
"""

from __future__ import annotations

import sys

from airflow.__main__ import main

DONE = "DRIVER: ended with"


def call(*arguments: str) -> None:
    """Run one command of `airflow` and say with which exit code it would end (1 where it leaves with a message)."""
    sys.argv = ["airflow", *arguments]
    code: object = 0
    try:
        main()
    except SystemExit as leave:
        code = leave.code
    sys.stdout.write(f"{DONE} {code if isinstance(code, int) else int(code is not None)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    dag_id = sys.argv[1]
    call("db", "migrate")
    call("dags", "test", dag_id)
    sys.stdin.readline()
    call("dags", "test", dag_id)
