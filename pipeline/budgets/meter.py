"""What is recorded beyond the kept totals, added up by policy: each record is looked at once, not by every question."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from pipeline.budgets import windows
from pipeline.budgets.billed import Billed
from pipeline.budgets.policies import ATTRIBUTION, Policy
from pipeline.budgets.policy_budgets import as_budgets
from pipeline.config.budgets import ROLLING, ScopeBudget
from pipeline.entries import CostCategory
from pipeline.money import EXACT, ZERO
from pipeline.periods import Window, label
from pipeline.usage.pending import Used

#: Currency and billing period of an amount: what tells its rate.
Money = tuple[str, str]
#: Scopes that are known of a call before it is billed.
FACTS = ("global", "provider", "service", "category", "model", *ATTRIBUTION)
#: A calendar window, or a day of a rolling one.
_Part = Window | date


class Meter:
    """The policies of a published copy, by what they count, and their sums of what is recorded since. Threads may share it.

    Args:
        billed: what is part of a bill.
        stored: ids of records that look as if they were not stored, and are.
    """

    def __init__(self, policies: Iterable[Policy], billed: Billed, stored: Collection[str]) -> None:
        self._billed, self._stored = billed, stored
        self._budgets: dict[str, ScopeBudget] = {}
        self._by_scope: dict[tuple[str, str], list[Policy]] = defaultdict(list)
        for policy in policies:
            [self._budgets[policy.id]] = as_budgets([policy], billed)
            self._by_scope[policy.scope, policy.scope_id].append(policy)
        self._lock = threading.Lock()
        self._sums: dict[tuple[str, _Part], dict[Money, tuple[Decimal, int]]] = {}
        self._seen: tuple[int, int] = (-1, 0)

    def budget(self, policy: Policy) -> ScopeBudget:
        """Return the budget that the engine counts of a policy."""
        return self._budgets[policy.id]

    def counting(self, used: Used) -> list[Policy]:
        """Return the policies that count a record; accounts, regions and resource types are no part of one."""
        found = [policy for fact in facts_of(used) for policy in self._by_scope.get(fact, ())]
        return [policy for policy in found if policy.tenant_id in (None, used.tenant)]

    def take(self, epoch: int, records: Sequence[Used]) -> None:
        """Add what is new of ``records``, which only grow while ``epoch`` is the same; of another one, all anew."""
        with self._lock:
            seen_epoch, seen = self._seen
            if seen_epoch != epoch:
                self._sums, seen = {}, 0
            end = max(seen, len(records))
            for used in records[seen:end]:
                self._add(used)
            self._seen = (epoch, end)

    def spent(self, policy: Policy, window: Window) -> list[tuple[Money, Decimal, int]]:
        """Return what was recorded in a window of a policy and the next run would count: amounts, each of so many records."""
        with self._lock:
            parts = [self._sums.get((policy.id, part), {}) for part in self._parts(policy, window)]
            return [(money, *summed) for part in parts for money, summed in part.items()]

    def _parts(self, policy: Policy, window: Window) -> Iterator[_Part]:
        if policy.period not in ROLLING:
            yield window
            return
        for number in range((window.end - window.start).days):
            yield window.start.date() + timedelta(days=number)

    def _add(self, used: Used) -> None:
        if used.id in self._stored:
            return
        for policy in self.counting(used):
            if self._billed.counts(policy.origin, used.provider):
                is_rolling = policy.period in ROLLING
                part = used.time.date() if is_rolling else windows.around(self.budget(policy), used.time)
                sums = self._sums.setdefault((policy.id, part), {})
                money = (used.currency, label(used.time))
                amount, records = sums.get(money, (ZERO, 0))
                sums[money] = EXACT.add(amount, used.cost), records + 1


def facts_of(used: Used) -> list[tuple[str, str]]:
    """Return what a record says of itself: scopes of policies, each with its value."""
    facts = [("global", ""), ("provider", used.provider), ("service", used.service)]
    facts += sorted({("category", used.category), ("category", CostCategory(used.category).service_category)})
    facts += [("model", used.model)] if used.model is not None else []
    return facts + [(key, used.attribution[key]) for key in ATTRIBUTION if key in used.attribution]
