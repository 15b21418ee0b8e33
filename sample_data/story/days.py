"""The calendar of the sample data, and the seeded values that everything else draws from.

Nothing here keeps state: a value depends on the seed and on its own key alone, so that a restated
delivery repeats the ids and amounts of the first one, and adding a meter moves no other figure.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

SEED = "lumen-parcel-2026"
# Ten decimals keep every amount below 100,000 within the 15 digits that a DOUBLE gives back unchanged.
CENT_FRACTION = Decimal("0.0000000001")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def utc(year: int, month: int, day: int) -> datetime:
    """Midnight of a day; the sample knows no other zone."""
    return datetime(year, month, day, tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """A billing period (half-open, UTC) and the days of usage that its export holds."""

    label: str
    start: datetime
    end: datetime
    days: int
    traffic: Decimal  # parcels tracked, against January

    def each_day(self) -> Iterator[datetime]:
        return (self.start + n * DAY for n in range(self.days))

    @property
    def length(self) -> int:
        return (self.end - self.start).days


JANUARY = Period("2026-01", utc(2026, 1, 1), utc(2026, 2, 1), 31, Decimal("1.00"))
FEBRUARY = Period("2026-02", utc(2026, 2, 1), utc(2026, 3, 1), 28, Decimal("1.22"))
MARCH = Period("2026-03", utc(2026, 3, 1), utc(2026, 4, 1), 21, Decimal("0.98"))
PERIODS = (JANUARY, FEBRUARY, MARCH)


@dataclass(frozen=True)
class Delivery:
    """One export of one source and billing period: its files, and its rows as they stand in the files."""

    source: str
    period: Period
    name: str  # execution, assembly or run id
    current: bool  # False: a later delivery of the same period replaces it
    files: Mapping[str, bytes]  # path under sample_data/ -> contents
    data_files: tuple[str, ...]
    rows: tuple[Mapping[str, object], ...]


def digest(*key: object) -> bytes:
    """The bytes that belong to a key."""
    return hashlib.sha256("|".join((SEED, *map(str, key))).encode()).digest()


def number(below: int, *key: object) -> int:
    """A whole number in [0, below) that belongs to this key."""
    return int.from_bytes(digest(*key)[:8], "big") % below


def hex_id(length: int, *key: object) -> str:
    """A lower-case hexadecimal id."""
    return digest(*key).hex()[:length]


def guid(*key: object) -> str:
    """A UUID."""
    return str(uuid.UUID(bytes=digest(*key)[:16], version=4))


def code(length: int, *key: object) -> str:
    """Capital letters and digits, as SKUs and rate codes have them."""
    return base64.b32encode(digest(*key)).decode()[:length]


def money(amount: Decimal) -> Decimal:
    """An amount at the sample's ten decimals."""
    return amount.quantize(CENT_FRACTION)


def load_factor(key: str, day: datetime, traffic: Decimal) -> Decimal:
    """How busy an elastic meter is: the month's traffic, quieter weekends, and 6 % of weather."""
    weekend = Decimal("0.82") if day.weekday() >= 5 else Decimal(1)
    weather = Decimal(9400 + number(1201, key, day.date())) / 10000
    return traffic * weekend * weather


def stamp(moment: datetime) -> str:
    """A time as both CURs and FOCUS write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(value: Decimal) -> str:
    """Digits and a point, without trailing zeros or an exponent."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_json(value: object) -> bytes:
    """A manifest's bytes."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def gzipped(contents: bytes) -> bytes:
    """Compressed without a time, so that the bytes depend on the contents alone."""
    return gzip.compress(contents, compresslevel=9, mtime=0)
