"""What a manifest states, and what one that cannot be trusted says."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UnreadableFileError
from pipeline.sources import manifests
from pipeline.sources.manifests import Manifest

LEGACY = {"assemblyId": "a1", "reportKeys": ["p/cur-1.csv.gz"], "billingPeriod": {"start": "20260301T000000.000Z"}}


def read(folder: Path, loaded: Any) -> Manifest | None:
    path = folder / "m.json"
    path.write_text(loaded if isinstance(loaded, str) else json.dumps(loaded), encoding="utf-8")
    return manifests.read(path)


def test_a_legacy_manifest_states_assembly_keys_and_month(tmp_path: Path) -> None:
    found = read(tmp_path, LEGACY)
    assert found is not None
    assert (found.identity, found.keys, found.period, found.delivered_at) == (
        "a1",
        ("p/cur-1.csv.gz",),
        "2026-03",
        None,
    )


@pytest.mark.parametrize(
    "entry", ["s3://b/data/BILLING_PERIOD=2026-03/x.parquet", {"path": "BILLING_PERIOD=2026-03/x"}]
)
def test_a_data_exports_manifest_states_its_execution_and_time(tmp_path: Path, entry: Any) -> None:
    found = read(tmp_path, {"executionId": "20260322T041500Z-bb56", "dataFiles": [entry]})
    assert found is not None
    assert (found.period, found.delivered_at) == ("2026-03", datetime(2026, 3, 22, 4, 15))


def test_an_azure_manifest_states_sizes_and_the_time_it_was_submitted(tmp_path: Path) -> None:
    run = {"runId": "r", "submittedTime": "2026-03-22T04:15:00.1Z", "startDate": "2026-03-01T00:00:00"}
    found = read(tmp_path, {"blobs": [{"blobName": "a.csv", "byteCount": 7}, {"blobName": "b.csv"}], "runInfo": run})
    assert found is not None
    assert (found.sizes, found.period) == ({"a.csv": 7}, "2026-03")
    assert found.delivered_at == datetime(2026, 3, 22, 4, 15)


@pytest.mark.parametrize("loaded", [[], {}, {"name": "package"}, [1, 2], "\ufeff{}", "3", "null"])
def test_other_json_is_no_manifest(tmp_path: Path, loaded: Any) -> None:
    assert read(tmp_path, loaded) is None


@pytest.mark.parametrize("text", ['{"assemblyId": "a', "{", "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "{}{}"])
def test_torn_json_may_be_on_its_way(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"not valid JSON \(.*\); it may still be on its way"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "loaded",
    [
        {"reportKeys": ["a"]},
        {**LEGACY, "reportKeys": None},
        {**LEGACY, "billingPeriod": "2026-03"},
        {**LEGACY, "billingPeriod": {"start": 3}},
        {"dataFiles": [{"name": "x"}]},
        {"dataFiles": 3},
        {"executionId": "20269999T999999Z", "dataFiles": ["x"]},
        {"blobs": [{"blobName": "a", "byteCount": "many"}]},
        {"blobs": ["a"]},
        {"blobs": [], "runInfo": 3},
    ],
)
def test_a_manifest_without_what_it_needs_is_refused(tmp_path: Path, loaded: Any) -> None:
    with pytest.raises(UnreadableFileError, match="a manifest that cannot be understood"):
        read(tmp_path, loaded)


@pytest.mark.parametrize("start", ["2026-13-01", "20260001", "0000-01-01", "soon"])
def test_a_month_that_is_none_is_not_stated(tmp_path: Path, start: str) -> None:
    found = read(tmp_path, {**LEGACY, "billingPeriod": {"start": start}})
    assert found is not None
    assert found.period is None


def located(root: Path, folder: str, *keys: str) -> tuple[list[str], list[str]]:
    manifest = Manifest(root / folder / "m.json", "a", keys, {}, None, None)
    found, missing = manifests.locate(manifest, root)
    return [str(path.relative_to(root)) for path in found], missing


def test_keys_are_found_whatever_prefix_the_bucket_had(tmp_path: Path) -> None:
    (tmp_path / "cur" / "a1").mkdir(parents=True)
    (tmp_path / "cur" / "a1" / "x.csv").touch()
    assert located(tmp_path, "cur", "s3://bucket/deep/down/cur/a1/x.csv", "a1/x.csv")[0] == ["cur/a1/x.csv"] * 2


def test_a_key_names_the_same_file_once(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    assert located(tmp_path, ".", "x.csv", "x.csv") == (["x.csv"], [])


@pytest.mark.parametrize("key", ["../../secret.csv", "/etc/passwd", "a/../../secret.csv", "..", "", "x" * 5000, "a\0b"])
def test_a_key_never_leads_out_of_the_source(tmp_path: Path, key: str) -> None:
    root = tmp_path / "root"
    (root / "cur").mkdir(parents=True)
    (tmp_path / "secret.csv").touch()
    assert located(root, "cur", key) == ([], [key])


def test_a_link_that_leads_out_of_the_source_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.csv").touch()
    (root / "x.csv").symlink_to(tmp_path / "secret.csv")
    assert located(root, ".", "x.csv") == ([], ["x.csv"])


@pytest.mark.parametrize("written", ["BILLING_PERIOD", "billing_period"])
@pytest.mark.parametrize("named", ["BILLING_PERIOD", "billing_period", "Billing_Period"])
def test_the_folder_of_a_period_is_found_in_either_case(tmp_path: Path, written: str, named: str) -> None:
    (tmp_path / "data" / f"{written}=2026-03").mkdir(parents=True)
    (tmp_path / "data" / f"{written}=2026-03" / "x.csv").touch()
    key = f"s3://bucket/cur/data/{named}=2026-03/x.csv"
    assert located(tmp_path, "metadata", key) == ([f"data/{written}=2026-03/x.csv"], [])


@pytest.mark.parametrize(
    ("key", "bucket", "is_outside"),
    [
        ("a/b.csv", None, False),
        ("../b.csv", None, True),
        ("/etc/passwd", None, True),
        ("s3://theirs/b.csv", None, False),
        ("s3://theirs/b.csv", "s3://ours", True),
        ("s3://ours/b.csv", "s3://ours", False),
        ("s3://ours/../b.csv", "s3://ours", True),
    ],
)
def test_a_key_that_will_never_arrive_is_told(key: str, bucket: str | None, is_outside: bool) -> None:
    assert manifests.is_outside(key, bucket) is is_outside
