"""Calls that one process records, another loads, and a third asks about; and the bill that comes for them later."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from pipeline import Actor, BudgetPolicyService, BudgetTrackingService, Policy, UsageRecord
from pipeline.money import text
from tests import empty
from tests.jobs.nights import Charge, environment
from tests.scenarios.story import Company

pytestmark = pytest.mark.heavy  # `make soak` goes through whole nights

JOB = Actor("cron", "job", permissions=frozenset(["*"]))
NIGHT = datetime(2026, 3, 22, 12)
CALL = UsageRecord("OpenAI", "chat_completion", "gpt-4o", time=NIGHT)
RECORD = """
import sys
from datetime import datetime
from pathlib import Path
from pipeline import Actor, BudgetTrackingService, UsageRecord
from pipeline.config import load_settings
tracking = BudgetTrackingService(load_settings(Path(sys.argv[1]), environ={}))
for cost in sys.argv[2:]:
    call = UsageRecord("OpenAI", "chat_completion", "gpt-4o", cost=float(cost), time=datetime(2026, 3, 5, 10))
    tracking.record_usage(Actor("bot", permissions=frozenset(["budget:write"])), call)
"""


def asked(service: BudgetPolicyService, *costs: str) -> list[tuple[bool, str, str]]:
    """Of calls that cost so much: whether each may be made, and what the policy says was spent and remains."""
    found = [service.check_budget(JOB, CALL, cost) for cost in costs]
    return [(each.allowed, text(each.policies[0].spend), text(each.policies[0].remaining)) for each in found]


def test_calls_count_before_and_after_the_run_and_once_when_the_bill_comes(tmp_path: Path) -> None:
    company = Company(tmp_path, {"global": {"amount": 1000}}, sources=[])
    empty.put(company.settings.warehouse)
    service, tracking = BudgetPolicyService(company.settings), BudgetTrackingService(company.settings)
    calls = Policy("Calls", 100, "provider", "openai", hard_limit_action="block", id="calls")
    service.create_policy(JOB, calls, as_of=NIGHT)

    # Another process records; nothing has loaded it, and ten tenths are one.
    command = [sys.executable, "-c", RECORD, str(company.folder / "costmill.yaml"), *["0.1"] * 10]
    subprocess.run(command, env=environment(), check=True)
    assert asked(service, "99", "99.01") == [(True, "1", "99"), (False, "1", "99")]
    tracking.record_usage(JOB, replace(CALL, cost=89))
    recorded = [(True, "90", "10"), (False, "90", "10")]
    assert asked(service, "10", "10.01") == recorded
    assert company.night("2026-03-22", published=True) == ["fired policy:calls of 2026-03: actual 80 %, now 90 %"]
    assert asked(service, "10", "10.01") == recorded

    # The bill says 95 for them. The policy counts the bill from now on; the calls stay known as calls.
    company = Company(tmp_path, {"global": {"amount": 1000}})
    company.deliver("2026-03", Charge(cost="95", days=1), provider="OpenAI")
    assert company.night("2026-03-22", published=True) == []
    billed = [(True, "95", "5"), (False, "95", "5")]
    assert asked(service, "5", "5.01") == billed
    assert company.limits()["2026-03-01"] == ("1000", "95")
    tracking.record_usage(JOB, replace(CALL, cost=3))
    assert asked(service, "5", "5.01") == billed
    assert tracking.get_usage_summary(JOB, "provider:openai", as_of=NIGHT).total == 93
