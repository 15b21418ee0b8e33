"""A span as it is read: its charges in groups, how far they reach, and the time that it is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from pipeline import money, periods, resources
from pipeline.errors import UsageError
from pipeline.periods import Span
from pipeline.reports.documents.grouping import ROLLUP
from pipeline.reports.model import Costs
from pipeline.reports.model.document import Value
from pipeline.store import reach
from pipeline.store.warehouse import Warehouse
from pipeline.summaries.measures import daily_change

#: A day is compared with as many days before it: a week's rhythm evens out.
USUAL_DAYS = 7
#: The day that a charge counts on: of billing periods always one of theirs.
DAY = "day"

_LOADED = "SELECT DISTINCT x_BillingPeriod FROM source_periods WHERE x_Origin = 'billed' AND charges > 0 ORDER BY ALL"
_NAMES = """
SELECT d.SubAccountId, coalesce(min(d.SubAccountName), min(a.name)) AS name
FROM daily_costs AS d LEFT JOIN accounts AS a ON a.account_id = d.SubAccountId
WHERE d.x_BillingPeriod BETWEEN $first AND $last AND d.SubAccountId IS NOT NULL
GROUP BY d.SubAccountId HAVING coalesce(min(d.SubAccountName), min(a.name)) IS NOT NULL"""


@dataclass(frozen=True)
class Before:
    """The time that a span's complete days are compared with: [start, end), by billing period or by day as the span."""

    start: date
    end: date
    words: str

    @property
    def days(self) -> int:
        """Its days."""
        return (self.end - self.start).days


@dataclass(frozen=True)
class Group:
    """What some charges of a span came to, in one currency.

    Attributes:
        keys: what they have in common, in the order that was asked for.
        usage: the part of what is billed that is usage.
        covered: billed through the last complete day.
        previous: billed in all of the time that it is compared with.
    """

    currency: str | None
    keys: tuple[Value, ...]
    costs: Costs
    usage: Decimal
    covered: Decimal
    previous: Decimal


class SpanReader:
    """Reads one span of an open warehouse."""

    def __init__(self, warehouse: Warehouse, span: Span) -> None:
        self.warehouse = warehouse
        self.span = span

    @cached_property
    def loaded(self) -> tuple[str, ...]:
        """All billing periods that have charges, oldest first."""
        return tuple(row[0] for row in self.warehouse.rows(_LOADED))

    @cached_property
    def months(self) -> tuple[str, ...]:
        """The loaded billing periods that the span touches."""
        return tuple(month for month in self.loaded if self.span.first_month <= month <= self.span.last_month)

    @cached_property
    def last_day(self) -> date | None:
        """The last day of the span that all sources cover whole; None when there is none."""
        for month in reversed(self.months):
            days = [own.figures_end for own in reach.of_period(self.warehouse, month).values() if own.figures_end]
            if days:
                return min(*days, self.span.last) if min(days) >= self.span.start else None
        return None

    @property
    def covered(self) -> int:
        """Complete days of the span."""
        return (self.last_day - self.span.start).days + 1 if self.last_day else 0

    @property
    def is_open(self) -> bool:
        """Whether days of the span are still to come."""
        return self.covered < self.span.days

    @cached_property
    def before(self) -> Before | None:
        """What the complete days are compared with; None where there is none, or it is not loaded."""
        found = self._before() if self.covered else None
        return found if found and not self._lacking(found) else None

    @property
    def lacking(self) -> list[str]:
        """The billing periods, in order, that would have to be loaded to compare with them."""
        found = self._before()
        return self._lacking(found) if found else []

    def groups(self, columns: Mapping[str, str], rows: str = ROLLUP) -> list[Group]:
        """Sum the span's charges by columns of ``daily_costs`` (or of other ``rows``), and what they are compared with.

        Args:
            columns: name -> its SQL over the rows; from fixed lists or quoted, never a caller's words. ``DAY`` is there.
            rows: the query that gives them, with the place ``{expressions}``.
        """
        names = {name: name if name == DAY else f"group_{place}" for place, name in enumerate(columns)}
        given = "".join(f", {sql} AS {names[name]}" for name, sql in columns.items() if name != DAY)
        query = resources.sql("reports/sums").replace("-- groups", "".join(f"{name}, " for name in names.values()))
        query = query.replace("-- rows", rows.format(expressions=given))
        return [_group(row, list(names.values())) for row in self.warehouse.frame(query, self._bound).to_dicts()]

    def expected(self, group: Group) -> Decimal:
        """What a group would have cost in the complete days as in the time before."""
        assert self.before is not None
        return money.ratio(group.previous * self.covered, Decimal(self.before.days), places=money.SCALE) or money.ZERO

    def change(self, group: Group) -> Decimal | None:
        """The change per complete day in percent; None where there is nothing to compare with."""
        if self.before is None:
            return None
        return daily_change(group.covered, self.covered, group.previous, self.before.days)

    @cached_property
    def account_names(self) -> dict[str, str]:
        """Names of accounts that are not their ids, of the span and the time before it."""
        first = periods.label(self.before.start if self.before else self.span.start)
        found = self.warehouse.rows(_NAMES, {"first": min(first, self.span.first_month), "last": self.span.last_month})
        return {account: name for account, name in found if name != account}

    def _before(self) -> Before | None:
        span = self.span
        try:
            if span.edition == "daily":
                return Before(
                    span.start - timedelta(days=USUAL_DAYS), span.start, f"the average of the {USUAL_DAYS} days before"
                )
            earlier = span.previous
        except (UsageError, OverflowError):
            return None
        if span.by_billing_period:
            return Before(earlier.start, earlier.end, earlier.label)
        words = "the week before" if span.edition == "weekly" else f"the {span.days} days before"
        if not self.is_open:
            return Before(earlier.start, earlier.end, words)
        words = f"the first {self.covered} days of {words}" if self.covered > 1 else f"the first day of {words}"
        return Before(earlier.start, earlier.start + timedelta(days=self.covered), words)

    def _lacking(self, found: Before) -> list[str]:
        """The billing periods of some days that are not loaded."""
        wanted = {periods.label(found.start + timedelta(days=number)) for number in range(found.days)}
        return sorted(wanted - set(self.loaded))

    @property
    def _bound(self) -> dict[str, Any]:
        span, before = self.span, self.before
        return {
            "by_billing": span.by_billing_period,
            "first": span.first_month,
            "last": span.last_month,
            "start": span.start,
            "end": span.end,
            "last_day": self.last_day,
            "first_before": periods.label(before.start) if before else None,
            "last_before": periods.label(before.end - timedelta(days=1)) if before else None,
            "start_before": before.start if before else None,
            "end_before": before.end if before else None,
        }


def together(groups: Iterable[Group]) -> Group:
    """Sum groups of one currency."""
    every = list(groups)
    parts = ("billed", "effective", "list", "contracted", "credits", "refunds", "tax")
    sums = {part: money.total(getattr(own.costs, part) for own in every) for part in parts}
    return Group(
        currency=every[0].currency if every else None,
        keys=(),
        costs=Costs(**sums, charges=sum(own.costs.charges for own in every)),
        usage=money.total(own.usage for own in every),
        covered=money.total(own.covered for own in every),
        previous=money.total(own.previous for own in every),
    )


def by_currency(groups: Sequence[Group]) -> dict[str | None, list[Group]]:
    """Return groups by currency, A to Z, those without one last."""
    found = sorted({own.currency for own in groups}, key=lambda code: (code is None, code or ""))
    return {currency: [own for own in groups if own.currency == currency] for currency in found}


def _group(row: Mapping[str, Any], columns: Sequence[str]) -> Group:
    costs = Costs(
        billed=row["BilledCost"],
        effective=row["EffectiveCost"],
        list=row["ListCost"],
        contracted=row["ContractedCost"],
        credits=row["x_CreditCost"],
        refunds=row["x_RefundCost"],
        tax=row["x_TaxCost"],
        charges=row["x_ChargeCount"],
    )
    keys = tuple(row[name] for name in columns)
    own = (row["usage_BilledCost"], row["covered_BilledCost"], row["previous_BilledCost"])
    return Group(row["BillingCurrency"], keys, costs, *own)
