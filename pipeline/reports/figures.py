"""Figures and names for people: the named filters of the templates.

Amounts have their currency's digits, a real minus sign and no false precision; names come from bills and are hostile
text: they are cut, and characters that steer a terminal or turn the reading direction are made visible.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
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

MINUS = "\N{MINUS SIGN}"
NOTHING = "–"
#: A name longer than this is cut: resource ids of every provider fit.
LONGEST_NAME = 200
#: Decimals of a unit's price: a million tokens cost from a tenth of a cent to some hundred dollars.
PRICE_DIGITS = 4
#: Reason of a change -> its word beside an amount.
REASON_WORDS = {"purchase": "purchases", "credit": "credits", "refund": "refunds"}

_CURRENCY = re.compile(r"[A-Z]{3}")
# C0 and C1 controls, line and paragraph separators, zero-width marks, and what turns the direction of text.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
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
            "told reasons"
        )
        return {name: getattr(self, name) for name in names.split()}

    @staticmethod
    def is_code(currency: str | None) -> bool:
        """Whether a currency is written as codes are, so that amounts in it have its sign."""
        return bool(currency and _CURRENCY.fullmatch(currency))

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
        if value is None or not currency or not _CURRENCY.fullmatch(currency):
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
        if not currency or not _CURRENCY.fullmatch(currency):
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
        words = (f"{self.signed(own.change, currency)} {REASON_WORDS.get(own.name, own.name)}" for own in largest)
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
        if not currency or not _CURRENCY.fullmatch(currency):
            number = self._number(value, _digits(currency))
            return Figure(f"{clean(currency, 12)} {number}") if currency else number
        return _minus(format_currency(value, currency, locale=self.locale))

    def _number(self, value: Decimal, digits: int) -> Figure:
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return _minus(format_decimal(value, format=pattern, locale=self.locale))

    def _percent(self, value: Decimal | None, rounding: str) -> Figure:
        if value is None:
            return Figure(NOTHING)
        shown = _rounded(value, Decimal("0.1"), rounding)
        pattern = self.locale.percent_formats[None].pattern.replace("##0", "##0.0")
        if abs(value) >= 10_000:
            pattern = pattern.replace("##0.0", "##0")
        with localcontext(money.EXACT):
            return _minus(format_percent(shown / 100, format=pattern, locale=self.locale))


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


def _digits(currency: str | None) -> int:
    return get_currency_precision(currency) if currency and _CURRENCY.fullmatch(currency) else 2


def _rounded(value: Decimal, unit: Decimal, rounding: str = ROUND_HALF_UP) -> Decimal:
    shown = value.quantize(unit, rounding=rounding, context=money.EXACT)
    return abs(shown) if shown == 0 else shown  # no negative zero


def _minus(text: str) -> Figure:
    return Figure(text.replace("-", MINUS))
