"""tag_summary: the bill by tag value, and what nobody tagged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from pipeline.summaries import tag_summary
from tests.summaries.rows import MONEY, column, resource_costs, tags

TAGS = tags({"web": {"team": "web", "env": "prod"}, "lab": {"team": "lab"}, "blank": {"team": ""}})


def billed(tag_set: str | None, amount: str, **columns: Any) -> dict[str, Any]:
    return {"x_TagSetId": tag_set, "BilledCost": Decimal(amount), **columns}


def shares(frame: pl.LazyFrame) -> dict[tuple[str, str | None], Decimal | None]:
    rows = frame.collect().select("TagKey", "TagValue", "x_BilledShare").rows()
    return {(key, value): share for key, value, share in rows}


def test_untagged_is_what_lacks_the_key_even_with_other_tags() -> None:
    rows = tag_summary(resource_costs(billed("web", "60"), billed("lab", "30"), billed(None, "10")), TAGS, ["env"])
    assert rows.collect().select("TagValue", "BilledCost", "x_ChargeCount").rows() == [
        ("prod", Decimal(60), 1),
        (None, Decimal(40), 2),
    ]


def test_an_empty_value_is_a_value() -> None:
    rows = tag_summary(resource_costs(billed("blank", "1"), billed(None, "2")), TAGS, ["team"])
    assert column(rows, "TagValue") == ["", None]


def test_a_key_without_gaps_has_no_untagged_row() -> None:
    rows = tag_summary(resource_costs(billed("web", "1"), billed("lab", "2")), TAGS, ["team"])
    assert column(rows, "TagValue") == ["lab", "web"]


def test_untagged_charges_that_cancel_out_still_have_their_row() -> None:
    rows = tag_summary(resource_costs(billed("web", "1"), billed(None, "5"), billed(None, "-5")), TAGS, ["team"])
    assert rows.collect().select("TagValue", "BilledCost", "x_ChargeCount").rows()[-1] == (None, Decimal(0), 2)


def test_a_key_that_nobody_set_is_untagged_whole() -> None:
    rows = tag_summary(resource_costs(billed("web", "3")), TAGS, ["owner"])
    assert shares(rows) == {("owner", None): Decimal(1)}


def test_no_keys_mean_every_key_of_the_billing_period() -> None:
    other = billed("lab", "1", x_BillingPeriod="2026-04")
    rows = tag_summary(resource_costs(billed("web", "3"), other), TAGS, [])
    found = rows.collect().select("x_BillingPeriod", "TagKey", "TagValue").rows()
    assert found == [("2026-03", "env", "prod"), ("2026-03", "team", "web"), ("2026-04", "team", "lab")]


def test_a_key_present_in_one_currency_is_reported_in_all() -> None:
    rows = tag_summary(resource_costs(billed("lab", "3"), billed(None, "1", BillingCurrency="EUR")), TAGS, [])
    found = rows.collect().select("BillingCurrency", "TagValue", "x_BilledShare").rows()
    assert found == [("EUR", None, Decimal(1)), ("USD", "lab", Decimal(1))]


def test_a_key_asked_for_twice_counts_once() -> None:
    rows = tag_summary(resource_costs(billed("web", "3")), TAGS, ["team", "team"])
    assert column(rows, "BilledCost") == [Decimal(3)]


def test_a_share_ends_at_six_decimals() -> None:
    rows = tag_summary(resource_costs(billed("web", "2"), billed(None, "1")), TAGS, ["team"])
    assert shares(rows) == {("team", "web"): Decimal("0.666667"), ("team", None): Decimal("0.333333")}


@pytest.mark.parametrize(("part", "share"), [("0.0000005", "0"), ("0.0000015", "0.000002"), ("0.0000025", "0.000002")])
def test_a_share_on_the_half_goes_to_the_even_digit(part: str, share: str) -> None:
    rest = str(1 - Decimal(part))
    rows = tag_summary(resource_costs(billed("web", part), billed(None, rest)), TAGS, ["team"])
    assert shares(rows)["team", "web"] == Decimal(share)


@pytest.mark.parametrize("whole", ["0", "0.000000000000000001"])
def test_a_bill_of_nothing_or_a_residue_has_no_shares(whole: str) -> None:
    rest = str(Decimal(whole) - 1000)
    rows = tag_summary(resource_costs(billed("web", "1000"), billed(None, rest)), TAGS, ["team"])
    assert set(shares(rows).values()) == {None}


def test_amounts_near_the_limit_of_stored_money_keep_every_digit() -> None:
    large = "9876543210987654321.123456789012345678"
    rows = tag_summary(resource_costs(*[billed("web", large)] * 4, billed(None, "1")), TAGS, ["team"])
    assert column(rows, "BilledCost") == [Decimal("39506172843950617284.493827156049382712"), Decimal(1)]
    assert rows.collect_schema()["x_BilledShare"] == MONEY
