"""`costmill formats` tells what the definitions say, and nothing of its own."""

from __future__ import annotations

import csv
import io
import json

from pipeline.sources import formats
from tests.cli.conftest import Say


def test_the_list_has_every_format_in_the_order_of_detection(say: Say) -> None:
    listed = json.loads(say("formats", "--format", "json").stdout)
    assert [(each["name"], each["title"]) for each in listed] == [(each.name, each.title) for each in formats.FORMATS]
    versions = {each["name"]: each["versions"] for each in listed}
    assert versions == {
        "focus_preview": "0.5, 1.0-preview",
        "focus": "1.0, 1.1, 1.2, 1.3, 1.4",
        "aws_cur": "legacy, snake case, 2.0",
        "azure_cost": "2019, 2020, 2023, MCA",
        "gcp_billing": "standard, detailed",
        "oci_cost": "one layout",
        "usage_log": "one layout",
    }
    assert "ChargeCategory or ChargeType" in listed[0]["told by"]


def test_one_format_is_told_with_its_laws_and_its_mapping(say: Say) -> None:
    told = json.loads(say("formats", "oci_cost", "--format", "json").stdout)
    assert told["money_laws"][0] == {"column": "BilledCost", "file": "sum(cost/myCost)"}
    assert (told["containers"], told["tags"]) == (["csv", "json_lines", "parquet", "gzip", "zip"], ["tags/*"])
    mapping = {row["column"]: row for row in told["mapping"]}
    assert mapping["BilledCost"]["fields"] == ["cost_my_cost"]
    assert mapping["ServiceCategory"]["lookups"] == ["oci_services"]


def test_the_table_shows_facts_then_columns(say: Say) -> None:
    printed = say("formats", "aws_cur").stdout
    facts, mapping = printed.split("\n\n")
    assert "folded" in facts
    assert facts.splitlines()[0].split() == ["fact", "value"]
    assert "EffectiveCost" in mapping


def test_csv_is_the_mapping_alone(say: Say) -> None:
    rows = list(csv.DictReader(io.StringIO(say("formats", "focus", "--format", "csv").stdout)))
    assert {"column": "BilledCost", "made of": "BilledCost", "lookups": "", "SQL": "s.BilledCost"} in rows


def test_an_unknown_name_says_the_near_one(say: Say) -> None:
    ended = say("formats", "oci")
    assert (ended.code, ended.stdout) == (64, "")
    assert "no format 'oci'" in ended.stderr
    assert "oci_cost" in ended.stderr
