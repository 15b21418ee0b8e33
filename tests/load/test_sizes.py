"""Small bills are copied where large ones are read in place: both become the same charges."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engines import mapping, parquet
from tests.load.bills import Row, cur, dump, focus, house, lines, month, write

PLAN = {"savings_plan_savings_plan_a_r_n": "arn:aws:savingsplans::1:savingsplan/s"}
#: Covered usage, and a negation that leaves a residue, in the second of two billing periods.
NEGATED = [
    cur(line_item_line_item_type="SavingsPlanCoveredUsage", identity_line_item_id="covered", **PLAN),
    cur(
        line_item_line_item_type="SavingsPlanNegation",
        line_item_unblended_cost="-4",
        identity_line_item_id="negation",
        **PLAN,
    ),
]
MONTHS = [focus(ResourceId=f"r-{n}", Tags='{"team": "ml"}', **month(f"2026-0{1 + n % 2}")) for n in range(6)]


@pytest.mark.parametrize(
    ("rows", "ending", "generated"),
    [
        (lines(3, "1.5", resource_tags='{"user:team": "ml"}'), "parquet", 0),
        ([*lines(2), *NEGATED], "parquet", 1),
        (NEGATED, "csv", 1),
        (MONTHS, "parquet", 0),
    ],
    ids=["plain", "with a residue", "a residue of a CSV", "two months"],
)
def test_a_large_bill_becomes_what_a_small_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Row], ending: str, generated: int
) -> None:
    file = write(tmp_path / f"bill.{ending}", rows)
    with house(tmp_path / "small") as small, house(tmp_path / "large") as large:
        small.load(file)
        tables = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mapped_here'"
        assert small.value(tables) == 1
        monkeypatch.setattr(mapping, "FEW_ROWS", -1)
        monkeypatch.setattr(parquet, "SMALL", -1)
        large.load(file)
        assert large.value(tables) == 0
        assert dump(large.warehouse) == dump(small.warehouse)
        told = "SELECT x_BillingPeriod, rows_mapped, rows_generated, status FROM loads ORDER BY ALL"
        assert large.rows(told) == small.rows(told)
        assert sum(row[2] for row in large.rows(told)) == generated
