"""Each team's document: its own figures, all of them, and nobody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import money
from pipeline.errors import UsageError
from pipeline.reports.documents import place
from pipeline.store.warehouse import Warehouse
from tests.reports import warehouse as fixture
from tests.reports.editions.conftest import column, fact, table, told
from tests.reports.warehouse import HOSTILE, Spend

TEAM = "tag:team"


@pytest.mark.parametrize(
    ("by", "expression"),
    [(TEAM, "x_EffectiveTags->>'$.team'"), ("owner", "x_AccountOwner"), ("tag:app", "x_EffectiveTags->>'$.app'")],
)
def test_teams_are_what_their_charges_sum_to(sampled: Warehouse, by: str, expression: str) -> None:
    asked = sampled.rows(
        f"""SELECT {expression} AS team, sum(BilledCost) FROM focus_data_table
        WHERE x_Origin = 'billed' AND x_BillingPeriod = '2026-02' AND team IS NOT NULL GROUP BY ALL ORDER BY 1"""
    )
    documents = told(sampled, "teams", "2026-02", by=by)
    assert [(own.subject, fact(own, "billed").value) for own in documents] == asked
    for own in documents:
        for name in ("services", "accounts"):
            assert money.total(column(table(own, name), "BilledCost")) == fact(own, "billed").value
    assert len({place(own) for own in documents}) == len(documents)


def test_a_team_has_no_other_team_s_budgets_or_resources(sampled: Warehouse) -> None:
    [document] = told(sampled, "teams", "2026-03", by=TEAM, only="ml")
    assert column(table(document, "budgets"), "budget_id") == ["tag:team:ml"]
    assert set(column(table(document, "alerts"), "budget_id")) == {"tag:team:ml"}
    own = sampled.rows(
        """SELECT DISTINCT ResourceId FROM focus_data_table
        WHERE x_Origin = 'billed' AND x_BillingPeriod = '2026-03' AND x_EffectiveTags->>'$.team' = 'ml'"""
    )
    assert set(column(table(document, "resources"), "ResourceId")) == {row[0] for row in own} - {None}


def test_a_team_s_trend_ends_with_its_own_span(sampled: Warehouse) -> None:
    [document] = told(sampled, "teams", "2026-03", by=TEAM, only="ml")
    trend = table(document, "trend")
    assert column(trend, "period") == ["2026-03", "2026-02", "2026-01"]
    assert column(trend, "BilledCost")[0] == fact(document, "billed").value


def test_hostile_teams_have_folders_of_their_own_that_stay_inside(empty: Warehouse) -> None:
    names = [*HOSTILE, "../../etc", "a/b", "A", "a", ".", "..", "CON"]
    spends = [Spend(f"S{n}", "Compute", f"r{n}", f"{n}.5") for n in range(len(names))]
    fixture.fill(empty, fixture.PERIOD, spends, fixture.THROUGH)
    empty.execute("INSERT OR REPLACE INTO settings VALUES ('reported_tags', '[\"team\"]')")
    for number, name in enumerate(names):
        given = {"tags": json.dumps({"team": name}), "service": f"S{number}"}
        empty.execute("UPDATE daily_costs SET x_ReportedTags = $tags WHERE ServiceName = $service", given)
    documents = told(empty, "teams", fixture.PERIOD, by=TEAM)
    places = [place(own) for own in documents]
    assert [own.subject for own in documents] == sorted(names)
    assert len({str(own).casefold() for own in places}) == len(names)
    inside = Path("/reports").resolve()
    assert all((inside / own).resolve().is_relative_to(inside / "2026-03") for own in places)
    assert all(len(part.encode()) < 200 for own in places for part in own.parts)


def test_an_unknown_team_names_the_near_one(sampled: Warehouse) -> None:
    with pytest.raises(UsageError, match=r"no charge of 2026-03 is of tag:team 'platfrom'; did you mean 'platform'"):
        told(sampled, "teams", "2026-03", by=TEAM, only="platfrom")


@pytest.mark.parametrize("by", ["team", "tag:", "Owner"])
def test_what_no_team_is_told_by_is_refused(sampled: Warehouse, by: str) -> None:
    with pytest.raises(UsageError, match=r"teams (are by owner|cannot be told by)"):
        told(sampled, "teams", "2026-03", by=by)


def test_without_tags_there_is_no_team(sampled: Warehouse) -> None:
    assert told(sampled, "teams", "2026-03", by="tag:nobody-has-it") == []
