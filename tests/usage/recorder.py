"""Processes that record until they are killed or done."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.model import UsageLogSettings
from pipeline.usage.log import UsageLog
from pipeline.usage.record import UsageRecord, checked

USAGE = UsageRecord("openai", "chat_completion", "gpt-4o", cost="0.25", metadata={"text": "x" * 2000})


@dataclass(frozen=True)
class Recorder:
    """A forked child that records; ``told`` gives the ids of each call after the call returned."""

    pid: int
    told: int

    def first(self) -> bytes:
        """Wait until it has recorded something."""
        return os.read(self.told, 1 << 20)

    def end(self, signal: int | None = None) -> tuple[int, bytes]:
        """Kill it, or wait for it; returns how it ended and what it told since."""
        if signal is not None:
            os.kill(self.pid, signal)
        with os.fdopen(self.told, "rb") as file:
            told = file.read()
        return os.waitpid(self.pid, 0)[1], told


def start(folder: Path, calls: int, many: int, *, rotate_size: int = 20_000) -> Recorder:
    """Start a child that records ``many`` records in each of ``calls`` calls, into segments that are rotated often."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return Recorder(pid, read)
    try:
        log = UsageLog(UsageLogSettings(folder, rotate_size=rotate_size))
        for _ in range(calls):
            made = [checked(USAGE, log.new_id) for _ in range(many)]
            log.append(made)
            os.write(write, "".join(f"{each.id}\n" for each in made).encode())
        os._exit(0)
    finally:
        os._exit(1)


def ids(told: bytes) -> list[str]:
    """The ids that were told whole."""
    return told[: told.rfind(b"\n") + 1].decode().split()
