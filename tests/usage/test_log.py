"""The writer of the usage log: what returned is in a file, whatever became of the process."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.model import UsageLogSettings
from pipeline.errors import UsageLogError
from pipeline.sources import segments
from pipeline.usage.log import UsageLog
from pipeline.usage.record import UsageRecord, checked
from tests.soak import more
from tests.usage import recorder

CALL = UsageRecord("openai", "chat_completion", "gpt-4o", cost="0.25")


def record(log: UsageLog, many: int = 1) -> list[str]:
    made = [checked(CALL, log.new_id) for _ in range(many)]
    log.append(made)
    return [str(each.id) for each in made]


def written(folder: Path) -> Counter[str]:
    """The ids of whole lines; each line names its own segment."""
    found: Counter[str] = Counter()
    for path in segments.paths(folder):
        for text in path.read_bytes().splitlines(keepends=True):
            if text.endswith(b"\n"):
                row: dict[str, Any] = json.loads(text)
                assert row["segment"] == path.stem
                found[row["id"]] += 1
    return found


def test_a_record_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    log = UsageLog(UsageLogSettings(tmp_path / "new" / "usage"))
    ids = record(log) + record(log, 3)
    assert written(tmp_path / "new" / "usage") == Counter(ids)
    assert len(segments.paths(tmp_path / "new" / "usage")) == 1


def test_a_segment_is_locked_while_it_is_written_and_free_when_closed(tmp_path: Path) -> None:
    log = UsageLog(UsageLogSettings(tmp_path))
    record(log)
    [path] = segments.paths(tmp_path)
    with path.open("rb") as file:
        with segments.held(file.fileno()) as is_closed:
            assert not is_closed
        log.close()
        with segments.held(file.fileno()) as is_closed:
            assert is_closed


def test_a_segment_that_is_full_is_followed_by_another(tmp_path: Path) -> None:
    log = UsageLog(UsageLogSettings(tmp_path, rotate_size=1000))
    ids = [name for _ in range(12) for name in record(log)]
    assert len(segments.paths(tmp_path)) > 1
    assert written(tmp_path) == Counter(ids)


def test_a_process_goes_on_with_a_closed_segment_and_leaves_a_torn_or_living_one_alone(tmp_path: Path) -> None:
    first, second, third = (UsageLog(UsageLogSettings(tmp_path)) for _ in range(3))
    record(first)
    first.close()
    record(second)
    assert len(segments.paths(tmp_path)) == 1
    record(third)
    assert len(segments.paths(tmp_path)) == 2
    second.close()
    third.close()
    for path in segments.paths(tmp_path):
        path.write_bytes(path.read_bytes() + b'{"id": "x')
    record(first)
    assert len(segments.paths(tmp_path)) == 3


def test_a_fork_writes_a_segment_of_its_own(tmp_path: Path) -> None:
    log = UsageLog(UsageLogSettings(tmp_path))
    ids = record(log)
    child = os.fork()
    if child == 0:
        record(log, 2)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    ids += record(log)
    found = written(tmp_path)
    assert (sum(found.values()), len(segments.paths(tmp_path))) == (4, 2)
    assert set(ids) < set(found)


def test_threads_share_a_segment_and_no_id_stands_twice(tmp_path: Path) -> None:
    log = UsageLog(UsageLogSettings(tmp_path))
    threads = [threading.Thread(target=lambda: [record(log) for _ in range(50)]) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(written(tmp_path).values()) == {1}
    assert len(written(tmp_path)) == 400


def test_a_disk_that_is_full_leaves_nothing_of_the_call(tmp_path: Path) -> None:
    log = UsageLog(UsageLogSettings(tmp_path))
    ids = record(log)
    [path] = segments.paths(tmp_path)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, limit[1]))
    try:
        with pytest.raises(UsageLogError, match="nothing of the call was recorded"):
            record(log)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    ids += record(log)
    assert written(tmp_path) == Counter(ids)
    assert path.read_bytes().endswith(b"}\n")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "usage").write_text("a file")
    with pytest.raises(UsageLogError, match="check the folder"):
        record(UsageLog(UsageLogSettings(tmp_path / "usage")))


@pytest.mark.parametrize(("durability", "expected"), [("record", 3), ("batch", 0)])
def test_durability_record_syncs_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: Any, expected: int
) -> None:
    log = UsageLog(UsageLogSettings(tmp_path, durability=durability, batch_seconds=Decimal(60)))
    record(log)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for _ in range(3):
        record(log)
    assert len(synced) == expected


def test_a_batch_is_synced_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = UsageLog(UsageLogSettings(tmp_path, batch_size=2, batch_seconds=Decimal(60)))
    synced = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda _: synced.set())
    record(log)
    record(log)
    assert synced.wait(10)


def test_records_that_returned_survive_a_kill(tmp_path: Path) -> None:
    draw = random.Random(20260322)
    returned: list[str] = []
    for _ in range(more(8, 200)):
        child = recorder.start(tmp_path, 1_000_000, draw.choice([1, 7, 40]))
        first = child.first()
        time.sleep(draw.uniform(0, 0.03))
        returned += recorder.ids(first + child.end(signal.SIGKILL)[1])
    found = written(tmp_path)
    assert len(returned) > 8
    assert set(returned) <= set(found)
    assert set(found.values()) == {1}


@pytest.mark.heavy
def test_32_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    children = [recorder.start(tmp_path, 40, 5, rotate_size=200_000) for _ in range(32)]
    ended = [child.end() for child in children]
    told = [name for _, text in ended for name in recorder.ids(text)]
    assert [code for code, _ in ended] == [0] * 32
    assert written(tmp_path) == Counter(told)
    assert len(told) == 32 * 200
