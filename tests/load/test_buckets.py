"""Sources in a bucket of a real S3 server: what is downloaded, what waits, and that the totals are exact."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import CacheSettings, load_settings
from pipeline.sources import cache, remote
from pipeline.sources.remote import Patience
from tests import buckets
from tests.buckets import SECRET, Server
from tests.load.bills import House, csv_bytes, cur, cur2_delivery, focus, legacy_delivery, lines_of, write
from tests.soak import long, more

URL = f"s3://{buckets.BUCKET}"


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with buckets.server() as server:
        yield server


@pytest.fixture
def s3(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """An empty bucket behind a gate that lets everything through; between attempts there are no waits."""
    running.backend.reset()
    running.backend.create_bucket(buckets.BUCKET, "us-east-1")
    running.gate.__init__(running.gate.inside)  # type: ignore[misc]
    monkeypatch.setattr(remote, "Patience", lambda: Patience(attempts=8, first=0.0))
    return running


def bill(*costs: str) -> bytes:
    return csv_bytes([focus(ResourceId=f"r-{n}", BilledCost=cost) for n, cost in enumerate(costs)])


def load(house: House, address: str = URL, **options: Any) -> list[tuple[str, int]]:
    """Load all of an address as a run does; status and charges of each outcome."""
    return [(each.status, each.charges) for each in house.load(address, whole=True, **options)]


def test_a_bucket_is_read_like_a_folder_and_its_objects_are_told_by_address(house: House, s3: Server) -> None:
    s3.put("azure/bill.csv", bill("1", "2.5"))
    assert load(house, f"{URL}/azure") == [("loaded", 2)]
    assert house.billed() == Decimal("3.5")
    assert house.rows("SELECT path FROM load_files") == [(f"{URL}/azure/bill.csv",)]


def test_an_address_may_be_one_object_or_a_pattern(house: House, s3: Server) -> None:
    for key in ("a/1.csv", "a/deep/2.csv", "a/3.txt", "a/_4.csv", "a/.tmp/5.csv", "ab/6.csv", "a/"):
        s3.put(key, bill("1") if not key.endswith("/") else b"")
    s3.put("a/1.csv", bill("1", "1"))
    assert load(house, f"{URL}/a/1.csv", source="one") == [("loaded", 2)]
    assert set(s3.gate.gets) == {"a/1.csv"}
    assert load(house, f"{URL}/a/**/*.csv", source="glob", mode="each")
    assert load(house, f"{URL}/a", source="folder", mode="each")
    assert set(s3.gate.gets) == {"a/1.csv", "a/deep/2.csv", "a/3.txt"}


def test_the_second_run_downloads_nothing(house: House, s3: Server) -> None:
    legacy_delivery(house.folder, lines_of(2, 1), "a1")
    s3.upload(house.folder)
    assert load(house) == [("loaded", 3)]
    read = sum(s3.gate.gets.values())
    assert house.load(URL, whole=True)[0].is_new is False
    assert sum(s3.gate.gets.values()) == read == 4


def test_a_known_delivery_needs_no_download_though_the_cache_keeps_nothing_but_manifests(
    house: House, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CacheSettings.__init__, "__defaults__", (0,))
    legacy_delivery(house.folder, lines_of(2, 1), "a1")
    s3.upload(house.folder)
    load(house)
    assert {path.suffix for path in (house.folder.parent / "cache").glob("??/*")} == {".json"}
    s3.gate.gets.clear()
    assert house.load(URL, whole=True)[0].is_new is False
    assert not s3.gate.gets


def test_an_overwritten_object_is_downloaded_alone_and_replaces_its_month(house: House, s3: Server) -> None:
    s3.put("1.csv", bill("1", "2"))
    s3.put("2.csv", csv_bytes([focus(ResourceId="other", BilledCost="4")]))
    load(house)
    s3.gate.gets.clear()
    s3.put("2.csv", csv_bytes([focus(ResourceId="other", BilledCost="5")]))
    load(house)
    assert house.billed() == 8
    assert set(s3.gate.gets) == {"2.csv"}


def test_a_deleted_object_changes_no_charge_and_is_forgotten(house: House, s3: Server) -> None:
    s3.put("1.csv", bill("1"))
    s3.put("2.csv", bill("1").replace(b"2026-01-", b"2026-02-").replace(b"2026-02-01T", b"2026-03-01T", 1))
    load(house)
    s3.delete("1.csv")
    assert "loaded" in {status for status, _ in load(house)}
    assert house.rows("SELECT url FROM remote_objects") == [(f"{URL}/2.csv",)]


@long
@pytest.mark.heavy
def test_many_objects_with_manifests_are_exact(house: House, s3: Server) -> None:
    months, parts = 10, more(19, 99)  # with a manifest each: `make soak` asks for a thousand objects
    costs = [f"0.{i:03}1" for i in range(parts)]
    for n in range(months):
        period = f"2026-{n + 1:02}"
        line = {"bill_billing_period_start_date": f"{period}-01T00:00:00Z"}
        own = [
            [cur(identity_line_item_id=str(i), line_item_unblended_cost=cost, **line)] for i, cost in enumerate(costs)
        ]
        legacy_delivery(house.folder, own, f"a{n}", period=period, current=False)
    s3.upload(house.folder)
    assert len(house.load(URL, whole=True)) == months
    assert len(set(s3.gate.gets)) == months * (parts + 1)
    assert house.billed() == months * sum(map(Decimal, costs), Decimal(0))
    assert not any(outcome.is_new for outcome in house.load(URL, whole=True))
    assert sum(s3.gate.gets.values()) == months * (parts + 1)


def test_a_server_that_fails_half_of_all_requests_changes_no_total(house: House, s3: Server) -> None:
    parts = [[cur(identity_line_item_id=str(n), line_item_unblended_cost=f"0.{n:03}")] for n in range(24)]
    legacy_delivery(house.folder, parts, "a1")
    s3.upload(house.folder)
    s3.gate.refuse = buckets.half
    s3.gate.cut = [7, 0, 300]
    assert load(house) == [("loaded", 24)]
    assert house.billed() == sum((Decimal(f"0.{n:03}") for n in range(24)), Decimal(0))
    assert sum(s3.gate.requests.values()) > 40


def test_a_download_that_breaks_off_goes_on_where_it_ended(
    house: House, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache.Cache.__init__, "__defaults__", (1000,))
    data = bill(*["1"] * 20)
    s3.put("bill.csv", data)
    s3.gate.refuse = lambda path, count: "bytes=2000-" in path  # the store is down from the third piece on
    assert load(house) == [("refused", 0)]
    s3.gate.refuse = lambda path, count: False
    s3.gate.ranges.clear()
    assert load(house) == [("loaded", 20)]
    assert s3.gate.ranges[0] == "bytes=2000-2999"
    assert len(s3.gate.ranges) == -(-len(data) // 1000) - 2


def test_an_object_that_changes_between_listing_and_reading_waits(house: House, s3: Server) -> None:
    s3.put("1.csv", bill("1"))
    s3.put("2.csv", csv_bytes([focus(ResourceId="other")]))

    def overwrite(key: str) -> None:
        if key == "2.csv":
            s3.put("2.csv", csv_bytes([focus(ResourceId="other", BilledCost="7")]))

    s3.gate.before = overwrite
    first, second = house.load(URL, whole=True)
    assert str(second.reason).startswith(f"{URL}/1.csv: waits until {URL}/2.csv can be read")
    assert first.reason == (
        f"{URL}/2.csv: changed after it was listed; nothing of it was loaded, the next run looks again"
    )
    assert house.billed() == 0
    s3.gate.before = lambda key: None
    assert load(house) == [("loaded", 2)]
    assert house.billed() == 8


def test_an_object_that_vanishes_after_the_listing_makes_its_delivery_wait(house: House, s3: Server) -> None:
    legacy_delivery(house.folder, lines_of(1, 1), "a1", current=False)
    s3.upload(house.folder)
    gone = next(key for key in s3.backend.buckets[buckets.BUCKET].keys if key.endswith("cur-2.csv.gz"))
    data = s3.backend.get_object(buckets.BUCKET, gone).value
    s3.gate.before = lambda key: s3.delete(gone) if key == gone else None
    [outcome] = house.load(URL, whole=True)
    assert (outcome.status, "changed after it was listed" in str(outcome.reason)) == ("refused", True)
    s3.gate.before = lambda key: None
    s3.put(gone, data)
    assert ("loaded", 2) in load(house)


def test_parts_that_are_overwritten_wait_for_their_new_manifest(house: House, s3: Server) -> None:
    [part] = cur2_delivery(house.folder, [[cur()]], "20260110T010203Z", ending="csv.gz")
    key = part.relative_to(house.folder).as_posix()
    s3.upload(house.folder)
    load(house)
    [manifest] = list(house.folder.rglob("*.json"))
    s3.put(key, write(part, [cur(line_item_unblended_cost="9")]).read_bytes())
    stored = s3.backend.get_object(buckets.BUCKET, key)
    stored.last_modified = stored.last_modified + timedelta(seconds=2)
    [waiting] = [each for each in house.load(URL, whole=True) if each.waits]
    assert "written after" in str(waiting.reason)
    assert house.billed() == Decimal("0.1")
    s3.put(manifest.relative_to(house.folder).as_posix(), manifest.read_bytes() + b"\n")
    later = s3.backend.get_object(buckets.BUCKET, manifest.relative_to(house.folder).as_posix())
    later.last_modified = stored.last_modified
    load(house)
    assert house.billed() == 9


def test_a_store_that_refuses_says_which_address_and_why(house: House, s3: Server) -> None:
    s3.put("bill.csv", bill("1"))
    told = [
        ("403 Forbidden", "AccessDenied", "the store does not let it be read (AccessDenied not now)"),
        ("404 Not Found", "NoSuchBucket", "there is no such bucket (NoSuchBucket not now); check the address"),
        ("503 Slow Down", "SlowDown", "the store does not answer (SlowDown not now)"),
    ]
    for status, code, said in told:
        s3.gate.requests.clear()
        s3.gate.refuse, s3.gate.status, s3.gate.code = (lambda path, count: True), status, code
        [outcome] = house.load(URL, whole=True)
        assert str(outcome.reason).startswith(f"{URL}/: {said}")
        assert max(s3.gate.requests.values()) == (8 if code == "SlowDown" else 1)
    s3.gate.refuse = lambda path, count: False
    assert load(house) == [("loaded", 1)]


def test_secrets_of_the_environment_are_told_nowhere(
    house: House, s3: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-value")
    caplog.set_level(logging.DEBUG, logger="pipeline")
    s3.put("bill.csv", bill("1"))
    s3.gate.refuse = lambda path, count: "bytes=" in path
    s3.gate.code = f"{SECRET} session-token-value http://me:pass@host/x?X-Amz-Signature=abc&sig=def"
    s3.gate.status = "403 Forbidden"
    [outcome] = house.load(URL, whole=True)
    told = (
        f"{outcome.reason} {caplog.text} {house.rows('SELECT * FROM loads')} {house.rows('SELECT * FROM load_files')}"
    )
    assert "does not let it be read" in told
    assert [word for word in (SECRET, "session-token-value", "pass@", "Signature", "sig=") if word in told] == []


def test_errors_name_the_address_and_not_the_cache(house: House, s3: Server) -> None:
    s3.put("torn.csv.gz", write(house.folder / "x.csv.gz", [focus()]).read_bytes()[:-9])
    s3.put("what.csv", b"a,b\n1,2\n")
    reasons = [str(outcome.reason) for outcome in house.load(URL, mode="each")]
    assert all(reason.startswith(URL) and "/cache/" not in reason for reason in reasons)
    assert house.value("SELECT count(*) FROM loads WHERE reason LIKE '%/cache/%'") == 0


def test_an_empty_object_is_refused_and_told(house: House, s3: Server) -> None:
    s3.put("bill.csv", b"")
    [outcome] = house.load(URL)
    assert outcome.reason == f"{URL}/bill.csv: empty file (0 bytes); it may still be on its way"


def test_a_manifest_may_not_name_another_bucket(house: House, s3: Server) -> None:
    s3.put("m.json", b'{"executionId": "e", "dataFiles": ["s3://other/x.csv"]}')
    [outcome] = house.load(URL)
    assert (
        outcome.reason
        == f"{URL}/m.json: names 's3://other/x.csv', which is outside the source; nothing of it was loaded"
    )


def test_overwritten_exports_leave_parts_that_no_manifest_names_alone(house: House, s3: Server) -> None:
    first = cur2_delivery(house.folder, lines_of(2, 2, 2), "20260110T010203Z", ending="csv.gz")
    s3.upload(house.folder)
    load(house)
    [manifest] = list(house.folder.rglob("*.json"))
    s3.put(first[2].relative_to(house.folder).as_posix(), b"")
    data = manifest.read_text().replace(', "s3://bucket/x/' + first[2].relative_to(house.folder).as_posix() + '"', "")
    s3.put(
        manifest.relative_to(house.folder).as_posix(),
        data.replace('20260110T010203Z-exec"', '20260111T010203Z"').encode(),
    )
    assert [(each.status, each.charges) for each in house.load(URL, whole=True, accept=True) if each.is_new] == [
        ("loaded", 4)
    ]


def test_what_an_address_lacks_is_said(house: House, s3: Server) -> None:
    assert house.one(f"{URL}/nowhere").reason == (
        f"{URL}/nowhere: no export there; has the provider delivered, and is the address right?"
    )


def test_settings_name_the_cache(tmp_path: Path) -> None:
    file = tmp_path / "costmill.yaml"
    file.write_text("cache: {path: kept, max_size: 1.5MiB}\n")
    assert load_settings(file, environ={}).cache == CacheSettings(tmp_path / "kept", 1_572_864)
    file.write_text("warehouse: a/b.duckdb\n")
    assert load_settings(file, environ={}).cache == CacheSettings(tmp_path / "a" / "cache")
