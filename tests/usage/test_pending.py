"""What is recorded and not yet loaded is read as it grows, and comes out as if all of it were read anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pipeline.usage.pending import Pending


def row(id: str, cost: str = "1") -> str:
    told = {"segment": "s", "id": id, "time": "2026-03-05T10:00:00Z", "cost": cost, "currency": "USD"}
    return json.dumps(told | {"provider": "openai", "operation": "chat_completion"}) + "\n"


def write(path: Path, *rows: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(rows)


def told(pending: Pending, taken: dict[str, int] | None = None) -> list[tuple[str, str]]:
    return [(each.id, str(each.cost)) for each in pending.records(taken or {})]


def test_what_is_written_is_there_at_once_and_the_list_only_grows(tmp_path: Path) -> None:
    pending = Pending(tmp_path)
    assert told(pending) == []
    write(tmp_path / "b.jsonl", row("1"))
    epoch, records = pending.recent({})
    write(tmp_path / "b.jsonl", row("2"), row("3")[:20])
    assert (pending.recent({})[0], [each.id for each in records]) == (epoch, ["1", "2"])
    write(tmp_path / "b.jsonl", row("3")[20:])
    assert [id for id, _ in told(pending)] == ["1", "2", "3"]


def test_a_segment_is_seen_that_comes_in_the_same_tick_as_the_one_before(tmp_path: Path) -> None:
    pending = Pending(tmp_path)
    write(tmp_path / "b.jsonl", row("1"))
    changed = tmp_path.stat().st_mtime_ns
    assert len(told(pending)) == 1
    write(tmp_path / "c.jsonl", row("2"))
    os.utime(tmp_path, ns=(changed, changed))
    assert len(told(pending)) == 2


def test_of_equal_ids_the_first_segments_counts_whenever_it_was_read(tmp_path: Path) -> None:
    pending = Pending(tmp_path)
    write(tmp_path / "b.jsonl", row("1", "1"))
    epoch, _ = pending.recent({})
    write(tmp_path / "a.jsonl", row("1", "2"))
    assert told(pending) == told(Pending(tmp_path)) == [("1", f"2.{0:018}")]
    assert pending.recent({})[0] > epoch


def test_what_is_stored_or_gone_is_left_out_from_then_on(tmp_path: Path) -> None:
    pending, kept = Pending(tmp_path), tmp_path / "a.jsonl"
    write(kept, row("1"), row("2"))
    write(tmp_path / "b.jsonl", row("3"))
    assert len(told(pending)) == 3
    assert [id for id, _ in told(pending, {str(kept): len(row("1"))})] == ["2", "3"]
    (tmp_path / "b.jsonl").unlink()
    assert [id for id, _ in told(pending)] == ["1", "2"]
