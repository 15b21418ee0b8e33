"""`costmill site`: where it goes, and the night that keeps it."""

from __future__ import annotations

from pathlib import Path

from pipeline import jobs
from pipeline.config import load_settings
from tests.cli.conftest import Say
from tests.jobs.nights import write_bill, write_config


def test_the_command_prints_the_first_page(ready: Path, tmp_path: Path, say: Say) -> None:
    ended = say("site", tmp_path / "www")
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"{tmp_path}/www/index.html\n", "")
    assert "$210.00" in (tmp_path / "www" / "index.html").read_text()
    assert (tmp_path / "www" / "periods" / "2026-02.html").exists()


def test_without_a_folder_there_is_no_site(ready: Path, say: Say) -> None:
    ended = say("site")
    assert ended.code == 64
    assert "name the folder of the site: costmill site DIR, or reports.site" in ended.stderr


def test_a_taken_path_is_the_configurations_fault(ready: Path, tmp_path: Path, say: Say) -> None:
    (tmp_path / "budgets.html").write_text("mine")
    ended = say("site", tmp_path)
    assert (ended.code, ended.stdout) == (78, "")
    assert f"{tmp_path}/budgets.html: the site needs this path" in ended.stderr


def test_stale_data_is_withheld(ready: Path, tmp_path: Path, say: Say) -> None:
    config = tmp_path / "costmill.yaml"
    text = (ready / "costmill.yaml").read_text().replace("path: exports", f"path: {ready}/exports")
    config.write_text(text + "\nfreshness: {stale: withhold}\n")
    place = ("--config", config, "--warehouse", ready / "warehouse" / "costs.duckdb")
    ended = say("site", tmp_path / "www", *place, "--as-of", "2026-04-20")
    assert ended.code == 66
    assert "2026-03 is withheld from the site, its data is stale (freshness.stale)" in ended.stderr


def test_each_night_brings_the_configured_site_up_to_date(tmp_path: Path) -> None:
    write_bill(tmp_path / "exports" / "march.csv")
    site = {"out": "reports", "formats": ["md"], "site": "www"}
    jobs.run(load_settings(write_config(tmp_path, reports=site, tags={"report_keys": ["team"]}), environ={}))
    assert "$210.00" in (tmp_path / "www" / "teams" / "tag-team" / "ml.html").read_text()
