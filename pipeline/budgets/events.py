"""What happens to budgets, policies and alerts, as values (SPEC 3.9), and who is told of it in this process.

An event is made inside the transaction of what it tells of, kept in ``budget_events`` with it, and delivered to
subscribers after it has committed. A subscriber that fails is logged and fails nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from pipeline.errors import UsageError, near
from pipeline.money import text

logger = logging.getLogger(__name__)

#: Who is written down where nobody asked: an evaluation, by a run or by ``alerts watch``.
SYSTEM = "costmill"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        at: UTC.
        actor: id of who did it; ``costmill`` for an evaluation.
        tenant: whose it is; None: no tenant's.
    """

    name: ClassVar[str]

    at: datetime
    actor: str = SYSTEM
    tenant: str | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """Return the event with its name: money as text, times in ISO 8601."""
        own = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return {"event": self.name, **own}


@dataclass(frozen=True, kw_only=True)
class KeptEvent(Event):
    """An event of a budget, which the table ``budget_events`` keeps."""

    budget_id: str


@dataclass(frozen=True, kw_only=True)
class BudgetEvent(KeptEvent):
    """An event of a budget's window: its start, and the billing period that it stands under."""

    period: str
    period_start: datetime
    currency: str
    spend: Decimal
    limit: Decimal
    percentage: Decimal


@dataclass(frozen=True, kw_only=True)
class ApproachingLimit(BudgetEvent):
    """The spend came to 80 % of the limit or over it, and is below 100 %."""

    name = "budget.approaching_limit"


@dataclass(frozen=True, kw_only=True)
class LimitExceeded(BudgetEvent):
    """The spend came to 100 % of the limit or over it."""

    name = "budget.limit_exceeded"


@dataclass(frozen=True, kw_only=True)
class ThresholdEvent(BudgetEvent):
    """An event of a threshold (``unit`` percent or amount); ``spend`` is the forecast where ``type`` is ``forecasted``."""

    threshold: Decimal
    unit: str
    type: str


@dataclass(frozen=True, kw_only=True)
class ThresholdReached(ThresholdEvent):
    """A budget's spend (type ``actual``) or forecast (``forecasted``) came to a threshold, or came back to it."""

    name = "budget.threshold_reached"


@dataclass(frozen=True, kw_only=True)
class AlertTriggered(ThresholdEvent):
    """There is an alert to tell people of: it fired, was reopened, or its snooze ran out (``kind``)."""

    name = "budget.alert_triggered"

    alert_id: str
    kind: str
    severity: str


@dataclass(frozen=True, kw_only=True)
class AlertAcknowledged(KeptEvent):
    """Somebody sees to an alert."""

    name = "budget.alert_acknowledged"

    period: str
    period_start: datetime
    threshold: Decimal
    unit: str
    type: str
    alert_id: str
    note: str | None


@dataclass(frozen=True, kw_only=True)
class PolicyEvent(KeptEvent):
    """An event of a policy; ``policy`` is all of it as JSON has it, as it is after the event."""

    policy: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PolicyCreated(PolicyEvent):
    """Somebody created a policy."""

    name = "budget.policy_created"


@dataclass(frozen=True, kw_only=True)
class PolicyUpdated(PolicyEvent):
    """Somebody changed a policy; ``before`` has the former values of what changed."""

    name = "budget.policy_updated"

    before: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PolicyDeleted(PolicyEvent):
    """Somebody deleted a policy."""

    name = "budget.policy_deleted"


@dataclass(frozen=True, kw_only=True)
class UsageRecorded(Event):
    """A program recorded a call, at the time of the call. Subscribers are told; the table has none of these."""

    name = "budget.usage_recorded"

    record_id: str
    provider: str
    model: str | None
    operation: str
    cost: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class CheckRequested(Event):
    """Somebody asked before spending. Subscribers are told; the table has none of these."""

    name = "budget.check_requested"

    provider: str
    model: str | None
    operation: str
    cost: Decimal
    currency: str
    allowed: bool
    action: str | None


_KEPT: tuple[type[KeptEvent], ...] = (
    *(ThresholdReached, AlertTriggered, AlertAcknowledged),
    *(ApproachingLimit, LimitExceeded),
    *(PolicyCreated, PolicyUpdated, PolicyDeleted),
)
#: The events that are kept, by name; and each event that this version makes.
KEPT = {each.name: each for each in _KEPT}
EVENTS: dict[str, type[Event]] = {
    **KEPT,
    UsageRecorded.name: UsageRecorded,
    CheckRequested.name: CheckRequested,
}

Subscriber = Callable[[Event], object]


class EventBus:
    """Who in this process is told of which events. Threads may use one together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: list[tuple[Subscriber, frozenset[str]]] = []

    def subscribe(self, subscriber: Subscriber, *names: str) -> Callable[[], None]:
        """Have ``subscriber`` called with each event of these names, or with every one when none is given.

        It is called in the thread that made the event, after it was committed, while the warehouse may still be held:
        what takes long or writes the warehouse itself belongs into a thread of its own.

        Returns:
            What ends it; calling that twice is fine.

        Raises:
            UsageError: when there is no such event.
        """
        for name in names:
            if name not in EVENTS:
                raise UsageError(f"{name!r} is no event{near(name, EVENTS)}")
        entry = (subscriber, frozenset(names))
        with self._lock:
            self._subscribers.append(entry)

        def end() -> None:
            with self._lock:
                self._subscribers = [each for each in self._subscribers if each is not entry]

        return end

    def is_heard(self, name: str) -> bool:
        """Whether somebody is told of events of this name."""
        with self._lock:
            return any(not names or name in names for _, names in self._subscribers)

    def deliver(self, events: Iterable[Event]) -> None:
        """Tell the subscribers, in the order of the events and of the subscriptions; one that raises is logged."""
        for event in events:
            with self._lock:
                told = [subscriber for subscriber, names in self._subscribers if not names or event.name in names]
            for subscriber in told:
                try:
                    subscriber(event)
                except Exception:
                    logger.exception("a subscriber failed on %s; nothing else is affected", event.name)


#: The bus of this process: what runs, watchers and services here deliver to.
BUS = EventBus()
subscribe = BUS.subscribe


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return text(value)
    return value.isoformat() + "Z" if isinstance(value, datetime) else value
