"""Records that say what they used and not what it cost: priced when they are first loaded, at the prices of their time.

A cost that was made stays: a record that is loaded already keeps its own, whatever prices say since. So a segment that grows,
or comes again under another name, says what it said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline import money, resources
from pipeline.engines.staged import Staged
from pipeline.errors import PriceError, UnknownModelError
from pipeline.pricing.registry import PricingRegistry
from pipeline.store.warehouse import Warehouse

#: What records cost that do not say it, or why that is not known. Staged rows are joined with it.
PRICED_RECORDS = """
CREATE OR REPLACE TEMP TABLE priced_records (x_File BIGINT, x_Record BIGINT, x_Price DECIMAL(38, 18), problem VARCHAR)"""
#: Records that are priced at a time.
BATCH = 20_000
_UNITS = ("input_tokens", "output_tokens", "cached_input_tokens", "images", "seconds")
_INCOMING = dict.fromkeys(("x_File", "x_Record", "x_Price", "problem"), "VARCHAR")
_TAKE = """
INSERT INTO priced_records
SELECT CAST(x_File AS BIGINT), CAST(x_Record AS BIGINT), CAST(x_Price AS DECIMAL(38, 18)), problem FROM priced_now"""

_UNPRICED = """
SELECT count(*), arg_min(s.x_File, (s.x_File, s.x_Record)),
    arg_min(coalesce('line ' || s.x_Line, 'record ' || s.x_Record), (s.x_File, s.x_Record)),
    arg_min(p.problem, (s.x_File, s.x_Record))
FROM priced_records AS p
INNER JOIN staged AS s ON s.x_File = p.x_File AND s.x_Record = p.x_Record
WHERE p.problem IS NOT NULL AND s.x_BillingPeriod = ?"""

_Priced = tuple[str, str, str | None, str | None]


def settle(warehouse: Warehouse, staged: Staged, prices: PricingRegistry) -> None:
    """Price the staged rows that say no cost; nothing for formats whose rows must. One without a price gets a problem."""
    fmt = staged.header.format
    if not fmt.priced:
        return
    pricing = _Pricing(prices)
    while rows := warehouse.rows(resources.sql(f"staging/{fmt.name}_priced"), {"most": BATCH}):
        warehouse.replace_temporary("priced_now", _INCOMING, [pricing.priced(row) for row in rows])
        warehouse.execute(_TAKE)


def unpriced(warehouse: Warehouse, staged: Staged, period: str) -> str | None:
    """Say how many records of a billing period have no price, and why the first has none; None where all have one."""
    if not staged.header.format.priced:
        return None
    [(count, file, place, why)] = warehouse.rows(_UNPRICED, [period])
    if not count:
        return None
    return f"{count} record(s) of {period} say no cost and have no price: {staged.files[file].file.name}, {place}: cost {why}"


class _Pricing:
    def __init__(self, prices: PricingRegistry) -> None:
        self._prices = prices
        self._unknown: dict[tuple[str, str], str] = {}  # to look for near names takes long

    def priced(self, row: Sequence[Any]) -> _Priced:
        """Return a record's place with its price, or with why it has none."""
        file, record, time, currency, provider, model, variant, *used, is_noted, known = row
        place = str(file), str(record)
        if known is not None:
            return *place, money.text(known), None
        if not model:
            return *place, None, "is empty, and so is model, which would tell its price; write one of the two"
        if is_noted:
            return *place, None, "is empty, and a quantity that would tell it is no number; write it, or the cost"
        if (provider, model) in self._unknown:
            return *place, None, self._unknown[provider, model]
        try:
            cost = self._prices.cost(model, provider, **dict(zip(_UNITS, used, strict=True)), variant=variant, at=time)
        except UnknownModelError as error:
            self._unknown[provider, model] = _because(error)
            return *place, None, _because(error)
        except PriceError as error:
            return *place, None, _because(error)
        if cost.currency != currency:
            why = f"is empty, and its price is in {cost.currency}, not in {currency}; write the cost"
            return *place, None, why
        return *place, money.text(cost.amount), None


def _because(error: PriceError) -> str:
    return f"is empty, and {error}".replace("\x1f", " ")
