"""Budgets of the file: every rule of SPEC 3.2, environment and flags."""

from __future__ import annotations

import logging
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.config import AlertThreshold, BudgetOverrides
from pipeline.config.budgets import DEFAULT_ALERTS
from pipeline.errors import UsageError
from tests.config.files import budgets, problem, problems, settings, write
from tests.soak import more

GLOBAL = "cost:\n  budgets:\n    global: {amount: 100}\n"

EVERYTHING = """\
cost:
  budgets:
    exit_on_threshold: true
    exit_code: 3
    global:
      amount: 0.1
      currency: EUR
    types:
      "gcp:disk": {amount: 1}
      "aws:ec2/instance": {amount: 2, name: Machines, owner: no}
    tags:
      - {selector: "team:b", amount: 3}
      - {selector: "team:*", amount: 4, priority: 9, exit_on_threshold: false, exit_code: 0}
      - {selector: "env:prod", amount: 5, priority: -1}
    providers:
      Oracle: {amount: 6}
      Amazon Web Services: {amount: 7, currency: EUR}
      Hetzner: {amount: 0}
"""


def test_scopes_come_in_report_order(tmp_path: Path) -> None:
    assert [scope.budget_id for scope in budgets(tmp_path, EVERYTHING).scopes] == [
        "global",
        "provider:aws",
        "provider:hetzner",
        "provider:oci",
        "tag:team:*",
        "tag:team:b",
        "tag:env:prod",
        "type:aws:ec2/instance",
        "type:gcp:disk",
    ]


def test_a_scope_inherits_what_it_does_not_say(tmp_path: Path) -> None:
    scopes = {scope.budget_id: scope for scope in budgets(tmp_path, EVERYTHING).scopes}
    assert {scope.currency for scope in scopes.values()} == {"EUR"}
    assert (scopes["type:gcp:disk"].exit_on_threshold, scopes["type:gcp:disk"].exit_code) == (True, 3)
    assert (scopes["tag:team:*"].exit_on_threshold, scopes["tag:team:*"].exit_code) == (False, 0)
    assert scopes["type:gcp:disk"].alerts == DEFAULT_ALERTS


def test_a_scope_keeps_what_it_says(tmp_path: Path) -> None:
    scopes = {scope.budget_id: scope for scope in budgets(tmp_path, EVERYTHING).scopes}
    assert scopes["global"].amount == Decimal("0.1")
    assert (scopes["type:aws:ec2/instance"].name, scopes["type:aws:ec2/instance"].owner) == ("Machines", "no")
    assert not scopes["provider:hetzner"].enabled
    assert scopes["tag:env:prod"].priority == -1


def test_without_root_settings_nothing_ends_a_run(tmp_path: Path) -> None:
    (scope,) = budgets(tmp_path, GLOBAL).scopes
    assert (scope.exit_on_threshold, scope.exit_code, scope.currency) == (False, 1, "USD")


def test_the_report_currency_is_the_global_default(tmp_path: Path) -> None:
    (scope,) = budgets(tmp_path, "currency: {report: GBP}\n" + GLOBAL).scopes
    assert scope.currency == "GBP"


def test_alerts_are_read_in_file_order(tmp_path: Path) -> None:
    text = GLOBAL.replace(
        "100}", "100, alerts: [{threshold: 90.5}, {threshold: 80, type: forecasted, exit: false}, {threshold: 80}]}"
    )
    assert budgets(tmp_path, text).scopes[0].alerts == (
        AlertThreshold(Decimal("90.5"), "actual", True),
        AlertThreshold(Decimal(80), "forecasted", False),
        AlertThreshold(Decimal(80), "actual", True),
    )


def test_an_empty_list_of_alerts_is_the_default(tmp_path: Path) -> None:
    assert budgets(tmp_path, GLOBAL.replace("100}", "100, alerts: []}")).scopes[0].alerts == DEFAULT_ALERTS


@pytest.mark.parametrize("text", ["cost: {}", "cost: {budgets: }", "cost: {budgets: {}}", "tags: {}"])
def test_without_budgets_there_are_none(tmp_path: Path, text: str) -> None:
    assert settings(tmp_path, text).budgets is None


def test_every_rule_is_checked_in_one_reading(tmp_path: Path) -> None:
    text = """\
        cost:
          budgets:
            exit_code: 256
            global:
              amount: -5
              currency: USD
              amout: 3
            providers:
              aws: {amount: 1, notify: {}}
              AWS: {amount: 2}
            tags:
              - {selector: "env:prod", amount: 1_000}
              - selector: "team:*"
                amount: 5
                currency: EUR
                alerts:
                  - {threshold: 1001}
                  - {threshold: 80, type: forecast}
                  - {type: actual}
              - {selector: team, amount: .nan, period: minutely}
              - {selector: "env:prod", amount: 0x10, priority: high}
            types:
              "aws:ec2/instance": {amount: .inf, exit_on_threshold: yes}
              x: 500
        """
    assert problems(tmp_path, text) == [
        "line 3: cost.budgets.exit_code: '256' is no whole number from 0 to 255",
        "line 5: cost.budgets.global.amount: '-5' is negative; write an amount above 0, or 0 to disable the budget",
        "line 7: cost.budgets.global.amout: unknown key 'amout'; did you mean 'amount'?",
        "line 9: cost.budgets.providers.aws.notify: must be a list, such as [a, b]",
        "line 10: cost.budgets.providers.AWS: is the provider aws, as cost.budgets.providers.aws (line 9) is; keep one",
        (
            "line 12: cost.budgets.tags[0] \"env:prod\".amount: '1_000' is no number;"
            " write digits with a point, such as 1500 or 0.25"
        ),
        'line 15: cost.budgets.tags[1] "team:*": currency EUR does not match the global USD; write USD or leave it out',
        "line 17: cost.budgets.tags[1] \"team:*\".alerts[0].threshold: '1001' is out of range; write percent from 0 to 1000",
        "line 18: cost.budgets.tags[1] \"team:*\".alerts[1].type: 'forecast' is unknown; did you mean 'forecasted'?",
        'line 19: cost.budgets.tags[1] "team:*".alerts[2]: threshold is missing; write percent such as 80',
        (
            "line 20: cost.budgets.tags[2].selector: 'team' is no selector;"
            ' write "key:value" or "key:*" of letters, digits, _ and -'
        ),
        "line 20: cost.budgets.tags[2].amount: '.nan' is no number; write digits with a point, such as 1500 or 0.25",
        "line 20: cost.budgets.tags[2].period: 'minutely' is unknown; did you mean 'monthly'?",
        "line 21: cost.budgets.tags[3] \"env:prod\".priority: 'high' is no whole number from -2147483648 to 2147483647",
        (
            "line 21: cost.budgets.tags[3] \"env:prod\".amount: '0x10' is no number;"
            " write digits with a point, such as 1500 or 0.25"
        ),
        'line 21: cost.budgets.tags[3] "env:prod": stands twice, first on line 12; keep one',
        (
            "line 23: cost.budgets.types[\"aws:ec2/instance\"].amount: '.inf' is no number;"
            " write digits with a point, such as 1500 or 0.25"
        ),
        (
            "line 23: cost.budgets.types[\"aws:ec2/instance\"].exit_on_threshold: 'yes' is neither true nor false;"
            " write one of the two"
        ),
        "line 24: cost.budgets.types.x: must be a mapping of keys to values",
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("providers", "{aws: {amount: 1}}"), ("tags", '[{selector: "a:*", amount: 1}]'), ("types", "{x: {amount: 1}}")],
)
def test_other_scopes_need_a_global_budget(tmp_path: Path, kind: str, value: str) -> None:
    needs = f"cost.budgets.{kind}: needs an enabled global budget; give cost.budgets.global an amount above 0"
    assert problem(tmp_path, f"cost:\n  budgets:\n    {kind}: {value}\n") == f"line 3: {needs}"
    text = f"cost:\n  budgets:\n    global: {{amount: 0}}\n    {kind}: {value}\n"
    assert problem(tmp_path, text) == f"line 4: {needs} (cost.budgets.global.amount is 0)"


def test_empty_kinds_of_scopes_need_no_global_budget(tmp_path: Path) -> None:
    assert budgets(tmp_path, "cost: {budgets: {providers: {}, tags: [], types: {}}}").scopes == ()


def test_a_disabled_global_budget_alone_is_fine(tmp_path: Path) -> None:
    (scope,) = budgets(tmp_path, GLOBAL.replace("100", "0")).scopes
    assert not scope.enabled


def test_the_same_threshold_twice_is_refused(tmp_path: Path) -> None:
    text = GLOBAL.replace("100}", "100, alerts: [{threshold: 80}, {threshold: 80.0, exit: false}]}")
    assert problem(tmp_path, text).endswith("alerts[1]: threshold 80 (actual) stands twice; keep one")


def test_a_scope_that_is_no_mapping_is_one_problem(tmp_path: Path) -> None:
    assert problem(tmp_path, "cost: {budgets: {global: 500}}") == (
        "line 1: cost.budgets.global: must be a mapping of keys to values"
    )


def test_a_provider_or_type_without_a_name_is_refused(tmp_path: Path) -> None:
    text = GLOBAL + '    providers: {" ": {amount: 1}}\n    types: {"": {amount: 1}}\n'
    assert [line.split(": ", 2)[2] for line in problems(tmp_path, text)] == [
        "a provider's name is empty",
        "a resource type's name is empty",
    ]


def test_a_currency_where_the_global_has_none_is_kept_with_a_warning(tmp_path: Path) -> None:
    found = budgets(tmp_path, GLOBAL + "    providers: {aws: {amount: 1, currency: EUR}}\n")
    assert [scope.currency for scope in found.scopes] == ["USD", "EUR"]
    assert found.warnings == (
        "line 4: cost.budgets.providers.aws: currency EUR, while the global budget names none and is read as USD",
    )


# --- the old flat form ------------------------------------------------------------------------

FLAT = "cost:\n  budgets: {amount: 5, currency: EUR, period: monthly, alerts: [{threshold: 70}], exit_code: 2}\n"


def test_the_old_flat_form_is_read_as_global(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = write(tmp_path, FLAT)
    with caplog.at_level(logging.INFO):
        (scope,) = budgets(tmp_path, FLAT).scopes
    assert (scope.budget_id, scope.amount, scope.currency, scope.exit_code) == ("global", Decimal(5), "EUR", 2)
    assert scope.alerts == (AlertThreshold(Decimal(70), "actual"),)
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("INFO", "migrated legacy budget config to global scope")
    ]
    assert file.read_text(encoding="utf-8") == FLAT


def test_the_new_form_is_not_migrated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        budgets(tmp_path, GLOBAL)
    assert caplog.records == []


def test_problems_of_the_flat_form_point_at_the_flat_keys(tmp_path: Path) -> None:
    assert problems(tmp_path, "cost:\n  budgets:\n    currency: EURO\n    period: dayly\n") == [
        "line 3: cost.budgets: amount is missing; write an amount above 0, or 0 to disable the budget",
        "line 3: cost.budgets.currency: 'EURO' is no ISO 4217 code; write one such as USD or EUR",
        "line 4: cost.budgets.period: 'dayly' is unknown; did you mean 'daily'?",
    ]


def test_both_forms_at_once_are_refused(tmp_path: Path) -> None:
    assert problem(tmp_path, GLOBAL + "    amount: 5\n") == (
        "line 4: cost.budgets.amount: amount belongs under cost.budgets.global"
    )


# --- warnings ---------------------------------------------------------------------------------


def test_equal_priorities_are_warned_of_by_name(tmp_path: Path) -> None:
    tags = '    tags: [{selector: "team:*", amount: 1}, {selector: "env:a", amount: 1}, {selector: "z:*", amount: 0}]\n'
    found = settings(tmp_path, GLOBAL + tags)
    assert found.budgets is not None
    assert found.warnings == found.budgets.warnings
    assert found.warnings == (
        (
            'line 4: cost.budgets.tags: "env:a", "team:*" share priority 0;'
            " where several match a charge, the first of them gets it"
        ),
    )


def test_different_priorities_are_not_warned_of(tmp_path: Path) -> None:
    tags = '    tags: [{selector: "team:*", amount: 1}, {selector: "env:a", amount: 1, priority: 1}]\n'
    assert budgets(tmp_path, GLOBAL + tags).warnings == ()


@pytest.mark.parametrize("code", [64, 78])
def test_an_exit_code_of_failures_is_warned_of(tmp_path: Path, code: int) -> None:
    (warning,) = budgets(tmp_path, GLOBAL.replace("100}", f"100, exit_code: {code}}}")).warnings
    assert warning.startswith(f"line 3: cost.budgets.global.exit_code: {code} lies in 64 to 78")


@pytest.mark.parametrize("code", [0, 63, 79, 255])
def test_another_exit_code_is_not(tmp_path: Path, code: int) -> None:
    assert budgets(tmp_path, GLOBAL.replace("100}", f"100, exit_code: {code}}}")).warnings == ()


# --- environment and flags --------------------------------------------------------------------


def test_the_environment_sets_the_global_scope(tmp_path: Path) -> None:
    scopes = budgets(
        tmp_path,
        GLOBAL + "    providers: {aws: {amount: 1}}\n",
        COSTMILL_BUDGET_AMOUNT="7.5",
        COSTMILL_BUDGET_CURRENCY="EUR",
        COSTMILL_BUDGET_EXIT_ON_THRESHOLD="1",
        COSTMILL_BUDGET_EXIT_CODE="9",
    ).scopes
    assert [(s.amount, s.currency, s.exit_on_threshold, s.exit_code) for s in scopes] == [
        (Decimal("7.5"), "EUR", True, 9),
        (Decimal(1), "EUR", False, 1),
    ]


def test_flags_come_before_the_environment(tmp_path: Path) -> None:
    flags = BudgetOverrides(exit_on_threshold=False, exit_code=0, amount=Decimal(0))
    environ = {
        "COSTMILL_BUDGET_AMOUNT": "7",
        "COSTMILL_BUDGET_EXIT_ON_THRESHOLD": "true",
        "COSTMILL_BUDGET_EXIT_CODE": "9",
    }
    (scope,) = budgets(tmp_path, GLOBAL, flags, **environ).scopes
    assert (scope.amount, scope.exit_on_threshold, scope.exit_code) == (Decimal(0), False, 0)


def test_an_amount_of_the_environment_makes_a_global_budget(tmp_path: Path) -> None:
    (scope,) = budgets(tmp_path, "currency: {report: EUR}", COSTMILL_BUDGET_AMOUNT="1e3").scopes
    assert (scope.budget_id, scope.amount, scope.currency) == ("global", Decimal(1000), "EUR")


def test_an_amount_of_the_environment_enables_other_scopes(tmp_path: Path) -> None:
    text = "cost: {budgets: {global: {currency: EUR}, providers: {aws: {amount: 1}}}}"
    assert len(budgets(tmp_path, text, COSTMILL_BUDGET_AMOUNT="5").scopes) == 2


def test_a_global_budget_that_the_environment_disables_is_named(tmp_path: Path) -> None:
    text = GLOBAL + "    providers: {aws: {amount: 1}}\n"
    found = problem(tmp_path, text, {"COSTMILL_BUDGET_AMOUNT": "0"})
    assert found.endswith("(COSTMILL_BUDGET_AMOUNT is 0)")


def test_a_mismatch_with_the_environments_currency_names_the_variable(tmp_path: Path) -> None:
    text = GLOBAL + "    providers: {aws: {amount: 1, currency: USD}}\n"
    found = problem(tmp_path, text, {"COSTMILL_BUDGET_CURRENCY": "EUR"})
    assert "currency USD does not match the global EUR of COSTMILL_BUDGET_CURRENCY; write EUR" in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AMOUNT", "-1"),
        ("AMOUNT", "nan"),
        ("AMOUNT", "1_000"),
        ("CURRENCY", "usd"),
        ("EXIT_CODE", "-1"),
        ("EXIT_CODE", "1.0"),
        ("EXIT_ON_THRESHOLD", "yes"),
        ("EXIT_ON_THRESHOLD", "2"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str) -> None:
    found = problem(tmp_path, GLOBAL, {f"COSTMILL_BUDGET_{name}": value})
    assert found.startswith(f"COSTMILL_BUDGET_{name}: '{value}'")


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert budgets(tmp_path, GLOBAL, COSTMILL_BUDGET_AMOUNT="", COSTMILL_BUDGET_EXIT_CODE=" ") == budgets(
        tmp_path, GLOBAL
    )


def test_a_variable_without_a_budget_to_set_is_warned_of(tmp_path: Path) -> None:
    found = settings(tmp_path, "tags: {}", COSTMILL_BUDGET_EXIT_CODE="70")
    assert found.budgets is None
    assert [warning.split(":")[0] for warning in found.warnings] == ["COSTMILL_BUDGET_EXIT_CODE"] * 2


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({"exit_code": 256}, "--exit-code"),
        ({"amount": Decimal("NaN")}, "--budget-amount"),
        ({"amount": Decimal(-1)}, "--budget-amount"),
        ({"currency": "dollar"}, "--budget-currency"),
    ],
)
def test_a_wrong_flag_is_a_usage_error(values: dict[str, object], flag: str) -> None:
    with pytest.raises(UsageError, match=f"^{flag}: "):
        BudgetOverrides(**values)  # type: ignore[arg-type]


# --- invariants -------------------------------------------------------------------------------

PRIORITIES = st.dictionaries(st.from_regex(r"\A[a-z]{1,3}:(\*|[a-z]{1,2})\Z"), st.integers(-3, 3), max_size=6)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=more(6, 200))
@given(PRIORITIES)
def test_the_order_in_the_file_does_not_matter(tmp_path: Path, priorities: dict[str, int]) -> None:
    lines = [f'      - {{selector: "{name}", amount: 1, priority: {p}}}\n' for name, p in priorities.items()]
    forwards = budgets(tmp_path, GLOBAL + "    tags:\n" + "".join(lines)).scopes
    backwards = budgets(tmp_path, GLOBAL + "    tags:\n" + "".join(reversed(lines))).scopes
    assert forwards == backwards
    keys = [(-scope.priority, scope.scope_key) for scope in forwards[1:]]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("period: custom, starts: 2026-01-01", "global: ends is missing: a custom period is the days from starts to before ends"),
        ("starts: 2026-02-01, ends: 2026-02-01", "ends: 2026-02-01 is not after starts, 2026-02-01; it is the first day that does not count"),
        ("starts: 2026-02-30", "starts: '2026-02-30' is no day; write it as YYYY-MM-DD, such as 2026-03-22"),
        ("period: weekly, period_by: billing", "period_by: billing does not fit the period weekly: a bill is a month; leave it out or write charge"),
    ],
)  # fmt: skip
def test_a_window_that_cannot_be_is_refused(tmp_path: Path, keys: str, expected: str) -> None:
    assert problem(tmp_path, GLOBAL.replace("100}", f"100, {keys}}}")).endswith(expected)


@pytest.mark.parametrize(("period", "by"), [("quarterly", "billing"), ("weekly", "charge"), ("lifetime", "charge")])
def test_months_go_by_the_bill_and_the_rest_by_the_charge(tmp_path: Path, period: str, by: str) -> None:
    (scope,) = budgets(tmp_path, GLOBAL.replace("100}", f"100, period: {period}}}")).scopes
    assert (scope.period, scope.period_by) == (period, by)


HIERARCHY = """\
cost:
  budgets:
    global: {amount: 100, planned: {"2026-04": 50}}
    providers:
      aws: {amount: 60, parent: global}
      gcp: {amount: 20, parent: global}
"""


def test_the_limits_of_children_together_may_not_pass_their_parents(tmp_path: Path) -> None:
    assert problem(tmp_path, HIERARCHY) == (
        "line 3: cost.budgets.global: the limits of its children are 80 together from 2026-04 on, its own is 50;"
        " raise it or lower theirs"
    )
    fits = HIERARCHY.replace(": 50}", ": 80}")
    assert [scope.parent for scope in budgets(tmp_path, fits).scopes] == [None, "global", "global"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("parent: globe", "parent 'globe' is no budget of this file; did you mean 'global'?"),
        ("parent: provider:aws", "parent 'provider:aws' is below this budget itself; a budget has no parent among its children"),
        ("parent: global, period: weekly", "parent 'global' is monthly, and this budget weekly: their limits cannot be compared"),
        ("period: weekly, planned: {}", "planned: is an amount per month or quarter, and the period is weekly; leave it out"),
        ("planned: {2026-Q1: 5}", "'2026-Q1' is no billing period; write it as YYYY-MM, such as 2026-03"),
        ("period: lifetime, rollover: {max_percent: 5}", "rollover: the period lifetime has none before it; leave it out"),
        ("rollover: {max_percent: 101}", "'101' is out of range; write percent from 0 to 100"),
        ("rollover: {}", "rollover: max_percent is missing; write percent of the limit, such as 25"),
        ("filter: {column: ServiceNam, equals: x}", "'ServiceNam' is no column of a charge; did you mean 'ServiceName'?"),
        ("filter: {tag: team}", "a condition has one of equals, in, prefix, contains, present, absent"),
        ("basis: blended", "'blended' is unknown; did you mean 'billed'?"),
        ("alerts: [{amount: 5, threshold: 5}]", "amount: stands beside threshold; an alert has percent or an amount, not both"),
        ("alerts: [{amount: 5}, {amount: 5.0}]", "alerts[1]: amount 5 (actual) stands twice; keep one"),
    ],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_refused(tmp_path: Path, keys: str, expected: str) -> None:
    text = GLOBAL + f"    providers:\n      aws: {{amount: 1, {keys}}}\n"
    assert problem(tmp_path, text).endswith(expected)


def test_percent_and_amounts_are_thresholds_of_one_list(tmp_path: Path) -> None:
    text = GLOBAL.replace("100}", "100, alerts: [{threshold: 80}, {amount: 80}]}")
    assert [(each.threshold, each.unit) for each in budgets(tmp_path, text).scopes[0].alerts] == [
        (Decimal(80), "percent"), (Decimal(80), "amount"),
    ]  # fmt: skip
