"""Nights with aliases, virtual tags, shared costs and a fiscal year: what each changed rule brings about."""

from __future__ import annotations

import json
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import DuckDBCostStore, money
from pipeline.entries import CostCategory, CostEntry
from tests.jobs.conftest import Say
from tests.jobs.nights import (
    ROOT,
    UNTOUCHED,
    Charge,
    ask,
    budgets,
    dump,
    facts,
    first_night,
    reports,
    write_bill,
    write_config,
)

DAYS = 21
ALIASES = {"report_keys": ["team"], "aliases": {"team": ["Team", "user team"]}}
STORAGE = {"column": "ServiceName", "equals": "Storage"}
SHARED = {"name": "cluster", "key": "team", "match": {"tag": "shared", "present": True}, "by": "proportional"}
BILL = (
    Charge(tags='{"Team": "ml"}', cost="10.01"),
    Charge(tags='{"team": "web", "Team": "old"}', cost="3.333333333333333333", resource="vm-2"),
    Charge(tags="", service="Storage", cost="7", resource="disk"),
    Charge(tags='{"shared": "yes"}', cost="1.000000000000000001", resource="k8s"),
)
TOTAL = Decimal("448.210000000000000014")
PLAIN: dict[str, Any] = {"tags": {"report_keys": ["team"]}}
#: What most tests begin with.
RULES: dict[str, Any] = {
    "tags": ALIASES,
    "splits": [SHARED],
    "cost": budgets(1000, tags=[{"selector": "team:ml", "amount": 300}]),
}


@pytest.fixture
def folder(place: Path) -> Path:
    """March of four resources, 448.21 USD, not run yet."""
    write_bill(place / "exports" / "march.csv", BILL)
    return place


def warehouse(folder: Path) -> Path:
    return folder / "warehouse" / "costs.duckdb"


def published(folder: Path, query: str) -> list[tuple[Any, ...]]:
    return ask(folder / "published" / "costs.duckdb", query)


def by_tag(folder: Path, key: str = "team") -> dict[str | None, Decimal]:
    return dict(published(folder, f"SELECT TagValue, BilledCost FROM tag_summary WHERE TagKey = '{key}'"))


def virtual(*rules: dict[str, Any], key: str = "product", **more: Any) -> dict[str, Any]:
    return {"report_keys": ["team"], "virtual": [{"key": key, "rules": list(rules), **more}]}


#: A virtual tag beside all other rules.
VIRTUAL: dict[str, Any] = RULES | {
    "tags": ALIASES
    | virtual({"value": "data", "when": STORAGE}, {"value": "apps", "when": {"column": "ResourceId", "prefix": "vm-"}}),
    "cost": budgets(1000, tags=[{"selector": "product:data", "amount": 100}]),
    "calendar": {"fiscal_year_start": 4},
}


def test_spellings_of_a_key_are_one_in_every_answer_and_the_bill_keeps_its_own(folder: Path) -> None:
    ended = first_night(write_config(folder, **RULES))
    assert ended.code == 0
    assert by_tag(folder) == {
        "ml": 10 * DAYS + Decimal("0.21"),
        "web": BILL_WEB,
        None: Decimal("168.000000000000000021"),
    }
    assert published(folder, "SELECT current_spend FROM budget_status WHERE scope_type = 'tag'") == [
        (Decimal("210.21"),)
    ]
    assert '{"Team":"ml"}' in {
        row[0] for row in published(folder, "SELECT CAST(Tags AS VARCHAR) FROM focus_data_table")
    }
    assert "| ml | $210.21 |" in reports(folder / "reports")["2026-03/report.md"]


BILL_WEB = Decimal("69.999999999999999993")


def test_spellings_that_disagree_are_told_once_and_listed(folder: Path, say: Say) -> None:
    config = write_config(folder, **RULES)
    told = "tag team: 21 charges carry several spellings of it with different values; 'team' counts before 'Team'"
    assert told in first_night(config).stderr
    assert say("run", "--config", config).stderr == ""
    assert "old" in say("tags", "conflicts", "--config", config).stdout


def test_other_aliases_remake_answers_without_loading_again(folder: Path, say: Say) -> None:
    first_night(write_config(folder, **PLAIN))
    loads = ask(warehouse(folder), "SELECT * FROM loads")
    assert set(by_tag(folder)) == {"web", None}
    say("run", "--config", write_config(folder, **RULES))
    assert set(by_tag(folder)) == {"web", "ml", None}
    assert ask(warehouse(folder), "SELECT * FROM loads") == loads
    remade = reports(folder / "reports")
    shutil.rmtree(folder)
    write_bill(folder / "exports" / "march.csv", BILL)
    first_night(write_config(folder, **RULES))
    assert reports(folder / "reports") == remade


def test_a_virtual_tag_is_a_tag_in_budgets_summaries_days_and_reports(folder: Path) -> None:
    assert first_night(write_config(folder, **VIRTUAL)).code == 0
    products = by_tag(folder, "product")
    assert products == {"data": 147, "apps": Decimal("280.209999999999999993"), None: Decimal("21.000000000000000021")}
    assert money.total(products.values()) == TOTAL
    assert published(folder, "SELECT current_spend FROM budget_status WHERE scope_type = 'tag'") == [(Decimal(147),)]
    [(daily,)] = published(
        folder, "SELECT sum(BilledCost) FROM daily_costs WHERE json_extract_string(x_ReportedTags, '/product') = 'data'"
    )
    assert daily == 147
    assert "| data | $147.00 |" in reports(folder / "reports")["2026-03/report.md"]


def test_a_virtual_tag_takes_a_billed_keys_place_only_where_a_rule_matches(folder: Path, say: Say) -> None:
    rules = virtual(
        {"value": "infra", "when": {"column": "ResourceId", "in": ["vm-2", "k8s"]}}, key="team", default="none"
    )
    say("run", "--config", write_config(folder, tags=rules | {"aliases": ALIASES["aliases"]}))
    assert {value: int(cost) for value, cost in by_tag(folder).items()} == {"ml": 210, "infra": 91, "none": 147}


def test_a_value_can_come_from_the_charge(folder: Path, say: Say) -> None:
    rules = virtual({"value_from": {"tag": "Team"}, "when": {"column": "ServiceName", "present": True}})
    say("run", "--config", write_config(folder, tags=rules))
    assert set(by_tag(folder, "product")) == {"ml", "old", None}


def test_a_second_run_with_rules_changes_nothing(folder: Path, say: Say) -> None:
    config = write_config(folder, **VIRTUAL)
    assert first_night(config).code == 0
    tables, files = dump(warehouse(folder), UNTOUCHED), facts(folder / "reports")
    second = say("run", "--config", config)
    assert (second.code, second.stdout, second.stderr) == (0, "", "")
    assert (dump(warehouse(folder), UNTOUCHED), facts(folder / "reports")) == (tables, files)


def test_other_reported_tags_and_rules_remake_answers_and_taken_away_leave_no_trace(folder: Path, say: Say) -> None:
    first_night(write_config(folder, **PLAIN))
    before, pages = dump(warehouse(folder), UNTOUCHED), reports(folder / "reports")
    tags = ALIASES | {
        "virtual": virtual({"value": "data", "when": STORAGE})["virtual"],
        "report_keys": ["team", "shared"],
    }
    say("run", "--config", write_config(folder, tags=tags, splits=[SHARED]))
    assert set(by_tag(folder, "shared")) == {"yes", None}
    shared = "SELECT sum(BilledCost) FROM daily_costs WHERE json_extract_string(x_ReportedTags, '/shared') = 'yes'"
    assert published(folder, shared) == [(Decimal("21.000000000000000021"),)]
    say("run", "--config", write_config(folder, **PLAIN))
    after = dump(warehouse(folder), UNTOUCHED)
    same = [name for name in before if name not in ("settings", "budget_status")]
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert reports(folder / "reports") == pages


def test_hostile_names_and_values_are_only_text(tmp_path: Path, say: Say) -> None:
    values = ['\'; DROP TABLE "charges"; --', "$.team 🦆", "x" * 10_000]
    tagged = [Charge(tags=json.dumps({each[:200]: each}), service=each, resource=each, cost="1.5") for each in values]
    write_bill(tmp_path / "exports" / "march.csv", tagged)
    rules, splits = [], []
    for value in values:
        when = {"all": [{"tag": value[:200], "equals": value}, {"column": "ServiceName", "in": [value]}]}
        rules.append({"value": value, "when": when})
        match = {"column": "ResourceId", "equals": value}
        splits.append({"name": value, "key": value[:200], "match": match, "by": "fixed", "to": {value: 1}})
    aliases = {"product": [value[:200] + "2" for value in values]}
    config = write_config(
        tmp_path, tags={"aliases": aliases, "virtual": [{"key": "product", "rules": rules}]}, splits=splits
    )
    assert say("run", "--config", config).code == 0
    each_once = {value: Decimal("31.5") for value in values}
    assert by_tag(tmp_path, "product") == each_once
    split = "SELECT CAST(x_SplitRule AS VARCHAR), ServiceName FROM focus_data_table GROUP BY ALL"
    assert sorted(published(tmp_path, split)) == sorted((value, value) for value in values)
    received = "SELECT TagValue, received_BilledCost FROM split_summary WHERE received_BilledCost > 0"
    assert dict(published(tmp_path, received)) == each_once


def test_budgets_asked_with_other_tag_rules_say_what_to_do(folder: Path, say: Say) -> None:
    first_night(write_config(folder, **RULES))
    ended = say("budgets", "--config", write_config(folder, tags={"report_keys": ["team"]}, cost=budgets(1000)))
    assert ended.code == 64
    assert "the warehouse was made with other tag rules than the configuration has; run `costmill run`" in ended.stderr


def test_recorded_calls_get_the_tags_of_the_rules_too(folder: Path) -> None:
    first_night(write_config(folder, **RULES))
    with DuckDBCostStore(warehouse(folder)) as store:
        store.save_entry(CostEntry(amount=Decimal(1), category=CostCategory.COMPUTE, tags={"user team": "ml"}))
    rows = ask(warehouse(folder), "SELECT x_ReportedTags FROM daily_costs WHERE x_Origin = 'recorded'")
    assert rows == [('{"team":"ml"}',)]


def test_shared_costs_reach_their_targets_and_the_total_stays(folder: Path) -> None:
    assert first_night(write_config(folder, **RULES)).code == 0
    rows = published(folder, "SELECT TagValue, own_BilledCost, received_BilledCost, BilledCost FROM split_summary")
    shared = Decimal("21.000000000000000021")
    assert (money.total(row[2] for row in rows), money.total(row[3] for row in rows)) == (shared, TOTAL)
    received = {row[0]: row[2] for row in rows}
    assert received["ml"] / received["web"] == pytest.approx(Decimal("210.21") / BILL_WEB)
    assert published(folder, "SELECT sum(BilledCost) FROM focus_data_table") == [(TOTAL,)]
    text = reports(folder / "reports")["2026-03/report.md"]
    assert "## After shared costs" in text
    assert "| **team** | $427.21 | $21.00 | $448.21 |" in text


def test_a_part_leads_back_to_its_charges(folder: Path) -> None:
    first_night(write_config(folder, **RULES))
    [query] = re.findall(
        r"```sql\n(-- From a part.*?)```", (ROOT / "docs" / "tags.md").read_text(encoding="utf-8"), re.DOTALL
    )
    rows = published(folder, query)
    assert {row[:3] for row in rows} == {("cluster", "ml", "k8s"), ("cluster", "web", "k8s")}
    assert len(rows) == 2 * DAYS
    assert money.total(row[-1] for row in rows) == 2 * Decimal("21.000000000000000021")


def test_other_split_rules_remake_the_parts_and_the_report_alone(folder: Path, say: Say) -> None:
    first_night(write_config(folder, **RULES))
    alerts = ask(warehouse(folder), "SELECT * FROM budget_status")
    even = SHARED | {"by": "even", "to": ["web", "ml", "new"]}
    told = say("run", "--config", write_config(folder, **RULES | {"splits": [even]}), "-v").stderr
    assert [line.split()[0] for line in told.splitlines()] == [
        "splits",
        "load",
        "summarise",
        "budgets",
        "report",
        "publish",
    ]
    assert published(folder, "SELECT DISTINCT target, received_BilledCost FROM cost_splits, split_summary "
                             "WHERE target = TagValue ORDER BY 1") == [
        (name, Decimal("7.000000000000000007")) for name in ("ml", "new", "web")
    ]  # fmt: skip
    assert ask(warehouse(folder), "SELECT * FROM budget_status") == alerts


def test_what_cannot_be_divided_and_who_overlaps_is_told(folder: Path, say: Say) -> None:
    lost = SHARED | {"name": "lost", "key": "cost-center", "match": STORAGE}
    late = SHARED | {"name": "late", "match": {"not": {"tag": "team", "present": True}}}
    ended = say("run", "--config", write_config(folder, tags=ALIASES, splits=[lost, SHARED, late]))
    assert ended.code == 0
    assert "split 'lost' of 2026-03 USD: 147 billed stay where they are: no target has a basis above 0" in ended.stderr
    assert "split 'cluster' of 2026-03 USD: 21 of its charges match a later rule too" in ended.stderr
    rows = dict(published(folder, "SELECT TagKey, sum(BilledCost) FROM split_summary GROUP BY ALL"))
    assert rows == {"team": TOTAL, "cost-center": TOTAL}
    assert "Not divided by lost: $147.00." in reports(folder / "reports")["2026-03/report.md"]


def test_a_redelivered_month_divides_anew(folder: Path, say: Say) -> None:
    config = write_config(folder, **RULES)
    first_night(config)
    write_bill(
        folder / "exports" / "march.csv", [*BILL[:3], Charge(tags='{"shared": ""}', cost="2")], at="2026-03-23T04:00:00"
    )
    say("run", "--config", config)
    assert published(folder, "SELECT sum(BilledCost) FROM cost_splits") == [(Decimal(2 * DAYS),)]


def test_rules_before_any_data_are_fine(tmp_path: Path, say: Say) -> None:
    (tmp_path / "exports").mkdir()
    config = write_config(tmp_path, tags=ALIASES, splits=[SHARED], calendar={"fiscal_year_start": 4})
    assert say("run", "--config", config).code == 65
    assert ask(warehouse(tmp_path), "SELECT count(*) FROM cost_splits") == [(0,)]


@pytest.mark.heavy
def test_the_fiscal_year_is_summed_shown_followed_and_moved_by_a_restated_month(folder: Path, say: Say) -> None:
    january = folder / "exports" / "january.csv"
    write_bill(january, [Charge(days=31)], period="2026-01", at="2026-02-02T04:00:00")
    write_bill(folder / "exports" / "february.csv", [Charge(days=28)], period="2026-02", at="2026-03-02T04:00:00")
    say("run", "--config", write_config(folder))
    assert "| FY2026 to date | $1,038.21 |" in reports(folder / "reports")["2026-03/report.md"]
    write_bill(january, [Charge(days=31, cost="11")], period="2026-01", at="2026-03-21T04:00:00")
    say("run", "--config", write_config(folder))
    assert "| FY2026 to date | $1,069.21 |" in reports(folder / "reports")["2026-03/report.md"]
    say("run", "--config", write_config(folder, calendar={"fiscal_year_start": 3}))
    after = reports(folder / "reports")
    assert "| FY2027 to date | $448.21 |" in after["2026-03/report.md"]
    assert "| FY2026 to date | $621.00 |" in after["2026-02/report.md"]
    assert published(
        folder, "SELECT fiscal_period, BilledCost FROM fiscal_summary WHERE grain = 'quarter' ORDER BY 1"
    ) == [
        ("FY2026-Q4", Decimal(621)),
        ("FY2027-Q1", TOTAL),
    ]


def test_coverage_says_which_account_lacks_the_tag(folder: Path, say: Say) -> None:
    config = write_config(folder, **RULES)
    first_night(config)
    ended = say("tags", "coverage", "--config", config, "--format", "json")
    [row] = json.loads(ended.stdout)
    assert (row["TagKey"], row["SubAccountId"], row["untagged_BilledCost"], row["tagged_percent"]) == (
        "team",
        "sub-1",
        "168.000000000000000021",
        "62.5",
    )
    assert "| team | sub-1 | $168.00 | $448.21 | 62.5% |" in reports(folder / "reports")["2026-03/report.md"]
