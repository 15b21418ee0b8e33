"""Months from the command line: status, close, reload, unload, dry runs, limits, invoices and accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.store.warehouse import Warehouse
from tests.cli.conftest import Say, february
from tests.jobs.nights import UNTOUCHED, Charge, ask, dump, facts, write_bill, write_config


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """March (210 USD) of one source, to be loaded, in the current folder."""
    write_config(tmp_path)
    write_bill(tmp_path / "exports" / "march.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def states(say: Say, *more: str) -> list[tuple[Any, ...]]:
    rows = json.loads(say("status", "--format", "json", *more).stdout)
    return [(row["source"], row["period"], row["state"]) for row in rows]


def published(folder: Path) -> Path:
    return folder / "published" / "costs.duckdb"


class TestStatus:
    """`costmill status`."""

    def test_its_keys_are_those_of_the_documentation(self, ready: Path, say: Say, project_root: Path) -> None:
        rows = json.loads(say("status", "--format", "json").stdout)
        by_source = json.loads(say("status", "--sources", "--format", "json").stdout)
        text = (project_root / "docs" / "operations.md").read_text(encoding="utf-8")
        assert all(f"`{key}`" in text for key in {*rows[0], *by_source[0]})

    def test_a_source_that_never_delivered_and_months_between_are_missing(self, march: Path, say: Say) -> None:
        february(march, period="2025-12", at="2026-01-03T00:00:00")
        say("load")
        sources = [{"name": "azure", "path": "exports"}, {"name": "new", "path": "new"}]
        write_config(march, sources=sources)
        assert states(say) == [
            ("azure", "2025-12", "open"),
            ("azure", "2026-01", "missing"),
            ("azure", "2026-02", "missing"),
            ("azure", "2026-03", "open"),
            ("new", None, "missing"),
        ]
        table = [line.split("  ")[1].strip() for line in say("status").stdout.splitlines()]
        assert table[1:4] == ["2025-12", "2026-01 … 2026-02", "2026-03"]
        assert "missing (2 months)" in say("status").stdout

    @pytest.mark.parametrize(("day", "is_missing"), [("2026-04-03", False), ("2026-04-04", True), ("2026-07-01", True)])
    def test_the_month_after_the_last_is_missing_once_data_may_be_expected(
        self, ready: Path, say: Say, day: str, is_missing: bool
    ) -> None:
        assert (("azure", "2026-04", "missing") in states(say, "--as-of", day)) is is_missing

    def test_an_empty_month_is_empty(self, folder: Path, say: Say) -> None:
        write_bill(folder / "exports" / "march.csv", [])
        (folder / "exports" / "manifest.json").write_text(
            json.dumps(
                {
                    "blobs": [
                        {"blobName": "x/march.csv", "byteCount": (folder / "exports" / "march.csv").stat().st_size}
                    ],
                    "runInfo": {
                        "runId": "r",
                        "submittedTime": "2026-03-22T00:00:00Z",
                        "startDate": "2026-03-01T00:00:00",
                    },
                }
            )
        )
        say("load")
        assert ("azure", "2026-03", "empty") in states(say)

    def test_one_row_per_source_says_how_far_it_reaches_and_counts_its_months(self, ready: Path, say: Say) -> None:
        [row] = json.loads(say("status", "--sources", "--format", "json", "--as-of", "2026-03-30").stdout)
        assert (row["last_complete_day"], row["age_days"], row["is_stale"]) == ("2026-03-21", 9, True)
        assert (row["open"], row["final"], row["missing"], row["waiting"]) == (2, 0, 0, 0)

    def test_all_deliveries_that_wait_are_counted_and_the_newest_is_told(self, march: Path, say: Say) -> None:
        for name in "abc":
            (march / "exports" / f"{name}.csv").write_text(f"{name}\n1\n")
        say("load", "--source", "azure")
        [row] = json.loads(say("status", "--sources", "--format", "json").stdout)
        assert row["waiting"] == 3
        told = json.loads(say("status", "--format", "json").stdout)
        [reason] = [row["reason"] for row in told if row["state"] == "refused"]
        assert "c.csv: unknown format" in reason
        assert reason.endswith("; and 2 more")
        assert "refused and 2 more" in say("status").stdout

    def test_a_month_of_which_no_day_is_complete_has_no_last_complete_day(self, folder: Path, say: Say) -> None:
        path = write_bill(folder / "exports" / "march.csv", [Charge(days=1)])
        path.write_text(path.read_text().replace("2026-03-02T00:00:00Z", "2026-03-01T05:00:00Z"))
        say("run")
        rows = {row["period"]: row for row in json.loads(say("status", "--format", "json").stdout)}
        assert rows["2026-03"]["last_complete_day"] is None
        assert "No complete day" in (folder / "reports" / "2026-03" / "report.md").read_text()


class TestClose:
    """`costmill close`."""

    def test_a_restatement_after_it_is_said_everywhere(self, ran: Path, say: Say) -> None:
        closed = say("close", "2026-02", "--note", "booked")
        assert (closed.code, closed.stdout) == (0, "azure 2026-02: final\n")
        assert ("azure", "2026-02", "final") in states(say)
        february(ran, "10", at="2026-03-05T04:00:00")
        told = say("run")
        assert told.code == 0
        assert "azure 2026-02: restated after final: billed 280.00 USD, was 252.00 USD" in told.stderr
        assert ("azure", "2026-02", "restated") in states(say)
        reasons = [row["reason"] for row in json.loads(say("status", "--format", "json").stdout)]
        assert reasons[0] == "final (closed: booked) at 252 USD, and restated since"
        report = (ran / "reports" / "2026-02" / "report.md").read_text()
        assert (
            "**Restated after final.** azure billed $252.00 when its month became final, and bills $280.00 now."
            in report
        )
        assert "Restated after final, closed: booked" in report
        query = say("sql", "--query", "restated", "--format", "json")
        assert {row["is_after_final"] for row in json.loads(query.stdout)} == {True}
        assert say("run").stderr == ""

    def test_its_state_is_in_the_report_of_the_next_run(self, ran: Path, say: Say) -> None:
        say("close", "2026-02")
        say("run")
        assert "✓ Final, closed" in (ran / "reports" / "2026-02" / "report.md").read_text()

    def test_it_can_be_opened_again_and_twice_says_so(self, ran: Path, say: Say) -> None:
        say("close", "2026-02", "--source", "azure")
        assert say("close", "2026-02").stdout == "azure 2026-02: final as it was\n"
        assert say("close", "2026-02", "--reopen").stdout == "azure 2026-02: open\n"
        assert ("azure", "2026-02", "open") in states(say)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["2026-03"], "2026-03 ends on 2026-04-01; close it after that"),
            (["2026-01"], "nothing is loaded for 2026-01; loaded: 2026-02, 2026-03"),
            (
                ["2026-02", "--source", "asure"],
                "nothing of a source 'asure' is loaded for 2026-02; did you mean 'azure'?",
            ),
            (["February"], "'February' is no billing period"),
        ],
        ids=["running", "not-loaded", "source", "no-period"],
    )
    def test_what_cannot_be_closed_is_refused(self, ready: Path, say: Say, arguments: list[str], said: str) -> None:
        ended = say("close", *arguments)
        assert ended.code == 64
        assert said in ended.stderr


class TestUnload:
    """`costmill unload` and `costmill reload`."""

    def test_a_month_goes_out_stays_out_and_comes_back(self, ran: Path, say: Say) -> None:
        before = dump(published(ran))
        assert say("unload", "azure", "2026-02", "--yes").stdout == "azure 2026-02: 28 charges unloaded\n"
        assert ask(published(ran), "SELECT DISTINCT x_BillingPeriod FROM category_summary") == [("2026-03",)]
        assert say("run").code == 0
        assert states(say)[0] == ("azure", "2026-02", "unloaded")
        assert "Nothing was billed" in (ran / "reports" / "2026-02" / "report.md").read_text()
        [row] = json.loads(say("reload", "azure", "--period", "2026-02", "--format", "json").stdout)[:1]
        assert (row["period"], row["status"], row["BilledCost"]) == ("2026-02", "loaded", "252")
        assert say("run").code == 0
        after = dump(published(ran))
        answers = [name for name in before if name.endswith(("summary", "costs", "charges", "budget_status"))]
        assert [name for name in answers if after[name] != before[name]] == []
        assert "$252.00" in (ran / "reports" / "2026-02" / "report.md").read_text()

    def test_the_night_after_it_changes_nothing_more(self, ran: Path, say: Say) -> None:
        say("unload", "azure", "--yes")
        say("run")
        before = dump(ran / "warehouse" / "costs.duckdb", UNTOUCHED)
        assert say("run").stderr == ""
        assert dump(ran / "warehouse" / "costs.duckdb", UNTOUCHED) == before

    def test_nobody_is_asked_where_nobody_can_answer(self, ran: Path, say: Say) -> None:
        ended = say("unload", "azure", "2026-02")
        assert ended.code == 64
        assert "the charges of azure of 2026-02 would be taken out; say --yes" in ended.stderr
        assert ask(published(ran), "SELECT count(*) FROM charges") == [(49,)]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["asure", "--yes"], "nothing of a source 'asure' is loaded; did you mean 'azure'?"),
            (["azure", "2025-01", "--yes"], "nothing of azure is loaded for 2025-01; loaded: 2026-02, 2026-03"),
        ],
        ids=["source", "period"],
    )
    def test_what_is_not_loaded_cannot_be_unloaded(
        self, ready: Path, say: Say, arguments: list[str], said: str
    ) -> None:
        ended = say("unload", *arguments)
        assert ended.code == 64
        assert said in ended.stderr

    def test_a_source_outside_of_the_configuration_is_reloaded_from_its_paths(self, folder: Path, say: Say) -> None:
        place = ("--warehouse", "costs.duckdb")
        say("load", "exports", *place, "--source", "mine")
        say("unload", "mine", "--yes", *place)
        assert say("reload", "mine", "exports", *place).code == 0
        assert ask(published(folder), "SELECT count(*) FROM charges") == [(21,)]


class TestDryRun:
    """`costmill run --dry-run`, `--from` and `--to`."""

    def test_it_tells_what_would_be_loaded_and_writes_nothing(self, ran: Path, say: Say) -> None:
        before = facts(ran)
        february(ran, "10", at="2026-03-05T04:00:00")
        changed = facts(ran)
        ended = say("run", "--dry-run", "--format", "json")
        assert ended.code == 0
        [new] = [row for row in json.loads(ended.stdout) if "known" not in row["status"]]
        assert (new["period"], new["status"], new["rows"], new["charges"]) == ("2026-02", "loaded", 28, 28)
        assert (new["BilledCost_now"], new["BilledCost"]) == ("252", "280")
        assert "BilledCost 280 = 280 + 0 rejected" in new["controls"]
        assert ended.stderr.endswith("summaries, budgets and reports would be made of 2026-02\n")
        assert facts(ran) == changed
        assert {name for name in before if before[name] != changed[name]} == {"exports/february.csv"}

    def test_a_delivery_that_would_wait_ends_with_its_code(self, march: Path, say: Say) -> None:
        write_bill(march / "exports" / "march.csv", [Charge(days=5)], at="2026-03-22T09:00:00")
        ended = say("run", "--dry-run", "--format", "json")
        assert ended.code == 65
        [row] = [row for row in json.loads(ended.stdout) if row["status"] == "quarantined"]
        assert (row["BilledCost_now"], row["BilledCost"]) == ("210", "50")
        assert row["reason"].endswith("what is loaded stays; a run would keep it for `costmill deliveries`")
        assert f"quarantined: azure 2026-03: {row['reason']}\n" in ended.stderr
        assert say("run", "--dry-run", "--accept").code == 0
        assert say("status").code == 0

    def test_it_needs_no_warehouse_and_makes_none(self, folder: Path, say: Say) -> None:
        before = facts(folder)
        assert say("run", "--dry-run").code == 0
        assert facts(folder) == before
        assert not (folder / "warehouse").exists()

    def test_it_waits_for_no_reader_and_not_long_for_a_writer(self, march: Path, say: Say) -> None:
        write_config(march, writer_wait_seconds=0)
        warehouse = march / "warehouse" / "costs.duckdb"
        with duckdb.connect(str(warehouse), read_only=True):
            assert say("run", "--dry-run").code == 0
        with Warehouse.open(warehouse):
            assert say("run", "--dry-run").code == 75
        assert say("run", "--dry-run").code == 0

    def test_it_leaves_no_folder_behind_and_takes_no_lock_where_there_was_none(
        self, ran: Path, say: Say, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (ran / "warehouse" / "costs.duckdb.lock").unlink()
        (ran / "tmp").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(ran / "tmp"))
        assert say("run", "--dry-run").code == 0
        assert list((ran / "tmp").iterdir()) == []
        assert not (ran / "warehouse" / "costs.duckdb.lock").exists()

    def test_limits_are_told_and_the_next_run_takes_the_rest(self, folder: Path, say: Say) -> None:
        february(folder)
        ended = say("run", "--to", "2026-02")
        assert ended.stderr.endswith("costmill: outside of --to 2026-02, left as it is: azure 2026-03\n")
        assert ask(published(folder), "SELECT DISTINCT x_BillingPeriod FROM charges") == [("2026-02",)]
        assert say("run").code == 0
        assert ask(published(folder), "SELECT count(*) FROM charges") == [(49,)]

    @pytest.mark.parametrize("command", ["run", "load"])
    def test_limits_that_hold_nothing_are_refused(self, folder: Path, say: Say, command: str) -> None:
        ended = say(command, "--from", "2026-03", "--to", "2026-02")
        assert ended.code == 64
        assert "--from 2026-03 comes after --to 2026-02" in ended.stderr
        assert not (folder / "warehouse").exists()


class TestLists:
    """`accounts` and `invoices` of the configuration."""

    def test_names_fill_in_where_the_bill_has_none_and_owners_have_a_table(self, folder: Path, say: Say) -> None:
        (folder / "accounts.csv").write_text("id,name,owner\nsub-1,Shop,<b>web|ops</b>\naccount-1,Payer,\n")
        write_config(folder, accounts="accounts.csv", reports={"out": "reports", "formats": ["md", "html"]})
        say("run")
        names = "SELECT DISTINCT SubAccountName, BillingAccountName, x_AccountOwner FROM focus_data_table"
        assert ask(published(folder), names) == [("Shop", "Payer", "<b>web|ops</b>")]
        assert ask(published(folder), "SELECT DISTINCT SubAccountName FROM resource_summary") == [("Shop",)]
        assert ask(published(folder), "SELECT DISTINCT SubAccountName FROM resources") == [(None,)]
        assert "## Cost by owner" in (folder / "reports" / "2026-03" / "report.md").read_text()
        page = (folder / "reports" / "2026-03" / "report.html").read_text()
        assert "<h2>Cost by owner</h2>" in page
        assert "<b>web" not in page

    def test_a_changed_list_makes_its_answers_anew_and_an_unchanged_one_writes_nothing(
        self, march: Path, say: Say
    ) -> None:
        (march / "accounts.csv").write_text("id,name\nsub-1,Shop\n")
        write_config(march, accounts="accounts.csv")
        say("run")
        before = dump(march / "warehouse" / "costs.duckdb", UNTOUCHED)
        say("run")
        assert dump(march / "warehouse" / "costs.duckdb", UNTOUCHED) == before
        (march / "accounts.csv").write_text("id,name\nsub-1,Store\n")
        say("run")
        assert ask(published(march), "SELECT DISTINCT SubAccountName FROM resource_summary") == [("Store",)]
        write_config(march)
        say("run")
        assert ask(published(march), "SELECT DISTINCT SubAccountName FROM resource_summary") == [(None,)]

    def test_invoices_are_told_and_strict_ends_with_a_code(self, ran: Path, say: Say) -> None:
        (ran / "invoices.csv").write_text("InvoiceId,amount,currency,period\nI-9,252.00,USD,2026-02\n")
        write_config(ran, invoices="invoices.csv")
        say("run")
        ended = say("invoices", "--format", "json")
        rows = [
            (row["period"], row["InvoiceId"], row["billed"], row["expected"], row["state"])
            for row in json.loads(ended.stdout)
        ]
        assert rows == [
            ("2026-02", "I-9", None, "252", "not seen"),
            ("2026-02", None, "252", None, "no invoice"),
            ("2026-03", None, "210", None, "no invoice"),
        ]
        assert (ended.code, ended.stderr) == (0, "costmill: invoices: 1 not seen\n")
        assert say("invoices", "--strict").code == 65
        assert say("invoices", "--strict", "--period", "2026-03").code == 0
        assert "| I-9 | – | USD | – | 252 | – | ■ Not seen |" in (ran / "reports" / "2026-02" / "report.md").read_text()
        (ran / "invoices.csv").write_text("InvoiceId,amount,currency,period\nI-9,252.50,USD,2026-02\n")
        say("run")
        assert "252.5 |" in (ran / "reports" / "2026-02" / "report.md").read_text()

    def test_a_wrong_row_stops_a_run_before_it_does_anything(self, folder: Path, say: Say) -> None:
        (folder / "accounts.csv").write_text("id,name\nsub-1,a\nsub-1,b\n")
        write_config(folder, accounts="accounts.csv")
        ended = say("run")
        assert ended.code == 78
        assert "accounts.csv: line 3: column id: 'sub-1' stands on line 2 as well; keep one" in ended.stderr
        assert not (folder / "warehouse").exists()


def test_budgets_of_a_month_without_data_say_so(ready: Path, say: Say) -> None:
    ended = say("budgets", "--as-of", "2026-04-02", "--format", "json")
    message = "no data: nothing is loaded for 2026-04, so all spend is 0"
    assert f"costmill: warning: {message}\n" in ended.stderr
    assert message in json.loads(ended.stdout)["warnings"]
    assert "no data" not in say("budgets").stderr


def test_equal_column_names_keep_their_values_in_json(ready: Path, say: Say) -> None:
    ended = say("sql", "SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a", "--format", "json")
    assert json.loads(ended.stdout) == [{"a": 1, "a_3": 2, "a_2": 3, "a_4": 4}]


def test_what_waits_of_a_source_that_left_the_configuration_is_listed_and_ends_nothing_with_65(
    march: Path, say: Say
) -> None:
    write_bill(march / "exports" / "march.csv", [Charge(days=5)], at="2026-03-22T09:00:00")
    assert (say("run").code, say("status").code) == (65, 65)
    write_config(march, sources=[{"name": "other", "path": "other"}])
    (march / "other").mkdir()
    write_bill(march / "other" / "march.csv")
    assert (say("run").code, say("status").code) == (0, 0)
    assert ("azure", "2026-03", "quarantined") in states(say)
