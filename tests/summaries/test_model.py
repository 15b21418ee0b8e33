"""model_summary: AI usage loaded from a log and a bill, against sums in plain Python over the same records."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipeline.entries import CostCategory, CostEntry
from pipeline.night.summarising import write_model_summaries
from pipeline.store import rollups, schema
from pipeline.store.duckdb import DuckDBCostStore
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.load.bills import House, focus, house, month, write
from tests.soak import more

PERIODS = ("2026-02", "2026-03")
QUANTITIES = ("input_tokens", "cached_input_tokens", "output_tokens", "images", "seconds")
CALLS = (
    ("openai", "gpt-4o", "chat_completion", ("input_tokens", "cached_input_tokens", "output_tokens")),
    ("openai", "gpt-4o", "vision", ("input_tokens", "output_tokens", "images")),
    ("anthropic", "claude-sonnet-4", "chat_completion", ("input_tokens", "cached_input_tokens", "output_tokens")),
    ("openai", "text-embedding-3-small", "embedding", ("input_tokens",)),
    ("elevenlabs", None, "speech", ("seconds",)),
    ("openai", "gpt-image-1", "image_generation", ("images",)),
)
#: Meter, unit, tokens of one of them; None: not counted in tokens.
METERS = (
    ("Claude-input-tokens", "1000 Tokens", 1000),
    ("gpt 4.1 Inp glbl Tokens", "1K", 1000),
    ("gpt 4.1 Outp glbl Tokens", "Units", 1),
    ("Input", "1M tokens", 1_000_000),
    ("Output", "Tokens", 1),
    ("tokens in bulk", "1,000,000", 1_000_000),
    ("ml.g5.2xlarge", "Hours", None),
    ("tokens provisioned", "Hours", None),
)


@dataclass
class Sums:
    """What a row of the summary is made of."""

    cost: Decimal = Decimal(0)
    token_cost: Decimal = Decimal(0)
    covered: Decimal = Decimal(0)
    tokens: Decimal = Decimal(0)
    used: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(QUANTITIES, Decimal(0)))
    failed: int = 0
    charges: int = 0


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as opened:
        yield opened


def records(seed: int, count: int) -> list[dict[str, Any]]:
    """Calls from February to 21 March 2026; one model is new in March, and one ends with February."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        time = datetime(2026, 2, 1) + timedelta(minutes=chance.randrange(49 * 24 * 60 - 1))
        calls = [each for each in CALLS if each[1] != ("gpt-image-1" if time.month == 3 else "claude-sonnet-4")]
        provider, model, operation, used = chance.choice(calls)
        row: dict[str, Any] = {"id": f"r{number}", "segment": "a", "provider": provider, "operation": operation}
        row |= {"time": time.isoformat() + "Z", "currency": chance.choice(["USD", "USD", "EUR"])}
        row |= {
            "cost": format(Decimal(chance.randrange(10**9)).scaleb(-chance.choice([2, 6, 18])), "f"),
            "model": model,
        }
        row |= {name: chance.choice([0, chance.randrange(10**6)]) for name in used}
        if "cached_input_tokens" in row:
            row["cached_input_tokens"] = chance.randrange(row["input_tokens"] + 1)
        row["success"] = chance.random() > 0.1
        made.append({name: value for name, value in row.items() if value is not None})
    return made


def put(log: House, rows: list[dict[str, Any]]) -> None:
    path = log.folder / "a.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")


def expected(rows: list[dict[str, Any]], period: str, last: date) -> dict[tuple[Any, ...], Sums]:
    """Sums by currency, provider, model and operation, record by record."""
    found: dict[tuple[Any, ...], Sums] = defaultdict(Sums)
    for row in rows:
        if not row["time"].startswith(period):
            continue
        own = found[row["currency"], row["provider"], row.get("model"), row["operation"]]
        cost, used = Decimal(row["cost"]), {name: Decimal(row.get(name, 0)) for name in QUANTITIES}
        tokens = used["input_tokens"] + used["output_tokens"]
        own.cost += cost
        own.token_cost += cost if tokens else 0
        own.covered += cost if date.fromisoformat(row["time"][:10]) <= last else 0
        own.tokens += tokens
        own.used = {name: own.used[name] + used[name] for name in QUANTITIES}
        own.failed += not row["success"]
        own.charges += 1
    return found


def rounded(part: Decimal | int, whole: Decimal | int, places: int) -> Decimal | None:
    """A quotient of exact fractions, half-even."""
    if not whole:
        return None
    scaled = Fraction(part) / Fraction(whole) * 10**places
    low, rest = divmod(scaled.numerator, scaled.denominator)
    up = rest * 2 > scaled.denominator or (rest * 2 == scaled.denominator and low % 2)
    return Decimal(low + up).scaleb(-places)


def summary(house: House, period: str = "2026-03") -> list[dict[str, Any]]:
    return house.table("SELECT * FROM model_summary WHERE x_BillingPeriod = $period", {"period": period})


@pytest.mark.parametrize("seed", range(7, 7 + more(1, 25)))
def test_recorded_usage_is_summed_as_plain_python_sums_it(seed: int, loaded: House) -> None:
    rows = records(seed, 400)
    put(loaded, rows)
    loaded.load(source="llm")
    write_model_summaries(loaded.warehouse, ())
    newest = date.fromisoformat(max(row["time"] for row in rows)[:10])
    before, now = (expected(rows, period, newest - timedelta(days=1)) for period in PERIODS)
    found = summary(loaded)
    keys = ("BillingCurrency", "x_Provider", "model", "operation")
    assert {tuple(row[name] for name in keys) for row in found} == {*before, *now}
    for row in found:
        key = tuple(row[name] for name in keys)
        own, former = now.get(key, Sums()), before.get(key, Sums())
        whole = sum((each.cost for name, each in now.items() if name[0] == key[0]), Decimal(0))
        days = newest.day - 1
        wanted = {
            "x_Origin": "recorded", "BilledCost": own.cost, "token_BilledCost": own.token_cost, "tokens": own.tokens,
            **own.used, "failed_calls": own.failed, "x_ChargeCount": own.charges,
            "cost_per_million_tokens": rounded(own.token_cost * 10**6, own.tokens, 18),
            "cache_share": rounded(own.used["cached_input_tokens"], own.used["input_tokens"], 6),
            "x_BilledShare": rounded(own.cost, whole, 6), "days_covered": days, "covered_BilledCost": own.covered,
            "previous_BilledCost": former.cost, "previous_days": 28,
            "daily_change_percent": rounded((own.covered * 28 - former.cost * days) * 100, former.cost * days, 6),
        }  # fmt: skip
        assert {name: row[name] for name in wanted} == wanted


def test_billed_tokens_are_counted_in_their_unit_and_stand_apart(loaded: House) -> None:
    rows = [
        focus(BilledCost="0.3", ConsumedQuantity="2.5", ConsumedUnit=unit, SkuMeter=meter, **AI)
        for meter, unit, _ in METERS
    ]
    rows += [
        focus(BilledCost="-0.1", ConsumedQuantity=None, ConsumedUnit=None, SkuMeter="Claude-input-tokens", **AI),
        focus(BilledCost="9", ChargeCategory="Purchase", ConsumedUnit="Tokens", SkuMeter="tokens ahead", **AI),
        focus(BilledCost="7", ConsumedUnit="Tokens", SkuMeter="Tokens", ServiceCategory="Other"),
    ]
    write(loaded.folder / "bill.csv", rows)
    put(loaded, [{**records(1, 1)[0], "time": "2026-01-07T10:00:00Z"}])
    told = [loaded.one(loaded.folder / "bill.csv"), loaded.one(loaded.folder / "a.jsonl", source="llm")]
    assert [each.status for each in told] == ["loaded", "loaded"]
    write_model_summaries(loaded.warehouse, ())
    found = {row["operation"]: row for row in summary(loaded, "2026-01") if row["x_Origin"] == "billed"}
    assert {meter: row["tokens"] for meter, row in found.items()} == {
        meter: size * Decimal("2.5") for meter, _, size in METERS if size
    }
    row = found["Claude-input-tokens"]
    assert (row["BilledCost"], row["cost_per_million_tokens"]) == (Decimal("0.2"), 80)
    assert (row["model"], row["input_tokens"], row["cache_share"], row["failed_calls"]) == (None,) * 4
    assert sum(each["x_BilledShare"] for each in found.values()) == pytest.approx(1, abs=Decimal("0.00001"))


AI = {"ServiceCategory": "AI and Machine Learning", "ServiceName": "Models", **month("2026-01")}


def test_a_bill_without_ai_usage_leaves_nothing_due(loaded: House) -> None:
    write(loaded.folder / "bill.csv", [focus(ConsumedUnit="Tokens", SkuMeter="Tokens", ServiceCategory="Other")])
    loaded.one()
    assert loaded.rows("SELECT count(*) FROM model_costs") == [(0,)]
    assert loaded.rows("SELECT DISTINCT stage FROM dirty ORDER BY 1") == [("budgets",), ("reports",), ("summaries",)]


def test_only_what_differs_is_written_and_makes_a_report_due(loaded: House) -> None:
    put(loaded, records(3, 40))
    loaded.load(source="llm")
    write_model_summaries(loaded.warehouse, ())
    due = loaded.rows("SELECT * FROM dirty WHERE stage <> 'budgets' ORDER BY ALL")
    assert due == [(period, "reports") for period in PERIODS]
    loaded.warehouse.execute("DELETE FROM dirty")
    version = loaded.value("SELECT value FROM settings WHERE name = 'version'")
    write_model_summaries(loaded.warehouse, PERIODS, everything=True)
    assert loaded.value("SELECT value FROM settings WHERE name = 'version'") == version
    assert loaded.rows("SELECT * FROM dirty") == []


def test_entries_of_the_tracker_count_by_their_category(tmp_path: Path) -> None:
    path = empty.put(tmp_path / "costs.duckdb")
    for category in (CostCategory.EMBEDDING, CostCategory.COMPUTE):
        DuckDBCostStore(path).save_entry(CostEntry(Decimal(2), category, timestamp=datetime(2026, 3, 5)))
    with Warehouse.open(path) as warehouse:
        write_model_summaries(warehouse, ())
        rows = warehouse.rows("SELECT x_BillingPeriod, x_Origin, model, BilledCost, tokens FROM model_summary")
        assert rows == [("2026-03", "recorded", None, 2, 0)]
        assert warehouse.rows("SELECT * FROM dirty WHERE stage <> 'budgets'") == [("2026-03", "reports")]


def test_a_month_follows_what_the_newest_record_says_of_its_days(loaded: House) -> None:
    first = {**records(1, 1)[0], "cost": "1", "time": "2026-02-10T10:00:00Z"}
    put(loaded, [first])
    loaded.load(source="llm")
    write_model_summaries(loaded.warehouse, ())
    assert [row["days_covered"] for row in summary(loaded, "2026-02")] == [9]
    put(loaded, [first, {**first, "id": "next", "time": "2026-04-02T10:00:00Z"}])
    loaded.load(source="llm")
    write_model_summaries(loaded.warehouse, ())
    assert [row["days_covered"] for row in summary(loaded, "2026-02")] == [28]
    assert [row["previous_BilledCost"] for row in summary(loaded, "2026-04")] == [None]


def test_a_warehouse_of_before_gets_the_usage_that_it_has_with_the_next_run(loaded: House) -> None:
    put(loaded, records(5, 20))
    loaded.load(source="llm")
    wanted = loaded.rows("SELECT * FROM model_costs ORDER BY ALL")
    loaded.warehouse.execute("DROP TABLE model_costs; DROP TABLE model_summary")
    loaded.warehouse.execute("INSERT OR REPLACE INTO settings VALUES ('reported_tags', '[]')")
    loaded.warehouse.execute("DELETE FROM schema_versions WHERE name LIKE '%_model_costs'")
    schema.migrate(loaded.warehouse)
    assert loaded.rows("SELECT * FROM model_costs") == []
    assert rollups.refresh_for_keys(loaded.warehouse, ())
    assert loaded.rows("SELECT * FROM model_costs ORDER BY ALL") == wanted
