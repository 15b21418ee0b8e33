"""What programs recorded as a part of the bill: it counts with the bill, is recorded all the same, and counts once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs
from pipeline.actors import Actor
from pipeline.budgets.policies import CountedOrigin, Policy
from pipeline.budgets.policy_service import BudgetPolicyService
from pipeline.config import Settings, UsageLogSettings, load_settings
from pipeline.errors import ConfigurationError
from pipeline.jobs import RunResult
from pipeline.load import Outcome
from pipeline.night import cautions
from pipeline.sources import segments
from pipeline.store import reach
from pipeline.store.coverage import coverage
from pipeline.usage.log import UsageLog
from pipeline.usage.record import UsageRecord, checked
from pipeline.usage.service import BudgetTrackingService
from tests import empty
from tests.jobs.nights import ask, budgets, write_bill, write_config
from tests.load.bills import House, focus, month, write
from tests.load.bills import house as open_house

MARCH = month("2026-03")
IN_BILL: dict[str, Any] = {"origin": "recorded", "bill": True}
JOB = Actor("night", "job", permissions=frozenset(["budget:admin"]))
CALL = UsageRecord("openai", "chat_completion", "gpt-4o", cost="0.25", time=datetime(2026, 3, 5, 10))
#: Policies over the same calls, by the origin that each counts.
ORIGINS: dict[CountedOrigin, tuple[str, str]] = {
    "auto": ("provider", "openai"),
    "billed": ("model", "gpt-4o"),
    "recorded": ("category", "llm_inference"),
}
#: What the month comes to with the records in the bill, and without them.
USED = Decimal("0.5")
WHOLE, BILL = 210 + USED, Decimal(210)


def company(folder: Path, *, bill: bool) -> Settings:
    """A company whose own log is part of its bill or not, and is removed once it is loaded."""
    log = {"keep_days": 0, "bill": bill}
    return load_settings(write_config(folder, usage_log=log, cost=budgets(1000)), environ={})


def night(folder: Path, *, bill: bool) -> RunResult:
    result = jobs.run(company(folder, bill=bill))
    assert result.exit_code == 0, result
    return result


def counted(folder: Path) -> dict[str, Any]:
    """What a published copy says of the month, by who asks."""
    copy = folder / "published" / "costs.duckdb"
    statuses = dict(ask(copy, "SELECT budget_id, current_spend FROM budget_status WHERE x_BillingPeriod = '2026-03'"))
    [(summary,)] = ask(copy, "SELECT sum(BilledCost) FROM category_summary WHERE x_BillingPeriod = '2026-03'")
    [(models,)] = ask(copy, "SELECT sum(BilledCost) FROM model_summary WHERE x_Origin = 'recorded'")
    return {
        "file": statuses["global"],
        "summary": summary,
        "models": models,
        **{origin: statuses[f"policy:{origin}"] for origin in ORIGINS},
    }


def spends(settings: Settings) -> dict[str, Decimal]:
    """What policies say to a call of the month, by their origin."""
    asked = BudgetPolicyService(settings).check_budget(JOB, CALL, 1)
    return {check.policy.id: check.spend for check in asked.policies}


def test_records_are_in_the_bill_and_out_of_it_as_the_file_says_each_once(tmp_path: Path) -> None:
    write_bill(tmp_path / "exports" / "march.csv")
    settings = company(tmp_path, bill=True)
    empty.put(settings.warehouse)
    first, second = (UsageLog(settings.own_usage_log) for _ in range(2))
    first.append([checked(CALL, first.new_id)])
    first.close()
    night(tmp_path, bill=False)
    assert segments.paths(settings.own_usage_log.path) == []
    service = BudgetPolicyService(settings)
    for origin, (scope, name) in ORIGINS.items():
        service.create_policy(JOB, Policy(origin, 900, scope, name, origin=origin, id=origin))

    # Not loaded yet, a call counts as it will. What no run has counted since the policies were set does not.
    second.append([checked(CALL, second.new_id)])
    assert spends(settings) == dict.fromkeys(ORIGINS, Decimal("0.25"))
    second.close()

    # What is loaded follows the file, though its segment is gone.
    result = night(tmp_path, bill=True)
    used: dict[str, Any] = dict.fromkeys(ORIGINS, USED)
    assert spends(settings) == used
    assert counted(tmp_path) == {"file": WHOLE, "summary": WHOLE, "models": USED} | used
    assert result.staleness is not None
    assert (result.warnings, result.staleness.last_complete_day) == ([], date(2026, 3, 21))
    report = (tmp_path / "reports" / "2026-03" / "report.md").read_text(encoding="utf-8")
    assert "It is part of the bill, as its sources say (bill: true)" in report
    assert "210.50" in report
    usage = BudgetTrackingService(settings).get_usage_summary(JOB, as_of="2026-03-22")
    assert (usage.total, usage.record_count) == (USED, 2)

    night(tmp_path, bill=False)
    left = {"auto": USED, "billed": Decimal(0), "recorded": USED}
    assert counted(tmp_path) == {"file": BILL, "summary": BILL, "models": USED, **left}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


def put(house: House, *records: UsageRecord, source: str = "chat") -> Outcome:
    """Load records as a log that is part of the bill."""
    folder = house.folder / source
    log = UsageLog(UsageLogSettings(folder))
    log.append([checked(each, log.new_id) for each in records])
    log.close()
    return house.load(folder, source=source, **IN_BILL)[-1]


def test_beside_bills_it_keeps_its_days_its_tenants_and_its_source(house: House) -> None:
    put(house, replace(CALL, time=datetime(2026, 3, 3)), replace(CALL, provider="aws", attribution={"tenant": "acme"}))
    assert reach.of_period(house.warehouse, "2026-03")["chat"].last_day == date(2026, 3, 4)
    assert house.rows("SELECT x_TenantId, x_Origin, BilledCost FROM daily_costs ORDER BY 1") == [
        ("acme", "billed", Decimal("0.25")),
        (None, "billed", Decimal("0.25")),
    ]
    matrix = coverage(house.warehouse, ["chat"], as_of=datetime(2026, 9, 1), grace_days=3)
    assert {each.state for each in matrix} == {"open"}  # no month of it is missing

    usage = {"ProviderName": "AWS", "ServiceCategory": "AI and Machine Learning"} | MARCH
    house.charges([focus(**usage), focus(**usage | {"ProviderName": "OpenAI", "ServiceCategory": "Compute"})])
    days = {source: each.last_day for source, each in reach.of_period(house.warehouse, "2026-03").items()}
    assert days == {"bill": date(2026, 3, 5), "chat": None}
    [told] = cautions.of_charges(house.warehouse, "run", has_loaded=False)
    assert told == (
        "chat says bill: true, and bill bills AI usage of aws as well (last in 2026-03): the same calls may be in the bill "
        "twice; if so, leave bill out of chat"
    )

    refused = put(house, CALL, source="bill")
    assert "whose charges are recorded, but the source bill has billed ones (of 2026-03)" in str(refused.reason)
    refused = house.one(write(house.folder / "other.csv", [focus(**MARCH)]), source="chat", **IN_BILL)
    assert "whose charges are billed, but the source chat says bill: true; nothing was loaded" in str(refused.reason)


@pytest.mark.parametrize("says", [{"format": "aws_cur"}, {"origin": "billed"}])
def test_a_source_of_bills_cannot_say_it(tmp_path: Path, says: dict[str, str]) -> None:
    source = {"name": "aws", "path": "exports", "bill": True} | says
    with pytest.raises(
        ConfigurationError, match="bill: is for what programs record, and charges of bills count anyway"
    ):
        load_settings(write_config(tmp_path, sources=[source]), environ={})
