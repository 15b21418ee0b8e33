"""Golden AWS bills: every LineItemType in both spellings, whole bills of commitments, and the specification's examples.

The expected figures are worked out by hand from AWS's rules for its reports (what each line item bills, what an amortised
view makes of it); nothing here is computed by the mapping.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.load.bills import House, cur, legacy, write

PLAN = "arn:aws:savingsplans::1:savingsplan/s"
RESERVED = "arn:aws:ec2:eu-west-1:1:reserved-instances/r"
RI = {"reservation_reservation_a_r_n": RESERVED, "pricing_term": "Reserved"}
SP = {"savings_plan_savings_plan_a_r_n": PLAN}
NO_PRICE = {"pricing_public_on_demand_cost": None}


class Golden(NamedTuple):
    """A line of a given type, and what it is worth: the four costs and how FOCUS classifies it."""

    kind: str
    line: dict[str, Any]
    costs: str
    words: str

    @property
    def expected(self) -> tuple[list[Decimal], list[str | None]]:
        """BilledCost, EffectiveCost, ListCost, ContractedCost; then the words of ``WORDS``, ``-`` for NULL."""
        words = [None if word == "-" else word.replace("_", " ") for word in self.words.split()]
        return [Decimal(cost) for cost in self.costs.split()], words


WORDS = (
    *("ChargeCategory", "ChargeClass", "ChargeFrequency", "PricingCategory"),
    *("CommitmentDiscountCategory", "CommitmentDiscountType", "CommitmentDiscountStatus"),
)
#: Each line bills 10 unless it says otherwise and would cost 12 on demand. Billed, effective, list, contracted.
LINES = [
    Golden("Usage", {}, "10 10 12 10", "Usage - Usage-Based Standard - - -"),
    Golden("Usage", {"line_item_net_unblended_cost": "9"}, "9 9 12 9", "Usage - Usage-Based Standard - - -"),
    Golden("Usage", {"line_item_usage_type": "SpotUsage:m5"}, "10 10 12 10", "Usage - Usage-Based Dynamic - - -"),
    Golden(
        "DiscountedUsage",
        {"line_item_unblended_cost": "0", "reservation_effective_cost": "6", **RI},
        *("0 6 12 12", "Usage - Usage-Based Committed Usage Reserved_Instance Used"),
    ),
    Golden(
        "DiscountedUsage",
        {
            "line_item_unblended_cost": "0",
            "line_item_net_unblended_cost": "0",
            "reservation_effective_cost": "6",
            "reservation_net_effective_cost": "5.4",
            **RI,
        },
        *("0 5.4 12 12", "Usage - Usage-Based Committed Usage Reserved_Instance Used"),
    ),
    Golden(
        "SavingsPlanCoveredUsage",
        {"line_item_unblended_cost": "12", "savings_plan_savings_plan_effective_cost": "8", **SP},
        *("0 8 12 12", "Usage - Usage-Based Committed Spend Savings_Plan Used"),
    ),
    Golden(
        "SavingsPlanCoveredUsage",
        {
            "line_item_unblended_cost": "12",
            "savings_plan_savings_plan_effective_cost": "8",
            "savings_plan_net_savings_plan_effective_cost": "7.2",
            **SP,
        },
        *("0 7.2 12 12", "Usage - Usage-Based Committed Spend Savings_Plan Used"),
    ),
    Golden(
        "SavingsPlanRecurringFee",
        {"savings_plan_total_commitment_to_date": "10", "savings_plan_used_commitment": "7.5", **SP, **NO_PRICE},
        *("10 2.5 10 10", "Purchase - Recurring Standard Spend Savings_Plan Unused"),
    ),
    Golden(
        "SavingsPlanRecurringFee",
        {"savings_plan_total_commitment_to_date": "10", "savings_plan_used_commitment": "10", **SP, **NO_PRICE},
        *("10 0 10 10", "Purchase - Recurring Standard Spend Savings_Plan -"),
    ),
    Golden(
        "SavingsPlanUpfrontFee",
        {"bill_bill_type": "Purchase", **SP, **NO_PRICE},
        *("10 0 10 10", "Purchase - One-Time Standard Spend Savings_Plan -"),
    ),
    Golden(
        "RIFee",
        {
            "reservation_unused_amortized_upfront_fee_for_billing_period": "1",
            "reservation_unused_recurring_fee": "2",
            **RI,
            **NO_PRICE,
        },
        *("10 3 10 10", "Purchase - Recurring Standard Usage Reserved_Instance Unused"),
    ),
    Golden(
        "RIFee",
        {
            "line_item_net_unblended_cost": "9",
            "reservation_unused_amortized_upfront_fee_for_billing_period": "1",
            "reservation_net_unused_amortized_upfront_fee_for_billing_period": "0.9",
            "reservation_unused_recurring_fee": "2",
            "reservation_net_unused_recurring_fee": "1.8",
            **RI,
            **NO_PRICE,
        },
        *("9 2.7 10 9", "Purchase - Recurring Standard Usage Reserved_Instance Unused"),
    ),
    Golden("RIFee", {**RI, **NO_PRICE}, "10 0 10 10", "Purchase - Recurring Standard Usage Reserved_Instance -"),
    Golden(
        "Fee",
        {"bill_bill_type": "Purchase", **RI, **NO_PRICE},
        *("10 0 10 10", "Purchase - One-Time Standard Usage Reserved_Instance -"),
    ),
    Golden("Fee", {"bill_bill_type": "Purchase", **NO_PRICE}, "10 10 10 10", "Purchase - One-Time Standard - - -"),
    Golden("Fee", NO_PRICE, "10 10 10 10", "Purchase - Recurring Standard - - -"),
    Golden("Tax", NO_PRICE, "10 10 10 10", "Tax - Usage-Based - - - -"),
    Golden("Credit", {"line_item_unblended_cost": "-4", **NO_PRICE}, "-4 -4 -4 -4", "Credit - One-Time Other - - -"),
    Golden(
        "Refund",
        {"line_item_unblended_cost": "-4", **NO_PRICE},
        *("-4 -4 -4 -4", "Usage Correction One-Time Standard - - -"),
    ),
    Golden(
        "Refund",
        {"line_item_unblended_cost": "-4", "line_item_usage_type": None, **NO_PRICE},
        *("-4 -4 -4 -4", "Purchase Correction One-Time Standard - - -"),
    ),
    Golden(
        "Refund",
        {"line_item_unblended_cost": "-4", **RI, **NO_PRICE},
        *("-4 -4 -4 -4", "Purchase Correction One-Time Standard Usage Reserved_Instance -"),
    ),
    *(
        Golden(kind, {"line_item_unblended_cost": "-2"}, "-2 -2 0 -2", "Usage - Usage-Based Standard - - -")
        for kind in ("BundledDiscount", "Discount", "EdpDiscount", "PrivateRateDiscount")
    ),
    *(
        Golden(
            kind,
            {"line_item_unblended_cost": "-2", **NO_PRICE},
            *("-2 -2 -2 -2", "Adjustment - Usage-Based Other - - -"),
        )
        for kind in ("RiVolumeDiscount", "SppDiscount", "None", "SomethingNew")
    ),
]
#: Cancels the two covered lines above: without it they would bill their on-demand cost.
NEGATIONS = [
    cur(
        line_item_line_item_type="SavingsPlanNegation", line_item_unblended_cost="-24", line_item_usage_type=None, **SP
    ),
]


def golden_rows() -> list[dict[str, Any]]:
    rows = []
    for number, golden in enumerate(LINES):
        line = {"line_item_line_item_type": golden.kind, "line_item_unblended_cost": "10"}
        line |= {"pricing_public_on_demand_cost": "12", "line_item_resource_id": f"i-{number:x}"}
        usage = {"line_item_usage_type": None} if golden.kind == "SavingsPlanCoveredUsage" else {}
        rows.append(cur(**{**line, **usage, **golden.line}))
    return [*rows, *NEGATIONS]


@pytest.fixture(scope="module")
def golden(shared: House) -> dict[str, list[dict[str, Any]]]:
    """The charges of all lines, as loaded from the legacy report and from CUR 2.0."""
    rows = golden_rows()
    maps = [{**row, "product": {"product_name": "EC2"}, "resource_tags": {"user_env": "a"}} for row in rows]
    files = {"legacy": ("gz.csv.gz", [legacy(row) for row in rows]), "2.0": ("two.parquet", maps)}
    for form, (name, given) in files.items():
        [outcome] = shared.load(write(shared.folder / name, given), source=form)
        assert outcome.status == "loaded", outcome.reason
    found = shared.table("SELECT * FROM focus_data_table")
    return {form: [row for row in found if row["x_Source"] == form] for form in files}


@pytest.mark.parametrize("form", ["legacy", "2.0"])
@pytest.mark.parametrize("number", range(len(LINES)), ids=[f"{n}-{line.kind}" for n, line in enumerate(LINES)])
def test_a_line_is_worth_what_aws_says(golden: dict[str, list[dict[str, Any]]], form: str, number: int) -> None:
    costs, words = LINES[number].expected
    [charge] = [row for row in golden[form] if row["ResourceId"] == f"i-{number:x}"]
    names = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
    assert [charge[name] for name in names] == costs
    assert [charge[name] for name in WORDS] == words
    assert charge["x_LineItemType"] == LINES[number].kind


def test_both_spellings_bill_the_same(golden: dict[str, list[dict[str, Any]]]) -> None:
    by_form = {form: sum((row["BilledCost"] for row in rows), Decimal(0)) for form, rows in golden.items()}
    assert by_form == {"legacy": Decimal(96), "2.0": Decimal(96)}


# --- Whole bills ----------------------------------------------------------------------------


def hours(cost: str, effective: str, count: int, **more: Any) -> list[dict[str, Any]]:
    """Hours of an instance under a reservation: billed nothing, worth ``effective``, on demand ``cost``."""
    line = {"line_item_line_item_type": "DiscountedUsage", "line_item_unblended_cost": "0", **RI}
    line |= {"reservation_effective_cost": effective, "pricing_public_on_demand_cost": cost}
    return [cur(**{**line, **more}) for _ in range(count)]


def fee(kind: str, cost: str, **more: Any) -> dict[str, Any]:
    return cur(line_item_line_item_type=kind, line_item_unblended_cost=cost, **{**NO_PRICE, **more})


def unused(amortised: str, recurring: str) -> dict[str, str]:
    return {
        "reservation_unused_amortized_upfront_fee_for_billing_period": amortised,
        "reservation_unused_recurring_fee": recurring,
    }


def covered(cost: str, effective: str, **more: Any) -> list[dict[str, Any]]:
    """Usage under a savings plan and the negation that takes its on-demand cost back."""
    worth = {"savings_plan_savings_plan_effective_cost": effective, "pricing_public_on_demand_cost": cost}
    usage = cur(
        line_item_line_item_type="SavingsPlanCoveredUsage", line_item_unblended_cost=cost, **worth, **SP, **more
    )
    return [usage, fee("SavingsPlanNegation", f"-{cost}", **SP, **more)]


def plan_fee(cost: str, total: str, used: str) -> dict[str, Any]:
    commitment = {"savings_plan_total_commitment_to_date": total, "savings_plan_used_commitment": used}
    return fee("SavingsPlanRecurringFee", cost, **commitment, **SP)


#: Bill, its lines, and by hand: BilledCost, EffectiveCost, what of EffectiveCost nothing used.
BILLS: list[tuple[str, list[dict[str, Any]], str, str, str]] = [
    # 4 h at 0.06 recurring; 3 h used: 0.18 used + 0.06 unused = 0.24 billed.
    (
        "no upfront",
        [*hours("0.10", "0.06", 3), fee("RIFee", "0.24", **RI, **unused("0", "0.06"))],
        "0.24",
        "0.24",
        "0.06",
    ),
    # An hour is 0.03 of the upfront fee and 0.03 recurring; only the recurring half is billed this month.
    (
        "partial upfront",
        [*hours("0.10", "0.06", 3), fee("RIFee", "0.12", **RI, **unused("0.03", "0.03"))],
        *("0.12", "0.24", "0.06"),
    ),
    # The month of the purchase: the whole fee is billed, an hour is worth 0.05 of it.
    (
        "all upfront",
        [
            *hours("0.10", "0.05", 3),
            fee("Fee", "438", bill_bill_type="Purchase", **RI),
            fee("RIFee", "0", **RI, **unused("0.05", "0")),
        ],
        *("438", "0.20", "0.05"),
    ),
    # 1.00 an hour committed, 0.70 + 0.20 used; usage beyond the plan is on demand.
    (
        "compute savings plan",
        [
            *covered("1.00", "0.70"),
            *covered("0.30", "0.20", line_item_product_code="AWSLambda"),
            plan_fee("1.00", "1.00", "0.90"),
            cur(line_item_unblended_cost="0.5"),
        ],
        *("1.50", "1.50", "0.10"),
    ),
    # Half paid upfront: the commitment of the hour is 1.00, 0.50 of it billed as recurring fee.
    (
        "partial upfront savings plan",
        [*covered("1.40", "1.00"), plan_fee("0.50", "1.00", "1.00"), fee("SavingsPlanUpfrontFee", "4380", **SP)],
        *("4380.50", "1.00", "0"),
    ),
    ("unused savings plan", [plan_fee("1.00", "1.00", "0"), plan_fee("1.00", "1.00", "0.25")], "2", "1.75", "1.75"),
    # One large is worth two mediums: the reservation's 2 units go to a medium and half of a large.
    (
        "flexible reservation",
        [
            *hours("0.10", "0.06", 1, line_item_resource_id="i-a", line_item_normalized_usage_amount="2"),
            *hours("0.10", "0.06", 1, line_item_resource_id="i-b", line_item_normalized_usage_amount="2"),
            cur(line_item_resource_id="i-b", line_item_unblended_cost="0.10"),
            fee("RIFee", "0.12", **RI, **unused("0", "0")),
        ],
        *("0.22", "0.22", "0"),
    ),
    (
        "refund of a reservation",
        [fee("Fee", "438", bill_bill_type="Purchase", **RI), fee("Refund", "-438", bill_bill_type="Refund", **RI)],
        *("0", "-438", "0"),
    ),
    # 10 % enterprise discount and a private rate: as lines of their own where there are no net columns.
    (
        "discounts as lines",
        [
            cur(line_item_unblended_cost="100"),
            fee("EdpDiscount", "-10"),
            fee("PrivateRateDiscount", "-5"),
            fee("BundledDiscount", "-1"),
        ],
        *("84", "84", "0"),
    ),
    # The same account with net columns: the usage carries its discounts, the lines' net cost is 0.
    (
        "discounts in net columns",
        [
            cur(line_item_unblended_cost="100", line_item_net_unblended_cost="84"),
            fee("EdpDiscount", "-10", line_item_net_unblended_cost="0"),
            fee("PrivateRateDiscount", "-5", line_item_net_unblended_cost="0"),
            fee("BundledDiscount", "-1", line_item_net_unblended_cost="0"),
        ],
        *("84", "84", "0"),
    ),
    (
        "credits, tax, marketplace and support",
        [
            cur(line_item_unblended_cost="100"),
            fee("Credit", "-25"),
            fee("Tax", "14.25", line_item_resource_id=None, line_item_usage_type=None),
            fee(
                "Fee",
                "50",
                bill_bill_type="Purchase",
                bill_billing_entity="AWS Marketplace",
                line_item_product_code="m",
            ),
            fee("Fee", "29", line_item_product_code="AWSSupportDeveloper"),
        ],
        *("168.25", "168.25", "0"),
    ),
]


def load_together(
    house: House, name: str, together: dict[str, list[dict[str, Any]]]
) -> dict[str, list[dict[str, Any]]]:
    """Load several bills as one file, each with a payer of its own; returns the charges of each."""
    rows = [{**line, "bill_payer_account_id": payer} for payer, lines in together.items() for line in lines]
    [outcome] = house.load(write(house.folder / f"{name}.csv", rows), source=name)
    assert outcome.status == "loaded", outcome.reason
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in house.table("SELECT * FROM focus_data_table WHERE x_Source = ?", [name]):
        found[row["BillingAccountId"]].append(row)
    return found


@pytest.fixture(scope="module")
def bills(shared: House) -> dict[str, list[dict[str, Any]]]:
    """The charges of each bill."""
    return load_together(shared, "bills", {name: lines for name, lines, *_ in BILLS})


def total(charges: list[dict[str, Any]], name: str) -> Decimal:
    return sum((charge[name] for charge in charges), Decimal(0))


@pytest.mark.parametrize("bill", BILLS, ids=[bill[0] for bill in BILLS])
def test_a_bill_has_the_totals_worked_out_by_hand(bills: dict[str, list[dict[str, Any]]], bill: Any) -> None:
    name, _, billed, effective, waste = bill
    charges = bills[name]
    assert (total(charges, "BilledCost"), total(charges, "EffectiveCost")) == (Decimal(billed), Decimal(effective))
    idle = [charge for charge in charges if charge["CommitmentDiscountStatus"] == "Unused"]
    assert total(idle, "EffectiveCost") == Decimal(waste)


def test_a_flexible_reservation_counts_in_normalized_hours(bills: dict[str, list[dict[str, Any]]]) -> None:
    used = [row for row in bills["flexible reservation"] if row["CommitmentDiscountStatus"] == "Used"]
    assert [(row["CommitmentDiscountQuantity"], row["CommitmentDiscountUnit"]) for row in used] == [
        (Decimal(2), "Normalized Hours")
    ] * 2


def test_a_savings_plan_counts_in_money(bills: dict[str, list[dict[str, Any]]]) -> None:
    rows = [row for row in bills["compute savings plan"] if row["CommitmentDiscountId"] == PLAN]
    found = sorted((row["ChargeCategory"], row["CommitmentDiscountQuantity"]) for row in rows)
    assert found == [("Purchase", Decimal(1)), ("Usage", Decimal("0.2")), ("Usage", Decimal("0.7"))]
    assert {row["CommitmentDiscountUnit"] for row in rows} == {"USD"}


# --- Identities -----------------------------------------------------------------------------


def month_of_term(number: int) -> dict[str, str]:
    label, after = f"2026-{number:02d}-01", f"2026-{number + 1:02d}-01" if number < 12 else "2027-01-01"
    period = {"bill_billing_period_start_date": label, "bill_billing_period_end_date": after}
    return period | {"line_item_usage_start_date": label, "line_item_usage_end_date": after}


def term(upfront: str, recurring: str) -> list[dict[str, Any]]:
    """A term of three months, one fee each: worth upfront / 3 + recurring a month, two thirds of it used."""
    amortised, monthly = Decimal(upfront) / 3, Decimal(recurring)
    lines = [fee("Fee", upfront, bill_bill_type="Purchase", **RI, **month_of_term(1))]
    for number in range(1, 4):
        period, worth = month_of_term(number), (amortised + monthly) / 3
        lines += hours("9", str(worth), 2, **period)
        lines.append(fee("RIFee", recurring, **RI, **unused(str(amortised / 3), str(monthly / 3)), **period))
    return lines


def test_a_term_is_worth_what_it_bills(house: House) -> None:
    terms = {"monthly": ("0", "36"), "partly": ("54", "18"), "at once": ("108", "0")}
    rows = [
        {**row, "bill_payer_account_id": name} for name, (once, monthly) in terms.items() for row in term(once, monthly)
    ]
    loaded = house.load(write(house.folder / "term.csv", rows))
    assert [outcome.status for outcome in loaded] == ["loaded"] * 3
    sums = "SELECT BillingAccountId, sum(BilledCost), sum(EffectiveCost) FROM charges GROUP BY ALL"
    assert {name: costs for name, *costs in house.rows(sums)} == dict.fromkeys(terms, [Decimal(108)] * 2)


def test_a_month_may_gain_and_lose_its_net_columns(house: House) -> None:
    january = cur(line_item_unblended_cost="10", line_item_net_unblended_cost="8")
    february = cur(line_item_unblended_cost="10", **month_of_term(2))
    house.load(write(house.folder / "1.csv", [january]))
    house.load(write(house.folder / "2.csv", [february]))
    assert house.rows("SELECT x_BillingPeriod, BilledCost FROM charges ORDER BY 1") == [
        ("2026-01", Decimal(8)),
        ("2026-02", Decimal(10)),
    ]
    gained = cur(**{**february, "line_item_net_unblended_cost": "7"})
    house.load(write(house.folder / "2.csv", [gained], at=4e9))
    assert house.billed() == 15


# --- The specification's own examples -------------------------------------------------------

#: File of the examples -> the AWS lines that stand for its rows.
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "purchase_scenario_1": [fee("SavingsPlanUpfrontFee", "8760", bill_bill_type="Purchase", **SP)],
    "purchase_scenario_2": [plan_fee("1", "1", "1")] * 3,
    "purchase_scenario_3": [fee("SavingsPlanUpfrontFee", "4380", **SP), *[plan_fee("0.50", "1", "1")] * 3],
    "usage_scenario_1": covered("2", "1"),
    "usage_scenario_2": [plan_fee("0", "1", "0")],
    "usage_scenario_3": [*covered("1.5", "0.75"), plan_fee("0", "1", "0.75")],
    "usage_scenario_4": [*covered("2", "1"), cur(line_item_unblended_cost="0.50")],
}


@pytest.fixture(scope="module")
def examples(shared: House) -> dict[str, list[dict[str, Any]]]:
    """The charges of each example."""
    return load_together(shared, "examples", EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_specifications_example_has_its_costs(
    examples: dict[str, list[dict[str, Any]]], exports: Path, name: str
) -> None:
    folder = exports / "focus-spec-examples" / "commitment_discount_scenarios"
    with (folder / f"commitment_discount_{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for cost in ("BilledCost", "EffectiveCost"):
        assert total(examples[name], cost) == sum(Decimal(row[cost]) for row in rows)
    used = [row["PricingCategory"] for row in rows if row.get("CommitmentDiscountStatus") == "Used"]
    assert [row["PricingCategory"] for row in examples[name] if row["CommitmentDiscountStatus"] == "Used"] == used
