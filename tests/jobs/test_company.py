"""What a company changes over time, and what the next night makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.conftest import Say
from tests.jobs.nights import Charge, budgets, first_night, write_bill, write_config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """March after its first night, with a budget that is used up twice."""
    write_bill(tmp_path / "exports" / "march.csv")
    path = write_config(tmp_path, cost=budgets(100))
    assert first_night(path).code == 0
    return path


def test_the_newest_report_says_that_it_is_stale_when_the_month_has_turned(
    config: Path, tmp_path: Path, say: Say
) -> None:
    assert say("run", "--config", config, "--as-of", "2026-04-10").code == 66
    assert "20 days ago" in (tmp_path / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")


def test_a_source_that_left_the_configuration_no_longer_waits(tmp_path: Path, say: Say) -> None:
    write_bill(tmp_path / "exports" / "march.csv")
    azure = {"name": "azure", "path": "exports"}
    config = write_config(tmp_path, sources=[azure, {"name": "aws-prod", "path": "nothing-here"}])
    assert say("run", "--config", config).code == 65
    write_config(tmp_path, sources=[azure])
    assert say("run", "--config", config).code == 0
    assert say("status", "--config", config).code == 0
    assert "aws-prod" not in (tmp_path / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")


def test_one_bill_under_two_names_is_told(config: Path, tmp_path: Path, say: Say) -> None:
    assert say("run", "--config", config).stderr == ""
    say("load", tmp_path / "exports" / "march.csv", "--config", config, "--source", "azure-again")
    told = say("run", "--config", config).stderr
    assert "loaded by azure and by azure-again: their charges count twice" in told


def test_files_that_somebody_has_decided_on_are_not_asked_about_again(tmp_path: Path, say: Say) -> None:
    folder = tmp_path / "exports"
    write_bill(folder / "1.csv", [Charge(resource=f"vm-{n}", days=1) for n in range(10)], at="2026-03-20T04:00:00")
    write_bill(folder / "2.csv", [Charge(resource=f"vm-{n}", days=1) for n in range(7, 17)])
    config = write_config(tmp_path, freshness={"max_age_days": 60})
    assert say("run", "--config", config).code == 65
    assert say("load", folder, "--config", config, "--source", "azure", "--delivery", "one").code == 0
    assert say("run", "--config", config).code == 0
    assert say("status", "--config", config).code == 0


def test_a_flag_of_the_run_decides_its_exit_code(config: Path, say: Say) -> None:
    assert say("run", "--config", config, "--exit-on-threshold", "--exit-code", "9").code == 9
    assert say("run", "--config", config, "--exit-on-threshold", "--budget-amount", "1000").code == 0
