"""`tags`, `splits` and `calendar` of the file: what they become, and what is told of each mistake."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from textwrap import indent

import pytest

from pipeline.rules import Comparison, Joined, Operand, Split, VirtualRule, VirtualTag
from tests.config.files import problem, problems, settings

SERVICE = Operand("column", "ServiceName")


def virtual(rule: str) -> str:
    return f"tags:\n  virtual:\n    - key: product\n      rules:\n        - {rule}\n"


def split(keys: str) -> str:
    return f"splits:\n  - {{name: s, key: team, match: {{tag: shared, present: true}}, {keys}}}\n"


def test_aliases_are_kept_by_key_in_the_order_of_their_list(tmp_path: Path) -> None:
    rules = settings(tmp_path, 'tags: {aliases: {team: [Team, "user:team"], env: [Env]}}').tags.rules
    assert rules.aliases == (("env", ("Env",)), ("team", ("Team", "user:team")))


def test_conditions_nest_as_they_are_written(tmp_path: Path) -> None:
    when = (
        "{all: [{column: ServiceName, in: [a, no]}, {not: {any: [{tag: env, absent: true}, {tag: env, equals: ''}]}}]}"
    )
    [tag] = settings(tmp_path, virtual(f"{{value: on, when: {when}}}")).tags.rules.virtual
    env = Operand("tag", "env")
    either = Joined("any", (Comparison(env, "absent"), Comparison(env, "equals", ("",))))
    expected = Joined("all", (Comparison(SERVICE, "in", ("a", "no")), Joined("not", (either,))))
    assert tag == VirtualTag("product", (VirtualRule(expected, "on"),))


def test_numbers_are_compared_as_numbers(tmp_path: Path) -> None:
    [tag] = settings(tmp_path, virtual("{value: x, when: {column: BilledCost, in: ['1.50', 1e2]}}")).tags.rules.virtual
    assert tag.rules[0].when == Comparison(Operand("column", "BilledCost"), "in", ("1.5", "100"))


def test_columns_that_sources_keep_can_be_asked(tmp_path: Path) -> None:
    sources = "sources: [{name: a, path: a, keep_columns: [Cost Center]}]\n"
    text = sources + virtual("{value_from: {column: x_Cost_Center}, when: {column: x_Cost_Center, present: true}}")
    assert settings(tmp_path, text).tags.rules.virtual_keys == ("product",)


def test_whose_a_charge_is_comes_of_rules_and_sources_and_is_no_tag(tmp_path: Path) -> None:
    sources = "sources: [{name: b, path: b, tenant: bolt}, {name: a, path: a, tenant: Acme & Co}, {name: c, path: c}]\n"
    rule = virtual("{value: acme, when: {tag: env, present: true}}").replace("product", "x_TenantId")
    asked = split("by: even").replace("tag: shared, present: true", "column: x_TenantId, absent: true")
    found = settings(tmp_path, sources + rule + asked)
    rules = found.tags.rules
    assert (rules.tenants, rules.virtual) == ((("a", "Acme & Co"), ("b", "bolt")), ())
    assert rules.tenant == VirtualTag(
        "x_TenantId", (VirtualRule(Comparison(Operand("tag", "env"), "present"), "acme"),)
    )
    assert found.splits[0].match == Comparison(Operand("column", "x_TenantId"), "absent")
    keys = "tags: {report_keys: [x_TenantId]}\ncost: {budgets: {global: {amount: 1}, tags: [{selector: 'x_TenantId:*', amount: 1}]}}"
    assert problems(tmp_path, keys) == [
        "line 1: tags.report_keys: x_TenantId is a column that every roll-up has; leave it out",
        "line 2: cost.budgets.tags: x_TenantId is a column and no tag; give a budget a filter that asks for it",
    ]
    circular = virtual("{value: a, when: {column: x_TenantId, present: true}}")
    assert "'x_TenantId' is no column of a charge" in problem(tmp_path, circular)


def test_a_split_has_defaults_and_weights(tmp_path: Path) -> None:
    match = Comparison(Operand("tag", "shared"), "present")
    [even] = settings(tmp_path, split("by: even, to: [b, a]")).splits
    assert even == Split("s", "team", match, "even", (("b", Decimal(1)), ("a", Decimal(1))))
    [fixed] = settings(tmp_path, split("by: fixed, to: {a: 60.5, '': 1}")).splits
    assert fixed.to == (("a", Decimal("60.5")), ("", Decimal(1)))
    [basis] = settings(
        tmp_path, split("by: proportional, basis: {cost: ListCost, where: {tag: env, equals: p}}")
    ).splits
    assert (basis.basis, basis.basis_where) == ("ListCost", Comparison(Operand("tag", "env"), "equals", ("p",)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tags: {aliases: {team: [Team], owner: [Team]}}", "tags.aliases.owner: 'Team' is an alias of 'team' already"),
        ("tags: {aliases: {team: [Team], Team: [x]}}", "tags.aliases.team: 'Team' is a key of aliases itself"),
        ("tags: {aliases: {team: [team]}}", "tags.aliases.team: 'team' is a key of aliases itself"),
        ("tags: {aliases: {team: Team}}", "tags.aliases.team: must be a list"),
        (
            "tags: {report_keys: [Team], aliases: {team: [Team]}}",
            "tags.report_keys[0]: 'Team' is an alias of 'team'; write",
        ),
        (
            'tags: {aliases: {team: [Team]}}\ncost: {budgets: {global: {amount: 9}, tags: [{selector: "Team:*", amount: 1}]}}',
            "cost.budgets.tags: a selector asks for 'Team', an alias of 'team'; write team",
        ),
        ("tags: {virtual: [{key: a}]}", "tags.virtual[0]: rules is missing; write at least one"),
        ("tags: {virtual: [{rules: [{value: x, when: {tag: a, present: true}}]}]}", "tags.virtual[0]: key is missing"),
        (virtual("{value: x}"), "rules[0]: when is missing; write a condition such as {column: ServiceName"),
        (virtual("{when: {tag: a, present: true}}"), "rules[0]: needs one of value and value_from"),
        (
            virtual("{value: x, when: {column: ServiceNam, equals: a}}"),
            "'ServiceNam' is no column of a charge; did you mean",
        ),
        (virtual("{value: x, when: {column: Tags, equals: a}}"), "'Tags' is asked by key; write `tag: KEY`"),
        (virtual("{value: x, when: {equals: a}}"), "when: needs one of column and tag"),
        (virtual("{value: x, when: {tag: a}}"), "a condition has one of equals, in, prefix, contains, present, absent"),
        (virtual("{value: x, when: {tag: a, in: []}}"), "when.in: is empty; give it at least one value"),
        (
            virtual("{value: x, when: {tag: a, present: false}}"),
            "is true or left out; for the opposite write absent: true",
        ),
        (virtual("{value: x, when: {any: []}}"), "when.any: is empty; give it at least one condition"),
        (virtual("{value: x, when: {any: [{tag: a, present: true}], tag: b}}"), "any stands alone in its mapping"),
        (virtual("{value: x, when: {column: BilledCost, prefix: 1}}"), "the column holds numbers; use equals or in"),
        (virtual("{value: x, when: {column: BilledCost, equals: ten}}"), "'ten' is no number"),
        (virtual("{value: x, when: {column: BilledCost, equals: 1e21}}"), "has more digits than a column holds"),
        (split("by: fixed"), "splits[0].to: needs target: weight pairs for a fixed split"),
        (split("by: fixed, to: {a: 0}"), "splits[0].to.a: '0' is no weight"),
        (split("by: even, to: []"), "splits[0].to: is empty; list the targets, or leave it out"),
        (split("by: even, basis: {cost: ListCost}"), "splits[0].basis: belongs to a proportional split; even has none"),
        (split("by: proportional, basis: {cost: Cost}"), "splits[0].basis.cost: 'Cost' is unknown"),
        (split("by: half"), "splits[0].by: 'half' is unknown"),
        (split("by: even") + split("by: even")[8:], "splits[1].name: 's' stands twice"),
        ("calendar: {fiscal_year_start: 0}", "calendar.fiscal_year_start: '0' is no whole number from 1 to 12"),
    ],
)
def test_a_mistake_is_told_with_what_would_be_right(tmp_path: Path, text: str, told: str) -> None:
    assert told in problem(tmp_path, text)


def test_a_wrong_condition_names_its_line_and_all_are_told_at_once(tmp_path: Path) -> None:
    rules = "- {value: x, when: {tag: a}}\n- value: y\n  when:\n    not: {column: RegionID, equals: eu}\n"
    text = "tags:\n  virtual:\n    - key: product\n      rules:\n" + indent(rules, " " * 8)
    first, second = problems(tmp_path, text)
    assert first.startswith("line 5: tags.virtual[0].rules[0].when: a condition has one of")
    assert second.startswith("line 8: tags.virtual[0].rules[1].when.not.column: 'RegionID' is no column of a charge")
