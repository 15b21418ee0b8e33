"""A billing period is open, final by its invoices or by hand, and says so when its money changes after that."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from pipeline.store import states
from tests.load.bills import House, cur, focus, write
from tests.load.sharing import beginning

#: Times of last change, in seconds since 1970: within the billing period of January 2026, and after it.
WITHIN, AFTER, LATER = 1_768_900_000, 1_770_400_000, 1_770_500_000
NOW = datetime(2026, 2, 10)


def deliver(house: House, *rows: dict[str, Any], at: float = AFTER) -> None:
    write(house.folder / "bill.csv", rows, at=at)
    house.one()


@beginning
def final(house: House) -> None:
    """A month whose one charge stands on an invoice."""
    deliver(house, focus(InvoiceId="I1"))


def state(house: House) -> str:
    found = states.read(house.warehouse, "bill", "2026-01")
    assert found is not None
    return found.state


def events(house: House) -> list[str]:
    return [row[0] for row in house.rows("SELECT event FROM period_events ORDER BY happened_at")]


def close(house: House, note: str | None = None) -> list[str]:
    return states.close(house.warehouse, "2026-01", ["bill"], at=NOW, run_id="run", note=note)


@pytest.mark.parametrize(
    ("rows", "at", "expected"),
    [
        pytest.param([focus(InvoiceId="I1")], AFTER, "final", id="all-invoiced"),
        pytest.param([focus(InvoiceId="I1"), focus(InvoiceId=None, ResourceId="b")], AFTER, "open", id="one-without"),
        pytest.param(
            [focus(InvoiceId="I1"), focus(InvoiceId=None, BilledCost="0")], AFTER, "final", id="nothing-billed"
        ),
        pytest.param([focus(InvoiceId="I1")], WITHIN, "open", id="made-within-the-period"),
        pytest.param([focus()], AFTER, "open", id="no-invoice-ids"),
        pytest.param([focus(InvoiceId="I1", BilledCost="0")], AFTER, "open", id="an-invoice-over-nothing"),
        pytest.param([cur(bill_invoice_id="42")], AFTER, "final", id="aws-invoiced"),
        pytest.param([cur()], AFTER, "open", id="aws-not-yet"),
    ],
)
def test_a_period_is_final_when_every_charge_that_can_stand_on_an_invoice_does(
    house: House, rows: list[dict[str, Any]], at: float, expected: str
) -> None:
    deliver(house, *rows, at=at)
    assert state(house) == expected
    assert events(house) == (["final"] if expected == "final" else [])


def test_what_aws_nets_out_between_accounts_needs_no_invoice(house: House) -> None:
    covered = cur(
        line_item_line_item_type="SavingsPlanCoveredUsage", line_item_unblended_cost="2", bill_invoice_id="42"
    )
    negation = cur(
        identity_line_item_id="n",
        line_item_line_item_type="SavingsPlanNegation",
        line_item_unblended_cost="-1.5",
        bill_invoice_id="42",
    )
    deliver(house, covered, negation, cur(identity_line_item_id="u", bill_invoice_id="42"))
    assert house.value("SELECT count(*) FROM charges WHERE x_SourceChanges = 'residue' AND InvoiceId IS NULL") == 1
    assert state(house) == "final"


def test_a_delivery_that_changes_money_after_final_loads_and_is_marked(final: House) -> None:
    deliver(final, focus(InvoiceId="I1", BilledCost="1.75"), at=LATER)
    assert final.billed() == final.value("SELECT max(BilledCost_after) FROM restatements")
    assert (state(final), events(final)) == ("restated", ["final", "restated"])
    marked = "SELECT count(*) FROM restatements INNER JOIN restated_after_final USING (load_id)"
    assert final.value(marked) == 1
    assert states.restated_lines(final.warehouse, "run") == [
        (
            "bill 2026-01: restated after final: billed 1.75 USD, was 1.50 USD when it became final; "
            "`costmill close 2026-01 --source bill` takes it as it is now"
        )
    ]


def test_a_delivery_without_invoice_ids_in_the_place_of_a_final_one_may_be_an_old_copy(final: House) -> None:
    deliver(final, focus(BilledCost="1.25"), at=LATER)
    [line] = states.restated_lines(final.warehouse, "run")
    assert "no charge names an invoice now, so this may be an older copy that was left over: take its file away" in line


def test_a_delivery_that_changes_no_money_leaves_it_final(final: House) -> None:
    deliver(final, focus(InvoiceId="I2", ChargeDescription="other words", ListCost="9"), at=LATER)
    assert final.rows("SELECT InvoiceId, ChargeDescription, ListCost FROM charges") == [("I2", "other words", 9)]
    assert (state(final), events(final)) == ("final", ["final"])


def test_money_that_moves_between_services_is_a_restatement_though_the_sum_stays(final: House) -> None:
    deliver(final, focus(InvoiceId="I1", ServiceName="Another"), at=LATER)
    assert state(final) == "restated"
    [line] = states.restated_lines(final.warehouse, "run")
    assert "billed 1.50 USD as when it became final, but by account, service or effective cost it differs" in line


def test_what_comes_back_to_what_it_was_is_final_again_and_says_so(final: House) -> None:
    for cost, at in (("1.75", LATER), ("1.5", LATER + 1)):
        deliver(final, focus(InvoiceId="I1", BilledCost=cost, ChargeDescription=str(at)), at=at)
    assert (state(final), events(final)) == ("final", ["final", "restated", "final"])
    assert states.restated_lines(final.warehouse, "run") == [
        "bill 2026-01: final again: the bill is as it was when it became final, 1.50 USD"
    ]
    deliver(final, focus(InvoiceId="I1", BilledCost="3"), at=LATER + 2)
    assert state(final) == "restated"


def test_an_effective_cost_alone_is_a_restatement_too(final: House) -> None:
    deliver(final, focus(InvoiceId="I1", EffectiveCost="1"), at=LATER)
    assert state(final) == "restated"


def test_closing_keeps_who_said_what_and_closing_twice_writes_nothing(house: House) -> None:
    deliver(house, focus())
    assert close(house, "booked") == ["bill"]
    version = house.value("SELECT value FROM settings WHERE name = 'version'")
    assert close(house, "again") == []
    assert house.value("SELECT value FROM settings WHERE name = 'version'") == version
    assert house.rows("SELECT state, final_by, final_at, note, final_costs FROM period_states") == [
        ("final", "closed", NOW, "booked", '{"USD": "1.5"}')
    ]


def test_closing_a_restated_period_takes_it_as_it_is_now(final: House) -> None:
    deliver(final, focus(InvoiceId="I1", BilledCost="2"), at=LATER)
    assert close(final) == ["bill"]
    deliver(final, focus(InvoiceId="I1", BilledCost="2", ChargeDescription="again"), at=LATER + 1)
    assert (state(final), events(final)) == ("final", ["final", "restated", "closed"])


def test_a_period_that_is_opened_again_may_change_and_becomes_final_with_the_next_delivery(final: House) -> None:
    assert states.reopen(final.warehouse, "2026-01", ["bill"], run_id="run", note=None) == ["bill"]
    assert state(final) == "open"
    deliver(final, focus(InvoiceId="I1", BilledCost="2"), at=LATER)
    assert (state(final), events(final)) == ("final", ["final", "reopened", "final"])


def test_a_warehouse_of_an_older_version_is_judged_once(final: House) -> None:
    final.warehouse.execute("DELETE FROM period_states")
    final.warehouse.execute("DELETE FROM period_events")
    states.catch_up(final.warehouse, "run")
    assert (state(final), events(final)) == ("final", ["final"])
    before = final.value("SELECT value FROM settings WHERE name = 'version'")
    states.catch_up(final.warehouse, "run")
    assert final.value("SELECT value FROM settings WHERE name = 'version'") == before


def test_the_rollup_of_invoices_sums_to_the_charges(house: House) -> None:
    deliver(
        house,
        focus(InvoiceId="I1"),
        focus(InvoiceId="I2", ResourceId="b"),
        focus(ResourceId="c", BillingCurrency="EUR"),
    )
    assert house.rows(
        "SELECT InvoiceId, BillingCurrency, x_ChargeCount, x_InvoicedCount FROM invoice_costs ORDER BY ALL"
    ) == [
        ("I1", "USD", 1, 1),
        ("I2", "USD", 1, 1),
        (None, "EUR", 1, 1),
    ]
    assert house.value("SELECT sum(BilledCost) FROM invoice_costs") == house.billed()
