"""Each summary exists twice, as Polars over the rollups and as SQL over the charges: both must agree in every row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import periods, resources
from pipeline.store.warehouse import Warehouse
from pipeline.summaries import (
    category_summary,
    commitment_summary,
    mover_reasons,
    mover_summary,
    resource_summary,
    tag_coverage,
    tag_summary,
    trend_summary,
)
from pipeline.summaries.reasons import counted_before
from tests import empty, soak
from tests.summaries.generate import PERIOD, any_charges, charges, fill


@dataclass(frozen=True)
class Case:
    """A summary asked in one way: its table, its function over a warehouse's frames, its oracle's parameters."""

    table: str
    answer: Callable[[Callable[[str], pl.LazyFrame]], pl.LazyFrame]
    parameters: dict[str, Any]


def by_tag(keys: list[str]) -> Case:
    return Case("tag_summary", lambda table: tag_summary(table("resource_costs"), table("tags"), keys), {"keys": keys})


def covered(keys: list[str]) -> Case:
    return Case(
        "tag_coverage",
        lambda table: tag_coverage(table("resource_costs"), table("tags"), table("resources"), keys),
        {"keys": keys},
    )


def reasons(last: date | None, period: str = PERIOD) -> Case:
    end = counted_before(period, last)
    values = {"period": f"'{period}'", "before": f"'{periods.previous(period)}'", "end": f"'{end}'" if end else "NULL"}
    metered = re.sub(r"\$(\w+)", lambda name: values[name[1]], resources.sql("night/metered_costs"))
    return Case(
        "mover_reasons",
        lambda table: mover_reasons(table(f"({metered})"), period=period, last_complete_day=last),
        {"period": period, "last_complete_day": last},
    )


def in_time(name: str, last: date | None, period: str = PERIOD) -> Case:
    function = trend_summary if name == "trend_summary" else mover_summary
    return Case(
        name,
        lambda table: function(table("daily_costs"), period=period, last_complete_day=last),
        {"period": period, "last_complete_day": last},
    )


LAST_DAYS = (None, date(2026, 2, 27), date(2026, 3, 1), date(2026, 3, 17), date(2026, 3, 31), date(2026, 4, 9))
CASES = {
    "category": Case("category_summary", lambda table: category_summary(table("daily_costs")), {}),
    "commitment": Case("commitment_summary", lambda table: commitment_summary(table("commitment_costs")), {}),
    "resource": Case(
        "resource_summary", lambda table: resource_summary(table("resource_costs"), table("resources")), {}
    ),
    "tag, two keys": by_tag(["team", "env"]),
    "tag, a key nobody has": by_tag(["owner"]),
    "tag, every key": by_tag([]),
    "coverage, two keys": covered(["team", "owner"]),
    "coverage, every key": covered([]),
    "trend of a first month": in_time("trend_summary", date(2026, 1, 31), period="2026-01"),
    "movers of a first month": in_time("mover_summary", date(2026, 1, 31), period="2026-01"),
    **{f"trend until {last}": in_time("trend_summary", last) for last in LAST_DAYS},
    **{f"movers until {last}": in_time("mover_summary", last) for last in LAST_DAYS},
    "reasons of a first month": reasons(date(2026, 1, 31), period="2026-01"),
    **{f"reasons until {last}": reasons(last) for last in LAST_DAYS[3:5]},
}


@pytest.fixture(scope="module")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with Warehouse.open(empty.put(tmp_path_factory.mktemp("warehouse") / "costs.duckdb")) as warehouse:
        yield warehouse


@pytest.fixture(
    scope="module",
    params=[1, *(pytest.param(seed, marks=[pytest.mark.heavy, soak.long]) for seed in (2, 3))],
    ids="seed {}".format,
)
def warehouse(request: pytest.FixtureRequest, empty_warehouse: Warehouse) -> Warehouse:
    fill(empty_warehouse, charges(request.param))
    return empty_warehouse


def asked(warehouse: Warehouse, case: Case, more: str = "") -> pl.LazyFrame:
    """The summary of the rollups, whose rows come as ``more`` says."""
    return case.answer(lambda table: warehouse.frame(f"SELECT * FROM {table} {more}").lazy())


def answered(warehouse: Warehouse, case: Case, frame: pl.DataFrame | None = None) -> Counter[tuple[Any, ...]]:
    """The summary's rows as its table gives them back."""
    frame = asked(warehouse, case).collect() if frame is None else frame
    warehouse.execute(f"DELETE FROM {case.table}")
    warehouse.insert(case.table, frame)
    return Counter(warehouse.rows(f"SELECT * FROM {case.table}"))


def expected(warehouse: Warehouse, case: Case) -> Counter[tuple[Any, ...]]:
    """The oracle's rows, in the table's columns."""
    oracle = (Path(__file__).parents[1] / "oracles" / f"{case.table}.sql").read_text(encoding="utf-8")
    names = ", ".join(warehouse.frame(f"SELECT * FROM {case.table} LIMIT 0").columns)
    return Counter(warehouse.rows(f"SELECT {names} FROM ({oracle}\n)", case.parameters))


@pytest.mark.parametrize("name", CASES)
def test_summary_and_oracle_agree_on_every_row_however_the_rollups_rows_come(name: str, warehouse: Warehouse) -> None:
    case = CASES[name]
    frame = asked(warehouse, case, "ORDER BY ALL").collect()
    other_way = asked(warehouse, case, "ORDER BY ALL DESC")
    assert frame.equals(other_way.collect())
    table = warehouse.frame(f"SELECT * FROM {case.table} LIMIT 0").schema
    assert other_way.collect_schema() == frame.schema == table
    mine, oracles = answered(warehouse, case, frame), expected(warehouse, case)
    assert (list(mine - oracles), list(oracles - mine)) == ([], [])


def test_the_reasons_of_a_service_sum_to_its_move(warehouse: Warehouse) -> None:
    for name in ("movers until 2026-03-17", "reasons until 2026-03-17"):
        answered(warehouse, CASES[name])
    sums = ", ".join(
        f"sum({column})" for column in ("BilledCost", "previous_BilledCost", "expected_BilledCost", "change")
    )
    whole = f"SELECT BillingCurrency, key, {sums} FROM mover_summary WHERE dimension = 'ServiceName' GROUP BY ALL"
    reasons = f"SELECT BillingCurrency, ServiceName, {sums} FROM mover_reasons GROUP BY ALL"
    assert Counter(warehouse.rows(reasons)) == Counter(warehouse.rows(whole))


def test_no_charges_give_no_rows(empty_warehouse: Warehouse) -> None:
    fill(empty_warehouse, [])
    for name, case in CASES.items():
        assert answered(empty_warehouse, case) == expected(empty_warehouse, case) == Counter(), name


@pytest.mark.heavy
@settings(
    max_examples=soak.more(6, 300), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(any_charges(), st.sampled_from(sorted(CASES)))
def test_no_bill_parts_summary_and_oracle(empty_warehouse: Warehouse, bill: list[dict[str, Any]], name: str) -> None:
    fill(empty_warehouse, bill)
    assert answered(empty_warehouse, CASES[name]) == expected(empty_warehouse, CASES[name])
