"""Who bears the costs: owners, those who lack tags, and tag values after shared costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Owner:
    """What the accounts of one owner cost; ``name`` None: accounts without one, or several owners together."""

    name: str | None
    accounts: int
    billed: Decimal
    effective: Decimal
    share: Decimal | None


@dataclass(frozen=True)
class OwnerCoverage:
    """An account's charges without a tag; ``share`` is percent of its cost that has it."""

    owner: str | None
    name: str | None
    untagged: Decimal
    billed: Decimal
    share: Decimal | None


@dataclass(frozen=True)
class Owners:
    """The owners with the highest costs, the sum of the others, and what has no owner: together the whole bill."""

    rows: tuple[Owner, ...]
    rest_count: int
    rest: Owner | None
    unowned: Owner | None
    total: Owner


@dataclass(frozen=True)
class Coverage:
    """A tag key and the accounts whose untagged cost is largest."""

    key: str
    owners: tuple[OwnerCoverage, ...]
    others: int


@dataclass(frozen=True)
class SplitValue:
    """A tag value after shared costs: own + received = total; ``value`` None: charges without the tag."""

    value: str | None
    own: Decimal
    received: Decimal
    total: Decimal


@dataclass(frozen=True)
class SplitKey:
    """A tag key that shared costs are divided by; the values and their rest sum to the bill.

    ``unsplit`` are (rule, amount, why) of what could not be divided and stays where it is.
    """

    key: str
    values: tuple[SplitValue, ...]
    rest_count: int
    rest: SplitValue | None
    total: SplitValue
    unsplit: tuple[tuple[str, Decimal, str], ...]
