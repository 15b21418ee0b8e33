"""What a page opens from category to service to resource: by column, for there may be 50,000 resources."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Amounts:
    """What some charges cost, three ways."""

    billed: Decimal
    effective: Decimal
    list: Decimal


@dataclass(frozen=True)
class Service:
    """A service of the bill; ``resources`` counts all of its resources, ``unattached`` are its charges of none."""

    category: str | None
    name: str | None
    costs: Amounts
    resources: int
    unattached: Amounts


@dataclass(frozen=True)
class ResourceNames:
    """The resources of a page, the most expensive first: each column has one value a resource."""

    id: tuple[str, ...]
    name: tuple[str | None, ...]
    type: tuple[str | None, ...]
    account: tuple[str | None, ...]
    region: tuple[str | None, ...]


@dataclass(frozen=True)
class ResourceLines:
    """What a resource costs in a service, by their numbers in the page's lists: each column has one value a line.

    Amounts are exact, as ``money.text`` writes them.
    """

    resource: tuple[int, ...]
    service: tuple[int, ...]
    billed: tuple[str, ...]
    effective: tuple[str, ...]
    list: tuple[str, ...]


@dataclass(frozen=True)
class Drill:
    """All services of a currency, and its resources by service.

    ``total`` is the bill, ``unattached`` its charges of no resource; ``left_count`` and ``left`` are the resources that
    the page has no room for.
    """

    total: Amounts
    services: tuple[Service, ...]
    resources: ResourceNames
    lines: ResourceLines
    unattached: Amounts
    left_count: int
    left: Amounts
