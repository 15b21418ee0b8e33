"""Which files are one delivery, which delivery counts, and what waits until somebody looks."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.formats import base
from tests.load.bills import (
    House,
    azure_delivery,
    charges,
    cur2_delivery,
    dump,
    focus,
    legacy_delivery,
    lines,
    month,
    statuses,
    touch,
    write,
)
from tests.load.sharing import beginning

# --- manifests ------------------------------------------------------------------------------


@beginning
def known(house: House) -> None:
    """A file is loaded."""
    write(house.folder / "bill.csv", charges(2))
    assert house.one().is_new


@beginning
def forty(house: House) -> None:
    """A file of 40 charges is loaded."""
    house.load(write(house.folder / "1.csv", charges(40), at=1e9))


@beginning
def submitted(house: House) -> None:
    """An Azure run of 20 charges is loaded."""
    azure_delivery(house.folder, [charges(20)], "r1", submitted="2026-01-10T10:00:00Z")
    house.load(whole=True)


def test_the_parts_of_a_manifest_are_one_delivery(house: House) -> None:
    legacy_delivery(house.folder, [lines(2), lines(1, identity_line_item_id="x")], "a1")
    assert house.one().charges == 3
    assert house.value("SELECT count(*) FROM load_files") == 2


def test_the_copy_of_the_manifest_names_the_current_assembly(house: House) -> None:
    legacy_delivery(house.folder, [lines(1, "5")], "new", current=True)
    [old] = legacy_delivery(house.folder, [lines(1, "3")], "old", current=False)
    touch(old, 4e9)
    assert {outcome.status for outcome in house.load()} == {"loaded"}
    assert house.billed() == 5


def test_a_data_export_says_when_it_was_made(house: House) -> None:
    cur2_delivery(house.folder, [lines(1, "5")], "20260320T000000Z")
    [old] = cur2_delivery(house.folder, [lines(1, "3")], "20260310T000000Z")
    touch(old, 4e9)
    house.load()
    assert house.billed() == 5
    assert str(house.value("SELECT delivered_at FROM source_periods")) == "2026-03-20 00:00:00"


def test_an_azure_run_says_when_it_was_submitted(house: House) -> None:
    azure_delivery(house.folder, [charges(2)], "r1", submitted="2026-01-10T10:00:00Z")
    azure_delivery(house.folder, [charges(1), charges(1, "2", start=1)], "r2", submitted="2026-01-11T10:00:00Z")
    house.load()
    assert house.billed() == 3


def test_a_delivery_waits_for_a_missing_part_and_goes_in_when_it_is_there(house: House) -> None:
    parts = legacy_delivery(house.folder, [lines(1), lines(1, identity_line_item_id="x")], "a1")
    data = parts[1].read_bytes()
    parts[1].unlink()
    outcome = house.one(whole=True)
    assert outcome.status == "refused"
    assert "cur-Manifest.json: names 'reports/cur/20260101-20260201/a1/cur-2.csv.gz', which is not there" in str(
        outcome.reason
    )
    assert house.value("SELECT count(*) FROM charges") == 0
    parts[1].write_bytes(data)
    assert house.one(whole=True).charges == 2
    assert statuses(house) == {"loaded": 1, "superseded": 1}


def test_a_part_of_the_wrong_size_waits_until_it_is_whole(house: House) -> None:
    [part] = azure_delivery(house.folder, [charges(3)], "r1", submitted="2026-01-10T10:00:00Z")
    data = part.read_bytes()
    part.write_bytes(data[:-10])
    outcome = house.one()
    assert f"{len(data) - 10} bytes, but" in str(outcome.reason)
    assert str(outcome.reason).endswith("it waits until the file is whole")
    part.write_bytes(data)
    assert house.one().charges == 3


def test_files_beside_a_torn_manifest_wait_for_it(house: House) -> None:
    legacy_delivery(house.folder, [lines(1), lines(1, identity_line_item_id="x")], "a1", current=False)
    [manifest] = house.folder.rglob("*.json")
    text = manifest.read_text()
    manifest.write_text(text[:40])
    outcomes = house.load(whole=True)
    assert [outcome.status for outcome in outcomes] == ["refused"] * 3
    assert {"it may still be on its way" in str(each.reason) for each in outcomes[:1]} == {True}
    assert "waits until the manifest" in str(outcomes[1].reason)
    manifest.write_text(text)
    assert house.one(whole=True).charges == 2


def test_data_of_a_torn_manifest_in_the_metadata_folder_waits(house: House) -> None:
    cur2_delivery(house.folder, [lines(1)], "20260310T000000Z")
    cur2_delivery(
        house.folder,
        [lines(1, bill_billing_period_start_date="2026-02-01T00:00:00Z")],
        "20260311T000000Z",
        period="2026-02",
    )
    torn = next(path for path in house.folder.rglob("*.json") if "2026-02" in str(path))
    torn.write_text("{")
    assert sorted((each.status, each.x_BillingPeriod) for each in house.load()) == [
        ("loaded", "2026-01"),
        *[("refused", None)] * 2,
    ]


def test_other_json_beside_exports_is_left_alone(house: House) -> None:
    write(house.folder / "bill.csv", charges(1))
    (house.folder / "package.json").write_text('{"name": "x"}')
    (house.folder / "usage.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    assert sorted(outcome.status for outcome in house.load()) == ["loaded", "refused"]


def test_a_source_of_nothing_but_other_json_is_refused(house: House) -> None:
    (house.folder / "package.json").write_text('{"name": "x"}')
    outcome = house.one()
    assert (outcome.status, str(outcome.reason).split(": ", 1)[1]) == (
        "refused",
        "no export there, only JSON that is no manifest; give the data files, too",
    )


def test_a_manifest_without_files_waits(house: House) -> None:
    (house.folder / "m.json").write_text(json.dumps({"executionId": "20260310T000000Z-e", "dataFiles": []}))
    outcome = house.one()
    assert (outcome.status, "names no files; it waits" in str(outcome.reason)) == ("refused", True)


def test_a_manifest_whose_keys_climb_out_is_refused(house: House, tmp_path: Path) -> None:
    write(tmp_path / "secret.csv", charges(1))
    (house.folder / "m.json").write_text(json.dumps({"executionId": "e", "dataFiles": ["../secret.csv"]}))
    assert "names '../secret.csv', which is outside the source" in str(house.one().reason)


def test_a_header_only_month_with_a_manifest_is_an_empty_month(house: House) -> None:
    legacy_delivery(house.folder, [[]], "a1", period="2026-02")
    outcome = house.one()
    assert (outcome.status, outcome.x_BillingPeriod, outcome.charges) == ("loaded", "2026-02", 0)
    assert house.rows("SELECT x_BillingPeriod, charges FROM source_periods") == [("2026-02", 0)]


def test_a_header_only_file_without_a_manifest_is_nothing_to_load(house: House) -> None:
    outcome = house.one(write(house.folder / "bill.csv", [], list(focus())))
    assert (outcome.status, outcome.x_BillingPeriod) == ("empty", None)
    assert str(outcome.reason).endswith("no manifest says of which billing period: nothing to load")
    again = house.one()
    assert (again.status, again.is_new) == ("empty", False)


def test_a_header_only_file_over_a_loaded_month_says_which_month_stays_as_it_was(house: House) -> None:
    house.one(write(house.folder / "other.csv", [focus(**month("2025-12"), ResourceId="o")], at=1e9))
    path = house.folder / "bill.csv"
    house.one(write(path, [focus()], at=1e9))
    outcome = house.one(write(path, [], list(focus()), at=2e9))
    kept = "what is loaded stays as it was: 2026-01, which the same file held before"
    assert (outcome.status, str(outcome.reason).partition("; ")[2]) == ("empty", kept)
    assert outcome.notes == (f"{outcome.name}: {outcome.reason}",)
    assert house.billed() == 3


# --- known, again, and the gate -------------------------------------------------------------


def test_a_known_delivery_is_skipped_and_a_touched_file_of_the_same_contents_too(known: House) -> None:
    before = dump(known.warehouse)
    assert not known.one().is_new
    os.utime(known.folder / "bill.csv", (1, 1))
    assert not known.one().is_new
    assert dump(known.warehouse) == before


def test_a_changed_mapping_loads_known_deliveries_again(known: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "READER_VERSION", base.READER_VERSION + 1)
    assert known.one().is_new
    assert known.billed() == 2
    assert statuses(known) == {"loaded": 1, "replaced": 1}


def test_an_older_delivery_found_later_is_superseded(forty: House) -> None:
    outcome = forty.one(write(forty.folder / "old" / "1.csv", charges(40, "3"), at=5e8))
    assert (outcome.status, outcome.reason, outcome.waits) == ("superseded", "older than what is loaded", False)
    assert forty.billed() == 40


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (charges(0), "0 rows for 2026-01, 20 are loaded: an empty delivery over a full one"),
        (charges(17, "2"), "17 rows for 2026-01, 20 are loaded: shrunken by more than 10%"),
    ],
)
def test_a_lesser_delivery_waits_until_it_is_accepted(
    submitted: House, rows: list[dict[str, Any]], reason: str
) -> None:
    azure_delivery(submitted.folder, [rows], "r2", submitted="2026-01-11T10:00:00Z")
    outcome = submitted.load()[-1]
    assert (outcome.status, outcome.waits) == ("quarantined", True)
    assert reason in str(outcome.reason)
    short = str(outcome.load_id)[:8]
    assert str(outcome.reason).endswith(
        f"what is loaded stays; `costmill deliveries show {short}` compares the two, "
        f"`costmill deliveries accept {short}` loads it"
    )
    assert submitted.billed() == 20
    assert not submitted.load()[-1].is_new
    assert submitted.load(accept=True)[-1].status == "loaded"
    assert submitted.billed() == sum(Decimal(row["BilledCost"]) for row in rows)


def test_a_delivery_within_the_gate_goes_in(forty: House) -> None:
    assert forty.one(write(forty.folder / "1.csv", charges(36), at=2e9)).status == "loaded"


def test_the_fringe_of_a_file_does_not_replace_the_other_month(forty: House) -> None:
    later = [*charges(30, label="2026-02"), *charges(1, "9", label="2026-01")]
    outcomes = forty.load(write(forty.folder / "2.csv", later, at=2e9))
    assert [(outcome.x_BillingPeriod, outcome.status) for outcome in outcomes] == [
        ("2026-02", "loaded"),
        ("2026-01", "quarantined"),
    ]
    assert "1 rows for 2026-01, 40 are loaded: the fringe of another billing period's file" in str(outcomes[1].reason)
    assert forty.billed() == 70


def test_a_newer_delivery_supersedes_one_that_waits(submitted: House) -> None:
    azure_delivery(submitted.folder, [charges(2)], "r2", submitted="2026-01-11T10:00:00Z")
    submitted.load(whole=True)
    azure_delivery(submitted.folder, [charges(21)], "r3", submitted="2026-01-12T10:00:00Z")
    outcomes = submitted.load(whole=True)
    assert not any(outcome.waits for outcome in outcomes)
    assert str(outcomes[-1].reason).startswith("a newer delivery is loaded; was: ")
    assert statuses(submitted) == {"loaded": 1, "replaced": 1, "superseded": 1}
    assert not any(outcome.is_new for outcome in submitted.load(whole=True))
    assert submitted.billed() == 21


def test_a_newer_delivery_of_the_same_run_supersedes_one_that_would_wait(house: House) -> None:
    for number, count in enumerate((20, 2, 21)):
        azure_delivery(house.folder, [charges(count)], f"r{number}", submitted=f"2026-01-1{number}T10:00:00Z")
    assert not any(outcome.waits for outcome in house.load(whole=True))
    assert statuses(house) == {"loaded": 1, "replaced": 1, "superseded": 1}


def test_a_verdict_on_a_file_that_went_away_is_closed(house: House) -> None:
    bad = write(house.folder / "bad.csv", [{"a": "1"}])
    write(house.folder / "good.csv", charges(1))
    assert "refused" in {outcome.status for outcome in house.load(whole=True)}
    bad.unlink()
    house.load(whole=True)
    assert statuses(house) == {"loaded": 1, "superseded": 1}
    reason = house.value("SELECT reason FROM loads WHERE status = 'superseded'")
    assert reason.startswith(f"no longer delivered; was: {bad}: unknown format")


def test_a_source_that_cannot_be_found_is_told_once_and_closed_when_it_is_back(house: House) -> None:
    house.folder.rmdir()
    assert house.one(whole=True).is_new
    assert not house.one(whole=True).is_new
    write(house.folder / "bill.csv", charges(1))
    house.load(whole=True)
    assert statuses(house) == {"loaded": 1, "superseded": 1}
    (house.folder / "bill.csv").unlink()
    house.folder.rmdir()
    assert house.one(whole=True).is_new


# --- periods, restatements, dimensions ------------------------------------------------------


def test_a_run_that_ended_between_two_months_of_a_file_is_finished_by_the_next(house: House) -> None:
    path = write(house.folder / "bill.csv", [*charges(2), *charges(1, label="2026-02")])
    from pipeline.config import SourceSettings
    from pipeline.load import Loader

    with Loader(house.warehouse, run_id="killed") as loader:
        outcomes = loader.load(SourceSettings("bill", str(path)), [str(path)])
        assert next(outcomes).x_BillingPeriod == "2026-01"
    assert [(each.x_BillingPeriod, each.status) for each in house.load(path)] == [("2026-02", "loaded")]
    assert [each.is_new for each in house.load(path)] == [False, False]
    assert house.value("SELECT count(*) FROM settings WHERE name LIKE 'unfinished:%'") == 0


def test_a_restatement_says_what_changed_by_account_and_service(house: House) -> None:
    old = [
        *charges(3),
        focus(ResourceId="x", ServiceName="Disks", BilledCost="4"),
        focus(ResourceId="y", SubAccountId="gone"),
    ]
    new = [
        *charges(3),
        focus(ResourceId="x", ServiceName="Disks", BilledCost="3"),
        focus(ResourceId="z", SubAccountId="came"),
    ]
    house.load(write(house.folder / "1.csv", old, at=1e9))
    house.load(write(house.folder / "2.csv", new, at=2e9), accept=True)
    sql = (
        "SELECT SubAccountId, ServiceName, charges_before, charges_after, BilledCost_before, BilledCost_after, "
        "EffectiveCost_before, EffectiveCost_after FROM restatements ORDER BY SubAccountId"
    )
    machines, zero, effective = "Virtual Machines", Decimal(0), Decimal("1.25")
    assert house.rows(sql) == [
        ("came", machines, 0, 1, zero, Decimal("1.5"), zero, effective),
        ("gone", machines, 1, 0, Decimal("1.5"), zero, effective, zero),
        ("sub-1", "Disks", 1, 1, Decimal(4), Decimal(3), effective, effective),
    ]


def test_a_re_delivery_that_changes_no_money_restates_nothing(forty: House) -> None:
    forty.load(write(forty.folder / "2.csv", [row | {"InvoiceId": "final"} for row in charges(40)], at=2e9))
    assert forty.value("SELECT count(*) FROM restatements") == 0
    assert forty.rows("SELECT DISTINCT InvoiceId FROM charges") == [("final",)]


def test_what_only_the_replaced_charges_used_is_dropped(house: House) -> None:
    shared_row = focus(ResourceId="both", Tags='{"t":"both"}')
    house.load(write(house.folder / "other.csv", [shared_row | month("2026-02")]), source="other")
    house.load(write(house.folder / "1.csv", [shared_row, focus(ResourceId="old", Tags='{"t":"old"}')], at=1e9))
    house.load(
        write(
            house.folder / "1.csv",
            [focus(ResourceId="new", Tags='{"t":"new"}'), focus(SkuPriceId="2", Tags=None)],
            at=2e9,
        )
    )
    assert {name for (name,) in house.rows("SELECT ResourceId FROM resources")} == {"both", "new", "r-1"}
    assert {text for (text,) in house.rows("SELECT Tags FROM tag_sets")} == {'{"t":"both"}', '{"t":"new"}'}
    assert {value for (value,) in house.rows("SELECT TagValue FROM tags")} == {"both", "new"}


def test_other_sources_and_months_are_left_alone(forty: House) -> None:
    forty.load(write(forty.folder / "other.csv", charges(2, "7")), source="other")
    forty.load(write(forty.folder / "feb.csv", charges(2, "5", label="2026-02")))
    sql = "SELECT * FROM charges WHERE x_Source = 'other' OR x_BillingPeriod = '2026-02' ORDER BY ALL"
    before = forty.rows(sql)
    forty.load(write(forty.folder / "1.csv", charges(40, "2"), at=2e9))
    assert forty.rows(sql) == before
    assert forty.billed() == 14 + 10 + 80


def test_reported_tags_stand_in_the_daily_rollup(house: House) -> None:
    rows = [
        focus(Tags='{"env":"prod","host":"a"}'),
        focus(Tags='{"env":"prod","host":"b"}'),
        focus(Tags='{"host":"c"}'),
    ]
    house.load(write(house.folder / "bill.csv", rows), keys=("env",))
    sql = "SELECT x_ReportedTags, BilledCost, x_ChargeCount FROM daily_costs ORDER BY 1 NULLS LAST"
    assert house.rows(sql) == [('{"env":"prod"}', Decimal(3), 2), (None, Decimal("1.5"), 1)]


def test_a_load_marks_what_is_due(house: House) -> None:
    house.load(write(house.folder / "bill.csv", charges(1, label="2026-12")))
    assert house.rows("SELECT * FROM dirty ORDER BY ALL") == [
        *[("2026-12", stage) for stage in ("budgets", "reports", "summaries")],
        *[("2027-01", stage) for stage in ("reports", "summaries")],
    ]


def test_one_execution_may_deliver_two_billing_periods(house: House) -> None:
    later = {"bill_billing_period_start_date": "2026-02-01T00:00:00Z"}
    cur2_delivery(house.folder, [lines(1)], "20260310T000000Z")
    cur2_delivery(house.folder, [lines(1, **later)], "20260310T000000Z", period="2026-02")
    assert sorted((each.x_BillingPeriod, each.status) for each in house.load()) == [
        ("2026-01", "loaded"),
        ("2026-02", "loaded"),
    ]


@pytest.mark.parametrize("left", [b"", b"identity_line_item_id\n"])
def test_parts_that_no_manifest_names_any_more_are_left_alone(house: House, left: bytes) -> None:
    [part] = cur2_delivery(house.folder, [lines(2)], "20260310T000000Z", ending="csv")
    (part.parent / "cur-00002.csv").write_bytes(left)
    assert house.one().charges == 2


def test_many_small_parts_keep_their_own_rows_and_places(house: House) -> None:
    for number in range(5):
        write(house.folder / f"{number}.csv", charges(number + 1, start=10 * number))
    bad = write(house.folder / "3.csv", [*charges(3, start=30), focus(BilledCost="x")])
    outcome = house.one(mode="one", max_rejected=Decimal("0.5"))
    assert (outcome.charges, outcome.rows_rejected) == (14, 1)
    assert house.rows("SELECT rows FROM load_files ORDER BY path") == [(1,), (2,), (3,), (4,), (5,)]
    assert house.rows("SELECT path, record, line FROM rejected_rows") == [(str(bad), 4, 5)]
