"""The lookups of AWS hold every fact that was observed, and join without doubling a row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import resources
from tests.load.bills import House, cur

#: Lookup and the column that its mapping joins by.
KEYS = {
    "aws_line_item_types": "LineItemType",
    "aws_regions": "Location",
    "aws_services": "ProductCode",
    "aws_units": "PricingUnit",
}


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def lookup(name: str) -> list[dict[str, str]]:
    return list(rows(resources.folder("sql") / "lookups" / f"{name}.csv"))


@pytest.mark.parametrize("name", KEYS)
def test_a_lookup_has_each_key_once(name: str) -> None:
    keys = [row[KEYS[name]] for row in lookup(name)]
    assert keys
    assert len(keys) == len(set(keys))


def test_services_are_what_aws_was_observed_to_write(exports: Path) -> None:
    own = {row["ProductCode"]: (row["ServiceName"], row["ServiceCategory"]) for row in lookup("aws_services")}
    observed = list(rows(exports / "lookups" / "aws_service_mapping_observed.csv"))
    seen = {(row["line_item_product_code"], (row["ServiceName"], row["ServiceCategory"])) for row in observed}
    assert {(code, told) for code, told in seen if own.get(code) != told} == {
        ("AmazonEC2", ("Amazon Elastic Compute Cloud", "Storage"))  # its volumes and snapshots: the mapping's own split
    }


def test_product_codes_of_the_converter_all_have_a_category(exports: Path) -> None:
    own = {row["ProductCode"]: row["ServiceCategory"] for row in lookup("aws_services")}
    known = rows(exports / "lookups" / "focus_converters" / "aws_category_mapping.csv")
    differing = {row["product_code"] for row in known if own.get(row["product_code"]) != row["ServiceCategory"]}
    assert differing == {"AWSBillingConductor", "AmazonStates", "awskms"}  # AWS itself writes them otherwise


def test_units_are_what_aws_was_observed_to_write(exports: Path) -> None:
    own = {row["PricingUnit"]: row["FocusUnit"] for row in lookup("aws_units")}
    for row in rows(exports / "lookups" / "aws_pricing_unit_mapping_observed.csv"):
        assert own[row["cur_pricing_unit"]] == row["focus_pricing_unit"]


def test_regions_are_what_the_published_sample_says(exports: Path) -> None:
    own = {row["Location"]: row["RegionId"] for row in lookup("aws_regions")}
    sample = rows(exports / "finops-foundation-focus-sample" / "focus_sample.csv")
    seen = {(row["RegionName"], row["RegionId"]) for row in sample if row["ProviderName"] == "AWS"}
    known = {(name, region) for name, region in seen if name not in ("NULL", "External")}
    assert len(known) == 23
    assert {pair for pair in known if own.get(pair[0]) != pair[1]} == set()


def test_a_region_read_out_of_its_location_is_counted(house: House) -> None:
    charge = house.charge(cur(product_region_code=None, product_location="EU (Ireland)"))
    assert (charge["RegionId"], charge["RegionName"]) == ("eu-west-1", "EU (Ireland)")
    assert "region" in charge["x_SourceChanges"].split()
