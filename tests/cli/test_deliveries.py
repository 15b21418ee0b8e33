"""`costmill deliveries` and `costmill restatements` on a small company whose March was delivered torn."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Say
from tests.jobs.nights import Charge, ask, write_bill, write_config


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """March with two services is loaded; then 12 days of one of them came, and the file is gone by now."""
    from pipeline.cli import execute

    folder = tmp_path_factory.mktemp("torn") / "company"
    config = write_config(folder, freshness={"max_age_days": 90})
    write_bill(folder / "exports" / "march.csv", [Charge(), Charge("Storage", "7", resource="disk")])
    february = [Charge(cost="9", days=28)]
    write_bill(folder / "exports" / "february.csv", february, period="2026-02", at="2026-03-01T04:00:00")
    assert execute(["run", "--config", str(config)]) == 0
    write_bill(folder / "exports" / "march.csv", [Charge(days=12)], at="2026-03-22T05:00:00")
    assert execute(["run", "--config", str(config)]) == 65
    (folder / "exports" / "march.csv").unlink()
    return folder


@pytest.fixture
def company(torn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the current folder."""
    shutil.copytree(torn, tmp_path / "company", symlinks=True)
    monkeypatch.chdir(tmp_path / "company")
    return tmp_path / "company"


@pytest.fixture(scope="module")
def accepted(torn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it whose torn delivery was accepted; tests only read it."""
    from pipeline.cli import execute

    folder = Path(shutil.copytree(torn, tmp_path_factory.mktemp("accepted") / "company", symlinks=True))
    [(load_id,)] = ask(folder / "published" / "costs.duckdb", "SELECT load_id FROM loads WHERE status = 'quarantined'")
    assert execute(["deliveries", "accept", load_id, "--config", str(folder / "costmill.yaml")]) == 0
    return folder


@pytest.fixture
def reading(torn: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The company itself as the current folder, for tests that only ask."""
    monkeypatch.chdir(torn)
    return torn


def listed(say: Say, *more: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(say("deliveries", "list", "--format", "csv", *more).stdout)))


def waiting(say: Say) -> str:
    [row] = listed(say, "--status", "quarantined")
    return str(row["id"])


def test_the_list_has_the_newest_first_and_takes_filters(reading: Path, say: Say) -> None:
    assert [(row["period"], row["status"]) for row in listed(say)] == [
        ("2026-03", "quarantined"),
        ("2026-03", "loaded"),
        ("2026-02", "loaded"),
    ]
    assert len(listed(say, "--period", "2026-02", "--source", "azure")) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("deliveries", "list", "--source", "azur"), "no source 'azur' in the warehouse; did you mean 'azure'?"),
        (("restatements", "--source", "azur"), "no source 'azur' in the warehouse; did you mean 'azure'?"),
        (("tags", "--period", "2020-01"), "nothing is loaded for 2020-01; loaded: 2026-02, 2026-03"),
        (("splits", "--period", "2020-01"), "nothing is loaded for 2020-01; loaded: 2026-02, 2026-03"),
    ],
)
def test_what_is_not_there_is_a_wrong_use(reading: Path, say: Say, arguments: tuple[str, ...], told: str) -> None:
    ended = say(*arguments)
    assert (ended.code, ended.stderr) == (64, f"costmill: {told}\n")


def test_show_compares_and_says_what_to_do(reading: Path, say: Say) -> None:
    load_id = waiting(say)
    ended = say("deliveries", "show", load_id)
    assert ended.code == 0
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    assert any(line.startswith("days 21 12 -9 0 shrunken 2026-03-13, 2026-03-14") for line in lines)
    assert "BilledCost USD 357 120 -237 25% and 100 shrunken" in lines
    assert lines[-3].startswith("controls: none, it did not go in; the sums that were judged are in the comparison")
    assert f"`costmill deliveries accept {load_id}` loads it" in lines[-1]


def test_show_gives_all_as_json_with_money_as_text(reading: Path, say: Say) -> None:
    shown = json.loads(say("deliveries", "show", waiting(say), "--format", "json").stdout)
    assert list(shown) == ["delivery", "comparison", "drift", "files", "controls", "decisions", "next"]
    [rows] = [row for row in shown["comparison"] if row["measure"] == "rows"]
    assert (rows["loaded"], rows["delivered"], rows["finding"]) == ("42", "12", "shrunken")


def test_show_of_what_is_loaded_has_its_control_totals(reading: Path, say: Say) -> None:
    [row] = listed(say, "--status", "loaded", "--period", "2026-03")
    shown = json.loads(say("deliveries", "show", row["id"], "--format", "json").stdout)
    assert {each["file"] for each in shown["controls"]} == {"357"}
    assert shown["next"] == "It waits for nobody."


def test_accept_loads_what_was_judged_and_the_next_run_is_content(company: Path, say: Say) -> None:
    load_id = waiting(say)
    ended = say("deliveries", "accept", load_id, "--note", "right so")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"loaded {load_id}")
    published = company / "published" / "costs.duckdb"
    assert str(ask(published, "SELECT sum(BilledCost) FROM category_summary WHERE x_BillingPeriod = '2026-03'")) == (
        "[(Decimal('120.000000000000000000'),)]"
    )
    assert say("run").code == 0
    assert ask(published, "SELECT decision, note FROM decisions") == [("accepted", "right so")]
    assert [row["decision"][:12] for row in listed(say, "--period", "2026-03")] == ["accepted by ", ""]


def test_what_was_accepted_after_final_is_said_at_once_and_by_the_next_night(company: Path, say: Say) -> None:
    assert say("close", "2026-03", "--as-of", "2026-04-02").code == 0
    said = "costmill: azure 2026-03: restated after final: billed 120.00 USD, was 357.00 USD when it became final; "
    assert said in say("deliveries", "accept", waiting(say)).stderr
    assert said in say("run").stderr
    assert say("run").stderr == ""


def test_accept_and_reject_of_what_does_not_wait_are_refused(
    accepted: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(accepted)
    load_id = listed(say, "--period", "2026-03")[0]["id"]
    for command in ("accept", "reject"):
        ended = say("deliveries", command, load_id)
        assert ended.code == 64
        assert "is loaded, accepted by " in ended.stderr
    assert say("deliveries", "show", "nope").code == 64


def test_a_run_after_a_rejection_ends_well_and_waits_for_nothing(company: Path, say: Say) -> None:
    load_id = waiting(say)
    assert say("run").code == 65
    ended = say("deliveries", "reject", load_id[:6], "--note", "torn")
    assert (ended.code, ended.stderr) == (0, "")
    assert say("run").code == 0
    assert [row["status"] for row in listed(say, "--period", "2026-03")] == ["rejected", "loaded"]
    assert say("status").code == 0


def test_restatements_say_what_changed_by_service_by_delivery_and_by_currency(
    accepted: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(accepted)
    lines = json.loads(say("restatements", "--format", "json").stdout)
    assert [(row["service"], row["charges_change"], row["BilledCost_change"]) for row in lines] == [
        ("Storage", -21, "-147"),
        ("Virtual Machines", -9, "-90"),
    ]
    [total] = json.loads(say("restatements", "--by", "delivery", "--format", "json", "--period", "2026-03").stdout)
    assert (total["lines"], total["EffectiveCost_after"], total["reason"]) == (2, "120", "delivered again")
    [currency] = json.loads(say("restatements", "--by", "currency", "--format", "json").stdout)
    assert (currency["currency"], currency["BilledCost_change"]) == ("USD", "-237")
    for nothing in (("--since", "2999-01-01"), ("--period", "2026-02")):
        assert json.loads(say("restatements", "--format", "json", *nothing).stdout) == []
    assert len(json.loads(say("restatements", "--format", "json", "--since", "2026-01-01").stdout)) == 2


@pytest.mark.parametrize("arguments", [("--since", "soon"), ("--period", "2026-3")])
def test_restatements_refuse_what_is_no_date(reading: Path, say: Say, arguments: tuple[str, ...]) -> None:
    assert say("restatements", *arguments).code == 64


def test_many_columns_are_listed_with_their_number_within_a_terminals_width(company: Path, say: Say) -> None:
    path = write_bill(company / "exports" / "april.csv", [Charge(days=2)], period="2026-04", at="2026-04-03T04:00:00")
    header, *rows = path.read_text().splitlines()
    names = [f"x_Unknown_Column_{number}" for number in range(140)]
    path.write_text("\n".join([",".join([header, *names]), *(row + "," * 140 for row in rows)]) + "\n")
    told = say("load", "--source", "azure").stderr
    load_id = listed(say, "--period", "2026-04")[0]["id"]
    assert (
        f"140 new columns: {', '.join(sorted(names)[:3])} and 137 more; `costmill deliveries show {load_id}` lists all"
        in told
    )
    shown = say("deliveries", "show", load_id).stdout
    assert "\ndropped_columns 140\n" in shown
    assert "\nnew             140\n" in shown
    assert all(len(re.findall(rf"{name}\b", shown)) == 2 for name in names)
    assert max(len(line) for line in shown.splitlines() if "x_Unknown" in line) <= 80
    assert len(json.loads(say("deliveries", "show", load_id, "--format", "json").stdout)["drift"]) == 140
