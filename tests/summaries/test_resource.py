"""resource_summary: resources as they were billed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipeline.summaries import resource_summary
from tests.summaries.rows import column, resource_costs, resources

SERVER: dict[str, Any] = {"ResourceId": "i-1", "ResourceName": "web", "SubAccountId": "111", "x_Provider": "aws"}


def billed(key: str, amount: str, **columns: Any) -> dict[str, Any]:
    return {"x_ResourceKey": key, "BilledCost": Decimal(amount), **columns}


def test_tag_sets_and_sources_of_a_resource_are_one_row() -> None:
    costs = resource_costs(billed("r1", "1", x_TagSetId="a"), billed("r1", "2", x_TagSetId="b", x_Source="other"))
    rows = resource_summary(costs, resources({**SERVER})).select("ResourceId", "BilledCost", "x_ChargeCount").collect()
    assert rows.rows() == [("i-1", Decimal(3), 2)]


def test_resources_that_differ_only_in_a_column_not_shown_are_one_row() -> None:
    known = resources({**SERVER, "RegionName": "Ireland"}, {**SERVER, "x_ResourceKey": "r2", "RegionName": "EU"})
    rows = resource_summary(resource_costs(billed("r1", "1"), billed("r2", "2")), known)
    assert column(rows, "BilledCost") == [Decimal(3)]


def test_a_renamed_resource_has_a_row_for_each_name() -> None:
    known = resources({**SERVER}, {**SERVER, "x_ResourceKey": "r2", "ResourceName": "web-2"})
    rows = resource_summary(resource_costs(billed("r1", "1"), billed("r2", "2")), known)
    assert column(rows, "ResourceName") == ["web", "web-2"]


def test_charges_of_no_resource_are_kept_by_account() -> None:
    known = resources({"SubAccountId": "111"}, {"x_ResourceKey": "r2", "SubAccountId": "222"})
    rows = resource_summary(resource_costs(billed("r1", "1"), billed("r2", "2")), known).collect()
    assert rows.select("SubAccountId", "ResourceId", "BilledCost").rows() == [
        ("111", None, Decimal(1)),
        ("222", None, Decimal(2)),
    ]


def test_a_resource_that_is_not_known_loses_no_money() -> None:
    rows = resource_summary(resource_costs(billed("gone", "7")), resources({**SERVER}))
    assert (column(rows, "ResourceId"), column(rows, "BilledCost")) == ([None], [Decimal(7)])


def test_recorded_calls_are_left_to_the_bill_that_will_hold_them() -> None:
    rows = resource_summary(resource_costs(billed("r1", "7", x_Origin="recorded")), resources({**SERVER}))
    assert column(rows, "BilledCost") == []
