"""A usage log beside a bill, in one warehouse and one run: the bill, its answers and its budgets stay what they are."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

from tests.jobs.conftest import Say
from tests.jobs.nights import ask, budgets, first_night, reports, stamp, write_bill, write_config

#: Everything that is about the bill alone.
ANSWERS = (
    "category_summary",
    "resource_summary",
    "tag_summary",
    "trend_summary",
    "mover_summary",
    "mover_reasons",
    "budget_status",
    "restatements",
    "dirty",
)
SOURCES = [{"name": "azure", "path": "exports"}, {"name": "llm", "path": "usage", "origin": "recorded"}]


def company(folder: Path, *, with_log: bool) -> Path:
    write_bill(folder / "exports" / "march.csv")
    if with_log:
        write_log(folder, 3)
        stamp(folder / "usage" / "a.jsonl", "2026-03-22T04:00:00")
    (folder / "prices.csv").write_text("provider,model,per_request\nhouse,own,1000\n")
    stamp(folder / "prices.csv", "2026-03-22T04:00:00")
    sources, prices = SOURCES if with_log else SOURCES[:1], {"overrides": "prices.csv"}
    return write_config(folder, cost=budgets(1000), tags={"report_keys": ["team"]}, sources=sources, prices=prices)


def write_log(folder: Path, records: int, tail: str = "") -> None:
    """Write records that say no cost: the configuration's prices make each 1000 USD."""
    row = {"segment": "a", "time": "2026-03-05T10:00:00Z", "provider": "house", "model": "own", "currency": "USD"}
    more = {"operation": "chat_completion", "attribution": {"team": "ml"}}
    (folder / "usage").mkdir(exist_ok=True)
    lines = "".join(json.dumps({"id": f"r{n}", **row, **more}) + "\n" for n in range(records))
    (folder / "usage" / "a.jsonl").write_text(lines + tail)


def answers(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    database = folder / "published" / "costs.duckdb"
    found = {name: ask(database, f"SELECT * FROM {name} ORDER BY ALL") for name in ANSWERS}
    return found | {"days": ask(database, "SELECT * FROM daily_costs WHERE x_Origin = 'billed' ORDER BY ALL")}


def test_the_bill_and_its_budgets_are_the_same_with_a_log_beside_it_and_the_report_has_it_apart(
    tmp_path: Path,
) -> None:
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    codes = [first_night(company(folder, with_log=folder == beside)).code for folder in (alone, beside)]
    assert codes == [0, 0]
    assert answers(alone) == answers(beside)
    [(name, text)] = reports(beside / "reports").items()
    before, usage, after = re.split(r"(## AI usage\n.*?)(?=^## )", text, flags=re.DOTALL | re.MULTILINE)
    assert {name: before + after} == reports(alone / "reports")
    assert "| own | house, chat\\_completion | $3,000.00 |" in usage
    sums = ask(
        beside / "published" / "costs.duckdb", "SELECT x_Origin, sum(BilledCost) FROM focus_data_table GROUP BY ALL"
    )
    assert sorted(sums) == [("billed", Decimal(210)), ("recorded", Decimal(3000))]


def test_a_log_that_grows_makes_the_ai_usage_of_its_month_anew_and_no_other_summary(tmp_path: Path, say: Say) -> None:
    config = company(tmp_path, with_log=True)
    first_night(config)
    write_log(tmp_path, 5, tail='{"id": "r')
    ended = say("run", "--config", config, "-v")
    assert ended.code == 0
    assert "a.jsonl: the last line (6) breaks off and was left out" in ended.stderr
    steps = [line.split()[:2] for line in ended.stderr.splitlines() if line[:1].isalpha()]
    assert [step for step in steps if step[0] in ("summarise", "models", "report")] == [
        ["models", "2026-03,"],
        ["report", "2026-03,"],
    ]
    total = "SELECT sum(BilledCost) FROM focus_data_table WHERE x_Source = 'llm'"
    assert ask(tmp_path / "published" / "costs.duckdb", total) == [(Decimal(5000),)]


def test_status_shows_the_log_as_recorded_and_misses_nothing_of_it(tmp_path: Path, say: Say) -> None:
    config = company(tmp_path, with_log=True)
    first_night(config)
    rows = json.loads(say("status", "--config", config, "--as-of", "2026-03-22", "--format", "json").stdout)
    assert [(row["source"], row["period"], row["state"]) for row in rows] == [
        ("azure", "2026-03", "open"),
        ("llm", "2026-03", "recorded"),
    ]


def test_unload_takes_a_log_out(tmp_path: Path, say: Say) -> None:
    config = company(tmp_path, with_log=True)
    first_night(config)
    ended = say("unload", "llm", "--yes", "--config", config)
    assert (ended.code, ended.stdout) == (0, "llm 2026-03: 3 charges unloaded\n")
    assert ask(tmp_path / "published" / "costs.duckdb", "SELECT sum(BilledCost) FROM charges") == [(Decimal(210),)]


def test_models_of_a_log_are_told_before_anything_is_billed(tmp_path: Path, say: Say) -> None:
    config = company(tmp_path, with_log=True)
    (tmp_path / "exports" / "march.csv").unlink()
    say("run", "--config", config)
    ended = say("summarise", "models", "--config", config, "--format", "json")
    [row] = json.loads(ended.stdout)
    assert (row["x_BillingPeriod"], row["model"], row["BilledCost"], row["x_ChargeCount"]) == (
        "2026-03",
        "own",
        "3000",
        3,
    )
    assert say("summarise", "category", "--config", config).stderr.startswith("costmill: nothing is loaded yet")
