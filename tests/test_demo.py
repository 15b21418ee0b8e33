"""The demo as a reader meets it: three months of the sample company, figures proven against its own control totals."""

from __future__ import annotations

import json
import re
import resource
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipeline.money import EXACT, percent_text
from tests import soak
from tests.jobs.nights import (
    SAMPLE,
    UNTOUCHED,
    Ended,
    ask,
    copy_company,
    costmill,
    dump,
    facts,
    in_process,
    inside,
    reports,
    stamp,
)

TOTALS: Mapping[str, Any] = json.loads((SAMPLE / "totals.json").read_text(encoding="utf-8"))
PERIODS = ("2026-01", "2026-02", "2026-03")
#: The second run's part of the first one's CPU seconds, whatever the machine: on an idle one it is a tenth.
SECOND_RUN_SHARE = 1 / 3


@dataclass(frozen=True)
class Demo:
    """Two nights of the demo: what each said, and what stood in the output folder after each."""

    config: Path
    first: Ended
    second: Ended
    files: tuple[dict[str, tuple[int, str]], dict[str, tuple[int, str]]]
    tables: tuple[dict[str, list[tuple[Any, ...]]], dict[str, list[tuple[Any, ...]]]]
    cpu_seconds: tuple[float, float]

    @property
    def published(self) -> Path:
        return self.config.parent / "out" / "published" / "costs.duckdb"

    @property
    def out(self) -> Path:
        return self.config.parent / "out"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    config = copy_company(tmp_path_factory.mktemp("demo") / "company")
    out = config.parent / "out"
    started = _children_seconds()
    first = costmill("run", "--config", config)
    between = _children_seconds()
    files, tables = facts(out), dump(out / "warehouse" / "costs.duckdb", UNTOUCHED)
    again = _children_seconds()
    second = costmill("run", "--config", config)
    cpu_seconds = (between - started, _children_seconds() - again)
    after = dump(out / "warehouse" / "costs.duckdb", UNTOUCHED)
    return Demo(config, first, second, (files, facts(out)), (tables, after), cpu_seconds)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _current(field: str) -> dict[tuple[str, str], Decimal]:
    return {
        (each["source"], each["billing_period"]): Decimal(each[field])
        for each in TOTALS["deliveries"]
        if each["current"]
    }


def _budgets() -> Iterator[tuple[str, str, Decimal]]:
    """Budget id, period and spend of every budget in every month, from the control totals."""
    for each in TOTALS["scopes"]:
        if each["scope"] != "with a team tag":
            yield each["scope"], each["billing_period"], Decimal(each["billed"])


def _thresholds() -> dict[str, list[tuple[str, str]]]:
    """Budget id -> (threshold, type), read from the configuration by hand."""
    own = yaml.safe_load((SAMPLE / "costmill.yaml").read_text(encoding="utf-8"))["cost"]["budgets"]
    scopes = {"global": own["global"]} | {f"provider:{name}": own["providers"][name] for name in own["providers"]}
    scopes |= {f"tag:{each['selector']}": each for each in own["tags"]}
    scopes |= {f"type:{name}": own["types"][name] for name in own["types"]}
    default = [{"threshold": each, "type": "actual"} for each in (50, 80, 100)]
    return {
        name: [(str(alert["threshold"]), alert["type"]) for alert in scope.get("alerts", default)]
        for name, scope in scopes.items()
    }


def test_the_demo_ends_with_0_and_keeps_stdout_for_data(demo: Demo) -> None:
    assert demo.first.code == 0, demo.first.stderr
    assert demo.first.stdout == ""


def test_the_first_run_tells_the_alerts_of_the_running_month_and_nothing_else(demo: Demo) -> None:
    told = demo.first.stderr.splitlines()
    [(count,)] = ask(demo.published, "SELECT count(*) FROM budget_alerts WHERE status = 'open'")
    assert len(told) == count > 0
    assert all(line.startswith("costmill: alert fired: ") for line in told)


def test_each_budget_of_each_month_has_the_spend_of_the_control_totals(demo: Demo) -> None:
    rows = ask(demo.published, "SELECT budget_id, x_BillingPeriod, current_spend FROM budget_status")
    assert sorted(rows) == sorted(_budgets())


def test_the_running_month_has_the_forecast_of_the_control_totals(demo: Demo) -> None:
    rows = dict(
        ask(demo.published, "SELECT budget_id, forecasted_spend FROM budget_status WHERE x_BillingPeriod = '2026-03'")
    )
    expected = {each["scope"]: each["forecast"] for each in TOTALS["scopes"] if each["billing_period"] == "2026-03"}
    assert {name: f"{amount:.6f}" for name, amount in rows.items()} == {
        name: f"{Decimal(expected[name]):.6f}" for name in rows
    }


def test_the_readmes_budget_table_is_what_the_command_prints(demo: Demo) -> None:
    table = re.findall(
        r"^\| `(\S+)` \| ([\d,.]+) \| ([\d,.]+) \| ([\d.]+) \| ([\d,.]+) \| ([\d.]+) \|$",
        (SAMPLE / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    printed = json.loads(in_process("budgets", "--config", demo.config, "--format", "json").stdout)
    statuses = [printed["global"], *printed["by_provider"], *printed["by_tag"], *printed["by_type"]]
    assert [_readme_row(status) for status in _flat(statuses)] == table


def _flat(statuses: list[Any]) -> list[dict[str, Any]]:
    return [each for status in statuses for each in (status if isinstance(status, list) else [status])]


def _readme_row(status: dict[str, Any]) -> tuple[str, ...]:
    name = f"{status['scope_type']}:{status['scope_key']}" if status["scope_key"] else status["scope_type"]
    money = (f"{Decimal(status[key]):,.2f}" for key in ("current_spend", "forecasted_spend"))
    percent = (percent_text(Decimal(status[key])) for key in ("percentage", "forecast_percentage"))
    spend, forecast = money
    used, heading_for = percent
    return (name, f"{Decimal(status['effective_limit']):,.0f}", spend, used, forecast, heading_for)


@pytest.mark.parametrize("cost", ["BilledCost", "EffectiveCost"])
def test_the_view_of_analysts_sums_to_the_control_totals(demo: Demo, cost: str) -> None:
    view = "focus_data_table WHERE x_Origin = 'billed'"
    rows = ask(demo.published, f"SELECT x_Source, x_BillingPeriod, sum({cost}) FROM {view} GROUP BY ALL")
    assert {(source, period): total for source, period, total in rows} == _current(cost)


def test_the_ledger_and_its_rounding_sum_to_what_the_files_say(demo: Demo) -> None:
    rows = ask(
        demo.published,
        """
        SELECT l.x_Source, l.x_BillingPeriod, l.charges > 0 AND l.status = 'loaded', c.file_total, c.rounding
        FROM load_controls AS c JOIN loads AS l USING (load_id)
        WHERE c.column_name = 'BilledCost' AND l.format <> 'usage_log'""",
    )
    expected = sorted(
        (each["source"], each["billing_period"], each["current"], Decimal(_stated(each["sums"])))
        for each in TOTALS["deliveries"]
    )
    found = sorted(
        (source, period, now, EXACT.add(file_total, Decimal(rounding)))
        for source, period, now, file_total, rounding in rows
    )
    assert found == expected


def _stated(sums: Mapping[str, str]) -> str:
    names = ("BilledCost", "line_item_unblended_cost", "lineItem/UnblendedCost")
    return next(sums[name] for name in names if name in sums)


def test_alerts_fire_where_the_control_totals_cross_a_threshold(demo: Demo) -> None:
    limits = dict(ask(demo.published, "SELECT budget_id, amount FROM budgets"))
    figures = {
        (e["scope"], e["billing_period"]): (Decimal(e["billed"]), Decimal(e["forecast"])) for e in TOTALS["scopes"]
    }
    expected = {
        (budget, period, threshold, kind, "open" if period == "2026-03" else "suppressed")
        for budget, thresholds in _thresholds().items()
        for period in PERIODS
        for threshold, kind in thresholds
        if figures[budget, period][kind == "forecasted"] * 100 >= limits[budget] * Decimal(threshold)
    }
    rows = ask(
        demo.published,
        "SELECT budget_id, x_BillingPeriod, threshold, type, status FROM budget_alerts WHERE type <> 'anomaly'",
    )
    assert {(budget, period, f"{threshold:.0f}", kind, status) for budget, period, threshold, kind, status in rows} == (
        expected
    )
    assert len(rows) == len(expected)


def test_the_nine_days_of_the_spike_and_no_others_are_anomalies(demo: Demo) -> None:
    rows = ask(demo.published, "SELECT budget_id, day(period_start), status FROM budget_alerts WHERE type = 'anomaly'")
    scopes = ("anomaly:USD", "anomaly:USD:aws:Amazon Elastic Compute Cloud")
    assert sorted(rows) == [(scope, day, "suppressed") for scope in scopes for day in range(9, 18)]


def test_the_restatements_sum_to_the_difference_of_the_deliveries(demo: Demo) -> None:
    rows = ask(
        demo.published,
        "SELECT x_Source, x_BillingPeriod, sum(BilledCost_after - BilledCost_before), "
        "sum(EffectiveCost_after - EffectiveCost_before) FROM restatements GROUP BY ALL",
    )
    former = {(e["source"], e["billing_period"]): e for e in TOTALS["deliveries"] if not e["current"]}
    billed, effective = _current("BilledCost"), _current("EffectiveCost")
    assert sorted(rows) == sorted(
        (*key, billed[key] - Decimal(old["BilledCost"]), effective[key] - Decimal(old["EffectiveCost"]))
        for key, old in former.items()
    )


def test_february_was_restated_in_four_services_by_the_story_of_the_readme(demo: Demo) -> None:
    rows = ask(
        demo.published,
        "SELECT ServiceName, BilledCost_after - BilledCost_before AS change FROM restatements "
        "WHERE x_Source = 'aws-prod' AND x_BillingPeriod = '2026-02' ORDER BY change",
    )
    assert len(rows) == 4
    assert all(change != 0 for _, change in rows)
    assert "Amazon Bedrock" in {service for service, change in rows if change > 0}


@pytest.mark.parametrize("period", PERIODS)
def test_the_report_carries_the_months_bill_and_its_reconciliation(demo: Demo, period: str) -> None:
    spend = {month: total for budget, month, total in _budgets() if budget == "global"}[period]
    for kind in ("md", "html"):
        text = (demo.out / "reports" / period / f"report.{kind}").read_text(encoding="utf-8")
        assert f"${spend:,.2f}" in text
        assert f"{spend.normalize():f}" in text
        assert "Agree to the last decimal" in text


def test_ai_usage_sums_to_the_log_and_stands_in_the_report_beside_the_bill(demo: Demo) -> None:
    sums = "sum(BilledCost), sum(x_ChargeCount), sum(tokens), sum(cached_input_tokens)"
    where = "WHERE x_Origin = 'recorded' AND x_ChargeCount > 0"
    rows = ask(demo.published, f"SELECT x_BillingPeriod, model, {sums} FROM model_summary {where} GROUP BY ALL")
    assert sorted(rows) == [
        (
            each["billing_period"],
            each["model"],
            *(Decimal(each[name]) for name in ("cost", "calls", "tokens", "cached_input_tokens")),
        )
        for each in TOTALS["usage"]
    ]
    text = (demo.out / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")
    march = EXACT.create_decimal(0)
    march = sum((Decimal(each["cost"]) for each in TOTALS["usage"] if each["billing_period"] == "2026-03"), march)
    assert "It is not part of the bill" in text
    assert f"| **Total** | | ${march:,.2f} |" in text


def test_no_report_names_a_path_or_an_id_of_a_run(demo: Demo) -> None:
    runs = [row[0] for row in inside(demo.out / "warehouse" / "costs.duckdb", "SELECT run_id FROM runs")]
    for text in reports(demo.out / "reports").values():
        assert str(demo.config.parent) not in text
        assert not any(run in text for run in runs)


def test_analysts_open_a_link_to_a_file_that_nobody_can_write(demo: Demo) -> None:
    assert demo.published.is_symlink()
    assert stat.S_IMODE(demo.published.resolve().stat().st_mode) == 0o444
    with duckdb.connect(str(demo.published), read_only=True) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM focus_data_table").fetchall() == [(True,)]


def test_the_second_run_is_silent(demo: Demo) -> None:
    assert demo.second == Ended(0, "", "")


def test_the_second_run_changes_no_table_but_the_list_of_runs(demo: Demo) -> None:
    before, after = demo.tables
    assert {name for name in before if before[name] != after[name]} == set()


def test_the_second_run_rewrites_no_report_and_publishes_no_copy(demo: Demo) -> None:
    before, after = ({name: facts for name, facts in each.items() if "warehouse/" not in name} for each in demo.files)
    assert after == before


def test_the_second_run_costs_little_of_the_first(demo: Demo) -> None:
    first, second = demo.cpu_seconds
    assert second < first * SECOND_RUN_SHARE


@soak.long
@pytest.mark.heavy
def test_a_fresh_run_elsewhere_writes_the_same_reports(demo: Demo, tmp_path: Path) -> None:
    config = copy_company(tmp_path / "some" / "where" / "else")
    for path in config.parent.rglob("*.*"):
        stamp(path, "2026-08-01T10:00:00")
    assert costmill("run", "--config", config).code == 0
    assert reports(config.parent / "out" / "reports") == reports(demo.out / "reports")
    assert dump(config.parent / "out" / "warehouse" / "costs.duckdb") == dump(demo.out / "warehouse" / "costs.duckdb")


@soak.long
@pytest.mark.heavy
def test_deliveries_found_in_another_order_end_in_the_same_figures(demo: Demo, tmp_path: Path) -> None:
    config = copy_company(tmp_path / "company")
    keys = yaml.safe_load(config.read_text(encoding="utf-8"))
    keys["sources"].reverse()
    config.write_text(yaml.safe_dump(keys))
    late = _take_away(config.parent, tmp_path / "late", "BILLING_PERIOD=2026-01", "20260301T052200Z", "bd4f0d92")
    assert costmill("run", "--config", config).code == 0
    for path in late:
        (config.parent / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tmp_path / "late" / path, config.parent / path)
    assert costmill("run", "--config", config).code == 0
    found, expected = (_answers(folder / "warehouse" / "costs.duckdb") for folder in (config.parent / "out", demo.out))
    assert {name for name in expected if found[name] != expected[name]} == set()


def _take_away(company: Path, aside: Path, *marks: str) -> list[Path]:
    """Move the first month and both older deliveries aside; returns their paths."""
    taken = [path for path in company.rglob("*") if path.is_file() and any(mark in str(path) for mark in marks)]
    for path in taken:
        target = aside / path.relative_to(company)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    return [path.relative_to(company) for path in taken]


def _answers(warehouse: Path) -> dict[str, list[tuple[Any, ...]]]:
    tables = dump(warehouse)
    names = (
        "charges",
        "daily_costs",
        "resource_costs",
        "category_summary",
        "resource_summary",
        "tag_summary",
        "trend_summary",
        "mover_summary",
        "mover_reasons",
        "budget_status",
        "resources",
        "tag_sets",
        "tags",
    )
    return {name: tables[name] for name in names}
