"""A format is told by its header alone, and a header that cannot be used says why."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from pipeline.errors import ExportError, UnknownFormatError, UnreadableFileError
from pipeline.sources import formats
from pipeline.sources.formats import base
from tests.load import azure
from tests.load.bills import cur, focus, legacy, oci, preview

FOCUS = list(focus())
CUR = list(cur())
OCI = list(oci())
PREVIEW = list(preview())
#: What FOCUS 0.5 called the rest of what a file needs.
FIRST = ["BilledCost", "AmortizedCost", "BilledCurrency", "BillingPeriodStart", "ChargePeriodStart", "ChargeType"]


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (FOCUS, "focus"),
        (CUR, "aws_cur"),
        (list(legacy(cur())), "aws_cur"),
        ([name.upper() for name in legacy(cur())], "aws_cur"),
        ([f" {name} " for name in FOCUS], "focus"),
        (PREVIEW, "focus_preview"),
        (FIRST, "focus_preview"),
        (OCI, "oci_cost"),
    ],
)
def test_a_format_is_told_by_its_columns_in_any_spelling(columns: list[str], name: str) -> None:
    assert formats.detect(columns, "x").name == name


def test_the_order_of_columns_does_not_matter() -> None:
    columns = random.Random(1).sample(CUR, len(CUR))
    assert formats.detect(columns, "x") is formats.AWS_CUR


def test_an_unknown_format_says_what_was_seen_and_what_is_known() -> None:
    with pytest.raises(UnknownFormatError) as caught:
        formats.detect(["when", "what", "how much"], "odd.csv")
    known = ", ".join(each.title for each in formats.FORMATS)
    assert str(caught.value) == (
        f"odd.csv: unknown format; nothing was loaded. Known: {known}. Seen: when, what, how much"
    )


def test_a_near_format_says_which_columns_it_lacks() -> None:
    columns = [name for name in FOCUS if name != "BillingCurrency"]
    with pytest.raises(UnknownFormatError, match=r"Nearest is FOCUS .*, which also needs BillingCurrency"):
        formats.detect(columns, "x")


def test_a_second_near_format_is_named_too() -> None:
    columns = [name for name in FOCUS if name != "BillingCurrency"]
    with pytest.raises(UnknownFormatError) as caught:
        formats.detect(columns, "x")
    lacks = "which also needs BillingCurrency, ChargeSubcategory. Seen: "
    assert f"; then {formats.FOCUS_PREVIEW.title}, {lacks}" in str(caught.value)


@pytest.mark.parametrize(("char", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_separator_is_named_and_not_read(char: str, name: str) -> None:
    with pytest.raises(
        UnknownFormatError, match=f"its columns are separated by {name}, not commas; nothing was loaded"
    ):
        formats.detect([char.join(FOCUS)], "x")


def test_a_separator_inside_names_is_part_of_them() -> None:
    assert formats.detect([*FOCUS, "a;b|c;d"], "x") is formats.FOCUS
    with pytest.raises(UnknownFormatError, match="unknown format"):
        formats.detect(["when;what", "how much"], "x")


def test_a_header_of_thousands_of_names_is_shortened() -> None:
    with pytest.raises(UnknownFormatError) as caught:
        formats.detect([f"column {n} " + "x" * 1000 for n in range(4000)], "wide.csv")
    assert "and 3988 more" in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("columns", "title"),
    [
        (["ContractCommitmentId", "ContractId", "BillingCurrency"], "Contract Commitment"),
        (["InvoiceDetailId", "InvoiceIssueDate"], "Invoice Detail"),
        (["BillingPeriodStatus", "BillingPeriodCreated"], "Billing Period"),
    ],
)
def test_another_dataset_of_focus_is_refused_by_name(columns: list[str], title: str) -> None:
    with pytest.raises(UnknownFormatError, match=f"a FOCUS {title} dataset; give the Cost and Usage dataset"):
        formats.detect(columns, "x")


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (
            ["lineItem/intervalUsageStart", "product/service", "usage/consumedQuantity", "usage/billedQuantity"],
            "an OCI usage report, which has no costs; give the cost report",
        ),
        (
            ["Service", "Operation", "UsageType", "Resource", "StartTime", "EndTime", "UsageValue"],
            "an AWS usage report",
        ),
        (["ReservationOrderId", "ReservationId", "ReservedHours", "UsedHours"], "an Azure report of reservation use"),
    ],
    ids=["oci", "aws", "azure"],
)
def test_a_report_of_usage_is_refused_by_its_own_name(columns: list[str], says: str) -> None:
    with pytest.raises(UnknownFormatError, match=f"x: {says}"):
        formats.detect(columns, "x")


def test_an_invoice_id_does_not_make_charges_another_dataset() -> None:
    assert formats.detect([*FOCUS, "InvoiceDetailId", "InvoiceIssueDate"], "x") is formats.FOCUS


def test_a_needed_column_that_is_missing_is_named() -> None:
    columns = [name for name in CUR if name != "line_item_usage_end_date"]
    with pytest.raises(UnreadableFileError, match=r"without the column\(s\) line_item_usage_end_date; export them too"):
        formats.resolve(columns, "x")


def test_two_spellings_of_one_column_are_refused() -> None:
    with pytest.raises(UnreadableFileError, match="'BilledCost' and 'billed_cost' are one and the same"):
        formats.resolve([*FOCUS, "billed_cost"], "x")


def test_two_columns_of_one_name_that_nobody_needs_are_dropped() -> None:
    assert formats.resolve([*FOCUS, "note", "note"], "x").dropped == ("note", "note")


@pytest.mark.parametrize(
    ("added", "version"),
    [
        ([], "1.0"),
        (["SkuMeter"], "1.1"),
        (["InvoiceId"], "1.2"),
        (["HostProviderName", "ServiceProviderName"], "1.3"),
        (["InvoiceDetailId"], "1.4"),
    ],
)
def test_the_version_is_the_lowest_that_has_the_columns(added: list[str], version: str) -> None:
    assert formats.resolve([*FOCUS, *added], "x").version == version


def test_account_types_that_microsoft_wrote_early_tell_no_version() -> None:
    assert formats.resolve([*FOCUS, "BillingAccountType", "SubAccountType", "x_InvoiceId"], "x").version == "1.0"


def test_no_version_is_told_that_the_format_does_not_list() -> None:
    google = [part if isinstance(part, str) else part[0] for part in formats.GCP_BILLING.signature]
    google += ["usage_end_time", "export_time"]
    headers = (
        *(FOCUS, [*FOCUS, "InvoiceDetailId"], CUR, list(legacy(cur())), OCI, PREVIEW, FIRST),
        *(list(azure.ea()), list(azure.v1()), list(azure.mca()), google, [*google, "resource.name"]),
    )
    resolved = [formats.resolve(columns, "x") for columns in headers]
    assert [header.version for header in resolved if header.version not in header.format.versions] == []
    assert [header.version for header in resolved[-5:]] == ["2023", "2019", "MCA", "standard", "detailed"]


def test_an_alias_stands_in_only_for_what_is_not_there() -> None:
    both = formats.resolve([*FOCUS, "x_InvoiceId", "InvoiceId"], "x")
    assert both.columns[both.fields["InvoiceId"]] == "InvoiceId"
    assert both.dropped == ("x_InvoiceId",)


def test_a_column_that_a_format_keeps_has_its_name_there_and_takes_no_other() -> None:
    header = formats.resolve([*OCI, "cost/myCostOverage"], "x", keep=["cost/myCostOverage"])
    assert list(header.kept.values()) == ["x_oci_ReferenceNumber", "x_oci_CostOverage"]
    with pytest.raises(ExportError, match="would be kept as x_oci_CostOverage"):
        formats.resolve([*OCI, "cost/myCostOverage", "oci CostOverage"], "x", keep=["oci CostOverage"])


def test_aws_versions_are_told_by_the_spelling() -> None:
    versions = [
        formats.resolve(columns, "x").version for columns in (list(legacy(cur())), [*CUR, "resource_tags"], CUR)
    ]
    assert versions == ["legacy", "2.0", "snake case"]


def test_tag_columns_are_found_by_prefix() -> None:
    header = formats.resolve([*legacy(cur()), "resourceTags/user:env", "costCategory/Team A", "resourceTags/"], "x")
    assert list(header.tags.values()) == [("user:env", False), ("aws:costcategory/Team A", False)]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("x_Discounts", "x_Discounts"), ("oci_Ref", "x_oci_Ref"), ("my col!", "x_my_col"), ("a'; --", "x_a")],
)
def test_a_kept_column_has_a_plain_name(name: str, kept: str) -> None:
    header = formats.resolve([*FOCUS, name], "x", keep=[name])
    assert list(header.kept.values()) == [kept]
    assert name not in header.dropped


@pytest.mark.parametrize(
    "names", [("a b", "a-b"), ("Team", "team"), ("x_Source",), ("Source",), ("été", "x_t"), ("é",)]
)
def test_a_kept_column_never_takes_the_place_of_another(names: tuple[str, ...]) -> None:
    with pytest.raises(ExportError, match="would be kept as x_"):
        formats.resolve([*FOCUS, *names], "x", keep=names)


def test_the_mapping_version_changes_with_what_decides_the_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    before = formats.AWS_CUR.mapping_version()
    monkeypatch.setattr(base, "READER_VERSION", base.READER_VERSION + 1)
    assert formats.AWS_CUR.mapping_version() != before


def test_every_file_that_maps_a_format_is_part_of_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import resources

    sql = resources.sql
    before = {each.name: each.mapping_version() for each in formats.FORMATS}
    for name in ("sources/resources", "sources/aws_cur", "sources/aws_cur_residues", "staging/macros"):
        monkeypatch.setattr(
            resources, "sql", lambda asked, name=name: sql(asked) + (" -- fixed" if asked == name else "")
        )
        assert formats.AWS_CUR.mapping_version() != before["aws_cur"], name


def test_what_is_laid_over_the_rows_is_part_of_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import resources

    sql, before = resources.sql, formats.OCI_COST.mapping_version()
    monkeypatch.setattr(resources, "sql", lambda asked: sql(asked) + ("\n" if asked == "staging/oci_cost" else ""))
    assert formats.OCI_COST.mapping_version() != before


def exported(exports: Path, export: str) -> list[str]:
    """The header of an Azure export as the lookups record it."""
    with (exports / "lookups" / "provider_export_columns.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["provider"] == "Azure" and row["export"].startswith(export)]
    return [row["column"] for row in sorted(rows, key=lambda row: int(row["position"]))]


@pytest.mark.parametrize(
    ("export", "version"),
    [("EA cost", "2023"), ("MCA cost", "MCA"), ("EA ActualCost", "2020"), ("pay-as-you-go", "2019")],
)
def test_every_azure_layout_is_told_by_its_header(exports: Path, export: str, version: str) -> None:
    header = formats.resolve(exported(exports, export), "x")
    assert (header.format, header.version) == (formats.AZURE_COST, version)
    assert [name for name, is_set in header.tags.values() if is_set] == [""]


def test_a_translated_header_is_read_by_the_name_in_brackets() -> None:
    columns = ["Datum (Date)", "Kosten (Cost)", "Währung (Currency)", "(MeterCategory)", "Dienst (Consumed Service)"]
    columns[3] = "Kategorie der Verbrauchseinheit (MeterCategory)"
    header = formats.resolve([*columns, "Tags (Tags)"], "x")
    assert (header.format, list(header.tags)) == (formats.AZURE_COST, [5])


def test_brackets_mean_nothing_in_other_formats() -> None:
    assert formats.resolve([*FOCUS, "note (BilledCost)"], "x").dropped == ("note (BilledCost)",)
