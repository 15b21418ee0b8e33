"""FOCUS files of every version and container become the same charges; tags, resource types and quirks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.focus import COSTS
from tests.load.bills import House, cur, focus, legacy, write

VERSIONS: dict[str, dict[str, Any]] = {
    "1.0": {},
    "1.1": {"SkuMeter": "hours", "CommitmentDiscountQuantity": "2"},
    "1.2": {"InvoiceId": "inv-1", "PricingCurrency": "USD"},
    "1.3": {"HostProviderName": "Azure", "ServiceProviderName": "Azure", "AllocatedTags": "{}"},
    "1.4": {"ProviderName": ..., "PublisherName": ..., "ServiceProviderName": "Azure", "InvoiceDetailId": "d-1"},
}


@pytest.mark.parametrize(
    ("version", "ending"),
    [("1.0", "csv"), ("1.1", "csv.gz"), ("1.2", "parquet"), ("1.3", "parquet"), ("1.4", "csv.gz")],
)
def test_every_version_in_every_container_is_read(shared: House, version: str, ending: str) -> None:
    source = f"{version} {ending}"
    row = focus(**VERSIONS[version])
    if ending == "parquet":
        row["Tags"] = {"env": "prod"}
    [outcome] = shared.load(write(shared.folder / source / f"bill.{ending}", [row]), source=source)
    assert outcome.status == "loaded", outcome.reason
    [charge] = shared.table("SELECT * FROM focus_data_table WHERE x_Source = ?", [source])
    assert (charge["BilledCost"], charge["EffectiveCost"]) == (Decimal("1.5"), Decimal("1.25"))
    assert (charge["x_Provider"], charge["Tags"]) == ("azure", '{"env":"prod"}')
    given = {name: value for name, value in VERSIONS[version].items() if value is not ...}
    assert {name: str(charge[name]) for name in given} == given | (
        {"CommitmentDiscountQuantity": "2.000000000000000000"} if version == "1.1" else {}
    )
    assert shared.value("SELECT format_version FROM loads WHERE x_Source = ?", [source]) == version


TAGS = {
    '{"b": "2", "a": "1"}': '{"a":"1","b":"2"}',
    '{"a":"1","b":"2"}': '{"a":"1","b":"2"}',
    '{" org": "x"}': '{" org":"x"}',
    '{"a": null, "b": ""}': '{"b":""}',
    '{"a": "1", "a": "2"}': '{"a":"2"}',
    '{"n": 1.50, "t": true, "l": [1, {"x": null}]}': '{"l":"[\\"1\\",{\\"x\\":null}]","n":"1.50","t":"true"}',
    '{"ü": "\\u00fc"}': '{"ü":"ü"}',
    "{}": None,
    "": None,
    "null": None,
}
NO_TAGS = ["env=prod", '{"a":', "[1]", "[]", '"text"', "3", "{'a': 'b'}", "[" * 5000, '{"a":1}{"b":2}']


def test_tags_are_canonical_json_and_those_that_cannot_be_read_are_kept_whole_and_counted(house: House) -> None:
    texts = [*TAGS, *NO_TAGS]
    charges = house.charges([focus(Tags=text, ChargeDescription=f"{n:03d}") for n, text in enumerate(texts)])
    found = [charge["Tags"] for charge in charges]
    assert found[: len(TAGS)] == list(TAGS.values())
    assert [json.loads(text or "") for text in found[len(TAGS) :]] == [{"x_UnreadableTags": text} for text in NO_TAGS]
    counted = [text for text, charge in zip(texts, charges, strict=True) if charge["x_SourceChanges"] == "tags"]
    assert counted == ['{"a": "1", "a": "2"}', *NO_TAGS]
    assert {charge["x_SourceChanges"] for charge in charges} == {None, "tags"}
    assert house.value("SELECT count(*) FROM tag_sets") == house.value("SELECT count(DISTINCT Tags) FROM tag_sets")


def test_aws_tags_lose_the_user_prefix_and_of_a_key_given_twice_the_last_value_counts(house: House) -> None:
    twice = {"resourceTags/env": "first", "resourceTags/user:env": "last", "lineItem/LineItemDescription": "1"}
    named = {"resourceTags/user:env": "prod", "resourceTags/aws:createdBy": "me", "resourceTags/user:no": None}
    one, two = house.charges([legacy(cur()) | twice, legacy(cur()) | named | {"lineItem/LineItemDescription": "2"}])
    assert (one["Tags"], two["Tags"]) == ('{"env":"last"}', '{"aws:createdBy":"me","env":"prod"}')
    assert ["tags" in each["x_SourceChanges"].split() for each in (one, two)] == [True, False]


def test_tag_keys_that_differ_in_capitals_are_two_in_parquet_too(house: House) -> None:
    row = cur() | {"resource_tags_user_env": "lower", "resource_tags_user_Env": "upper"}
    assert house.charge(row, "parquet")["Tags"] == '{"Env":"upper","env":"lower"}'


RESOURCE_TYPES = [
    ("aws", "arn:aws:ec2:eu-west-1:1:instance/i-0a", "aws:ec2/instance"),
    ("aws", "arn:aws:lambda:eu-west-1:1:function:name", "aws:lambda/function"),
    ("aws", "arn:aws:s3:::my-bucket", "aws:s3/bucket"),
    ("aws", "arn:aws:sns:eu-west-1:1:topic-name", "aws:sns/sns"),
    ("aws", "arn:aws-cn:rds:cn-north-1:1:db:name", "aws:rds/db"),
    ("aws", "i-0123456789abcdef0", "aws:ec2/instance"),
    ("aws", "vol-0a1b", "aws:ec2/volume"),
    ("aws", "snap-0a1b", "aws:ec2/snapshot"),
    ("aws", "my-bucket", None),
    (
        "azure",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm",
        *["azure:microsoft.compute/virtualmachines"],
    ),
    (
        "azure",
        "/subscriptions/s/resourcegroups/g/providers/microsoft.sql/servers/a/databases/b",
        *["azure:microsoft.sql/servers/databases"],
    ),
    ("azure", "/subscriptions/s/resourcegroups/g", None),
    ("gcp", "//compute.googleapis.com/projects/p/zones/z/instances/123", "gcp:compute/instances"),
    ("acme", "i-0123456789abcdef0", None),
    ("acme", None, None),
]


def test_what_a_row_says_is_brought_to_the_specification(house: House) -> None:
    rows = [
        focus(ProviderName=provider, ResourceId=resource, ChargeDescription=f"{number:02d}")
        for number, (provider, resource, _) in enumerate(RESOURCE_TYPES)
    ]
    spelt = focus(ChargeCategory="usage", ChargeFrequency="Usage-based", ChargeDescription="spelt")
    words = focus(SubAccountId="NULL", Tags="NULL", ListCost="NULL", ChargeDescription="words")
    *found, spelt, words = house.charges([*rows, spelt, words])
    assert [row["x_ResourceType"] for row in found] == [wanted for _, _, wanted in RESOURCE_TYPES]
    assert {row["x_SourceChanges"] for row in found} == {None}
    assert (spelt["ChargeCategory"], spelt["ChargeFrequency"]) == ("Usage", "Usage-Based")
    assert spelt["x_SourceChanges"] == "enum"
    assert (words["SubAccountId"], words["Tags"], words["ListCost"]) == (None, None, None)


def test_a_file_that_has_resource_types_keeps_its_own(house: House) -> None:
    rows = [
        focus(ResourceId="arn:aws:s3:::b", x_ResourceType="mine", ChargeDescription="1"),
        focus(ResourceId="arn:aws:s3:::b", x_ResourceType=None, ChargeDescription="2"),
    ]
    assert [row["x_ResourceType"] for row in house.charges(rows)] == ["mine", "aws:s3/bucket"]


def test_kept_columns_stand_in_the_view(house: House) -> None:
    row = focus(x_Discounts='{"a":1}', oci_Ref="r'1", note="lost")
    charge = house.charge(row, keep_columns=("x_Discounts", "oci_Ref"))
    assert (charge["x_Discounts"], charge["x_oci_Ref"]) == ('{"a":1}', "r'1")
    assert house.value("SELECT dropped_columns FROM loads") == '["note"]'


def test_other_kept_columns_load_the_delivery_again(house: House) -> None:
    path = write(house.folder / "bill.csv", [focus(a="1", b="2")])
    assert house.one(path).is_new
    assert house.one(path, keep_columns=("a",)).is_new
    assert not house.one(path, keep_columns=("a",)).is_new
    assert house.rows("SELECT x_a FROM focus_data_table") == [("1",)]


STAMPS = [
    *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
    *(pa.timestamp("us", zone) for zone in ("UTC", "Europe/Berlin", "+05:30")),
]


def with_columns(house: House, given: Mapping[str, pa.Array], **options: Any) -> Path:
    """A Parquet file of one row with columns as given."""
    path = write(house.folder / "bill.parquet", [focus(Tags=None)])
    table = pq.read_table(path)
    for name, values in given.items():
        table = table.drop_columns([name] if name in table.column_names else []).append_column(name, values)
    pq.write_table(table, path, **options)
    return path


TIMES = ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd")


@pytest.mark.parametrize("kinds", [STAMPS[:4], STAMPS[4:]], ids=["units", "zones"])
def test_parquet_times_of_every_unit_and_zone_are_utc(house: House, kinds: list[pa.DataType]) -> None:
    moments = {kind: datetime(2026, 1, 5, 6, 7, 8, tzinfo=UTC if kind.tz else None) for kind in kinds}
    columns = [pa.array([moment], kind) for kind, moment in moments.items()]
    assert house.one(with_columns(house, dict(zip(TIMES, columns, strict=False)))).status == "loaded"
    [found] = house.rows(f"SELECT {', '.join(TIMES[: len(kinds)])} FROM charges")
    assert set(found) == {datetime(2026, 1, 5, 6, 7, 8)}


MONEY_TYPES = {
    "double": pa.array([0.1 + 0.2]),
    "float": pa.array([0.1], pa.float32()),
    "decimal": pa.array([Decimal("1.1234567890123456789")], pa.decimal128(38, 25)),
    "wide decimal": pa.array([Decimal("1.25")], pa.decimal256(60, 30)),
    "integer": pa.array([7]),
    "text": pa.array(["1E-3"]),
    "large text": pa.array(["2.5"], pa.large_string()),
    "dictionary": pa.array(["2.5"]).dictionary_encode(),
}
MONEY = dict(
    zip(
        MONEY_TYPES,
        ["0.30000000000000004", "0.1", "1.123456789012345679", "1.25", "7", "0.001", "2.5", "2.5"],
        strict=True,
    )
)


def test_parquet_money_of_every_type_is_exact_beside_dates_int96_and_empty_dictionary_texts(house: House) -> None:
    names = [*COSTS, "PricingQuantity", "ConsumedQuantity", "ListUnitPrice", "ContractedUnitPrice"]
    given = dict(zip(names, MONEY_TYPES.values(), strict=True))
    given |= {"BillingPeriodStart": pa.array([date(2026, 1, 1)])}
    given |= {"SubAccountId": pa.array([""]).dictionary_encode()}
    assert house.one(with_columns(house, given, use_deprecated_int96_timestamps=True)).status == "loaded"
    [found] = house.rows(f"SELECT {', '.join(names)} FROM charges")
    assert list(found) == [Decimal(text) for text in MONEY.values()]
    assert house.rows("SELECT BillingPeriodStart, ChargePeriodStart, SubAccountId FROM focus_data_table") == [
        (datetime(2026, 1, 1), datetime(2026, 1, 5), None)
    ]


@pytest.mark.parametrize("label", ["9999-12-01", "0001-01-01"])
def test_a_parquet_time_outside_the_calendar_is_rejected(shared: House, label: str) -> None:
    moment = datetime.fromisoformat(label)
    path = write(shared.folder / "far.parquet", [focus(Tags=None, BillingPeriodStart=moment)])
    outcome = shared.one(path, source=label)
    assert outcome.status == "refused"
    assert "none of its 1 rows has a billing period that can be read" in str(outcome.reason)


def test_what_csv_and_parquet_say_of_a_row_is_the_same_charge(house: House) -> None:
    rows = [focus(BilledCost="0.1", Tags='{"a":"1"}'), focus(BilledCost="12345.678901234", ResourceId=None, Tags=None)]
    house.load(write(house.folder / "bill.csv", rows), source="csv")
    house.load(write(house.folder / "bill.parquet", rows), source="parquet")
    sql = "SELECT * EXCLUDE (x_Source, x_LoadId) FROM charges WHERE x_Source = ? ORDER BY BilledCost"
    assert house.rows(sql, ["csv"]) == house.rows(sql, ["parquet"])
