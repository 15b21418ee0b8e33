"""The whole bill in the reporting currency, at the rates that the configuration gives."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline import money
from pipeline.reports.model import Converted, ConvertedLine, CurrencySection
from pipeline.store.rates import Rates, read_rates, why_unconverted
from pipeline.store.warehouse import Warehouse


def read_converted(warehouse: Warehouse, period: str, sections: Sequence[CurrencySection]) -> Converted | None:
    """Convert each currency's total; None without a reporting currency, and where everything is in it already."""
    rates = read_rates(warehouse, period)
    if rates is None or all(section.currency == rates.currency for section in sections):
        return None
    lines = tuple(_line(section, period, rates) for section in sections)
    return Converted(
        currency=rates.currency,
        lines=lines,
        billed=money.total(line.billed for line in lines if line.billed is not None),
        effective=money.total(line.effective for line in lines if line.effective is not None),
    )


def _line(section: CurrencySection, period: str, rates: Rates) -> ConvertedLine:
    code, total, rate = section.currency, section.total, rates.of(section.currency)
    return ConvertedLine(
        currency=code,
        total=total,
        rate=rate,
        billed=rates.convert(total.billed, code),
        effective=rates.convert(total.effective, code),
        why=why_unconverted(period, code) if rate is None else None,
    )
