"""Google Cloud Billing exports: nested Parquet, JSON lines and flattened CSV are the same charges, to the last digit."""

from __future__ import annotations

import ast
import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import money
from pipeline.sources import formats, probe
from tests.load.bills import House, house, write
from tests.load.sharing import of_rows
from tests.soak import long

#: Real exports: rows, sum of cost, sum of the credits' amounts.
REAL = {
    "koku/gcp/2022-08-01_5.csv": (9, "0.000012", "0"),
    "koku/gcp/evidence-2020-11-16.csv": (224, "0.000183", "-0.000183"),
    "nise/gcp_resource/202601_gcp_resource.csv.gz": (119_040, "35195.68632", "-1563.96984"),
}
LISTS = ("labels", "system_labels", "project.labels", "tags", "credits")
NUMBERS = ("cost", "cost_at_list", "currency_conversion_rate", "usage.amount", "usage.amount_in_pricing_units")
TIMES = ("usage_start_time", "usage_end_time", "export_time")

_LINE: dict[str, Any] = {
    "billing_account_id": "01ABCD-000000-EEEEEE",
    "service.id": "6F81-5844-456A",
    "service.description": "Compute Engine",
    "sku.id": "CF4E-A0C7-E3BF",
    "sku.description": "N1 Predefined Instance Core running in Americas",
    "usage_start_time": "2026-01-05T10:00:00Z",
    "usage_end_time": "2026-01-05T11:00:00Z",
    "project.id": "web",
    "project.name": "Web shop",
    "project.labels": "[]",
    "labels": "[]",
    "system_labels": "[]",
    "location.location": "us-central1",
    "location.region": "us-central1",
    "location.zone": "us-central1-a",
    "export_time": "2026-01-05T14:02:03.004Z",
    "cost": "1.5",
    "currency": "USD",
    "currency_conversion_rate": "1.0",
    "usage.amount": "3600.0",
    "usage.unit": "seconds",
    "usage.amount_in_pricing_units": "1.0",
    "usage.pricing_unit": "hour",
    "credits": "[]",
    "invoice.month": "202601",
    "cost_type": "regular",
}


def line(**changes: Any) -> dict[str, Any]:
    """A good row, flattened, with columns changed; ``__`` stands for a dot, ``...`` leaves the column out."""
    given = {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in {**_LINE, **given}.items() if value is not ...}


def pairs(*items: tuple[str, str]) -> str:
    return json.dumps([{"key": key, "value": value} for key, value in items])


def credit(amount: str, kind: str = "PROMOTION", **more: str | None) -> str:
    """A list of one credit, as the Python repr that flattened exports have."""
    named = {"name": "FreeTrial", "full_name": None, "id": "free-1", "type": kind, **more}
    return "[" + repr(named)[:-1] + f", 'amount': {amount}}}]"


def nested(row: Mapping[str, Any], number: type = float) -> dict[str, Any]:
    """A flattened row as BigQuery holds it: objects, lists, numbers; what is empty is missing."""
    found: dict[str, Any] = {}
    for name, text in row.items():
        if text in ("", None):
            continue
        value: Any = ast.literal_eval(text) if name in LISTS else number(text) if name in NUMBERS else text
        for entry in value if name == "credits" else ():
            entry["amount"] = number(repr(entry["amount"]))
        *parents, last = name.split(".")
        inner = found
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return found


def write_json(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    data = "".join(json.dumps(nested(row)) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]], number: type = float) -> Path:
    """Nested Parquet as BigQuery writes it; ``number`` float for FLOAT64, Decimal for NUMERIC."""
    found = [nested(row, number) for row in rows]
    for row in found:
        for name in TIMES:
            row[name] = datetime.fromisoformat(row[name].replace("Z", "+00:00")).replace(tzinfo=None)
    pq.write_table(pa.Table.from_pylist(found), path)
    return path


def charges(folder: Path, path: Path) -> list[tuple[Any, ...]]:
    """All charges of an export with their tags, loaded into a warehouse of its own, in an order of their own."""
    with house(folder / path.name.replace(".", "-")) as opened:
        assert opened.one(path).status == "loaded"
        return sorted(opened.rows("SELECT * EXCLUDE (x_LoadId) FROM focus_data_table"), key=repr)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[long, pytest.mark.heavy] if name.startswith("nise") else ()) for name in REAL],
)
def test_a_real_export_loads_to_the_last_digit_with_its_credits(house: House, exports: Path, name: str) -> None:
    from tests.load.test_exports import records

    rows, cost, credited = REAL[name]
    written = list(records(exports / name))
    amounts = [
        entry["amount"] for row in written if row["credits"] != "[]" for entry in ast.literal_eval(row["credits"])
    ]
    assert len(written) == rows
    assert money.total(Decimal(row["cost"]) for row in written) == Decimal(cost)
    assert money.total(Decimal(repr(amount)) for amount in amounts) == Decimal(credited)
    outcome = house.one(exports / name)
    assert (outcome.status, outcome.rows_rejected, outcome.charges) == ("loaded", 0, rows + len(amounts))
    split = "SELECT coalesce(sum(BilledCost), 0) FROM charges WHERE (ChargeCategory = 'Credit') = ?"
    assert (house.value(split, [False]), house.value(split, [True])) == (Decimal(cost), Decimal(credited))
    assert house.rows(
        "SELECT source_expression, file_total = charges_total FROM load_controls WHERE column_name = 'BilledCost' ORDER BY 1"
    ) == [("sum(cost)", True), ("sum(credits.amount)", True)]


def test_the_first_lines_of_a_large_export_load_to_the_last_digit(house: House, exports: Path) -> None:
    from tests.load.test_exports import cut, records

    path = cut(exports / "nise/gcp_resource/202601_gcp_resource.csv.gz", house.folder / "bill.csv.gz", slice(1500))
    written = list(records(path))
    credited = [Decimal(repr(entry["amount"])) for row in written for entry in ast.literal_eval(row["credits"] or "[]")]
    outcome = house.one(path)
    assert (outcome.status, outcome.charges, len(credited) > 100) == ("loaded", 1500 + len(credited), True)
    costs = money.total(Decimal(row["cost"]) for row in written)
    split = "SELECT coalesce(sum(BilledCost), 0) FROM charges WHERE (ChargeCategory = 'Credit') = ?"
    assert (house.value(split, [False]), house.value(split, [True])) == (costs, money.total(credited))


def test_every_form_of_a_real_export_gives_the_same_charges(tmp_path: Path, exports: Path) -> None:
    from tests.load.test_exports import records

    original = exports / "koku/gcp/evidence-2020-11-16.csv"
    rows = list(records(original))
    forms = [
        write_json(tmp_path / "a.jsonl", rows),
        write_json(tmp_path / "b.jsonl.gz", rows[::-1]),
        write_parquet(tmp_path / "c.parquet", rows),
        write(tmp_path / "d.csv.gz", rows),
    ]
    expected = charges(tmp_path, original)
    assert len(expected) == 224 + 38
    for path in forms:
        assert charges(tmp_path, path) == expected, path.name


def test_numeric_costs_in_parquet_are_exact_in_lists_too(tmp_path: Path) -> None:
    amounts = ["0.123456789012345678", "12345678901234567.000000000000000001"]
    rows = [
        line(cost=amount, credits=f"[{{'amount': Decimal('-{amount}'), 'type': 'PROMOTION'}}]") for amount in amounts
    ]
    table = [nested({**row, "credits": "[]"}, Decimal) for row in rows]
    for row, amount in zip(table, amounts, strict=True):
        row["credits"] = [{"amount": Decimal(f"-{amount}"), "type": "PROMOTION"}]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "numeric.parquet")
    found = charges(tmp_path, tmp_path / "numeric.parquet")
    assert found == charges(tmp_path, write(tmp_path / "plain.csv", rows[::-1]))
    assert len(found) == 4


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_labels_of_all_four_kinds_are_tags_and_the_resources_own_win(house: House, form: str) -> None:
    row = line(
        project__labels=pairs(("team", "of the project"), ("a", "project")),
        tags="[{'key': 'team', 'value': 'tag', 'inherited': False, 'namespace': 'x'}, {'key': 'b', 'value': 'tag'}]",
        system_labels=pairs(("compute.googleapis.com/cores", "4")),
        labels=pairs(("team", "web"), ("quote\"'", "é,]")),
    )
    path = house.folder / f"bill.{form}"
    writers = {"csv": write, "jsonl": write_json, "parquet": write_parquet}
    assert house.one(writers[form](path, [row])).status == "loaded"
    [(tags, changes)] = house.rows("SELECT CAST(Tags AS VARCHAR), x_SourceChanges FROM focus_data_table")
    assert json.loads(tags) == {
        "team": "web",
        "a": "project",
        "b": "tag",
        "compute.googleapis.com/cores": "4",
        "quote\"'": "é,]",
    }
    assert changes.endswith("tags")


@of_rows(line(labels="[[[[" * 3000, system_labels="None"))
def test_labels_that_cannot_be_read_are_kept_whole(told: list[dict[str, Any]]) -> None:
    [found] = told
    assert json.loads(found["Tags"]) == {"x_UnreadableTags": "[[[[" * 3000}


def test_each_credit_is_a_charge_beside_the_cost(house: House) -> None:
    two = credit("-0.5", "SUSTAINED_USAGE_DISCOUNT", name="SUD")[:-1] + ", " + credit("-0.25")[1:]
    found = house.charges([line(credits=two, cost_at_list="2")])
    assert [(row["ChargeCategory"], row["x_LineItemType"], row["BilledCost"]) for row in found] == [
        ("Credit", "PROMOTION", Decimal("-0.25")),
        ("Usage", "regular", Decimal("1.5")),
        ("Credit", "SUSTAINED_USAGE_DISCOUNT", Decimal("-0.5")),
    ]
    sums = [sum(row[name] for row in found) for name in ("EffectiveCost", "ListCost", "ContractedCost")]
    assert sums == [Decimal("0.75"), Decimal(2), Decimal("1.5")]
    assert house.rows("SELECT rows_read, rows_mapped, rows_generated, charges FROM loads") == [(1, 1, 2, 3)]


COMMITMENTS = {"COMMITTED_USAGE_DISCOUNT": "Usage", "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE": "Spend"}


@of_rows(
    *(line(credits=credit("-1", kind, full_name="3 years"), subscription__instance_id=kind) for kind in COMMITMENTS)
)
def test_credits_of_commitments_say_which(told: list[dict[str, Any]]) -> None:
    for kind, category in COMMITMENTS.items():
        both = [each for each in told if each["CommitmentDiscountId"] == kind]
        given, used = sorted(both, key=lambda each: str(each["ChargeCategory"]))
        assert (given["ChargeCategory"], used["ChargeCategory"]) == ("Credit", "Usage")
        assert (given["ChargeDescription"], given["CommitmentDiscountName"]) == ("3 years", "3 years")
        assert given["CommitmentDiscountStatus"] == "Used"
        for each in (given, used):
            assert (each["CommitmentDiscountCategory"], each["PricingCategory"]) == (category, "Committed")


CATEGORIES = {
    "regular": "Usage",
    "tax": "Tax",
    "adjustment": "Adjustment",
    "rounding_error": "Adjustment",
    "": "Usage",
    "credit": "Adjustment",
}


@of_rows(*(line(cost_type=kind) for kind in CATEGORIES))
def test_a_cost_type_has_its_category(told: list[dict[str, Any]]) -> None:
    assert [(row["ChargeCategory"], row["ChargeClass"]) for row in told] == [
        (category, None) for category in CATEGORIES.values()
    ]
    unknown = ["type" in row["x_SourceChanges"].split() for row in told]
    assert unknown == [kind == "credit" for kind in CATEGORIES]


@of_rows(line(adjustment_info__type="MANUAL_ADJUSTMENT"))
def test_a_row_with_adjustment_information_is_a_correction(told: list[dict[str, Any]]) -> None:
    assert told[0]["ChargeClass"] == "Correction"


def test_an_invoice_month_is_a_month_of_los_angeles(house: House) -> None:
    months = ["202603", "202611"]  # summer time begins in the one, and ends on the first day of the other
    write(house.folder / "bill.csv", [line(invoice__month=month) for month in months])
    house.load()
    rows = house.rows("SELECT x_BillingPeriod, BillingPeriodStart, BillingPeriodEnd FROM charges ORDER BY 1")
    assert [row[0] for row in rows] == [f"{month[:4]}-{month[4:]}" for month in months]
    for label, start, end in rows:
        first = datetime(int(label[:4]), int(label[5:]), 1)
        assert (start, end) == (_utc(first), _utc((first + timedelta(days=31)).replace(day=1)))


def _utc(local: datetime) -> datetime:
    there = local.replace(tzinfo=ZoneInfo("America/Los_Angeles"))
    return there.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


@of_rows(
    line(
        resource__name="vm-1",
        resource__global_name="//compute.googleapis.com/projects/web/zones/us-central1-a/instances/4827288609899060799",
        price__effective_price="1.5",
        price__tier_start_amount="0.0",
        transaction_type="THIRD_PARTY_RESELLER",
        seller_name="Shop",
        currency="EUR",
        currency_conversion_rate="0.92",
        location__region="",
        location__location="europe",
    )
)
def test_a_line_has_its_focus_columns(told: list[dict[str, Any]]) -> None:
    [found] = told
    expected = {
        "ResourceType": "instances",
        "x_ResourceType": "gcp:compute/instances",
        "ResourceName": "vm-1",
        "SubAccountId": "web",
        "SubAccountName": "Web shop",
        "RegionId": "europe",
        "RegionName": "Europe",
        "PublisherName": "Shop",
        "ConsumedQuantity": 3600,
        "ConsumedUnit": "Seconds",
        "PricingQuantity": 1,
        "PricingUnit": "Hours",
        "ContractedUnitPrice": Decimal("1.5"),
        "SkuPriceId": "01ABCD-000000-EEEEEE/CF4E-A0C7-E3BF/0",
        "BillingCurrency": "EUR",
        "PricingCurrency": "USD",
        "PricingCurrencyEffectiveCost": None,
        "ServiceCategory": "Compute",
        "ServiceName": "Compute Engine",
        "x_Provider": "gcp",
    }
    assert {name: found[name] for name in expected} == expected


#: What a row says, and which column of it is rejected with which value and why.
UNREADABLE: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"cost": "1,5"}, "cost", "1,5", "is no number"),
    ({"cost": ""}, "cost", None, "is empty"),
    ({"invoice__month": "202613"}, "invoice.month", "202613", "is no month such as 202603"),
    ({"invoice__month": "2026-01"}, "invoice.month", "2026-01", "is no month such as 202603"),
    ({"export_time": "now"}, "export_time", "now", "is no ISO 8601 time"),
    ({"credits": "a lot"}, "credits", "a lot", "is neither JSON nor a Python literal"),
    ({"credits": "[{'amount': None}]"}, "credits", "[{'amount': None}]", "has a credit whose amount is no number"),
    ({"credits": "[" * 9000}, "credits", "[" * 200, "is nested too deep"),
    ({"credits": "[{'amount': 9**9**9}]"}, "credits", "[{'amount': 9**9**9}]", "is neither JSON nor"),
]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_row_that_cannot_be_read_says_why_and_the_money_law_holds(house: House, form: str) -> None:
    rows = [line(credits=credit("-1")), *(line(**changes) for changes, *_ in UNREADABLE)]
    if form == "csv":
        write(house.folder / "bill.csv", rows)
    else:  # as flattened lines: values of the wrong kind
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (house.folder / "bill.jsonl").write_text(text, encoding="utf-8")
    outcome = house.one(max_rejected=Decimal("0.9"))
    assert (outcome.status, outcome.rows_rejected, house.billed()) == ("loaded", len(UNREADABLE), Decimal("0.5"))
    for number, (found, (_, *told, reason)) in enumerate(zip(house.rejected(), UNREADABLE, strict=True), 2):
        assert found[:4] == (number, number + 1 if form == "csv" else number, *told)
        assert found[4].startswith(reason)
    laws = "SELECT DISTINCT file_total = charges_total + rejected_total FROM load_controls"
    assert house.rows(laws) == [(True,)]


def test_what_rounding_moved_counts_every_credit_of_a_list(house: House) -> None:
    texts = ["-0.1234567890123456785", "-1.5e-18", "-1"]
    listed = "[" + ", ".join(f"{{'amount': {text}}}" for text in texts) + "]"
    house.load(write(house.folder / "bill.csv", [line(credits=listed)]))
    stored = money.total(money.stored(Decimal(text)) for text in texts)
    written = money.total(map(Decimal, texts))
    [(total, rounding)] = house.rows(
        "SELECT file_total, rounding FROM load_controls WHERE source_expression = 'sum(credits.amount)'"
    )
    assert (total, Decimal(rounding)) == (stored, money.total([written, -stored]))
    assert Decimal(rounding) != 0


def test_json_lines_and_csv_reject_the_same_rows_for_a_torn_end(house: House) -> None:
    path = write_json(house.folder / "bill.jsonl", [line(), line()])
    path.write_bytes(path.read_bytes()[:-40])
    outcome = house.one()
    assert (outcome.status, outcome.rows_read, outcome.rows_rejected) == ("refused", 2, 1)
    [(record, at, _, _, why)] = house.rejected()
    assert (record, at) == (2, 2)
    assert why.endswith("the file may be cut off here")


def test_parts_of_one_extraction_need_not_have_the_same_keys(house: House) -> None:
    bare = dict.fromkeys(LISTS, "")
    write_json(house.folder / "0.jsonl", [line(**{**bare, "cost": "1"})])
    write_json(house.folder / "1.jsonl", [line(labels=pairs(("a", "1")), tags=pairs(("b", "2")), credits=credit("-1"))])
    outcome = house.one(mode="one")
    assert (outcome.status, outcome.charges, house.billed()) == ("loaded", 3, Decimal("1.5"))
    assert house.rows("SELECT DISTINCT TagKey, TagValue FROM tags ORDER BY 1") == [("a", "1"), ("b", "2")]


def test_lists_may_be_wrapped_as_older_parquet_exports_do(house: House) -> None:
    row = nested(line(labels=pairs(("team", "web")), credits=credit("-1")))
    for name in ("labels", "credits"):
        row[name] = {"list": [{"element": entry} for entry in row[name]]}
    pq.write_table(pa.Table.from_pylist([row]), house.folder / "bill.parquet")
    assert house.one().status == "loaded"
    assert house.billed() == Decimal("0.5")
    assert house.rows("SELECT DISTINCT TagKey, TagValue FROM tags") == [("team", "web")]


def test_standard_and_detailed_exports_are_told_apart(tmp_path: Path) -> None:
    standard, detailed = write(tmp_path / "s.csv", [line()]), write(tmp_path / "d.csv", [line(resource__name="vm")])
    versions = [formats.resolve(probe.probe(path).columns, "x").version for path in (standard, detailed)]
    assert versions == ["standard", "detailed"]


def _shuffled() -> Iterator[list[dict[str, Any]]]:
    chance = random.Random(7)
    rows = [
        line(cost=f"{chance.random():.15f}", credits=credit(f"-{chance.random():.12f}"), labels=pairs(("n", str(n))))
        for n in range(40)
    ]
    yield rows
    yield chance.sample(rows, len(rows))


@long
def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    first, second = (charges(tmp_path, write_json(tmp_path / f"{n}.jsonl", rows)) for n, rows in enumerate(_shuffled()))
    assert first == second
