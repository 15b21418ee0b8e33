"""Whose a charge is: by rule, by its record, by its source; the same in the view, the roll-ups and what budgets counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.budgets import charges
from pipeline.config.budgets import ScopeBudget
from pipeline.money import ZERO
from pipeline.rules import (
    TENANT,
    Comparison,
    Operand,
    TagRules,
    VirtualRule,
    VirtualTag,
    read_tag_rules,
    tag_rules_json,
)
from pipeline.store import rollups, rule_sql, schema
from pipeline.store.rule_sql import effective_tag as effective
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.store.test_tagging import SOURCE, Charge, fill

RULES = VirtualTag(
    TENANT,
    (
        VirtualRule(Comparison(Operand("tag", "team"), "equals", ("ml",)), "acme"),
        VirtualRule(Comparison(Operand("tag", "team"), "equals", ("ops",)), ""),
        VirtualRule(Comparison(Operand("column", "ServiceName"), "present"), None, Operand("column", "ServiceName")),
    ),
    "nobody else's",
)
BILL = [
    Charge(tags={"team": "ml", "tenant": "recorded"}),
    Charge(tags={"team": "ops", "tenant": "recorded"}),
    Charge({"ServiceName": "it's one"}),
    Charge(tags={"tenant": "recorded", TENANT: "billed"}),
    Charge(),
]
SOURCES = ((SOURCE, "the source's"),)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with Warehouse.open(empty.put(tmp_path / "costs.duckdb")) as opened:
        yield opened


def as_recorded(warehouse: Warehouse) -> None:
    """Let the charges be such as programs record."""
    warehouse.execute("UPDATE charges SET x_Origin = 'recorded', x_RecordId = CAST(rowid AS VARCHAR)")
    warehouse.execute("UPDATE source_periods SET x_Origin = 'recorded'")


@pytest.mark.parametrize(
    ("rules", "origin", "expected"),
    [
        (TagRules(), "billed", [None] * 5),
        (TagRules(), "recorded", ["recorded", "recorded", None, "recorded", None]),
        (TagRules(tenants=SOURCES), "billed", ["the source's"] * 5),
        (TagRules(tenants=SOURCES), "recorded", ["recorded", "recorded", "the source's", "recorded", "the source's"]),
        (TagRules(tenant=RULES), "billed", ["acme", None, "it's one", "nobody else's", "nobody else's"]),
        (TagRules((), (), RULES, SOURCES), "recorded", ["acme", None, "it's one", "recorded", "the source's"]),
    ],
)
def test_a_rule_comes_before_the_record_and_the_record_before_the_source(
    warehouse: Warehouse, rules: TagRules, origin: str, expected: list[str | None]
) -> None:
    fill(warehouse, BILL)
    if origin == "recorded":
        as_recorded(warehouse)
    assert rollups.refresh_for_keys(warehouse, ["team"], read_tag_rules(tag_rules_json(rules)))
    assert not rollups.refresh_for_keys(warehouse, ["team"], rules)
    hourly = ScopeBudget(
        "policy", "p", ZERO + 1, "USD", period="hourly", filter=Comparison(Operand("tag", "0"), "absent")
    )
    charges.refresh_usage(warehouse, [hourly], ["team"], [])
    shown = warehouse.rows("SELECT x_TenantId, count(*) FROM focus_data_table GROUP BY ALL")
    assert dict(shown) == {each: expected.count(each) for each in expected}
    asked = rule_sql.condition(Comparison(Operand("column", TENANT), "in", ("acme", "recorded")), effective(rules))
    found = warehouse.value(f"SELECT count(*) FROM {rule_sql.RELATIONS} WHERE {asked}")
    assert found == expected.count("acme") + expected.count("recorded")
    for table in ("daily_costs", "resource_costs"):
        sums = warehouse.rows(f"SELECT x_TenantId, sum(x_ChargeCount), sum(BilledCost) FROM {table} GROUP BY ALL")
        assert sorted(sums, key=str) == sorted(((own, count, count) for own, count in shown), key=str)
    counted = warehouse.rows("SELECT x_TenantId, sum(x_Cost) FROM budget_usage GROUP BY ALL")
    assert dict(counted) == dict(shown)


def test_an_older_warehouse_learns_whose_its_recorded_charges_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "costs.duckdb"
    older = {name: text for name, text in schema.files().items() if name < "0024"}
    with monkeypatch.context() as patched:
        patched.setattr(schema, "files", lambda: older)
        patched.setattr(schema, "refresh_views", lambda _: None)
        with Warehouse.open(path) as warehouse:
            fill(warehouse, BILL[:1])
            as_recorded(warehouse)
            warehouse.execute("INSERT INTO settings VALUES ('reported_tags', '[\"team\"]')")
    with Warehouse.open(path) as warehouse:
        assert rollups.refresh_for_keys(warehouse, ["team"])
        assert warehouse.rows("SELECT x_TenantId, BilledCost FROM daily_costs") == [("recorded", 1)]


def test_another_tenant_of_a_source_leaves_the_roll_ups_of_others_alone(warehouse: Warehouse) -> None:
    fill(warehouse, BILL)
    warehouse.execute("INSERT INTO charges BY NAME SELECT * REPLACE ('other' AS x_Source) FROM charges")
    warehouse.execute("INSERT INTO source_periods BY NAME SELECT * REPLACE ('other' AS x_Source) FROM source_periods")
    rollups.refresh_for_keys(warehouse, [])
    warehouse.execute("UPDATE daily_costs SET x_ChargeCount = -1 WHERE x_Source = 'other'")
    rules = TagRules(tenants=SOURCES)
    assert rollups.refresh_for_keys(warehouse, [], rules)
    made = "SELECT x_Source, x_TenantId, x_ChargeCount < 0 FROM daily_costs GROUP BY ALL ORDER BY ALL"
    assert warehouse.rows(made) == [(SOURCE, "the source's", False), ("other", None, True)]
    assert rollups.refresh_for_keys(warehouse, ["team"], rules)
    assert warehouse.rows(made) == [(SOURCE, "the source's", False), ("other", None, False)]
