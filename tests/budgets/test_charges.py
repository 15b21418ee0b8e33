"""Filters and bases: what the roll-up answers and what the charges answer, beside a plain sum over the charges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.budgets import windows
from pipeline.config import BudgetsConfig, Settings, default_settings
from pipeline.config.budgets import COSTS, ScopeBudget
from pipeline.errors import UsageError
from pipeline.forecast import rounded
from pipeline.night import budgeting, explaining
from pipeline.rules import Comparison, Condition, Joined, Operand
from pipeline.store import rollups
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.budgets.frames import budget

AS_OF = datetime(2026, 3, 22, 23, 59, 59)
KEYS = ("team",)


def column(name: str, operator: Any, *values: str) -> Condition:
    return Comparison(Operand("column", name), operator, values)


def tag(key: str, operator: Any, *values: str) -> Condition:
    return Comparison(Operand("tag", key), operator, values)


def none_of(condition: Condition) -> Condition:
    return Joined("not", (condition,))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Charges of every hour's kind in February and March, some dated in the other month."""
    path: Path = tmp_path_factory.mktemp("charges") / "w.duckdb"
    with Warehouse.open(empty.put(path)) as opened:
        opened.execute(
            """INSERT INTO tag_sets (x_TagSetId, Tags) SELECT md5(t)::UUID, t FROM (VALUES
            ('{"team":"ml"}'), ('{"app":"web","team":"web"}'), ('{"app":"api"}')) AS s (t)"""
        )
        opened.execute(
            """INSERT INTO resources (x_ResourceKey, x_Provider, ResourceId, RegionId, x_ResourceType)
            SELECT md5('r' || i)::UUID, 'aws', 'r' || i, ['eu', 'us'][i % 2 + 1], 't' || i FROM range(3) AS s (i)"""
        )
        opened.execute(
            """INSERT INTO charges BY NAME SELECT 's' AS x_Source, 'billed' AS x_Origin, 'aws' AS x_Provider,
                'load' AS x_LoadId, 'USD' AS BillingCurrency, strftime(day + to_days(if(i % 7 = 0, 12, 0)), '%Y-%m') AS x_BillingPeriod,
                day + to_hours(i % 24) AS ChargePeriodStart, day + to_hours(i % 24 + 1) AS ChargePeriodEnd,
                ['Usage', 'Usage', 'Tax', 'Credit'][i % 4 + 1] AS ChargeCategory,
                ['Amazon S3', 'AWS Lambda', NULL][i % 3 + 1] AS ServiceName, ['a-1', 'b-2'][(i // 5) % 2 + 1] AS SkuId,
                md5('r' || (i % 3))::UUID AS x_ResourceKey,
                [md5('{"team":"ml"}')::UUID, md5('{"app":"web","team":"web"}')::UUID, md5('{"app":"api"}')::UUID,
                    NULL][i % 4 + 1] AS x_TagSetId,
                i * 1.1 AS BilledCost, i * 1.01 AS EffectiveCost, i * 2 AS ListCost, i + 0.5 AS ContractedCost
            FROM (SELECT i::INT AS i, TIMESTAMP '2026-02-20' + to_days((i * 7 % 31)::INT) AS day FROM range(120) AS s (i))"""
        )
        for period in ("2026-02", "2026-03", "2026-04"):
            opened.execute(
                "INSERT INTO source_periods BY NAME SELECT 's' AS x_Source, ? AS x_BillingPeriod, 'billed' AS x_Origin,"
                "99 AS charges, TIMESTAMP '2026-03-20' AS usage_through",
                [period],
            )
        rollups.refresh_for_keys(opened, KEYS)
        yield opened


def settings(*budgets: ScopeBudget) -> Settings:
    return replace(default_settings(Path("w.duckdb")), budgets=BudgetsConfig(budgets))


def spends(warehouse: Warehouse, *budgets: ScopeBudget) -> dict[str, Decimal | None]:
    checked = budgeting.check_due(warehouse, settings(*budgets), AS_OF, KEYS)
    return {status.budget_id: status.current_spend for status in checked.result.statuses}


def plain_sum(warehouse: Warehouse, own: ScopeBudget, where: str) -> Decimal:
    """The sum over the charges of the window, told by Python; ``where`` is the filter in SQL of its own."""
    window = windows.current(own, AS_OF)
    assert window is not None
    rows = warehouse.rows(
        f"""SELECT c.x_BillingPeriod, c.ChargePeriodStart, c.{COSTS[own.basis]} FROM charges AS c
        JOIN resources AS r USING (x_ResourceKey) LEFT JOIN tag_sets AS t USING (x_TagSetId) WHERE {where}"""
    )
    by_bill = own.period_by == "billing"
    inside = [
        cost
        for period, at, cost in rows
        if (datetime.fromisoformat(f"{period}-01") if by_bill else at) in window and at.date() <= AS_OF.date()
    ]
    return sum(inside, Decimal(0))


FILTERS: list[tuple[Condition, str]] = [
    (none_of(column("ChargeCategory", "in", "Tax", "Credit")), "ChargeCategory = 'Usage'"),
    (column("ServiceName", "prefix", "AWS"), "ServiceName = 'AWS Lambda'"),
    (column("ServiceName", "absent"), "ServiceName IS NULL"),
    (none_of(column("ServiceName", "contains", "S3")), "coalesce(ServiceName, '') <> 'Amazon S3'"),
    (tag("team", "present"), "t.Tags LIKE '%team%'"),
    (tag("team", "equals", "ml"), "t.Tags LIKE '%ml%'"),
    (Joined("any", (tag("team", "equals", "ml"), column("RegionId", "equals", "us"))), "t.Tags LIKE '%ml%' OR r.RegionId = 'us'"),
    # What the roll-up does not hold:
    (column("SkuId", "prefix", "b"), "SkuId = 'b-2'"),
    (tag("app", "present"), "t.Tags LIKE '%app%'"),
    (Joined("all", (column("ResourceId", "in", "r1"), none_of(column("SkuId", "equals", "a-1")))), "ResourceId = 'r1' AND SkuId = 'b-2'"),
    (column("BilledCost", "equals", "4.4"), "BilledCost = 4.4"),
]  # fmt: skip
WINDOWS: list[dict[str, Any]] = [
    {},
    {"period_by": "charge", "period": "quarterly"},
    {"period_by": "charge", "period": "rolling_30d", "basis": "effective"},
    {"period_by": "charge", "period": "lifetime", "basis": "list", "starts": date(2026, 2, 25)},
    {"period": "yearly", "basis": "contracted"},
]


@pytest.mark.parametrize(("condition", "where"), FILTERS, ids=[where for _, where in FILTERS])
def test_a_filtered_budget_is_the_plain_sum_in_any_window(
    warehouse: Warehouse, condition: Condition, where: str
) -> None:
    number = [own for own, _ in FILTERS].index(condition)
    budgets = [budget(filter=condition, **WINDOWS[(number + step) % len(WINDOWS)]) for step in (0, 2)]
    expected = [plain_sum(warehouse, own, f"({where})") for own in budgets]
    assert any(expected)
    assert [spends(warehouse, own)["global"] for own in budgets] == expected


def test_an_hour_is_counted_from_the_charges(warehouse: Warehouse) -> None:
    [(at,)] = warehouse.rows(
        "SELECT max(ChargePeriodStart) FROM charges WHERE ChargePeriodStart < TIMESTAMP '2026-03-22'"
    )
    own = budget(period="hourly", period_by="charge")
    result = budgeting.check_due(warehouse, settings(own), at + timedelta(minutes=5), KEYS).result
    (status,) = result.statuses
    cost, resources = warehouse.rows(
        """SELECT sum(BilledCost), count(DISTINCT x_ResourceKey) FROM charges
        WHERE ChargePeriodStart >= ? AND ChargePeriodStart < ?""",
        [at, at + timedelta(hours=1)],
    )[0]
    assert (status.window.start, status.current_spend, status.matched_resources) == (at, cost, resources)
    assert status.forecast_note == "an hour has no forecast"


@pytest.mark.parametrize("asked", ["ServiceName", "SkuId"])
def test_a_tag_budget_whose_filter_leaves_a_charge_out_leaves_it_to_the_next(warehouse: Warehouse, asked: str) -> None:
    value = {"ServiceName": "AWS Lambda", "SkuId": "b-2"}[asked]
    first = budget("tag:team:*", priority=9, filter=column(asked, "equals", value))
    found = spends(warehouse, budget(), first, budget("tag:team:web"))
    web = "t.Tags LIKE '%web%'"
    assert found["tag:team:web"] == plain_sum(warehouse, budget(), f"{web} AND {asked} IS DISTINCT FROM '{value}'")
    assert found["tag:team:*"] == plain_sum(warehouse, budget(), f"t.Tags LIKE '%team%' AND {asked} = '{value}'")


def test_usage_is_made_when_needed_and_deleted_when_not(warehouse: Warehouse) -> None:
    count = "SELECT count(*) FROM budget_usage"
    spends(warehouse, budget(filter=column("SkuId", "equals", "a-1")))
    some = warehouse.value(count)
    assert some > 0
    spends(warehouse, budget(filter=column("ServiceName", "equals", "Amazon S3")))
    assert warehouse.value(count) == 0


def test_usage_is_made_anew_for_a_billing_period_that_changed(warehouse: Warehouse) -> None:
    own = budget(filter=column("SkuId", "equals", "a-1"))
    before = spends(warehouse, own)["global"]
    warehouse.execute("UPDATE charges SET BilledCost = BilledCost + 1 WHERE SkuId = 'a-1'")
    assert spends(warehouse, own)["global"] == before
    rollups.mark_dirty(warehouse, "2026-03")
    after = spends(warehouse, own)["global"]
    warehouse.execute("UPDATE charges SET BilledCost = BilledCost - 1 WHERE SkuId = 'a-1'")
    rollups.mark_dirty(warehouse, "2026-03")
    assert before == spends(warehouse, own)["global"]
    assert after is not None
    assert before is not None
    assert after > before


def test_explain_goes_by_filters_and_windows_and_loses_no_money(warehouse: Warehouse) -> None:
    own = (
        budget(),
        budget("provider:aws", filter=column("SkuId", "equals", "a-1")),
        budget("tag:team:*", priority=9, filter=column("ServiceName", "equals", "AWS Lambda")),
        budget("tag:team:web"),
        budget("type:t1", period="weekly", period_by="charge", basis="effective"),
        budget("type:t2", basis="list"),
    )
    spends(warehouse, *own)
    result = budgeting.evaluate_period(warehouse, settings(*own), "2026-03", AS_OF, keys=KEYS, explain=True)
    for status in result.statuses:
        received = [each.scope_costs.get(status.budget_id, Decimal(0)) for each in result.allocations or ()]
        assert (status.budget_id, sum(received)) == (status.budget_id, status.current_spend)
    assert {each.selected_tag_budget for each in result.allocations or ()} == {None, "team:*", "team:web"}


def test_an_explanation_adds_up_to_the_status_and_says_where_the_rest_went(warehouse: Warehouse) -> None:
    own = (
        budget(rollover=Decimal(25), planned=(("2026-02", Decimal(9000)),)),
        budget("provider:aws", filter=column("SkuId", "equals", "a-1"), basis="effective"),
        budget("tag:team:*", priority=9, filter=column("ServiceName", "equals", "AWS Lambda")),
        budget("tag:team:web", period="quarterly", basis="list"),
        budget("type:t1", period="rolling_7d", period_by="charge", basis="contracted"),
        budget("type:t2", amount=0),
    )
    spends(warehouse, *own)
    found = {
        each.budget_id: explaining.explain(
            warehouse, settings(*own), each.budget_id, "2026-03", AS_OF, keys=KEYS, by=by
        )
        for each, by in zip(own, ("ServiceName", "ResourceId", "tag:app", "day", "SkuId", "SkuId"), strict=True)
    }  # fmt: skip
    assert found["type:t2"].groups == ()
    for name, told in found.items():
        status, made = told.status, told.forecast
        assert told.total.spend == sum((part.spend or 0 for part in told.parts().values()), Decimal(0))
        assert (name, rounded(told.total.spend or Decimal(0))) == (name, status.current_spend or 0)
        assert (made and rounded(made.complete + made.rest + made.face)) == status.forecasted_spend
        carried = told.carried.carried if told.carried else 0
        assert told.plain_limit + carried == status.effective_limit
    assert (found["global"].planned_from, str(found["global"].plain_limit)) == ("2026-02", "9000")
    assert set(found["provider:aws"].left_out()) == {("left out by its filter", "billed")}
    assert set(found["tag:team:web"].left_out()) == {("goes to tag:team:*", "billed")}
    [(_, left)] = found["tag:team:web"].left_out().items()
    window = windows.current(own[3], AS_OF)
    where = "t.Tags LIKE '%web%' AND ServiceName = 'AWS Lambda'"
    assert window is not None
    assert sum(left.costs.values()) == plain_sum(warehouse, own[3], where)
    with pytest.raises(
        UsageError, match=r"cannot be grouped by 'SkuID'; did you mean 'SkuId'.*, model, day, or tag:KEY"
    ):
        explaining.explain(warehouse, settings(*own), "global", "2026-03", AS_OF, keys=KEYS, by="SkuID")
    by_scope, by_column = (
        explaining.explain(warehouse, settings(*own), "global", "2026-03", AS_OF, keys=KEYS, by=by).groups
        for by in ("service", "ServiceName")
    )
    assert by_scope == by_column


def test_what_is_dated_later_is_left_out_of_an_explanation(warehouse: Warehouse) -> None:
    spends(warehouse, budget())
    early = AS_OF - timedelta(days=12)
    told = explaining.explain(warehouse, settings(budget()), "global", "2026-03", early, keys=KEYS, by="day")
    assert rounded(told.total.spend or Decimal(0)) == told.status.current_spend
    assert {why for why, _ in told.left_out()} == {"dated after 2026-03-10"}
    assert max(day or "" for day in told.parts()) <= "2026-03-10"
