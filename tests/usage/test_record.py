"""A usage record is taken exactly as it was meant, or refused by the name of its field."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from pipeline.errors import EntryError
from pipeline.usage.record import UsageRecord, checked, line

CALL = UsageRecord("openai", "chat_completion", "gpt-4o", cost="0.0125", time=datetime(2026, 3, 5, 10))


def take(**changes: Any) -> UsageRecord:
    return checked(replace(CALL, **changes), lambda: "new")


class Rates:
    """Knows one price."""

    def cost(self, usage: UsageRecord) -> tuple[Decimal, str]:
        return Decimal(str(usage.input_tokens)) / 1000, "EUR"


def test_a_record_is_exact_in_utc_and_has_its_tenant_once() -> None:
    zone = timezone(timedelta(hours=2))
    taken = take(cost=0.1, seconds="1.50", time=datetime(2026, 3, 5, 1, tzinfo=zone), attribution={"tenant": "acme"})
    assert (taken.cost, taken.seconds, taken.time) == (Decimal("0.1"), Decimal("1.5"), datetime(2026, 3, 4, 23))
    assert (taken.tenant, taken.id) == ("acme", "new")


def test_its_line_leaves_out_what_it_has_not() -> None:
    written = json.loads(b"{" + line(take(input_tokens=1200, seconds="1.50", attribution={"team": "a", "job": None})))
    assert written == {
        "id": "new", "time": "2026-03-05T10:00:00Z", "provider": "openai", "operation": "chat_completion",
        "model": "gpt-4o", "cost": "0.0125", "currency": "USD", "input_tokens": 1200, "seconds": "1.5",
        "attribution": {"team": "a"}, "success": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"provider": " "}, "provider must be text that is not blank"),
        ({"operation": None}, "operation must be text"),
        ({"model": 4}, "model must be text, not 4"),
        ({"cost": None}, "cost is missing, and nothing here knows prices"),
        ({"cost": "ten"}, "cost: 'ten' is no amount"),
        ({"cost": "-1"}, "cost '-1' is negative"),
        ({"cost": True}, "cost: True is no amount"),
        ({"currency": "usd"}, "currency 'usd' is no ISO 4217 code"),
        ({"input_tokens": "many"}, "input_tokens: 'many' is no amount"),
        ({"images": -1}, "images -1 is negative"),
        ({"input_tokens": 5, "cached_input_tokens": 6}, "cached_input_tokens 6 are more than input_tokens 5"),
        ({"attribution": {"team": 7}}, r"attribution\['team'\] must be text, not 7"),
        ({"attribution": {"tenant": "a"}, "tenant": "b"}, "tenant is 'b', but attribution"),
        ({"success": "yes"}, "success must be true or false"),
        ({"time": "2026-03-05"}, "timestamp must be a datetime"),
        ({"time": datetime(3000, 1, 1)}, "years to 2999"),
        ({"metadata": {"a": {1}}}, r"metadata\['a'\]"),
        ({"metadata": {"a": "\ud800"}}, r"metadata\['a'\] holds half a surrogate"),
        ({"model": "\ud800"}, "model holds half a surrogate"),
        ({"id": "billed-1"}, "id 'billed-1' begins with billed-"),
        ({"metadata": {"a": "x" * (1 << 24)}}, "a line of the usage log at most"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_taken_is_refused_by_its_field(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(EntryError, match=told):
        line(take(**changes))


def test_metadata_that_no_line_can_hold_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(61):
        deep = {"a": deep}
    with pytest.raises(EntryError, match="deeper than 60 levels"):
        take(metadata=deep)


def test_a_record_without_a_cost_is_priced_by_what_knows_prices() -> None:
    taken = checked(replace(CALL, cost=None, input_tokens=1500), lambda: "new", Rates())
    assert (taken.cost, taken.currency) == (Decimal("1.5"), "EUR")
