"""What a night writes beside the month's page: other formats, further reports, sections of the user's own."""

from __future__ import annotations

import json
from pathlib import Path

from tests.jobs.conftest import Say
from tests.jobs.nights import facts, write_bill, write_config


def test_a_night_writes_what_is_due_once(tmp_path: Path, say: Say) -> None:
    write_bill(tmp_path / "exports" / "march.csv")
    (tmp_path / "own.sql").write_text("SELECT ServiceName, sum(BilledCost) AS BilledCost FROM daily_costs GROUP BY ALL")
    absent = {"report": "teams", "by": "tag:team", "only": "web"}
    also = [
        absent,
        {"report": "budgets"},
        {"report": "teams", "by": "tag:team"},
        {"report": "costs", "edition": "weekly"},
    ]
    reports = {
        "out": "reports",
        "formats": ["md", "json"],
        "also": also,
        "sections": [{"title": "Mine", "sql": "own.sql"}],
    }
    config = write_config(tmp_path, reports=reports, tags={"report_keys": ["team"]})
    ended = say("run", "--config", config)
    assert ended.code == 0
    assert "the report teams of 2026-03 is not written: no charge of 2026-03 is of tag:team 'web'" in ended.stderr
    out = tmp_path / "reports"
    folders = ["2026-03", "2026-03/budgets", "2026-03/teams-by-tag-team/ml", "2026-W12"]
    assert sorted(str(path.parent.relative_to(out)) for path in out.rglob("report.json")) == folders
    assert len(list(out.rglob("report.md"))) == len(folders)
    month = json.loads((out / "2026-03" / "report.json").read_text())
    assert month["parts"][-1]["title"] == "Mine"
    assert month["parts"][-1]["tables"][0]["total"] == {"BilledCost": "210"}
    before = facts(out)
    assert say("run", "--config", config).code == 0
    assert facts(out) == before

    (tmp_path / "own.sql").write_text("DELETE FROM charges")
    ended = say("run", "--config", config)
    assert ended.code == 0
    assert "own.sql: the section 'Mine': is DELETE" in ended.stderr
    assert "the reports of 2026-03 are without sections and templates of your own" in ended.stderr
    assert json.loads((out / "2026-03" / "report.json").read_text())["parts"][-1]["title"] != "Mine"
