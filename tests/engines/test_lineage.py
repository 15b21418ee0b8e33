"""What each column is made of is read out of the SQL files, through every step of them."""

from __future__ import annotations

import pytest

from pipeline import focus, resources
from pipeline.engines.lineage import Origin, origins
from pipeline.sources import formats
from pipeline.sources.formats import Format


def found(fmt: Format) -> dict[str, Origin]:
    return {each.column: each for each in origins(fmt)}


@pytest.mark.parametrize("fmt", formats.FORMATS, ids=lambda fmt: fmt.name)
def test_every_cost_comes_from_the_fields_of_its_law(fmt: Format) -> None:
    told = found(fmt)
    for law in fmt.controls:
        assert set(law.fields) <= set(told[law.column].fields), law.column


@pytest.mark.parametrize("fmt", formats.FORMATS, ids=lambda fmt: fmt.name)
def test_every_column_is_of_focus_or_ours_and_every_field_is_staged(fmt: Format) -> None:
    told = found(fmt)
    assert [name for name in told if name not in focus.BY_NAME and not name.startswith("x_")] == []
    staged = {field.name for field in fmt.fields}
    assert [name for each in told.values() for name in each.fields if name not in staged and name[:2] != "x_"] == []


@pytest.mark.parametrize("fmt", formats.FORMATS, ids=lambda fmt: fmt.name)
def test_the_expression_is_the_files_own(fmt: Format) -> None:
    text = " ".join(resources.sql(f"sources/{fmt.name}").split())
    assert [each.column for each in origins(fmt) for part in each.expression.split("; ") if part not in text] == []


def test_a_name_made_on_the_way_leads_to_the_fields_behind_it() -> None:
    told = found(formats.AWS_CUR)
    assert told["CommitmentDiscountId"].fields == (
        "savings_plan_savings_plan_a_r_n",
        "reservation_reservation_a_r_n",
    )
    assert {"line_item_net_unblended_cost", "line_item_line_item_type"} <= set(told["BilledCost"].fields)


def test_a_lookup_is_named_with_the_field_that_it_is_asked_by() -> None:
    category = found(formats.OCI_COST)["ServiceCategory"]
    assert (category.fields, category.lookups) == (("product_service",), ("oci_services",))
    assert found(formats.OCI_COST)["ProviderName"] == Origin("ProviderName", (), (), "'Oracle'")
