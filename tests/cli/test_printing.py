"""What commands print: tables for people, CSV and JSON for programs, money as exact text, nothing else on stdout."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs
from pipeline.config import load_settings
from tests.cli.conftest import Say
from tests.jobs.nights import Charge, budgets, write_bill, write_config

LISTING = {
    "status": ["status"],
    "budgets": ["budgets"],
    "explain": ["budgets", "--explain"],
    "category": ["summarise", "category"],
    "resource": ["summarise", "resource"],
    "tag": ["summarise", "tag"],
    "trend": ["summarise", "trend"],
    "movers": ["summarise", "movers"],
    "reasons": ["summarise", "reasons"],
    "load": ["load"],
    "sql": ["sql", "SELECT ServiceName, sum(BilledCost) AS BilledCost FROM focus_data_table GROUP BY ALL ORDER BY ALL"],
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("printing")
    charges = [Charge(cost="0.1"), Charge("Storage", "7.05", resource="disk", tags="")]
    write_bill(folder / "exports" / "march.csv", charges)
    february = [Charge(cost="0.2", days=28)]
    write_bill(folder / "exports" / "february.csv", february, period="2026-02", at="2026-03-01T04:00:00")
    config = write_config(folder, cost=budgets(1000, tags=[{"selector": "team:ml", "amount": 500}]))
    jobs.run(load_settings(config, environ={}))
    return config


def printed(say: Say, config: Path, name: str, format_: str) -> str:
    ended = say(*LISTING[name], "--config", config, "--format", format_)
    assert (ended.code, ended.stderr) == (0, "")
    return ended.stdout


def cells(value: Any) -> Any:
    """A JSON value as CSV writes it."""
    return "" if value is None else str(value)


@pytest.mark.parametrize("name", list(LISTING))
def test_every_format_holds_the_same_and_json_no_float(say: Say, config: Path, name: str) -> None:
    told = json.loads(printed(say, config, name, "json"))
    text = printed(say, config, name, "csv")
    table = printed(say, config, name, "table").splitlines()
    assert floats(told) == []
    assert len(table) == len(text.splitlines()) > 1
    assert table[0].split() == text.splitlines()[0].split(",")
    if name not in ("budgets", "explain"):
        rows = list(csv.DictReader(io.StringIO(text)))
        assert rows == [{key: cells(value) for key, value in each.items()} for each in told]


def test_amounts_of_budgets_stand_below_each_other(say: Say, config: Path) -> None:
    heading, *lines = printed(say, config, "budgets", "table").splitlines()
    ends = [heading.index(name) + len(name) for name in (" limit", " spend", " percent", " forecast")]
    assert [[line[end - 1].isdigit() and line[end] == " " for end in ends] for line in lines] == [[True] * 4] * 2


def floats(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [each for inner in value.values() for each in floats(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in floats(inner)]
    return [value] if isinstance(value, float) else []


def test_money_is_text_to_the_last_digit(say: Say, config: Path) -> None:
    rows = json.loads(printed(say, config, "sql", "json"))
    assert rows == [
        {"ServiceName": "Storage", "BilledCost": "148.05"},
        {"ServiceName": "Virtual Machines", "BilledCost": "7.7"},
    ]


def test_values_of_every_kind_can_be_printed_as_json(say: Say, config: Path) -> None:
    query = """SELECT [0::DECIMAL(38, 18)] AS list, {'a': 1.50::DECIMAL(9, 2)} AS struct, 'nan'::DOUBLE AS nan, NULL AS nothing,
        TIMESTAMP '2026-03-01 06:00:00' AS at, DATE '2026-03-01' AS day, true AS yes, 'é"' AS text"""
    [row] = json.loads(say("sql", query, "--format", "json", "--config", config).stdout)
    assert row == {
        "list": ["0"],
        "struct": {"a": "1.5"},
        "nan": "nan",
        "nothing": None,
        "at": "2026-03-01T06:00:00Z",
        "day": "2026-03-01",
        "yes": True,
        "text": 'é"',
    }


def test_a_long_reason_in_the_last_column_is_told_in_full(say: Say, tmp_path: Path) -> None:
    config = write_config(tmp_path / "other", sources=[{"name": "gone", "path": "nowhere"}])
    say("run", "--config", config)
    assert f"{config.parent}/nowhere: no such file or folder; check the source's path" in (
        say("status", "--config", config).stdout
    )


def test_control_characters_of_a_bill_do_not_reach_the_terminal(say: Say, config: Path) -> None:
    out = say("sql", "SELECT chr(27) || '[31mred' AS name, 1 AS n", "--config", config).stdout
    assert "\x1b" not in out


def test_budgets_json_is_the_whole_result(say: Say, config: Path) -> None:
    result = json.loads(printed(say, config, "budgets", "json"))
    assert set(result) >= {
        "global",
        "by_provider",
        "by_tag",
        "by_type",
        "policies",
        "overall_health",
        "critical_scopes",
        "warnings",
    }
    assert result["by_tag"][0]["current_spend"] == "2.1"
    assert "allocations" not in result


def test_explain_says_which_budgets_received_each_resource(say: Say, config: Path) -> None:
    out = say("budgets", "--explain", "--format", "csv", "--config", config).stdout
    rows = {row["ResourceId"]: row for row in csv.DictReader(io.StringIO(out))}
    assert (rows["vm-1"]["Cost"], rows["vm-1"]["Currency"]) == ("2.1", "USD")
    assert rows["vm-1"]["AllocatedScopes"] == "global, tag:team:ml"
    assert rows["disk"]["AllocatedScopes"] == "global"
    everything = json.loads(say("budgets", "--explain", "--format", "json", "--config", config).stdout)
    assert {each["ResourceId"] for each in everything["allocations"]} == {"vm-1", "disk"}
