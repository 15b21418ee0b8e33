"""Files that are torn, damaged or made to do harm: refused or taken as the text they are, and the others go on."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.sources import find
from pipeline.sources.find import ExportFile
from tests.load.bills import House, csv_bytes, focus, legacy_delivery, lines_of, write

EVIL = [
    "'; DROP TABLE charges; --",
    '"; DROP TABLE charges; --',
    "<script>alert(1)</script>",
    "=cmd|'/c calc'!A1",
    "{{ 7 * 7 }}",
    "$source ? :1 %s {0}",
    "\\x00\\u0000\\",
    "\u202egnp.exe",
    "a\tb",
    "𝕏" * 300,
    "x" * 70_000,
]


def put(house: House, data: bytes, name: str = "bill.csv") -> Path:
    path = house.folder / name
    path.write_bytes(data)
    return path


def test_text_of_any_kind_is_only_text(house: House) -> None:
    rows = [
        focus(ChargeDescription=text, ResourceId=text, ServiceName=text, Tags=json.dumps({text: text})) for text in EVIL
    ]
    rows = [row | {"x_note": row["ResourceId"]} for row in rows]
    found = house.charges(rows, keep_columns=("x_note",), keys=tuple(EVIL))
    assert len(found) == len(EVIL)
    for row in found:
        text = row["ChargeDescription"]
        assert (row["ResourceId"], row["ServiceName"], row["x_note"]) == (text, text, text)
        assert json.loads(row["Tags"]) == {text: text}


def test_column_names_of_any_kind_are_only_names(house: House) -> None:
    names = [*EVIL[:8], 'a"b', "c`d", "e]f", "g\nh"]
    row = focus() | dict.fromkeys(names, "1")
    for ending in ("csv", "parquet"):
        path = write(house.folder / f"bill.{ending}", [row])
        assert house.one(path, source=ending, keep_columns=tuple(names[2:4])).status == "loaded"
    assert house.value("SELECT max(x_script_alert_1_script) FROM focus_data_table") == "1"


def test_tag_keys_in_columns_are_only_keys(house: House) -> None:
    from tests.load.bills import cur, legacy

    row = legacy(cur()) | {f"resourceTags/user:{text}": "1" for text in EVIL[:5]}
    assert set(json.loads(house.charge(row)["Tags"])) == set(EVIL[:5])


NAMES = ["it's", 'say "x"', "bill[1]", "all*", "what?", "a=7", "BilledCost=5", "${HOME}", "a b;c"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_path_of_any_kind_means_one_file(house: House, ending: str) -> None:
    paths = []
    for number, name in enumerate(NAMES):
        row = focus(Tags=None, ResourceId=name, BilledCost=str(2**number))
        paths.append(write(house.folder / name / f"{name}.{ending}", [row]))
        for decoy in ("bill1", "allies", "whats"):
            write(house.folder / name / f"{decoy}.{ending}", [row | {"BilledCost": "10000"}])
    outcome = house.one(*paths, mode="one")
    assert outcome.status == "loaded", outcome.reason
    assert house.rows("SELECT path, rows FROM load_files ORDER BY path") == [(str(path), 1) for path in sorted(paths)]
    assert house.rows("SELECT ResourceId, BilledCost FROM focus_data_table ORDER BY 2") == [
        (name, Decimal(2**number)) for number, name in enumerate(NAMES)
    ]
    single = house.one(paths[2], source="single")
    assert (single.status, single.charges) == ("loaded", 1)


@pytest.mark.parametrize("cut", [1, 8, 40, 200])
def test_a_torn_gzip_is_refused(shared: House, cut: int) -> None:
    path = put(shared, gzip.compress(csv_bytes([focus(ResourceId=str(n)) for n in range(50)]))[:-cut], f"torn-{cut}.gz")
    outcome = shared.one(path, source=path.name)
    assert outcome.status == "refused"
    assert "deliver" in str(outcome.reason)


def test_a_gzip_whose_checksum_is_wrong_is_refused_though_it_unpacks(house: House) -> None:
    data = bytearray(gzip.compress(csv_bytes([focus()])))
    data[-8] ^= 1
    assert "torn or damaged gzip: Error -3 while decompressing data: incorrect data check" in str(
        house.one(put(house, bytes(data))).reason
    )
    assert house.value("SELECT count(*) FROM charges") == 0


def test_what_is_no_export_is_refused_and_the_others_go_on(house: House) -> None:
    good = csv_bytes([focus()])
    bad: dict[str, tuple[bytes, str]] = {
        "empty": (b"", "empty file (0 bytes)"),
        "random": (os.urandom(5000).replace(b"\n", b"x"), ""),
        "bytes": (bytes(range(256)) * 50, ""),
        "png": (b"\x89PNG\r\n\x1a\n" + bytes(1000), ""),
        "utf-16": (good.decode().encode("utf-16"), "UTF-16 text"),
        "semicolons": (good.replace(b",", b";"), "separated by semicolons"),
        "open quote": (good.replace(b"an hour", b'"an hour'), "deliver the file again"),
        "quote inside": (
            good.replace(b"an hour", b'an "hour" x"').replace(b"Lumen", b'"Lu"men'),
            "deliver the file again",
        ),
    }
    for name, (data, _) in bad.items():
        put(house, data, f"{name}.csv")
    write(house.folder / "good.csv", [focus()])
    told = {Path(outcome.name).stem: outcome for outcome in house.load(mode="each")}
    assert {name for name, outcome in told.items() if outcome.status == "loaded"} == {"good"}
    for name, (_, reason) in bad.items():
        assert told[name].status == "refused", name
        assert reason in str(told[name].reason)
    assert house.billed() == Decimal("1.5")


def test_bytes_that_are_no_utf8_reject_their_row(house: House) -> None:
    data = csv_bytes([focus(), focus(ChargeDescription="XX"), focus()]).replace(b"XX", b"\xff\xfe")
    assert house.one(put(house, data), max_rejected=Decimal("0.5")).charges == 2
    assert house.rejected() == [(2, 3, None, None, "is not UTF-8 text")]


def test_nul_bytes_in_text_are_kept(house: House) -> None:
    charge = house.one(put(house, csv_bytes([focus(ChargeDescription="a\0b")])))
    assert charge.status == "loaded"
    assert house.rows("SELECT ChargeDescription FROM charges") == [("a\0b",)]


def test_line_ends_and_marks_do_not_matter(house: House) -> None:
    for number, (ends, mark) in enumerate(itertools.product([b"\r\n", b"\r", b"\n", b"mixed"], [b"", b"\xef\xbb\xbf"])):
        rows = [focus(ResourceId=f"{number}-{n}", BilledCost=str(4**number)) for n in range(2)]
        header, one, two, rest = csv_bytes(rows).split(b"\n")
        body = b"\r\n".join([header, one]) + b"\n" + two if ends == b"mixed" else ends.join([header, one, two, rest])
        put(house, mark + body, f"{number}.csv")
    outcome = house.one(mode="one")
    assert (outcome.status, outcome.charges) == ("loaded", 16)
    assert house.rows("SELECT DISTINCT rows FROM load_files") == [(2,)]
    assert house.billed() == sum(2 * 4**number for number in range(8))


@pytest.mark.parametrize("bad", [b"", b"ragged\n"])
def test_blank_lines_are_no_rows(house: House, bad: bytes) -> None:
    for number, blank in enumerate((b"\n", b"\n\n\r\n")):
        first, second = (csv_bytes([focus(ResourceId=f"{number}-{n}")]) for n in range(2))
        put(house, first + blank + second.split(b"\n", 1)[1] + blank + bad, f"{number}.csv")
    outcome = house.one(mode="one", max_rejected=Decimal("0.5"))
    assert (outcome.status, outcome.charges) == ("loaded", 4)
    assert house.rows("SELECT rows FROM load_files") == [(3 if bad else 2,)] * 2


def test_four_thousand_columns_are_read(house: House) -> None:
    row = focus() | {f"column {n}": str(n) for n in range(4000)}
    assert house.one(write(house.folder / "wide.csv", [row])).status == "loaded"
    assert len(json.loads(house.value("SELECT dropped_columns FROM loads"))) == 4000


def test_a_line_of_twenty_megabytes_is_refused(house: House) -> None:
    data = csv_bytes([focus(), focus(ChargeDescription="y" * (20 << 20))])
    outcome = house.one(put(house, data))
    assert outcome.status == "refused"
    assert "line 3 is longer than 16,777,216 characters; no bill has such a line" in str(outcome.reason)


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped(("a.csv", b"1"), ("b.csv", b"2")), "a zip with 2 files"),
        (zipped(("bomb.csv", b"0" * (65 << 20))), "to 68,157,440 bytes; no bill packs so well, that is no export"),
        (zipped(("a.csv", csv_bytes([focus()])))[:-30], "torn zip"),
    ],
    ids=["two", "bomb", "torn"],
)
def test_a_zip_that_is_no_export_is_refused(house: House, data: bytes, reason: str) -> None:
    assert reason in str(house.one(put(house, data)).reason)


def test_a_zip_whose_member_climbs_out_is_not_unpacked(house: House, tmp_path: Path) -> None:
    path = put(house, zipped(("../../../../evil.csv", csv_bytes([focus()]))), "bill.zip")
    assert "leads out of the zip; no provider packs so, nothing was unpacked" in str(house.one(path).reason)
    assert not list(tmp_path.rglob("evil.csv"))


def test_a_damaged_page_of_parquet_is_refused_and_the_others_go_on(house: House) -> None:
    rows = [focus(Tags=None, ResourceId=f"resource {n * 7919 % 1000}", ListCost=n / 7) for n in range(3000)]
    path = write(house.folder / "bad.parquet", rows)
    place = next(
        column.data_page_offset
        for number in range(pq.read_metadata(path).num_columns)
        if (column := pq.read_metadata(path).row_group(0).column(number)).path_in_schema == "ListCost"
    )
    data = bytearray(path.read_bytes())
    data[place : place + 200] = bytes(200)
    path.write_bytes(data)
    write(house.folder / "good.csv", [focus(BillingPeriodStart="2026-02-01T00:00:00Z")])
    assert sorted(outcome.status for outcome in house.load()) == ["loaded", "refused"]
    assert house.rows("SELECT x_BillingPeriod FROM charges") == [("2026-02",)]


def test_parquet_cut_short_is_refused(house: House) -> None:
    path = write(house.folder / "bill.parquet", [focus(Tags=None)])
    path.write_bytes(path.read_bytes()[:-100])
    assert "torn or damaged Parquet" in str(house.one().reason)


@pytest.mark.parametrize(("ending", "change"), [("csv", "remove"), ("parquet", "grow")])
def test_a_file_that_changes_while_it_is_loaded_is_refused(
    shared: House, monkeypatch: pytest.MonkeyPatch, ending: str, change: str
) -> None:
    path = write(shared.folder / f"changing-{change}.{ending}", [focus(Tags=None)])
    check, calls = find.check_unchanged, []

    def changing(file: ExportFile) -> None:
        calls.append(file)
        if len(calls) == 3:  # hashed, staged, and now about to commit
            path.unlink() if change == "remove" else path.write_bytes(path.read_bytes() + b"\n")
        check(file)

    monkeypatch.setattr(find, "check_unchanged", changing)
    outcome = shared.one(path, source=f"{ending} {change}")
    assert outcome.status == "refused"
    assert str(outcome.reason).endswith(("run again when it is whole", "nothing of it was loaded"))
    assert shared.value("SELECT count(*) FROM charges WHERE x_Source = ?", [f"{ending} {change}"]) == 0


def test_pipes_folders_and_loops_named_like_exports_are_left_alone(house: House) -> None:
    os.mkfifo(house.folder / "pipe.csv")
    (house.folder / "folder.csv").mkdir()
    (house.folder / "loop.csv").symlink_to("loop.csv")
    (house.folder / "up").symlink_to(house.folder)
    write(house.folder / "bill.csv", [focus()])
    assert house.one().charges == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused_and_the_others_go_on(house: House) -> None:
    write(house.folder / "closed.csv", [focus()]).chmod(0)
    write(house.folder / "open.csv", [focus()])
    assert sorted(outcome.status for outcome in house.load()) == ["loaded", "refused"]


def test_a_delivery_of_two_formats_is_refused(house: House) -> None:
    from tests.load.bills import cur

    paths: list[Any] = [write(house.folder / "1.csv", [focus()]), write(house.folder / "2.csv", [cur()])]
    assert "one delivery has one format; give them to sources of their own" in str(house.one(*paths, mode="one").reason)


def test_parts_may_have_other_columns_and_containers_and_a_gzip_several_members(house: House) -> None:
    parts = [[focus()], [focus(ResourceId="2", InvoiceId="i")], [focus(ResourceId="3", AvailabilityZone=...)]]
    for part, ending in zip(parts, ("csv", "csv.gz", "zip"), strict=True):
        write(house.folder / f"part.{ending}", part)
    whole = csv_bytes([focus(ResourceId="4"), focus(ResourceId="5")])
    put(house, gzip.compress(whole[:200]) + gzip.compress(whole[200:]), "members.csv.gz")
    assert house.one(mode="one").charges == 5
    assert house.value("SELECT rows FROM load_files WHERE path LIKE '%members.csv.gz'") == 2


def test_a_part_of_a_manifest_that_is_damaged_refuses_the_whole(house: House) -> None:
    parts = legacy_delivery(house.folder, lines_of(2, 1), "a1")
    parts[1].write_bytes(parts[1].read_bytes()[:-9])
    assert house.one().status == "refused"
    assert house.value("SELECT count(*) FROM charges") == 0
