"""`costmill tags` and `costmill splits`: what they print, and what they say of a wrong question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import execute
from tests.cli.conftest import Say
from tests.jobs.nights import Charge, write_bill, write_config

RULES = {
    "report_keys": ["team"],
    "aliases": {"team": ["Team"]},
    "virtual": [
        {
            "key": "product",
            "rules": [{"value": "data", "when": {"column": "ServiceName", "equals": "S3"}}],
            "default": "rest",
        }
    ],
}
SPLIT = {"name": "disks", "key": "team", "match": {"tag": "product", "equals": "data"}, "by": "even"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company of three resources, run once."""
    folder = tmp_path_factory.mktemp("tags")
    bill = [Charge(tags='{"Team": "ml"}', days=1), Charge(tags='{"team": "web"}', resource="b", days=1)]
    write_bill(folder / "exports" / "march.csv", [*bill, Charge(tags="", service="S3", resource="c", cost="3", days=1)])
    path = write_config(folder, tags=RULES, splits=[SPLIT], freshness={"max_age_days": 99})
    assert execute(["run", "--config", str(path)]) == 0
    return path


def rows(say: Say, config: Path, *arguments: str) -> list[dict[str, Any]]:
    ended = say(*arguments, "--config", config, "--format", "json")
    assert (ended.code, ended.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


def test_explain_says_which_rule_gave_each_value(config: Path, say: Say) -> None:
    found = rows(say, config, "tags", "explain", "--key", "product")
    assert [(row["TagValue"], row["given_by"], row["BilledCost"]) for row in found] == [
        ("rest", "default", "20"),
        ("data", "rule 1", "3"),
    ]
    assert json.loads(found[1]["condition"]) == {"column": "ServiceName", "equals": "S3"}


def test_explain_says_which_spelling_gave_each_value(config: Path, say: Say) -> None:
    found = rows(say, config, "tags", "explain", "--key", "team")
    assert {row["TagValue"]: row["given_by"] for row in found} == {
        "web": "billed as team",
        "ml": "billed as Team",
        None: "nothing",
    }


def test_coverage_of_one_key(config: Path, say: Say) -> None:
    [row] = rows(say, config, "tags", "--key", "team", "--period", "2026-03")
    assert (row["tagged_BilledCost"], row["untagged_BilledCost"], row["untagged_charges"]) == ("20", "3", 1)


def test_splits_print_what_each_target_has_after_them(config: Path, say: Say) -> None:
    found = rows(say, config, "splits")
    assert [(row["TagValue"], row["received_BilledCost"], row["BilledCost"]) for row in found] == [
        ("ml", "1.5", "11.5"),
        ("web", "1.5", "11.5"),
    ]


def test_splits_print_their_rules_and_parts(config: Path, say: Say) -> None:
    [rule] = rows(say, config, "splits", "rules")
    assert (rule["rule"], rule["method"], rule["targets"], rule["BilledCost"]) == ("disks", "even", 2, "3")
    parts = rows(say, config, "splits", "parts", "--period", "2026-03")
    assert [(part["target"], part["ResourceId"], part["BilledCost"]) for part in parts] == [
        ("ml", "c", "1.5"),
        ("web", "c", "1.5"),
    ]


def test_a_key_that_nobody_has_is_a_wrong_use_and_names_the_nearest(config: Path, say: Say) -> None:
    ended = say("tags", "explain", "--key", "teem", "--config", config)
    assert (ended.code, ended.stderr) == (64, "costmill: no charge of 2026-03 has a tag 'teem'; did you mean 'team'?\n")


def test_explain_needs_a_key(config: Path, say: Say) -> None:
    assert say("tags", "explain", "--config", config).code == 64


def test_fiscal_periods_are_printed_up_to_the_one_asked_for(config: Path, say: Say) -> None:
    assert [row["fiscal_period"] for row in rows(say, config, "summarise", "fiscal")] == ["FY2026-Q1", "FY2026"]
