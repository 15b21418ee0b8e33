"""`python -m bench.usage`: how many usage records a second are recorded, by one process and by many.

Each process records calls as programs do, through BudgetTrackingService: checked, written, in the system's hands.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from pipeline import Actor, BudgetTrackingService, UsageRecord
from pipeline.sources import segments

WRITER = Actor("bench", "service", permissions=frozenset(["budget:write"]))


def main() -> None:
    """Measure one process and many, one record a call and batches, and print a line for each."""
    parser = argparse.ArgumentParser(prog="bench.usage", description=__doc__)
    parser.add_argument("--records", type=int, default=40_000, help="records in all (default: 40,000)")
    parser.add_argument("--processes", type=int, default=32, help="processes at once, beside one (default: 32)")
    parser.add_argument("--batch", type=int, default=1000, help="records of a batch (default: 1000)")
    given = parser.parse_args()
    if min(given.records, given.processes, given.batch) < 1:
        parser.error("records, processes and batch are at least 1")
    print(f"{'processes':>9}{'a call':>8} | {'records/s':>10}{'per CPU s':>11}")
    for processes in sorted({1, given.processes}):
        for many in sorted({1, given.batch}):
            seconds, cpu, records = measured(processes, given.records, many)
            print(f"{processes:9}{many:8} | {records / seconds:10,.0f}{records / cpu:11,.0f}", flush=True)


def measured(processes: int, records: int, many: int) -> tuple[float, float, int]:
    """Record in forked processes; returns seconds, CPU seconds, and how many lines there are then."""
    with tempfile.TemporaryDirectory(prefix="costmill-bench-") as folder:
        tracking = BudgetTrackingService(Path(folder) / "costs.duckdb")
        began, used = time.monotonic(), os.times()
        children = [_forked(tracking, max(records // processes // many, 1), many) for _ in range(processes)]
        if any(os.waitpid(child, 0)[1] for child in children):
            raise SystemExit("a process failed")
        seconds, ended = time.monotonic() - began, os.times()
        cpu = ended.children_user + ended.children_system - used.children_user - used.children_system
        paths = segments.paths(tracking.settings.own_usage_log.path)
        return seconds, cpu, sum(path.read_bytes().count(b"\n") for path in paths)


def _forked(tracking: BudgetTrackingService, calls: int, many: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        for _ in range(calls):
            tracking.record_many(WRITER, [_call(number) for number in range(many)])
        os._exit(0)
    finally:
        os._exit(1)


def _call(number: int) -> UsageRecord:
    attribution = {"team": "search", "user": f"u{number % 100}", "session": f"s{number}"}
    return UsageRecord(
        *("openai", "chat_completion", "gpt-4o"),
        cost="0.0125",
        input_tokens=1200 + number,
        output_tokens=300,
        attribution=attribution,
        request_id=f"req-{number}",
    )


if __name__ == "__main__":
    main()
