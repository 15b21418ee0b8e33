"""An export as JSON lines gives the charges that it gives as CSV, and says as much of its bad rows."""

from __future__ import annotations

import gzip
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.load.bills import House, focus, write

ROWS = [
    focus(ChargeDescription="a", BilledCost="0.10000000000000000000000001", Tags='{"team":"web","n":"1.50"}'),
    focus(
        ChargeDescription="b", BilledCost="1e-7", EffectiveCost="-0.000000000000000001", Tags="{}", ResourceId="0099"
    ),
    focus(ChargeDescription="c", BilledCost="12345678901234567890", Tags=None),
]


def as_json(row: dict[str, Any], numbers: tuple[str, ...] = ("BilledCost", "EffectiveCost")) -> str:
    """A row as an object: tags nested, costs as numbers written as they stand, nulls left out."""
    given = {name: value for name, value in row.items() if value is not None and name not in numbers}
    if "Tags" in given:
        given["Tags"] = json.loads(given["Tags"])
    costs = "".join(f', "{name}": {row[name]}' for name in numbers)
    return json.dumps(given)[:-1] + costs + "}\n"


def put(path: Path, text: str) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("bill.jsonl", text)
    else:
        path.write_text(text, encoding="utf-8")
    return path


def business(house: House, source: str) -> list[tuple[Any, ...]]:
    sql = "SELECT * EXCLUDE (x_LoadId, x_Source) FROM focus_data_table WHERE x_Source = ? ORDER BY ChargeDescription"
    return house.rows(sql, [source])


def test_focus_as_json_lines_is_focus_to_the_last_digit(house: House) -> None:
    assert house.one(write(house.folder / "bill.csv", ROWS), source="csv").charges == 3
    for name in ("bill.jsonl", "bill.json", "bill.jsonl.gz", "bill.zip"):
        outcome = house.one(put(house.folder / name, "".join(map(as_json, ROWS))), source=name)
        assert (outcome.status, outcome.charges) == ("loaded", 3)
        assert business(house, name) == business(house, "csv")


def test_bad_lines_are_named_and_the_good_ones_load(house: House) -> None:
    good = as_json(ROWS[1])
    bad = ["no json\n", "[]\n", as_json(focus(BilledCost='"words"')), good[:-3] + ', "BilledCost": 2}\n']
    outcome = house.one(
        put(house.folder / "bill.jsonl", good + "\n" + "".join(bad) + good), max_rejected=Decimal("0.9")
    )
    assert (outcome.status, outcome.rows_read, outcome.charges) == ("loaded", 6, 2)
    found = house.rejected()
    assert [(record, line, column) for record, line, column, _, _ in found] == [
        (2, 3, None),
        (3, 4, None),
        (4, 5, "BilledCost"),
        (5, 6, "BilledCost"),
    ]
    assert [reason.split(":")[0].split(" (")[0] for *_, reason in found] == [
        "is no JSON",
        "is no JSON object",
        "is no number of at most 20 digits before the point",
        "stands twice",
    ]


def test_a_manifest_beside_json_lines_is_still_a_manifest(house: House) -> None:
    put(house.folder / "part.jsonl", "".join(map(as_json, ROWS)))
    blobs = {"blobs": [{"blobName": "part.jsonl"}], "runInfo": {"runId": "r", "submittedTime": "2026-02-01T00:00:00"}}
    put(house.folder / "manifest.json", json.dumps(blobs))
    put(house.folder / "notes.json", json.dumps({"about": "this folder"}, indent=1))
    assert (house.one().status, house.value("SELECT delivered_at FROM loads").year) == ("loaded", 2026)


def test_kept_columns_of_json_lines_keep_their_lists(house: House) -> None:
    row = as_json(ROWS[0])[:-2] + ', "deep": {"list": [1.50, {"a": "b"}], "text": "t"}}\n'
    house.one(put(house.folder / "bill.jsonl", row * 2), keep_columns=("deep.list", "deep.text"))
    kept = house.rows("SELECT x_deep_list, x_deep_text FROM focus_data_table")
    assert kept == [('[1.50,{"a":"b"}]', "t")] * 2


def test_structs_of_parquet_are_columns_and_tags_in_one_stay_tags(house: House) -> None:
    rows = [
        {**focus(Tags={"team": "web", "env": None}), "deep": {"a": {"b": Decimal("10.5")}, "none": None}},
        {**focus(Tags=None), "deep": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), house.folder / "bill.parquet")
    assert house.one(keep_columns=("deep.a.b",)).status == "loaded"
    assert house.rows("SELECT x_deep_a_b, CAST(Tags AS VARCHAR) FROM focus_data_table ORDER BY 1") == [
        ("10.5", '{"team":"web"}'),
        (None, None),
    ]
    assert house.value("SELECT dropped_columns FROM loads") == '["deep.none"]'
