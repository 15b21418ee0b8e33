"""The FOCUS columns as the project knows them, against the published lists and the warehouse."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pipeline import focus
from pipeline.store.warehouse import Warehouse

TYPES = {"text": "VARCHAR", "decimal": "DECIMAL(38,18)", "datetime": "TIMESTAMP", "json": "VARCHAR"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Column types of charges, resources and focus_data_table."""
    with Warehouse.open(tmp_path_factory.mktemp("focus") / "costs.duckdb") as warehouse:
        names = ("charges", "resources", "focus_data_table")
        return {name: {row[0]: row[1] for row in warehouse.rows(f"DESCRIBE {name}")} for name in names}


def test_charges_and_resources_hold_every_column_with_its_type(tables: dict[str, dict[str, str]]) -> None:
    for column in focus.COLUMNS:
        if column.name != "Tags":
            home = "resources" if column.name in focus.RESOURCE_COLUMNS else "charges"
            assert tables[home][column.name] == TYPES[column.kind], column.name


def test_charges_and_resources_hold_no_other_focus_column(tables: dict[str, dict[str, str]]) -> None:
    stored = {name for table in ("charges", "resources") for name in tables[table] if not name.startswith("x_")}
    assert stored == set(focus.BY_NAME) - {"Tags"}


def test_the_view_has_every_column_and_json_where_the_specification_has_it(tables: dict[str, dict[str, str]]) -> None:
    view = tables["focus_data_table"]
    assert [name for name in view if not name.startswith("x_")] == [column.name for column in focus.COLUMNS]
    assert {name for name, kind in view.items() if kind == "JSON" and not name.startswith("x_")} == {
        column.name for column in focus.COLUMNS if column.kind == "json"
    }


@pytest.mark.parametrize("version", focus.VERSIONS)
def test_each_version_has_the_columns_of_its_specification(exports: Path, version: str) -> None:
    with (exports / "lookups" / "focus_columns.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "Cost and Usage" and row["version"] == version]
    ours = {column.name: column.kind for column in focus.COLUMNS if column.since <= version <= column.until}
    assert set(ours) == {row["column_id"] for row in rows}
    decimals = {row["column_id"] for row in rows if row["data_type"] == "Decimal"}
    assert {name for name, kind in ours.items() if kind == "decimal"} == decimals


@pytest.mark.parametrize(
    ("names", "version"),
    [
        ((), "1.0"),
        (("BilledCost", "x_Odd"), "1.0"),
        (("SkuMeter",), "1.1"),
        (("InvoiceId", "SkuMeter"), "1.2"),
        (("AllocatedTags",), "1.3"),
        (("ServiceProviderName", "ProviderName"), "1.3"),
        (("ServiceProviderName",), "1.4"),
    ],
)
def test_a_header_has_the_lowest_version_of_its_columns(names: tuple[str, ...], version: str) -> None:
    assert focus.header_version(frozenset(names)) == version


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("AWS", "aws"),
        (" Amazon Web Services ", "aws"),
        ("Microsoft", "azure"),
        ("Google Cloud", "gcp"),
        ("Oracle", "oci"),
        ("Acme", "acme"),
    ],
)
def test_a_provider_has_one_short_name(name: str, short: str) -> None:
    assert focus.canonical_provider(name) == short


def test_every_alias_is_in_lower_case() -> None:
    assert all(alias == alias.lower() for alias in focus.provider_aliases())
