"""Each command but `run` on a small company: what it prints, writes and leaves alone."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from pipeline import resources
from pipeline.config import load_settings
from tests.cli.conftest import Say, february
from tests.jobs.nights import UNTOUCHED, Charge, ask, budgets, dump, facts, write_bill, write_config


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """March of one source, to be loaded, in the current folder."""
    write_bill(tmp_path / "exports" / "march.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def warehouse(folder: Path) -> Path:
    return folder / "warehouse" / "costs.duckdb"


class TestInit:
    """`costmill init`."""

    def test_what_it_writes_can_be_loaded_and_names_its_source(self, tmp_path: Path, say: Say) -> None:
        ended = say("init", tmp_path / "new" / "costmill.yaml")
        assert (ended.code, ended.stdout) == (0, f"{tmp_path}/new/costmill.yaml\n")
        settings = load_settings(tmp_path / "new" / "costmill.yaml", environ={})
        assert [source.name for source in settings.sources] == ["aws-prod"]
        assert settings.warnings == ()

    def test_its_examples_can_be_uncommented(self, tmp_path: Path, say: Say) -> None:
        say("init", tmp_path)
        path = tmp_path / "costmill.yaml"
        lines = path.read_text().splitlines()
        path.write_text("\n".join(re.sub(r"^( +)# ", r"\1", line) for line in lines))
        settings = load_settings(path, environ={})
        assert len(settings.sources) == 2
        assert settings.budgets is not None
        assert [scope.budget_id for scope in settings.budgets.scopes] == ["global", "provider:aws", "tag:team:platform"]

    def test_it_leaves_an_existing_file_alone(self, tmp_path: Path, say: Say) -> None:
        (tmp_path / "costmill.yaml").write_text("mine")
        ended = say("init", tmp_path)
        assert ended.code == 64
        assert "exists and was left as it is; --force replaces it" in ended.stderr
        assert (tmp_path / "costmill.yaml").read_text() == "mine"

    def test_force_replaces_it(self, tmp_path: Path, say: Say) -> None:
        (tmp_path / "costmill.yaml").write_text("mine")
        assert say("init", tmp_path, "--force").code == 0
        assert "mine" not in (tmp_path / "costmill.yaml").read_text()

    def test_the_first_run_says_what_is_missing(self, tmp_path: Path, say: Say) -> None:
        say("init", tmp_path)
        ended = say("run", "--config", tmp_path / "costmill.yaml")
        assert ended.code == 65
        assert "no file fits the pattern; has the provider delivered, and is the path right?" in ended.stderr


class TestLoad:
    """`costmill load`."""

    def test_paths_load_without_a_configuration_and_what_is_known_has_no_counts(self, folder: Path, say: Say) -> None:
        february(folder)
        place = ("--warehouse", "costs.duckdb", "--source", "azure")
        ended = say("load", "exports", *place, "--format", "json")
        assert (ended.code, ended.stderr) == (0, "")
        rows = [(row["period"], row["status"], row["rows"], row["BilledCost"]) for row in json.loads(ended.stdout)]
        assert rows == [("2026-02", "loaded", 28, "252"), ("2026-03", "loaded", 21, "210")]
        assert ask(folder / "published" / "costs.duckdb", "SELECT count(*) FROM focus_data_table") == [(49,)]
        [row] = csv.DictReader(io.StringIO(say("load", "exports/march.csv", *place, "--format", "csv").stdout))
        assert (row["status"], row["rows"], row["charges"]) == ("loaded (known)", "", "")

    def test_summaries_come_with_it_and_alerts_do_not(self, folder: Path, say: Say) -> None:
        write_config(folder, cost=budgets(100))
        assert say("load").code == 0
        assert ask(warehouse(folder), "SELECT count(*) > 0 FROM category_summary") == [(True,)]
        assert ask(warehouse(folder), "SELECT count(*) FROM budget_alerts") == [(0,)]
        assert "alert fired" in say("run").stderr

    def test_one_source_of_several(self, folder: Path, say: Say) -> None:
        write_bill(folder / "more" / "march.csv")
        write_config(folder, sources=[{"name": "azure", "path": "exports"}, {"name": "more", "path": "more"}])
        say("load", "--source", "more")
        assert ask(warehouse(folder), "SELECT DISTINCT x_Source FROM charges") == [("more",)]

    def test_an_unknown_source_names_the_near_one(self, folder: Path, say: Say) -> None:
        write_config(folder)
        ended = say("load", "--source", "azur")
        assert ended.code == 64
        assert "no source 'azur' in the configuration; did you mean 'azure'?" in ended.stderr

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["exports"], "name the source of these files with --source"),
            (["ftp://bucket/exports", "--source", "azure"], "ftp:// is no object store that is read here"),
            (["s3://me:secret@bucket/exports", "--source", "azure"], "credentials do not stand in an address"),
            (["exports", "--source", "a b/c"], "--source: "),
        ],
    )
    def test_a_call_that_cannot_be_meant_makes_no_warehouse(
        self, folder: Path, say: Say, arguments: list[str], said: str
    ) -> None:
        ended = say("load", *arguments, "--warehouse", "costs.duckdb")
        assert ended.code == 64
        assert said in ended.stderr
        assert not (folder / "costs.duckdb").exists()

    def test_a_missing_path_is_told_as_it_was_meant(self, folder: Path, say: Say) -> None:
        ended = say("load", "exports/../april.csv", "--warehouse", "costs.duckdb", "--source", "azure")
        assert (ended.code, ended.stdout) == (64, "")
        assert f"{folder}/april.csv: no such file or folder" in ended.stderr
        assert not (folder / "costs.duckdb").exists()

    def test_a_pattern_that_nothing_fits_says_so(self, folder: Path, say: Say) -> None:
        ended = say("load", "exports/*.pdf", "--warehouse", "costs.duckdb", "--source", "azure")
        assert (ended.code, ended.stdout) == (64, "")
        assert f"{folder}/exports/*.pdf: no file fits the pattern; nothing was loaded" in ended.stderr
        assert not (folder / "costs.duckdb").exists()

    @pytest.mark.heavy
    def test_accept_loads_what_the_gate_held_back(self, march: Path, say: Say) -> None:
        write_bill(march / "exports" / "march.csv", [Charge(days=5)], at="2026-03-22T09:00:00")
        held = say("run")
        assert held.code == 65
        assert "quarantined: azure 2026-03: " in held.stderr
        assert "what is loaded stays; `costmill deliveries show " in held.stderr
        assert say("status").code == 65
        assert say("load", "--accept").code == 0
        assert say("status", "--as-of", "2026-03-06").code == 0
        assert ask(warehouse(march), "SELECT count(*) FROM charges WHERE x_BillingPeriod = '2026-03'") == [(5,)]


class TestSql:
    """`costmill sql`."""

    def test_a_wrong_query_ends_with_duckdbs_message(self, ready: Path, say: Say) -> None:
        ended = say("sql", "SELECT nonsense FROM focus_data_table")
        assert (ended.code, ended.stdout) == (64, "")
        assert 'Referenced column "nonsense" not found' in ended.stderr

    @pytest.mark.parametrize(
        "query", ["DELETE FROM charges", "CREATE TABLE t (a INTEGER)", "DROP VIEW focus_data_table"]
    )
    def test_writing_is_refused(self, ready: Path, say: Say, query: str) -> None:
        before = facts(ready / "published")
        ended = say("sql", query)
        assert ended.code == 64
        assert "read-only" in ended.stderr
        assert facts(ready / "published") == before

    def test_the_list_says_what_each_query_of_ours_answers(self, say: Say) -> None:
        names = {path.stem for path in (resources.folder("sql") / "queries").glob("*.sql")}
        rows = json.loads(say("sql", "--list", "--format", "json").stdout)
        assert {row["name"] for row in rows} == names
        assert all(row["question"] for row in rows)

    def test_each_query_of_ours_runs_by_name(self, ready: Path, say: Say) -> None:
        for path in sorted((resources.folder("sql") / "queries").glob("*.sql")):
            ended = say("sql", "--query", path.stem, "--format", "json")
            assert (ended.code, ended.stderr) == (0, ""), path.stem
            json.loads(ended.stdout)


class TestStatus:
    """`costmill status`."""

    def test_it_lists_each_period_with_its_money_and_last_complete_day(self, ready: Path, say: Say) -> None:
        rows = json.loads(say("status", "--format", "json").stdout)
        assert [(row["period"], row["BilledCost"], row["last_complete_day"]) for row in rows] == [
            ("2026-02", "252", "2026-02-28"),
            ("2026-03", "210", "2026-03-21"),
        ]

    def test_it_lists_rejected_rows_with_their_place_and_reason(self, folder: Path, say: Say) -> None:
        path = folder / "exports" / "march.csv"
        lines = path.read_text().splitlines()
        lines[3] = lines[3].replace(",10,10,10,10,", ",ten,10,10,10,")
        path.write_text("\n".join(lines) + "\n")
        write_config(folder, sources=[{"name": "azure", "path": "exports", "max_rejected": "50%"}])
        assert say("load").code == 0
        [row] = json.loads(say("status", "--rejected", "azure", "--format", "json").stdout)
        assert (row["file"], row["record"], row["line"]) == (str(path), 3, 4)
        assert (row["column"], row["value"]) == ("BilledCost", "ten")
        assert row["reason"]

    def test_an_unknown_source_names_the_near_one(self, ready: Path, say: Say) -> None:
        ended = say("status", "--rejected", "asure")
        assert ended.code == 64
        assert "no source 'asure' in the warehouse; did you mean 'azure'?" in ended.stderr

    def test_a_torn_delivery_waits_until_a_newer_one_is_loaded(self, march: Path, say: Say) -> None:
        (march / "exports" / "new.csv").write_text("torn")
        assert say("run").code == 65
        assert say("status").code == 65
        (march / "exports" / "new.csv").unlink()
        assert say("run").code == 0
        assert say("status").code == 0


class TestPeriods:
    """Which billing period a command speaks of."""

    @pytest.mark.parametrize(
        "arguments", [["report"], ["budgets"], ["summarise", "category"]], ids=["report", "budgets", "summarise"]
    )
    def test_a_period_without_charges_is_refused_and_names_what_is_loaded(
        self, ready: Path, say: Say, arguments: list[str]
    ) -> None:
        ended = say(*arguments, "--period", "2031-01")
        assert (ended.code, ended.stdout) == (64, "")
        assert ended.stderr == "costmill: nothing is loaded for 2031-01; loaded: 2026-02, 2026-03\n"

    def test_budgets_speak_of_the_month_of_as_of(self, ready: Path, say: Say) -> None:
        spend = [
            json.loads(say("budgets", "--format", "json", *more).stdout)["global"]
            for more in ((), ("--as-of", "2026-02-14"), ("--period", "2026-02"), ("--as-of", "2026-04-01"))
        ]
        assert [each["current_spend"] if isinstance(each, dict) else each[0]["current_spend"] for each in spend] == [
            "210",
            "126",
            "252",
            "0",
        ]

    @pytest.mark.parametrize(("as_of", "spend"), [("2026-03-04", "40"), ("2026-03-04T06:00:00Z", "40")])
    def test_as_of_takes_a_date_and_a_time_and_counts_to_the_end_of_its_day(
        self, ready: Path, say: Say, as_of: str, spend: str
    ) -> None:
        out = say("budgets", "--as-of", as_of, "--format", "csv").stdout
        assert next(csv.DictReader(io.StringIO(out)))["spend"] == spend

    def test_a_summary_is_of_the_latest_period_or_of_the_one_asked_for(self, ready: Path, say: Say) -> None:
        for more, period in (((), "2026-03"), (("--period", "2026-02"), "2026-02")):
            rows = json.loads(say("summarise", "category", "--format", "json", *more).stdout)
            assert {row["x_BillingPeriod"] for row in rows} == {period}


class TestBudgets:
    """`costmill budgets`."""

    def test_asking_writes_nothing(self, ready: Path, say: Say) -> None:
        before = facts(ready)
        assert say("budgets", "--budget-amount", "100").code == 0
        assert facts(ready) == before

    def test_the_amount_comes_from_flag_environment_or_file_in_this_order(
        self, ready: Path, say: Say, monkeypatch: pytest.MonkeyPatch
    ) -> None:

        def limit(*flags: str) -> str:
            out = say("budgets", "--format", "csv", *flags).stdout
            return next(csv.DictReader(io.StringIO(out)))["limit"]

        assert limit() == "1000"
        monkeypatch.setenv("COSTMILL_BUDGET_AMOUNT", "2000")
        assert limit() == "2000"
        assert limit("--budget-amount", "3000") == "3000"

    def test_a_tag_that_the_rollups_lack_asks_for_a_run(self, march: Path, say: Say) -> None:
        write_config(march, cost=budgets(1000, tags=[{"selector": "app:*", "amount": 1}]))
        ended = say("budgets")
        assert ended.code == 64
        assert "made without the tag key 'app' that the configuration uses; run `costmill run`" in ended.stderr

    @pytest.mark.heavy
    def test_a_warning_of_the_file_is_told_once(self, march: Path, say: Say) -> None:
        tags = [{"selector": "team:ml", "amount": 1, "priority": 1}, {"selector": "team:*", "amount": 1, "priority": 1}]
        write_config(march, cost=budgets(1000, tags=tags))
        lines = say("run").stderr.splitlines() + say("budgets").stderr.splitlines()
        warnings = [line for line in lines if "warning" in line]
        assert len(warnings) == 2 * len(set(warnings))


class TestReport:
    """`costmill report`."""

    def test_it_prints_the_files_it_wrote(self, march: Path, say: Say) -> None:
        shutil.rmtree(march / "reports")
        assert say("report").stdout == f"{march}/reports/2026-03/report.md\n"
        assert (march / "reports" / "2026-03" / "report.md").exists()

    @pytest.mark.heavy
    def test_all_periods_and_formats_into_a_folder_of_its_own(self, ran: Path, say: Say) -> None:
        before = facts(ran / "reports")
        out = say("report", "--all", "--format", "md", "--format", "json", "--out", "other").stdout.split()
        names = ["2026-02/report.md", "2026-02/report.json", "2026-03/report.md", "2026-03/report.json"]
        assert out == [f"{ran}/other/{name}" for name in names]
        assert facts(ran / "reports") == before

    def test_a_withheld_report_ends_with_the_stale_code(self, march: Path, say: Say) -> None:
        write_config(march, freshness={"stale": "withhold"})
        ended = say("report", "--as-of", "2026-03-30")
        assert (ended.code, ended.stdout) == (66, "")
        assert "the report of 2026-03 is withheld, its data is stale (freshness.stale)" in ended.stderr


def test_publish_prints_the_stable_path_publishes_once_and_brings_a_deleted_copy_back(march: Path, say: Say) -> None:
    before, stable = facts(march / "published"), march / "published" / "costs.duckdb"
    assert say("publish").stdout == f"{stable}\n"
    assert facts(march / "published") == before
    stable.unlink()
    assert say("publish").code == 0
    assert ask(stable, "SELECT count(*) FROM charges") == [(21,)]


def test_summarise_makes_all_periods_anew_and_the_same(ran: Path, say: Say) -> None:
    before = dump(warehouse(ran), UNTOUCHED | {"settings": "value"})
    assert say("summarise", "--all").code == 0
    assert dump(warehouse(ran), UNTOUCHED | {"settings": "value"}) == before


def test_the_module_is_the_console_script(folder: Path) -> None:
    from tests.jobs.nights import ROOT, costmill

    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'costmill = "pipeline.cli:main"' in pyproject
    assert costmill("--version").stdout.startswith("costmill, version ")


def test_the_configuration_is_found_from_a_folder_below(march: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    (march / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(march / "deep" / "er")
    assert say("status").code == 0
    monkeypatch.chdir(march.parent)
    monkeypatch.setenv("COSTMILL_CONFIG", str(march / "costmill.yaml"))
    assert say("status").code == 0


def test_the_configuration_of_the_tests_is_plain_yaml(folder: Path) -> None:
    assert yaml.safe_load(write_config(folder).read_text())["sources"] == [{"name": "azure", "path": "exports"}]
