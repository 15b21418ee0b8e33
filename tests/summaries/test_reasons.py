"""mover_reasons: why a service's cost moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.night.summarising import metered_costs
from pipeline.store.warehouse import Warehouse
from pipeline.summaries import mover_reasons
from pipeline.summaries.reasons import counted_before
from tests import empty
from tests.summaries.generate import RESOURCES, fill
from tests.summaries.rows import metered

END = date(2026, 3, 31)
BEFORE = "2026-02"
NOW = "2026-03"
OLD = {"BilledCost": Decimal(1), "SkuId": "old", "x_BillingPeriod": BEFORE}  # so that there is a bill before


def meter(
    period: str, billed: str, quantity: str | None = None, unit: str | None = "Hours", **facts: Any
) -> dict[str, Any]:
    used = Decimal(quantity) if quantity else None
    own = {"SkuId": "sku", "x_Unit": unit, "BilledCost": Decimal(billed), "x_Quantity": used}
    return {"x_BillingPeriod": period, **own, **facts}


def why(*rows: dict[str, Any], last: date | None = END) -> dict[str, Decimal]:
    """Reason -> change."""
    answer = mover_reasons(metered(*rows), period=NOW, last_complete_day=last)
    return dict(answer.select("reason", "change").collect().iter_rows())


def test_usage_and_price_divide_the_change_of_a_meter() -> None:
    # 280 hours at 1 make 310 in March's days; 400 hours at 1.1 are 440.
    assert why(meter(BEFORE, "280", "280"), meter(NOW, "440", "400")) == {"usage": Decimal(90), "price": Decimal(40)}


def test_the_quantity_before_is_brought_to_the_covered_days() -> None:
    rows = meter(BEFORE, "280", "280"), meter(NOW, "100", "100")
    assert why(*rows, last=date(2026, 3, 10)) == {"usage": Decimal(0)}


def test_a_meter_that_a_commitment_pays_for_moved_by_price() -> None:
    assert why(meter(BEFORE, "280", "280"), meter(NOW, "0", "310"))["price"] == Decimal(-310)


def test_a_meter_of_one_bill_alone_is_new_or_gone() -> None:
    rows = meter(BEFORE, "28", "1", SkuId="a"), meter(NOW, "5", "1", SkuId="b"), meter(NOW, "2", RegionId="eu-west-1")
    assert why(*rows) == {"gone": Decimal(-31), "new": Decimal(7)}


def test_what_was_free_before_is_not_new() -> None:
    assert why(OLD, meter(BEFORE, "0", "10"), meter(NOW, "5", "20"))["price"] == Decimal(5)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (meter(BEFORE, "28"), meter(NOW, "32")),
        (meter(BEFORE, "28", "0"), meter(NOW, "32", "1")),
        (meter(BEFORE, "28", "1"), meter(NOW, "32", "-1")),
        (meter(BEFORE, "28", "1"), meter(NOW, "32", "1", unit="100 Hours")),
        (meter(BEFORE, "28", "1", unit=None), meter(NOW, "32", "1", unit=None)),
        (meter(BEFORE, "28", "1", SkuId=None), meter(NOW, "32", "1", SkuId=None)),
        (meter(BEFORE, "28", "0.000000000000000001"), meter(NOW, "32", "1")),
    ],
    ids=["no quantity", "zero", "negative", "another unit", "no unit", "no meter", "next to nothing"],
)
def test_usage_that_cannot_be_told_from_price_is_other(before: dict[str, Any], now: dict[str, Any]) -> None:
    assert why(before, now) == {"other": Decimal(1)}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"ChargeCategory": "Credit", "x_IsCorrection": True}, "credit"),
        ({"ChargeCategory": "Tax", "x_IsCorrection": True}, "tax"),
        ({"ChargeCategory": "Usage", "x_IsCorrection": True}, "refund"),
        ({"ChargeCategory": "Purchase"}, "purchase"),
        ({"ChargeCategory": "Adjustment"}, "other"),
        ({"ChargeCategory": None}, "other"),
    ],
)
def test_what_is_no_usage_is_told_by_its_kind(facts: dict[str, Any], reason: str) -> None:
    assert why(OLD, meter(NOW, "5", "1", **facts))[reason] == Decimal(5)


def test_reasons_sum_to_the_service_though_each_is_rounded() -> None:
    """A third of 10^-18 each: the service's expected cost is 2, the reasons' would be 1 and 0."""
    rows = [meter(BEFORE, f"{number}e-18", ChargeCategory=kind) for number, kind in ((3, "Tax"), (2, "Credit"))]
    answer = mover_reasons(metered(*rows), period=NOW, last_complete_day=date(2026, 3, 10)).collect()
    parts = dict(answer.select("reason", "expected_BilledCost").iter_rows())
    assert parts == {"tax": Decimal("1e-18"), "credit": Decimal("1e-18")}


def test_the_price_stands_beside_its_usage_without_costs_of_its_own() -> None:
    answer = mover_reasons(
        metered(meter(BEFORE, "28", "28"), meter(NOW, "62", "31")), period=NOW, last_complete_day=END
    )
    costs = answer.select("reason", "BilledCost", "expected_BilledCost").collect().rows()
    assert costs == [("price", 0, 0), ("usage", 62, 31)]


@pytest.mark.parametrize("last", [None, date(2026, 2, 28)])
def test_without_a_complete_day_there_are_no_reasons(last: date | None) -> None:
    assert why(OLD, meter(NOW, "5", "1"), last=last) == {}


def test_without_a_bill_before_there_are_no_reasons() -> None:
    assert why(meter(NOW, "5", "1")) == {}


def test_charges_count_through_the_last_complete_day_and_all_of_a_covered_month() -> None:
    assert counted_before(NOW, date(2026, 3, 9)) == date(2026, 3, 10)
    assert [counted_before(NOW, last) for last in (END, date(2026, 4, 2))] == [None, None]
    assert counted_before(NOW, None) == date(2026, 3, 1)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with Warehouse.open(empty.put(tmp_path / "costs.duckdb")) as opened:
        yield opened


def used(warehouse: Warehouse, **facts: Any) -> tuple[Any, ...]:
    """Unit and quantity that two charges of a meter come to: one hour, and what the test says."""
    common = {"x_BillingPeriod": NOW, "x_Source": "aws", "x_Origin": "billed", "x_ResourceKey": RESOURCES[0]["x_ResourceKey"],
              "ChargeCategory": "Usage", "ChargePeriodStart": datetime(2026, 3, 5), "SkuId": "sku"}  # fmt: skip
    hour = {"PricingQuantity": Decimal(1), "PricingUnit": "Hours"}
    fill(warehouse, [{**common, **hour}, {**common, **hour, **facts}])
    [row] = metered_costs(warehouse, NOW, END).select("x_Unit", "x_Quantity").rows()
    return tuple(row)


def test_what_is_priced_is_the_quantity_else_what_was_consumed(warehouse: Warehouse) -> None:
    consumed = {"ConsumedQuantity": Decimal(3), "ConsumedUnit": "Hours"}
    assert used(warehouse, **consumed) == ("Hours", 2)
    assert used(warehouse, **consumed, PricingQuantity=None) == ("Hours", 4)


def test_an_unused_commitment_used_nothing(warehouse: Warehouse) -> None:
    assert used(warehouse, CommitmentDiscountStatus="Unused") == ("Hours", 1)


def test_quantities_too_large_to_add_up_stop_no_night(warehouse: Warehouse) -> None:
    assert used(warehouse, PricingQuantity=Decimal("9e19")) == ("Hours", None)
