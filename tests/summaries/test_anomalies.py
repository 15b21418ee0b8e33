"""cost_anomalies: days that cost far from what their weekday usually does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest

from pipeline.config import AnomalySettings
from pipeline.store.warehouse import Warehouse
from pipeline.summaries import cost_anomalies
from tests import empty
from tests.summaries.generate import charges, fill, roll_up
from tests.summaries.rows import cost, daily

DAY = date(2026, 3, 30)
RULES = AnomalySettings(floor=Decimal(10), percent=Decimal(20), sensitivity=Decimal(3))


def mondays(*costs: str, **columns: Any) -> list[dict[str, Any]]:
    """Costs of the Mondays before ``DAY``, the last first."""
    return [cost(str(DAY - timedelta(weeks=number)), each, **columns) for number, each in enumerate(costs, 1)]


def judged(*rows: dict[str, Any], rules: AnomalySettings = RULES, **scope: Any) -> tuple[Any, ...]:
    """What became of ``DAY`` in a scope: expected, deviation, is_anomaly."""
    found = cost_anomalies(daily(*rows), days=[DAY], rules=rules).collect()
    for name in ("x_Provider", "ServiceName"):
        found = found.filter(pl.col(name).eq_missing(pl.lit(scope.get(name))))
    [row] = found.select("expected_BilledCost", "deviation", "is_anomaly").rows()
    return row


def test_expected_is_the_median_of_the_weekday_and_other_days_do_not_count() -> None:
    others = [cost(str(DAY - timedelta(days=number)), "9999") for number in range(1, 57) if number % 7]
    usual = mondays("100", "104", "98", "500", "102", "99", "101", "97", "9999")
    assert judged(*others, *usual, cost(str(DAY), "131")) == (Decimal("100.5"), Decimal("2"), True)


@pytest.mark.parametrize(
    ("today", "rules", "told"),
    [
        # 3 x 1.4826 x 3.333333333333333333 is 14.8259999999999999985174
        ("114.825999999999999998", replace(RULES, percent=Decimal(14)), False),
        ("114.825999999999999999", replace(RULES, percent=Decimal(14)), True),
        ("114.825999999999999999", replace(RULES, percent=Decimal(14), floor=Decimal(15)), False),
        ("120", RULES, True),
        ("119.999999999999999999", RULES, False),
        ("50", RULES, False),
        ("50", replace(RULES, direction="both"), True),
    ],
)
def test_it_must_be_unusual_and_pass_both_floors(today: str, rules: AnomalySettings, told: bool) -> None:
    usual = mondays("100", "100", "100", "96.666666666666666667", "103.333333333333333333", "96.666666666666666667",
                    "103.333333333333333333", "90")  # fmt: skip
    expected, deviation, is_anomaly = judged(*usual, cost(str(DAY), today), rules=rules)
    assert (expected, deviation, is_anomaly) == (Decimal(100), Decimal("3.333333333333333333"), told)


def test_a_cost_that_never_changed_has_no_deviation_and_the_floors_decide() -> None:
    assert judged(*mondays(*["100"] * 4), cost(str(DAY), "119")) == (Decimal(100), Decimal(0), False)
    assert judged(*mondays(*["100"] * 4), cost(str(DAY), "120")) == (Decimal(100), Decimal(0), True)
    assert judged(*mondays(*["0"] * 4), cost(str(DAY), "10")) == (Decimal(0), Decimal(0), True)


def test_three_weeks_are_too_few() -> None:
    assert judged(*mondays("1", "1", "1"), cost(str(DAY), "9999")) == (None, None, False)


def test_each_service_is_judged_apart_and_is_0_on_a_day_without_it() -> None:
    s3, ec2 = {"x_Provider": "aws", "ServiceName": "S3"}, {"x_Provider": "aws", "ServiceName": "EC2"}
    rows = [*mondays(*["1000"] * 5, **ec2), *mondays(*["20"] * 5, **s3), cost(str(DAY), "1000", **ec2)]
    both = replace(RULES, direction="both")
    assert judged(*rows, rules=both) == (Decimal(1020), Decimal(0), False)
    assert judged(*rows, rules=both, **s3) == (Decimal(20), Decimal(0), True)
    alone = cost_anomalies(daily(*rows), days=[DAY], rules=replace(both, services=False)).collect()
    assert alone["ServiceName"].to_list() == [None]


@pytest.mark.parametrize(
    "columns",
    [{"ChargeCategory": name} for name in ("Purchase", "Tax", "Credit", "Adjustment", None)]
    + [{"ChargeClass": "Correction"}, {"x_Origin": "recorded"}, {"BillingCurrency": "EUR"}],
)
def test_what_is_no_billed_usage_in_the_currency_does_not_count(columns: dict[str, Any]) -> None:
    found = cost_anomalies(
        daily(*mondays(*["100"] * 5), cost(str(DAY), "100"), cost(str(DAY), "900", **columns)), days=[DAY], rules=RULES
    )
    assert found.filter("is_anomaly").collect().is_empty()


def test_a_day_without_any_usage_is_not_judged() -> None:
    assert cost_anomalies(daily(*mondays(*["100"] * 5)), days=[DAY], rules=RULES).collect().is_empty()


def test_function_and_oracle_agree_on_every_row(tmp_path: Path) -> None:
    oracle = (Path(__file__).parents[1] / "oracles" / "cost_anomalies.sql").read_text(encoding="utf-8")
    days = [date(2026, 3, 2) + timedelta(days=number) for number in range(40)]
    given = {"days": days, "weeks": 6, "sensitivity": 1_250_000, "floor": 10, "percent": 12_500_000}
    with Warehouse.open(empty.put(tmp_path / "w.duckdb")) as warehouse:
        fill(warehouse, charges(1, 2000))
        warehouse.execute("UPDATE charges SET x_Provider = CASE WHEN ServiceName <> 'BigQuery' THEN 'aws' END")
        roll_up(warehouse)
        frame = warehouse.frame("SELECT * FROM daily_costs").lazy()
        told = {falls: warehouse.rows(oracle, given | {"falls": falls}) for falls in (False, True)}
    rules = replace(RULES, weeks=6, sensitivity=Decimal("1.25"), percent=Decimal("12.5"))
    directions: tuple[Literal["up", "both"], ...] = ("up", "both")
    for direction in directions:
        found = cost_anomalies(frame, days=days, rules=replace(rules, direction=direction)).collect()
        whole = [
            tuple(int(each.scaleb(18)) if isinstance(each, Decimal) else each for each in row) for row in found.rows()
        ]
        assert Counter(whole) == Counter(told[direction == "both"])
        assert 10 < sum(row[-1] for row in whole) < len(whole) - 10
        assert any(row[2] == "aws" and row[-1] for row in whole)
