"""The night over a small bill: what it does, what it leaves alone, and what a changed configuration brings about."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import jobs
from pipeline.config import load_settings
from tests.jobs.conftest import Say
from tests.jobs.nights import (
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
from tests.soak import long

#: An alert at 100 %, and no other.
OVER_200 = {"budgets": {"global": {"amount": 200, "alerts": [{"threshold": 100, "type": "actual"}]}}}


@pytest.fixture
def folder(place: Path) -> Path:
    """March (21 days, 210 USD) of one source, not run yet."""
    write_bill(place / "exports" / "march.csv")
    return place


def published(folder: Path) -> Path:
    return folder / "published" / "costs.duckdb"


def warehouse(folder: Path) -> Path:
    return folder / "warehouse" / "costs.duckdb"


def test_a_second_run_changes_nothing_and_says_nothing(folder: Path, say: Say) -> None:
    config = write_config(folder, cost=budgets(1000))
    assert first_night(config, "-v").code == 0
    tables, files = dump(warehouse(folder), UNTOUCHED), facts(folder)
    second = say("run", "--config", config, "--as-of", "2026-03-23")
    assert (second.code, second.stdout, second.stderr) == (0, "", "")
    assert dump(warehouse(folder), UNTOUCHED) == tables
    assert facts(folder) == files


def test_a_night_that_was_missed_is_made_up_for_by_the_next(tmp_path: Path, say: Say) -> None:
    told = {}
    for nights in ((20, 22), (22,)):
        folder = tmp_path / f"{len(nights)} nights"
        config = write_config(folder, cost=budgets(200), as_of=None)
        for day in (20, 22):
            write_bill(folder / "exports" / "march.csv", [Charge(days=day - 1)], at=f"2026-03-{day}T04:00:00")
            if day in nights:
                ended = say("run", "--config", config, "--as-of", f"2026-03-{day}")
                assert ended.code == 0
        queries = (
            "SELECT * EXCLUDE (x_LoadId) FROM charges ORDER BY ALL",
            "SELECT * FROM category_summary ORDER BY ALL",
        )
        alerts = "SELECT budget_id, threshold, type, status FROM budget_alerts ORDER BY ALL"
        told[nights] = [ask(published(folder), query) for query in (*queries, alerts)]
    complete, missed = told.values()
    assert missed == complete
    assert len(missed[0]) == 21


def test_v_tells_each_step_with_rows_money_and_seconds(folder: Path) -> None:
    told = first_night(write_config(folder, cost=budgets(1000)), "-v").stderr
    assert "load       azure 2026-03, 21 rows, 210.00 USD, " in told
    names = ["load", "summarise", "budgets", "report", "publish"]
    assert [line.split()[0] for line in told.splitlines()] == names


def test_every_run_that_changes_something_is_in_the_ledger_with_its_end_and_code(folder: Path, say: Say) -> None:
    config = write_config(folder, cost=budgets(100, exit_on_threshold=True, exit_code=7))
    assert first_night(config).code == 7
    assert say("run", "--config", config).code == 7
    rows = ask(
        warehouse(folder), "SELECT command, ended_at >= started_at, exit_code, changed FROM runs ORDER BY started_at"
    )
    assert rows == [("run", True, 7, True)]


def test_a_source_that_stays_away_writes_one_refusal_and_publishes_once_and_one_that_comes_back_ends_it(
    folder: Path, say: Say
) -> None:
    config = write_config(folder, sources=[{"name": "late", "path": "late"}])
    assert say("run", "--config", config).code == 65
    before = facts(folder / "published")
    assert say("run", "--config", config).code == 65
    assert facts(folder / "published") == before
    assert ask(warehouse(folder), "SELECT status FROM loads") == [("refused",)]
    assert say("status", "--config", config).code == 65
    write_bill(folder / "late" / "march.csv")
    assert say("run", "--config", config).code == 0
    assert say("status", "--config", config).code == 0


def test_a_night_before_any_data_counts_nothing_and_fires_nothing_and_later_ones_what_is_before_as_of(
    folder: Path, say: Say
) -> None:
    spend = "SELECT current_spend, health FROM budget_status WHERE x_BillingPeriod = '{}'"
    config = write_config(folder, cost=budgets(1))
    assert say("run", "--config", config, "--as-of", "2025-06-01").code == 0
    assert ask(published(folder), spend.format("2025-06")) == [(Decimal(0), "OK")]
    assert ask(published(folder), "SELECT count(*) FROM budget_alerts") == [(0,)]
    assert say("run", "--config", config, "--as-of", "2026-03-04").code == 0
    assert ask(published(folder), spend.format("2026-03")) == [(Decimal(40), "EXCEEDED")]


def test_a_missing_source_stops_no_other_old_data_is_told_and_the_worst_of_several_ends_the_run(
    folder: Path, say: Say
) -> None:
    sources = [{"name": "gone", "path": "nowhere"}, {"name": "azure", "path": "exports"}]
    breach = budgets(100, exit_on_threshold=True, exit_code=7)
    stale = ("--as-of", "2026-03-30")
    ended = say("run", "--config", write_config(folder, sources=sources, cost=breach), *stale)
    assert ended.code == 65
    assert f"costmill: refused: gone: {folder}/nowhere: no such file or folder; check the source's path" in ended.stderr
    assert ask(published(folder), "SELECT sum(BilledCost) FROM focus_data_table") == [(Decimal(210),)]
    assert (folder / "reports" / "2026-03" / "report.md").exists()
    ended = say("run", "--config", write_config(folder, cost=breach), *stale)
    assert ended.code == 66
    assert ended.stderr == (
        "costmill: stale: azure: its last complete day is 2026-03-21, 9 days ago; "
        "the limit is 3 days (freshness.max_age_days)\n"
        "costmill: budget global, 2026-03: spend 210 USD is 210 % of 100 USD, at or over its threshold of 100 %\n"
    )
    assert say("run", "--config", write_config(folder, cost=breach)).code == 7


def test_a_withheld_report_stays_as_it_was_and_comes_when_the_data_does(folder: Path, say: Say) -> None:
    config = write_config(folder, freshness={"stale": "withhold"})
    ended = say("run", "--config", config, "--as-of", "2026-03-30")
    assert ended.code == 66
    assert "the report of 2026-03 is withheld" in ended.stderr
    assert reports(folder / "reports") == {}
    write_bill(folder / "exports" / "march.csv", [Charge(days=29)], at="2026-03-30T04:00:00")
    assert say("run", "--config", config, "--as-of", "2026-03-30").code == 0
    assert list(reports(folder / "reports")) == ["2026-03/report.md"]


def test_a_new_day_renders_the_running_month_only_and_only_while_it_is_stale(folder: Path, say: Say) -> None:
    write_bill(folder / "exports" / "february.csv", [Charge(days=28)], period="2026-02", at="2026-03-02T04:00:00")
    config = write_config(folder, cost=OVER_200)
    assert first_night(config).code == 0
    assert "\nreport " not in say("run", "--config", config, "--as-of", "2026-03-23", "-v").stderr
    told = say("run", "--config", config, "--as-of", "2026-03-30", "-v").stderr
    assert [line.split(",")[0].split() for line in told.splitlines() if line.startswith("report")] == [
        ["report", "2026-03"]
    ]


def test_a_deleted_report_is_rendered_again(folder: Path, say: Say) -> None:
    config = write_config(folder, cost=budgets(1000))
    first_night(config, "-v")
    before = reports(folder / "reports")
    (folder / "reports" / "2026-03" / "report.md").unlink()
    assert say("run", "--config", config).code == 0
    assert reports(folder / "reports") == before


def test_another_format_is_rendered_by_the_next_run(folder: Path, say: Say) -> None:
    first_night(write_config(folder, cost=budgets(1000)), "-v")
    both = {"out": "reports", "formats": ["md", "json"]}
    assert say("run", "--config", write_config(folder, cost=budgets(1000), reports=both)).code == 0
    assert sorted(path.name for path in (folder / "reports" / "2026-03").iterdir()) == ["report.json", "report.md"]


def test_a_budget_of_another_tag_counts_what_is_loaded_already(folder: Path, say: Say) -> None:
    first_night(write_config(folder, cost=budgets(1000)), "-v")
    with_team = budgets(1000, tags=[{"selector": "team:ml", "amount": 500}])
    say("run", "--config", write_config(folder, cost=with_team))
    rows = ask(published(folder), "SELECT budget_id, current_spend FROM budget_status ORDER BY position")
    assert rows == [("global", Decimal(210)), ("tag:team:ml", Decimal(210))]


def test_an_edited_amount_moves_status_alerts_and_report(folder: Path, say: Say) -> None:
    large = {"budgets": {"global": OVER_200["budgets"]["global"] | {"amount": 500}}}
    first_night(write_config(folder, cost=OVER_200))
    before = reports(folder / "reports")
    assert say("run", "--config", write_config(folder, cost=large)).stderr == ""
    assert ask(published(folder), "SELECT status, reason FROM budget_alerts") == [
        ("resolved", "the limit was 200; spend is 210 USD, 42.000000 % of 500")
    ]
    assert reports(folder / "reports") != before
    told = say("run", "--config", write_config(folder, cost=OVER_200)).stderr
    assert told == "costmill: alert reopened: global of 2026-03: actual 100 %, now 105 % (critical)\n"


def test_a_removed_budget_ends_and_its_alerts_are_resolved(folder: Path, say: Say) -> None:
    first_night(write_config(folder, cost=OVER_200))
    assert say("run", "--config", write_config(folder)).code == 0
    assert ask(published(folder), "SELECT count(*) FROM budget_status") == [(0,)]
    assert ask(published(folder), "SELECT ended_at FROM budgets") == [(datetime(2026, 3, 22, 23, 59, 59, 999999),)]
    assert ask(published(folder), "SELECT DISTINCT status, reason FROM budget_alerts") == [
        ("resolved", "the budget left the configuration file")
    ]


def test_windows_that_ended_before_the_first_load_write_suppressed_alerts_and_are_not_told(folder: Path) -> None:
    write_bill(folder / "exports" / "february.csv", [Charge(days=28)], period="2026-02", at="2026-03-02T04:00:00")
    told = first_night(write_config(folder, cost=OVER_200))
    rows = ask(published(folder), "SELECT x_BillingPeriod, status FROM budget_alerts ORDER BY ALL")
    assert rows == [("2026-02", "suppressed"), ("2026-03", "open")]
    assert told.stderr.count("alert fired") == 1
    events = "SELECT DISTINCT json_extract_string(payload, '$.period_start') FROM budget_events"
    assert ask(published(folder), events) == [("2026-03-01T00:00:00Z",)]


def test_a_listener_hears_exact_money_and_a_run_that_stopped_right_after_its_first_load_raises_no_storm(
    folder: Path, say: Say
) -> None:
    write_bill(folder / "exports" / "march.csv", [Charge(days=28)], period="2026-02", at="2026-03-02T04:00:00")
    config = write_config(folder, cost=budgets(100))

    def stop(step: jobs.Step) -> None:
        assert (step.subject, step.rows, step.totals) == ("azure 2026-02", 28, {"USD": Decimal(280)})
        raise RuntimeError(step.name)

    with pytest.raises(RuntimeError, match="load"):
        jobs.run(load_settings(config, environ={}), listen=stop)
    assert say("run", "--config", config, "--as-of", "2026-03-02").stderr == ""
    assert ask(published(folder), "SELECT DISTINCT status FROM budget_alerts") == [("suppressed",)]


def test_a_first_night_without_charges_does_not_count_as_the_first_load(folder: Path, say: Say) -> None:
    config = write_config(folder, cost=budgets(100))
    (folder / "exports" / "march.csv").rename(folder / "march.csv")
    assert say("run", "--config", config, "--as-of", "2026-02-01").code == 65
    (folder / "march.csv").rename(folder / "exports" / "march.csv")
    assert say("run", "--config", config, "--as-of", "2026-04-02").code == 66
    assert ask(published(folder), "SELECT DISTINCT status FROM budget_alerts") == [("suppressed",)]


def test_a_month_that_ended_yesterday_still_tells_its_alerts(folder: Path, say: Say) -> None:
    config = write_config(folder, cost=budgets(250))
    say("run", "--config", config)
    write_bill(folder / "exports" / "march.csv", [Charge(days=31)], at="2026-04-01T04:00:00")
    told = say("run", "--config", config, "--as-of", "2026-04-01").stderr
    assert told.startswith("costmill: alert fired: global of 2026-03: actual 100 %, now 124 % (critical)\n")


def test_a_missing_rate_ends_with_the_configuration_code_after_the_reports_and_counts_past_months_when_it_is_given(
    folder: Path, say: Say
) -> None:
    euros = [Charge(currency="EUR", days=28)]
    write_bill(folder / "exports" / "february.csv", euros, period="2026-02", at="2026-03-02T04:00:00")
    write_bill(folder / "exports" / "march.csv", [Charge(), Charge(currency="EUR", resource="vm-2")])
    config = write_config(folder, cost=budgets(1000))
    ended = say("run", "--config", config)
    assert ended.code == 78
    assert ended.stderr == (
        "costmill: warning: azure 2026-03: the billing account account-1 is billed in EUR and USD; each currency has sums "
        "of its own, they are never added\n"
        "costmill: warning: 280 EUR of 2026-02 have no rate to USD: global is UNSPECIFIED; "
        'give currency.rates."2026-02".EUR\n'
        "costmill: warning: 210 EUR of 2026-03 have no rate to USD: global is UNSPECIFIED; "
        'give currency.rates."2026-03".EUR\n'
    )
    report = reports(folder / "reports")["2026-03/report.md"]
    assert "None is used up" not in report
    assert "Not all can be counted" in report
    ended = say("run", "--config", config)
    assert ended.code == 78
    assert "each currency has sums of its own" not in ended.stderr
    rates = {"report": "USD", "rates": {"2026-02": {"EUR": "1.5"}, "2026-03": {"EUR": "2"}}}
    assert say("run", "--config", write_config(folder, cost=budgets(1000), currency=rates)).code == 0
    query = "SELECT current_spend FROM budget_status ORDER BY x_BillingPeriod"
    assert ask(published(folder), query) == [(Decimal(420),), (Decimal(630),)]


@pytest.mark.heavy
@long  # tests/load/test_order.py proves it of a load
def test_an_older_delivery_found_later_changes_no_figure(tmp_path: Path, say: Say) -> None:
    def answers(folder: Path, *nights: list[tuple[str, str, str]]) -> dict[str, list[tuple[object, ...]]]:
        config = write_config(folder, cost=budgets(200))
        for night in nights:
            for name, cost, at in night:
                write_bill(folder / "exports" / name, [Charge(cost=cost)], at=at)
            assert say("run", "--config", config).code == 0
        tables = dump(folder / "warehouse" / "costs.duckdb")
        left_out = {
            "budget_alerts",
            "budget_events",
            "restatements",
            "loads",
            "load_files",
            "load_controls",
            "load_measures",
            "load_members",
            "load_drift",
            "dirty",
            "settings",
            "profiles",
        }
        return {name: rows for name, rows in tables.items() if name not in left_out}

    old, new = ("a.csv", "9", "2026-03-21T04:00:00"), ("b.csv", "10", "2026-03-22T04:00:00")
    expected = answers(tmp_path / "forth", [old, new])
    assert answers(tmp_path / "back", [new], [old]) == expected
    assert answers(tmp_path / "steps", [old], [new]) == expected


@pytest.mark.heavy
@long  # tests/load/test_mixed.py proves it of a load
def test_sources_in_another_order_end_in_the_same_tables_and_reports(tmp_path: Path, say: Say) -> None:
    sources = [{"name": "one", "path": "one"}, {"name": "two", "path": "two"}]
    for name, order in (("forth", sources), ("back", sources[::-1])):
        folder = tmp_path / name
        write_bill(folder / "one" / "march.csv", [Charge(resource="vm-1")])
        write_bill(folder / "two" / "march.csv", [Charge(resource="vm-2", cost="3.25")])
        assert say("run", "--config", write_config(folder, sources=order, cost=budgets(200))).code == 0
    forth, back = tmp_path / "forth", tmp_path / "back"
    assert dump(warehouse(back)) == dump(warehouse(forth))
    assert reports(back / "reports") == reports(forth / "reports")
