"""What a span cost: the figures of the charges themselves, held against the time before."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline import money
from pipeline.errors import UsageError
from pipeline.periods import parse_span
from pipeline.store.warehouse import Warehouse
from tests.reports import warehouse as fixture
from tests.reports.editions.conftest import column, fact, table, told

BY_BILL = "x_BillingPeriod BETWEEN $first AND $last"
BY_CHARGE = "ChargePeriodStart >= $first AND ChargePeriodStart < $last"


def charged(warehouse: Warehouse, period: str, currency: str, part: str = "true") -> Decimal | None:
    """What the charges of a span sum to, asked by plain SQL."""
    span = parse_span(period)
    bounds = (span.first_month, span.last_month) if span.by_billing_period else (span.start, span.end)
    where = BY_BILL if span.by_billing_period else BY_CHARGE
    found: Decimal | None = warehouse.value(
        f"""SELECT sum(BilledCost) FROM focus_data_table
        WHERE x_Origin = 'billed' AND BillingCurrency = $currency AND {part} AND {where}""",
        {"first": bounds[0], "last": bounds[1], "currency": currency},
    )
    return found


@pytest.mark.parametrize("period", ["2026-02-10", "2026-W07", "2026-02-20..2026-03-10", "2026-Q1"])
def test_a_spans_total_and_tables_are_what_its_charges_sum_to(sampled: Warehouse, period: str) -> None:
    [document] = told(sampled, "costs", period)
    billed = {own.currency: own.value for own in document.facts if own.name == "billed"}
    assert billed
    for currency, value in billed.items():
        assert value == charged(sampled, period, str(currency))
        for name in ("services", "accounts"):
            assert money.total(column(table(document, name, currency), "BilledCost")) == value


def test_each_service_is_what_its_charges_sum_to(sampled: Warehouse) -> None:
    [document] = told(sampled, "costs", "2026-02-10")
    services = table(document, "services")
    for name, category, billed, *_ in services.rows:
        part = f"ServiceName = '{name}' AND ServiceCategory = '{category}'"
        assert billed == charged(sampled, "2026-02-10", "USD", part)


def test_days_are_what_their_charges_sum_to(sampled: Warehouse) -> None:
    [document] = told(sampled, "costs", "2026-W07")
    days = table(document, "days")
    assert column(days, "BilledCost") == [charged(sampled, str(day), "USD") for day in column(days, "ChargeDay")]


def test_a_whole_week_is_held_against_the_week_before(sampled: Warehouse) -> None:
    [document] = told(sampled, "costs", "2026-W07")
    before = charged(sampled, "2026-W06", "USD")
    assert fact(document, "expected").value == before
    assert table(document, "movers_by_service").total is not None
    assert money.total(column(table(document, "movers_by_service"), "expected_BilledCost")) == before


def test_an_open_week_is_held_against_the_same_days_of_the_week_before(rich_warehouse: Warehouse) -> None:
    [document] = told(rich_warehouse, "costs", "2026-W12")
    [same_days] = told(rich_warehouse, "costs", "2026-03-09..2026-03-14")
    assert fact(document, "expected").value == fact(same_days, "billed").value
    assert "against the first 6 days of the week before" in document.headline


def test_a_day_is_held_against_the_week_behind_it_and_says_how_its_month_goes(rich_warehouse: Warehouse) -> None:
    [document] = told(rich_warehouse, "costs", "2026-03-21")
    [week] = told(rich_warehouse, "costs", "2026-03-14..2026-03-20")
    usual = fact(week, "billed").value
    assert isinstance(usual, Decimal)
    assert fact(document, "expected").value == money.ratio(usual, Decimal(7), 18)
    [month] = told(rich_warehouse, "costs", "2026-03-01..2026-03-31")
    assert fact(document, "month_to_date").value == fact(month, "billed").value
    assert fact(document, "forecast").value is not None


def test_what_is_not_loaded_is_compared_with_nothing(sampled: Warehouse) -> None:
    [document] = told(sampled, "costs", "2026-W01")
    assert not [own for own in document.facts if own.name == "expected"]
    assert any("December 2025 is not loaded" in part.lead for part in document.parts)
    [quarter] = told(sampled, "costs", "2026-Q1")
    missing = "There is nothing to compare with: October 2025, November 2025 and December 2025 are not loaded."
    assert any(part.lead == missing for part in quarter.parts)


def test_a_span_without_charges_says_so(rich_warehouse: Warehouse) -> None:
    [document] = told(rich_warehouse, "costs", "2026-04-01")
    assert document.headline.endswith("nothing was billed")
    assert document.parts[0].name == "nothing"


def test_currencies_have_tables_of_their_own(empty: Warehouse) -> None:
    spends = [fixture.Spend("S", "Compute", "r", "10"), fixture.Spend("S", "Compute", "r", "7", currency="EUR")]
    fixture.fill(empty, fixture.PERIOD, spends, fixture.THROUGH)
    [document] = told(empty, "costs", "2026-W11")
    assert [(own.name, own.currency) for own in document.facts if own.name == "billed"] == [
        ("billed", "EUR"),
        ("billed", "USD"),
    ]
    assert table(document, "services", "EUR").title == "EUR"


def test_every_span_has_the_cautions_of_its_months(rich_warehouse: Warehouse) -> None:
    [month] = told(rich_warehouse, "budgets", "2026-03")
    for period in ("2026-03-21", "2026-W12", "2026-03-01..2026-03-15"):
        [document] = told(rich_warehouse, "costs", period)
        assert document.cautions == month.cautions
    assert {own.name for own in month.cautions} == {"waiting", "rejected"}


def test_stale_data_is_said_of_a_day_as_of_its_month(rich_warehouse: Warehouse) -> None:
    [document] = told(rich_warehouse, "costs", "2026-03-21", max_age_days=0)
    assert document.cautions[0].text.startswith("Data is stale. The last complete day is Mar 21, 2026, 1 day ago")


def test_an_unknown_report_names_the_near_one(rich_warehouse: Warehouse) -> None:
    with pytest.raises(UsageError, match="did you mean 'costs'"):
        told(rich_warehouse, "cost", "2026-03")


@pytest.mark.parametrize("period", ["2026-W07", "2026-02"])
def test_groups_are_what_their_charges_sum_to(sampled: Warehouse, period: str) -> None:
    [document] = told(sampled, "costs", period, group_by=("SkuId", "tag:team"))
    where = BY_BILL if period == "2026-02" else "ChargePeriodStart >= $first AND ChargePeriodStart < $last"
    span = parse_span(period)
    bounds = (period, period) if period == "2026-02" else (span.start, span.end)
    asked = sampled.rows(
        f"""SELECT SkuId, x_EffectiveTags->>'$.team', sum(BilledCost) FROM focus_data_table
        WHERE x_Origin = 'billed' AND {where} GROUP BY ALL""",
        {"first": bounds[0], "last": bounds[1]},
    )
    groups = table(document, "groups")
    own = {row[:2]: row[2] for row in groups.rows if row[2]}
    assert own == {row[:2]: row[2] for row in asked if row[2]}
    assert document.by == "SkuId,tag:team"


def test_the_rollup_and_the_charges_group_alike(sampled: Warehouse) -> None:
    [by_rollup] = told(sampled, "costs", "2026-W07", group_by=("ServiceName", "tag:team"))
    [by_charges] = told(sampled, "costs", "2026-W07", group_by=("ServiceName", "tag:team", "SkuPriceId"))
    sums: dict[tuple[object, ...], Decimal] = {}
    for row in table(by_charges, "groups").rows:
        assert isinstance(row[3], Decimal)
        sums[row[:2]] = sums.get(row[:2], Decimal(0)) + row[3]
    assert {row[:2]: row[2] for row in table(by_rollup, "groups").rows} == sums


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("ServiceNam",), "'ServiceNam'; did you mean 'ServiceName'"),
        (('x" FROM charges; DROP TABLE charges --',), "name a column of focus_data_table"),
        (("ServiceName", "ServiceName"), "each once"),
        (("a", "b", "c", "d"), "one to 3 columns"),
        (("tag:",), "names no key"),
    ],
)
def test_what_charges_cannot_be_grouped_by_is_said(sampled: Warehouse, names: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        told(sampled, "costs", "2026-W07", group_by=names)


def test_a_hostile_tag_key_is_only_a_key(sampled: Warehouse) -> None:
    for keys in (("' OR 1 = 1 --", "-- rows", "-- groups"), ("{expressions}", 'a"b/~*')):
        [document] = told(sampled, "costs", "2026-02-10", group_by=tuple(f"tag:{key}" for key in keys))
        assert [row[: len(keys)] for row in table(document, "groups").rows] == [(None,) * len(keys)]
