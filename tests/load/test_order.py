"""Whatever the order, the repetition and the cutting into files, the warehouse ends the same and equals a plain sum."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import money
from tests.load import bills
from tests.load.bills import azure_delivery, focus, month
from tests.soak import long, more

PERIODS = ("2026-01", "2026-02")
#: Amounts are drawn, and so may fall by anything: tests/load/test_gate.py draws what the gate holds back.
ANY_MONEY: dict[str, Any] = {"gate_cost": Decimal(1), "gate_cost_floor": Decimal(10**9)}
amounts = st.decimals(-1000, 1000, places=12, allow_nan=False).map(str)


@dataclass(frozen=True)
class Drawn:
    """A delivery of a month: when it was made, its amounts, and how many files it is cut into."""

    period: str
    day: int
    costs: tuple[str, ...]
    parts: int

    def write(self, folder: Path) -> Path:
        """Write it with its manifest and return its folder."""
        rows = [
            focus(BilledCost=cost, ResourceId=f"r-{n % 3}", ServiceName=f"s-{n % 2}", Tags=f'{{"n":"{n % 2}"}}')
            | month(self.period)
            for n, cost in enumerate(self.costs)
        ]
        run = f"{self.period}-{self.day}"
        parts = [rows[number :: self.parts] for number in range(self.parts)]
        azure_delivery(folder / run, parts, run, submitted=f"{self.period}-{self.day:02d}T10:00:00Z")
        return folder / run


months = st.builds(
    Drawn,
    st.sampled_from(PERIODS),
    st.integers(1, 28),
    st.lists(amounts, min_size=5, max_size=5).map(tuple),
    st.integers(1, 3),
)
drawn = st.lists(months, min_size=1, max_size=4, unique_by=lambda delivery: (delivery.period, delivery.day))


def expected(deliveries: list[Drawn]) -> dict[str, Decimal]:
    """BilledCost by billing period of the newest deliveries, by Python alone."""
    newest: dict[str, Drawn] = {}
    for delivery in sorted(deliveries, key=lambda each: each.day):
        newest[delivery.period] = delivery
    return {period: money.total(map(Decimal, delivery.costs)) for period, delivery in newest.items()}


def test_a_month_delivered_three_times_ends_the_same_in_every_order() -> None:
    deliveries = [Drawn("2026-01", day, tuple(str(day + n) for n in range(5)), 1 + day % 2) for day in (3, 10, 17)]
    found = []
    for order in list(itertools.permutations(deliveries))[:: more(3, 1)]:
        with tempfile.TemporaryDirectory() as folder, bills.house(Path(folder)) as house:
            for delivery in order:
                house.load(delivery.write(house.folder))
            assert loaded(house) == expected(deliveries)
            found.append(bills.dump(house.warehouse))
    assert all(each == found[0] for each in found)


def loaded(house: bills.House) -> dict[str, Decimal]:
    """BilledCost by billing period in the charges, which both rollups must equal."""
    found = [
        dict(house.rows(f"SELECT x_BillingPeriod, sum(BilledCost) FROM {table} GROUP BY ALL"))
        for table in ("charges", "daily_costs", "resource_costs")
    ]
    assert found[0] == found[1] == found[2]
    return found[0]


@pytest.mark.heavy
@given(drawn, st.data())
@settings(max_examples=more(2, 100), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_deliveries_in_any_order_and_repeated_end_the_same(deliveries: list[Drawn], data: st.DataObject) -> None:
    found = []
    for name in ("one run", "one by one", "whole"):
        with tempfile.TemporaryDirectory() as folder, bills.house(Path(folder)) as house:
            order = data.draw(st.permutations(deliveries))
            paths = [delivery.write(house.folder) for delivery in order]
            if name == "one run":
                house.load(*paths, *paths[:1], **ANY_MONEY)
            elif name == "one by one":
                for path in [*paths, *paths[::-1]]:
                    house.load(path, **ANY_MONEY)
            else:
                house.load(whole=True, **ANY_MONEY)
                assert not any(outcome.is_new for outcome in house.load(whole=True, **ANY_MONEY))
            assert loaded(house) == expected(deliveries)
            states = house.rows("SELECT x_BillingPeriod, status FROM loads WHERE status = 'loaded' ORDER BY ALL")
            found.append((bills.dump(house.warehouse), states))
    assert found[0] == found[1] == found[2]


@pytest.mark.heavy
@given(
    st.lists(amounts, min_size=6, max_size=12), st.integers(1, 3), st.sampled_from(["csv", "csv.gz", "zip", "parquet"])
)
@settings(max_examples=more(1, 30), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_month_cut_into_files_of_any_form_is_the_same_month(costs: list[str], parts: int, ending: str) -> None:
    # DOUBLE holds 15 digits: what Parquet could not carry is not drawn.
    short = [str(Decimal(cost).quantize(Decimal("1e-10"))) for cost in costs]
    rows = [focus(BilledCost=cost, ResourceId=f"r-{n}", Tags='{"a":"1"}') for n, cost in enumerate(short)]
    found = []
    for cut, form in ((1, "csv"), (parts, ending)):
        with tempfile.TemporaryDirectory() as folder, bills.house(Path(folder)) as house:
            for number in range(cut):
                bills.write(house.folder / f"part-{number}.{form}", rows[number::cut])
            house.load()
            found.append(bills.dump(house.warehouse))
    assert found[0] == found[1]
    assert money.total(map(Decimal, short)) == _billed(found[1])


def _billed(dumped: dict[str, list[tuple[object, ...]]]) -> Decimal:
    """The sum of daily_costs.BilledCost: its place is the 21st column."""
    values = [row[20] for row in dumped["daily_costs"]]
    return money.total(value for value in values if isinstance(value, Decimal))


@long
@pytest.mark.heavy
@given(drawn)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_deliveries_equal_the_plain_sum(deliveries: list[Drawn]) -> None:
    with tempfile.TemporaryDirectory() as folder, bills.house(Path(folder)) as house:
        for delivery in deliveries:
            delivery.write(house.folder)
        house.load(whole=True, **ANY_MONEY)
        before = bills.dump(house.warehouse)
        assert loaded(house) == expected(deliveries)
        assert not any(outcome.is_new for outcome in house.load(whole=True, **ANY_MONEY))
        assert bills.dump(house.warehouse) == before
