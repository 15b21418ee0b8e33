"""What the summaries share: exact arithmetic, and an overflow that raises instead of wrapping."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipeline import money
from pipeline.store.warehouse import Warehouse
from pipeline.summaries import category_summary, tag_summary
from pipeline.summaries.measures import exactly, with_total
from tests import empty
from tests.summaries import rows
from tests.summaries.rows import MONEY, column, cost, daily, resource_costs, tags

#: What the summaries are given where it is not the table as it is.
QUERIES = {"resource_costs": "SELECT * EXCLUDE (x_EffectiveTagSetId) FROM resource_costs"}


def amounts(*values: str | None) -> pl.LazyFrame:
    return pl.LazyFrame(
        {"amount": [None if value is None else Decimal(value) for value in values]}, schema={"amount": MONEY}
    )


@pytest.mark.parametrize("value", ["99999999999999999999.999999999999999999", "0.000000000000000001", "-1.5", None])
def test_a_value_that_passes_through_decimals_keeps_every_digit(value: str | None) -> None:
    same = amounts(value).select(same=exactly(lambda amount: amount, "amount"))
    assert column(same, "same") == [None if value is None else Decimal(value)]


def test_a_product_keeps_the_digits_that_the_default_context_would_drop() -> None:
    def square(amount: Decimal) -> Decimal | None:
        return money.ratio(amount * amount, Decimal(1), places=18)

    squared = amounts("1234567890.123456789").select(square=exactly(square, "amount"))
    assert column(squared, "square") == [Decimal("1524157875323883675.019051998750190521")]


def test_a_result_too_large_to_store_is_null() -> None:
    large = amounts("99999999999").select(large=exactly(lambda amount: amount * amount, "amount"))
    assert column(large, "large") == [None]


def test_a_total_counts_rows_of_a_null_key_together() -> None:
    frame = amounts("1", "2", "4").with_columns(key=pl.Series(["a", None, None]))
    assert column(with_total(frame, "amount", "whole", by=["key"]).sort("amount"), "whole") == [1, 6, 6]


@pytest.mark.parametrize("count", [2, 3, 400])
def test_a_sum_too_large_to_store_raises_and_never_wraps(count: int) -> None:
    large = [cost("2026-03-01", "90000000000000000000", ServiceName=name) for name in "ab"] * count
    with pytest.raises(pl.exceptions.ComputeError, match="overflow"):
        category_summary(daily(*large)).collect()


@pytest.mark.parametrize("count", [2, 3, 400])
def test_a_tag_sum_too_large_to_store_raises_and_never_wraps(count: int) -> None:
    large = [{"BilledCost": Decimal("90000000000000000000"), "x_TagSetId": name} for name in ("web", None)] * count
    with pytest.raises(pl.exceptions.ComputeError, match="overflow"):
        tag_summary(resource_costs(*large), tags({"web": {"team": "web"}}), ["team"]).collect()


@pytest.mark.parametrize("table", ["daily_costs", "resource_costs", "resources", "tags"])
def test_the_rows_of_these_tests_have_the_types_of_the_warehouse(table: str, tmp_path: Path) -> None:
    name = {"daily_costs": "DAILY"}.get(table, table.upper())
    with Warehouse.open(empty.put(tmp_path / "costs.duckdb")) as warehouse:
        schema = warehouse.frame(QUERIES.get(table, f"SELECT * FROM {table}")).schema
    assert schema == pl.Schema(getattr(rows, name))
