"""`costmill validate` says what a file is and whether it would load, and writes nothing of the user's."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Say
from tests.jobs.nights import write_config
from tests.load import azure
from tests.load.bills import azure_delivery, cur, focus, oci, write


@pytest.fixture(autouse=True)
def _nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(say: Say, *arguments: str | Path) -> list[dict[str, Any]]:
    loaded = json.loads(say("validate", *arguments, "--format", "json").stdout)
    assert isinstance(loaded, list)
    return loaded


def good(**changes: Any) -> dict[str, Any]:
    """A row that breaks no rule of FOCUS 1.0."""
    kept = {"RegionName": "West Europe", "ListCost": "2", "ContractedUnitPrice": "1.5", "ListUnitPrice": "2"}
    return focus(**{**kept, "AvailabilityZone": ..., **changes})


def test_a_good_file_would_load_and_nothing_is_written(say: Say, tmp_path: Path) -> None:
    path = write(tmp_path / "bill.csv.gz", [good(x_Mine="1"), good(BilledCost="2")])
    ended = say("validate", path, "--strict", "--format", "json")
    [checked] = json.loads(ended.stdout)
    assert (ended.code, ended.stderr, checked["findings"]) == (0, "", [])
    assert (checked["format"], checked["version"], checked["would_load"]) == ("focus", "1.0", True)
    assert (checked["files"], checked["manifest"]) == ([{"path": str(path), "container": "gzip"}], None)
    assert checked["totals"][0] | {"rounding": None} == {
        "expression": "sum(BilledCost)",
        "period": "2026-01",
        "currency": "USD",
        "column": "BilledCost",
        "rounding": None,
        "file_total": "3.5",
        "charges_total": "3.5",
        "rejected_total": "0",
    }
    assert checked["dropped_columns"] == ["x_Mine"]
    assert [each.name for each in tmp_path.iterdir()] == ["bill.csv.gz"]


def test_a_rejected_row_is_told_with_its_place_and_ends_with_65(say: Say, tmp_path: Path) -> None:
    path = write(tmp_path / "bill.csv", [good(), good(BilledCost="1_000")])
    ended = say("validate", path, "--format", "json")
    [checked] = json.loads(ended.stdout)
    assert (ended.code, checked["would_load"], checked["periods"][0]["status"]) == (65, False, "refused")
    [row] = checked["rejected"]
    assert (row["line"], row["column"], row["value"]) == (3, "BilledCost", "1_000")
    assert row["reason"].startswith("is no number")


def test_what_is_no_export_is_told_in_the_words_of_a_load(say: Say, tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("when,what\n1,2\n", encoding="utf-8")
    ended = say("validate", tmp_path / "notes.csv")
    assert ended.code == 65
    assert "notes.csv: unknown format; nothing was loaded. Known: " in ended.stdout


def test_deliveries_of_a_folder_are_told_apart(say: Say, tmp_path: Path) -> None:
    azure_delivery(tmp_path / "a", [[good()], [good(ResourceId="r-2")]], "run-1", submitted="2026-02-01T00:00:00")
    write(tmp_path / "b" / "bill.csv", [cur()])
    checked = {each["format"]: each for each in told(say, tmp_path)}
    assert (len(checked["focus"]["files"]), Path(checked["focus"]["manifest"]).name) == (2, "manifest.json")
    assert (checked["aws_cur"]["manifest"], checked["aws_cur"]["focus_checked"]) == (None, "as mapped")


def test_a_redelivery_is_one_after_the_other(say: Say, tmp_path: Path) -> None:
    for n, rows in enumerate([[good()], [good(), good(ResourceId="r-2")]]):
        write(tmp_path / f"{n}.csv", rows, at=1e9 + n)
    assert [each["periods"][0]["charges"] for each in told(say, tmp_path)] == [1, 2]


def test_csv_has_a_line_for_each_thing_told(say: Say, tmp_path: Path) -> None:
    path = write(tmp_path / "bill.csv", [oci()])
    rows = list(csv.DictReader(io.StringIO(say("validate", path, "--format", "csv").stdout)))
    assert {row["delivery"] for row in rows} == {str(path)}
    assert [row["kind"] for row in rows][:4] == ["delivery", "period", "total", "total"]
    assert rows[1]["says"] == "would load: 1 charge, 0 rejected"


@pytest.mark.parametrize(
    ("path", "said"), [("nowhere", "no such file or folder"), ("*.nope", "no file fits the pattern")]
)
def test_a_path_that_is_not_there_is_refused(say: Say, tmp_path: Path, path: str, said: str) -> None:
    ended = say("validate", tmp_path / path)
    assert (ended.code, ended.stdout) == (64, "")
    assert f"{tmp_path}/{path}: {said}" in ended.stderr


def test_a_folder_without_files_is_no_unknown_format(say: Say, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = say("validate", tmp_path / "empty", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    assert (ended.code, [row["says"] for row in rows]) == (65, ["no delivery", "would be refused"])
    assert rows[1]["detail"].startswith(f"{tmp_path}/empty: the folder holds no files; ")


def test_nothing_is_advised_that_needs_the_warehouse_that_is_thrown_away(say: Say, tmp_path: Path) -> None:
    rows = [good(ResourceId=str(n)) for n in range(4)]
    write(tmp_path / "bills" / "1.csv", rows, at=1e9)
    write(tmp_path / "bills" / "2.csv", rows[:2], at=1e9 + 1)
    write(tmp_path / "bad.csv", [good(BillingPeriodStart="January")])
    held = told(say, tmp_path / "bills")[1]["periods"][0]
    assert held["status"] == "quarantined"
    assert held["reason"].endswith("what is loaded stays; a load would keep it for `costmill deliveries`")
    [bad] = told(say, tmp_path / "bad.csv")
    assert bad["periods"][0]["reason"].endswith("nothing of them was loaded. Below are the rows, at most 20")


def test_the_settings_of_the_source_that_the_files_are_of_count(say: Say, tmp_path: Path) -> None:
    mine = {"name": "focus", "path": "bills/**", "max_rejected": 0.5, "keep_columns": ["note"]}
    write_config(tmp_path, sources=[{"name": "aws", "path": "aws"}, mine])
    path = write(tmp_path / "bills" / "bill.csv", [good(note="a"), good(BilledCost="1_000")])
    [checked] = told(say, path)
    assert checked["source"] == {
        "name": "focus",
        "format": "auto",
        "max_rejected": "0.5",
        "keep_columns": ["note"],
        "origin": None,
    }
    assert (checked["would_load"], checked["kept_columns"], checked["dropped_columns"]) == (True, ["x_note"], [])
    rows = list(csv.DictReader(io.StringIO(say("validate", path, "--format", "csv").stdout)))
    [settings] = [row for row in rows if row["kind"] == "source"]
    assert (settings["says"], settings["detail"]) == ("focus", "format: auto; max_rejected: 50%; keep_columns: note")
    [alone] = told(say, path, "--source", "aws")
    assert (alone["source"]["name"], alone["would_load"], alone["dropped_columns"]) == ("aws", False, ["note"])


def test_files_of_no_source_have_the_defaults(say: Say, tmp_path: Path) -> None:
    write_config(tmp_path, sources=[{"name": "aws", "path": "aws", "format": "aws_cur"}])
    [checked] = told(say, write(tmp_path / "bill.csv", [good()]))
    assert (checked["source"], checked["would_load"]) == (None, True)


def test_a_source_that_is_not_configured_is_refused(say: Say, tmp_path: Path) -> None:
    path = write(tmp_path / "bill.csv", [good()])
    assert say("validate", path, "--source", "aws").code == 78
    write_config(tmp_path, sources=[{"name": "aws1", "path": "aws"}])
    ended = say("validate", path, "--source", "aws")
    assert (ended.code, ended.stdout) == (64, "")
    assert "no source 'aws' in the configuration; did you mean 'aws1'?" in ended.stderr


def test_a_version_can_be_asked_for_and_a_broken_rule_fails_only_a_strict_validation(say: Say, tmp_path: Path) -> None:
    path = write(tmp_path / "bill.csv", [good(ChargeCategory="usage")])
    ended = say("validate", path, "--focus", "1.3", "--format", "json")
    [checked] = json.loads(ended.stdout)
    assert (ended.code, checked["focus_version"]) == (0, "1.3")
    broken = {"ChargeCategory", "HostProviderName", "ServiceProviderName"}
    assert {each["column"] for each in checked["findings"]} == broken
    assert say("validate", path, "--strict").code == 65


def test_azure_cost_details_are_told_and_held_against_focus(say: Say, tmp_path: Path) -> None:
    [checked] = told(say, write(tmp_path / "bill.csv", azure.actual()))
    assert (checked["format"], checked["would_load"]) == ("azure_cost", True)
    assert {total["file_total"] for total in checked["totals"] if total["column"] == "BilledCost"} == {"1212.6"}
