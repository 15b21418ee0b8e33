"""All that a site knows, put together by budget, alert and team: what its pages over several billing periods say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pipeline.reports.model import Alert, Budget, PolicyStatus
from pipeline.reports.site.facts import Bill, PeriodFacts, TeamBill, TeamFacts
from pipeline.reports.site.names import OWNER, TeamKey

#: Alerts on their page, the newest billing periods first; the others are in the pages of their periods and budgets.
MOST_ALERTS = 3000
WITHHELD = (
    "Newer data of this billing period is withheld: it is stale, as freshness.stale says. The page is as it was last."
)
UNLOADED = "This billing period is not loaded any more: the page is as it was last."
ALERT_STATES = ("open", "acknowledged", "resolved", "suppressed")


@dataclass(frozen=True)
class PeriodRow:
    """A billing period in one currency; ``note`` says why its page is not of today, ``first``: it is the period's first row."""

    period: str
    facts: PeriodFacts | None
    bill: Bill | None
    note: str | None
    first: bool = True


@dataclass(frozen=True)
class BudgetWindow:
    """How a budget or policy stood in a billing period."""

    period: str
    budget: Budget
    policy: PolicyStatus | None = None


@dataclass(frozen=True)
class BudgetHistory:
    """A budget or policy: its windows, the newest first, and its alerts."""

    windows: tuple[BudgetWindow, ...]
    alerts: tuple[tuple[str, Alert], ...]

    @property
    def last(self) -> BudgetWindow:
        """How it stood last."""
        return self.windows[0]

    @property
    def team(self) -> TeamKey | None:
        """The team that its scope is of, or else its owner."""
        own = self.last.budget
        key, found, value = own.scope_key.partition(":")
        return (f"tag:{key}", value) if own.scope_type == "tag" and found else (OWNER, own.owner) if own.owner else None

    def is_of(self, team: TeamKey) -> bool:
        """Whether it is a team's: its owner's, or of a tag's value alone."""
        by, name = team
        own, policy = self.last.budget, self.last.policy
        if by == OWNER:
            return own.owner == name
        scope = f"{by.removeprefix('tag:')}:{name}"
        if policy:
            return policy.scope == scope
        return own.scope_type == "tag" and own.scope_key == scope


@dataclass(frozen=True)
class TeamHistory:
    """A team: what it came to in each billing period, the newest first."""

    by: str
    name: str
    periods: tuple[tuple[PeriodFacts, TeamFacts], ...]

    @property
    def key(self) -> TeamKey:
        """What tells it from others."""
        return self.by, self.name

    @property
    def rows(self) -> tuple[tuple[PeriodFacts, TeamBill], ...]:
        """Its bills, the newest first."""
        return tuple((facts, bill) for facts, own in self.periods for bill in own.bills)

    def of_currency(self, currency: str | None) -> tuple[tuple[PeriodFacts, TeamBill], ...]:
        """Its bills in one currency."""
        return tuple(row for row in self.rows if row[1].currency == currency)

    @cached_property
    def currencies(self) -> tuple[str | None, ...]:
        """Its currencies, A to Z."""
        return tuple(sorted({bill.currency for _, bill in self.rows}, key=lambda own: (own is None, own or "")))


@dataclass(frozen=True)
class Site:
    """Everything that a site knows.

    Attributes:
        facts: of each billing period that has some, oldest first.
        periods: all that there is a page of, and those of which nothing may be shown yet.
        notes: why pages are kept as they are.
        whose: the tenant's that it is; None: the operator's.
    """

    facts: Mapping[str, PeriodFacts]
    periods: tuple[str, ...]
    notes: Mapping[str, str]
    whose: str | None

    @cached_property
    def newest_first(self) -> tuple[PeriodFacts, ...]:
        """The facts, the newest first."""
        return tuple(self.facts[period] for period in sorted(self.facts, reverse=True))

    @cached_property
    def rows(self) -> tuple[PeriodRow, ...]:
        """The billing periods, the newest first, a row for each currency."""
        return tuple(self._rows())

    def _rows(self) -> Iterator[PeriodRow]:
        for period in sorted(self.periods, reverse=True):
            facts, note = self.facts.get(period), self.notes.get(period)
            bills = facts.bills if facts and facts.bills else (None,)
            for place, bill in enumerate(bills):
                yield PeriodRow(period, facts, bill, note, first=not place)

    @cached_property
    def currencies(self) -> tuple[str | None, ...]:
        """All currencies, A to Z."""
        found = {bill.currency for facts in self.newest_first for bill in facts.bills}
        return tuple(sorted(found, key=lambda own: (own is None, own or "")))

    @cached_property
    def budgets(self) -> dict[str, BudgetHistory]:
        """Budgets and policies by their id: in the order of the newest billing period, then those that it has not."""
        windows: dict[str, list[BudgetWindow]] = {}
        alerts: dict[str, list[tuple[str, Alert]]] = {}
        for facts in self.newest_first:
            for budget in facts.standing.budgets:
                windows.setdefault(budget.id, []).append(BudgetWindow(facts.period, budget))
            for policy in facts.standing.policies:
                windows.setdefault(policy.budget.id, []).append(BudgetWindow(facts.period, policy.budget, policy))
            for alert in facts.standing.alerts:
                alerts.setdefault(alert.budget, []).append((facts.period, alert))
        return {name: BudgetHistory(tuple(own), tuple(alerts.get(name, ()))) for name, own in windows.items()}

    @cached_property
    def alerts(self) -> tuple[tuple[str, Alert], ...]:
        """All alerts: the newest billing period's first, in each the open ones."""
        return tuple((facts.period, alert) for facts in self.newest_first for alert in facts.standing.alerts)

    @cached_property
    def alert_counts(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Of each billing period that has alerts, how many are in each of ``ALERT_STATES``."""
        counts: dict[str, list[str]] = {}
        for period, alert in self.alerts:
            counts.setdefault(period, []).append(alert.status)
        return tuple((period, tuple(own.count(state) for state in ALERT_STATES)) for period, own in counts.items())

    @cached_property
    def teams(self) -> dict[TeamKey, TeamHistory]:
        """Teams by what they are told by, then A to Z."""
        found: dict[TeamKey, list[tuple[PeriodFacts, TeamFacts]]] = {}
        for facts in self.newest_first:
            for team in facts.teams:
                found.setdefault((team.by, team.name), []).append((facts, team))
        ordered = sorted(found, key=lambda key: (key[0] != OWNER, key))
        return {key: TeamHistory(*key, tuple(found[key])) for key in ordered}
