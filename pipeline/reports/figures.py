"""Figures and names for people: the named filters of the templates.

Amounts have their currency's digits, a real minus sign and no false precision; names come from bills and are hostile
text: they are cut, and characters that steer a terminal or turn the reading direction are made visible.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from operator import attrgetter
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_precision,
)
from markupsafe import Markup

from pipeline import money, periods
from pipeline.reports.model import Reason
from pipeline.reports.model.document import Kind, Value
from pipeline.reports.spelling import Spelling, learnt

MINUS = "\N{MINUS SIGN}"
NOTHING = "–"
#: A name longer than this is cut: resource ids of every provider fit.
LONGEST_NAME = 200
#: Decimals of a unit's price: a million tokens cost from a tenth of a cent to some hundred dollars.
PRICE_DIGITS = 4
#: Reason of a change -> its word beside an amount.
REASON_WORDS = {"purchase": "purchases", "credit": "credits", "refund": "refunds"}
#: From here on a percentage is shown without decimals.
WIDE_PERCENT = 10_000
#: Decimals of a quantity, such as hours or gigabytes.
QUANTITY_DIGITS = 6


class _Statuses(dict[str, tuple[str, str]]):
    """Statuses as they are shown; one that is not known is shown by its name, cut to the room that a status has."""

    def __missing__(self, name: str) -> tuple[str, str]:
        return "○", clean(name, 16)


#: Health, threshold state, alert severity and delivery status: a shape, so that colour is not all, and a word.
STATUS: Mapping[str, tuple[str, str]] = _Statuses(
    {
        "EXCEEDED": ("■", "Exceeded"),
        "CRITICAL": ("▲", "Critical"),
        "WARNING": ("◆", "Warning"),
        "OK": ("●", "OK"),
        "UNSPECIFIED": ("○", "Not known"),
        "DISABLED": ("–", "Off"),
        "emergency": ("■", "Emergency"),
        "critical": ("▲", "Critical"),
        "warning": ("◆", "Warning"),
        "info": ("●", "Info"),
        "refused": ("■", "Refused"),
        "quarantined": ("▲", "Quarantined"),
    }
)

_CURRENCY = re.compile(r"[A-Z]{3}")
# C0 and C1 controls, line and paragraph separators, zero-width marks, what turns the direction of text, and what is no
# character at all.
_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
# What would begin a list, a heading or a rule, were the value to begin a line.
_BLOCK = re.compile(r"^(?:(\d{1,9})(?=[.)](?:\s|$))|(?=(?:#{1,6}|[-+])(?:\s|$)|[-=]+\s*$))")
_LINK = re.compile(r"(?i)(https?|ftp|mailto|xmpp)(:)|(www)(\.)")


class Figure(str):
    """Text that a filter of ours made from a number or a date; its signs mean nothing to Markdown."""

    __slots__ = ()


@dataclass(frozen=True)
class Figures:
    """The filters for one locale, such as ``en_US``."""

    locale: Locale

    @classmethod
    def of(cls, locale: str) -> Figures:
        """Return the filters for a locale's name.

        Raises:
            babel.UnknownLocaleError: when there is none of that name.
        """
        return cls(Locale.parse(locale))

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name -> filter, as templates use them."""
        names = (
            "money price signed percent floor_percent change count exact date day short_day weekday month moment label "
            "told reasons quantity status value left roundings"
        )
        return {name: getattr(self, name) for name in names.split()}

    def value(self, value: Value, kind: Kind, currency: str | None, missing: str = NOTHING) -> str:
        """Any value of a document as its kind reads; ``missing`` for None, and for a text without a letter in it."""
        match value:
            case None:
                return missing
            case str():
                return self.status(value) if kind == "status" else self.label(value, missing)
            case dt.datetime():
                return self.moment(value)
            case dt.date():
                return self.date(value)
        return self._number_of(kind, Decimal(value), currency)

    def _number_of(self, kind: Kind, value: Decimal, currency: str | None) -> Figure:
        match kind:
            case "money":
                return self.money(value, currency)
            case "price":
                return self.price(value, currency)
            case "signed":
                return self.signed(value, currency)
            case "percent":
                return self.percent(value)
            case "change":
                return self.change(value)
            case "used":
                return self.floor_percent(value)
            case "count":
                return self.count(value)
        return self.quantity(value)

    def rounded(self, value: Decimal, kind: Kind, currency: str | None) -> Decimal:
        """The number that a reader sees of a value, to add it up: of ``< $0.01`` it is 0."""
        match kind:
            case "percent" | "change" | "used":
                return _percent_shown(value, ROUND_DOWN if kind == "used" else ROUND_HALF_EVEN)
            case "count":
                return _rounded(value, Decimal(1), ROUND_HALF_EVEN)
            case "price":
                return _rounded(value, Decimal(1).scaleb(-(PRICE_DIGITS if is_code(currency) else 2)))
            case "money" | "signed":
                return _rounded(value, Decimal(1).scaleb(-_digits(currency)))
        return _rounded(value, Decimal(1).scaleb(-QUANTITY_DIGITS))

    def left(
        self, parts: Iterable[Decimal | None], total: Decimal | None, currency: str | None, kind: Kind = "money"
    ) -> Decimal:
        """What a total is more than its parts as both are shown; 0 where there is no total."""
        if total is None:
            return money.ZERO
        seen = money.total(self.rounded(own, kind, currency) for own in parts if own is not None)
        return self.rounded(total, kind, currency) - seen

    def roundings(
        self, rows: Iterable[object], total: object, names: str, currency: str | None, *more: object
    ) -> list[Decimal | None]:
        """The cells of a row that makes ``rows`` and ``more`` add up to ``total`` as shown; empty where they do anyway.

        Args:
            names: the columns after the first, by the attributes of a row that they show, such as ``costs.billed``; ``-``
                for one without a sum. The cell of what needs none is None.
            more: rows that may be missing (None), such as the sum of others.
        """
        every = [own for own in (*rows, *more) if own is not None]
        gets = [None if name == "-" else attrgetter(name) for name in names.split()]
        cells = [(get and self.left(map(get, every), get(total), currency)) or None for get in gets]
        return cells if any(cells) else []

    def money(self, value: Decimal | None, currency: str | None) -> Figure:
        """An amount with its currency's digits; below the smallest of them ``< $0.01``; None is a dash."""
        if value is None:
            return Figure(NOTHING)
        unit = Decimal(1).scaleb(-_digits(currency))
        shown = _rounded(value, unit)
        if shown == 0 and value != 0:
            return Figure(f"< {self._amount(unit, currency)}" if value > 0 else f"> {self._amount(-unit, currency)}")
        return self._amount(shown, currency)

    def price(self, value: Decimal | None, currency: str | None) -> Figure:
        """A price of a unit: as ``money``, with up to ``PRICE_DIGITS`` decimals where it has them."""
        if value is None or not currency or not is_code(currency):
            return self.money(value, currency)
        shown, digits = _rounded(value, Decimal(1).scaleb(-PRICE_DIGITS)), _digits(currency)
        if shown == 0 and value != 0:
            return self.money(value, currency)
        decimals = "0" * digits + "#" * (PRICE_DIGITS - digits)
        pattern = re.sub(r"0\.0+", f"0.{decimals}", self.locale.currency_formats["standard"].pattern)
        return _minus(format_currency(shown, currency, format=pattern, locale=self.locale, currency_digits=False))

    def signed(self, value: Decimal | None, currency: str | None) -> Figure:
        """A change: as ``money``, with a plus where it grew."""
        shown = self.money(value, currency)
        grew = value is not None and value > 0 and not shown.startswith("<")
        return Figure(f"+{shown}") if grew else shown

    def round_money(self, value: Decimal, currency: str | None) -> Figure:
        """An axis label: ``$2K``."""
        if not currency or not is_code(currency):
            return self._number(value, 0)
        digits = 0 if value == value.to_integral_value() and abs(value) < 1000 else 1
        text = format_compact_currency(value, currency, locale=self.locale, fraction_digits=digits)
        return _minus(re.sub(r"([.,])0(?=\D|$)", "", text))

    def told(self, reasons: Iterable[Reason], currency: str | None) -> list[Reason]:
        """The reasons of which something is left when their amounts are rounded."""
        unit = Decimal(1).scaleb(-_digits(currency))
        return [own for own in reasons if _rounded(own.change, unit)]

    def reasons(self, reasons: Iterable[Reason], currency: str | None) -> Figure:
        """Why something moved, the most first: ``+$812.00 usage, −$20.00 credits``."""
        largest = sorted(self.told(reasons, currency), key=lambda own: own.change.copy_abs(), reverse=True)
        words = (
            f"{self.signed(own.change, currency)} {REASON_WORDS.get(own.name) or clean(own.name)}" for own in largest
        )
        return Figure(", ".join(words))

    def percent(self, value: Decimal | None) -> Figure:
        """Percent with one decimal."""
        return self._percent(value, ROUND_HALF_EVEN)

    def floor_percent(self, value: Decimal | None) -> Figure:
        """Percent cut to one decimal, so that a limit not reached never reads as reached."""
        return self._percent(value, ROUND_DOWN)

    def change(self, value: Decimal | None) -> Figure:
        """A change in percent, with its sign."""
        shown = self._percent(value, ROUND_HALF_EVEN)
        return Figure(f"+{shown}") if value is not None and value >= Decimal("0.05") else shown

    def count(self, value: int | Decimal) -> Figure:
        """A number of things; a part of one is rounded."""
        return self._number(Decimal(value), 0)

    def quantity(self, value: Decimal | None) -> Figure:
        """What was used, such as hours: up to ``QUANTITY_DIGITS`` decimals where it has them."""
        if value is None:
            return Figure(NOTHING)
        unit = Decimal(1).scaleb(-QUANTITY_DIGITS)
        shown = _rounded(value, unit)
        if shown == 0 and value != 0:
            return Figure(f"< {self._decimals(unit)}" if value > 0 else f"> {self._decimals(-unit)}")
        return self._decimals(shown)

    def status(self, name: str) -> str:
        """A word of ``STATUS`` after its shape."""
        text = " ".join(STATUS[name])
        return Figure(text) if name in STATUS else text

    def exact(self, value: Decimal | None) -> Figure:
        """Every decimal that is stored, with a real minus sign."""
        return Figure(NOTHING) if value is None else _minus(money.text(value))

    def date(self, value: dt.date | None) -> Figure:
        """A day: ``Mar 21, 2026``."""
        return Figure(NOTHING) if value is None else Figure(format_date(value, "medium", locale=self.locale))

    def day(self, value: dt.date) -> Figure:
        """A day without its year: ``March 21``."""
        return Figure(format_date(value, "MMMM d", locale=self.locale))

    def short_day(self, value: dt.date) -> Figure:
        """A day on an axis: ``Mar 21``."""
        return Figure(format_date(value, "MMM d", locale=self.locale))

    def weekday(self, value: dt.date) -> Figure:
        """A day of a table: ``Sat, Mar 21``."""
        return Figure(format_date(value, "EEE, MMM d", locale=self.locale))

    def month(self, period: str) -> Figure:
        """A billing period by its name: ``March 2026``."""
        return Figure(format_date(periods.month(period).start, "LLLL y", locale=self.locale))

    def short_month(self, period: str) -> Figure:
        """A billing period on an axis: ``Mar 2026``."""
        return Figure(format_date(periods.month(period).start, "LLL y", locale=self.locale))

    def moment(self, value: dt.datetime | None) -> Figure:
        """A UTC time to the minute: ``Mar 21, 2026, 06:10 UTC``."""
        if value is None:
            return Figure(NOTHING)
        day = format_date(value, "medium", locale=self.locale)
        return Figure(f"{day}, {format_datetime(value, 'HH:mm', locale=self.locale)} UTC")

    def label(self, value: str | None, missing: str = "(not named)", longest: int = LONGEST_NAME) -> str:
        """A name from a bill: on one line, cut, with what would steer the reader made visible."""
        return missing if value is None or not value.strip() else clean(value, longest)

    def _amount(self, value: Decimal, currency: str | None) -> Figure:
        if not currency or not is_code(currency):
            number = self._number(value, _digits(currency))
            return Figure(f"{clean(currency, 12)} {number}") if currency else number
        return self._written(value, "currency", currency, _digits(currency))

    def _number(self, value: Decimal, digits: int) -> Figure:
        return self._written(_rounded(value, Decimal(1).scaleb(-digits), ROUND_HALF_EVEN), "decimal", None, digits)

    def _decimals(self, value: Decimal) -> Figure:
        return _minus(format_decimal(value, format="#,##0." + "#" * QUANTITY_DIGITS, locale=self.locale))

    def _percent(self, value: Decimal | None, rounding: str) -> Figure:
        if value is None:
            return Figure(NOTHING)
        return self._written(_percent_shown(value, rounding), "percent", None, 0 if abs(value) >= WIDE_PERCENT else 1)

    def _written(self, value: Decimal, kind: str, currency: str | None, digits: int) -> Figure:
        """A number, rounded to the digits that it is shown with, as the locale writes it."""
        spelling = _spelling(self, kind, currency, digits)
        return _minus(spelling.write(value) if spelling else self._by_babel(value, kind, currency, digits))

    def _by_babel(self, value: Decimal, kind: str, currency: str | None, digits: int) -> str:
        decimals = "." + "0" * digits if digits else ""
        match kind:
            case "currency":
                return format_currency(value, currency or "", locale=self.locale)
            case "percent":
                pattern = self.locale.percent_formats[None].pattern.replace("##0", f"##0{decimals}")
                with localcontext(money.EXACT):
                    return format_percent(value / 100, format=pattern, locale=self.locale)
        return format_decimal(value, format=f"#,##0{decimals}", locale=self.locale)


@cache
def _spelling(figures: Figures, kind: str, currency: str | None, digits: int) -> Spelling | None:
    return learnt(lambda value: figures._by_babel(value, kind, currency, digits), digits)


def clean(text: str, longest: int = LONGEST_NAME) -> str:
    """One line of at most ``longest`` characters; what controls the display becomes the replacement character."""
    if len(text) <= longest and text.isprintable():  # nothing that steers is printable
        return text.strip()
    line = _STEERING.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"[\r\n\t]+", " ", text[: longest * 4]).strip())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def markdown(value: object) -> str:
    """Escape a value for a Markdown line or table cell: it reads as it is written and marks nothing up.

    What a macro made (``Markup``, by the filter ``safe``) is escaped already; a ``Figure`` keeps its currency sign.
    """
    if value is None or isinstance(value, Markup):
        return str(value or "")
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if isinstance(value, Figure):
        return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_").replace("`", "\\`").replace("[", "\\[")
    text = _BLOCK.sub(r"\1\\", _MARKDOWN.sub(r"\\\1", re.sub(r"\s+", " ", text)))
    return _LINK.sub(lambda m: f"{m[1]}&#58;" if m[1] else f"{m[3]}&#46;", text)


@cache
def _digits(currency: str | None) -> int:
    return get_currency_precision(currency) if currency and is_code(currency) else 2


def is_code(currency: str | None) -> bool:
    """Whether a currency is written as codes are, so that amounts in it have its sign."""
    return currency is not None and _CURRENCY.fullmatch(currency) is not None


def _percent_shown(value: Decimal, rounding: str) -> Decimal:
    """One decimal; none from ``WIDE_PERCENT`` on, where it says nothing more."""
    shown = _rounded(value, Decimal("0.1"), rounding)
    return _rounded(shown, Decimal(1), rounding) if abs(value) >= WIDE_PERCENT else shown


def _rounded(value: Decimal, unit: Decimal, rounding: str = ROUND_HALF_UP) -> Decimal:
    shown = value.quantize(unit, rounding=rounding, context=money.EXACT)
    return abs(shown) if shown == 0 else shown  # no negative zero


def _minus(text: str) -> Figure:
    return Figure(text.replace("-", MINUS))
