"""docs/bad-input.md: each kind of bad input ends in the message that the page shows, and loses nothing."""

from __future__ import annotations

import gzip
import io
import json
import resource
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.sources import find
from pipeline.sources.find import ExportFile
from tests.load import azure, bills
from tests.load.bills import House, csv_bytes, focus, write

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "bad-input.md").read_text(encoding="utf-8")
#: What is loaded before the bad input comes, and must still be there afterwards.
GOOD = [focus(ResourceId="good", BilledCost="7", BillingPeriodStart="2025-12-01T00:00:00Z")]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which what is good is loaded."""
    folder = tmp_path_factory.mktemp("good")
    with bills.house(folder) as opened:
        opened.load(write(folder / "good.csv", GOOD), source="good")
        opened.warehouse.execute("CHECKPOINT")
    return folder / "costs.duckdb"


@pytest.fixture
def house(tmp_path: Path, good: Path) -> Iterator[House]:
    """A copy of it, and one source that has no files yet."""
    with bills.house(tmp_path, good) as opened:
        yield opened


def put(house: House, data: bytes, name: str = "bill.csv") -> Path:
    path = house.folder / name
    path.write_bytes(data)
    return path


def shown(house: House, text: str) -> str:
    """A message as the page shows it: paths from the source's folder on."""
    return text.replace(f"{house.folder}/", "").replace("\N{NO-BREAK SPACE}", " ")


def refused(house: House, title: str, data: bytes | None = None, name: str = "bill.csv") -> None:
    """Load what is there (or ``data``): it is refused with the message under a title of the page, and nothing is lost."""
    if data is not None:
        put(house, data, name)
    outcome = house.load(whole=True)[0]
    assert outcome.status == "refused"
    assert shown(house, str(outcome.reason)) in section(title)
    assert house.billed() == 7


def rejected(house: House, title: str, *rows: dict[str, object]) -> None:
    """Load rows of which some are bad: the page shows why, the good ones load where that is allowed."""
    path = write(house.folder / "bill.csv", rows)
    told_of(house, title, path)


def told_of(house: House, title: str, path: Path) -> None:
    outcome = house.one(path, max_rejected=Decimal("0.9"))
    told = section(title)
    lines = house.rows("SELECT record, line, column_name, value, reason FROM rejected_rows ORDER BY record")
    assert lines
    for record, line, column, value, reason in lines:
        cells = (record, line, column, value, reason)
        assert "  ".join(str(cell) for cell in cells if cell is not None) in told
    assert (outcome.status, outcome.rows_rejected) == ("loaded", len(lines))
    assert house.billed() == 7 + Decimal("1.5")


def section(title: str) -> str:
    """What the page says under a title, white space as single blanks but between the cells of a listing."""
    return PAGE.split(f"\n### {title}\n", 1)[1].split("\n### ", 1)[0]


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def test_every_section_of_the_page_is_tested() -> None:
    titles = [line[4:] for line in PAGE.splitlines() if line.startswith("### ")]
    source = Path(__file__).read_text(encoding="utf-8")
    assert [title for title in titles if f'"{title}"' not in source] == []
    assert len(titles) >= 26


# --- files ----------------------------------------------------------------------------------


def test_an_empty_file(house: House) -> None:
    refused(house, "Empty file", b"")


def test_a_header_only(house: House) -> None:
    outcome = house.one(write(house.folder / "bill.csv", [], list(focus())))
    assert (outcome.status, outcome.charges, outcome.waits) == ("empty", 0, False)
    assert str(outcome.reason) in section("Header only")


def test_a_truncated_gzip(house: House) -> None:
    whole = gzip.compress(csv_bytes([focus(ResourceId=str(n)) for n in range(50)]), mtime=0)
    refused(house, "Truncated gzip", whole[:-200], "bill.csv.gz")


def test_what_its_name_does_not_say_is_taken_for_what_it_is(house: House) -> None:
    put(house, gzip.compress(csv_bytes([focus()])), "bill.parquet")
    assert house.one().status == "loaded"
    (house.folder / "bill.parquet").unlink()
    outcome = house.one(put(house, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"))
    assert shown(house, str(outcome.reason)) in section("Not what its name says")


def test_marks_and_line_ends_load(house: House) -> None:
    header, one, two, _ = csv_bytes([focus(), focus(ResourceId="2")]).split(b"\n")
    put(house, b"\xef\xbb\xbf" + b"\n".join([header, one]), "mark.csv")
    put(house, header + b"\r\n" + one.replace(b"r-1", b"3") + b"\n" + two + b"\r\n", "ends.csv")
    outcome = house.one(mode="one")
    assert (outcome.status, outcome.charges) == ("loaded", 3)
    assert all("loads" in section(title) for title in ("A byte order mark", "Mixed line ends"))


def test_ragged_rows(house: House) -> None:
    header, good, _ = csv_bytes([focus()]).split(b"\n")
    path = put(house, b"\n".join([header, good, good.rpartition(b",")[0].rpartition(b",")[0], good + b",x", b""]))
    told_of(house, "Ragged rows", path)


def test_quoted_newlines(house: House) -> None:
    house.charges([focus(ChargeDescription="an hour\r\nand a half\n")])
    [charge] = house.table("SELECT * FROM focus_data_table WHERE x_Source = 'bill'")
    assert charge["ChargeDescription"] == "an hour\r\nand a half\n"
    assert "loads" in section("Quoted newlines")


def test_a_quotation_mark_that_is_never_closed(house: House) -> None:
    refused(house, "A quotation mark that is never closed", csv_bytes([focus()]).replace(b"an hour", b'"an hour'))


def test_a_line_without_an_end(house: House) -> None:
    path = put(house, csv_bytes([focus()]))
    with path.open("r+b") as file:
        file.truncate(150 << 20)  # a line of zeros; of a gigabyte no more would be read, but all of it hashed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(house, "A line without an end")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 120_000  # KiB


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_a_text_in_utf_16(house: House, order: str) -> None:
    refused(house, "UTF-16", ("\ufeff" + csv_bytes([focus()]).decode().replace(",", "\t")).encode(order))


def test_a_header_in_another_encoding(house: House) -> None:
    refused(house, "A header that is no UTF-8", csv_bytes([focus() | {"Gebühr": "1"}]).decode().encode("latin-1"))


@pytest.mark.parametrize("separator", [b";", b"\t"])
def test_columns_between_semicolons_or_tabs(house: House, separator: bytes) -> None:
    refused(house, "Semicolons or tabs", csv_bytes([focus()]).replace(b",", separator))


def test_a_file_that_changes_while_it_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    path, check = put(house, csv_bytes([focus()])), find.check_unchanged

    def appended(file: ExportFile) -> None:
        path.write_bytes(path.read_bytes() + b"\n")
        check(file)

    monkeypatch.setattr(find, "check_unchanged", appended)
    refused(house, "A file that changes while it is read")
    monkeypatch.undo()
    assert house.one().status == "loaded"


# --- archives -------------------------------------------------------------------------------


def test_a_zip_with_a_path_that_climbs_out(house: House, tmp_path: Path) -> None:
    refused(house, "A zip with a path that climbs out", zipped(("../../evil.csv", csv_bytes([focus()]))), "bill.zip")
    assert not list(tmp_path.rglob("evil.csv"))


def test_a_zip_with_ten_thousand_entries(house: House) -> None:
    refused(house, "A zip with many files", zipped(*((f"{n}.csv", b"") for n in range(10_000))), "bill.zip")


def test_a_zip_bomb(house: House) -> None:
    data = zipped(("bill.csv", csv_bytes([focus()]) + b"0" * (80 << 20)))
    refused(house, "A zip bomb", data, "bill.zip")


def test_a_gzip_bomb(house: House) -> None:
    refused(house, "A gzip bomb", gzip.compress(csv_bytes([focus()]) + b"\n" * (80 << 20), mtime=0), "bill.csv.gz")


def test_a_torn_zip(house: House) -> None:
    refused(house, "A torn zip", zipped(("bill.csv", csv_bytes([focus()])))[:-60], "bill.zip")


def test_an_excel_workbook(house: House) -> None:
    data = zipped(("[Content_Types].xml", b""), ("xl/worksheets/sheet1.xml", b""))
    refused(house, "An Excel workbook", data, "bill.xlsx")


def test_an_archive_in_an_archive(house: House) -> None:
    refused(house, "An archive inside an archive", zipped(("bill.zip", zipped(("bill.csv", b"")))), "bill.zip")


def test_an_encrypted_zip(house: House) -> None:
    data = bytearray(zipped(("bill.csv", csv_bytes([focus()]))))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    refused(house, "An encrypted zip", bytes(data), "bill.zip")


# --- columns --------------------------------------------------------------------------------


def test_an_unknown_version(house: House) -> None:
    old = {"AmortizedCost": "1", "ChargeType": "Usage", "BillingCurrency": "USD", "Provider": "AWS"}
    refused(house, "An unknown version", csv_bytes([old]))


def test_a_mandatory_column_that_is_missing(house: House) -> None:
    refused(house, "A mandatory column that is missing", csv_bytes([focus(BillingCurrency=...)]))


def test_column_names_that_are_one_after_case_folding(house: House) -> None:
    refused(house, "One column twice", csv_bytes([focus() | {"billedcost": "9"}]))


def test_four_thousand_columns(house: House) -> None:
    outcome = house.one(put(house, csv_bytes([focus() | {f"x_Extra{n}": "1" for n in range(4000)}])))
    assert (outcome.status, outcome.charges) == ("loaded", 1)
    assert "loads" in section("Thousands of columns")


def test_names_and_values_full_of_quotes_sql_and_html(house: House) -> None:
    evil = "'; DROP TABLE charges; --\"<script>alert(1)</script>"
    row = focus(ChargeDescription=evil, ServiceName=evil, Tags=json.dumps({evil: evil})) | {evil: evil}
    house.charges([row], keys=(evil,), keep_columns=(evil,))
    [charge] = house.table("SELECT * FROM focus_data_table WHERE x_Source = 'bill'")
    assert (charge["ChargeDescription"], json.loads(charge["Tags"])) == (evil, {evil: evil})
    assert "loads" in section("Quotes, SQL and HTML")


# --- values ---------------------------------------------------------------------------------


def test_words_nan_infinity_and_1e400_in_a_cost(house: House) -> None:
    bad = ("twelve", "NaN", "Infinity", "1e400", "1_000")
    rejected(house, "A cost that is no number", focus(), *(focus(BilledCost=value) for value in bad))


def test_two_currencies_in_a_column_meant_for_one(house: House) -> None:
    path = write(house.folder / "bill.csv", [focus(), focus(BillingCurrency="USD/EUR")])
    assert house.one(path).status == "refused"  # as nothing was said of rejected rows
    assert house.billed() == 7
    told_of(house, "Two currencies in one value", path)


def test_a_date_that_is_none(house: House) -> None:
    bad = ("2026-02-30T00:00:00Z", "yesterday", "3/1/26")
    rejected(house, "A date that is none", focus(), *(focus(ChargePeriodStart=value) for value in bad))


def test_costs_with_a_decimal_comma(house: House) -> None:
    rejected(house, "Decimal commas", focus(), *(focus(BilledCost=value) for value in ("4,2", "1.234,50", "1,234")))


def test_a_date_with_the_day_first(house: House) -> None:
    rows = [azure.ea(Date="03/01/2026"), azure.ea(Date="13/01/2026"), azure.ea(Date="01/14/2026")]
    refused(house, "A date with the day first", csv_bytes(rows))
    assert house.one(max_rejected=Decimal(1)).status == "refused"
    assert house.billed() == 7


def test_no_row_of_a_known_billing_period(house: House) -> None:
    rows = [focus(BillingPeriodStart=text) for text in ("1/1/26", "January")]
    refused(house, "No billing period that can be read", csv_bytes(rows))


def test_bytes_that_are_no_text(house: House) -> None:
    good, bad = csv_bytes([focus()]), csv_bytes([focus(ResourceId="XX")]).split(b"\n", 1)[1]
    told_of(house, "Bytes that are no UTF-8", put(house, good + bad.replace(b"XX", b"\xff\xfe")))


# --- manifests ------------------------------------------------------------------------------


def test_a_manifest_that_points_outside_the_source(house: House) -> None:
    write(house.folder.parent / "secret.csv", [focus()])
    told = json.dumps({"executionId": "e", "dataFiles": ["../secret.csv"]}).encode()
    refused(house, "A manifest that points outside the source", told, "Manifest.json")


def test_a_manifest_that_names_a_missing_file(house: House) -> None:
    told = json.dumps({"executionId": "e", "dataFiles": ["bill.csv"]}).encode()
    refused(house, "A manifest that names a missing file", told, "Manifest.json")
    write(house.folder / "bill.csv", [focus()])
    assert house.load(whole=True)[0].status == "loaded"


def test_a_part_that_is_half_uploaded(house: House) -> None:
    data = csv_bytes([focus()])
    told = {"blobs": [{"blobName": "bill.csv", "byteCount": len(data)}], "runInfo": {"runId": "r"}}
    put(house, json.dumps(told).encode(), "manifest.json")
    refused(house, "A part of the wrong size", data[:100])
    put(house, data)
    assert house.load(whole=True)[0].status == "loaded"
