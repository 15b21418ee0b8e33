"""A summary in one currency: each row's costs at its billing period's rate, then rows of one key added."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import polars as pl

from pipeline import money

#: Sums that a rate converts, and those that are added as they are.
_COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "x_CreditCost", "x_RefundCost", "x_TaxCost")
_COUNTS = ("x_ChargeCount",)
_MONEY = pl.Decimal(38, money.SCALE)

#: Amount and its currency -> the amount converted, or None without a rate.
Convert = Callable[[Decimal, str | None], Decimal | None]


def converted(summary: pl.DataFrame, currency: str, convert: Convert) -> tuple[pl.DataFrame, dict[str | None, Decimal]]:
    """Return a summary in ``currency``, and the BilledCost by currency of what has no rate and is not in it.

    Args:
        summary: category_summary, resource_summary or tag_summary of one billing period.
        convert: an amount and its currency; exact, rounded half away from zero at the 18th decimal.

    Grain: the summary's without BillingCurrency. Each row is rounded before rows are added.
    """
    currencies = summary["BillingCurrency"].unique().to_list()
    missing = [code for code in currencies if convert(money.ZERO, code) is None]
    lacks = pl.col("BillingCurrency").is_in([code for code in missing if code is not None])
    lacks |= pl.col("BillingCurrency").is_null() & pl.lit(None in missing)
    own = summary.filter(~lacks)
    rows = own.with_columns(*[_column(own, name, convert) for name in _COSTS], BillingCurrency=pl.lit(currency))
    measures = [name for name in (*_COSTS, *_COUNTS) if name in summary.columns]
    keys = [name for name in summary.columns if name not in (*measures, "x_BilledShare")]
    added = rows.group_by(keys, maintain_order=True).agg(pl.col(measures).sum())
    if "x_BilledShare" in summary.columns:
        added = _with_shares(added)
    ordered = added.select(summary.columns).sort(
        ["BilledCost", *keys], descending=[True, *[False] * len(keys)], nulls_last=True
    )
    return ordered, _unconverted(summary.filter(lacks))


def _column(rows: pl.DataFrame, name: str, convert: Convert) -> pl.Series:
    pairs = zip(rows[name], rows["BillingCurrency"], strict=True)
    return pl.Series(name, [convert(amount, code) for amount, code in pairs], dtype=_MONEY)


def _with_shares(rows: pl.DataFrame) -> pl.DataFrame:
    """A tag key's rows hold the whole bill: shares are of their sum."""
    sums = dict(rows.group_by("TagKey").agg(pl.col("BilledCost").sum()).iter_rows())
    pairs = zip(rows["BilledCost"], rows["TagKey"], strict=True)
    shares = [money.ratio(amount, sums[key]) for amount, key in pairs]
    return rows.with_columns(pl.Series("x_BilledShare", shares, dtype=_MONEY))


def _unconverted(rows: pl.DataFrame) -> dict[str | None, Decimal]:
    if "TagKey" in rows.columns and rows.height:
        rows = rows.filter(pl.col("TagKey") == rows["TagKey"].min())  # each key has the whole bill once
    sums = rows.group_by("BillingCurrency").agg(pl.col("BilledCost").sum()).iter_rows()
    return dict(sorted(sums, key=lambda pair: (pair[0] is None, pair[0] or "")))
