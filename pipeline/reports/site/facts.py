"""What a site keeps of each billing period, so that pages over many of them need no warehouse, and history stays."""

from __future__ import annotations

import dataclasses
import json
import types
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Union, get_args, get_origin, get_type_hints

from pipeline.reports.model import Standing
from pipeline.reports.model.document import exact


@dataclass(frozen=True)
class Bill:
    """What a billing period came to in one currency; ``change`` per day against the one before, in percent."""

    currency: str | None
    billed: Decimal
    effective: Decimal
    change: Decimal | None
    forecast: Decimal | None


@dataclass(frozen=True)
class ServiceCost:
    """What a service cost a team."""

    category: str | None
    name: str | None
    billed: Decimal
    effective: Decimal


@dataclass(frozen=True)
class TeamBill:
    """What a team came to in one currency, its most expensive services, and the sum of the others."""

    currency: str | None
    billed: Decimal
    effective: Decimal
    list: Decimal
    change: Decimal | None
    services: tuple[ServiceCost, ...]
    rest_count: int
    rest_billed: Decimal
    rest_effective: Decimal


@dataclass(frozen=True)
class TeamFacts:
    """An owner of accounts, or a value of a tag (``by`` is ``tag:KEY``)."""

    by: str
    name: str
    bills: tuple[TeamBill, ...]


@dataclass(frozen=True)
class PeriodFacts:
    """One billing period.

    Attributes:
        state: open, final, or restated (after it was final).
        days_covered: complete days, of ``days``.
        cautions: what the figures lack, by one word each: stale, waiting …
        services: category, name and currency of each.
        resources: of those that cost most, what each is called, its id, its type and its service.
        resources_left: how many resources are not among them.
        teams_left: how many teams are left out, by what they are told.
    """

    period: str
    state: str
    last_day: date | None
    days_covered: int
    days: int
    delivered_at: datetime | None
    bills: tuple[Bill, ...]
    cautions: tuple[str, ...]
    standing: Standing
    teams: tuple[TeamFacts, ...]
    teams_left: tuple[tuple[str, int], ...]
    services: tuple[tuple[str, ...], ...]
    resources: tuple[tuple[str, ...], ...]
    resources_left: int


def to_json(facts: PeriodFacts) -> Any:
    """Return facts as JSON has them: amounts as text, each field by its name."""
    return _plain(facts)


def from_json(value: Any) -> PeriodFacts:
    """Read what ``to_json`` has made.

    Raises:
        ValueError: when it is something else.
    """
    try:
        made: PeriodFacts = _made(value, PeriodFacts)
    except (ArithmeticError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no facts of a billing period: {error!r}") from error
    return made


def kept(facts: PeriodFacts) -> PeriodFacts:
    """Return facts as they will be read again: amounts without zeros at their end."""
    return from_json(to_json(facts))


def compact(value: Any) -> str:
    """JSON on one line that no text in it can leave, in a script either."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"})


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {own.name: _plain(getattr(value, own.name)) for own in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(own) for own in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return exact(value) if isinstance(value, (Decimal, date)) else value


def _made(value: Any, kind: Any) -> Any:
    inner = get_args(kind)
    if get_origin(kind) in (types.UnionType, Union):
        return None if value is None else _made(value, next(own for own in inner if own is not type(None)))
    if get_origin(kind) is tuple:
        if inner == (tuple[str, ...], Ellipsis):  # thousands of names
            return tuple(map(tuple, value))
        if inner[-1] is Ellipsis:
            return tuple(_made(own, inner[0]) for own in value)
        return tuple(_made(own, of) for own, of in zip(value, inner, strict=True))
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        return kind(**{name: _made(value[name], of) for name, of in hints.items()})  # type: ignore[operator]
    if kind in (date, datetime):
        return kind.fromisoformat(value)
    if kind is Decimal:
        return Decimal(value)
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


_HINTS: dict[type, dict[str, Any]] = {}


def _hints(kind: type) -> dict[str, Any]:
    if kind not in _HINTS:
        hints = get_type_hints(kind)
        _HINTS[kind] = {own.name: hints[own.name] for own in dataclasses.fields(kind)}
    return _HINTS[kind]
