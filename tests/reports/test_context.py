"""What a report decides: sums, order, staleness, what waits, what reconciles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from pipeline import money
from pipeline.errors import UsageError
from pipeline.reports.model import ReportContext
from pipeline.store.warehouse import Warehouse
from tests.reports import warehouse as fixture
from tests.reports.conftest import context
from tests.reports.march import MARCH
from tests.reports.warehouse import PERIOD, THROUGH, Spend

Report = Callable[..., ReportContext]


def test_shown_services_and_their_rest_add_up_to_the_category_and_a_rest_of_one_is_shown(report_on: Report) -> None:
    many = [Spend(f"Service {n}", "Compute", f"r{n}", f"{n}.01") for n in range(1, 10)]
    six = [Spend(f"Disk {n}", "Storage", f"d{n}", "1") for n in range(6)]
    category, short = report_on(*many, *six).sections[0].categories
    shown = [line.costs.billed for line in category.services]
    assert category.rest is not None
    assert (len(shown), category.rest.count) == (5, 4)
    assert money.total([*shown, category.rest.costs.billed]) == category.line.costs.billed
    assert (len(short.services), short.rest) == (6, None)


def test_categories_add_up_to_the_bill(rich: ReportContext) -> None:
    section = rich.sections[0]
    assert money.total(own.line.costs.billed for own in section.categories) == section.headline.billed


def test_resources_and_what_belongs_to_none_add_up_to_the_bill(rich: ReportContext) -> None:
    own = rich.sections[0].resources
    parts = [row.costs.billed for row in own.rows] + [rest.costs.billed for rest in (own.rest, own.unattached) if rest]
    assert money.total(parts) == rich.sections[0].headline.billed


def test_movers_add_up_to_the_whole_change(rich: ReportContext) -> None:
    for movers in rich.sections[0].movers:
        rest = movers.rest.change if movers.rest else Decimal(0)
        assert money.total([*(row.change for row in movers.rows), rest]) == movers.total.change


def test_the_reasons_of_each_service_add_up_to_its_change(rich: ReportContext) -> None:
    services, accounts = rich.sections[0].movers
    for mover in [*services.rows, services.rest, services.total]:
        assert mover is not None
        assert mover.reasons
        assert money.total(reason.change for reason in mover.reasons) == mover.change
    assert not any(mover.reasons for mover in accounts.rows)


def test_each_tag_key_covers_the_whole_bill(rich: ReportContext) -> None:
    keys = rich.sections[0].tags
    assert [key.key for key in keys] == ["team", "env", "cost-center"]
    assert {key.tagged + key.untagged for key in keys} == {rich.sections[0].headline.billed}


def test_a_configured_key_that_nobody_uses_is_all_untagged(rich: ReportContext) -> None:
    assert rich.sections[0].tags[-1].untagged_share == 100


def test_days_add_up_to_the_bill(rich: ReportContext) -> None:
    daily = rich.sections[0].daily
    assert daily.shown_days[-1].cumulative == rich.sections[0].headline.billed
    assert daily.shown_days[-1].day == THROUGH


def test_a_charge_dated_outside_of_the_month_counts_on_its_nearest_day(empty: Warehouse) -> None:
    fixture.fill(empty, PERIOD, [Spend("S", "Compute", "r", "1")], THROUGH)
    empty.execute("UPDATE daily_costs SET ChargeDay = DATE '2025-06-01' WHERE ChargeDay = DATE '2026-03-02'")
    daily = context(empty).sections[0].daily
    assert daily.outside > 0
    assert daily.days[0].billed > daily.days[1].billed == 0


def test_credits_refunds_and_tax_are_told_apart(rich: ReportContext) -> None:
    total = rich.sections[0].total
    assert (total.credits, total.refunds, total.tax) == (Decimal(-250), Decimal("-88.4"), Decimal("402.11"))
    assert total.before_credits + total.credits + total.refunds + total.tax == total.billed


def test_the_forecast_of_the_global_budget_comes_first(rich: ReportContext) -> None:
    head = rich.sections[0].headline
    assert head.forecast == rich.standing.budgets[0].forecast
    assert head.limit == 38_000


def test_without_a_budget_usage_is_carried_forward(report_on: Report) -> None:
    head = (
        report_on(Spend("S", "Compute", "r", "7"), Spend("Tax", "Other", None, "5", kind="Tax", once=True))
        .sections[0]
        .headline
    )
    usage = head.billed - 5
    assert head.forecast is not None
    assert abs(head.forecast - (usage * 31 / 21 + 5)) < Decimal("1e-15")


def test_a_complete_month_has_no_forecast(rich_warehouse: Warehouse) -> None:
    report = context(rich_warehouse, "2026-02")
    assert not report.open
    assert report.sections[0].headline.forecast is None


def test_currencies_are_sections_charges_without_one_come_last_and_no_budget_spans_them(empty: Warehouse) -> None:
    spends = [Spend("S", "Compute", f"r-{code}", "1", currency=code) for code in (None, "USD", "EUR")]
    fixture.fill(empty, PERIOD, spends, THROUGH)
    fixture.budget(empty, 0, "global", "", "100", Decimal(63), Decimal(93), "OK")
    sections = context(empty).sections
    assert [section.currency for section in sections] == ["EUR", "USD", None]
    assert [section.daily.limit for section in sections] == [None, None, None]


def test_budgets_keep_the_order_of_the_evaluation(rich: ReportContext) -> None:
    assert [budget.id for budget in rich.standing.budgets][:3] == ["global", "provider:aws", "provider:azure"]


def test_the_overall_health_is_the_worst(rich: ReportContext) -> None:
    assert rich.standing.health == "EXCEEDED"


def test_open_alerts_come_first_and_resolved_ones_last(rich: ReportContext) -> None:
    assert [alert.status for alert in rich.standing.alerts] == ["open", "open", "acknowledged", "resolved"]


def test_an_acknowledged_alert_says_by_whom_and_a_snoozed_one_until_when(rich: ReportContext) -> None:
    found = [each for each in rich.standing.alerts if each.acknowledged_by or each.snoozed_until]
    assert [(each.status, each.acknowledged_by, each.acknowledged_at, each.snoozed_until) for each in found] == [
        ("acknowledged", "ada@lumen.example", datetime(2026, 3, 19, 8), datetime(2026, 3, 24))
    ]


def test_a_reopened_alert_says_when(rich: ReportContext) -> None:
    assert [alert.reopened_at for alert in rich.standing.alerts if alert.reopened_at] == [datetime(2026, 3, 20, 6)]


def test_without_budgets_the_health_is_unspecified_and_data_is_stale_beyond_the_limit(empty: Warehouse) -> None:
    fixture.fill(empty, PERIOD, MARCH, THROUGH)
    for age, limit, stale in ((3, 3, False), (4, 3, True), (10, None, False)):
        report = context(empty, as_of=datetime(2026, 3, 21, 23) + timedelta(days=age), max_age_days=limit)
        assert (report.data.stale is not None) is stale, (age, limit)
        assert report.standing.health == "UNSPECIFIED"


def test_figures_end_at_the_earliest_last_complete_day(rich_warehouse: Warehouse) -> None:
    rich_warehouse.execute("BEGIN TRANSACTION")
    rich_warehouse.execute(
        "UPDATE source_periods SET usage_through = TIMESTAMP '2026-03-20' WHERE x_Source = 'azure-focus'"
    )
    try:
        last_day = context(rich_warehouse).last_day
    finally:
        rich_warehouse.execute("ROLLBACK")
    assert last_day == date(2026, 3, 19)


def test_a_past_month_is_never_stale(rich_warehouse: Warehouse) -> None:
    assert context(rich_warehouse, "2026-02").data.stale is None


def test_quarantined_and_refused_deliveries_wait(rich: ReportContext) -> None:
    assert [(own.source, own.status) for own in rich.data.waiting] == [
        ("aws-legacy", "quarantined"),
        ("azure-focus", "refused"),
    ]


def test_a_later_delivery_settles_what_waited(empty: Warehouse) -> None:
    fixture.load(empty, "bad", "aws-prod", PERIOD, status="refused", loaded_at=datetime(2026, 3, 20))
    fixture.load(empty, "good", "aws-prod", PERIOD, loaded_at=datetime(2026, 3, 21))
    assert context(empty).data.waiting == ()


def test_a_refusal_without_a_period_shows_in_the_newest_report_only(rich_warehouse: Warehouse) -> None:
    assert context(rich_warehouse, "2026-02").data.waiting == ()


def test_a_source_that_delivered_the_month_before_is_missed(empty: Warehouse) -> None:
    fixture.fill(empty, "2026-02", MARCH, date(2026, 2, 28))
    fixture.fill(empty, PERIOD, [own for own in MARCH if own.source == "aws-prod"], THROUGH)
    assert context(empty).data.missing_sources == ("azure-focus",)


def test_rejected_rows_name_the_file_without_its_folder(rich: ReportContext) -> None:
    assert [row.file for row in rich.data.rejected] == ["part-0001.csv", "part-0001.csv"]


def test_files_charges_and_summaries_reconcile(rich: ReportContext) -> None:
    [line] = rich.data.reconciliation
    assert line.agrees
    assert line.files == line.summaries == rich.sections[0].headline.billed


def test_a_step_that_lost_a_quantum_does_not_reconcile(empty: Warehouse) -> None:
    fixture.fill(empty, PERIOD, [Spend("S", "Compute", "r", "12345678901.1")], THROUGH)
    for table, column in (
        ("daily_costs", "BilledCost"),
        ("category_summary", "BilledCost"),
        ("load_controls", "file_total"),
    ):
        empty.execute(f"UPDATE {table} SET {column} = {column} + 0.000000000000000001")
        assert not context(empty).data.agrees, table
        empty.execute(f"UPDATE {table} SET {column} = {column} - 0.000000000000000001")
    assert context(empty).data.agrees


def test_a_restatement_shows_the_largest_change_first(rich: ReportContext) -> None:
    [own] = rich.restatements
    assert [line.change for line in own.rows] == [Decimal("408.868"), Decimal("-88.4"), Decimal("63.9")]
    assert own.total.change == Decimal("384.368")


def test_a_restatement_says_its_reason_and_the_change_of_the_effective_cost(rich: ReportContext) -> None:
    [own] = rich.restatements
    assert (own.reason, own.total.effective_change) == ("delivered again", Decimal("384.368"))
    assert [line.effective_change for line in own.rows] == [line.change for line in own.rows]


def test_columns_that_drifted_are_named_with_their_source(rich: ReportContext) -> None:
    found = [(each.source, each.column, each.change) for each in rich.data.drift]
    assert found == [("aws-prod", "pricing_term", "missing"), ("aws-prod", "resource_tags_user_<team>", "new")]
    assert rich.data.drift_count == 2


def test_a_name_that_is_no_period_is_refused(empty: Warehouse) -> None:
    with pytest.raises(UsageError, match="2026-3"):
        context(empty, "2026-3")


def test_a_whole_month_says_whose_usage_ends_before_it(rich_warehouse: Warehouse, empty: Warehouse) -> None:
    fixture.fill(empty, "2026-02", MARCH, date(2026, 2, 28))
    fixture.fill(empty, PERIOD, MARCH, THROUGH)
    empty.execute(
        "UPDATE source_periods SET usage_through = TIMESTAMP '2026-02-20' "
        "WHERE x_Source = 'azure-focus' AND x_BillingPeriod = '2026-02'"
    )
    report = context(empty, "2026-02")
    assert (report.open, report.last_day) == (False, date(2026, 2, 28))
    assert [(own.name, own.last_day) for own in report.ended_early] == [("azure-focus", date(2026, 2, 19))]
    assert context(rich_warehouse, "2026-02").ended_early == ()


def test_commitments_add_up_with_the_most_waste_first(rich: ReportContext) -> None:
    own = rich.commitments[1]
    assert own.rest is not None
    assert own.total is not None
    assert [(each.currency, len(each.rows)) for each in rich.commitments] == [("EUR", 1), ("USD", 10)]
    assert [row.unused for row in own.rows] == [Decimal("187.5"), *map(Decimal, range(10, 1, -1))]
    assert (own.rest_count, own.silent, own.unpriced, own.other) == (2, 1, 1, Decimal("-438.01"))
    for name in ("used", "unused", "listed", "savings"):
        parts = [getattr(row, name) for row in [*own.rows, own.rest]]
        assert money.total(parts) == getattr(own.total, name)
    assert own.total.utilisation == money.percent(own.total.used, own.total.used + own.total.unused)
    [waste] = rich.commitments[0].rows
    assert (waste.utilisation, waste.savings) == (Decimal(0), Decimal(-75))


def test_ai_usage_is_told_by_origin_and_currency_and_adds_up(rich: ReportContext) -> None:
    assert [(own.origin, own.currency) for own in rich.models] == [
        ("recorded", "EUR"),
        ("recorded", "USD"),
        ("billed", "USD"),
    ]
    own = rich.models[1]
    assert own.rest is not None
    assert (len(own.rows), own.rest_count, own.gone) == (12, 4, 1)
    assert money.total([*(row.cost for row in own.rows), own.rest.cost]) == own.total.cost == Decimal("141.001")
    assert [row.model for row in own.rows[:2]] == ["gpt-4o", "m|13"]


def test_quotients_of_ai_usage_are_of_its_sums(rich: ReportContext) -> None:
    total, first = rich.models[1].total, rich.models[1].rows[0]
    assert (first.per_million, first.cached, first.failed) == (Decimal("4.5"), Decimal(25), 3)
    assert total.per_million == money.ratio(Decimal(135) * 10**6, Decimal(9_014_000), 18)
    assert total.cached == money.percent(Decimal(2_000_000), Decimal(8_014_000))
    assert total.change == money.percent(Decimal("141.001") * 28 - Decimal(30 * 21), Decimal(30 * 21))
    assert rich.models[0].total.change is None


def test_policies_stand_beside_the_budgets_and_do_not_move_their_health(rich: ReportContext) -> None:
    standing = rich.standing
    assert [(own.budget.scope_key, own.budget.health) for own in standing.policies] == [
        ("calls", "WARNING"),
        ("off", "DISABLED"),
    ]
    own = standing.policies[0]
    assert (own.scope, own.tenant, own.action, own.counts) == ("team:ml|x", "acme", "soft_block", "recorded")
    assert (own.budget.spend, own.budget.limit) == (Decimal("431.5"), Decimal(500))
    assert not [budget for budget in standing.budgets if budget.scope_type == "policy"]
