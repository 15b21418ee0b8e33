"""Aliases, virtual tags and conditions over real charges, against what they mean in plain Python."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline import resources, tags
from pipeline.night.splitting import keep_rules
from pipeline.rules import Comparison, Condition, Operand, Split, TagRules, VirtualRule, VirtualTag
from pipeline.store import rollups, rule_sql, tagging
from pipeline.store.warehouse import Warehouse
from pipeline.summaries import tag_summary
from tests import empty
from tests.conditions import HOSTILE, KEYS, TEXT_COLUMNS, answer_tags, conditions, holds, tag_sets
from tests.soak import more

PERIOD, SOURCE = "2026-03", "it's one"
TABLES = ("charges", "resources", "tag_sets", "tags", "daily_costs", "resource_costs", "source_periods")
#: Columns of conditions that live in the dimension.
DIMENSION = ("ResourceId", "SubAccountId", "x_ResourceType")


@dataclass(frozen=True)
class Charge:
    """A charge: what rules may ask of it, its tags and its cost."""

    columns: dict[str, str | None] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    cost: Decimal = Decimal(1)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with Warehouse.open(empty.put(tmp_path_factory.mktemp("tagging") / "costs.duckdb")) as opened:
        yield opened


def fill(warehouse: Warehouse, bill: Sequence[Charge]) -> None:
    """Put the charges, and no others, into a warehouse; rollups are the caller's."""
    for table in (*TABLES, "changed_tag_sets", "changed_tags"):
        warehouse.execute(f"DELETE FROM {table}")
    for charge in bill:
        key = uuid.uuid5(uuid.NAMESPACE_OID, repr([charge.columns.get(name) for name in DIMENSION]))
        text = tags.canonical(charge.tags)
        set_id = tags.set_id(text) if charge.tags else None
        row: dict[str, Any] = {name: charge.columns.get(name) for name in TEXT_COLUMNS if name not in DIMENSION}
        row |= {"x_Source": SOURCE, "x_Origin": "billed", "x_BillingPeriod": PERIOD, "BillingCurrency": "USD"}
        row |= {
            "x_ResourceKey": key,
            "x_TagSetId": set_id,
            "BilledCost": charge.cost,
            "ChargePeriodStart": "2026-03-01",
        }
        insert(warehouse, "charges", row)
        insert(
            warehouse, "resources", {"x_ResourceKey": key} | {name: charge.columns.get(name) for name in DIMENSION}, key
        )
        if set_id and insert(warehouse, "tag_sets", {"x_TagSetId": set_id, "Tags": text}, set_id):
            for name, value in charge.tags.items():
                insert(warehouse, "tags", {"x_TagSetId": set_id, "TagKey": name, "TagValue": value})
    insert(
        warehouse, "source_periods", {"x_Source": SOURCE, "x_BillingPeriod": PERIOD, "x_Origin": "billed", "charges": 1}
    )


def insert(warehouse: Warehouse, table: str, row: dict[str, Any], once: uuid.UUID | None = None) -> bool:
    """Insert a row; with ``once`` only where the table does not have that key in its first column."""
    first = next(iter(row))
    if once and warehouse.value(f"SELECT count(*) FROM {table} WHERE {first} = ?", [once]):
        return False
    places = ", ".join("?" for _ in row)
    return bool(warehouse.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values())))


def bills() -> st.SearchStrategy[list[Charge]]:
    values = st.none() | st.sampled_from(HOSTILE)
    columns = st.fixed_dictionaries(dict.fromkeys(TEXT_COLUMNS, values))
    cost = st.integers(-(10**20), 10**22).map(lambda units: Decimal(units).scaleb(-18))
    return st.lists(st.builds(Charge, columns, tag_sets(), cost), min_size=1, max_size=5)


def rule_sets() -> st.SearchStrategy[TagRules]:
    value_from = st.builds(Operand, st.just("tag"), st.sampled_from(KEYS)) | st.builds(
        Operand, st.just("column"), st.sampled_from(TEXT_COLUMNS)
    )
    rule = st.builds(VirtualRule, conditions(), st.sampled_from(HOSTILE)) | st.builds(
        VirtualRule, conditions(), st.none(), value_from
    )
    virtual = st.builds(
        lambda key, rules, default: VirtualTag(key, tuple(rules), default),
        st.sampled_from(KEYS),
        st.lists(rule, min_size=1, max_size=3),
        st.none() | st.sampled_from(HOSTILE),
    )
    aliases = st.sampled_from([(), (("team", ("Team", "it's")),), (("*", ('a"b', "🦆")), ("0", ("$.x",)))])
    return st.builds(
        lambda own, tags_: TagRules(own, tuple(tags_)),
        aliases,
        st.lists(virtual, max_size=2, unique_by=lambda t: t.key),
    )


SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


@settings(max_examples=12, deadline=None, suppress_health_check=SLOW, phases=(Phase.generate,))
@given(bill=bills(), condition=conditions())
def test_a_condition_in_sql_means_what_it_says(warehouse: Warehouse, bill: list[Charge], condition: Condition) -> None:
    fill(warehouse, bill)
    asked = rule_sql.condition(condition, rule_sql.billed_tag(TagRules()))
    found = warehouse.rows(f"SELECT c.BilledCost, {asked} FROM {rule_sql.RELATIONS}")
    expected = [(charge.cost, holds(condition, charge.columns, charge.tags)) for charge in bill]
    assert sorted(found) == sorted(expected)


@pytest.mark.heavy
@settings(max_examples=more(6, 100), deadline=None, suppress_health_check=SLOW, phases=(Phase.generate,))
@given(bill=bills(), rules=rule_sets())
def test_every_answer_has_the_tags_that_the_rules_give(
    warehouse: Warehouse, bill: list[Charge], rules: TagRules
) -> None:
    fill(warehouse, bill)
    rollups.refresh_for_keys(warehouse, KEYS, rules)
    rollups.refresh(warehouse, SOURCE, PERIOD, KEYS)
    expected = [answer_tags(rules, charge.columns, charge.tags) for charge in bill]
    shown = warehouse.rows("SELECT CAST(x_EffectiveTags AS VARCHAR) FROM focus_data_table")
    assert sorted(map(as_text, shown)) == sorted(tags.canonical(each) for each in expected)
    assert by_value(warehouse) == python_sums(bill, expected)
    daily = warehouse.rows("SELECT x_ReportedTags, sum(BilledCost) FROM daily_costs GROUP BY ALL")
    assert dict(daily) == sums(
        (tags.chosen(each, KEYS), charge.cost) for charge, each in zip(bill, expected, strict=True)
    )


def as_text(row: tuple[str | None]) -> str:
    return tags.canonical(json.loads(row[0])) if row[0] else "{}"


def by_value(warehouse: Warehouse) -> dict[Any, Decimal]:
    """tag_summary over the rollups as a night asks for it, by key and value; what is nothing is left out."""
    costs = warehouse.frame(resources.sql("night/tagged_costs"), [PERIOD]).lazy()
    pairs = warehouse.frame(resources.sql("night/tags"), [PERIOD, [], True]).lazy()
    rows = tag_summary(costs, pairs, KEYS).collect().select("TagKey", "TagValue", "BilledCost").rows()
    return {(key, value): cost for key, value, cost in rows if cost}


def python_sums(bill: Sequence[Charge], answers: Sequence[dict[str, str]]) -> dict[Any, Decimal]:
    pairs = ((key, each.get(key)) for each in answers for key in KEYS)
    costs = (charge.cost for charge in bill for _ in KEYS)
    return {name: cost for name, cost in sums(zip(pairs, costs, strict=True)).items() if cost}


def sums(pairs: Any) -> dict[Any, Decimal]:
    found: dict[Any, Decimal] = defaultdict(Decimal)
    for name, cost in pairs:
        found[name] += cost
    return dict(found)


STORAGE = Comparison(Operand("column", "ServiceName"), "equals", ("S3",))


def test_other_rules_leave_no_tag_set_of_the_old_ones(warehouse: Warehouse) -> None:
    fill(warehouse, [Charge({"ServiceName": "S3"}, {"Team": "a"}), Charge({}, {"Team": "b"})])
    rollups.refresh_for_keys(warehouse, (), TagRules((("team", ("Team",)),)))
    assert warehouse.value("SELECT count(*) FROM changed_tag_sets") == 2
    rollups.refresh_for_keys(warehouse, (), TagRules((), (VirtualTag("tier", (VirtualRule(STORAGE, "cold"),)),)))
    assert warehouse.rows("SELECT Tags FROM changed_tag_sets") == [('{"Team":"a","tier":"cold"}',)]
    rollups.refresh_for_keys(warehouse, ())
    assert warehouse.rows("SELECT * FROM changed_tag_sets UNION ALL SELECT * EXCLUDE (TagKey) FROM changed_tags") == []


def test_the_same_rules_write_nothing(warehouse: Warehouse) -> None:
    rules = TagRules((("team", ("Team",)),), (VirtualTag("tier", (VirtualRule(STORAGE, "cold"),)),))
    fill(warehouse, [Charge({}, {"Team": "a"})])
    assert rollups.refresh_for_keys(warehouse, ("team",), rules)
    version = warehouse.value("SELECT value FROM settings WHERE name = 'version'")
    assert not rollups.refresh_for_keys(warehouse, ("team",), rules)
    assert warehouse.value("SELECT value FROM settings WHERE name = 'version'") == version


def test_a_changed_set_equal_to_a_billed_one_counts_once(warehouse: Warehouse) -> None:
    fill(warehouse, [Charge({}, {"Team": "a"}, Decimal(3)), Charge({}, {"team": "a"}, Decimal(4))])
    rollups.refresh_for_keys(warehouse, (), TagRules((("team", ("Team",)),)))
    rows = warehouse.rows(
        "SELECT TagKey, TagValue, sum(BilledCost) FROM resource_costs JOIN effective_tags USING (x_EffectiveTagSetId) "
        "GROUP BY ALL"
    )
    assert rows == [("team", "a", Decimal(7))]


def test_numbers_and_times_are_compared_as_what_they_are(warehouse: Warehouse) -> None:
    fill(warehouse, [Charge(cost=Decimal("10.50"))])

    def asks(column: str, operator: Any, *values: str) -> Any:
        sql = rule_sql.condition(
            Comparison(Operand("column", column), operator, values), rule_sql.billed_tag(TagRules())
        )
        return warehouse.value(f"SELECT {sql} FROM {rule_sql.RELATIONS}")

    assert asks("BilledCost", "equals", "10.5") is True
    assert asks("BilledCost", "in", "1", "10.5000") is True
    assert asks("ListCost", "equals", "0") is False
    assert asks("ChargePeriodStart", "prefix", "2026-03-01") is True


def test_kept_columns_can_be_asked(warehouse: Warehouse) -> None:
    fill(warehouse, [Charge()])
    warehouse.execute("""UPDATE charges SET x_Kept = '{"x_CostCenter":"it''s 7"}'""")
    asked = Comparison(Operand("column", "x_CostCenter"), "equals", ("it's 7",))
    sql = rule_sql.condition(asked, rule_sql.billed_tag(TagRules()))
    assert warehouse.value(f"SELECT {sql} FROM {rule_sql.RELATIONS}") is True


def test_the_view_names_the_split_rule_of_a_charge(warehouse: Warehouse) -> None:
    fill(warehouse, [Charge({"ServiceName": "S3"}), Charge({"ServiceName": "EC2"})])
    keep_rules(warehouse, [Split("it's shared", "team", STORAGE, "even")])
    rows = warehouse.rows("SELECT ServiceName, x_SplitRule FROM focus_data_table ORDER BY 1")
    keep_rules(warehouse, [])
    assert rows == [("EC2", None), ("S3", "it's shared")]


def test_conflicts_are_counted_beside_the_value_that_counts(warehouse: Warehouse) -> None:
    both = {"team": "a", "Team": "b", "user:team": "a"}
    fill(warehouse, [Charge({}, both, Decimal(3)), Charge({}, {"team": "c", "Team": "c"}), Charge({}, {"Team": "d"})])
    rollups.refresh_for_keys(warehouse, (), TagRules((("team", ("Team", "user:team")),)))
    rows = warehouse.rows(
        "SELECT TagKey, spelling, TagValue, other_spelling, other_value, BilledCost, x_ChargeCount FROM tag_conflicts"
    )
    assert rows == [("team", "team", "a", "Team", "b", Decimal(3), 1)]
    assert tagging.stored_rules(warehouse).spellings("team") == ("team", "Team", "user:team")
