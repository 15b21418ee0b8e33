"""How the command line ends, by name: every code, what it says, and where several meet."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline import resources
from pipeline.cli.exit_codes import ExitCode
from pipeline.store.warehouse import Warehouse
from tests.cli.conftest import Say
from tests.jobs.nights import ROOT, budgets, command, costmill, environment, write_bill, write_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bill(tmp_path / "exports" / "march.csv")
    return tmp_path


def test_the_codes_are_those_of_sysexits() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "BREACH": 1,
        "USAGE": os.EX_USAGE,
        "EXPORTS": os.EX_DATAERR,
        "STALE": os.EX_NOINPUT,
        "UNDELIVERED": os.EX_UNAVAILABLE,
        "DEFECT": os.EX_SOFTWARE,
        "BUSY": os.EX_TEMPFAIL,
        "CONFIGURATION": os.EX_CONFIG,
        "INTERRUPTED": 130,
    }


def test_a_process_ends_with_the_code_that_it_says(march: Path) -> None:
    config = write_config(march, cost=budgets(100, exit_on_threshold=True, exit_code=7))
    assert costmill("budgets", "--config", config).code == 7


def test_an_error_that_a_service_logs_is_told_once(folder: Path) -> None:
    call = ("usage", "record", "--provider", "openai", "--operation", "embedding")
    ended = costmill(*call, "--config", write_config(folder))
    said = "costmill: cost is missing, and without a model there is no price; give one of the two\n"
    assert (ended.code, ended.stderr) == (64, said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["run", "--nonsense"], "No such option"),
        (["load"], "nothing to load"),
        (["sql"], "give one query"),
        (["sql", "SELECT 1", "--query", "x"], "give one query"),
        (["sql", "  ;\n"], "the query is empty"),
        (["sql", "--query", "nonsense"], "no query 'nonsense'"),
        (["run", "--as-of", "yesterday"], "'yesterday' is no date; write 2026-03-22 or 2026-03-22T06:00:00Z"),
        (["budgets", "--period", "2026-13"], "'2026-13' is no billing period; write it as YYYY-MM"),
        (["budgets", "--exit-code", "256"], "--exit-code: '256' is no whole number from 0 to 255"),
        (["budgets", "--budget-amount", "much"], "--budget-amount 'much' is no number"),
        (["budgets", "--budget-currency", "EURO"], "--budget-currency: "),
        (["status"], "nothing is published yet"),
    ],
)
def test_a_wrong_call_is_a_usage_error(
    tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    write_config(tmp_path, sources=None)
    monkeypatch.chdir(tmp_path)
    ended = say(*arguments)
    assert (ended.code, ended.stdout) == (ExitCode.USAGE, "")
    assert said in ended.stderr


def test_without_a_configuration_it_says_how_to_get_one(
    tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = say("run")
    assert ended.code == ExitCode.CONFIGURATION
    assert "or write one by `costmill init`" in ended.stderr


def test_all_errors_of_a_configuration_are_told_at_once_with_their_lines(tmp_path: Path, say: Say) -> None:
    config = tmp_path / "costmill.yaml"
    config.write_text(
        "warehose: x\nsources:\n  - {name: a, path: b, format: xls}\ncost: {budgets: {global: {amount: -1}}}\n"
    )
    ended = say("run", "--config", config)
    assert ended.code == ExitCode.CONFIGURATION
    lines = ended.stderr.splitlines()
    assert [line.removeprefix("costmill: ").split(": ")[1] for line in lines] == ["line 1", "line 3", "line 4"]
    assert "did you mean 'warehouse'?" in lines[0]


def test_a_path_that_cannot_be_written_names_it_without_a_traceback(folder: Path, say: Say) -> None:
    ended = say("run", "--config", write_config(folder, warehouse="exports/march.csv/costs.duckdb"))
    assert ended.code == ExitCode.CONFIGURATION
    assert ended.stderr == (
        f"costmill: {folder}/exports/march.csv: File exists; check this path and who may write there\n"
    )


@pytest.mark.parametrize("asking", ["report", "summarise", "publish"])
def test_a_mistyped_warehouse_is_not_made(tmp_path: Path, say: Say, asking: str) -> None:
    ended = say(asking, "--warehouse", tmp_path / "cots.duckdb")
    assert ended.code == ExitCode.USAGE
    assert "no warehouse there; `costmill run` or `costmill load` makes it" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_busy_warehouse_asks_to_try_again(folder: Path, say: Say) -> None:
    config = write_config(folder, writer_wait_seconds=0)
    with Warehouse.open(folder / "warehouse" / "costs.duckdb"):
        ended = say("run", "--config", config)
    assert ended.code == ExitCode.BUSY
    assert "nothing was changed, try again" in ended.stderr


def test_a_refused_export_ends_with_the_exports_code_while_the_others_load(folder: Path, say: Say) -> None:
    (folder / "exports" / "notes.csv").write_text("a,b\n1,2\n")
    config = write_config(folder)
    ended = say("run", "--config", config)
    assert ended.code == ExitCode.EXPORTS
    assert f"costmill: refused: azure: {folder}/exports/notes.csv: unknown format; nothing was loaded." in ended.stderr
    assert say("status", "--config", config, "--format", "csv").stdout.count(",open,21,210,USD,") == 1
    assert say("run", "--config", config).code == ExitCode.EXPORTS


def test_stale_data_ends_status_as_it_ends_the_run(march: Path, say: Say) -> None:
    config = write_config(march)
    late = ("--config", config, "--as-of", "2026-03-26")
    assert say("run", *late).code == ExitCode.STALE
    ended = say("status", *late)
    assert ended.code == ExitCode.STALE
    assert "stale: azure: its last complete day is 2026-03-21, 5 days ago; the limit is" in ended.stderr


def test_a_broken_installation_is_a_defect_with_its_traceback(
    folder: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "sql", folder / "broken" / "sql")
    (folder / "broken" / "sql" / "rollups" / "daily_costs.sql").write_text("SELEC")
    monkeypatch.setattr(resources, "folder", lambda name: folder / "broken" / name)
    resources.sql.cache_clear()
    try:
        ended = say("run", "--config", write_config(folder))
    finally:
        resources.sql.cache_clear()
    assert ended.code == ExitCode.DEFECT
    assert ended.stderr.startswith("costmill: a defect of ours, please report it with these lines:\nTraceback")


class TestBreach:
    """A budget over its threshold: the code from file, environment and flag, in this order of strength."""

    def test_the_default_code_is_1_and_0_without_exit_on_threshold(self, march: Path, say: Say) -> None:
        write_config(march, cost=budgets(100))
        assert say("run").code == ExitCode.OK
        write_config(march, cost=budgets(100, exit_on_threshold=True))
        ended = say("run")
        assert ended.code == ExitCode.BREACH
        assert ended.stderr.splitlines()[-1] == (
            "costmill: budget global, 2026-03: spend 210 USD is 210 % of 100 USD, at or over its threshold of 100 %"
        )

    def test_it_is_said_where_another_code_comes_first(self, march: Path, say: Say) -> None:
        write_config(march, cost=budgets(100, exit_on_threshold=True), as_of="2026-03-31")
        ended = say("run")
        assert ended.code == ExitCode.STALE
        assert "costmill: budget global, 2026-03: spend 210 USD is 210 % of 100 USD" in ended.stderr

    def test_the_environment_beats_the_file_and_a_flag_both(
        self, march: Path, say: Say, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_config(march, cost=budgets(100, exit_on_threshold=False, exit_code=7))
        monkeypatch.setenv("COSTMILL_BUDGET_EXIT_ON_THRESHOLD", "true")
        assert say("run").code == 7
        monkeypatch.setenv("COSTMILL_BUDGET_EXIT_CODE", "9")
        assert say("run").code == 9
        assert say("budgets").code == 9
        assert say("budgets", "--exit-code", "11").code == 11
        assert say("budgets", "--no-exit-on-threshold").code == ExitCode.OK

    def test_code_0_is_a_warning(self, march: Path, say: Say) -> None:
        write_config(march, cost=budgets(100, exit_on_threshold=True, exit_code=0))
        assert say("run").code == ExitCode.OK
        ended = say("budgets")
        assert ended.code == ExitCode.OK
        assert ended.stderr.startswith("costmill: warning: budget global, 2026-03: spend 210 USD is 210 % of 100 USD")

    def test_the_first_breached_scope_in_order_gives_the_code(self, march: Path, say: Say) -> None:
        scopes = {"providers": {"azure": {"amount": 100, "exit_code": 5}}, "exit_on_threshold": True, "exit_code": 3}
        write_config(march, cost=budgets(10_000, **scopes))
        assert say("run").code == 5


@pytest.mark.parametrize("format_", ["table", "csv"])
def test_a_reader_that_leaves_early_is_no_failure(ready: Path, format_: str) -> None:
    query = "SELECT range, repeat('x', 50) FROM range(9000)"
    with subprocess.Popen(
        command("sql", query, "--format", format_),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline().startswith(("range", " range"))
        child.stdout.close()
        said = child.stderr.read()
    assert (child.returncode, said) == (0, "")
