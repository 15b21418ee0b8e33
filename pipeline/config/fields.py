"""What a value's text means to its field: a parser returns the value or raises ValueError with what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import get_args

from pipeline import money
from pipeline.config.budgets import Basis, PeriodBy, PeriodName
from pipeline.errors import UsageError, near
from pipeline.periods import parse_as_of

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
#: The source of recorded entries (``CostTracker.record``): no configured source may have its name.
RECORDED = "recorded"
#: The source of what this warehouse's own usage log holds (``usage_log``), likewise.
USAGE_LOG = "usage_log"
_SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SELECTOR = re.compile(r"[A-Za-z0-9_-]+:(\*|[A-Za-z0-9_-]+)")
_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_QUARTER = re.compile(r"[0-9]{4}-Q[1-4]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MODE = re.compile(r"(0o?)?[0-7]{3}")
_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)?\s?[KMGT]i?B", re.IGNORECASE)
#: ISO 4217 codes that stand for no money: no currency, and testing.
_NO_MONEY = frozenset({money.NO_CURRENCY, "XTS"})
#: Read permission for owner, group and others: all that a published copy may have.
_READ_BITS = 0o444
#: Longest exponent that a number may have; beyond it, Decimal arithmetic on it only costs time.
_EXPONENT = 999

BUDGET_PERIODS: tuple[str, ...] = get_args(PeriodName)
BASES: tuple[str, ...] = get_args(Basis)
PERIOD_BY: tuple[str, ...] = get_args(PeriodBy)
ALERT_TYPES = ("actual", "forecasted")
#: ``auto`` and the names of pipeline.sources.formats, which lies above this package: a test compares them.
EXPORT_FORMATS = ("auto", "aws_cur", "azure_cost", "focus", "focus_preview", "gcp_billing", "oci_cost", "usage_log")
REPORT_FORMATS = ("html", "md", "csv", "json", "xlsx", "parquet", "pdf")
#: Those that a run writes where nothing else is said.
USUAL_FORMATS = ("html", "md")
#: Names of pipeline.reports.documents, which lies above this package: a test compares them.
REPORTS = ("costs", "budgets", "teams", "resources", "restatements", "commitments", "models")
REPORT_EDITIONS = ("daily", "weekly", "monthly")
STALE = ("banner", "withhold")
ORIGINS = ("billed", "recorded")
DURABILITY = ("batch", "record")
DIRECTIONS = ("up", "both")
#: The formats whose charges are recorded; those of any other are billed. A test compares them with the formats.
RECORDED_FORMATS = ("usage_log",)


@dataclass(frozen=True)
class Tolerance:
    """How many of some things may be missing: ``limit`` of them, or that share (0 to 1) of all."""

    limit: Decimal
    is_share: bool = False

    def allows(self, missing: int, of: int) -> bool:
        """Whether so many of so many may be missing."""
        return missing <= (self.limit * of if self.is_share else self.limit)

    def __str__(self) -> str:
        return money.text(self.limit * 100) + "%" if self.is_share else money.text(self.limit)


NONE_MISSING = Tolerance(money.ZERO)


def line_of_text(value: str) -> str:
    """Read text: not blank, on one line, without control characters."""
    if not value.strip():
        raise ValueError("is empty; write a value or leave the key out")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise ValueError(f"{value!r} holds a line break or another control character")
    return value


def plain_text(value: str) -> str:
    """Read text that may be empty, without line breaks and other control characters."""
    return line_of_text(value) if value.strip() else value


def choice(known: tuple[str, ...]) -> Callable[[str], str]:
    """Return a parser of one of ``known``."""

    def parse(value: str) -> str:
        if value not in known:
            raise ValueError(f"{value!r} is unknown{near(value, known)}")
        return value

    return parse


def boolean(value: str) -> bool:
    """Read true or false; the words yes, no, on and off are refused rather than guessed."""
    if value.lower() not in {"true", "false"}:
        raise ValueError(f"{value!r} is neither true nor false; write one of the two")
    return value.lower() == "true"


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of a whole number between ``low`` and ``high``, both included."""

    def parse(value: str) -> int:
        if not _INTEGER.fullmatch(value) or not low <= int(value) <= high:
            raise ValueError(f"{value!r} is no whole number from {low} to {high}")
        return int(value)

    return parse


def number(value: str) -> Decimal:
    """Read a decimal number exactly as written: sign, digits, point, exponent."""
    parsed = money.parse(value) if value.isascii() else None
    if parsed is None:
        raise ValueError(f"{value!r} is no number; write digits with a point, such as 1500 or 0.25")
    if parsed and abs(parsed.adjusted()) > _EXPONENT:
        raise ValueError(f"{value!r} is out of range")
    return parsed or money.ZERO


def amount(value: str) -> Decimal:
    """Read a budget's amount: money of 0 or more, at most 20 digits before the point and 18 after it."""
    parsed = number(value)
    if parsed < 0:
        raise ValueError(f"{value!r} is negative; write an amount above 0, or 0 to disable the budget")
    if parsed >= money.LIMIT:
        raise ValueError(f"{value!r} has more than 20 digits before the point")
    if money.stored(parsed) != parsed:
        raise ValueError(f"{value!r} has more than {money.SCALE} digits after the point")
    return parsed


def threshold(value: str) -> Decimal:
    """Read an alert's threshold: percent from 0 to 1000, at most 6 decimals."""
    if value.rstrip().endswith("%"):
        raise ValueError(f"{value!r} has a percent sign; write the number alone, such as 80")
    parsed = number(value)
    if not 0 <= parsed <= 1000:
        raise ValueError(f"{value!r} is out of range; write percent from 0 to 1000")
    if parsed != round(parsed, 6):
        raise ValueError(f"{value!r} has more than 6 digits after the point")
    return parsed


def threshold_amount(value: str) -> Decimal:
    """Read an alert's threshold as an amount of money: 0 or more, at most 6 decimals."""
    parsed = amount(value)
    if parsed != round(parsed, 6):
        raise ValueError(f"{value!r} has more than 6 digits after the point")
    return parsed


def percent_of_limit(value: str) -> Decimal:
    """Read a part of a limit: percent from 0 to 100, at most 6 decimals."""
    parsed = threshold(value)
    if parsed > 100:
        raise ValueError(f"{value!r} is out of range; write percent from 0 to 100")
    return parsed


def quarter(value: str) -> str:
    """Read a calendar quarter's label ``YYYY-Qn``."""
    if not _QUARTER.fullmatch(value):
        raise ValueError(f"{value!r} is no quarter; write it as YYYY-Qn, such as 2026-Q1")
    return value


def share(value: str) -> Decimal:
    """Read a share of a whole as 0 to 1 or 0% to 100%; returns 0 to 1."""
    plain = value.rstrip()
    percent = plain.endswith("%")
    parsed = number(plain.removesuffix("%"))
    if percent:
        parsed = parsed.scaleb(-2)
    if not 0 <= parsed <= 1:
        raise ValueError(f"{value!r} is no share; write 0 to 1, or 0% to 100%")
    return parsed


#: The last decimal of a rate.
RATE_QUANTUM = Decimal("1e-12")


def floor(value: str) -> Decimal:
    """Read an amount of money from which on a change counts: 0 or more, in whatever currency."""
    parsed = number(value)
    if parsed < 0:
        raise ValueError(f"{value!r} is negative; write an amount of 0 or more, such as 100")
    return parsed


def sensitivity(value: str) -> Decimal:
    """Read how many usual deviations away a day is an anomaly: above 0, at most 100."""
    parsed = number(value)
    if not 0 < parsed <= 100:
        raise ValueError(f"{value!r} is out of range; write a number above 0 and up to 100, such as 3.5")
    return parsed


def tolerance(value: str) -> Tolerance:
    """Read how many of some things may be missing: a whole number of them, or a percentage."""
    if value.rstrip().endswith("%"):
        return Tolerance(share(value), is_share=True)
    parsed = number(value)
    if parsed < 0 or parsed != parsed.to_integral_value():
        raise ValueError(f"{value!r} is neither a whole number nor a percentage; write one such as 2 or 5%")
    return Tolerance(parsed)


def rate(value: str) -> Decimal:
    """Read an exchange rate: above 0, below 1,000,000, at most 12 decimals. Its products with money fit a DECIMAL(38,30)."""
    parsed = number(value)
    if not 0 < parsed < 1_000_000 or parsed != parsed.quantize(RATE_QUANTUM, context=money.EXACT):
        raise ValueError(f"{value!r} is no rate; write a number above 0 and below 1000000 with at most 12 decimals")
    return parsed


@cache
def _currencies() -> frozenset[str]:
    from babel.numbers import list_currencies  # here: Babel reads its data when it is imported

    return frozenset(list_currencies()) - _NO_MONEY


def currency_code(value: str) -> str:
    """Read an ISO 4217 code, in capitals as the standard writes it. The list is Babel's (CLDR)."""
    if value in _currencies():
        return value
    if value.strip().upper() in _currencies():
        raise ValueError(f"{value!r} is no ISO 4217 code; write {value.strip().upper()}")
    raise ValueError(f"{value!r} is no ISO 4217 code; write one such as USD or EUR")


def locale_name(value: str) -> str:
    """Read a locale that Babel knows, such as ``en_US`` or ``de-DE``; returned with underscores."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(value.replace("-", "_")))
    except (ValueError, UnknownLocaleError, TypeError):
        raise ValueError(f"{value!r} is no known locale; write one such as en_US or de_DE") from None


def file_mode(value: str) -> int:
    """Read the mode of a published copy: octal, readable by the owner, writable by nobody."""
    if not _MODE.fullmatch(value):
        raise ValueError(f'{value!r} is no file mode; write three octal digits, such as "0444"')
    mode = int(value[-3:], 8)
    if mode & ~_READ_BITS or not mode & 0o400:
        raise ValueError(f'{value!r} would not leave the copy read-only; write "0444", "0440" or "0400"')
    return mode


def memory(value: str) -> str:
    """Read an amount of memory as DuckDB writes it, such as 2GB or 512MiB."""
    if not _MEMORY.fullmatch(value):
        raise ValueError(f"{value!r} is no amount of memory; write one such as 2GB or 512MiB")
    return value


def size(value: str) -> int:
    """Read an amount of bytes, such as 10GB or 512MiB; 0 is none."""
    if value == "0":
        return 0
    found = _MEMORY.fullmatch(value)
    if not found:
        raise ValueError(f"{value!r} is no amount of bytes; write 0, or one such as 10GB or 512MiB")
    unit = re.sub(r"[^A-Z]", "", value.upper())
    base = 1024 if "I" in unit else 1000
    return int(Decimal(re.sub(r"[^0-9.]", "", value)) * base ** ("KMGT".index(unit[0]) + 1))


def segment_size(value: str) -> int:
    """Read an amount of bytes of at least 1kB."""
    parsed = size(value)
    if parsed < 1000:
        raise ValueError(f"{value!r} is less than 1kB; write one such as 64MB")
    return parsed


def seconds(value: str) -> Decimal:
    """Read a time to wait: from 0.01 seconds to an hour."""
    parsed = number(value)
    if not Decimal("0.01") <= parsed <= 3600:
        raise ValueError(f"{value!r} is out of range; write seconds from 0.01 to 3600")
    return parsed


def moment(value: str) -> datetime:
    """Read a UTC date (as its last microsecond) or ISO time as a naive UTC datetime."""
    try:
        return parse_as_of(value)
    except (UsageError, OverflowError):
        raise ValueError(f"{value!r} is no date; write 2026-03-22 or 2026-03-22T06:00:00Z") from None


def day(value: str) -> date:
    """Read a UTC day ``YYYY-MM-DD`` from 1970 on."""
    try:
        found = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year < 9999:
        raise ValueError(f"{value!r} is no day; write it as YYYY-MM-DD, such as 2026-03-22")
    return found


def source_name(value: str) -> str:
    """Read a source's name: letters, digits, point, underscore and hyphen; the first a letter or digit."""
    if value == RECORDED:
        raise ValueError(f"{value!r} is the source of entries that Python records; write another name")
    if value == USAGE_LOG:
        raise ValueError(f"{value!r} is the source of the section usage_log; write another name")
    if not _SOURCE_NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no source name; use letters, digits, '.', '_' and '-', such as aws-prod")
    return value


def billing_period(value: str) -> str:
    """Read a billing period's label ``YYYY-MM``."""
    if not _PERIOD.fullmatch(value):
        raise ValueError(f"{value!r} is no billing period; write it as YYYY-MM, such as 2026-03")
    return value


def selector(value: str) -> str:
    """Read a tag budget's selector: ``key:value``, or ``key:*`` for every value."""
    if not _SELECTOR.fullmatch(value):
        raise ValueError(f'{value!r} is no selector; write "key:value" or "key:*" of letters, digits, _ and -')
    return value
