"""The night takes the usage log by itself: each record once, whatever is written, killed or cleaned up meanwhile."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs
from pipeline.config import Settings, load_settings
from pipeline.errors import UsageError
from pipeline.jobs import RunResult
from pipeline.night import usage_log
from pipeline.periods import utc_now
from pipeline.sources import segments
from pipeline.usage.log import UsageLog
from pipeline.usage.record import UsageRecord, checked
from tests.jobs.nights import ask, write_bill, write_config
from tests.soak import more
from tests.usage import recorder

CALL = UsageRecord("openai", "chat_completion", "gpt-4o", cost="0.25", time=datetime(2026, 3, 5, 10))


def company(folder: Path, *, bill: bool = False, **log: Any) -> Settings:
    sources = [{"name": "azure", "path": "exports"}] if bill else []
    if bill:
        write_bill(folder / "exports" / "march.csv")
    return load_settings(write_config(folder, sources=sources, usage_log={"keep_days": 0, **log}), environ={})


def record(log: UsageLog, many: int = 1, **changes: Any) -> None:
    log.append([checked(replace(CALL, **changes), log.new_id) for _ in range(many)])


def charged(settings: Settings) -> list[tuple[Any, ...]]:
    query = "SELECT x_Source, count(*), count(DISTINCT x_RecordId), sum(BilledCost) FROM charges WHERE x_Origin = 'recorded' GROUP BY ALL"
    return ask(settings.publish.path, query)


def own(result: RunResult) -> list[str]:
    return [each.status for each in result.outcomes if each.x_Source == "usage_log" and each.is_new]


def test_a_log_counts_once_while_it_grows_and_when_it_is_cleaned_up(tmp_path: Path) -> None:
    settings = company(tmp_path)
    log, folder = UsageLog(settings.own_usage_log), settings.own_usage_log.path
    record(log, 2)
    assert (jobs.run(settings).exit_code, charged(settings)) == (0, [("usage_log", 2, 2, Decimal("0.5"))])
    record(log, 1, time=datetime(2026, 2, 1))
    assert own(jobs.run(settings)) == ["loaded", "superseded"]  # March has nothing new
    assert charged(settings) == [("usage_log", 3, 3, Decimal("0.75"))]
    assert len(segments.paths(folder)) == 1  # its writer is alive
    log.close()
    assert own(jobs.run(settings)) == []
    assert segments.paths(folder) == []


def test_whole_lines_are_read_of_a_living_writer_and_a_torn_one_is_told_of_a_dead_one(tmp_path: Path) -> None:
    settings = company(tmp_path)
    log = UsageLog(settings.own_usage_log)
    record(log, 2)
    [path] = segments.paths(settings.own_usage_log.path)
    whole = path.read_bytes()
    record(log)
    last = path.read_bytes()[len(whole) :]
    os.truncate(path, len(whole) + 20)
    result = jobs.run(settings)
    assert (result.exit_code, result.notes, charged(settings)[0][1]) == (0, [], 2)
    log.close()
    begun = path.with_name("begun.jsonl")
    begun.write_text('{"segment":"begun"')
    with path.open("ab") as file:
        file.write(last[20:] + b'{"se')
    result = jobs.run(settings)
    assert (result.exit_code, charged(settings)[0][1]) == (0, 3)
    assert [note.split(": ")[1:3] for note in result.notes] == [
        [str(path), "the last line breaks off after 4 bytes and was left out"],
        [str(begun), "the last line breaks off after 18 bytes and was left out"],
    ]
    assert (segments.paths(path.parent), jobs.run(settings).notes) == ([begun], [])


def test_no_folder_is_nothing(tmp_path: Path) -> None:
    settings = company(tmp_path)
    with pytest.raises(UsageError, match="no source is configured"):
        jobs.run(settings)
    settings.own_usage_log.path.mkdir()
    result = jobs.run(settings)
    assert (result.exit_code, result.outcomes, result.notes) == (0, [], [])


def test_beside_a_bill_it_moves_no_last_complete_day_and_is_named_in_the_status(tmp_path: Path) -> None:
    settings = company(tmp_path, bill=True)
    record(UsageLog(settings.own_usage_log), time=datetime(2026, 3, 1))
    result = jobs.run(settings)
    assert result.staleness is not None
    assert (result.exit_code, result.notes, result.staleness.last_complete_day) == (0, [], date(2026, 3, 21))
    assert ask(settings.publish.path, "SELECT x_Source, x_Origin FROM source_periods ORDER BY 1") == [
        ("azure", "billed"),
        ("usage_log", "recorded"),
    ]


def test_a_source_that_has_the_folder_takes_it_instead(tmp_path: Path) -> None:
    log = UsageLog(company(tmp_path).own_usage_log)
    record(log)
    log.close()
    sources = [{"name": "llm", "path": "usage"}]
    settings = load_settings(write_config(tmp_path, sources=sources), environ={})
    assert [source.name for source, _ in usage_log.with_own(settings)] == ["llm"]


def test_a_segment_stays_until_it_is_old_enough_and_all_of_it_is_published(tmp_path: Path) -> None:
    settings = company(tmp_path, keep_days=2)
    log = UsageLog(settings.own_usage_log)
    record(log)
    log.close()
    jobs.run(settings)
    later = utc_now() + timedelta(days=2, minutes=1)
    assert usage_log.clean_up(settings) == []
    record(log)
    assert usage_log.clean_up(settings, now=later) == []  # a writer has it
    log.close()
    assert usage_log.clean_up(settings, now=later) == []  # it has grown since
    jobs.run(settings)
    assert len(usage_log.clean_up(settings, now=later)) == 1


def test_a_segment_with_a_record_that_was_refused_stays(tmp_path: Path) -> None:
    settings = company(tmp_path)
    log = UsageLog(settings.own_usage_log)
    record(log, id="one")
    record(log, id="one", cost="7")
    log.close()
    assert jobs.run(settings).exit_code == 65
    assert len(segments.paths(settings.own_usage_log.path)) == 1


def test_recorders_that_are_killed_while_runs_load_lose_and_double_nothing(tmp_path: Path) -> None:
    settings = company(tmp_path)
    draw, returned = random.Random(20260322), set[str]()
    for _ in range(more(1, 30)):
        children = [
            recorder.start(settings.own_usage_log.path, 60, draw.choice([1, 7]), rotate_size=200_000) for _ in range(2)
        ]
        told = [child.first() for child in children]
        if draw.random() < 0.9:
            jobs.run(settings)
        time.sleep(draw.uniform(0, 0.02))
        returned |= {
            name
            for child, first in zip(children, told, strict=True)
            for name in recorder.ids(first + child.end(signal.SIGKILL)[1])
        }
    jobs.run(settings)
    assert len(returned) > 4
    [(_, count, different, _)] = charged(settings)
    loaded = {row[0] for row in ask(settings.publish.path, "SELECT x_RecordId FROM charges")}
    assert (returned - loaded, count) == (set(), different)
