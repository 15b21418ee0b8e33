"""What Lumen's programs record of the models that they call: none of it is on a bill of the sample.

Four programs write one record for each batch of calls, with what it cost at the prices of 2026. The support assistant
turns on the cache of its prompts on 10 March: its input is the same, and costs less.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sample_data.story.days import DAY, FEBRUARY, HOUR, MARCH, PERIODS, guid, gzipped, load_factor, number, plain, utc

PATH = "usage/assistants.jsonl.gz"
CACHE_FROM = utc(2026, 3, 10)
MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Program:
    """A program: what it calls, what a batch uses on an ordinary day, and prices by the million (a second's as it is)."""

    app: str
    team: str
    provider: str
    model: str
    operation: str
    batches: int  # a day
    used: Mapping[str, int]
    prices: Mapping[str, str]
    start: datetime = PERIODS[0].start


PROGRAMS = (
    Program(
        "support", "web", "anthropic", "claude-sonnet-4", "chat_completion", 2,
        {"input_tokens": 910_000, "output_tokens": 74_000},
        {"input_tokens": "3", "cached_input_tokens": "0.3", "output_tokens": "15"},
    ),
    Program(
        "addresses", "platform", "openai", "gpt-4.1-mini", "chat_completion", 1,
        {"input_tokens": 5_400_000, "output_tokens": 610_000},
        {"input_tokens": "0.4", "output_tokens": "1.6"},
    ),
    Program(
        "search", "platform", "openai", "text-embedding-3-small", "embedding", 1,
        {"input_tokens": 14_000_000}, {"input_tokens": "0.02"},
    ),
    Program(
        "hotline", "web", "openai", "whisper-1", "transcription", 1,
        {"seconds": 21_600}, {"seconds": "0.0001"}, FEBRUARY.start,
    ),
)  # fmt: skip


def records() -> list[dict[str, object]]:
    """All records in the order of their time; the last are of the night in which the log is read."""
    days = [(day, period.traffic) for period in PERIODS for day in period.each_day()]
    made = [record for day, traffic in days for program in PROGRAMS for record in _of_day(program, day, traffic)]
    night = MARCH.start + MARCH.days * DAY
    made += [_record(PROGRAMS[2], 0, night, MARCH.traffic)]
    return sorted(made, key=lambda record: (str(record["time"]), str(record["id"])))


def log() -> bytes:
    """The log as the programs wrote it, packed."""
    return gzipped("".join(json.dumps(record) + "\n" for record in records()).encode())


def usage_totals() -> list[dict[str, object]]:
    """By billing period and model: calls, failed ones, tokens and what they cost."""
    found: dict[tuple[str, str], list[dict[str, object]]] = {}
    for record in records():
        found.setdefault((str(record["time"])[:7], str(record["model"])), []).append(record)
    return [_total(period, model, own) for (period, model), own in sorted(found.items())]


def _total(period: str, model: str, own: list[dict[str, object]]) -> dict[str, object]:
    def add(name: str) -> Decimal:
        return sum((Decimal(str(record.get(name, 0))) for record in own), Decimal(0))

    return {
        "billing_period": period,
        "model": model,
        "calls": len(own),
        "failed": sum(not record["success"] for record in own),
        "tokens": plain(add("input_tokens") + add("output_tokens")),
        "input_tokens": plain(add("input_tokens")),
        "cached_input_tokens": plain(add("cached_input_tokens")),
        "cost": plain(add("cost")),
    }


def _of_day(program: Program, day: datetime, traffic: Decimal) -> Iterator[dict[str, object]]:
    if day >= program.start:
        yield from (_record(program, batch, day, traffic) for batch in range(program.batches))


def _record(program: Program, batch: int, day: datetime, traffic: Decimal) -> dict[str, object]:
    key = (program.app, batch, day.date())
    time = day + batch * 11 * HOUR + timedelta(seconds=number(3 * 3600, "moment", *key))
    busy = load_factor(program.app, day, traffic)
    used = {name: int(amount * busy) - number(999, name, *key) for name, amount in program.used.items()}
    success = number(60, "success", *key) > 0
    if not success:
        used = dict.fromkeys(used, 0)
    if program.app == "support" and day >= CACHE_FROM:
        used["cached_input_tokens"] = used["input_tokens"] * (68 + number(9, "cache", *key)) // 100
    return {
        "id": guid("usage", *key),
        "segment": "assistants",
        "time": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "provider": program.provider,
        "model": program.model,
        "operation": program.operation,
        "cost": plain(_cost(program.prices, used)),
        "currency": "USD",
        **used,
        "attribution": {"team": program.team, "app": program.app},
        "success": success,
    }


def _cost(prices: Mapping[str, str], used: Mapping[str, int]) -> Decimal:
    """Cached tokens at their price, the rest of the input at its own; seconds one by one."""
    charged = dict(used)
    charged["input_tokens"] = used.get("input_tokens", 0) - used.get("cached_input_tokens", 0)
    cost = Decimal(0)
    for name, amount in charged.items():
        if amount:
            cost += Decimal(prices[name]) * amount / (1 if name == "seconds" else MILLION)
    return cost
