"""A usage record: what a call of a model or a service was, checked field by field, and as a line of the usage log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from pipeline import money
from pipeline.errors import EntryError
from pipeline.periods import utc_now
from pipeline.sources.json_lines import LINE_LIMIT
from pipeline.store.base import BILLED_ID, json_object, require_text, utc_timestamp

#: What a call can be attributed to; a charge has them as tags. Other keys are taken, too.
ATTRIBUTION = ("team", "project", "job", "task", "agent", "user", "session", "tool", "skill")
#: The key of the attribution that says whose usage it is.
TENANT = "tenant"
#: What was used, beside its cost.
QUANTITIES = ("input_tokens", "output_tokens", "cached_input_tokens", "images", "seconds")
#: Metadata may be nested so deep: a line of the log may hold 64 levels.
DEEPEST = 60

#: The last year that a load reads.
LAST_YEAR = 2999

Number = Decimal | int | str | float


@dataclass(frozen=True)
class UsageRecord:
    """One call, or anything else that was used.

    Attributes:
        provider: such as ``openai``.
        operation: such as ``chat_completion``, ``embedding``, ``image_generation``; it decides the category.
        cost: 0 or more, in ``currency``; None where it is to be priced by what was used, in the price's currency.
        variant: of the price, such as ``batch``; None for the usual one.
        cached_input_tokens: the part of ``input_tokens`` that was cached.
        attribution: who it was for: keys of ``ATTRIBUTION`` or others, text to text; None leaves a key out.
        tenant: whose usage it is; None: nobody's, or the actor's.
        request_id: the provider's name of the call.
        parent_id: the record that caused this one.
        time: naive UTC, or aware; None is now.
        metadata: what JSON can hold.
        id: None for a new one. The same record under the same id again counts once.
    """

    provider: str
    operation: str
    model: str | None = None
    cost: Number | None = None
    currency: str = "USD"
    input_tokens: Number | None = None
    output_tokens: Number | None = None
    cached_input_tokens: Number | None = None
    images: Number | None = None
    seconds: Number | None = None
    variant: str | None = None
    attribution: Mapping[str, str | None] = field(default_factory=dict)
    tenant: str | None = None
    request_id: str | None = None
    parent_id: str | None = None
    success: bool = True
    time: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None


class Pricer(Protocol):
    """What knows prices."""

    def cost(self, usage: UsageRecord) -> tuple[Decimal, str]:
        """Return what a record without a cost comes to, and in which currency.

        Raises:
            PriceError: when its model is unknown, or what was used is not enough to price it.
        """


def checked(
    usage: UsageRecord, new_id: Callable[[], str], pricer: Pricer | None = None, *, tenant: str | None = None
) -> UsageRecord:
    """Return a record as the log keeps it: an exact cost, numbers, its time in UTC, its tenant in one place, an id.

    Args:
        new_id: makes the id of one that has none.
        tenant: whose it is where the record does not say.

    Raises:
        EntryError: naming the field that cannot be taken.
        PriceError: when there is no cost, and no price for what was used.
    """
    if not isinstance(usage, UsageRecord):
        raise EntryError(f"{usage!r} is no UsageRecord")
    if usage.cost is None:
        usage = _priced(replace(usage, time=utc_now() if usage.time is None else usage.time), pricer)
    attribution = _attribution(usage, tenant)
    quantities = {name: _quantity(name, getattr(usage, name)) for name in QUANTITIES}
    cached, given = quantities["cached_input_tokens"], quantities["input_tokens"]
    if cached is not None and cached > (given or 0):
        raise EntryError(
            f"cached_input_tokens {cached} are more than input_tokens {given or 0}, which they are a part of"
        )
    if not isinstance(usage.success, bool):
        raise EntryError(f"success must be true or false, not {usage.success!r}")
    return UsageRecord(
        provider=_required("provider", usage.provider),
        operation=_required("operation", usage.operation),
        model=_text("model", usage.model),
        cost=_cost(usage.cost),
        currency=_currency(usage.currency),
        variant=_text("variant", usage.variant),
        attribution=attribution,
        tenant=attribution.get(TENANT),
        request_id=_text("request_id", usage.request_id),
        parent_id=_text("parent_id", usage.parent_id),
        success=usage.success,
        time=utc_now() if usage.time is None else _time(usage.time),
        metadata=_metadata(usage.metadata) if usage.metadata else {},
        id=new_id() if usage.id is None else _id(usage.id),
        **quantities,
    )


def line(usage: UsageRecord) -> bytes:
    """Return a checked record as the inside of a line of the log: what follows its segment.

    Raises:
        EntryError: when it is longer than a line may be.
    """
    assert usage.time is not None
    given: dict[str, Any] = {
        "id": usage.id,
        "time": usage.time.isoformat() + "Z",
        "provider": usage.provider,
        "operation": usage.operation,
        "cost": money.text(usage.cost),  # type: ignore[arg-type] # checked() made it a Decimal
        "currency": usage.currency,
        "success": usage.success,
    }
    for name in QUANTITIES:
        value = getattr(usage, name)
        if value is not None:
            given[name] = value if type(value) is int else money.text(value)
    for name in ("model", "variant", "attribution", "request_id", "parent_id", "metadata"):
        value = getattr(usage, name)
        if value:
            given[name] = value
    text = _ENCODER.encode(given)[1:]
    try:
        written = text.encode()
    except UnicodeEncodeError:
        raise _half_a_character(usage) from None
    if len(written) > LINE_LIMIT - 1000:
        raise EntryError(f"the record has {len(written)} bytes, and a line of the usage log at most {LINE_LIMIT}")
    return written


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def _priced(usage: UsageRecord, pricer: Pricer | None) -> UsageRecord:
    if pricer is None:
        raise EntryError(
            "cost is missing, and nothing here knows prices; give what the call cost, 0 where it cost nothing"
        )
    cost, currency = pricer.cost(usage)
    return replace(usage, cost=cost, currency=currency)


def _cost(value: Number | None) -> Decimal:
    try:
        found = money.amount(value)  # type: ignore[arg-type] # anything else is refused there
    except EntryError as error:
        raise EntryError(f"cost: {error}") from None
    if found < 0:
        raise EntryError(f"cost {value!r} is negative; what was used cost 0 or more, a credit is a CostEntry")
    return found


def _quantity(name: str, value: Number | None) -> Decimal | int | None:
    if value is None or (type(value) is int and 0 <= value < money.LIMIT):
        return value
    try:
        found = money.amount(value)
    except EntryError as error:
        raise EntryError(f"{name}: {error}") from None
    if found < 0:
        raise EntryError(f"{name} {value!r} is negative; write 0 or more")
    return found


def _required(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise EntryError(f"{name} must be text that is not blank, not {value!r}")
    return value


def _text(name: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise EntryError(f"{name} must be text, not {value!r}")
    return value


def _currency(value: object) -> str:
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha() and value.isupper():
        return value
    raise EntryError(f"currency {value!r} is no ISO 4217 code; write it as USD or EUR")


def _time(value: datetime) -> datetime:
    found = utc_timestamp(value)
    if found.year > LAST_YEAR:
        raise EntryError(f"time {value} is no time of a call; years to {LAST_YEAR} are taken")
    return found


def _id(value: object) -> str:
    found = _required("id", value)
    if found.startswith(BILLED_ID):
        raise EntryError(f"id {found!r} begins with {BILLED_ID}, as those of billed charges do; take another one")
    return found


def _attribution(usage: UsageRecord, default: str | None) -> dict[str, str]:
    if not isinstance(usage.attribution, Mapping):
        raise EntryError(f"attribution must be a mapping of text to text, not {usage.attribution!r}")
    found: dict[str, str] = {}
    given: Mapping[Any, Any] = usage.attribution
    for key, value in given.items():
        if value is None:
            continue
        if not isinstance(key, str) or not key.strip():
            raise EntryError(f"a key of attribution must be text that is not blank, not {key!r}")
        if not isinstance(value, str):
            raise EntryError(f"attribution[{key!r}] must be text, not {value!r}")
        found[key] = value
    tenant = _text("tenant", usage.tenant)
    if tenant is not None and found.setdefault(TENANT, tenant) != tenant:
        raise EntryError(f"tenant is {tenant!r}, but attribution['tenant'] is {found[TENANT]!r}; leave one of them out")
    if default is not None:
        found.setdefault(TENANT, default)
    return found


def _metadata(value: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = json_object(value)
    except RecursionError:
        raise EntryError(f"metadata is nested deeper than {DEEPEST} levels") from None
    if _depth(found) > DEEPEST:
        raise EntryError(f"metadata is nested deeper than {DEEPEST} levels")
    return found


def _depth(value: Any) -> int:
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max([_depth(each) for each in held if isinstance(each, (dict, list))], default=0)


def _half_a_character(usage: UsageRecord) -> EntryError:
    texts = {name: getattr(usage, name) for name in ("id", "provider", "operation", "model", "request_id", "parent_id")}
    texts |= {f"attribution[{key!r}]": f"{key}{value}" for key, value in usage.attribution.items()}
    try:
        for name, value in texts.items():
            require_text(name, "" if value is None else value)
    except EntryError as error:
        return error
    return EntryError("metadata holds half a surrogate pair, which is no text")
