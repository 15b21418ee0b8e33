"""What a file is by its bytes: names decide nothing, and hostile ones are refused."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UnreadableFileError
from pipeline.sources import packed, probe
from tests.load.bills import csv_bytes, focus

CSV = csv_bytes([focus(), focus(ResourceId="2")])


def put(folder: Path, data: bytes, name: str = "bill.dat") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [1.5], "b": ["x"]}), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "container"),
    [
        (CSV, "csv"),
        (gzip.compress(CSV), "gzip"),
        (zipped(("x", CSV)), "zip"),
        (parquet(), "parquet"),
        (b'\xef\xbb\xbf \n{"a": 1}', "json"),
        (b"[1]", "json"),
    ],
)
@pytest.mark.parametrize("name", ["bill.csv", "bill.csv.gz", "bill.parquet", "bill"])
def test_the_container_is_told_by_the_first_bytes(tmp_path: Path, data: bytes, container: str, name: str) -> None:
    assert packed.container(put(tmp_path, data, name)) == container


@pytest.mark.parametrize("data", [CSV, b"\xef\xbb\xbf" + CSV, gzip.compress(CSV), zipped(("bills/x.csv", CSV))])
def test_the_header_is_read_from_any_container(tmp_path: Path, data: bytes) -> None:
    assert probe.probe(put(tmp_path, data)).columns == tuple(focus())


def test_the_header_may_have_quotes_commas_and_line_ends(tmp_path: Path) -> None:
    path = put(tmp_path, b'"a,1","b""2","c\n3"\r\n1,2,3\r\n')
    assert probe.probe(path).columns == ("a,1", 'b"2', "c\n3")


def test_parquet_names_its_types(tmp_path: Path) -> None:
    assert probe.probe(put(tmp_path, parquet())).types == ("double", "string")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file (0 bytes); it may still be on its way"),
        (b"\n1,2\n", "no header; the first line must name the columns"),
        (b",,\n1,2,3\n", "no header; the first line must name the columns"),
        (b"\xff\xfea\x00,\x00", "UTF-16 text"),
        (b"\xfe\xff\x00a\x00,", "UTF-16 text"),
        (b"a\x00,\x00b\x00", "UTF-16 text"),
        (b"\x00a\x00,\x00b", "UTF-16 text"),
        (gzip.compress("a,b".encode("utf-16")), "UTF-16 text"),
        ("a,b".encode("utf-32"), "UTF-32 text"),
        (bytes(range(128, 256)) * 10, "its header is not UTF-8 text; nothing was loaded. Export it anew as UTF-8"),
        (b'"never closed' + b"\n" * (2 << 20), "no header in the first 1048576 characters; that is no CSV"),
        (b"x" * (2 << 20), "no header in the first 1048576 characters; that is no CSV"),
        (gzip.compress(CSV)[:30], "torn or damaged gzip: "),
        (b"\x1f\x8bnot really", "torn or damaged gzip: "),
        (zipped(("x", CSV))[:100], "torn zip: the list of files at its end is missing; deliver it again"),
        (zipped(("[Content_Types].xml", b""), ("xl/workbook.xml", b"")), "an Office document, no export"),
        (zipped(("a.csv", CSV), ("b.csv", CSV)), "a zip with 2 files; an export's zip holds exactly one CSV"),
        (zipped(), "a zip with 0 files"),
        (zipped(("x", b"0" * (65 << 20))), "to 68,157,440 bytes; no bill packs so well, that is no export"),
        (zipped(("../x", CSV)), "its member '../x' leads out of the zip; no provider packs so, nothing was unpacked"),
        (zipped(("x", zipped(("y", CSV)))), "a zip inside a zip; an export is packed once, deliver it so"),
        (gzip.compress(gzip.compress(CSV)), "a gzip inside a gzip; an export is packed once, deliver it so"),
        (zipped(*((f"{n}.csv", b"") for n in range(10_000))), "a zip with 10,000 files; an export's zip holds exactly"),
        (parquet()[:-20], "torn or damaged Parquet"),
        (b"PAR1" + b"\0" * 100, "torn or damaged Parquet"),
    ],
)
def test_what_cannot_be_an_export_is_refused_with_the_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=re.escape(reason)):
        probe.probe(put(tmp_path, data))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("x", CSV)))
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 8, 1)
    with pytest.raises(UnreadableFileError, match="an encrypted zip; deliver it without a password"):
        probe.probe(put(tmp_path, bytes(data)))


def test_a_zip_is_unpacked_under_a_name_of_ours(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    unpacked = packed.unzip(put(tmp_path, zipped(("deep/evil.csv", CSV)), "bill.zip"), out)
    assert unpacked == out / "bill.csv"
    assert unpacked.read_bytes() == CSV


def test_a_zip_is_not_unpacked_where_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "DISK_RESERVE", 1 << 60)
    with pytest.raises(UnreadableFileError, match="make room, or set TMPDIR to another disk"):
        packed.unzip(put(tmp_path, zipped(("x", CSV))), tmp_path)


def test_a_list_of_members_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    end = b"PK\x05\x06" + b"\0" * 8 + (1 << 30).to_bytes(4, "little") + b"\0" * 6
    with pytest.raises(UnreadableFileError, match=r"a zip whose list of files alone has 1,073,741,824 bytes"):
        probe.probe(put(tmp_path, b"PK\x03\x04" + b"\0" * 100 + end))


def test_a_gzip_bomb_is_told_before_it_is_unpacked_whole(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"to more than 67,108,864 bytes; no bill packs so well"):
        packed.check_gzip(put(tmp_path, gzip.compress(b"\n" * (68 << 20))))


def test_a_zip_that_is_damaged_inside_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("x", CSV * 50)))
    data[60] ^= 0xFF
    with pytest.raises(UnreadableFileError, match="torn or damaged zip"):
        packed.unzip(put(tmp_path, bytes(data)), tmp_path)


@pytest.mark.parametrize(
    "data", [gzip.compress(CSV), gzip.compress(CSV) + gzip.compress(CSV), gzip.compress(b"", mtime=0)]
)
@pytest.mark.parametrize("padding", [b"", b"\0" * 600])
def test_a_sound_gzip_of_one_or_more_members_passes(tmp_path: Path, data: bytes, padding: bytes) -> None:
    packed.check_gzip(put(tmp_path, data + padding))


def test_a_sound_gzip_longer_than_a_piece_passes(tmp_path: Path) -> None:
    packed.check_gzip(put(tmp_path, gzip.compress(b"0123456789" * 2_000_000)))


@pytest.mark.parametrize("cut", [1, 4, 8, 12])
def test_a_torn_gzip_is_noticed(tmp_path: Path, cut: int) -> None:
    with pytest.raises(UnreadableFileError, match="torn or damaged gzip: it ends before its end-of-stream mark"):
        packed.check_gzip(put(tmp_path, gzip.compress(CSV)[:-cut]))


@pytest.mark.parametrize("place", [-8, -1])
def test_a_gzip_whose_checksum_or_length_is_wrong_is_noticed(tmp_path: Path, place: int) -> None:
    data = bytearray(gzip.compress(CSV))
    data[place] ^= 1
    with pytest.raises(UnreadableFileError, match="torn or damaged gzip"):
        packed.check_gzip(put(tmp_path, bytes(data)))
