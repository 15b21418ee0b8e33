"""What the gate measures, what it holds back, and that the order of deliveries does not matter to it."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config import SourceSettings, fields
from pipeline.config.fields import Tolerance
from pipeline.load import Outcome, measures
from pipeline.load.measures import Measures
from tests.load import bills
from tests.load.bills import House, focus, write
from tests.load.sharing import beginning
from tests.soak import more

Row = dict[str, Any]


def usage(days: range, *, account: str = "sub-1", cost: str = "10", **more: Any) -> list[Row]:
    """One usage row a day of January."""
    return [
        focus(
            ResourceId=f"r-{day}-{account}",
            SubAccountId=account,
            ChargePeriodStart=f"2026-01-{day:02}T00:00:00Z",
            ChargePeriodEnd=f"2026-01-{day + 1:02}T00:00:00Z",
            **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), cost) | more,
        )
        for day in days
    ]


def january(cost: str = "10", first: int = 1) -> list[Row]:
    """Twenty days of one account, and the first of them of another one."""
    return usage(range(first, first + 20), cost=cost) + usage(range(first, first + 1), account="sub-2", cost=cost)


@beginning
def loaded(house: House) -> None:
    """A month is loaded."""
    house.load(write(house.folder / "1.csv", january(), at=1e9))


def after(house: House, rows: list[Row]) -> Outcome:
    """What becomes of a bill that is delivered after what is loaded."""
    return house.one(write(house.folder / "2.csv", rows, at=2e9))


def redelivered(house: House, first: list[Row], second: list[Row]) -> Outcome:
    """Load a bill and what was delivered after it; returns what became of the second."""
    house.load(write(house.folder / "1.csv", first, at=1e9))
    return after(house, second)


def findings(house: House, outcome: Outcome) -> dict[str, str]:
    return dict(
        house.rows("SELECT measure, finding FROM load_measures WHERE load_id = ? ORDER BY ALL", [outcome.load_id])
    )


WITHIN = dict.fromkeys(
    ("rows", "days", "accounts", "BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), "within"
)


def test_a_covered_day_that_is_gone_holds_a_delivery_back(loaded: House) -> None:
    outcome = after(loaded, january(first=2))
    assert outcome.status == "quarantined"
    assert "1 of 20 days are gone (2026-01-01); what is loaded stays" in str(outcome.reason)
    assert findings(loaded, outcome) == WITHIN | {"days": "shrunken"}
    assert loaded.billed() == 210


def test_an_account_that_is_gone_holds_a_delivery_back(loaded: House) -> None:
    outcome = after(loaded, usage(range(1, 22)))
    assert "1 of 2 accounts are gone (sub-2)" in str(outcome.reason)
    assert loaded.rows("SELECT measure, member FROM load_members WHERE is_gone") == [("accounts", "sub-2")]


def verdict(loaded: Measures, delivered: Measures, **gate: Any) -> set[str]:
    """The measures by which a delivery is shrunken, without loading anything."""
    found = measures.compare(loaded, delivered, SourceSettings("bill", "bill.csv", **gate))
    return {each.measure for each in measures.shrunken(found)}


def month_of(rows: int = 20, days: int = 20, cost: str = "200") -> Measures:
    members = frozenset(f"2026-01-{day:02}" for day in range(1, 1 + days))
    return Measures(rows, members, frozenset(["sub-1"]), {("USD", "BilledCost"): Decimal(cost)})


@pytest.mark.parametrize(
    ("allowed", "is_held_back"),
    [("0", True), ("1", True), ("2", False), ("5%", True), ("10%", False)],
)
def test_days_may_be_gone_as_far_as_the_source_says(allowed: str, is_held_back: bool) -> None:
    found = verdict(month_of(), month_of(days=18), gate_days=fields.tolerance(allowed))
    assert found == ({"days"} if is_held_back else set())


@pytest.mark.parametrize(
    ("cost", "gate", "is_held_back"),
    [
        ("100", {}, False),
        ("99.99", {}, True),
        ("99.99", {"gate_cost": Decimal("0.51")}, False),
        ("149", {"gate_cost_floor": Decimal("50.99")}, True),
        ("149", {"gate_cost_floor": Decimal(51)}, False),
        ("150", {"gate_cost_floor": Decimal(0)}, False),
        ("-200", {}, True),
        ("9999", {}, False),
    ],
)
def test_less_cost_counts_beyond_its_share_and_its_floor(cost: str, gate: dict[str, Any], is_held_back: bool) -> None:
    assert verdict(month_of(), month_of(cost=cost), **gate) == ({"BilledCost"} if is_held_back else set())


@pytest.mark.parametrize(("rows", "is_held_back"), [(18, False), (17, True), (0, True)])
def test_rows_may_be_less_by_their_share_and_never_none(rows: int, is_held_back: bool) -> None:
    share = Decimal(1) if rows == 0 else Decimal("0.1")
    assert verdict(month_of(), month_of(rows), gate_rows=share) == ({"rows"} if is_held_back else set())


def test_an_empty_month_holds_nothing_back() -> None:
    assert verdict(month_of(rows=0), month_of(rows=1, days=1, cost="-5000")) == set()


def test_each_cost_column_is_compared_in_each_currency(house: House) -> None:
    euros = usage(range(1, 21), account="eu", BillingCurrency="EUR")
    cheaper = usage(range(1, 21), account="eu", BillingCurrency="EUR", ListCost="1", EffectiveCost="1")
    outcome = redelivered(house, usage(range(1, 21)) + euros, usage(range(1, 21)) + cheaper)
    assert (
        "EffectiveCost is 20 EUR, 200 is loaded: less by more than 25% and 100, so is ListCost; what is loaded stays"
    ) in str(outcome.reason)
    found = house.rows("SELECT BillingCurrency, measure FROM load_measures WHERE finding = 'shrunken' ORDER BY ALL")
    assert found == [("EUR", "EffectiveCost"), ("EUR", "ListCost")]


def test_a_currency_that_is_gone_is_less_money() -> None:
    euros = Measures(20, month_of().days, month_of().accounts, {("EUR", "BilledCost"): Decimal(500)})
    assert verdict(euros, month_of()) == {"BilledCost"}


def test_growth_is_told_and_goes_in(loaded: House) -> None:
    outcome = after(loaded, january(cost="16"))
    assert outcome.status == "loaded"
    assert outcome.notes == ("BilledCost grew from 210 to 336 USD, and so did ContractedCost, EffectiveCost, ListCost",)
    assert findings(loaded, outcome)["BilledCost"] == "grown"


def test_a_month_that_grows_by_its_days_is_no_growth(house: House) -> None:
    outcome = redelivered(house, usage(range(1, 10), cost="100"), usage(range(1, 21), cost="100"))
    assert (outcome.status, outcome.notes) == ("loaded", ())
    assert findings(house, outcome) == WITHIN


def test_the_first_delivery_is_measured_and_compared_with_nothing(house: House) -> None:
    house.load(write(house.folder / "1.csv", usage(range(1, 4))))
    rows = house.rows("SELECT measure, loaded, delivered, finding FROM load_measures WHERE BillingCurrency IS NULL")
    assert sorted(rows) == [("accounts", None, 1, None), ("days", None, 3, None), ("rows", None, 3, None)]


def test_a_mapping_that_changed_is_not_held_against_the_same_files(
    loaded: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.sources.formats import base

    after(loaded, usage(range(1, 2)))
    assert loaded.load(loaded.folder / "2.csv", accept=True)[0].status == "loaded"
    monkeypatch.setattr(base, "READER_VERSION", base.READER_VERSION + 1)
    assert [outcome.status for outcome in loaded.load(whole=True)][-1] == "loaded"
    assert loaded.billed() == 10


def test_what_waits_goes_in_by_itself_over_a_delivery_that_it_passes(house: House) -> None:
    """A (100 rows), C (84) and then B (92), which lies between them: C passes over B as it would have."""
    costs = {"A": 25, "B": 23, "C": 21}
    found = []
    for name, at in (("A", 1e9), ("C", 3e9), ("B", 2e9)):
        path = write(house.folder / f"{name}.csv", usage(range(1, 1 + costs[name])), at=at)
        found.append([each.status for each in house.load(path, gate_days=Tolerance(Decimal(99)))])
    assert found == [["loaded"], ["quarantined"], ["loaded", "loaded"]]
    assert house.billed() == 210


sets = st.sets(st.integers(1, 4), min_size=1)
drawn = st.lists(st.tuples(sets, sets), min_size=2, max_size=3)


@pytest.mark.heavy
@given(drawn, st.data())
@settings(max_examples=more(2, 100), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_days_and_accounts_that_come_and_go_end_the_same_in_any_order(
    deliveries: list[tuple[set[int], set[int]]], data: st.DataObject
) -> None:
    holds = deliveries[0]
    for later in deliveries[1:]:
        holds = later if all(old <= new for old, new in zip(holds, later, strict=True)) else holds
    order = data.draw(st.permutations(range(len(deliveries))))
    with tempfile.TemporaryDirectory() as folder, bills.house(Path(folder)) as house:
        for number in order:
            days, accounts = deliveries[number]
            rows = [row for a in accounts for d in days for row in usage(range(d, d + 1), account=f"a{a}")]
            write(house.folder / f"{number}.csv", rows, at=1e9 + number)
            house.load(house.folder / f"{number}.csv", gate_rows=Decimal(1))
        found = house.rows("SELECT DISTINCT day(ChargePeriodStart), SubAccountId FROM focus_data_table")
        assert ({day for day, _ in found}, {int(account[1:]) for _, account in found}) == holds
