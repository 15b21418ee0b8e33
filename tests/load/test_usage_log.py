"""The usage log: a record counts once, whatever segments bring it; what is wrong with one is said, and no bill moves."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.entries import CostCategory, CostEntry
from pipeline.errors import EntryError
from pipeline.load.unload import unload
from pipeline.pricing.registry import PricingRegistry
from pipeline.sources import formats
from pipeline.store.duckdb import DuckDBCostStore
from pipeline.tracker import CostTracker
from tests.load.bills import House, dump, focus, house, write
from tests.load.sharing import beginning
from tests.soak import more

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
TORN = '{"id": "x", "cost": 1, "tea'
MOMENT = datetime(2026, 1, 5, 10)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as opened:
        yield opened


def record(name: object, cost: object = "0.25", segment: str = "a", **changes: Any) -> dict[str, Any]:
    """A record with keys changed; ``...`` leaves one out."""
    row = {
        "id": f"r{name}",
        "segment": segment,
        "time": "2026-01-05T10:00:00Z",
        "provider": "openai",
        "model": "gpt-4o",
        "operation": "chat_completion",
        "cost": cost,
        "currency": "USD",
        "input_tokens": 100,
        "output_tokens": 20,
        "attribution": {"team": "web"},
        **changes,
    }
    return {key: value for key, value in row.items() if value is not ...}


def put(log: House, name: str, *records: dict[str, Any], tail: str = "", at: float = 1e9) -> Path:
    path = log.folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records) + tail, encoding="utf-8")
    os.utime(path, (at, at))
    return path


def segment(name: str, *numbers: int) -> list[dict[str, Any]]:
    """A segment of records whose costs are powers of two: a sum tells which are in it."""
    return [record(number, str(2**number), name) for number in numbers]


def reasons(log: House) -> list[str]:
    return [f"{line}: {column}: {reason}" for _, line, column, _, reason in log.rejected()]


@beginning
def known(house: House) -> None:
    """A segment of two records is loaded."""
    put(house, "a", *segment("a", 0, 1))
    house.load()


def test_a_record_is_a_recorded_focus_charge(log: House) -> None:
    more: dict[str, Any] = {
        "cached_input_tokens": 40,
        "request_id": "q1",
        "success": True,
        "metadata": {"retry": {"of": 1}},
    }
    put(log, "a", record(1, 0.1, **more))
    assert log.one(source="llm").status == "loaded"
    [row] = log.table("SELECT * FROM focus_data_table")
    wanted = {
        "x_Source": "llm", "x_Origin": "recorded", "x_RecordId": "r1", "x_Batch": "a", "x_BillingPeriod": "2026-01",
        "x_CostCategory": "llm_inference", "x_Provider": "openai", "BilledCost": Decimal("0.1"),
        "EffectiveCost": Decimal("0.1"), "ListCost": Decimal("0.1"), "ContractedCost": Decimal("0.1"),
        "BillingCurrency": "USD", "ChargeCategory": "Usage", "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "gpt-4o", "SkuMeter": "chat_completion", "ConsumedQuantity": 120, "ConsumedUnit": "Tokens",
        "Tags": '{"team":"web"}', "ChargePeriodStart": MOMENT, "BillingPeriodEnd": datetime(2026, 2, 1),
        "x_InputTokens": "100", "x_CachedInputTokens": "40", "x_RequestId": "q1", "x_Success": "true",
        "x_Metadata": '{"retry":{"of":1}}', "x_SourceChanges": None,
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


OPERATIONS: dict[str, tuple[dict[str, Any], str, tuple[object, str]]] = {
    "embedding": ({"output_tokens": ...}, "embedding", (100, "Tokens")),
    "image_generation": ({"images": 3}, "vision", (3, "Images")),
    "chat_completion": ({"images": 3}, "llm_inference", (120, "Tokens")),
    "audio_transcription": ({"seconds": "1.5"}, "audio", (Decimal("1.5"), "Seconds")),
    "web_search": ({"input_tokens": ..., "output_tokens": ...}, "ai_ml", (1, "Requests")),
}


def test_the_operation_tells_category_and_quantity(log: House) -> None:
    put(log, "a", *(record(name, operation=name, **given) for name, (given, *_) in OPERATIONS.items()))
    log.one()
    sql = "SELECT SkuMeter, x_CostCategory, ConsumedQuantity, ConsumedUnit, x_SourceChanges FROM charges"
    assert {name: tuple(told) for name, *told in log.rows(sql)} == {
        name: (category, *quantity, "type" if category == "ai_ml" else None)
        for name, (_, category, quantity) in OPERATIONS.items()
    }


def test_the_time_in_utc_tells_the_month(log: House) -> None:
    put(log, "a", record(1, time="2026-01-31T23:30:00-01:00"), record(2, "4", time="2026-01-31T23:59:59.999Z"))
    assert [each.status for each in log.load()] == ["loaded", "loaded"]
    sql = "SELECT x_BillingPeriod, sum(BilledCost) FROM charges GROUP BY ALL ORDER BY ALL"
    assert log.rows(sql) == [("2026-01", Decimal(4)), ("2026-02", Decimal("0.25"))]


def test_a_segment_that_is_known_changes_nothing(known: House) -> None:
    before = dump(known.warehouse)
    assert not known.one().is_new
    assert dump(known.warehouse) == before
    assert known.billed() == 3


def test_a_segment_that_grows_replaces_itself_and_restates_nothing(known: House) -> None:
    put(known, "a", *segment("a", 0, 1, 2), at=2e9)
    assert known.one().charges == 3
    assert known.billed() == 7
    assert known.value("SELECT count(*) FROM restatements") == 0


def test_records_that_two_segments_share_count_once(known: House) -> None:
    put(known, "b", *segment("b", 1, 2, 3), at=2e9)
    assert [(each.is_new, each.charges) for each in known.load()] == [(False, 0), (True, 2)]
    assert known.billed() == 15
    sql = "SELECT rows_read, rows_mapped, rows_repeated FROM loads ORDER BY modified_at"
    assert known.rows(sql) == [(2, 2, 0), (3, 2, 1)]
    laws = "SELECT DISTINCT file_total, charges_total, repeated_total FROM load_controls ORDER BY ALL"
    assert known.rows(laws) == [(3, 3, 0), (14, 12, 2)]


def test_the_same_log_under_another_source_counts_once(known: House) -> None:
    assert known.one(source="two").status == "superseded"
    assert known.billed() == 3


def test_an_id_that_stands_twice_counts_once(log: House) -> None:
    put(log, "a", *segment("a", 0, 1), *segment("a", 1, 1), *segment("a", 2))
    assert log.one().charges == 3
    assert log.billed() == 7
    assert log.rows("SELECT rows_read, rows_mapped, rows_repeated FROM loads") == [(5, 3, 2)]


def test_an_id_under_other_values_is_rejected_with_both_lines(log: House) -> None:
    put(log, "a", *segment("a", 0, 1), record(0, "4"), record(1, "2", attribution={"team": "other"}))
    assert log.one(max_rejected=Decimal("0.5")).charges == 2
    says = "as well, with other values; an id is of one record"
    assert reasons(log) == [f"3: id: stands in line 1 {says}", f"4: id: stands in line 2 {says}"]
    assert log.billed() == 3


def test_an_id_that_is_loaded_with_other_values_is_rejected(known: House) -> None:
    put(known, "b", record(1, "9", "b"), record(2, "4", "b"), at=2e9)
    told = known.load(max_rejected=Decimal("0.5"))
    assert [(each.is_new, each.charges) for each in told] == [(False, 0), (True, 1)]
    assert reasons(known) == ["1: id: is loaded with other values, from segment a of the source bill"]
    assert known.billed() == 7


def test_the_same_segment_with_other_records_waits(known: House) -> None:
    put(known, "a", *segment("a", 0, 2), at=2e9)
    assert known.one().status == "quarantined"
    assert known.billed() == 3


@pytest.mark.parametrize("tail", [TORN, TORN[:3], '{"id": "é'.encode()[:-1].decode("latin1")], ids=["a", "b", "c"])
def test_a_torn_last_line_is_told_and_the_rest_loads(log: House, tail: str) -> None:
    put(log, "a", *segment("a", 0, 1), tail="")
    with (log.folder / "a.jsonl").open("ab") as file:
        file.write(tail.encode("latin1"))
    outcome = log.one()
    assert (outcome.status, outcome.rows_rejected, outcome.charges) == ("loaded", 1, 2)
    assert outcome.notes == ("a.jsonl: the last line (3) breaks off and was left out",)
    assert log.rejected()[0][:2] == (3, 3)


def test_a_torn_line_counts_once_it_is_whole(log: House) -> None:
    whole = json.dumps(record(2, "4"))
    put(log, "a", *segment("a", 0, 1), tail=whole[:50])
    log.load()
    put(log, "a", *segment("a", 0, 1), tail=whole, at=2e9)  # an object that ends is whole without a line end
    assert log.one().rows_rejected == 0
    assert log.billed() == 7


def test_a_broken_line_inside_is_no_torn_one(log: House) -> None:
    put(log, "a", *segment("a", 0), tail=TORN + "\n" + json.dumps(record(1)) + "\n")
    outcome = log.one()
    assert outcome.status == "refused"
    assert "1 of 3 rows cannot be read" in str(outcome.reason)


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "negative": ({"cost": -1}, "cost: is negative; a record says what was spent"),
    "nan": ({"cost": "NaN"}, "cost: is no number"),
    "infinity": ({"cost": "Infinity"}, "cost: is no number"),
    "words": ({"cost": "much"}, "cost: is no number"),
    "huge": ({"cost": "1e400"}, "cost: is no number"),
    "true": ({"cost": True}, "cost: is no number"),
    "model": (
        {"cost": None, "model": "gpt-4oo"},
        "cost: is empty, and no list of prices has a model 'gpt-4oo' of openai",
    ),
    "nothing": ({"cost": ..., "model": None}, "cost: is empty, and so is model, which would tell its price"),
    "unread": ({"cost": ..., "input_tokens": "lots"}, "cost: is empty, and a quantity that would tell it is no number"),
    "euro": ({"cost": ..., "currency": "EUR"}, "cost: is empty, and its price is in USD, not in EUR"),
    "time": ({"time": "yesterday"}, "time: is no ISO 8601 time"),
    "id": ({"id": ""}, "id: is empty"),
    "billed": ({"id": "billed-1"}, "id: begins with billed-"),
    "currency": ({"currency": "usd"}, "currency: is no ISO 4217 code"),
    "sql": ({"currency": "'; DROP TABLE charges; --"}, "currency: is no ISO 4217 code"),
    "tokens": ({"input_tokens": -1}, "input_tokens: is negative"),
    "many": ({"output_tokens": "99999999999999999999"}, "output_tokens: is negative or too large"),
    "cached": ({"cached_input_tokens": 101}, "cached_input_tokens: is more than input_tokens"),
    "segment": ({"segment": None}, "segment: is empty"),
}


def test_a_record_that_cannot_be_true_is_rejected_with_its_reason(log: House) -> None:
    put(log, "a", *(record(name, **changes) for name, (changes, _) in HOSTILE.items()), record("good"))
    assert log.one(max_rejected=Decimal("0.99")).charges == 1
    for line, (told, (_, says)) in enumerate(zip(reasons(log), HOSTILE.values(), strict=True), 1):
        assert told.startswith(f"{line}: {says}")
    assert log.billed() == Decimal("0.25")


def test_a_record_without_a_cost_is_priced_at_its_time(log: House) -> None:
    old: dict[str, Any] = {
        "provider": "anthropic",
        "model": "claude-opus-4-6",
        "input_tokens": 200_001,
        "output_tokens": 1000,
    }
    put(
        log, "a",
        record(1, ..., input_tokens=1200, cached_input_tokens=200, output_tokens=300),
        record(2, None, time="2026-01-05T10:00:00Z", **old),
        record(3, ..., model="dall-e-3", variant="hd 1024x1024", images=2, operation="image_generation",
               input_tokens=..., output_tokens=...),
        record(4, "0.5"),
    )  # fmt: skip
    assert log.one().charges == 4
    sql = "SELECT BilledCost, EffectiveCost, x_SourceChanges FROM charges ORDER BY x_RecordId"
    assert log.rows(sql) == [
        (Decimal("0.00575"), Decimal("0.00575"), "priced"),
        (Decimal("2.03751"), Decimal("2.03751"), "priced"),
        (Decimal("0.16"), Decimal("0.16"), "priced"),
        (Decimal("0.5"), Decimal("0.5"), None),
    ]
    laws = "SELECT DISTINCT source_expression, file_total, charges_total, rejected_total FROM load_controls"
    total = Decimal("2.70326")
    assert log.rows(laws) == [("sum(cost), priced where none is given", total, total, Decimal(0))]


def test_a_price_that_was_taken_stays_when_prices_change(log: House, tmp_path: Path) -> None:
    put(log, "a", record(1, ..., model="own", provider="house"), record(2, "1"))
    cheap, dear = (PricingRegistry(overrides(tmp_path, price)) for price in ("1", "100"))
    log.one(prices=cheap)
    assert log.billed() == Decimal("1.00012")
    put(log, "a", *(record(name, ..., model="own", provider="house") for name in (1, 3)), record(2, "1"), at=2e9)
    assert log.one(prices=dear).status == "loaded"
    assert log.billed() == Decimal("1.01212")  # the first at its old price, the third at the new one
    put(log, "b", record(1, ..., "b", model="own", provider="house"), at=3e9)
    log.load(prices=dear)
    assert log.billed() == Decimal("1.01212")


def overrides(folder: Path, price: str) -> Path:
    file = folder / f".prices-{price}.csv"  # no export
    file.write_text(f"provider,model,input_per_million,output_per_million\nhouse,own,{price},{price}\n")
    return file


def test_what_has_no_price_today_is_looked_at_again(log: House, tmp_path: Path) -> None:
    put(log, "a", record(1, "1"), record(2, ..., model="own", provider="house"))
    outcome = log.one()
    assert outcome.status == "refused"
    assert "1 record(s) of 2026-01 say no cost and have no price" in str(outcome.reason)
    assert "line 2: cost is empty, and no list of prices has a provider 'house'" in str(outcome.reason)
    assert log.one(prices=PricingRegistry(overrides(tmp_path, "1"))).status == "loaded"
    assert log.billed() == Decimal("1.00012")


def test_texts_of_any_kind_are_kept_as_they_are(log: House) -> None:
    text = "'); DROP TABLE charges; --<b>\x1f\x1e☃"
    put(log, "a", record(text, segment=text, model=text, operation=text, attribution={text: text, "n": 1, "no": None}))
    assert log.one().status == "loaded"
    [row] = log.table("SELECT * FROM focus_data_table")
    assert (row["ServiceName"], row["SkuMeter"], row["x_RecordId"], row["x_Batch"]) == (text, text, f"r{text}", text)
    assert json.loads(row["Tags"]) == {text: text, "n": "1"}


def test_a_refused_segment_waits_though_another_one_loads(log: House) -> None:
    put(log, "a", *segment("a", 0), record(9, "much"))
    put(log, "b", *segment("b", 1), at=2e9)
    assert sorted((each.status, each.waits) for each in log.load(whole=True)) == [("loaded", False), ("refused", True)]
    assert any(each.waits for each in log.load(whole=True))


def test_the_docs_name_every_key_and_their_example_loads(log: House) -> None:
    section = DOCS.split("## Usage log\n", 1)[1].split("\n## ", 1)[0]
    keys = re.findall(
        r"`([a-z_]+)`", " ".join(re.findall(r"^\| (`[^|]+) \| (?:text|number|object|true)", section, re.M))
    )
    assert sorted(keys) == sorted(field.name for field in formats.USAGE_LOG.fields)
    [example] = re.findall(r"```json\n(.*?)\n```", section)
    put(log, "a", json.loads(example))
    assert log.one().charges == 1


# --- Beside bills and what Python records -----------------------------------------------------


def test_a_bill_and_a_log_do_not_share_a_source(log: House) -> None:
    write(log.folder / "bill.csv", [focus()], at=1e9)
    put(log, "a", *segment("a", 0), at=2e9)
    first, second = log.load()
    assert (first.status, second.status) == ("loaded", "refused")
    assert "whose charges are recorded, but the source bill has billed ones (of 2026-01)" in str(second.reason)
    assert log.rows("SELECT x_Origin, count(*) FROM charges GROUP BY ALL") == [("billed", 1)]


@pytest.mark.parametrize(("origin", "loads"), [("billed", "b"), ("recorded", "a")])
def test_the_origin_that_a_source_says_lets_nothing_else_in(log: House, origin: str, loads: str) -> None:
    paths = {"a": put(log, "a", *segment("a", 0)), "b": write(log.folder / "bill.csv", [focus()])}
    told = {name: log.one(path, source=name, origin=origin) for name, path in paths.items()}
    assert "".join(name for name, each in told.items() if each.status == "loaded") == loads
    assert all("says origin:" in str(each.reason) for each in told.values() if each.status == "refused")


def test_a_refusal_for_the_origin_ends_with_its_cause(log: House) -> None:
    path = put(log, "a", *segment("a", 0))
    assert log.one(path, origin="billed").waits
    assert log.one(path).status == "loaded"


def test_unloading_a_log_leaves_bills_and_python_alone(log: House) -> None:
    log.load(write(log.folder / "bill.csv", [focus()]), source="bill")
    CostTracker(DuckDBCostStore(log.warehouse)).record("7", "compute", timestamp=MOMENT)
    log.load(put(log, "a", *segment("a", 0, 1)), source="llm")
    due = log.rows("FROM dirty ORDER BY ALL")
    assert unload(log.warehouse, "llm", "2026-01", run_id="run", keys=()) == 2
    assert log.rows("SELECT x_Origin, sum(BilledCost) FROM charges GROUP BY ALL ORDER BY ALL") == [
        ("billed", Decimal("1.5")),
        ("recorded", Decimal(7)),
    ]
    assert log.rows("FROM dirty ORDER BY ALL") == due
    assert log.value("SELECT count(*) FROM daily_costs WHERE x_Source = 'llm'") == 0


def test_a_log_leaves_budgets_and_its_ai_usage_due_and_no_state(log: House) -> None:
    put(log, "a", *segment("a", 0, 1))
    version = log.value("SELECT value FROM settings WHERE name = 'version'")
    log.load()
    assert log.rows("FROM dirty ORDER BY ALL") == [("2026-01", "budgets"), ("2026-01", "models")]
    assert log.rows("FROM period_states") == []
    assert log.rows("SELECT x_Origin, charges, usage_through FROM source_periods") == [("recorded", 2, None)]
    assert log.value("SELECT value FROM settings WHERE name = 'version'") != version  # the published copy is old


def test_the_tracker_sums_what_the_log_says(log: House) -> None:
    put(log, "a", *segment("a", 0, 1), record(2, "4", operation="embedding", attribution={"team": "ml"}))
    log.load()
    tracker = CostTracker(DuckDBCostStore(log.warehouse, origin="recorded"))
    found = tracker.get_summary(start=datetime(2026, 1, 1), end=datetime(2026, 2, 1))
    assert (found.total, found.entry_count) == (Decimal(7), 3)
    assert found.by_category == {CostCategory.EMBEDDING: 4, CostCategory.LLM_INFERENCE: 3}
    assert found.by_tag == {"team": {"ml": 4, "web": 3}}


def entry(name: str, amount: str) -> CostEntry:
    return CostEntry(Decimal(amount), CostCategory.LLM_INFERENCE, timestamp=MOMENT, id=name)


def test_an_id_that_python_recorded_counts_once(log: House) -> None:
    DuckDBCostStore(log.warehouse).save_entries([entry("r0", "1"), entry("r1", "5")])
    put(log, "a", *segment("a", 0, 1, 2))
    assert log.one(max_rejected=Decimal("0.5")).charges == 1
    assert reasons(log) == ["2: id: was recorded from Python, with other values"]
    assert log.billed() == 1 + 5 + 4


def test_python_cannot_record_under_an_id_of_the_log(known: House) -> None:
    with pytest.raises(EntryError):
        DuckDBCostStore(known.warehouse).save_entry(entry("r0", "5"))
    assert known.billed() == 3


@settings(max_examples=more(2, 50))
@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6), min_size=2, max_size=3), st.randoms())
def test_segments_in_any_order_come_to_the_sum_of_the_ids(contents: list[list[int]], chance: Random) -> None:
    with TemporaryDirectory() as folder, house(Path(folder)) as log:
        for n, numbers in enumerate(contents):
            put(log, f"s{n}", *segment(f"s{n}", *numbers), at=chance.randrange(1, 9) * 1e8)
        log.load()
        assert log.billed() == sum(2**number for number in {number for numbers in contents for number in numbers})
