"""What an AWS line item means in FOCUS: one golden row per type, worked out by hand from EXPORTS.md."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.load.bills import House, cur, legacy, write
from tests.load.sharing import of_rows

PLAN, RESERVED = "arn:aws:savingsplans::1:savingsplan/s", "arn:aws:ec2:eu-west-1:1:reserved-instances/r"
COVERED = {"line_item_line_item_type": "SavingsPlanCoveredUsage", "savings_plan_savings_plan_a_r_n": PLAN}
NEGATION = {"line_item_line_item_type": "SavingsPlanNegation", "savings_plan_savings_plan_a_r_n": PLAN}

#: LineItemType, what else the row says, then BilledCost, EffectiveCost, ChargeCategory, ChargeClass, commitment status.
GOLDEN: list[tuple[str, dict[str, Any], str, str, str, str | None, str | None]] = [
    ("Usage", {}, "10", "10", "Usage", None, None),
    ("DiscountedUsage", {"reservation_effective_cost": "6"}, "10", "6", "Usage", None, "Used"),
    ("DiscountedUsage", {"reservation_net_effective_cost": "5"}, "10", "5", "Usage", None, "Used"),
    ("DiscountedUsage", {}, "10", "10", "Usage", None, "Used"),
    ("SavingsPlanCoveredUsage", {"savings_plan_savings_plan_effective_cost": "7"}, "10", "7", "Usage", None, "Used"),
    ("SavingsPlanCoveredUsage", {}, "10", "10", "Usage", None, "Used"),
    (
        "SavingsPlanRecurringFee",
        {"savings_plan_total_commitment_to_date": "9", "savings_plan_used_commitment": "7.5"},
        *("10", "1.5", "Purchase", None, "Unused"),
    ),
    ("SavingsPlanRecurringFee", {}, "10", "0", "Purchase", None, None),
    ("SavingsPlanUpfrontFee", {}, "10", "0", "Purchase", None, None),
    (
        "RIFee",
        {
            "reservation_unused_amortized_upfront_fee_for_billing_period": "1",
            "reservation_unused_recurring_fee": "2",
        },
        *("10", "3", "Purchase", None, "Unused"),
    ),
    ("RIFee", {"reservation_net_unused_recurring_fee": "1.5"}, "10", "1.5", "Purchase", None, "Unused"),
    ("Fee", {}, "10", "10", "Purchase", None, None),
    ("Fee", {"reservation_reservation_a_r_n": RESERVED}, "10", "0", "Purchase", None, None),
    ("Tax", {}, "10", "10", "Tax", None, None),
    ("Credit", {"line_item_unblended_cost": "-10"}, "-10", "-10", "Credit", None, None),
    ("Refund", {"line_item_unblended_cost": "-10"}, "-10", "-10", "Usage", "Correction", None),
    ("Refund", {"line_item_usage_type": None}, "10", "10", "Purchase", "Correction", None),
    ("Refund", {"reservation_reservation_a_r_n": RESERVED}, "10", "10", "Purchase", "Correction", None),
    ("BundledDiscount", {"line_item_unblended_cost": "-1"}, "-1", "-1", "Usage", None, None),
    ("Discount", {"line_item_unblended_cost": "-1"}, "-1", "-1", "Usage", None, None),
    ("EdpDiscount", {"line_item_unblended_cost": "-1"}, "-1", "-1", "Usage", None, None),
    ("PrivateRateDiscount", {"line_item_unblended_cost": "-1"}, "-1", "-1", "Usage", None, None),
    ("SppDiscount", {"line_item_unblended_cost": "-1"}, "-1", "-1", "Adjustment", None, None),
    ("None", {}, "10", "10", "Adjustment", None, None),
]


@pytest.fixture(scope="module")
def golden(shared: House) -> list[dict[str, Any]]:
    """The charges of all golden rows, loaded as one file."""
    rows = [
        cur(
            **{
                "line_item_line_item_type": kind,
                "line_item_unblended_cost": "10",
                "line_item_resource_id": f"i-{number}",
            }
            | changes
        )
        for number, (kind, changes, *_) in enumerate(GOLDEN)
    ]
    [outcome] = shared.load(write(shared.folder / "golden.csv", rows), source="golden")
    assert outcome.status == "loaded", outcome.reason
    return shared.table("SELECT * FROM focus_data_table WHERE x_Source = 'golden'")


@pytest.mark.parametrize("number", range(len(GOLDEN)), ids=[f"{n}-{row[0]}" for n, row in enumerate(GOLDEN)])
def test_a_line_item_type_has_its_costs_and_category(golden: list[dict[str, Any]], number: int) -> None:
    kind, _, billed, effective, category, charge_class, status = GOLDEN[number]
    [charge] = [row for row in golden if row["ResourceId"] == f"i-{number}"]
    assert charge["x_LineItemType"] == kind
    assert (charge["BilledCost"], charge["EffectiveCost"]) == (Decimal(billed), Decimal(effective))
    assert (charge["ChargeCategory"], charge["ChargeClass"]) == (category, charge_class)
    assert charge["CommitmentDiscountStatus"] == status
    assert ("type" in (charge["x_SourceChanges"] or "").split()) == (kind in ("SppDiscount", "None"))


def of_type(house: House, rows: list[dict[str, Any]]) -> list[tuple[str, Decimal, Decimal, str | None]]:
    """Line item type, BilledCost, EffectiveCost and source changes of each charge."""
    return [
        (row["x_LineItemType"], row["BilledCost"], row["EffectiveCost"], row["x_SourceChanges"])
        for row in house.charges(rows)
    ]


def test_negations_fold_into_the_usage_they_cover(house: House) -> None:
    rows = [
        cur(**COVERED, line_item_unblended_cost="10", savings_plan_savings_plan_effective_cost="7"),
        cur(**NEGATION, line_item_unblended_cost="-10"),
        cur(line_item_unblended_cost="3"),
    ]
    assert of_type(house, rows) == [
        ("SavingsPlanCoveredUsage", Decimal(0), Decimal(7), "covered unit"),
        ("Usage", Decimal(3), Decimal(3), "unit"),
    ]
    assert house.rows("SELECT rows_read, rows_mapped, rows_folded, rows_generated, charges FROM loads") == [
        (3, 2, 1, 0, 2)
    ]


def test_covered_usage_keeps_its_cost_when_the_delivery_has_no_negations(house: House) -> None:
    rows = [cur(**COVERED, line_item_unblended_cost="10", savings_plan_savings_plan_effective_cost="7")]
    assert of_type(house, rows) == [("SavingsPlanCoveredUsage", Decimal(10), Decimal(7), "unit")]


def test_what_negations_do_not_cancel_stays_as_an_adjustment_of_its_account(house: House) -> None:
    rows = [
        cur(**COVERED, line_item_unblended_cost="10", line_item_usage_account_id="A"),
        cur(**NEGATION, line_item_unblended_cost="-9", line_item_usage_account_id="A"),
        cur(**NEGATION, line_item_unblended_cost="-1", line_item_usage_account_id="B"),
    ]
    found = [row for row in house.charges(rows) if row["ChargeCategory"] == "Adjustment"]
    assert [(row["SubAccountId"], row["BilledCost"], row["EffectiveCost"]) for row in found] == [
        ("B", Decimal(-1), Decimal(0)),
        ("A", Decimal(1), Decimal(0)),
    ]
    assert {row["x_SourceChanges"] for row in found} == {"residue"}
    assert house.billed() == 0
    assert house.rows("SELECT rows_mapped, rows_folded, rows_generated, charges FROM loads") == [(1, 2, 2, 3)]


def test_negations_of_one_month_leave_another_month_alone(house: House) -> None:
    later = {
        "bill_billing_period_start_date": "2026-02-01T00:00:00Z",
        "bill_billing_period_end_date": "2026-03-01T00:00:00Z",
    }
    rows = [cur(**COVERED), cur(**NEGATION, line_item_unblended_cost="-0.1"), cur(**COVERED, **later)]
    house.load(write(house.folder / "bill.csv", rows))
    assert house.rows("SELECT x_BillingPeriod, sum(BilledCost) FROM charges GROUP BY ALL ORDER BY 1") == [
        ("2026-01", Decimal(0)),
        ("2026-02", Decimal("0.1")),
    ]


def test_the_net_cost_is_billed_on_each_row_that_has_one(house: House) -> None:
    rows = [
        cur(line_item_unblended_cost="10", line_item_net_unblended_cost="8", line_item_line_item_description="1"),
        cur(line_item_unblended_cost="10", line_item_net_unblended_cost=None, line_item_line_item_description="2"),
    ]
    assert [row["BilledCost"] for row in house.charges(rows)] == [Decimal(8), Decimal(10)]
    assert house.rows("SELECT file_total, charges_total FROM load_controls") == [(Decimal(18), Decimal(18))]


@of_rows(cur(bill_billing_period_end_date="2026-01-31T23:59:59Z"))
def test_an_inclusive_period_end_becomes_exclusive_and_is_counted(told: list[dict[str, Any]]) -> None:
    [charge] = told
    assert str(charge["BillingPeriodEnd"]) == "2026-02-01 00:00:00"
    assert "period_end" in charge["x_SourceChanges"].split()


STORAGE = {"line_item_usage_type": "EU-EBS:VolumeUsage.gp3", "product_product_family": "Storage"}


@of_rows(
    cur(),
    cur(pricing_unit="GB-Mo", **STORAGE),
    cur(line_item_product_code="odd", pricing_unit="Furlongs"),
    cur(line_item_usage_type="EU-SpotUsage:m5.large"),
    cur(line_item_line_item_type="Tax"),
)
def test_services_units_and_prices_are_what_aws_writes_in_focus(told: list[dict[str, Any]]) -> None:
    found = [
        (
            row["ServiceCategory"],
            row["PricingUnit"],
            row["ConsumedUnit"],
            row["PricingCategory"],
            row["x_SourceChanges"],
        )
        for row in told
    ]
    assert found == [
        ("Compute", "Hours", "Hours", "Standard", "unit"),
        ("Storage", "GB-Months", "GB-Months", "Standard", "unit"),
        ("Other", "Furlongs", "Furlongs", "Standard", "category"),
        ("Compute", "Hours", "Hours", "Dynamic", "unit"),
        ("Compute", None, None, None, None),
    ]


@of_rows(cur(reservation_total_reserved_units="convertible", line_item_usage_amount="No Upfront"))
def test_words_in_optional_numbers_are_left_out_and_counted(told: list[dict[str, Any]]) -> None:
    [charge] = told
    assert charge["PricingQuantity"] is None
    assert "number" in charge["x_SourceChanges"].split()


@of_rows(cur(**COVERED), cur(line_item_line_item_type="DiscountedUsage", reservation_reservation_a_r_n=RESERVED))
def test_a_commitment_is_named_by_its_arn(told: list[dict[str, Any]]) -> None:
    assert [row["CommitmentDiscountId"] for row in told] == [PLAN, RESERVED]
    assert [row["CommitmentDiscountCategory"] for row in told] == ["Spend", "Usage"]
    assert [row["PricingCategory"] for row in told] == ["Committed", "Committed"]


def test_ids_stay_text_and_cost_categories_keep_blanks_in_their_names(house: House) -> None:
    ids = legacy(cur(bill_payer_account_id="0099999999999", line_item_usage_account_id="007"))
    charge = house.charge(ids | {"costCategory/Cost Center": "A 1"})
    assert (charge["BillingAccountId"], charge["SubAccountId"]) == ("0099999999999", "007")
    assert charge["Tags"] == '{"aws:costcategory/Cost Center":"A 1"}'


@of_rows(*(cur(line_item_line_item_type="Fee", bill_bill_type=kind) for kind in ("Anniversary", "Purchase", None)))
def test_a_fee_of_the_monthly_bill_recurs_and_a_purchase_does_not(told: list[dict[str, Any]]) -> None:
    assert [row["ChargeFrequency"] for row in told] == ["Recurring", "One-Time", "One-Time"]


#: The same line in every form that AWS writes it, with its tags.
FORMS: list[tuple[str, dict[str, Any]]] = [
    ("csv", {"resource_tags": '{"user_env":"prod","aws_createdBy":"me"}', "cost_category": '{"Team":"A"}'}),
    ("csv.gz", {"resource_tags_user_env": "prod", "resource_tags_aws_createdBy": "me", "cost_category_Team": "A"}),
    ("zip", {"resourceTags/user:env": "prod", "resourceTags/aws:createdBy": "me", "costCategory/Team": "A"}),
    ("parquet", {"resource_tags": {"user_env": "prod", "aws_createdBy": "me"}, "cost_category": {"Team": "A"}}),
]


@pytest.mark.parametrize(("ending", "tags"), FORMS)
def test_every_form_of_a_line_is_the_same_charge(shared: House, ending: str, tags: dict[str, Any]) -> None:
    row = cur(line_item_unblended_cost="0.123456789012345") | tags
    if "resourceTags/user:env" in tags:
        row = legacy(row)
    source = f"form {ending}"
    [outcome] = shared.load(write(shared.folder / f"form.{ending}", [row]), source=source)
    assert outcome.status == "loaded", outcome.reason
    [charge] = shared.table("SELECT * FROM focus_data_table WHERE x_Source = ?", [source])
    assert charge["BilledCost"] == Decimal("0.123456789012345")
    assert charge["Tags"] == '{"aws:costcategory/Team":"A","aws:createdBy":"me","env":"prod"}'
    assert (charge["x_ResourceType"], str(charge["ChargePeriodStart"])) == ("aws:ec2/instance", "2026-01-05 00:00:00")
