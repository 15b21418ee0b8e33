"""What policies count of records that are not loaded, added up as they come."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from pipeline.budgets import windows
from pipeline.budgets.billed import Billed
from pipeline.budgets.meter import Meter
from pipeline.budgets.policies import Policy
from pipeline.usage.pending import Used

NOON = datetime(2026, 3, 5, 12)


def used(number: int, **changes: Any) -> Used:
    facts: dict[str, Any] = {
        "attribution": {"team": f"t{number % 3}", "tenant": "acme"},
        "provider": "openai",
        "model": "gpt",
    }
    facts |= {"time": NOON - timedelta(hours=7 * number), "currency": "USD"} | changes
    return Used(id=str(number), cost=Decimal(number) / 8, operation="chat", success=True, quantities=(), **facts)


def total(meter: Meter, policy: Policy, at: datetime = NOON) -> Decimal:
    window = windows.around(meter.budget(policy), at)
    return sum((amount for _, amount, _ in meter.spent(policy, window)), Decimal(0))


@pytest.mark.parametrize("period", ["hourly", "daily", "weekly", "monthly", "yearly", "rolling_30d", "lifetime"])
def test_a_window_holds_the_records_of_its_time_however_they_came(period: Any) -> None:
    policy = Policy("p", 1, "team", "t1", period=period, origin="recorded", id="p")
    meter, records = Meter([policy], Billed(), ["4"]), [used(number) for number in range(60)]
    window, draw, end = windows.around(meter.budget(policy), NOON), Random(7), 0
    while end < len(records):
        end += draw.randrange(9)
        meter.take(1, records[:end])
    counted = [each for each in records if each.attribution["team"] == "t1" and each.time in window and each.id != "4"]
    assert total(meter, policy) == sum((each.cost for each in counted), Decimal(0))


def test_another_epoch_begins_anew() -> None:
    policy = Policy("p", 1, origin="recorded", period="lifetime", id="p")
    meter = Meter([policy], Billed(), [])
    meter.take(1, [used(1), used(2)])
    meter.take(2, [used(2)])
    assert total(meter, policy) == used(2).cost


@pytest.mark.parametrize(
    ("policy", "counts"),
    [
        (Policy("p", 1, id="p"), False),
        (Policy("p", 1, id="p", origin="billed"), False),
        (Policy("p", 1, id="p", origin="recorded"), True),
        (Policy("p", 1, id="p", origin="recorded", tenant_id="acme"), True),
        (Policy("p", 1, id="p", origin="recorded", tenant_id="other"), False),
        (Policy("p", 1, "model", "gpt", id="p", origin="recorded"), True),
        (Policy("p", 1, "user", "ann", id="p", origin="recorded"), False),
    ],
)
def test_what_a_run_would_count_counts(policy: Policy, counts: bool) -> None:
    meter = Meter([policy], Billed(("openai",)), [])
    meter.take(1, [used(1)])
    assert (total(meter, policy) == used(1).cost) is counts


def test_money_is_kept_apart_by_what_tells_its_rate() -> None:
    policy = Policy("p", 1, origin="recorded", period="lifetime", id="p")
    meter = Meter([policy], Billed(), [])
    meter.take(1, [used(1), used(2, currency="EUR"), used(3, currency="EUR", time=NOON - timedelta(days=30))])
    found = meter.spent(policy, windows.around(meter.budget(policy), NOON))
    assert {money for money, _, _ in found} == {("USD", "2026-03"), ("EUR", "2026-03"), ("EUR", "2026-02")}
