"""How spreadsheets show our values: number formats by kind, and by currency as its locale writes it."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from babel.numbers import get_currency_precision, get_currency_symbol

from pipeline.reports.figures import PRICE_DIGITS, QUANTITY_DIGITS, Figures, is_code

if TYPE_CHECKING:
    from pipeline.reports.model.document import Kind

_NUMBER = re.compile(r"[#0,.]+")
#: A budget's percent has all its decimals: cut or rounded, 99.96 % must not read as 100 %.
_FORMATS: dict[Kind, str] = {
    "percent": "0.0%",
    "change": "+0.0%;-0.0%;0.0%",
    "used": "0.0#####%",
    "count": "#,##0",
    "date": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm",
}


def number_format(value: int | Decimal | date, kind: Kind, currency: str | None, figures: Figures) -> str:
    """Return the format of a value: ``"$"#,##0.00``."""
    if kind == "quantity":
        whole = isinstance(value, (int, Decimal)) and value == int(value)
        return "#,##0" if whole else f"#,##0.0{'#' * (QUANTITY_DIGITS - 1)}"
    return _FORMATS[kind] if kind in _FORMATS else _amount(kind, currency, figures)


@cache
def _amount(kind: Kind, currency: str | None, figures: Figures) -> str:
    digits = get_currency_precision(currency) if currency and is_code(currency) else 2
    decimals = "0" * digits
    if kind == "price":
        decimals = ("0" * max(digits, 1)).ljust(PRICE_DIGITS, "#")
    amount = _with_sign(f"#,##0.{decimals}".rstrip("."), currency, figures)
    return f"+{amount};-{amount};{amount}" if kind == "signed" else amount


def _with_sign(number: str, currency: str | None, figures: Figures) -> str:
    """The number with the currency's sign where the locale writes it."""
    if not currency or not is_code(currency):
        return number
    pattern = figures.locale.currency_formats["standard"].pattern.split(";")[0]
    sign = get_currency_symbol(currency, locale=figures.locale).replace('"', "")
    words = _NUMBER.sub(number, pattern, count=1)
    return words.replace("\N{NO-BREAK SPACE}", " ").replace("¤", f'"{sign}"')
