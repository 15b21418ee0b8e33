"""Real and published exports (../shared/data): exact rows and sums, or refused with the reason.

The sums are taken here by Python's decimals over the text of the file, and must be the ones that the folder's README gives.
"""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import money
from pipeline.config.fields import Tolerance
from pipeline.errors import ExportError
from pipeline.sources import formats, probe
from tests.load.bills import House, touch
from tests.load.test_gcp import REAL as GCP
from tests.soak import long

#: Files that load, a list for each provider: their rows, and their sums of BilledCost and (where the file has it)
#: EffectiveCost as the README gives them.
Totals = tuple[int, str, str | None]
_TOOLKIT = "guymano-focus-data-toolkit/{}_cost_and_usage_rows25_seed7{}.csv"
FOCUS_FILES: dict[str, Totals] = {
    "finops-foundation-focus-sample/focus_sample.csv": (1000, "20.52022672899", "14.97651418586"),
    "focus_validator/all_pass.csv": (2, "1.1", "1.01"),
    "focus_validator/all_pass_0.5.csv": (2, "1.1", "1.01"),
}
FOCUS_FILES |= {
    _TOOLKIT.format(name, kind): (25, billed, effective)
    for name, kind, billed, effective in [
        ("aws_1_2", "", "27.339199", "27.339199"),
        ("aws_1_3", "", "1020.13743776197748", "287.66680576197748"),
        ("aws_1_3", "_credits", "929.19897776197748", "196.72834576197748"),
        ("azure_1_2", "", "624.24788387618795", "119.31918987618795"),
        ("azure_1_2", "_credits", "592.78529887618795", "87.85660487618795"),
        ("azure_1_3", "", "29.22750830938535", "29.22750830938535"),
        ("gcp_1_2", "", "1113.58922527449205", "393.37878227449205"),
        ("gcp_1_2", "_credits", "1010.67926227449205", "290.46881927449205"),
        ("gcp_1_3", "", "195.30688799351503", "195.30688799351503"),
        ("gcp_1_3", "_credits", "1482.094223", "-82.199533"),
    ]
}
AWS_FILES: dict[str, Totals] = {
    "focus_converters/aws/sample-anonymous-aws-export-dataset.csv": (1281, "1.6823086974", None),
    "keboola-aws-cur/cur_1_0/MockTestReport-00001.csv.zip": (3, "0.045152", None),
    "keboola-aws-cur/cur_1_0/sample_billing_data.csv": (3, "0.045152", None),
    "keboola-aws-cur/cur_2_0/MockTestReportV2-00001.csv.gz": (4, "0.108304", None),
    "koku/aws/2022-07-01-alt-columns.csv": (2, "0", None),
    "koku/aws/2023-06-01-not-final.csv": (3, "30", None),
    "koku/aws/2023-06-01.csv": (3, "30", None),
    "koku/aws/empty_frame.csv": (0, "0", None),
}
OCI_FILES: dict[str, Totals] = {
    "koku/oci/reports_cost-csv_0001000000603747.csv": (5, "0.000040641", "0.000040641"),
    "nise/oci_cost/reports_cost-csv_nise.csv.gz": (2880, "190732.32", "190732.32"),
}
AZURE_FILES: dict[str, Totals] = {
    "focus_converters/azure/sample-anonymous-ea-export-dataset.csv": (27, "1.26136926505726", None),
    "koku/azure/azure_camelCased.csv": (3, "0.00011016", None),
    "koku/azure/azure_version_2.csv": (5, "19.998413754", None),
    "koku/azure/costreport_a243c6f2-199f-4074-9a2c-40e671cf1584.csv": (3, "0.00011016", None),
    "koku/azure/empty_frame.csv": (0, "0", None),
    "opencost-azure/headersets/Enterprise.csv": (1, "0", None),
    "opencost-azure/headersets/PayAsYouGo.csv": (1, "0.075", None),
}
LOADED = FOCUS_FILES | AWS_FILES | AZURE_FILES | OCI_FILES
#: Of a layout that another file has as well, with more in it; `make soak` loads these, too.
TWINS = {_TOOLKIT.format(name, "") for name in ("aws_1_3", "azure_1_2", "gcp_1_2", "gcp_1_3")}
TWINS |= {"keboola-aws-cur/cur_1_0/sample_billing_data.csv", "koku/aws/2023-06-01-not-final.csv"}

#: Files and folders of what is no known format, a list for each provider, and what the refusal says.
FOCUS_REFUSED = {
    "focus-spec-examples/commitment_discount_flexibility": "which also needs BillingCurrency",
    "focus-spec-examples/commitment_discount_scenarios": "which also needs BillingCurrency",
    "focus_validator/fail_invoice_issuer.csv": "which also needs EffectiveCost, BillingPeriodStart, ChargePeriodStart",
    "focus_validator/multiple_failure_examples.csv": "Seen: ChargeType, InvoiceIssuer",
}
OCI_REFUSED = {
    "koku/oci/reports_usage-csv_0001000000829494.csv": "an OCI usage report, which has no costs; give the cost report",
}
AZURE_REFUSED = {
    # No column says in which currency these costs are: money of an unknown currency is not loaded.
    "opencost-azure/values": "without the column(s) BillingCurrency or BillingCurrencyCode or Currency; export them too",
}
UNKNOWN = FOCUS_REFUSED | OCI_REFUSED | AZURE_REFUSED
DAMAGED_TIMES = "focus-spec-examples/saas_examples"


def records(path: Path) -> Iterator[dict[str, str]]:
    """The rows of an export by Python alone."""
    data = path.read_bytes()
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(archive.namelist()[0])
    elif data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    names = next(lines, [])
    yield from (dict(zip(names, line, strict=True)) for line in lines if line)  # half the time of a DictReader


def cells(path: Path, *names: str) -> Iterator[tuple[str, ...]]:
    """The cells of some columns of a large CSV, by Python alone: a dictionary of each row takes most of the time."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        header = next(lines)
        places = [header.index(name) for name in names]
        yield from (tuple(line[place] for place in places) for line in lines if line)


def summed(rows: Iterable[dict[str, str]], *names: str) -> Decimal:
    """The exact sum of the first of the columns that the file has."""
    texts = [next((row[name] for name in names if name in row), None) for row in rows]
    return money.total(Decimal(text) for text in texts if text and text != "NULL")


BILLED = (
    *("BilledCost", "lineItem/UnblendedCost", "line_item_unblended_cost", "cost/myCost"),
    *("CostInBillingCurrency", "PreTaxCost", "preTaxCost"),
)
EFFECTIVE = ("EffectiveCost", "AmortizedCost", "cost/myCost")


@pytest.mark.parametrize("name", [pytest.param(name, marks=long if name in TWINS else ()) for name in LOADED])
def test_a_real_export_loads_to_the_last_digit(shared: House, exports: Path, name: str) -> None:
    rows, billed, effective = LOADED[name]
    written = list(records(exports / name))
    assert (len(written), summed(written, *BILLED)) == (rows, Decimal(billed))
    outcomes = shared.load(exports / name, source=name)
    assert {outcome.status for outcome in outcomes} == {"loaded" if rows else "empty"}
    sql = (
        "SELECT count(*), coalesce(sum(BilledCost), 0), coalesce(sum(EffectiveCost), 0) FROM charges WHERE x_Source = ?"
    )
    [(count, total, effective_total)] = shared.rows(sql, [name])
    assert (count, total) == (rows, Decimal(billed))
    if effective is not None:
        assert effective_total == summed(written, *EFFECTIVE) == Decimal(effective)
    assert shared.value("SELECT count(*) FROM loads WHERE x_Source = ? AND rows_rejected > 0", [name]) == 0


def test_every_real_export_is_in_one_of_the_lists(exports: Path) -> None:
    known = [*LOADED, *UNKNOWN, DAMAGED_TIMES, "koku/test_cur.csv", "nise/aws_cur", "aws-schema-only", "lookups"]
    known += [*GCP, "nise/azure_v2"]
    files = [
        str(path.relative_to(exports)) for path in exports.rglob("*") if path.is_file() and "manifest" not in path.name
    ]
    left = [name for name in files if not any(name.startswith(each) for each in (*known, "README"))]
    assert left == []


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_no_known_format_is_refused_by_what_it_has(exports: Path, name: str) -> None:
    given = exports / name
    files = [given] if given.is_file() else [path for path in given.rglob("*.csv*") if path.is_file()]
    assert files
    for path in files:
        with pytest.raises(ExportError) as caught:
            formats.resolve(probe.probe(path).columns, str(path))
        assert UNKNOWN[name] in str(caught.value)


def test_examples_with_dates_of_no_standard_are_refused_row_by_row(house: House, exports: Path) -> None:
    files = sorted((exports / DAMAGED_TIMES).rglob("*.csv"))
    assert {outcome.status for outcome in house.load(*files, mode="each")} == {"refused"}
    expected = sum(len(list(records(path))) for path in files)
    assert house.value("SELECT sum(rows_rejected) FROM loads") == expected
    assert {row[2:] for row in house.rejected() if row[2] == "BillingPeriodStart"} >= {
        ("BillingPeriodStart", "4/1/25", "is no ISO 8601 time such as 2026-03-01T00:00:00Z")
    }


def test_rows_one_field_short_are_refused_one_by_one_and_shift_nothing(house: House, exports: Path) -> None:
    paths = [exports / "koku" / name for name in ("test_cur.csv", "test_cur.csv.gz")]
    for path in paths:
        outcome = house.one(path, source=path.name)
        assert (outcome.status, outcome.rows_read, outcome.rows_rejected) == ("refused", 19, 19)
        sql = "SELECT record, line, column_name, value, reason FROM rejected_rows WHERE path = ? ORDER BY record"
        assert house.rows(sql, [str(path)]) == [
            (record, record + 1, None, None, "has 130 fields, the header has 131") for record in range(1, 20)
        ]
    assert house.value("SELECT count(*) FROM charges") == 0
    reason = house.one(paths[0], source=paths[0].name, max_rejected=Decimal(1)).reason
    assert "none of its 19 rows has a billing period that can be read" in str(reason)


def koku_pair(house: House, exports: Path) -> list[Path]:
    """The not final and the final delivery of one month, the final one younger."""
    names = ("2023-06-01-not-final.csv", "2023-06-01.csv")
    paths = [Path(shutil.copy(exports / "koku" / "aws" / name, house.folder / name)) for name in names]
    return [touch(path, 1e9 + 1000 * number) for number, path in enumerate(paths)]


@pytest.mark.parametrize("calls", ["both, the other way round", "one by one, late"])
def test_a_final_delivery_replaces_the_one_before(house: House, exports: Path, calls: str) -> None:
    paths = koku_pair(house, exports)[::-1]
    for group in [[path] for path in paths] if calls.startswith("one") else [paths]:
        house.load(*group, gate_accounts=Tolerance(Decimal(1)))  # the final one writes the account's id anew
    assert house.rows("SELECT count(*), sum(BilledCost), max(InvoiceId) IS NOT NULL FROM charges") == [
        (3, Decimal(30), True)
    ]
    assert house.rows("SELECT DISTINCT BillingAccountId FROM charges") == [("0099999999999",)]
    restated = "SELECT coalesce(sum(BilledCost_after - BilledCost_before), 0) FROM restatements"
    assert house.value(restated) == 0  # 9999999999999 before, 0099999999999 now


def test_an_account_that_is_written_anew_waits_for_somebody(house: House, exports: Path) -> None:
    outcome = house.load(*koku_pair(house, exports))[-1]
    assert outcome.status == "quarantined"
    assert "1 of 1 accounts are gone (9999999999999)" in str(outcome.reason)


@pytest.mark.parametrize("folder", ["cur_1_0", "cur_2_0"])
def test_both_generations_of_manifest_are_understood(house: House, exports: Path, folder: str) -> None:
    copied = Path(shutil.copytree(exports / "keboola-aws-cur" / folder, house.folder / folder))
    for path in copied.glob("sample*.csv"):
        path.unlink()
    outcome = house.one(copied)
    assert (outcome.status, outcome.charges) == ("loaded", 3 if folder == "cur_1_0" else 4)


def test_the_schemas_that_aws_writes_are_read(exports: Path) -> None:
    found = {
        path.name: formats.resolve(probe.probe(path).columns, path.name)
        for path in sorted((exports / "aws-schema-only").glob("*.parquet"))
    }
    assert [(header.format.name, header.version) for header in found.values()] == [
        ("aws_cur", "2.0"),
        ("aws_cur", "2.0"),
        ("focus", "1.0"),
    ]
    assert all(header.tags for header in found.values())


def cut(path: Path, to: Path, *places: slice) -> Path:
    """Copy the header and some of the lines of a large CSV; the whole of one is for `make soak`."""
    with gzip.open(path) as file:
        header, *lines = file
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(gzip.compress(header + b"".join(line for place in places for line in lines[place]), 1))
    return to


@pytest.mark.parametrize("rows", [2_000, pytest.param(62_000, marks=[long, pytest.mark.heavy])])
def test_a_large_azure_month_is_exact_beside_its_empty_part(house: House, exports: Path, rows: int) -> None:
    for path in (exports / "nise" / "azure_v2").glob("*.gz"):
        cut(path, house.folder / path.name, slice(rows))
    empty, month = sorted(house.load(), key=lambda outcome: outcome.charges)
    assert (empty.status, empty.charges, month.status, month.charges) == ("empty", 0, "loaded", rows)
    written = money.total(
        money.stored(Decimal(cost))
        for path in house.folder.glob("*.gz")
        for (cost,) in cells(path, "CostInBillingCurrency")
    )
    assert house.billed() == written
    assert rows < 62_000 or written == Decimal("9272.072162486699990669")


#: Of each part some lines: usage, covered usage with its negations (of which some are in the next part), fees.
LINES = {"1": (slice(50), slice(-1136, None)), "2": (slice(1840), slice(46_400, 46_600)), "3": (slice(500),)}
ALL = dict.fromkeys(LINES, (slice(None),))


@pytest.mark.parametrize(
    "taken", [LINES, pytest.param(ALL, marks=[long, pytest.mark.heavy])], ids=["some lines", "all lines"]
)
def test_a_large_month_in_three_parts_is_exact_and_its_negations_fold(
    house: House, exports: Path, taken: dict[str, tuple[slice, ...]]
) -> None:
    folder = Path(
        shutil.copytree(exports / "nise" / "aws_cur", house.folder / "aws_cur", copy_function=shutil.copyfile)
    )
    parts = sorted(folder.rglob("January*.csv.gz"))
    written: dict[str, list[Decimal]] = {}
    worth = Decimal(0)
    for path, places in zip(parts, taken.values(), strict=True):
        cut(path, path, *places)
        names = ("lineItem/LineItemType", "lineItem/UnblendedCost", "savingsPlan/SavingsPlanEffectiveCost")
        for kind, cost, effective in cells(path, *names):
            written.setdefault(kind, []).append(Decimal(cost))
            worth += Decimal(effective) if kind == "SavingsPlanCoveredUsage" else 0
    rows = sum(map(len, written.values()))
    january, february = sorted(house.load(folder), key=lambda outcome: str(outcome.x_BillingPeriod))
    assert (january.status, january.x_BillingPeriod, january.rows_read) == ("loaded", "2026-01", rows)
    assert (february.status, february.x_BillingPeriod, february.charges) == ("loaded", "2026-02", 0)
    kinds = {kind: money.total(costs) for kind, costs in written.items()}
    assert house.billed() == money.total(kinds.values())
    assert kinds["SavingsPlanCoveredUsage"] == -kinds["SavingsPlanNegation"]
    sql = "SELECT x_LineItemType, sum(BilledCost), sum(EffectiveCost) FROM charges WHERE x_SourceChanges LIKE '%covered%' GROUP BY ALL"
    assert house.rows(sql) == [("SavingsPlanCoveredUsage", Decimal(0), worth)]
    residues = "SELECT coalesce(sum(BilledCost), 0), count(*) FROM charges WHERE x_SourceChanges = 'residue'"
    [(left, count)] = house.rows(residues)
    assert left == 0
    assert january.charges == rows - len(written["SavingsPlanNegation"]) + count
    if taken is ALL:
        assert (rows, house.billed(), worth) == (190_512, Decimal("42051.791999664"), Decimal("1990.944"))
        assert kinds["SavingsPlanCoveredUsage"] == Decimal("2856.96")
